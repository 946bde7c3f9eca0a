"""Transitions and Lambda time, counted from histories like those Step Functions gives."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.stub import Stubber

from automl.outcome import cost

START = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:"
MAIN = "arn:aws:states:eu-central-1:123456789012:execution:automl:run"
NESTED = "arn:aws:states:eu-central-1:123456789012:execution:deployment:d"


class History:
    """Builds an execution's history event by event."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def add(self, kind: str, seconds: float = 0, previous: int | None = None, **details: Any) -> int:
        number = len(self.events) + 1
        time = START + timedelta(seconds=seconds)
        link = number - 1 if previous is None else previous
        self.events.append({"id": number, "previousEventId": link, "type": kind, "timestamp": time, **details})
        return number

    def scheduled(self, name: str, seconds: float, previous: int | None = None) -> int:
        details = {"resource": FUNCTION + name}
        return self.add("LambdaFunctionScheduled", seconds, previous, lambdaFunctionScheduledEventDetails=details)


def test_states_and_retries_are_transitions() -> None:
    history = History()
    history.add("ExecutionStarted")
    history.add("PassStateEntered")
    history.add("PassStateExited")
    history.add("TaskStateEntered")
    history.scheduled("a", 0)
    history.add("LambdaFunctionStarted", 1)
    history.add("LambdaFunctionFailed", 2)
    history.scheduled("a", 4)
    history.add("LambdaFunctionStarted", 5)
    history.add("LambdaFunctionSucceeded", 7.5)
    history.add("TaskStateExited")
    history.add("ChoiceStateEntered")
    history.add("SucceedStateEntered")
    used = cost.usage(history.events)
    assert used.transitions == 5
    assert used.seconds == {FUNCTION + "a": 3.5}
    assert used.nested == ()


def test_functions_that_run_at_once_are_told_apart() -> None:
    history = History()
    one = history.scheduled("a", 0, previous=0)
    two = history.scheduled("b", 0, previous=0)
    one = history.add("LambdaFunctionStarted", 1, previous=one)
    two = history.add("LambdaFunctionStarted", 1, previous=two)
    history.add("LambdaFunctionSucceeded", 2, previous=two)
    history.add("LambdaFunctionTimedOut", 11, previous=one)
    assert cost.usage(history.events).seconds == {FUNCTION + "a": 10.0, FUNCTION + "b": 1.0}


def test_a_function_that_is_still_running_is_not_counted() -> None:
    history = History()
    history.add("TaskStateEntered")
    history.scheduled("a", 0)
    history.add("LambdaFunctionStarted", 1)
    assert cost.usage(history.events) == cost.Usage(1, {}, ())


def submitted(resource: str, output: Any) -> dict[str, Any]:
    return {"resourceType": resource, "resource": "startExecution.sync:2", "output": json.dumps(output)}


def test_nested_executions_and_functions_of_all_are_summed(stub: Callable[[Any], Stubber]) -> None:
    sfn, functions = boto3.client("stepfunctions"), boto3.client("lambda")
    main, nested = History(), History()
    main.add("TaskStateEntered")
    details = {"resourceType": "states", "resource": "startExecution.sync:2", "region": "r", "parameters": "{}"}
    main.add("TaskScheduled", taskScheduledEventDetails=details)
    main.add("TaskSubmitted", taskSubmittedEventDetails=submitted("states", {"ExecutionArn": NESTED}))
    main.add("TaskStateEntered")
    main.add("TaskScheduled", taskScheduledEventDetails={**details, "resourceType": "sns"})
    main.add("TaskSubmitted", taskSubmittedEventDetails=submitted("sns", {"MessageId": "1"}))
    nested.add("TaskStateEntered")
    nested.scheduled("a", 0)
    nested.add("LambdaFunctionStarted", 0)
    nested.add("LambdaFunctionSucceeded", 4)
    history = stub(sfn)
    asked = {"executionArn": MAIN, "includeExecutionData": True, "maxResults": 1000}
    history.add_response("get_execution_history", {"events": main.events[:2], "nextToken": "more"}, asked)
    history.add_response("get_execution_history", {"events": main.events[2:]}, {**asked, "nextToken": "more"})
    history.add_response("get_execution_history", {"events": nested.events}, {**asked, "executionArn": NESTED})
    stub(functions).add_response("get_function_configuration", {"MemorySize": 256}, {"FunctionName": FUNCTION + "a"})
    assert cost.run_cost(sfn, functions, MAIN) == {"StateTransitions": 3 + 2, "LambdaGBSeconds": 1.0}


def test_a_failed_run_does_not_fail_over_its_cost(stub: Callable[[Any], Stubber]) -> None:
    sfn = boto3.client("stepfunctions")
    stub(sfn).add_client_error("get_execution_history", "AccessDeniedException", "not authorized")
    assert cost.known_cost(sfn, boto3.client("lambda"), MAIN) == {}
