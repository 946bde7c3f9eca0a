"""What is to be done after an execution that ended badly, as its description and its history tell it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from automl import runs
from automl.errors import InvalidRequest, ServiceUnavailable
from automl.outcome import settling
from automl.outcome.histories import LastMoments, last_moments
from automl.outcome.settling import CLEAN_UP, NOTHING, TELL, WAIT, Settling
from tests.template import FUNCTIONS
from tests.unit.test_permissions import calls, handler_of, reached

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
MACHINES = "arn:aws:states:eu-central-1:123456789012:stateMachine:"
ARN = MACHINES.replace("stateMachine", "execution")
RUN, SCORING, DEPLOYMENT, CLEANER = (f"{ARN}{name}:x" for name in ("AutoML", "Scoring", "Deployment", "Cleanup"))
ME = {"Id": CLEANER, "Name": "x", "StartTime": NOW.isoformat()}
SETTINGS = settling.SettlingSettings(
    "data-bucket", 15, f"{MACHINES}AutoML", f"{MACHINES}Deployment", f"{MACHINES}Scoring"
)
STATE: dict[str, Any] = {"Execution": {"Id": RUN}, "Run": {"Name": "x-1"}}


@pytest.fixture
def sfn(stub: Callable[[Any], Stubber]) -> Stubber:
    return stub(boto3.client("stepfunctions"))


def client_of(sfn: Stubber) -> Any:
    return sfn.client


def settle(sfn: Stubber, s3: Any, arn: str = RUN, *, now: datetime = NOW, **cleaned: Any) -> dict[str, Any]:
    return Settling(client_of(sfn), s3, SETTINGS).settle(arn, ME, cleaned, now)


def describe(sfn: Stubber, arn: str, status: str, request: object = None, **more: Any) -> None:
    answer = {
        "executionArn": arn,
        "stateMachineArn": f"{MACHINES}{arn.split(':')[6]}",
        "name": "x",
        "status": status,
        "startDate": NOW,
        "input": json.dumps(request or {}),
        **more,
    }
    sfn.add_response("describe_execution", answer, {"executionArn": arn})


def happened(sfn: Stubber, arn: str, *events: dict[str, Any]) -> None:
    """Events of the execution, the first one first."""
    numbered = [{"id": number, "timestamp": NOW, **event} for number, event in enumerate(events, 1)]
    asked = {"executionArn": arn, "reverseOrder": True, "includeExecutionData": True, "maxResults": 200}
    sfn.add_response("get_execution_history", {"events": numbered[::-1]}, asked)


def entered(name: str, state: dict[str, Any] = STATE, kind: str = "Task") -> dict[str, Any]:
    details = {"name": name, "input": json.dumps(state)}
    details["input"] = details["input"].replace('"Execution": ', '"Execution":')
    return {"type": f"{kind}StateEntered", "stateEnteredEventDetails": details}


def scheduled(seconds: int = 70) -> dict[str, Any]:
    details = {"resource": "arn:aws:lambda:eu-central-1:123456789012:function:f", "timeoutInSeconds": seconds}
    return {"type": "LambdaFunctionScheduled", "lambdaFunctionScheduledEventDetails": details}


def submitted(arn: str) -> list[dict[str, Any]]:
    of = {"resourceType": "states", "resource": "startExecution.sync:2"}
    asked = {**of, "region": "eu-central-1", "parameters": "{}", "timeoutInSeconds": 86400}
    told = {**of, "output": json.dumps({"ExecutionArn": arn})}
    return [
        {"type": "TaskScheduled", "taskScheduledEventDetails": asked},
        {"type": "TaskStarted", "taskStartedEventDetails": of},
        {"type": "TaskSubmitted", "taskSubmittedEventDetails": told},
    ]


STARTED = {"type": "LambdaFunctionStarted"}
SUCCEEDED = {"type": "LambdaFunctionSucceeded"}
GIVEN_UP = {"type": "TaskStateAborted"}
ABORTED = {"type": "ExecutionAborted", "executionAbortedEventDetails": {"error": "Why", "cause": "because"}}


def test_a_function_that_was_at_work_is_awaited_until_it_must_have_ended(sfn: Stubber) -> None:
    happened(sfn, RUN, entered("Create Model"), scheduled(70), STARTED, GIVEN_UP, ABORTED)
    last = last_moments(client_of(sfn), RUN)
    assert (last.entered, last.at_work_until) == ("Create Model", NOW + timedelta(seconds=70))
    assert last.state == STATE
    assert last.caught == {"Error": "Why", "Cause": "because"}


@pytest.mark.parametrize("end", [SUCCEEDED, {"type": "LambdaFunctionFailed"}, {"type": "LambdaFunctionTimedOut"}])
def test_a_function_that_has_answered_is_not_awaited(sfn: Stubber, end: dict[str, Any]) -> None:
    happened(sfn, RUN, entered("Create Model"), scheduled(), STARTED, end, ABORTED)
    assert last_moments(client_of(sfn), RUN).at_work_until is None


def test_a_state_that_waits_for_a_person_is_not_taken_for_its_function(sfn: Stubber) -> None:
    of = {"resourceType": "lambda", "resource": "invoke.waitForTaskToken"}
    asked = {**of, "region": "eu-central-1", "parameters": "{}", "timeoutInSeconds": 604_800}
    task = {"type": "TaskScheduled", "taskScheduledEventDetails": asked}
    happened(sfn, RUN, entered("Wait for Approval"), task, ABORTED)
    assert last_moments(client_of(sfn), RUN).at_work_until == NOW + timedelta(seconds=900)


def test_the_newest_data_of_the_whole_state_count(sfn: Stubber) -> None:
    older = {**STATE, "Older": True}
    part = {"type": "MapIterationStarted"}
    happened(sfn, RUN, entered("Receive Request", {"Input": {}}, "Pass"), entered("Validate Request", older), part)
    assert last_moments(client_of(sfn), RUN).state == older


@pytest.mark.parametrize(
    ("state", "told", "todo"),
    [
        ({}, False, CLEAN_UP),
        ({"Failure": {"Left": []}}, True, NOTHING),
        ({"Failure": {"Left": []}}, False, TELL),
        ({"Failure": {"Left": ["endpoint x: busy"]}}, True, CLEAN_UP),
        ({"Failure": {}, "CleanUpError": {}}, True, CLEAN_UP),
        ({"Result": {}}, False, TELL),
    ],
)
def test_a_run_is_cleaned_up_unless_it_was(state: dict[str, Any], told: bool, todo: str) -> None:
    assert settling.first_step(state, kind=settling.RUN, told=told) == todo


@pytest.mark.parametrize("kind", [settling.SCORING, settling.DEPLOYMENT])
def test_scorings_and_deployments_are_always_cleaned_up(kind: str) -> None:
    assert settling.first_step({"Result": {}}, kind=kind, told=False) == CLEAN_UP


@pytest.mark.parametrize(
    ("told", "left", "waits", "todo"),
    [
        (False, [], True, WAIT),
        (False, [], False, TELL),
        (True, [], False, NOTHING),
        (True, ["endpoint x: in use"], False, TELL),
    ],
)
def test_people_hear_again_only_of_what_has_to_stay(told: bool, left: list[str], waits: bool, todo: str) -> None:
    assert settling.next_step(told=told, left=left, waits=waits) == todo


@pytest.mark.parametrize(
    ("thing", "removed", "awaited"),
    [
        ("model", [], True),
        ("model", ["model x"], False),
        ("model", ["model package x (rejected)", "endpoint x"], True),
        ("endpoint", ["endpoint config x"], True),
        ("AutoML job", ["AutoML job x (stopped)"], False),
    ],
)
def test_what_was_removed_is_not_awaited_any_more(thing: str, removed: list[str], awaited: bool) -> None:
    making = {thing: NOW + timedelta(seconds=1)}
    assert settling.is_awaited(making, removed, NOW) is awaited
    assert not settling.is_awaited(making, removed, NOW + timedelta(seconds=2))


def test_whatever_a_function_creates_is_looked_out_for() -> None:
    """A state that comes to create something must be in MAKES, or what it creates late stays for ever."""
    creators = set()
    for path in map(handler_of, FUNCTIONS):
        nodes = [node for found in reached(path).values() for node in found]
        actions = {action for node in nodes for action in calls(node)}
        if any(action.startswith("sagemaker:Create") for action in actions):
            creators.add(path.replace("_", " "))
    # A model that these create anew is that of a registered package, which may keep it.
    assert creators - {"find model", "find champion"} == {name.lower() for name in settling.MAKES}


def test_a_stopped_run_is_claimed_and_cleaned_up(sfn: Stubber, data_bucket: Any) -> None:
    describe(sfn, RUN, "ABORTED")
    happened(sfn, RUN, entered("Create Model"), scheduled(), STARTED, ABORTED)
    ended = settle(sfn, data_bucket)
    assert (ended["Todo"], ended["By"], ended["Kind"]) == (CLEAN_UP, CLEANER, "run")
    assert (ended["What"], ended["Error"]) == ("run was stopped", "Why")
    assert ended["Execution"]["StartTime"] == "2026-11-21T06:00:00.000Z"


def test_who_comes_second_leaves_it_to_the_first(sfn: Stubber, data_bucket: Any) -> None:
    claim(data_bucket, f"{CLEANER}-first")
    describe(sfn, RUN, "ABORTED")
    happened(sfn, RUN, entered("Create Model"), ABORTED)
    describe(sfn, f"{CLEANER}-first", "SUCCEEDED")
    ended = settle(sfn, data_bucket)
    assert (ended["Todo"], ended["By"]) == (NOTHING, f"{CLEANER}-first")


def test_a_clean_up_that_failed_is_taken_over(sfn: Stubber, data_bucket: Any) -> None:
    claim(data_bucket, f"{CLEANER}-first")
    for arn, status in ((RUN, "ABORTED"), (f"{CLEANER}-first", "FAILED")):
        describe(sfn, arn, status)
        if arn == RUN:
            happened(sfn, RUN, entered("Create Model"), ABORTED)
    ended = settle(sfn, data_bucket)
    assert (ended["Todo"], ended["By"]) == (CLEAN_UP, CLEANER)


def claim(s3: Any, by: str) -> None:
    name = runs.run_name({"Id": RUN, "Name": "x", "StartTime": "2026-11-21T06:00:00.000Z"})
    s3.put_object(Bucket="data-bucket", Key=f"cleanups/{name}-0.json", Body=json.dumps({"By": by}).encode())


def test_a_description_that_is_behind_is_asked_for_again(sfn: Stubber, data_bucket: Any) -> None:
    describe(sfn, RUN, "RUNNING")
    with pytest.raises(ServiceUnavailable, match="said to be running"):
        settle(sfn, data_bucket)


@pytest.mark.parametrize(("status", "more"), [("RUNNING", {"redriveCount": 1}), ("SUCCEEDED", {})])
def test_what_a_redriven_run_goes_on_with_is_left_alone(
    sfn: Stubber, data_bucket: Any, status: str, more: dict[str, Any]
) -> None:
    describe(sfn, RUN, status, **more)
    assert settle(sfn, data_bucket)["Todo"] == NOTHING


def test_a_nested_execution_is_its_parent_s_business(sfn: Stubber, data_bucket: Any) -> None:
    describe(sfn, SCORING, "FAILED", {"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": RUN})
    assert settle(sfn, data_bucket, SCORING)["Todo"] == NOTHING


def test_an_execution_that_somebody_else_s_machine_started_is_not(sfn: Stubber, data_bucket: Any) -> None:
    theirs = f"{ARN}Nightly:x"
    describe(sfn, SCORING, "FAILED", {"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": theirs})
    happened(sfn, SCORING, entered("Find Model"))
    assert settle(sfn, data_bucket, SCORING)["Todo"] == CLEAN_UP


def test_nested_executions_are_stopped_and_their_deployments_taken_back(sfn: Stubber, data_bucket: Any) -> None:
    request = {"Model": {"Name": "m"}, "Endpoint": {"Name": "e"}}
    describe(sfn, RUN, "ABORTED")
    happened(sfn, RUN, entered("Deploy Model"), *submitted(DEPLOYMENT), ABORTED)
    describe(sfn, DEPLOYMENT, "RUNNING", request)
    stopped = {"executionArn": DEPLOYMENT, "error": "Aborted", "cause": ANY}
    sfn.add_response("stop_execution", {"stopDate": NOW}, stopped)
    happened(sfn, DEPLOYMENT, entered("Create Endpoint"), scheduled(), STARTED)
    ended = settle(sfn, data_bucket)
    assert ended["Deployments"] == [{"EndpointName": "e", "ConfigName": runs.config_name("m", DEPLOYMENT)}]


def starting(arn: str) -> dict[str, Any]:
    machine, _, name = arn.replace(":execution:", ":stateMachine:").rpartition(":")
    parameters = json.dumps({"StateMachineArn": machine, "Name": name, "Input": {}})
    of = {"resourceType": "states", "resource": "startExecution.sync:2", "region": "eu-central-1"}
    return {"type": "TaskScheduled", "taskScheduledEventDetails": {**of, "parameters": parameters}}


@pytest.mark.parametrize("status", ["RUNNING", "ABORTED", "SUCCEEDED"])
def test_a_deployment_that_the_run_was_about_to_start_is_taken_back_each_time(
    sfn: Stubber, data_bucket: Any, status: str
) -> None:
    """The first look stops it; those that follow must find it as well."""
    describe(sfn, RUN, "ABORTED")
    happened(sfn, RUN, entered("Deploy Model"), starting(DEPLOYMENT), ABORTED)
    describe(sfn, DEPLOYMENT, status, {"Model": {"Name": "m"}, "Endpoint": {"Name": "e"}})
    if status == "RUNNING":
        stopped = {"executionArn": DEPLOYMENT, "error": "Aborted", "cause": ANY}
        sfn.add_response("stop_execution", {"stopDate": NOW}, stopped)
    happened(sfn, DEPLOYMENT, entered("Create Endpoint"), ABORTED)
    ended = settle(sfn, data_bucket)
    assert ended["Deployments"] == [{"EndpointName": "e", "ConfigName": runs.config_name("m", DEPLOYMENT)}]


def test_an_execution_that_is_not_started_yet_is_awaited(sfn: Stubber, data_bucket: Any) -> None:
    nothing: dict[str, Any] = {"Removed": [], "Left": [], "Lasting": []}
    for seconds, todo in ((0, WAIT), (61, TELL)):
        describe(sfn, RUN, "ABORTED")
        happened(sfn, RUN, entered("Deploy Model"), starting(DEPLOYMENT), ABORTED)
        sfn.add_client_error("describe_execution", "ExecutionDoesNotExist")
        ended = settle(sfn, data_bucket, RUN, now=NOW + timedelta(seconds=seconds), **nothing)
        assert (ended["Todo"], ended["Deployments"]) == (todo, [])


def test_a_deployment_that_is_through_stays(sfn: Stubber, data_bucket: Any) -> None:
    describe(sfn, RUN, "ABORTED")
    exited = {"type": "TaskStateExited", "stateExitedEventDetails": {"name": "Deploy to Staging", "output": "{}"}}
    happened(
        sfn, RUN, entered("Deploy to Staging"), *submitted(DEPLOYMENT), exited, entered("Score Test Split"), ABORTED
    )
    describe(sfn, DEPLOYMENT, "SUCCEEDED")
    assert settle(sfn, data_bucket)["Deployments"] == []


@pytest.mark.parametrize(("after", "todo"), [(0, WAIT), (71, TELL)])
def test_a_model_that_may_yet_appear_is_waited_for(sfn: Stubber, data_bucket: Any, after: int, todo: str) -> None:
    describe(sfn, RUN, "ABORTED")
    happened(sfn, RUN, entered("Create Model"), scheduled(70), STARTED, ABORTED)
    ended = settle(sfn, data_bucket, now=NOW + timedelta(seconds=after), Removed=[], Left=[], Lasting=[])
    assert (ended["Todo"], ended["WaitSeconds"]) == (todo, 15)


def test_what_cannot_be_removed_is_told_in_the_end(sfn: Stubber, data_bucket: Any) -> None:
    describe(sfn, RUN, "TIMED_OUT")
    happened(sfn, RUN, entered("Deploy Model"), {"type": "ExecutionTimedOut"})
    late = NOW + timedelta(seconds=settling.PATIENCE_SECONDS + 1)
    ended = settle(sfn, data_bucket, now=late, Removed=[], Left=["endpoint x: in use"], Lasting=[])
    assert (ended["Todo"], ended["Left"], ended["What"]) == (TELL, 1, "run timed out")
    assert "to be removed by hand: endpoint x: in use" in ended["Cause"]


@pytest.mark.parametrize(("more", "todo"), [([], TELL), (["endpoint y: in use"], WAIT)])
def test_what_waiting_does_not_help_is_told_at_once(sfn: Stubber, data_bucket: Any, more: list[str], todo: str) -> None:
    describe(sfn, RUN, "ABORTED")
    happened(sfn, RUN, entered("Get AutoML Job"), ABORTED)
    refused = ["endpoint x: not authorized"]
    ended = settle(sfn, data_bucket, Removed=[], Left=[*refused, *more], Lasting=refused)
    assert (ended["Todo"], ended["Left"]) == (todo, 1 + len(more))


def test_another_stack_s_execution_is_refused(sfn: Stubber, data_bucket: Any) -> None:
    describe(sfn, f"{ARN}Other:x", "ABORTED")
    with pytest.raises(InvalidRequest, match="no execution of this stack"):
        settle(sfn, data_bucket, f"{ARN}Other:x")


def test_a_run_that_told_people_itself_is_known() -> None:
    state = {**STATE, "Failure": {}}
    assert settling.was_told(LastMoments(state=state, entered="Run Failed"))
    assert not settling.was_told(LastMoments(state={**state, "NotifyError": {}}, entered="Run Failed"))
    assert not settling.was_told(LastMoments(state=state, entered="Notify Failure"))
