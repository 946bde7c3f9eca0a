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

_END_SECONDS = 5
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
            stateMachineArn=stack.scoring_machine, name=f"{name}-{secrets.token_hex(3)}", input=json.dumps(request)
        )
        return cls(stack, answer["executionArn"], answer["startDate"])

    @property
    def is_scoring(self) -> bool:
        """Whether it is one of the scoring machine's."""
        return self.arn.rpartition(":")[0] == executions_of(self.stack.scoring_machine)

    @property
    def state(self) -> dict[str, Any]:
        """The newest state data that came with the news; empty before the first."""
        return json_object(self._history.state)

    def has_entered(self, state: str) -> bool:
        """Whether the news told that it has been in that state."""
        return state in self._history.passed

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
        """Stop this execution; its stack stops those that it started, and removes what it made.

        Returns:
            Its status after that: it may have ended in another way before.
        """
        client = self.stack.client("stepfunctions")
        client.stop_execution(executionArn=self.arn, error="Aborted", cause="stopped by the user")
        end = time.monotonic() + _END_SECONDS
        while (status := str(self.describe()["status"])) == "RUNNING" and time.monotonic() < end:
            time.sleep(_LOOK_AGAIN_SECONDS)
        return status

    def last_state(self) -> dict[str, Any] | None:
        """The newest state data there is, also without news; None when the execution had not begun."""
        client = self.stack.client("stepfunctions")
        pages = client.get_paginator("get_execution_history").paginate(executionArn=self.arn, reverseOrder=True)
        for page in pages:
            for event in page["events"]:
                text = event.get("stateExitedEventDetails", {}).get("output", "")
                if "Execution" in (state := json_object(text)):
                    return state
        return None


def executions_of(machine: str) -> str:
    """How the ARNs of all executions of a machine begin, up to the last colon."""
    return machine.replace(":stateMachine:", ":execution:")


def readable_name(data: str, target: str) -> str:
    """An execution name made of the file's and the target's name, unique by six random digits."""
    return f"{readable_base(data, target) or 'run'}-{secrets.token_hex(3)}"


def readable_base(data: str, *about: str) -> str:
    """How an execution name begins that is made of the file's name and others; empty when they have no letters."""
    stem = PurePosixPath(data.rstrip("/")).name.partition(".")[0]
    words = "-".join(filter(None, (re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") for text in (stem, *about))))
    return words[: _NAME_LENGTH - 7].strip("-")


class _History:
    """Reads an execution's events once each, the newest first, so that a long one costs no more than a short one."""

    def __init__(self, stack: Stack, arn: str, parent: str = "") -> None:
        self.stack = stack
        self.arn = arn
        self.parent = parent
        self.entered = ""
        self.passed: set[str] = set()
        self.last = 0
        self.ended = False
        self.state = ""
        """State data as text: the newest output of a state that has all of it."""
        self.children: list[_History] = []

    def news(self) -> Iterator[Step]:
        for event in self._new_events():
            kind, at = event["type"], event["timestamp"].timestamp()
            if _STATE_SIGN in (output := event.get("stateExitedEventDetails", {}).get("output", "")):
                self.state = output
            if kind in {"TaskStateEntered", "MapStateEntered"}:
                self.entered = event["stateEnteredEventDetails"]["name"]
                self.passed.add(self.entered)
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


_STATE_SIGN = '"Execution":'
"""Is in the data of every machine, and not in what a Map gives to one of its parts."""
_ENDED = {"ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"}
