"""Requests that nobody should send, at every door of the stack, and what becomes of each.

A text is sent as it is, as Lambda's runtime reads it; any other document as JSON. ``error`` is the name of what is
raised, "" when the request is taken; ``says`` is a part of the message.
"""

import json
from dataclasses import dataclass
from typing import Any

BUCKET = "data-bucket"
DATASET = {"S3Uri": f"s3://{BUCKET}/datasets/rows.csv", "TargetColumn": "y"}
ROWS = {"S3Uri": f"s3://{BUCKET}/datasets/rows.csv"}
SERVED = {"Endpoint": {"Name": "rings"}, "Dataset": ROWS}
MODEL = {"Name": "rings-0a1b2c3d"}
SERVERLESS = {"Serverless": {"MemorySizeInMB": 2048, "MaxConcurrency": 2}}
OTHER_RUN = f"s3://{BUCKET}/runs/other-9f8e7d6c/"
HALF, LEFTWARDS, INVISIBLE = "\ud800", "\u202e", "\u200b"


@dataclass(frozen=True)
class Hostile:
    """One request. ``door``: automl, recipe, scoring, deployment, approval or cli."""

    name: str
    door: str
    sent: Any
    says: str
    error: str = "InvalidRequest"

    @property
    def document(self) -> Any:
        """As the function gets it."""
        return json.loads(self.sent if isinstance(self.sent, str) else json.dumps(self.sent))


def automl(**sections: Any) -> dict[str, Any]:
    return {"Dataset": DATASET, **sections}


def _text(key: str, value: str, section: str = "AutoML") -> str:
    """A request in which one value is written as nobody's JSON library would."""
    return json.dumps(automl(**{section: {key: "@"}})).replace('"@"', value)


def _deep(levels: int, begin: str = "[", end: str = "]") -> str:
    return json.dumps(automl(Transform={"Drop": ["@"]})).replace('"@"', begin * levels + "1" + end * levels)


AUTOML = [
    Hostile("nothing", "automl", "null", "must be a JSON object"),
    Hostile("a list", "automl", "[]", "must be a JSON object"),
    Hostile("a text", "automl", '"Dataset"', "must be a JSON object"),
    Hostile("a number", "automl", "-0", "must be a JSON object"),
    Hostile("an empty object", "automl", "{}", "Dataset is missing from the execution input. Add it"),
    Hostile("lists in 9,000 layers", "automl", _deep(9_000), "Transform.Drop[0] in the execution input holds lists"),
    Hostile("objects in 5,000 layers", "automl", '{"a":' * 5_000 + "1" + "}" * 5_000, "more than 16 layers"),
    Hostile("a name of 250 KB", "automl", automl(Endpoint={"Name": "x" * 250_000}), "shorten 'Endpoint', its largest"),
    Hostile("a list of 100,000", "automl", automl(Transform={"Drop": ["a"] * 100_000}), "bytes but may have 65,536"),
    Hostile("a list of many kinds", "automl", automl(Transform={"Drop": [*range(6_000), ["a"], "b"]}), "be a text"),
    Hostile("4,000 unknown keys", "automl", {f"k{n}": n for n in range(4_000)}, "'k0' in the execution input"),
    Hostile("a key of 60 KB", "automl", {"k" * 60_000: 1}, "is not a known key"),
    Hostile("a key that Python knows", "automl", automl(__class__={"__init__": 1}), "'__class__' in the execution"),
    Hostile("a key that JavaScript knows", "automl", '{"__proto__": {"Dataset": {}}}', "'__proto__' in the execution"),
    Hostile("the wrong case", "automl", {"dataset": DATASET}, "Did you mean 'Dataset'?"),
    Hostile("all sections are lists", "automl", {"Dataset": [], "AutoML": [], "Endpoint": []}, "must be a JSON object"),
    Hostile("all sections are null", "automl", '{"Dataset": null, "Transform": null}', "is null but must be"),
    Hostile("a number as text", "automl", automl(AutoML={"MaxCandidates": "10"}), 'MaxCandidates is "10" but must'),
    Hostile("true as a number", "automl", automl(AutoML={"MaxCandidates": True}), "is true but must be a whole"),
    Hostile("zero candidates", "automl", automl(AutoML={"MaxCandidates": 0}), "at least 1"),
    Hostile("751 candidates", "automl", automl(AutoML={"MaxCandidates": 751}), "at most 750"),
    Hostile("half a candidate", "automl", automl(AutoML={"MaxCandidates": 1.5}), "a whole number"),
    Hostile("ten candidates as 1e1", "automl", _text("MaxCandidates", "1e1"), "", ""),
    Hostile("not a number", "automl", _text("Calibration", "NaN", "Transform"), "Calibration is no finite number"),
    Hostile("infinity", "automl", _text("Margin", "-Infinity", "Gate"), "Gate.Margin is no finite number"),
    Hostile("1e400", "automl", _text("MaxInferenceLatencySeconds", "1e400", "Selection"), "is no finite number"),
    Hostile("a number of 400 digits", "automl", _text("Margin", "9" * 400, "Gate"), "more than 18 digits"),
    Hostile("a threshold of 1.01", "automl", automl(Confidence={"Threshold": 1.01}), "at most 1"),
    Hostile("a threshold of 0", "automl", automl(Confidence={"Threshold": 0}), "more than 0"),
    Hostile(
        "two ways to be sure",
        "automl",
        automl(Confidence={"Threshold": 0.9, "TargetPrecision": 0.9}),
        "two ways to decide what is accepted",
    ),
    Hostile(
        "both kinds of hosting",
        "automl",
        automl(Endpoint={"Serverless": {}, "InstanceType": "ml.m5.large"}),
        "keep one kind of hosting",
    ),
    Hostile("a key twice: the last counts", "automl", f'{{"Dataset": 1, "Dataset": {json.dumps(DATASET)}}}', "", ""),
    Hostile("an empty target", "automl", {"Dataset": {**DATASET, "TargetColumn": ""}}, "not empty"),
    Hostile("a target of 501 characters", "automl", {"Dataset": {**DATASET, "TargetColumn": "y" * 501}}, "at most 500"),
    Hostile("half a character", "automl", {"Dataset": {**DATASET, "TargetColumn": HALF}}, "half of a character"),
    Hostile("half a character in a key", "automl", automl(Transform={"Derive": {HALF: "x"}}), "half of a character"),
    Hostile("NUL in a column", "automl", {"Dataset": {**DATASET, "IdColumn": "a\0b"}}, "", ""),
    Hostile("control characters in a type", "automl", automl(Problem={"Type": "\x1b[2J\r\n"}), r"\u001b[2J\r\n"),
    Hostile("text that turns round", "automl", automl(Problem={"Type": f"{LEFTWARDS}MAE"}), r"\u202eMAE"),
    Hostile("text that nobody sees", "automl", automl(Approval=f"Manual{INVISIBLE}"), r"Manual\u200b"),
    Hostile("one of Python's formats", "automl", automl(Approval="{0.__class__}"), '"{0.__class__}" but must be one'),
    Hostile("a substitution", "automl", automl(Approval="${NotificationTopicArn}"), '"${NotificationTopicArn}" but'),
    Hostile("a JSON path", "automl", automl(Endpoint={"Name": "$.Execution.Id"}), "must be an endpoint name"),
    Hostile("a name with a line break", "automl", automl(Endpoint={"Name": "rings\n"}), "must be an endpoint name"),
    Hostile("a name of 64", "automl", automl(Endpoint={"Name": "r" * 64}), "Endpoint.Name is"),
    Hostile("a name of many hyphens", "automl", automl(Endpoint={"Name": f"a{'-' * 99}b"}), "at most 63"),
    Hostile("somebody's staging", "automl", automl(Endpoint={"Name": "rings-0a1b2c3d-staging"}), "which they delete"),
    Hostile("somebody's champion", "automl", automl(Endpoint={"Name": "a-0a1b2c3d-champion"}), "which they delete"),
    Hostile("a name like staging", "automl", automl(Endpoint={"Name": "rings-staging"}), "", ""),
    Hostile("an instance of no kind", "automl", automl(Endpoint={"InstanceType": "ml.m5.large; rm"}), "instance type"),
    Hostile("a bucket alone", "automl", {"Dataset": {**DATASET, "S3Uri": f"s3://{BUCKET}"}}, "must be an S3 URI"),
    Hostile("a web page", "automl", {"Dataset": {**DATASET, "S3Uri": "https://e.org/a"}}, "must be an S3 URI"),
    Hostile(
        "an access point",
        "automl",
        {"Dataset": {**DATASET, "S3Uri": "s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/a/k"}},
        "must be an S3 URI",
    ),
    Hostile("a local file", "automl", {"Dataset": {**DATASET, "S3Uri": "/etc/passwd"}}, "must be an S3 URI"),
    Hostile("a key of 1,025", "automl", {"Dataset": {**DATASET, "S3Uri": "s3://bkt/" + "é" * 513}}, "1,026 bytes"),
    Hostile("a key of 1,024", "automl", {"Dataset": {**DATASET, "S3Uri": "s3://bkt/" + "k" * 1_024}}, "", ""),
    Hostile("a new column without name", "automl", automl(Transform={"Derive": {"": "x"}}), "without outer spaces"),
    Hostile(
        "501 new columns", "automl", automl(Transform={"Derive": {f"d{n}": "x" for n in range(501)}}), "at most 500"
    ),
    Hostile("nothing left to learn from", "automl", automl(Transform={"Calibration": 0.5, "Test": 0.5}), "lower them"),
]


def recipe(name: str, sql: str, says: str, error: str = "InvalidRequest", key: str = "Filter") -> Hostile:
    """A request whose Filter or Derive is more than an expression."""
    return Hostile(name, "recipe", automl(Transform={key: sql if key == "Filter" else {"new": sql}}), says, error)


RECIPES = [
    recipe("a second statement", "x > 0; select 1", "uses SELECT"),
    recipe("a second statement of no words", "x > 0; drop", "is not an SQL expression"),
    recipe("a subquery", "x > (select max(x) from self)", "uses SELECT"),
    recipe("exists", "exists (table self)", "uses EXISTS"),
    recipe("a file", "read_csv('/etc/passwd')", "calls read_csv, which is not a function"),
    recipe("a Parquet file", "scan_parquet('s3://others/k')", "calls scan_parquet"),
    recipe("a function in quotes", '"read_csv"(s)', "calls a function by a quoted name"),
    recipe("a function in ticks", "`sum`(x) > 1", "calls a function by a quoted name"),
    recipe("a function after a comment", "sum/* ( */(x) > 1", "calls sum"),
    recipe("a Kelvin sign in a function", "ran\u212a(x)", "calls ran\u212a"),
    recipe("an aggregate", "x > avg(x)", "calls avg"),
    recipe("a window", "row_number() over (order by x) < 9", "uses OVER"),
    recipe("all columns", "*", "is not an SQL expression"),
    recipe("columns by pattern", "columns('.*') > 1", "calls columns"),
    recipe("another table", "others.x > 1", "uses 'others', which is not a column"),
    recipe("a huge type", "cast(x as decimal(1000000)) > 1", "calls decimal"),
    recipe("a parameter", "x > ?", "is not an SQL expression"),
    recipe("an assignment", "x := 1", "is not an SQL expression"),
    recipe("a text that never ends", "s = 'a", "is not an SQL expression"),
    recipe("a column that is invisible", f"{INVISIBLE}x > 0", r"'\u200bx > 0' is not an SQL expression"),
    recipe("a column with quotes in its name", '"x""; drop" > 0', "which is not a column"),
    recipe("no column", "1 = 1", "uses no column"),
    recipe("today", "current_date > x", "uses CURRENT_DATE"),
    recipe("chance", "random() < 0.5", "calls random"),
    recipe("no condition", "x + 1", "is no condition"),
    recipe("repeat", "repeat('a', 1000000000) = s", "calls repeat"),
    recipe("10,000 parentheses", "(" * 10_000 + "x > 0" + ")" * 10_000, "is not an SQL expression"),
    recipe("20,000 additions", "+".join(["x"] * 20_000), "takes 39,999 steps for each row but may take 400"),
    recipe("6,000 conditions", " and ".join(["x > 1"] * 6_000), "takes 17,999 steps"),
    recipe("7,000 casts", "x" + "::double" * 7_000, "takes 14,001 steps", key="Derive"),
    recipe("12,000 texts together", " || ".join(["s"] * 12_000), "takes 35,998 steps", key="Derive"),
    recipe("2 to the 40th, by BETWEEN", "x" + " between 0 and 1" * 40, "takes millions of steps"),
    recipe("2 to the 30th, by NULLIF", "nullif(" * 30 + "x" + ", 1)" * 30, "takes millions of steps", key="Derive"),
    recipe("texts that grow", "replace(" * 9 + "s" + ",'a','aaaaaaaaaa')" * 9, "1,000 times as long", key="Derive"),
    recipe("a regular expression that grows", "regexp_like(s, '((a{1,999}){1,999}){1,999}')", "exceeds size limit"),
    recipe("60 KB of nonsense", "§" * 30_000, "takes 30,000 steps"),
    recipe("division by zero, which is infinity", "-(x + 1) / 0 > 0", "has 3 rows", "InvalidDataset"),
    recipe("a regular expression in linear time", "s ~ '(a+)+$'", "has 3 rows", "InvalidDataset"),
    recipe("a value of 1e400", "x < 1e400", "has 3 rows", "InvalidDataset"),
    Hostile("a column that is not there", "recipe", automl(Transform={"Drop": ["{0.__class__}"]}), "'{0.__class__}'"),
    Hostile(
        "somebody else's bucket",
        "recipe",
        {"Dataset": {**DATASET, "S3Uri": "s3://somebody-elses-bucket/k"}},
        "its bucket does not exist",
        "InvalidDataset",
    ),
    Hostile(
        "a key that goes up",
        "recipe",
        {"Dataset": {**DATASET, "S3Uri": f"s3://{BUCKET}/datasets/../datasets/rows.csv"}},
        "There is no object at",
        "InvalidDataset",
    ),
    Hostile(
        "a key that goes up in disguise",
        "recipe",
        {"Dataset": {**DATASET, "S3Uri": f"s3://{BUCKET}/%2e%2e/datasets/rows.csv "}},
        "There is no object at",
        "InvalidDataset",
    ),
    Hostile(
        "what a run wrote about itself",
        "recipe",
        {"Dataset": {**DATASET, "S3Uri": f"{OTHER_RUN}calibration.json"}},
        "calibration.json is JSON; save it as CSV",
        "InvalidDataset",
    ),
]


def scoring(name: str, says: str, **keys: Any) -> Hostile:
    """An input of the scoring machine."""
    return Hostile(name, "scoring", {**SERVED, **keys}, says)


STARTED_BY = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"
SCORINGS = [
    Hostile("nothing to score", "scoring", {}, "has no Endpoint and Dataset"),
    Hostile("an upload without a name", "scoring", {"Endpoint": {"Name": "rings"}, "Upload": {}}, "'Upload' in the"),
    Hostile("an endpoint that is a list", "scoring", {**SERVED, "Endpoint": ["rings"]}, "must be a JSON object"),
    Hostile("everything at once", "scoring", {**SERVED, "Resume": f"s3://{BUCKET}/scorings/a/"}, "leave one of them"),
    scoring("200 KB that nobody reads", "bytes but may have 65,536", **{STARTED_BY: "x" * 200_000}),
    scoring("a threshold that is no number", "is null but must be a number", Confidence={"Threshold": None}),
    scoring("results elsewhere", "must be a folder below", OutputUri="s3://somebody-elses/scorings/a"),
    scoring("results everywhere", "must be a folder below", OutputUri=f"s3://{BUCKET}/scorings/"),
    scoring("results in another run", "in the folder of the run 'other-9f8e7d6c'", OutputUri=OTHER_RUN),
    scoring(
        "results in another run, as if by a run",
        "whose results this scoring would replace",
        OutputUri=f"{OTHER_RUN}proof/test/",
        **{STARTED_BY: "arn:aws:states:eu-central-1:123456789012:execution:automl:mine"},
    ),
    scoring("results that go up", "'.' or '..'", OutputUri=f"s3://{BUCKET}/scorings/../runs/other-9f8e7d6c/"),
    scoring("results in no name", "no empty names", OutputUri=f"s3://{BUCKET}/scorings//a//b"),
    scoring(
        "results with long names", "bytes; give a folder of at most", OutputUri=f"s3://{BUCKET}/scorings/" + "é" * 700
    ),
    scoring(
        "results that replace the rows",
        "which the results in",
        Dataset={"S3Uri": f"s3://{BUCKET}/scorings/a/accepted/"},
        OutputUri=f"s3://{BUCKET}/scorings/a",
    ),
    scoring(
        "rows that hold the results",
        "which the results in",
        Dataset={"S3Uri": f"s3://{BUCKET}/scor"},
        OutputUri=f"s3://{BUCKET}/scorings/a",
    ),
    scoring(
        "Windows' slashes: no such endpoint", "There is no endpoint", OutputUri=f"s3://{BUCKET}/scorings/..\\..\\a"
    ),
    scoring(
        "a key of 1,024 bytes: no such endpoint", "There is no endpoint", Dataset={"S3Uri": "s3://bkt/" + "k" * 1_024}
    ),
    scoring("a column of 60 KB", "at most 500", Dataset={**ROWS, "IdColumn": "x" * 60_000}),
    scoring("an endpoint that goes up", "must be an endpoint name", Endpoint={"Name": "../../models/a"}),
    scoring(
        "101 instances",
        "at most 100",
        Engine="BatchTransform",
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 101},
    ),
    Hostile("predictions of others", "scoring", {"Predictions": "s3://others/runs/a/"}, "must be a folder below"),
    Hostile("predictions that go up", "scoring", {"Predictions": f"s3://{BUCKET}/runs/a/../b/"}, "'.' or '..'"),
    Hostile(
        "predictions of nobody", "scoring", {"Predictions": f"s3://{BUCKET}/runs/nobody/"}, "but there is no s3://"
    ),
    Hostile(
        "a scoring that never was", "scoring", {"Resume": f"s3://{BUCKET}/scorings/never/"}, "but there is no s3://"
    ),
]
DEPLOYMENTS = [
    Hostile("nothing to deploy", "deployment", {}, "is missing from the deployment's input"),
    Hostile("a model without a name", "deployment", {"Model": {}, "Endpoint": {}}, "Model.Name is missing"),
    Hostile("a model with a line break", "deployment", {"Model": {"Name": "a\n"}, "Endpoint": {}}, "a model name"),
    Hostile(
        "a config beyond its name",
        "deployment",
        {"Model": MODEL, "Endpoint": SERVERLESS, "Replaces": "a" * 64},
        "Replaces is",
    ),
    Hostile("an endpoint in 5,000 layers", "deployment", '{"Endpoint":' * 5_000 + "1" + "}" * 5_000, "layers"),
    Hostile("no hosting", "deployment", {"Model": MODEL, "Endpoint": {}}, "There is no model 'rings-0a1b2c3d'"),
    Hostile(
        "memory of 1e3",
        "deployment",
        {"Model": MODEL, "Endpoint": {"Serverless": {"MemorySizeInMB": 1e3, "MaxConcurrency": 1}}},
        "one of 1024",
    ),
]
ARN = "arn:aws:sagemaker:eu-central-1:123456789012:model-package/rings/2"
NO_EVENT = "no detail.ModelPackageArn or no detail.ModelApprovalStatus"
APPROVALS = [
    Hostile("an empty event", "approval", {}, NO_EVENT),
    Hostile(
        "an event about nothing", "approval", {"detail": {"ModelApprovalStatus": "Approved"}, "resources": []}, NO_EVENT
    ),
    Hostile("an event that is a list", "approval", {"detail": [], "resources": {}}, NO_EVENT),
    Hostile(
        "a package that is a path",
        "approval",
        {"detail": {"ModelPackageArn": "../a", "ModelApprovalStatus": "Approved"}},
        NO_EVENT,
    ),
    Hostile(
        "a package of a thousand letters",
        "approval",
        {"detail": {"ModelPackageArn": ARN + "a" * 1_000, "ModelApprovalStatus": "Approved"}},
        NO_EVENT,
    ),
    Hostile(
        "a status that is a list", "approval", {"detail": {"ModelPackageArn": ARN, "ModelApprovalStatus": []}}, NO_EVENT
    ),
]

UNREADABLE = [
    Hostile("lists in 30,000 layers", "automl", _deep(30_000), "Simplify the input", "Runtime.UnmarshalError"),
    Hostile(
        "a number of 5,000 digits",
        "automl",
        _text("Margin", "9" * 5_000, "Gate"),
        "Simplify the input",
        "Runtime.UnmarshalError",
    ),
]
"""What Lambda's runtime cannot even hand to a function."""

FILE = "--input"
COMMANDS: list[tuple[str, list[str], str, str]] = [
    (
        "a confidence that is no number",
        ["run", "rows.csv", "--target", "y", "--min-confidence", "nan"],
        "",
        "--min-confidence is nan",
    ),
    ("a margin without end", ["run", "rows.csv", "--target", "y", "--margin", "inf"], "", "--margin is inf"),
    ("a bound that is no number", ["run", "rows.csv", "--target", "y", "--minimum", "RMSE=nan"], "", "is no bound"),
    ("a width without end", ["score", "rows.csv", "--max-interval-width", "inf"], "", "is no width"),
    ("an empty target", ["run", "rows.csv", "--target", ""], "", "no target"),
    ("a target of other bytes", ["run", "rows.csv", "--target", "y\udcff"], "", "no text in UTF-8"),
    ("no data at all", ["score", ""], "", "no data"),
    ("a file that is not there", ["run", "../../nowhere.csv", "--target", "y"], "", "nowhere.csv"),
    ("a request in 30,000 layers", ["run", FILE, "request.json"], _deep(30_000), "too many layers"),
    (
        "a request with a key twice",
        ["run", FILE, "request.json"],
        '{"Dataset": {}, "Dataset": {}}',
        "'Dataset' is there twice",
    ),
    ("a request with NaN", ["run", FILE, "request.json"], '{"Gate": {"Margin": NaN}}', "NaN is no number"),
    (
        "a request with a huge number",
        ["run", FILE, "request.json"],
        '{"Gate": {"Margin": %s}}' % ("9" * 5_000),
        "is no request",
    ),
    ("a request that is a list", ["run", FILE, "request.json"], "[]", "must be a JSON object"),
    ("a request that is nothing", ["run", FILE, "request.json"], "", "not JSON"),
    ("a filter by nothing", ["filter", "../../runs"], "", "nothing to filter by"),
    (
        "a filter in a cloud that is not there",
        ["filter", "x", "--min-confidence", "0.9", "--port", "9"],
        "",
        "no local cloud runs",
    ),
    ("a report by a path", ["report", "../../etc/passwd", "--port", "9"], "", "no local cloud runs"),
    ("an approval of everything", ["approve", "", "--port", "9"], "", "no local cloud runs"),
    ("port zero", ["report", "x", "--port", "0"], "", "Invalid value for"),
    ("more than all may fail", ["score", "rows.csv", "--tolerate", "101"], "", "Invalid value for"),
]
"""Command lines: name, arguments, content of request.json, and a part of the message."""

REQUESTS = [*AUTOML, *RECIPES, *SCORINGS, *DEPLOYMENTS, *APPROVALS]
