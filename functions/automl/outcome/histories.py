"""The end of an execution, as its history tells it from the newest event on."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from automl.outcome.consumption import Event

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

LONGEST_FUNCTION_SECONDS = 900
"""Lambda's own limit. The time-out of a state that waits for a person says nothing about its function."""

_STARTING_SECONDS = 60
_PAGE_EVENTS = 200
"""Most events carry the whole state data, which may be 256 KiB, and functions have 256 MB."""
_STARTS_EXECUTIONS = "states"
_STATE_SIGN = '"Execution":'
"""Is in the state data of every machine, and not in what a Map gives to one of its parts."""
_BEGINNINGS = ("LambdaFunctionScheduled", "TaskScheduled")
_ENDINGS = ("Succeeded", "Failed", "TimedOut", "Exited", "TaskSubmitted")
_ENDED = ("executionAbortedEventDetails", "executionFailedEventDetails", "executionTimedOutEventDetails")

Document = dict[str, Any]


@dataclass
class LastMoments:
    """What an execution was doing when it ended, or does now.

    ``state``: its newest state data, ``{}`` if it had none; ``entered``: the state that it entered last; ``caught``:
    ``Error`` and ``Cause`` of its end; ``nested``: ARNs of the executions that it started, the newest first, with one
    that it was about to start.
    """

    state: Document = field(default_factory=dict)
    entered: str = ""
    caught: dict[str, str] = field(default_factory=dict)
    nested: list[str] = field(default_factory=list)
    awaited: str = ""
    """ARN of the nested execution that the last state started, or was about to, and has not heard the end of."""
    at_work_until: datetime | None = None
    """When the function that was at work is over at the latest, None if none was."""
    starting: bool = False
    """Whether it was about to start an execution, and nothing tells that it has."""


def last_moments(sfn: "SFNClient", execution_arn: str) -> LastMoments:
    """Read the history of an execution from its end."""
    found, over = LastMoments(), False
    for event in _newest_first(sfn, execution_arn):
        kind = event["type"]
        for name in _ENDED:
            details = event.get(name, {})
            found.caught |= {key.title(): details[key] for key in ("error", "cause") if details.get(key)}
        if not found.state:
            found.state = _state_data(event)
        if arn := _parsed(event.get("taskSubmittedEventDetails", {}).get("output")).get("ExecutionArn"):
            found.nested.append(arn)
            if not (found.entered or over):
                found.awaited = found.awaited or arn
        if not found.entered:
            if kind.startswith(_BEGINNINGS) and not over:
                if starting := _started(event):
                    found.starting, found.awaited = True, starting
                    found.nested.append(starting)
                seconds = _STARTING_SECONDS if found.starting else _most_seconds(event)
                found.at_work_until = event["timestamp"] + timedelta(seconds=seconds)
            over = over or (kind.endswith(_ENDINGS) and not kind.startswith("Execution"))
            found.entered = event.get("stateEnteredEventDetails", {}).get("name", "")
    return found


def _newest_first(sfn: "SFNClient", execution_arn: str) -> Iterator[Event]:
    pages = sfn.get_paginator("get_execution_history").paginate(
        executionArn=execution_arn,
        reverseOrder=True,
        includeExecutionData=True,
        PaginationConfig={"PageSize": _PAGE_EVENTS},
    )
    for page in pages:
        yield from page["events"]


def _state_data(event: Event) -> Document:
    texts = (
        event.get("stateExitedEventDetails", {}).get("output"),
        event.get("stateEnteredEventDetails", {}).get("input"),
    )
    for text in texts:
        if text and _STATE_SIGN in text and isinstance(_parsed(text).get("Execution"), dict):
            return _parsed(text)
    return {}


def _started(event: Event) -> str:
    """ARN of the execution that the task starts, whose name the machine gives; empty for another task."""
    details = event.get("taskScheduledEventDetails", {})
    if details.get("resourceType") != _STARTS_EXECUTIONS:
        return ""
    asked = {key.lower(): value for key, value in _parsed(details.get("parameters")).items()}
    machine, name = asked.get("statemachinearn"), asked.get("name")
    return f"{machine.replace(':stateMachine:', ':execution:')}:{name}" if machine and name else ""


def _most_seconds(event: Event) -> int:
    details: Mapping[str, Any] = event.get("lambdaFunctionScheduledEventDetails") or event.get(
        "taskScheduledEventDetails", {}
    )
    return min(int(details.get("timeoutInSeconds") or LONGEST_FUNCTION_SECONDS), LONGEST_FUNCTION_SECONDS)


def _parsed(text: str | None) -> Document:
    """The JSON object in the text, ``{}`` if there is none, be it that it was too long to be told whole."""
    try:
        document = json.loads(text or "{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
