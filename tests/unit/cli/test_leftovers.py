"""What a stopped execution made is removed by its stack, which the program asks, waits for and quotes."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import Stubber

from autoflow import leftovers
from autoflow.errors import CommandError
from autoflow.execution import Execution
from autoflow.stack import Stack

NOW = datetime(2026, 11, 21, tzinfo=UTC)
STOPPED = "arn:aws:states:eu-west-1:123456789012:execution:AutoML:churn-left-1a2b3c"
MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:Cleanup"
ASKED, EARLIER = (MACHINE.replace("stateMachine", "execution") + f":{name}" for name in ("asked", "earlier"))


@pytest.fixture
def step_functions(stack: Stack, stub: Callable[[Any], Stubber], monkeypatch: pytest.MonkeyPatch) -> Stubber:
    stack.outputs["CleanupStateMachineArn"] = MACHINE
    monkeypatch.setattr(leftovers, "_PAUSE_SECONDS", 0)
    stubber = stub(stack.client("stepfunctions"))
    request = {"stateMachineArn": MACHINE, "input": json.dumps({"ExecutionArn": STOPPED})}
    stubber.add_response("start_execution", {"executionArn": ASKED, "startDate": NOW}, request)
    return stubber


def tells(step_functions: Stubber, arn: str, status: str, **told: Any) -> None:
    description = {"executionArn": arn, "stateMachineArn": MACHINE, "startDate": NOW, "status": status, **told}
    step_functions.add_response("describe_execution", description, {"executionArn": arn})


def succeeds(step_functions: Stubber, arn: str, by: str, **cleaned: Any) -> None:
    tells(step_functions, arn, "SUCCEEDED", output=json.dumps({"By": by, "CleanedUp": cleaned}))


def removed(stack: Stack) -> list[str]:
    return leftovers.removed(Execution(stack, STOPPED, NOW))


def test_the_stack_is_waited_for_until_it_has_cleaned_up(stack: Stack, step_functions: Stubber) -> None:
    tells(step_functions, ASKED, "RUNNING")
    succeeds(step_functions, ASKED, ASKED, Removed=["model churn"], Left=[])
    assert removed(stack) == ["model churn"]


def test_a_clean_up_that_began_earlier_is_waited_for_and_told(stack: Stack, step_functions: Stubber) -> None:
    succeeds(step_functions, ASKED, EARLIER)
    tells(step_functions, EARLIER, "RUNNING")
    succeeds(step_functions, EARLIER, EARLIER, Removed=["endpoint churn"], Left=[])
    assert removed(stack) == ["endpoint churn"]


def test_nothing_to_do_is_nothing_removed(stack: Stack, step_functions: Stubber) -> None:
    succeeds(step_functions, ASKED, ASKED)
    assert removed(stack) == []


def test_what_has_to_stay_is_said(stack: Stack, step_functions: Stubber) -> None:
    cause = "stopped. Left behind, to be removed by hand: endpoint churn: in use"
    tells(step_functions, ASKED, "FAILED", error="Aborted", cause=cause)
    with pytest.raises(CommandError, match=f"Aborted: {cause}"):
        removed(stack)


def test_a_clean_up_that_takes_too_long_goes_on_by_itself(
    stack: Stack, step_functions: Stubber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "_PATIENCE_SECONDS", -1)
    tells(step_functions, ASKED, "RUNNING")
    with pytest.raises(CommandError, match=f"tells you when something has to stay: see {ASKED}"):
        removed(stack)


def test_a_stack_that_does_not_clean_up_yet_says_so(stack: Stack) -> None:
    with pytest.raises(CommandError, match=r"older than this program .* deploy the project's template again"):
        removed(stack)
