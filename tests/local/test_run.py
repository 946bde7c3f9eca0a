"""The whole thing, as a person runs it: a CSV goes in, a deployed model and predictions it is sure of come out."""

import gzip
import json
import re
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from jsonschema import validate

from autoflow.execution import executions_of
from autoflow.local.cloud import REGION, Cloud
from autoflow.local.deploy import PROJECT, Stack
from tests.local.conftest import AUTOFLOW, Cli, Ended, customers, history, houses, read_csv, write_csv


def objects(cloud: Cloud, stack: Stack, prefix: str) -> list[str]:
    pages = cloud.client("s3").get_paginator("list_objects_v2")
    found = pages.paginate(Bucket=stack.outputs["DataBucketName"], Prefix=prefix)
    return [item["Key"] for page in found for item in page.get("Contents", [])]


@pytest.fixture(scope="module")
def classified(cloud: Cloud, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> tuple[Ended, Path]:
    """One classification run, whose results several tests look at."""
    folder = tmp_path_factory.mktemp("classification")
    write_csv(folder / "customers.csv", customers())
    command = "run customers.csv --target cancels --id-column customer --max-runtime 30 --max-candidates 4 --output out"
    done = subprocess.run(
        [AUTOFLOW, *command.split(), "--json", "--port", str(cloud.port)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return Ended(done.returncode, done.stdout, done.stderr), folder / "out"


def test_a_classification_ends_with_one_json_document(classified: tuple[Ended, Path]) -> None:
    ended, _ = classified
    assert ended.status == 0, ended.err
    result = ended.document
    validate(result, json.loads((PROJECT / "schemas" / "result.schema.json").read_text()))
    assert result["Outcome"] == "Completed"
    assert result["ProblemType"] == "BinaryClassification"
    assert result["Quality"]["Metrics"]["Accuracy"] > 0.8
    assert result["Candidates"]["Considered"] >= 2
    assert result["Endpoint"]["Status"] == "InService"
    assert result["Timing"]["TotalSeconds"] - result["Timing"]["AutoMLSeconds"] < 60


def test_accepted_and_review_are_all_rows_of_the_test_split_once(classified: tuple[Ended, Path]) -> None:
    ended, folder = classified
    result, accepted, review = ended.document, read_csv(folder / "accepted.csv"), read_csv(folder / "review.csv")
    assert list(accepted[0]) == ["customer", "Prediction", "Confidence"]
    assert (len(accepted), len(review)) == (result["Scoring"]["Accepted"], result["Scoring"]["Review"])
    assert len(accepted) + len(review) == result["Scoring"]["Rows"] == result["Quality"]["Rows"] > 50
    assert all(float(row["Confidence"]) >= 0.9 for row in accepted)
    assert all(float(row["Confidence"]) < 0.9 and row["Reason"] == "LowConfidence" for row in review)
    ids = [row["customer"] for row in (*accepted, *review)]
    truth = {row["customer"]: row["cancels"] for row in customers()}
    assert len(set(ids)) == len(ids)
    right = sum(row["Prediction"] == truth[row["customer"]] for row in accepted) / len(accepted)
    assert right == pytest.approx(result["Scoring"]["Metrics"]["Accuracy"], abs=1e-3)
    assert right >= result["Quality"]["Metrics"]["Accuracy"] - 0.01
    assert json.loads((folder / "result.json").read_text()) == result


def test_progress_goes_to_standard_error(classified: tuple[Ended, Path]) -> None:
    ended, _ = classified
    for state in ("Validate Request", "Transform Data", "Get AutoML Job", "Evaluate Model", "Publish Results"):
        assert f"] {state}" in ended.err
    for state in ("Create Endpoint", "Score Parts"):
        assert f"]   {state}" in ended.err
    for news in ("BinaryClassification", "for calibration", "none yet", "accepted; AUC", "Approved", "Completed"):
        assert news in ended.err


def test_the_cost_is_that_of_the_executions_histories(
    classified: tuple[Ended, Path], cloud: Cloud, stack: Stack
) -> None:
    """Counted here from the ended executions with all their states, by the run while it had not ended yet."""
    result = classified[0].document
    name = result["Run"].rpartition("-")[0]
    events = whole_history(cloud, f"{executions_of(stack.outputs['AutoMLStateMachineArn'])}:{name}")
    kinds = Counter(event["type"] for event in events)
    tasks = kinds["LambdaFunctionScheduled"] + kinds["TaskScheduled"]
    states = sum(number for kind, number in kinds.items() if kind.endswith("StateEntered"))
    exits = (event["stateExitedEventDetails"] for event in events if event["type"] == "TaskStateExited")
    parts = [json.loads(each["output"])["Parts"]["Usage"] for each in exits if each["name"] == "Collect Parts"]
    cost, dollars = result["Cost"], result["Cost"]["USD"]
    assert len(parts) == 2  # calibration split, test split
    in_parts = {key: sum(part[key] for part in parts) for key in parts[0]}
    transitions = states + tasks - kinds["TaskStateEntered"] + in_parts["StateTransitions"]
    assert cost["StateTransitions"] == transitions > 100
    assert cost["LambdaRequests"] == kinds["LambdaFunctionStarted"] + in_parts["LambdaRequests"]
    assert cost["LambdaGBSeconds"] > in_parts["LambdaGBSeconds"] > 0
    assert cost["EndpointSeconds"] > in_parts["InvocationSeconds"] > 0
    assert dollars["StepFunctions"] == pytest.approx(transitions * 0.000025, abs=1e-6)
    assert 0 < dollars["Endpoint"] < 0.01
    assert 0 < dollars["Lambda"] < 0.01
    assert (dollars["Transform"], cost["EndpointUSDPerHour"]) == (0, 0)
    page = (classified[1] / "report.html").read_text()
    assert "What it costs" in page
    assert "by the prices of us-east-1" in page


def whole_history(cloud: Cloud, execution: str) -> list[dict[str, Any]]:
    """Events of an execution and of those nested in it."""
    events = history(cloud, execution)
    submitted = (event["taskSubmittedEventDetails"] for event in events if event["type"] == "TaskSubmitted")
    nested = [json.loads(each["output"])["ExecutionArn"] for each in submitted if each["resourceType"] == "states"]
    return [*events, *(event for arn in nested for event in whole_history(cloud, arn))]


def test_a_run_can_be_looked_at_again(classified: tuple[Ended, Path], cli: Cli, tmp_path: Path) -> None:
    ended, folder = classified
    name = ended.document["Run"]
    again = cli("follow", name, "--json", "--output", "again")
    assert (again.status, again.document) == (0, ended.document), again.err
    for file in ("accepted.csv", "review.csv", "report.html"):
        assert (tmp_path / "again" / file).read_bytes() == (folder / file).read_bytes()
    reported = cli("report", name, "--output", "again")
    assert reported.out.strip() == str(tmp_path / "again" / "report.html")
    assert (tmp_path / "again" / "report.html").read_bytes() == (folder / "report.html").read_bytes()


def test_another_choice_among_a_runs_predictions_leaves_the_run_as_it_was(
    classified: tuple[Ended, Path], cli: Cli, tmp_path: Path
) -> None:
    result = classified[0].document
    stricter = cli("filter", result["Run"], "--min-confidence", "0.97", "--output", "strict")
    assert stricter.status == 0, stricter.err
    assert "confidence below 0.97" in stricter.out
    accepted, review = (read_csv(tmp_path / "strict" / name) for name in ("accepted.csv", "review.csv"))
    assert len(accepted) + len(review) == result["Scoring"]["Rows"]
    assert len(accepted) < result["Scoring"]["Accepted"]
    assert all(float(row["Confidence"]) >= 0.97 for row in accepted)
    assert cli("follow", result["Run"], "--json").document == result
    wrong = cli("filter", result["Run"], "--level", "0.9", "--json")
    assert (wrong.status, wrong.document["Error"]) == (2, "InvalidRequest")


def test_logs_tell_the_runs_story(classified: tuple[Ended, Path], cli: Cli) -> None:
    ended, _ = classified
    name = ended.document["Run"]
    logged = cli("logs", name)
    assert logged.status == 0
    assert "TransformData" in logged.out
    assert logged.out.count("GetAutoMLJob") >= ended.document["Polling"]["Polls"] >= 2
    assert cli("logs", "no-such-run").status == 2


def test_status_lists_the_run_and_its_endpoint(classified: tuple[Ended, Path], cloud: Cloud) -> None:
    ended, _ = classified
    shown = subprocess.run([AUTOFLOW, "status"], capture_output=True, text=True, check=True, timeout=60).stdout
    assert cloud.url in shown
    name = ended.document["Run"].rpartition("-")[0]
    assert re.search(rf"run +{name} +succeeded .* Completed$", shown, re.M)
    assert ended.document["Endpoint"]["Name"] in shown


def test_a_regression_scores_another_file_and_prints_a_report(cli: Cli, tmp_path: Path) -> None:
    write_csv(tmp_path / "houses.csv", houses())
    new = houses(80, seed=99)
    # Columns in another order, without the target, and one that the model does not know.
    write_csv(tmp_path / "new.csv", [{"note": "x", "km to centre": r["km to centre"], "area": r["area"]} for r in new])
    ended = cli(
        "run", "houses.csv", "--target", "price", "--score", "new.csv", "--max-runtime", "30", "--max-candidates", "3",
        "--objective", "MAE", "--output", "out",
    )  # fmt: skip
    assert ended.status == 0, ended.err
    words = ("Candidates by MAE", "Quality", "90 % intervals", "80 of 80 rows", "Endpoint", "out/accepted.csv")
    for word in (*words, "Completed", "out/report.html", "autoflow run"):
        assert word in ended.out
    predicted = read_csv(tmp_path / "out" / "accepted.csv")
    assert list(predicted[0]) == ["Row", "Prediction", "Lower", "Upper"]
    assert [int(row["Row"]) for row in predicted] == list(range(80))
    within = [
        float(row["Lower"]) <= truth["price"] <= float(row["Upper"]) for row, truth in zip(predicted, new, strict=True)
    ]
    assert sum(within) > 60
    errors = [abs(float(row["Prediction"]) / truth["price"] - 1) for row, truth in zip(predicted, new, strict=True)]
    assert sorted(errors)[40] < 0.15
    assert read_csv(tmp_path / "out" / "review.csv") == []


def test_a_folder_of_zipped_parts_and_a_request_file_in_an_account(
    cli: Cli, cloud: Cloud, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``--stack`` goes the way of an AWS account; here the account happens to be the local cloud."""
    for name, value in {
        "AWS_ENDPOINT_URL": cloud.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
    }.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "parts").mkdir()
    rows = houses(1400)
    for part in range(2):
        plain = write_csv(tmp_path / "part.csv", rows[part * 700 : (part + 1) * 700])
        (tmp_path / "parts" / f"{part}.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    request = {
        "Dataset": {"S3Uri": "parts", "TargetColumn": "area"},
        "Transform": {"Derive": {"near": '"km to centre" < 5'}},
        "AutoML": {"MaxCandidates": 2, "MaxRuntimeSeconds": 900},
        "Endpoint": {"Keep": False},
    }
    (tmp_path / "request.json").write_text(json.dumps(request))
    options = ("--target", "price", "--max-runtime", "30", "--json", "--output", "out", "--stack", stack.name)
    ended = cli("run", "--input", "request.json", *options)
    assert ended.status == 0, ended.err
    assert f"in the stack {stack.name} in {REGION}" in ended.err
    assert ended.document["Rows"]["Read"] == 1400
    assert ended.document["Endpoint"]["Status"] == "Deleted"
    assert (tmp_path / "out" / "accepted.csv").exists()
    assert cli("logs", ended.document["Run"], "--stack", stack.name).status == 0
    missing = cli("run", "--input", "request.json", "--stack", "no-such-stack", "--json")
    assert (missing.status, missing.document["Error"]) == (2, "InvalidUsage")


def bad(name: str, content: str | bytes, *options: str, match: str) -> Any:
    return pytest.param(content, options, match, id=name)


LINES = ["a,b,y", *(f"{i},{i % 7},{i * 2.5}" for i in range(700))]


@pytest.mark.parametrize(
    ("content", "options", "match"),
    [
        bad("empty file", b"", match="empty"),
        bad("header only", "a,b,y\n", match="no rows|header"),
        bad("duplicate columns", "\n".join(["a,a,y", *LINES[1:]]), match="'a'"),
        bad("missing target", "\n".join(LINES), "--target", "z", match="'z'"),
        bad("constant target", "\n".join(["a,b,y", *(f"{i},1,5" for i in range(700))]), match="'y'"),
        bad("target mostly missing", "\n".join(["a,y", *(f"{i},{'' if i % 3 else i}" for i in range(700))]), match="y"),
        bad("too few rows", "\n".join(LINES[:300]), match="500"),
        bad("ragged row", "\n".join([*LINES[:100], "1,2", *LINES[100:]]), match="101"),
        bad("wrong encoding", "\n".join([*LINES[:50], "1,Jos\xe9,3", *LINES[50:]]).encode("latin-1"), match="UTF-8"),
        bad("impossible limit", "\n".join(LINES), "--max-candidates", "0", match="MaxCandidates"),
        bad("impossible confidence", "\n".join(LINES), "--min-confidence", "2", match="Threshold"),
        bad("confidence for a regression", "\n".join(LINES), "--min-confidence", "0.9", match="regression"),
        bad("unknown objective", "\n".join(LINES), "--objective", "Speed", match="Speed"),
    ],
)  # fmt: skip
def test_bad_input_is_one_clear_error_and_leaves_nothing(
    cli: Cli, cloud: Cloud, stack: Stack, tmp_path: Path, content: str | bytes, options: tuple[str, ...], match: str
) -> None:
    (tmp_path / "data.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    before = objects(cloud, stack, "uploads/")
    target = () if "--target" in options else ("--target", "y")
    ended = cli("run", "data.csv", *target, *options, "--max-runtime", "30", "--json")
    assert ended.status == 2, ended.err
    document = ended.document
    assert document["Outcome"] == "Failed"
    assert document["Error"] in {"InvalidDataset", "InvalidRequest"}
    assert re.search(match, document["Cause"]), document["Cause"]
    assert "Traceback" not in ended.err
    assert objects(cloud, stack, "uploads/") == before
    assert {path.name for path in tmp_path.iterdir()} == {"data.csv"}


def test_a_missing_object_is_bad_input(cli: Cli, stack: Stack) -> None:
    uri = f"s3://{stack.outputs['DataBucketName']}/not/there.csv"
    ended = cli("run", uri, "--target", "y", "--json")
    assert (ended.status, ended.document["Error"]) == (2, "InvalidDataset")
    assert uri in ended.document["Cause"]


def test_an_unknown_request_key_is_named_with_the_nearest_known_one(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("\n".join(LINES))
    (tmp_path / "request.json").write_text('{"Dataset": {"S3Uri": "data.csv", "TargetColum": "y"}}')
    ended = cli("run", "--input", "request.json", "--target", "y", "--json")
    assert (ended.status, ended.document["Error"]) == (2, "InvalidRequest")
    assert "TargetColum" in ended.document["Cause"]
    assert "TargetColumn" in ended.document["Cause"]


@pytest.mark.parametrize(
    "arguments",
    [("run", "nowhere.csv", "--target", "y"), ("run", "--target", "y"), ("run", "a.csv", "--no-such-option")],
)
def test_bad_usage_is_exit_status_2(cli: Cli, arguments: tuple[str, ...]) -> None:
    ended = cli(*arguments)
    assert ended.status == 2
    assert ended.out == ""
    assert "Traceback" not in ended.err


def test_a_score_file_without_a_training_column_is_refused_before_anything_is_trained(cli: Cli, tmp_path: Path) -> None:
    write_csv(tmp_path / "houses.csv", houses())
    write_csv(tmp_path / "new.csv", [{"area": row["area"]} for row in houses(10)])
    ended = cli("run", "houses.csv", "--target", "price", "--score", "new.csv", "--max-runtime", "30", "--json")
    assert (ended.status, ended.document["Error"]) == (2, "InvalidDataset")
    assert "km to centre" in ended.document["Cause"]


def test_two_runs_at_once_do_not_disturb_each_other(cli: Cli, tmp_path: Path) -> None:
    write_csv(tmp_path / "houses.csv", houses())
    arguments = ("run", "houses.csv", "--target", "price", "--max-runtime", "30", "--max-candidates", "2", "--json")
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: cli(*arguments), range(2))
    assert (first.status, second.status) == (0, 0), first.err + second.err
    assert first.document["Run"] != second.document["Run"]
    assert first.document["Rows"] == second.document["Rows"]
