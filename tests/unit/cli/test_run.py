"""What a run leaves in the account when it does not get far."""

import json
import os
import signal
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from rich.console import Console

from autoflow import run as runs
from autoflow.errors import CommandError, InterruptedCommandError, UsageError
from autoflow.execution import Execution
from autoflow.stack import Stack
from autoflow.upload import Uploads
from tests.unit.cli.conftest import keys

MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:AutoML"
EXECUTION = "arn:aws:states:eu-west-1:123456789012:execution:AutoML:abc"
NESTED = "arn:aws:states:eu-west-1:123456789012:execution:Deployment:def"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
DESCRIPTION = {"executionArn": EXECUTION, "stateMachineArn": MACHINE, "startDate": NOW}
TASK = {"resourceType": "states", "resource": "startExecution.sync:2"}


@pytest.fixture
def data(tmp_path: Path) -> dict[str, Any]:
    file = tmp_path / "data.csv"
    file.write_text("a,y\n1,2\n")
    return {"Dataset": {"S3Uri": str(file), "TargetColumn": "y"}}


@pytest.fixture
def step_functions(stack: Stack, stub: Callable[[Any], Stubber]) -> Stubber:
    stack.outputs["AutoMLStateMachineArn"] = MACHINE
    return stub(stack.client("stepfunctions"))


def quiet() -> Console:
    return Console(file=StringIO())


def test_an_execution_that_is_refused_leaves_no_upload(
    stack: Stack, step_functions: Stubber, data: dict[str, Any]
) -> None:
    step_functions.add_client_error("start_execution", "AccessDeniedException")
    with pytest.raises(ClientError, match="AccessDenied"):
        runs.run(stack, data, quiet())
    assert keys(stack) == []


def test_an_upload_that_is_refused_is_one_clear_error(stack: Stack, data: dict[str, Any]) -> None:
    stack.outputs["DataBucketName"] = "no-such-bucket"
    with pytest.raises(CommandError, match=r"Failed to upload .*data.csv.*NoSuchBucket"):
        runs.run(stack, data, quiet())


def test_ctrl_c_while_the_execution_is_being_started_stops_it(
    stack: Stack, step_functions: Stubber, data: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = Execution.start

    def interrupted(stack: Stack, request: Mapping[str, Any]) -> Execution:
        os.kill(os.getpid(), signal.SIGINT)
        return start(stack, request)

    monkeypatch.setattr(Execution, "start", interrupted)
    step_functions.add_response("start_execution", {"executionArn": EXECUTION, "startDate": NOW})
    expect_to_be_stopped(step_functions, "ABORTED")
    step_functions.add_response("get_execution_history", {"events": []})
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(InterruptedCommandError, match="nothing of the run is left"):
            runs.run(stack, data, quiet())
    finally:
        signal.signal(signal.SIGINT, before)
    assert keys(stack) == []


def expect_to_be_stopped(step_functions: Stubber, status: str) -> None:
    reason = {"error": "Aborted", "cause": "stopped by the user"}
    step_functions.add_response("stop_execution", {"stopDate": NOW}, {"executionArn": EXECUTION, **reason})
    entered = {"id": 1, "timestamp": NOW, "type": "TaskSubmitted"}
    nested = {"taskSubmittedEventDetails": {"output": json.dumps({"ExecutionArn": NESTED}), **TASK}}
    step_functions.add_response("get_execution_history", {"events": [{**entered, **nested}]})
    step_functions.add_response("get_execution_history", {"events": []})
    # It was started since the last look, and is stopped all the same.
    step_functions.add_response("stop_execution", {"stopDate": NOW}, {"executionArn": NESTED, **reason})
    for _ in range(4):
        step_functions.add_response("get_execution_history", {"events": []})
    step_functions.add_response("describe_execution", {**DESCRIPTION, "status": status})


def test_what_had_succeeded_before_ctrl_c_is_not_removed(
    stack: Stack, step_functions: Stubber, data: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def follow(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "follow", follow)
    step_functions.add_response("start_execution", {"executionArn": EXECUTION, "startDate": NOW})
    expect_to_be_stopped(step_functions, "SUCCEEDED")
    with pytest.raises(InterruptedCommandError, match="too late: abc had succeeded"):
        runs.run(stack, data, quiet())
    assert len(keys(stack)) == 1


@pytest.mark.parametrize("scoring", ["rows.csv", None, ["rows.csv"], {}])
def test_what_is_no_section_is_left_to_the_schema(
    stack: Stack, step_functions: Stubber, data: dict[str, Any], scoring: object
) -> None:
    request = {**data, "Scoring": scoring}
    runs.check_paths(request)
    step_functions.add_client_error("start_execution", "AccessDeniedException")
    with pytest.raises(ClientError, match="AccessDenied"):
        runs.run(stack, request, quiet())


def test_results_that_would_have_no_place_are_refused_before_anything_is_paid_for(
    data: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.check_paths(data, tmp_path / "new" / "folder")
    assert not (tmp_path / "new").exists()
    for folder in (tmp_path / "data.csv", tmp_path / "data.csv" / "below"):
        with pytest.raises(UsageError, match=r"data.csv is not a folder; choose another --output"):
            runs.check_paths(data, folder)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(UsageError, match=r"cannot be written in; choose another --output"):
        runs.check_paths(data)


@pytest.mark.usefixtures("data")
def test_uploads_keep_the_name_they_have_for_the_user(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "latest.csv").symlink_to(tmp_path / "data.csv")
    uploads = Uploads(stack)
    assert uploads.put(str(tmp_path / "latest.csv")).endswith("/latest.csv")
    assert uploads.put(str(tmp_path / "parts" / "..")).endswith(f"/{tmp_path.name}/")
