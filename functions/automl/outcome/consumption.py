"""What executions used, counted from their histories: transitions, functions' time, endpoints, transform jobs.

Histories are taken event by event, and nothing of them is kept but sums and what is still going on.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Event = Mapping[str, Any]

_SCHEDULED = frozenset({"LambdaFunctionScheduled", "TaskScheduled"})
_STARTED = frozenset({"LambdaFunctionStarted", "TaskStarted"})
_ENDED = frozenset(
    {
        "LambdaFunctionSucceeded",
        "LambdaFunctionFailed",
        "LambdaFunctionTimedOut",
        "TaskSubmitted",
        "TaskFailed",
        "TaskTimedOut",
    }
)
_OVER = frozenset({"ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"})
_GONE = frozenset({"Deleted", "Restored"})


@dataclass(frozen=True)
class Hosting:
    """On what an endpoint runs: ``memory`` MB when it is serverless, else instances."""

    memory: int = 0
    instance_type: str = ""
    instances: int = 1


def hosting_of(request: Mapping[str, Any]) -> Hosting | None:
    """Hosting as a deployment takes it, None if it names none."""
    if "Serverless" in request:
        return Hosting(memory=request["Serverless"]["MemorySizeInMB"])
    if "InstanceType" in request:
        return Hosting(instance_type=request["InstanceType"], instances=request.get("InstanceCount", 1))
    return None


@dataclass(frozen=True)
class Placed:
    """A deployment began to bring an endpoint to this hosting."""

    endpoint: str
    hosting: Hosting | None
    time: datetime


@dataclass
class Consumption:
    """The sums over all executions whose histories were taken."""

    transitions: int = 0
    lambda_requests: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    """Of each function by its ARN."""
    part_gigabyte_seconds: float = 0.0
    """Of the functions in Distributed Maps, whose executions have histories of their own."""
    placed: list[Placed] = field(default_factory=list)
    removed: list[tuple[str, datetime]] = field(default_factory=list)
    """Endpoints that were deleted, or given back to the model they had before."""
    asked: dict[str, float] = field(default_factory=dict)
    """Seconds of requests by the endpoint's name."""
    found: dict[str, Hosting | None] = field(default_factory=dict)
    """Hosting of the endpoints that scorings asked, as Find Model tells it."""
    transforms: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """The last status document of each transform job by its name."""

    def take(self, events: Iterable[Event], now: datetime) -> list[str]:
        """Add one execution and return the ARNs of those that it started.

        A transition is a state entered, or a task tried again: AWS bills both. A function's time runs from the start
        of an invocation to its end, to the end of its execution, or to ``now``.
        """
        one = _Execution(self)
        for event in events:
            one.take(event)
        one.end(now)
        return one.nested


@dataclass
class _Invocation:
    function: str
    since: datetime


@dataclass
class _Execution:
    """What one execution is at while its history is taken."""

    total: Consumption
    nested: list[str] = field(default_factory=list)
    states: dict[int, str] = field(default_factory=dict)
    """The state of the last event of each task that is going on, by the event's number."""
    running: dict[int, _Invocation] = field(default_factory=dict)
    tasks: int = 0
    scheduled: int = 0
    request: Mapping[str, Any] = field(default_factory=dict)
    endpoint: str = ""
    over: datetime | None = None

    def take(self, event: Event) -> None:
        kind, number, previous = event["type"], event["id"], event.get("previousEventId", 0)
        state = self.states.pop(previous, "")
        if kind.endswith("StateEntered"):
            self.total.transitions += 1
            if kind == "TaskStateEntered":
                self.tasks += 1
                state = event["stateEnteredEventDetails"]["name"]
        if state and not kind.endswith("StateExited"):
            self.states[number] = state
        invocation = self.running.pop(previous, None)
        if kind in _SCHEDULED:
            self.scheduled += 1
            invocation = _scheduled(event)
        elif kind in _STARTED and invocation:
            self.total.lambda_requests += 1
            invocation.since = event["timestamp"]
        if kind in _ENDED:
            seconds = self._spend(invocation, event["timestamp"])
            self._hear(state, event, seconds)
        elif invocation:
            self.running[number] = invocation
        if kind == "ExecutionStarted":
            self.request = json.loads((event.get("executionStartedEventDetails") or {}).get("input") or "{}")
        elif kind in _OVER:
            self.over = event["timestamp"]

    def end(self, now: datetime) -> None:
        """No more events: what still runs has run until now, or until the execution was over."""
        for invocation in self.running.values():
            self._spend(invocation, self.over or now)
        self.total.transitions += max(0, self.scheduled - self.tasks)

    def _spend(self, invocation: _Invocation | None, time: datetime) -> float:
        if invocation is None:
            return 0.0
        seconds = max(0.0, (time - invocation.since).total_seconds())
        self.total.seconds[invocation.function] = self.total.seconds.get(invocation.function, 0.0) + seconds
        return seconds

    def _hear(self, state: str, event: Event, seconds: float) -> None:
        """What a task said when it ended."""
        time = event["timestamp"]
        if event["type"] == "TaskSubmitted":
            details = event["taskSubmittedEventDetails"]
            if details.get("resourceType") == "states" and (arn := _answer(details).get("ExecutionArn")):
                self.nested.append(arn)
            return
        if event["type"] != "LambdaFunctionSucceeded" or state not in _TELLING:
            return
        answer = _answer(event.get("lambdaFunctionSucceededEventDetails") or {})
        match state:
            case "Create Endpoint":
                self.endpoint = answer["Name"]
                hosting = hosting_of(self.request.get("Endpoint") or {})
                self.total.placed.append(Placed(self.endpoint, hosting, time))
            case "Test Endpoint":
                self._ask(seconds)
            case "Find Model":
                self.endpoint = answer.get("EndpointName", "")
                self.total.found[self.endpoint] = hosting_of(answer.get("Endpoint") or {})
            case "Collect Parts":
                self._collect(answer.get("Usage") or {})
            case "Remove Staging":
                self.total.removed += [(name, time) for name in removed_endpoints(answer["Removed"])]
            case "Remove Endpoint" | "Roll Back Endpoint":
                if answer["Status"] in _GONE:
                    self.total.removed.append((answer["Name"], time))
            case _:
                if answer["Name"]:  # there is none when all parts were transformed before
                    self.total.transforms[answer["Name"]] = answer

    def _ask(self, seconds: float) -> None:
        if seconds:
            self.total.asked[self.endpoint] = self.total.asked.get(self.endpoint, 0.0) + seconds

    def _collect(self, usage: Mapping[str, float]) -> None:
        self.total.transitions += int(usage.get("StateTransitions", 0))
        self.total.part_gigabyte_seconds += usage.get("LambdaGBSeconds", 0.0)
        self.total.lambda_requests += int(usage.get("LambdaRequests", 0))
        self._ask(usage.get("InvocationSeconds", 0.0))


_TELLING = frozenset(
    {
        "Create Endpoint",
        "Test Endpoint",
        "Find Model",
        "Collect Parts",
        "Remove Staging",
        "Remove Endpoint",
        "Roll Back Endpoint",
        "Create Transform Job",
        "Get Transform Job",
        "Stop Transform Job",
    }
)
"""States whose functions' answers tell of an endpoint, of parts, or of a transform job."""


def _scheduled(event: Event) -> _Invocation | None:
    if event["type"] == "LambdaFunctionScheduled":
        return _Invocation(event["lambdaFunctionScheduledEventDetails"]["resource"], event["timestamp"])
    details = event["taskScheduledEventDetails"]
    if details.get("resourceType") != "lambda":
        return None
    return _Invocation(json.loads(details["parameters"])["FunctionName"], event["timestamp"])


def _answer(details: Mapping[str, Any]) -> dict[str, Any]:
    answer = json.loads(details.get("output") or "{}")
    return answer if isinstance(answer, dict) else {}


def removed_endpoints(removed: Iterable[str]) -> list[str]:
    """The endpoints among what was removed, which is told as ``endpoint <name>``, ``endpoint config <name>``, …"""
    words = (one.split(" ") for one in removed)
    return [found[1] for found in words if len(found) == 2 and found[0] == "endpoint"]
