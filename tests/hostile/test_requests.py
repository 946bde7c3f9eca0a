"""Every hostile request is refused in a sentence with a name, soon and in little memory, and nothing comes of it."""

import json
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import answer_approval
import create_endpoint
import find_model
import prepare_rows
import pytest
import transform_data
import validate_request
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from autoflow.cli import app
from automl import failures, runs, schema
from automl.errors import AutopilotFlowError
from tests.hostile.requests import BUCKET, COMMANDS, OTHER_RUN, REQUESTS, UNREADABLE, Hostile

EXECUTION = {
    "Id": "arn:aws:states:eu-central-1:123456789012:execution:automl:hostile",
    "Name": "hostile",
    "StartTime": "2026-11-22T03:00:00Z",
}
RUN = runs.run_name(EXECUTION)
LONGEST_MESSAGE = 1_000
MOST_CPU_SECONDS = 30
"""A function has 60, on a slower processor than this one when nobody else is at work."""
MOST_MEGABYTES = 200


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """SageMaker of an account in which there is nothing; what it was asked."""
    operations: list[str] = []

    def nothing(model: Any, **_: Any) -> Any:
        operations.append(model.name)
        told = {"Error": {"Code": "ValidationException", "Message": "Could not find it"}, "ResponseMetadata": {}}
        return SimpleNamespace(status_code=400), told

    for module in (find_model, create_endpoint, answer_approval.CLIENTS):
        client = getattr(module, "SAGEMAKER", None) or module.sagemaker
        client.meta.events.register("before-call", nothing, unique_id="hostile")
    yield operations
    for module in (find_model, create_endpoint, answer_approval.CLIENTS):
        client = getattr(module, "SAGEMAKER", None) or module.sagemaker
        client.meta.events.unregister("before-call", unique_id="hostile")


def _ask_automl(document: Any, context: Any) -> None:
    validate_request.handler({"Input": document, "Execution": EXECUTION}, context)


def _ask_recipe(document: Any, context: Any) -> None:
    run = validate_request.handler({"Input": document, "Execution": EXECUTION}, context)
    transform_data.handler({"Run": run}, context)


def _ask_scoring(document: Any, context: Any) -> None:
    sent = {"Input": document, "Execution": EXECUTION}
    if "Predictions" in document:
        prepare_rows.handler({**sent, "Serving": {"Ready": True, "Keep": True}}, context)
    else:
        find_model.handler(sent, context)


def _ask_deployment(document: Any, context: Any) -> None:
    create_endpoint.handler({"Input": document, "Execution": EXECUTION}, context)


DOORS: dict[str, Callable[[Any, Any], None]] = {
    "automl": _ask_automl,
    "recipe": _ask_recipe,
    "scoring": _ask_scoring,
    "deployment": _ask_deployment,
    "approval": lambda document, context: answer_approval.handler(document, context) and None,
}


def keys(s3: Any) -> set[str]:
    return {item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])}


@pytest.mark.parametrize("case", REQUESTS, ids=[f"{case.door}: {case.name}" for case in REQUESTS])
def test_a_hostile_request_is_refused_in_a_sentence_or_understood(
    case: Hostile, data_bucket: Any, lambda_context: Any, asked: list[str]
) -> None:
    data_bucket.put_object(Bucket=BUCKET, Key="datasets/rows.csv", Body=b"x,s,y\n1,a,2\n2,b,3\n3,c,4\n")
    data_bucket.put_object(
        Bucket=BUCKET, Key=f"{OTHER_RUN.partition(BUCKET)[2][1:]}calibration.json", Body=b'{"Method": "None"}'
    )
    before, memory, began = keys(data_bucket), _megabytes(), time.process_time()
    error, message = "", ""
    try:
        DOORS[case.door](case.document, lambda_context)
    except AutopilotFlowError as refusal:
        error, message = type(refusal).__name__, str(refusal)

    assert time.process_time() - began < MOST_CPU_SECONDS
    assert _megabytes() - memory < MOST_MEGABYTES
    assert (error, case.says in message) == (case.error, True), message
    if error:
        assert 20 < len(message) <= LONGEST_MESSAGE
        assert message.isprintable(), "one line, and nothing in it that acts on a terminal"
    left = keys(data_bucket) - before
    taken = case.door == "recipe" or not error
    assert left <= ({f"runs/{RUN}/request.json"} if taken else set())
    assert {name for name in asked if not name.startswith(("Describe", "List"))} == set(), "nothing was made"
    if not error:
        stored = data_bucket.get_object(Bucket=BUCKET, Key=f"runs/{RUN}/request.json")["Body"].read()
        Draft202012Validator(schema.load("request")).validate(json.loads(stored))


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize("case", UNREADABLE, ids=[case.name for case in UNREADABLE])
def test_people_are_told_of_an_input_that_lambda_cannot_read(case: Hostile) -> None:
    """As its runtime does: awslambdaric reads the event with json.loads, and answers what that raises."""
    with pytest.raises((RecursionError, ValueError)) as raised:
        _ = case.document
    cause = {"errorType": case.error, "errorMessage": f"Unable to unmarshal input: {raised.value}"}
    failure = failures.unwrap({"Error": case.error, "Cause": json.dumps(cause)})
    assert failure.error == case.error
    assert case.says in failure.cause


@pytest.mark.parametrize(("name", "arguments", "file", "says"), COMMANDS, ids=[name for name, *_ in COMMANDS])
def test_a_hostile_command_ends_before_anything_is_started(
    name: str, arguments: list[str], file: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("autoflow.stack.in_local_cloud", _started)
    (tmp_path / "rows.csv").write_text("x,y\n1,2\n")
    (tmp_path / "request.json").write_text(file)
    ended = CliRunner().invoke(app, arguments, env={"COLUMNS": "1000", "NO_COLOR": "1", "TERM": "dumb"})
    assert ended.exit_code == 2, ended.output
    assert says in ended.output
    assert "Traceback" not in ended.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["request.json", "rows.csv"]


def _started(*_: Any) -> None:
    pytest.fail("a local cloud was started")


def test_there_are_enough() -> None:
    names = [f"{case.door}: {case.name}" for case in (*REQUESTS, *UNREADABLE)]
    assert len(set(names)) == len(names) >= 60
