"""One execution: start it, see where it is, stop it together with what it made."""

import json
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from autoflow import news
from autoflow.documents import json_object
from autoflow.stack import Stack

_CLEAN_UP_SECONDS = 3
_SETTLE_SECONDS = 5
"""A function that is at work when its execution is stopped goes on; none takes longer to create what it creates."""
_LOOK_AGAIN_SECONDS = 0.2
_NAME_LENGTH = 23
"""So long that the run's name still contains it whole."""


@dataclass(frozen=True)
class Step:
    """Something an execution did, as far as people care.

    ``state`` was entered; or, with ``text``, has news.
    """

    state: str
    text: str = ""
    parent: str = ""
    """State that started the nested execution in which this happened."""
    at: float = field(default=0.0, compare=False)
    """Unix time."""


@dataclass(frozen=True)
class CleanedUp:
    """What one attempt to clean up removed, and what it had to leave with the reason, for people."""

    removed: list[str]
    left: list[str]


class Execution:
    """An execution of one of the stack's machines, with the executions it starts."""

    def __init__(self, stack: Stack, arn: str, started: datetime) -> None:
        self.stack = stack
        self.arn = arn
        self.started = started
        self.name = arn.rpartition(":")[2]
        self.waiting = False
        """Whether it waited for approval when the last news came."""
        self._history = _History(stack, arn)

    @classmethod
    def start(cls, stack: Stack, request: Mapping[str, Any]) -> "Execution":
        """Start the main machine with a name that says what it is about."""
        client = stack.client("stepfunctions")
        while True:
            name = readable_name(request["Dataset"]["S3Uri"], str(request["Dataset"]["TargetColumn"]))
            try:
                answer = client.start_execution(stateMachineArn=stack.machine, name=name, input=json.dumps(request))
            except client.exceptions.ExecutionAlreadyExists:
                continue
            return cls(stack, answer["executionArn"], answer["startDate"])

    @classmethod
    def start_scoring(cls, stack: Stack, request: Mapping[str, Any], name: str) -> "Execution":
        """Start the scoring machine; the name begins so."""
        answer = stack.client("stepfunctions").start_execution(
            stateMachineArn=stack.outputs["ScoringStateMachineArn"],
            name=f"{name}-{secrets.token_hex(3)}",
            input=json.dumps(request),
        )
        return cls(stack, answer["executionArn"], answer["startDate"])

    def describe(self) -> dict[str, Any]:
        """``status``, ``output``, ``error``, ``cause`` …, as Step Functions tells."""
        document: dict[str, Any] = self.stack.client("stepfunctions").describe_execution(executionArn=self.arn)
        return document

    def news(self) -> Iterator[Step]:
        """What happened since the last call, in order of time."""
        for step in sorted(self._history.news(), key=lambda step: step.at):
            if not step.parent:
                self.waiting = step.state == news.APPROVAL and not step.text
            yield step

    def stop(self) -> str:
        """Stop this execution and those nested in it, and let a function that is at work finish.

        Returns:
            Its status after that: it may have ended in another way before.
        """
        client = self.stack.client("stepfunctions")
        stopped: set[str] = set()
        # One may have been started since the last look, so look again until none is new.
        while new := [history for history in self._history.all() if history.arn not in stopped]:
            for history in new:
                client.stop_execution(executionArn=history.arn, error="Aborted", cause="stopped by the user")
                stopped.add(history.arn)
            list(self.news())
        if any(history.was_at_work() for history in self._history.all()):
            time.sleep(_SETTLE_SECONDS)
        end = time.monotonic() + _SETTLE_SECONDS
        while (status := str(self.describe()["status"])) == "RUNNING" and time.monotonic() < end:
            time.sleep(_LOOK_AGAIN_SECONDS)
        return status

    def clean_up(self) -> Iterator[CleanedUp]:
        """Remove what the stopped execution made: StopExecution itself runs no further state.

        Tries again, for as long as it is iterated, until nothing is left: an endpoint that is being created, for
        example, cannot be deleted before it is there.
        """
        state = self._last_state()
        if state is None:
            return
        event = {"State": {**state, "Error": {"Error": "Aborted", "Cause": "stopped by the user"}}}
        while True:
            answer = self.stack.invoke("CleanUpFunction", event)
            yield CleanedUp(answer["Removed"], answer["Left"])
            if not answer["Left"]:
                return
            time.sleep(_CLEAN_UP_SECONDS)

    def _last_state(self) -> dict[str, Any] | None:
        """The newest state data, from which Clean Up knows the run; None when the run had not begun."""
        client = self.stack.client("stepfunctions")
        pages = client.get_paginator("get_execution_history").paginate(executionArn=self.arn, reverseOrder=True)
        for page in pages:
            for event in page["events"]:
                text = event.get("stateExitedEventDetails", {}).get("output", "")
                if "Execution" in (state := json_object(text)):
                    return state
        return None


def readable_name(data: str, target: str) -> str:
    """An execution name made of the file's and the target's name, unique by six random digits."""
    stem = PurePosixPath(data.rstrip("/")).name.partition(".")[0]
    words = "-".join(filter(None, (re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") for text in (stem, target))))
    return f"{words[: _NAME_LENGTH - 7].strip('-') or 'run'}-{secrets.token_hex(3)}"


class _History:
    """Reads an execution's events once each, the newest first, so that a long one costs no more than a short one."""

    def __init__(self, stack: Stack, arn: str, parent: str = "") -> None:
        self.stack = stack
        self.arn = arn
        self.parent = parent
        self.entered = ""
        self.last = 0
        self.ended = False
        self.children: list[_History] = []

    def all(self) -> "Iterator[_History]":
        yield self
        for child in self.children:
            yield from child.all()

    def news(self) -> Iterator[Step]:
        for event in self._new_events():
            kind, at = event["type"], event["timestamp"].timestamp()
            if kind in {"TaskStateEntered", "MapStateEntered"}:
                self.entered = event["stateEnteredEventDetails"]["name"]
                yield Step(self.entered, parent=self.parent, at=at)
            elif kind == "TaskStateExited":
                details = event["stateExitedEventDetails"]
                if text := news.told(details["name"], details.get("output", "")):
                    yield Step(details["name"], text, self.parent, at)
            elif kind == "TaskSubmitted":
                output = json_object(event["taskSubmittedEventDetails"].get("output", ""))
                if arn := output.get("ExecutionArn"):
                    self.children.append(_History(self.stack, arn, parent=self.entered))
            elif kind in _ENDED:
                self.ended = True
        for child in self.children:
            if not child.ended:
                yield from child.news()

    def was_at_work(self) -> bool:
        """Whether the stopped execution had a function running."""
        client = self.stack.client("stepfunctions")
        events = client.get_execution_history(executionArn=self.arn, reverseOrder=True, maxResults=3)["events"]
        return any(event["type"] in _AT_WORK for event in events)

    def _new_events(self) -> list[dict[str, Any]]:
        client = self.stack.client("stepfunctions")
        pages = client.get_paginator("get_execution_history").paginate(
            executionArn=self.arn, reverseOrder=True, PaginationConfig={"PageSize": 50}
        )
        new: list[dict[str, Any]] = []
        for page in pages:
            for event in page["events"]:
                if event["id"] <= self.last:
                    break
                new.append(event)
            else:
                continue
            break
        if new:
            self.last = new[0]["id"]
        return new[::-1]


_ENDED = {"ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"}
_AT_WORK = {"TaskStateEntered", "LambdaFunctionScheduled", "LambdaFunctionStarted"}
