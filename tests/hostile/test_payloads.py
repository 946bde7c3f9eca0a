"""State data stay within Step Functions' 256 KB for 750 candidates, 2,000 columns, 10,000 parts and the longest texts.

What depends on numbers is answered by the handlers themselves; what AWS limits is as long as AWS allows.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import create_automl_job
import get_automl_job
import pytest
import select_best_candidate
import transform_data
import validate_request
from botocore.stub import Stubber

from automl import failures, runs
from automl.errors import MAX_MESSAGE, InvalidRequest
from automl.failures import MAX_CAUSE, MAX_REASON
from automl.plain_json import MAX_REQUEST_BYTES
from automl.run_files import ScoringFiles
from automl.scoring import prepare
from automl.scoring.calibration_map import CalibrationMap
from automl.scoring.part_results import collect_parts
from automl.scoring.predictions import Rule
from automl.scoring.summary import summarize
from automl.storage import read_json, write_bytes, write_json
from tests.hostile.data_flow import Raised, Sizes, size, walk

LIMIT = 256 * 1024
"""Of the data of a state, of an execution's input and output, and of an SNS message."""
CAUSE = "x" * MAX_CAUSE
NAME_80, NAME_63, NAME_32 = "n" * 80, "e" * 63, "r" * 23 + "-0a1b2c3d"
EXECUTION = {
    "Id": f"arn:aws:states:ap-southeast-1:123456789012:execution:{'m' * 80}:{NAME_80}",
    "Name": NAME_80,
    "StartTime": "2026-11-22T03:00:00.000Z",
}
CONTEXT = {"Execution": EXECUTION, "State": {"Name": "x", "EnteredTime": "x"}, "Task": {"Token": "t" * 2_048}}
ACCOUNT = "arn:aws:sagemaker:ap-southeast-1:123456789012"
TARGET, IDENTITY = "目" * 500, "番" * 500
"""The longest names that a request may have, of characters of three bytes."""
LONG_KEY = f"s3://{'b' * 63}/{'k' * 1_024}"
COLUMNS, CANDIDATES, PARTS = 2_000, 750, 10_000
ERROR = Raised("States.TaskFailed", CAUSE)


def longest_request() -> dict[str, Any]:
    """As long as Validate Request lets it be: new columns, and a Filter that explains itself."""
    request: dict[str, Any] = {
        "Dataset": {"S3Uri": "s3://data-bucket/wide.csv", "TargetColumn": TARGET, "IdColumn": IDENTITY},
        "Scoring": {"S3Uri": "s3://data-bucket/wide.csv"},
        "Transform": {"Derive": {f"derived {n}": f"c{n} * 2 + c{n + 1}" for n in range(50)}, "Drop": []},
        "Endpoint": {"Name": NAME_63, "Keep": False},
        "Approval": "Manual",
    }
    left = MAX_REQUEST_BYTES - len(json.dumps(request, ensure_ascii=False).encode())
    request["Transform"]["Filter"] = f"c1 >= 0 /* {'x' * (left - 40)} */"
    return request


@pytest.fixture
def stubbed() -> Iterator[Callable[[Any], Stubber]]:
    made: list[Stubber] = []

    def make(client: Any) -> Stubber:
        made.append(Stubber(client))
        made[-1].activate()
        return made[-1]

    yield make
    for one in made:
        one.deactivate()


def wide_rows() -> bytes:
    header = ",".join(["番" * 500, "目" * 500, *(f"c{n}" for n in range(COLUMNS - 2))])
    lines = [f"{row},{row % 9},{','.join(str((row * n) % 7) for n in range(COLUMNS - 2))}" for row in range(700)]
    return "\n".join([header, *lines, ""]).encode()


def endpoint(name: str = NAME_63) -> dict[str, Any]:
    """``$.Endpoint`` of a deployment, with all that SageMaker may say."""
    return {
        "Name": name,
        "ModelName": NAME_63,
        **dict.fromkeys(("ConfigName", "PreviousConfigName", "ConfigInService", "FailedConfigName"), NAME_63),
        "Action": "Create",
        "Created": True,
        "Status": "InService",
        "FailureReason": "x" * 1_024,
        "Restoring": False,
        "Reason": "x" * MAX_REASON,
        **dict.fromkeys(("Polls", "WaitSeconds", "ElapsedSeconds", "Seconds", "DeadlineSeconds"), 86_400.123),
        "StartedAt": EXECUTION["StartTime"],
    }


def nested(output: Any) -> dict[str, Any]:
    return {"Output": output, "ExecutionArn": EXECUTION["Id"]}


def automl_answers(s3: Any, context: Any, stubbed: Callable[[Any], Stubber]) -> dict[str, Any]:
    """What the tasks of the main machine answer at most."""
    write_bytes(s3, "s3://data-bucket/wide.csv", wide_rows())
    run = validate_request.handler({"Input": longest_request(), "Execution": EXECUTION}, context)
    data = transform_data.handler({"Run": run}, context)
    answer = {"AutoMLJobArn": f"{ACCOUNT}:automl-job/{run['Name']}"}
    stubbed(create_automl_job.SAGEMAKER).add_response("create_auto_ml_job_v2", answer)
    job = create_automl_job.handler({"Run": run, "Data": data, "Previous": {"Found": False}}, context)
    candidates = [candidate(number) for number in range(CANDIDATES)]
    for module in (get_automl_job, select_best_candidate):
        stubber = stubbed(module.SAGEMAKER)
        stubber.add_response("describe_auto_ml_job_v2", described(run["Name"]))
        for start in range(0, CANDIDATES, 100):
            more = {"NextToken": f"after {start}"} if start + 100 < CANDIDATES else {}
            stubber.add_response(
                "list_candidates_for_auto_ml_job", {"Candidates": candidates[start : start + 100], **more}
            )
    job = get_automl_job.handler({"Run": run, "Job": job}, context)
    best = select_best_candidate.handler({"Run": run, "Data": data, "Job": job}, context)
    assert best["Considered"] == CANDIDATES
    assert read_json(s3, f"{run['Uri']}leaderboard.json")["Candidates"][CANDIDATES - 1]
    scored = nested(scoring_result(s3, f"{run['Uri']}proof/test/"))
    del scored["Output"]["FailedParts"]  # a run tolerates none
    deployed = nested({"Endpoint": endpoint(), "Outcome": "InService", "Reason": "x" * MAX_REASON})
    metrics = dict.fromkeys((f"Metric{n}" for n in range(20)), 0.123456789012345)
    champion = {
        "Exists": True,
        **dict.fromkeys(("InService", "Comparable"), True),
        "Reason": "x" * MAX_REASON,
        **dict.fromkeys(("Run", "ModelName", "EndpointName", "ConfigName"), NAME_63),
        "PackageArn": f"{ACCOUNT}:model-package/{NAME_63}/99999",
        "OutputUri": f"{run['Uri']}proof/champion/",
        "Staging": run["Staging"],
        "FormerTest": {
            "Dataset": data["Test"]["Dataset"],
            **dict.fromkeys(("OutputUri", "PredictionsUri"), run["Uri"]),
        },
    }
    return {
        "Validate Request": run,
        "Transform Data": data,
        "Find Previous Model": {"Found": True, "Run": NAME_32, "Uri": run["Uri"], "Fingerprint": data["Fingerprint"]},
        "Create AutoML Job": job,
        "Get AutoML Job": job,
        "Select Best Candidate": best,
        "Create Model": {"Name": NAME_63, "Containers": 3},
        "Deploy to Staging": deployed,
        "Score Calibration Split": scored,
        "Calibrate Model": {
            "Uri": f"{run['Uri']}calibration.json",
            "Method": "SplitConformal",
            "Confidence": {"MaxIntervalWidth": {"Relative": 0.123456789}, "Level": 0.9},
        },
        "Score Test Split": scored,
        "Find Champion": champion,
        "Score Champion": scored,
        "Score Former Test Split": ERROR,
        "Evaluate Model": {
            "Uri": f"{run['Uri']}evaluation.json",
            "Accepted": True,
            "Reason": "x" * MAX_REASON,
            "Rows": 10**9,
            "Metrics": metrics,
            "Calibration": metrics,
            "Comparison": metrics,
        },
        "Remove Staging": {"Removed": [f"endpoint config {NAME_63}"] * 4},
        "Register Model": {
            "Arn": champion["PackageArn"],
            "GroupName": NAME_63,
            "Version": 9,
            "ApprovalStatus": "Approved",
        },
        "Wait for Approval": {"Status": "Approved", "Reason": "x" * 1_200},
        "Deploy Model": deployed,
        "Score Dataset": scored,
        "Retire Model": {key: ["x" * 1_024] * 4 for key in ("Removed", "Left")},
        "Remove Endpoint": endpoint(),
        "Write Report": ERROR,
        "Publish Results": ERROR,
        "Clean Up": ERROR,
        "Notify Failure": {},
    }


def described(name: str) -> dict[str, Any]:
    created = datetime.now(UTC) - timedelta(seconds=100)
    return {
        "AutoMLJobName": name,
        "AutoMLJobArn": f"{ACCOUNT}:automl-job/{name}",
        "AutoMLJobInputDataConfig": [{"ContentType": "text/csv;header=present"}],
        "OutputDataConfig": {"S3OutputPath": "s3://data-bucket/x"},
        "RoleArn": "arn:aws:iam::123456789012:role/sagemaker",
        "CreationTime": created,
        "LastModifiedTime": created,
        "AutoMLJobStatus": "Completed",
        "AutoMLJobSecondaryStatus": "Completed",
        "FailureReason": "x" * 1_024,
    }


def candidate(number: int) -> dict[str, Any]:
    now = datetime.now(UTC)
    container = {
        "Image": "i" * 255,
        "ModelDataUrl": LONG_KEY[:1_024],
        "Environment": {f"K{n}": "v" * 512 for n in range(9)},
    }
    return {
        "CandidateName": f"{'c' * 56}-{number:06}",
        "ObjectiveStatus": "Succeeded",
        "CandidateSteps": [],
        "CandidateStatus": "Completed",
        "CreationTime": now,
        "EndTime": now,
        "LastModifiedTime": now,
        "InferenceContainers": [container] * 3,
        "FinalAutoMLJobObjectiveMetric": {"MetricName": "RMSE", "Type": "Minimize", "Value": float(number)},
    }


def rows_state(s3: Any, output: str) -> dict[str, Any]:
    """``$.Rows`` with the longest names; its parts are written as Prepare Rows does."""
    rows = {
        **dict.fromkeys(("Name", "Scoring"), NAME_32),
        **dict.fromkeys(("ModelName", "EndpointName"), NAME_63),
        **dict.fromkeys(("ModelUri", "PredictionsUri", "OutputUri"), output),
        "ProblemType": "MulticlassClassification",
        "ResponseKeys": ["predicted_label", "probability", "probabilities", "labels"],
        "Confidence": {"TargetPrecision": 0.99, "Certainty": 0.9, "Threshold": 0.123456789},
        "CalibrationUri": f"{output}calibration.json",
        "Calibrate": True,
        "Predicted": False,
        "Engine": "BatchTransform",
        "Hosting": {"Name": NAME_63, "Serverless": {"MemorySizeInMB": 6144, "MaxConcurrency": 200}},
        "PartCount": PARTS,
        **dict.fromkeys(("Rows", "Sent", "Skipped"), 10**9),
        "HasTruth": True,
        "IdColumn": IDENTITY,
        "IgnoredColumns": ["目" * 100] * prepare._NAMES_IN_STATE,
        "ToleratedFailurePercentage": 100,
        "MaxConcurrency": 200,
        "MaxPayloadBytes": 6_291_456,
        "PartsAtOnce": 40,
    }
    return {**rows, **prepare.parts_to_score(s3, rows, range(PARTS))}


def parts_state(s3: Any, rows: dict[str, Any]) -> dict[str, Any]:
    """``$.Parts`` of which most failed at length."""
    files = ScoringFiles(rows["OutputUri"])
    usage = {"LambdaGBSeconds": 1.0, "LambdaRequests": 2, "Invocations": 3, "InvocationSeconds": 1.0}
    for part in range(40):
        document = {
            "Part": part,
            **dict.fromkeys(("Rows", "Accepted", "Review"), 100),
            "Reasons": {"LowConfidence": 100},
            "Widths": {"Rows": 0, "Sum": 0.0},
            **dict.fromkeys(("StartedAt", "EndedAt"), "2026-11-22T03:00:01+00:00"),
            "Usage": usage,
        }
        write_json(s3, files.finished(part), document)
        write_json(s3, files.failure(9_000 + part), {"Part": part, "Error": "EndpointFailed", "Cause": CAUSE})
    return collect_parts(s3, {"Rows": rows, "Execution": EXECUTION, "MapError": {"Error": "x", "Cause": CAUSE}})


def scoring_result(s3: Any, output: str) -> dict[str, Any]:
    """What a scoring of 10,000 parts returns."""
    rows = rows_state(s3, output)
    metrics = dict.fromkeys((f"Metric{n}" for n in range(20)), 0.123456789012345)
    measured = {"Rows": 10**9, "Metrics": metrics}
    rule = Rule(rows["ProblemType"], CalibrationMap.from_document(None), rows["Confidence"], "Temperature", 0.9)
    return summarize(rows, parts_state(s3, rows), {"All": measured, "Accepted": measured}, rule)


AUTOML_WAY = [
    *("Receive Request", "Validate Request", "Transform Data", "Find Previous Model", "Create AutoML Job"),
    *("Get AutoML Job", "AutoML Job Status?", "Select Best Candidate", "Create Model", "Deploy to Staging"),
    *("Calibration Rows?", "Score Calibration Split", "Calibrate Model", "Score Test Split", "Find Champion"),
    *("Champion to Score?", "Score Champion", "Former Test Rows?", "Score Former Test Split"),
    *("Former Test Rows Not Scored", "Evaluate Model", "Remove Staging", "Model Accepted?", "Register Model"),
    *("Approval Needed?", "Wait for Approval", "Model Approved?", "Deploy Model", "Deployment Outcome?"),
    *("Model in Service", "Rows to Score?", "Score Dataset", "Retire Model", "Keep Endpoint?", "Remove Endpoint"),
    *("Write Report", "Publish Results", "Clean Up", "Clean Up Failed", "Notify Failure", "Run Failed"),
]
SCORING_WAY = [
    *("Receive Request", "Predictions at Hand?", "Find Model", "Prepare Rows", "Calibrate Anew?", "Calibrate Model"),
    *(
        "How to Predict?",
        "Create Transform Job",
        "Transform Job Status?",
        "Score Parts",
        "Collect Parts",
        "Truth Known?",
    ),
    *("Measure Predictions", "Keep Endpoint?", "Scored?", "Summarize Scoring"),
    *("Explain Failure", "Scoring Failed"),
]
DEPLOYMENT_WAY = [
    *("Receive Request", "Create Endpoint", "Get Endpoint", "Endpoint Status?", "Test Endpoint", "Roll Back Endpoint"),
    *("Explain Failure", "Deployment Failed"),
]


def within(sizes: Sizes, most: int = LIMIT) -> None:
    print(
        {
            "largest": max(sizes.after.items(), key=lambda item: item[1]),
            "sent": max(sizes.sent.items(), key=lambda i: i[1]),
        }
    )
    assert {name: bytes_ for name, bytes_ in {**sizes.after, **sizes.sent}.items() if bytes_ > most} == {}


def test_the_main_machine_at_its_longest(
    data_bucket: Any, lambda_context: Any, stubbed: Callable[[Any], Stubber]
) -> None:
    answers = automl_answers(data_bucket, lambda_context, stubbed)
    sizes = walk("automl", longest_request(), AUTOML_WAY, answers, CONTEXT)
    within(sizes)
    assert sizes.after["Deploy Model"] < LIMIT / 2, "while a run goes well, half of it is left"
    assert sizes.sent["Notify Failure"] < LIMIT / 4


def test_the_scoring_machine_at_its_longest(data_bucket: Any) -> None:
    sent = {
        "Endpoint": {"Name": NAME_63},
        "Dataset": {"S3Uri": LONG_KEY, **dict.fromkeys(("IdColumn", "TargetColumn", "RowColumn"), TARGET)},
        "OutputUri": f"s3://{'b' * 63}/scorings/{'é' * 440}/",
        "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": EXECUTION["Id"],
    }
    rows = rows_state(data_bucket, f"s3://data-bucket/scorings/{'é' * 440}/")
    assert read_json(data_bucket, ScoringFiles(rows["OutputUri"]).parts) == list(range(PARTS))
    metrics = dict.fromkeys((f"Metric{n}" for n in range(20)), 0.123456789012345)
    job = {"Name": NAME_63, "FailureReason": "x" * 1_024, "Status": "Completed", "InstanceType": "x" * 64}
    sizes = walk(
        "scoring",
        sent,
        SCORING_WAY,
        {
            "Find Model": {"Endpoint": rows["Hosting"], "ModelUri": rows["ModelUri"], "ModelName": NAME_63},
            "Prepare Rows": rows,
            "Calibrate Model": {"Uri": rows["CalibrationUri"], "Method": "x", "Confidence": rows["Confidence"]},
            "Create Transform Job": job,
            "Score Parts": ERROR,
            "Collect Parts": parts_state(data_bucket, rows),
            "Measure Predictions": {"All": metrics, "Accepted": metrics},
            "Summarize Scoring": ERROR,
            "Explain Failure": ERROR,
        },
        CONTEXT,
    )
    within(sizes)
    assert sizes.sent["Score Parts"] < LIMIT / 8, "each of 10,000 items is sent so much"
    assert size(scoring_result(data_bucket, rows["OutputUri"])) < LIMIT / 8


def test_the_deployment_machine_at_its_longest() -> None:
    sent = {"Model": {"Name": NAME_63}, "Endpoint": {"Name": NAME_63}, "Replaces": NAME_63}
    answers = {
        "Create Endpoint": endpoint(),
        "Get Endpoint": endpoint(),
        "Test Endpoint": ERROR,
        "Roll Back Endpoint": ERROR,
        "Explain Failure": ERROR,
    }
    within(walk("deployment", sent, DEPLOYMENT_WAY, answers, CONTEXT))


def test_a_longer_request_is_refused_at_once(lambda_context: Any, data_bucket: Any) -> None:
    request = longest_request()
    request["Transform"]["Derive"] = {f"d{n}": f"c{n} + {'1' * 400}" for n in range(500)}
    with pytest.raises(
        InvalidRequest, match=r"has 2\d\d,\d+ bytes but may have 65,536; shorten 'Transform', its largest"
    ):
        validate_request.handler({"Input": request, "Execution": EXECUTION}, lambda_context)
    assert "Contents" not in data_bucket.list_objects_v2(Bucket="data-bucket")


def test_whatever_an_error_quotes_its_message_is_short_and_ends_with_what_to_do() -> None:
    message = str(InvalidRequest(f"It has {'x' * 1_000_000}; take it away"))
    assert len(message) == MAX_MESSAGE
    assert message.startswith("It has xxx")
    assert message.endswith("xxx; take it away")
    cause = json.dumps({"errorType": "InvalidRequest", "errorMessage": "\U0001f600" * MAX_MESSAGE})
    assert size({"Error": "InvalidRequest", "Cause": cause}) < LIMIT / 3, "even if Lambda escapes every character"
    assert failures.unwrap({"Error": "InvalidRequest", "Cause": cause}).cause == "\U0001f600" * MAX_MESSAGE
    assert runs.run_name(EXECUTION).startswith("n" * 23)
