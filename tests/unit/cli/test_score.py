"""A scoring from the command line: what is asked for, what comes down, and what is taken back."""

import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import ANY, Stubber
from jsonschema import validate
from rich.console import Console

from autoflow import abort, endpoints, leftovers, lookup, results, summary
from autoflow import score as scorings
from autoflow.errors import InterruptedCommandError, ScoringError, UsageError
from autoflow.execution import Execution
from autoflow.options import Engine
from autoflow.request import Options, of_options
from autoflow.stack import Stack
from autoflow.upload import Uploads
from tests.unit.cli.conftest import BUCKET, keys

SCHEMAS = Path(__file__).parents[3] / "schemas"
ARN = "arn:aws:states:eu-west-1:123456789012"
MACHINE = f"{ARN}:stateMachine:Scoring"
NAME = "new-1a2b3c"
FOLDER = f"scorings/{NAME}-5da273ff/"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
ROWS = {"OutputUri": f"s3://{BUCKET}/{FOLDER}", "Rows": 3, "PartCount": 1, "PartsToScore": 1, "Predicted": False}
SERVING = {"EndpointName": f"{NAME}-5da273ff", "Ready": False, "Keep": False}
RESULT: dict[str, Any] = {
    "Scoring": f"{NAME}-5da273ff", "EndpointName": "churn", "ModelName": "churn-left-1", "Engine": "Endpoint",
    "ProblemType": "BinaryClassification", "Rows": 300, "Accepted": 260, "Review": 40, "FilteredOut": 4,
    "Throughput": {"Seconds": 2.0, "RowsPerSecond": 150.0, "Parts": 3, "Invocations": 3},
    "ReviewReasons": {"LowConfidence": 35, "FilteredOut": 4, "NotPredicted": 1},
    "Confidence": {"Threshold": 0.9}, "Calibration": {"Method": "None"}, "IgnoredColumns": ["note"],
    "Files": {name: f"s3://{BUCKET}/{FOLDER}{name.lower()}/" for name in ("Accepted", "Review", "Predictions")},
}  # fmt: skip
FAILED = {
    **RESULT,
    "Engine": "BatchTransform",
    "ReviewReasons": {"LowConfidence": 40},
    "Quality": {"Rows": 90, "Metrics": {"Accuracy": 0.9}},
    "FailedParts": {
        "Count": 2, "Rows": 200,
        "Parts": [{"Part": part, "Error": "EndpointFailed", "Cause": "no answer."} for part in (1, 2)],
    },
}  # fmt: skip


def quiet() -> Console:
    return Console(file=io.StringIO(), width=80)


def shown(console: Console) -> str:
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


@pytest.fixture
def step_functions(stack: Stack, stub: Callable[[Any], Stubber]) -> Stubber:
    stack.outputs["ScoringStateMachineArn"] = MACHINE
    return stub(stack.client("stepfunctions"))


def begins(step_functions: Stubber, request: Any = ANY) -> None:
    answer = {"executionArn": f"{ARN}:execution:Scoring:{NAME}", "startDate": NOW}
    step_functions.add_response("start_execution", answer, {"stateMachineArn": MACHINE, "name": ANY, "input": request})


def described(step_functions: Stubber, status: str, **more: str) -> None:
    answer = {"executionArn": f"{ARN}:execution:Scoring:{NAME}", "stateMachineArn": MACHINE, "startDate": NOW}
    step_functions.add_response("describe_execution", {**answer, "status": status, **more})


def happened(step_functions: Stubber, **state: Any) -> None:
    """The newest state data; without any, nothing."""
    details = {"name": "Prepare Rows", "output": json.dumps({"Execution": {}, **state})}
    event = {"id": 9, "timestamp": NOW, "type": "TaskStateExited", "stateExitedEventDetails": details}
    step_functions.add_response("get_execution_history", {"events": [event] if state else []})


def scoring(stack: Stack) -> Execution:
    return Execution(stack, f"{ARN}:execution:Scoring:{NAME}", NOW)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(endpoints, "choose", lambda stack, name: name or "churn")
    file = tmp_path / "new.csv"
    file.write_text("a\n1\n")
    return {"Dataset": {"S3Uri": str(file)}}


def test_all_options_become_the_machines_input() -> None:
    said = Options(
        data="s3://b/new.csv", target="y", id_column="id", delimiter=";", target_precision=0.9, certainty=0.8,
        endpoint_name="churn", engine=Engine.BATCH_TRANSFORM.request, keep=False, tolerate=5.0,
    )  # fmt: skip
    assert of_options(said) == {
        "Dataset": {"S3Uri": "s3://b/new.csv", "TargetColumn": "y", "IdColumn": "id", "Delimiter": ";"},
        "Confidence": {"TargetPrecision": 0.9, "Certainty": 0.8},
        "Endpoint": {"Name": "churn", "Keep": False},
        "Engine": "BatchTransform",
        "ToleratedFailurePercentage": 5.0,
    }
    assert of_options(Options(data="a")) == {"Dataset": {"S3Uri": "a"}}
    with pytest.raises(UsageError, match="give one of them"):
        of_options(Options(data="a", min_confidence=0.9, level=0.8))


@pytest.mark.parametrize(
    ("request_", "resume", "why"),
    [
        ({}, None, "no data: .* --resume"),
        ({"Engine": "Endpoint"}, None, "no data"),
        ({"Dataset": {"S3Uri": "nowhere.csv"}}, None, "no such file"),
        ({"Dataset": {"S3Uri": "a.csv"}}, NAME, "leave DATA"),
        ({"Confidence": {"Threshold": 0.9}}, NAME, "leave DATA"),
    ],
)
def test_what_does_not_fit_together_is_refused_first(request_: dict[str, Any], resume: str | None, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        scorings.check(request_, None, resume)


def test_more_may_be_tolerated_of_a_scoring_that_goes_on() -> None:
    scorings.check({"ToleratedFailurePercentage": 5.0}, None, NAME)


def test_results_come_to_a_folder_named_like_the_scoring(
    stack: Stack, step_functions: Stubber, data: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("accepted", "review"):
        stack.client("s3").put_object(Bucket=BUCKET, Key=f"{FOLDER}{name}/part-00000.csv", Body=b"Row\n0\n")
    begins(step_functions)
    described(step_functions, "SUCCEEDED", output=json.dumps(RESULT))
    happened(step_functions)
    console = quiet()
    outcome = scorings.score(stack, data, console)
    assert (outcome.result, outcome.folder) == (RESULT, Path(NAME))
    assert {path.name for path in (tmp_path / NAME).iterdir()} == {results.ACCEPTED, results.REVIEW, results.RESULT}
    assert f"Scoring {NAME} in the test" in shown(console)


def test_a_scoring_that_was_stopped_from_elsewhere_says_so(
    stack: Stack, step_functions: Stubber, data: dict[str, Any]
) -> None:
    begins(step_functions)
    described(step_functions, "ABORTED")
    happened(step_functions)
    happened(step_functions)
    with pytest.raises(ScoringError, match=r"^somebody stopped it$") as failed:
        scorings.score(stack, data, quiet())
    assert failed.value.name == "Aborted"


@pytest.mark.parametrize(("error", "stays"), [("InvalidDataset", 0), ("PartsFailed", 1)])
def test_a_failure_is_told_in_local_terms_and_bad_input_leaves_no_upload(
    stack: Stack,
    step_functions: Stubber,
    data: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    error: str,
    stays: int,
) -> None:
    begins(step_functions)
    execution = scoring(stack)
    uploaded = f"s3://{BUCKET}/uploads/0123/new.csv"
    monkeypatch.setattr("secrets.token_hex", lambda _: "0123")
    described(step_functions, "FAILED", error=error, cause=f"{uploaded} lacks 'b'")
    happened(step_functions)
    if stays:
        happened(step_functions, Rows=ROWS)

    with pytest.raises(ScoringError, match=rf"^{data['Dataset']['S3Uri']} lacks 'b'") as failed:
        scorings.score(stack, data, quiet())
    assert failed.value.document()["Scoring"] == execution.name
    assert len(keys(stack)) == stays
    assert (f"score --resume {NAME}-5da273ff --stack prod" in str(failed.value)) == bool(stays)


def test_a_scoring_goes_on_where_it_stopped(stack: Stack, step_functions: Stubber, tmp_path: Path) -> None:
    stack.client("s3").put_object(Bucket=BUCKET, Key=f"{FOLDER}rows.json", Body=b"{}")
    begins(step_functions, json.dumps({"Resume": f"s3://{BUCKET}/{FOLDER}"}))
    described(step_functions, "SUCCEEDED", output=json.dumps(RESULT))
    happened(step_functions)
    outcome = scorings.score(stack, {}, quiet(), tmp_path / "out", resume=NAME)
    assert outcome.folder == tmp_path / "out"
    with pytest.raises(UsageError, match="knows no scoring 'nobody'"):
        scorings.score(stack, {}, quiet(), tmp_path / "out", resume="nobody")


def test_predictions_of_runs_and_scorings_are_found_by_name(stack: Stack) -> None:
    for folder in ("runs/churn-left-1a2b3c-5da273ff/", FOLDER):
        stack.client("s3").put_object(Bucket=BUCKET, Key=f"{folder}rows.json", Body=b"{}")
    assert lookup.predictions_named(stack, NAME) == f"s3://{BUCKET}/{FOLDER}"
    assert lookup.predictions_named(stack, "churn") == f"s3://{BUCKET}/runs/churn-left-1a2b3c-5da273ff/"
    with pytest.raises(UsageError, match="knows no run 'nobody'"):
        lookup.predictions_named(stack, "nobody")


def stopped(step_functions: Stubber, status: str) -> None:
    reason = {"error": "Aborted", "cause": "stopped by the user"}
    arn = f"{ARN}:execution:Scoring:{NAME}"
    step_functions.add_response("stop_execution", {"stopDate": NOW}, {"executionArn": arn, **reason})
    described(step_functions, status)


def test_a_second_ctrl_c_says_what_removes_the_rest(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_: Execution) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(Execution, "stop", stop)
    with pytest.raises(InterruptedCommandError, match=rf"still there: \S+ stop {NAME} --stack prod removes it$"):
        abort.after_ctrl_c(Uploads(stack), scoring(stack), quiet(), "scoring")


@pytest.mark.parametrize(("rows", "told"), [(ROWS, f"--resume {NAME}-5da273ff --stack prod scores"), ({}, "running$")])
def test_ctrl_c_takes_back_the_upload_and_says_how_to_go_on(
    stack: Stack,
    step_functions: Stubber,
    data: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    rows: dict[str, Any],
    told: str,
) -> None:
    def follow(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(scorings, "follow", follow)
    begins(step_functions)
    stopped(step_functions, "ABORTED")
    monkeypatch.setattr(leftovers, "removed", lambda execution: [])
    happened(step_functions, **({"Rows": rows} if rows else {}))
    console = quiet()
    with pytest.raises(InterruptedCommandError, match=told):
        scorings.score(stack, data, console)
    assert keys(stack) == []
    assert "Stopping the scoring" in shown(console)


def test_a_scoring_that_had_succeeded_before_ctrl_c_keeps_its_results(
    stack: Stack, step_functions: Stubber, data: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def follow(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(scorings, "follow", follow)
    begins(step_functions)
    stopped(step_functions, "SUCCEEDED")
    with pytest.raises(
        InterruptedCommandError, match=rf"too late: {NAME} had succeeded; \S+ follow {NAME} --stack prod"
    ):
        scorings.score(stack, data, quiet())


def printed(result: dict[str, Any]) -> str:
    console = quiet()
    summary.show_scored(console, result, Path("out"), "autoflow score --resume x", ["autoflow", "score", "a b.csv"])
    return re.sub(r"\s+", " ", shown(console))


@pytest.mark.parametrize("result", [RESULT, FAILED])
def test_the_examples_are_results(result: dict[str, Any]) -> None:
    validate(result, json.loads((SCHEMAS / "scoring.schema.json").read_text()))


def test_the_summary_says_what_came_of_all_rows() -> None:
    text = printed(RESULT)
    for told in (
        "Model churn-left-1 on endpoint churn",
        "Rows 300 in 3 parts, 150 rows/s",
        "Accepted 260 of 300 rows (87%)",
        "40 rows for a person to decide: 35 with too little confidence, 4 left out by the model's filter, 1 that could",
        "Ignored note: the model was not trained with this",
        "Files out/accepted.csv, review.csv, result.json",
        f"All files s3://{BUCKET}/{FOLDER}",
        "Again autoflow score 'a b.csv'",
    ):
        assert told in text
    assert "Quality" not in text


def test_the_summary_says_what_failed_and_how_good_the_rest_is() -> None:
    text = printed(FAILED)
    for told in (
        "churn-left-1 by batch transform",
        "Rows 300 in 1 of 3 parts, 150 rows/s",
        "Quality Accuracy 0.9 on 90 rows whose truth is known",
        "40 rows for a person to decide, with too little confidence",
        "Failed 2 of 3 parts, 200 rows: part 1, EndpointFailed: no answer, and 1 more",
        "The rest: autoflow score --resume x",
    ):
        assert told in text
