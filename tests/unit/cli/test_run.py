"""What a run leaves in the account when it does not get far."""

import json
import os
import re
import signal
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from rich.console import Console

from autoflow import abort
from autoflow import run as runs
from autoflow.display import Display
from autoflow.errors import CommandError, InterruptedCommandError, UsageError
from autoflow.execution import Execution
from autoflow.interrupts import heeded
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
    expect_to_be_cleaned_up(stack, step_functions)
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
    step_functions.add_response("describe_execution", {**DESCRIPTION, "status": status})


def expect_to_be_cleaned_up(stack: Stack, step_functions: Stubber, *removed: str) -> None:
    machine, cleanup = MACHINE.replace("AutoML", "Cleanup"), EXECUTION.replace("AutoML:abc", "Cleanup:ghi")
    stack.outputs["CleanupStateMachineArn"] = machine
    asked = {"stateMachineArn": machine, "input": json.dumps({"ExecutionArn": EXECUTION})}
    step_functions.add_response("start_execution", {"executionArn": cleanup, "startDate": NOW}, asked)
    output = json.dumps({"By": cleanup, "CleanedUp": {"Removed": removed}})
    ended = {**DESCRIPTION, "status": "SUCCEEDED", "output": output}
    step_functions.add_response("describe_execution", ended, {"executionArn": cleanup})


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


def ending(number: int, *, waiting: bool) -> Callable[..., None]:
    """As follow, until the signal comes."""

    def follow(execution: Execution, display: Display, on_waiting: Callable[[], None]) -> None:
        execution.waiting = waiting
        if waiting:
            on_waiting()
        with heeded():
            os.kill(os.getpid(), number)
            pytest.fail("went on")

    return follow


@pytest.mark.usefixtures("heard")
def test_a_person_who_is_asked_may_go_home(
    stack: Stack, step_functions: Stubber, data: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "follow", ending(signal.SIGHUP, waiting=True))
    step_functions.add_response("start_execution", {"executionArn": EXECUTION, "startDate": NOW})
    console = quiet()
    with pytest.raises(InterruptedCommandError, match="abc waits for approval"):
        runs.run(stack, data, console)
    step_functions.assert_no_pending_responses()
    assert len(keys(stack)) == 1
    shown = " ".join(console.file.getvalue().split())  # type: ignore[attr-defined]
    assert re.search(r"Waiting for approval: \S+ approve abc --stack prod or \S+ reject abc --stack prod", shown)
    assert re.search(r"Ctrl-C stops the run .* \S+ follow abc --stack prod", shown)


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize(("waiting", "number"), [(True, signal.SIGINT), (True, signal.SIGTERM), (False, signal.SIGHUP)])
def test_any_other_end_stops_the_run(
    stack: Stack,
    step_functions: Stubber,
    data: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    waiting: bool,
    number: signal.Signals,
) -> None:
    monkeypatch.setattr(runs, "follow", ending(number, waiting=waiting))
    step_functions.add_response("start_execution", {"executionArn": EXECUTION, "startDate": NOW})
    expect_to_be_stopped(step_functions, "ABORTED")
    expect_to_be_cleaned_up(stack, step_functions)
    with pytest.raises(InterruptedCommandError, match="nothing of the run is left"):
        runs.run(stack, data, quiet())
    assert keys(stack) == []


@pytest.mark.usefixtures("heard")
def test_a_run_that_somebody_else_started_is_not_stopped(
    stack: Stack, step_functions: Stubber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "follow", ending(signal.SIGINT, waiting=False))
    with pytest.raises(InterruptedCommandError, match=r"abc goes on: .* follow abc --stack prod"):
        runs.attend(Execution(stack, EXECUTION, NOW), quiet())
    step_functions.assert_no_pending_responses()


def test_a_run_that_is_left_to_itself_keeps_its_uploads(
    stack: Stack, step_functions: Stubber, data: dict[str, Any]
) -> None:
    step_functions.add_response("start_execution", {"executionArn": EXECUTION, "startDate": NOW})
    assert runs.begin(stack, data, quiet()).name == "abc"
    assert len(keys(stack)) == 1


def test_a_run_is_ended_by_name(stack: Stack, step_functions: Stubber) -> None:
    step_functions.add_response("describe_execution", {**DESCRIPTION, "status": "RUNNING"})
    expect_to_be_stopped(step_functions, "ABORTED")
    expect_to_be_cleaned_up(stack, step_functions, "model abc")
    console = quiet()
    abort.end(Execution(stack, EXECUTION, NOW), console)
    assert "Removed: model abc" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_run_that_has_ended_cannot_be_stopped(stack: Stack, step_functions: Stubber) -> None:
    step_functions.add_response("describe_execution", {**DESCRIPTION, "status": "SUCCEEDED"})
    with pytest.raises(CommandError, match=r"abc had ended \(SUCCEEDED\)"):
        abort.end(Execution(stack, EXECUTION, NOW), quiet())


def event(number: int, kind: str, **details: Any) -> dict[str, Any]:
    return {"id": number, "timestamp": NOW + timedelta(seconds=number), "type": kind, **details}


def test_nested_executions_are_told_in_order_of_time_and_asked_no_longer_than_they_run(
    stack: Stack, step_functions: Stubber
) -> None:
    def entered(number: int, name: str) -> dict[str, Any]:
        return event(number, "TaskStateEntered", stateEnteredEventDetails={"name": name})

    submitted = {"taskSubmittedEventDetails": {"output": json.dumps({"ExecutionArn": NESTED}), **TASK}}
    main = [
        entered(1, "Deploy to Staging"), event(2, "TaskSubmitted", **submitted), entered(9, "Score Test Split")
    ]  # fmt: skip
    nested = [entered(3, "Create Endpoint"), entered(5, "Test Endpoint"), event(8, "ExecutionSucceeded")]
    for events in (main, nested):
        step_functions.add_response("get_execution_history", {"events": events[::-1]})
    execution = Execution(stack, EXECUTION, NOW)
    assert [(step.parent, step.state) for step in execution.news()] == [
        ("", "Deploy to Staging"),
        ("Deploy to Staging", "Create Endpoint"),
        ("Deploy to Staging", "Test Endpoint"),
        ("", "Score Test Split"),
    ]
    step_functions.add_response("get_execution_history", {"events": []}, {"executionArn": EXECUTION, **HISTORY})
    assert list(execution.news()) == []


def test_an_execution_waits_from_the_state_to_its_answer(stack: Stack, step_functions: Stubber) -> None:
    name = "Wait for Approval"
    answer = json.dumps({"Approval": {"Status": "Approved"}})
    execution = Execution(stack, EXECUTION, NOW)
    seen = []
    for happened in (
        [event(1, "TaskStateEntered", stateEnteredEventDetails={"name": name})],
        [event(2, "TaskScheduled")],
        [event(3, "TaskStateExited", stateExitedEventDetails={"name": name, "output": answer})],
    ):
        step_functions.add_response("get_execution_history", {"events": happened})
        told = [step.text for step in execution.news()]
        seen.append((execution.waiting, told))
    assert seen == [(True, [""]), (True, []), (False, ["Approved"])]


HISTORY = {"reverseOrder": True, "maxResults": 50}
