"""What a run cost in state transitions and Lambda time, counted from the histories of its executions."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from automl.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_stepfunctions import SFNClient

STATES_AFTER_COUNTING = 2
"""The notification and the end state, which an execution enters after it has counted."""

_SCHEDULED = frozenset({"LambdaFunctionScheduled", "TaskScheduled"})
_ENDED = frozenset({"LambdaFunctionSucceeded", "LambdaFunctionFailed", "LambdaFunctionTimedOut"})

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Usage:
    """State transitions, seconds of each function by its ARN, and the executions started from this one."""

    transitions: int
    seconds: Mapping[str, float]
    nested: tuple[str, ...]


def usage(events: Iterable[Event]) -> Usage:
    """Count one execution's history.

    A transition is a state entered, or a task tried again: AWS bills both. A function's time runs from the start of
    an invocation to its end; one that has not ended is not counted.
    """
    entered = tasks = scheduled = 0
    seconds: dict[str, float] = {}
    nested: list[str] = []
    running: dict[int, tuple[str, datetime]] = {}
    for event in events:
        kind = event["type"]
        entered += kind.endswith("StateEntered")
        tasks += kind == "TaskStateEntered"
        scheduled += kind in _SCHEDULED
        if kind == "LambdaFunctionScheduled":
            resource = event["lambdaFunctionScheduledEventDetails"]["resource"]
            running[event["id"]] = (resource, event["timestamp"])
        elif kind == "LambdaFunctionStarted" and event["previousEventId"] in running:
            resource, _ = running.pop(event["previousEventId"])
            running[event["id"]] = (resource, event["timestamp"])
        elif kind in _ENDED and event["previousEventId"] in running:
            resource, started = running.pop(event["previousEventId"])
            seconds[resource] = seconds.get(resource, 0.0) + max(0.0, (event["timestamp"] - started).total_seconds())
        elif kind == "TaskSubmitted" and (execution := _submitted(event["taskSubmittedEventDetails"])):
            nested.append(execution)
    return Usage(entered + max(0, scheduled - tasks), seconds, tuple(nested))


def _submitted(details: Mapping[str, Any]) -> str | None:
    if details.get("resourceType") != "states":
        return None
    arn = json.loads(details.get("output") or "{}").get("ExecutionArn")
    return str(arn) if arn else None


def read_history(sfn: "SFNClient", execution_arn: str) -> Iterator[Event]:
    """All events of an execution, however many pages there are."""
    pages = sfn.get_paginator("get_execution_history").paginate(
        executionArn=execution_arn, includeExecutionData=True, PaginationConfig={"PageSize": 1000}
    )
    for page in pages:
        yield from page["events"]


def known_cost(sfn: "SFNClient", lambda_client: "LambdaClient", execution_arn: str) -> dict[str, float]:
    """The cost of a failed run, or nothing when it cannot be read: the failure matters more."""
    try:
        return run_cost(sfn, lambda_client, execution_arn)
    except ClientError as error:
        logger.warning("cost unknown", extra={"reason": str(error)})
        return {}


def run_cost(sfn: "SFNClient", lambda_client: "LambdaClient", execution_arn: str) -> dict[str, float]:
    """``StateTransitions`` and ``LambdaGBSeconds`` of an execution and all nested in it, up to its last two states.

    The function that counts is still running, so its own time is missing.
    """
    transitions = STATES_AFTER_COUNTING
    seconds: dict[str, float] = {}
    waiting = [execution_arn]
    while waiting:
        one = usage(read_history(sfn, waiting.pop()))
        transitions += one.transitions
        waiting.extend(one.nested)
        for function, spent in one.seconds.items():
            seconds[function] = seconds.get(function, 0.0) + spent
    gigabyte_seconds = sum(
        spent * lambda_client.get_function_configuration(FunctionName=function)["MemorySize"] / 1024
        for function, spent in seconds.items()
    )
    return {"StateTransitions": transitions, "LambdaGBSeconds": round(gigabyte_seconds, 3)}
