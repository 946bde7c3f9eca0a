"""Settle Execution: what is to be done after an execution that ended badly, and by whom.

``$.Ended``:

- ``Kind``: ``run``, ``scoring`` or ``deployment``; ``Name``, ``Status`` and ``Execution`` of what ended.
- ``What``, ``Error`` and ``Cause``, for people: ``run was stopped``, and why.
- ``Deployments``: ``EndpointName`` and ``ConfigName`` of each deployment that did not come to its end.
- ``Todo``: ``CleanUp``; ``Wait``, then clean up again; ``Tell`` people; or ``Nothing``.
- ``By``: the execution that cleans up, this one or an earlier one.
- ``Left``: how many things stay, for a person to remove.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from automl import runs
from automl.errors import InvalidRequest, ServiceUnavailable
from automl.failures import Failure, unwrap
from automl.outcome.claims import claim
from automl.outcome.cleanup import sound
from automl.outcome.cost import STARTED_BY
from automl.outcome.histories import LastMoments, last_moments
from automl.polling import wait_seconds

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

RUN, SCORING, DEPLOYMENT = "run", "scoring", "deployment"
CLEAN_UP, WAIT, TELL, NOTHING = "CleanUp", "Wait", "Tell", "Nothing"
PATIENCE_SECONDS = 2 * 60 * 60
"""How long something that cannot be removed now is tried again: an update with a canary may take an hour."""
MAKES = {
    "Create AutoML Job": "AutoML job",
    "Create Endpoint": "endpoint",
    "Create Model": "model",
    "Create Transform Job": "transform job",
    "Register Model": "model package",
}
"""State → what its function may yet create after the execution has ended."""

_ENDS = {
    "ABORTED": ("was stopped", "Aborted", "The execution was stopped from outside"),
    "TIMED_OUT": ("timed out", "States.Timeout", "The execution took longer than its TimeoutSeconds"),
}
"""Status → what happened in a few words; error and cause where nobody gave one."""
_FAILED = ("failed", "States.Unknown", "")

Document = dict[str, Any]


@dataclass(frozen=True)
class SettlingSettings:
    """Settings of the function that settles executions."""

    data_bucket: str
    minimum_wait_seconds: int
    automl_state_machine_arn: str
    deployment_state_machine_arn: str
    scoring_state_machine_arn: str


@dataclass
class _Loose:
    """What is still going on, or was left by executions that did not come to their end."""

    deployments: list[dict[str, str]] = field(default_factory=list)
    making: dict[str, datetime] = field(default_factory=dict)
    """What may yet appear → until when."""


@dataclass(frozen=True)
class Settling:
    """Looks at one execution."""

    sfn: "SFNClient"
    s3: "S3Client"
    settings: SettlingSettings

    def settle(
        self, execution_arn: str, cleaner: Mapping[str, str], cleaned: Mapping[str, Any], now: datetime
    ) -> Document:
        """Stop what the execution had started, and say what is to be done. Again is safe.

        Args:
            execution_arn: the execution that ended.
            cleaner: ``Id`` and ``StartTime`` of the execution that asks.
            cleaned: what Clean Up said last, with ``Removed``, ``Left`` and ``Lasting``; ``{}`` before it was asked.
            now: the present moment.

        Raises:
            InvalidRequest: it is no execution of this stack.
            ServiceUnavailable: it is said to be running, or its clean-up is just being claimed; ask again.
        """
        described: Mapping[str, Any] = self.sfn.describe_execution(executionArn=execution_arn)
        kind, status, name = self._kind(execution_arn), described["status"], described["name"]
        ended: Document = {"Kind": kind, "Name": name, "Status": status, "By": cleaner["Id"]}
        ended["Execution"] = _execution(described)
        nothing = {**ended, "Todo": NOTHING, "Left": 0}
        if status == "RUNNING" and not described.get("redriveCount"):
            # A description may be older than the event that the execution has ended.
            raise ServiceUnavailable(f"execution {name} is said to be running; ask again")
        # One that was redriven goes on with what it has made.
        if status in {"RUNNING", "SUCCEEDED"} or self._is_nested(described):
            return nothing
        last = last_moments(self.sfn, execution_arn)
        loose = _Loose()
        self._look_around(described, last, loose)
        failure = failure_of(status, last, described)
        told = kind == RUN and was_told(last)
        if not cleaned:
            todo = first_step(sound(last.state), kind=kind, told=told)
            if todo == NOTHING:
                return nothing
            ended["By"] = claim(self.s3, self.sfn, self._marker(described), cleaner["Id"])
            if ended["By"] != cleaner["Id"]:
                return {**ended, "Todo": NOTHING, "Left": 0}
        else:
            began = datetime.fromisoformat(cleaner["StartTime"])
            since = (now - began).total_seconds()
            waits = is_awaited(loose.making, cleaned["Removed"], now) or len(cleaned["Left"]) > len(cleaned["Lasting"])
            ended["WaitSeconds"] = wait_seconds(since, self.settings.minimum_wait_seconds)
            todo = next_step(told=told, left=cleaned["Left"], waits=waits and since < PATIENCE_SECONDS)
            failure = failure.with_remainder(cleaned["Left"]) if todo == TELL else failure
        said = {
            "What": f"{kind} {_ENDS.get(status, _FAILED)[0]}",
            "Error": failure.error,
            "Cause": failure.cause,
            "Left": len(cleaned.get("Left", [])),
        }
        return {**ended, **said, "Deployments": loose.deployments, "Todo": todo}

    def _kind(self, execution_arn: str) -> str:
        parts = execution_arn.split(":")
        kind = self._machines().get(parts[6]) if len(parts) > 6 else None
        if kind is None:
            raise InvalidRequest(f"{execution_arn!r} is no execution of this stack; name one of its own")
        return kind

    def _machines(self) -> dict[str, str]:
        settings = self.settings
        arns = {
            settings.automl_state_machine_arn: RUN,
            settings.scoring_state_machine_arn: SCORING,
            settings.deployment_state_machine_arn: DEPLOYMENT,
        }
        return {arn.rpartition(":")[2]: kind for arn, kind in arns.items()}

    def _is_nested(self, described: Mapping[str, Any]) -> bool:
        """Whether an execution of this stack started it, which cleans up after it, or is cleaned up after itself."""
        parent = str(_input(described).get(STARTED_BY, "")).split(":")
        return len(parent) > 6 and parent[6] in self._machines()

    def _marker(self, described: Mapping[str, Any]) -> str:
        name = f"{runs.run_name(_execution(described))}-{described.get('redriveCount', 0)}"
        return f"s3://{self.settings.data_bucket}/cleanups/{name}.json"

    def _look_around(self, described: Mapping[str, Any], last: LastMoments, loose: _Loose) -> None:
        """Follow an execution that did not succeed into those that it started."""
        if self._kind(described["executionArn"]) == DEPLOYMENT:
            loose.deployments.extend(_deployment(described))
        if last.at_work_until:
            thing = "execution" if last.starting else MAKES.get(last.entered)
            if thing:
                loose.making[thing] = last.at_work_until
        for arn in last.nested:
            one = self._described(arn)
            if one is None or (one["status"] == "SUCCEEDED" and arn != last.awaited):
                continue
            if one["status"] == "RUNNING":
                self.sfn.stop_execution(executionArn=arn, error="Aborted", cause=f"{described['name']} has ended")
            self._look_around(one, last_moments(self.sfn, arn), loose)

    def _described(self, execution_arn: str) -> Mapping[str, Any] | None:
        """None if it was not started, or not yet."""
        try:
            return self.sfn.describe_execution(executionArn=execution_arn)
        except self.sfn.exceptions.ExecutionDoesNotExist:
            return None


def first_step(state: Mapping[str, Any], *, kind: str, told: bool) -> str:
    """What is to be done first after an execution that ended badly.

    A run that came to Clean Up was cleaned up, unless that failed or left something; one whose results are published
    has come to its end. Nobody else cleans up after scorings and deployments.
    """
    failure = state.get("Failure", {})
    cleaned = bool(failure) and "CleanUpError" not in state and not failure.get("Left")
    if kind == RUN and (cleaned or "Result" in state):
        return NOTHING if told else TELL
    return CLEAN_UP


def next_step(*, told: bool, left: Sequence[str], waits: bool) -> str:
    """What is to be done after a clean-up: people who know of the failure hear again only of what has to stay."""
    if waits:
        return WAIT
    return NOTHING if told and not left else TELL


def was_told(last: LastMoments) -> bool:
    """Whether the run itself notified people of its failure."""
    return last.entered == "Run Failed" and "Failure" in last.state and "NotifyError" not in last.state


def failure_of(status: str, last: LastMoments, described: Mapping[str, Any]) -> Failure:
    """Why the execution ended, for people."""
    if "Error" in last.state and status == "FAILED":
        return unwrap(last.state["Error"])
    _, error, cause = _ENDS.get(status, _FAILED)
    told = {"Error": described.get("error"), "Cause": described.get("cause"), **last.caught}
    return unwrap({"Error": told["Error"] or error, "Cause": told["Cause"] or cause})


def is_awaited(making: Mapping[str, datetime], removed: Sequence[str], now: datetime) -> bool:
    """Whether something may yet appear that was not seen, and so was not removed, so far."""
    return any(until > now and not any(_is_a(thing, one) for one in removed) for thing, until in making.items())


def _is_a(thing: str, removed: str) -> bool:
    """Whether what was removed is such a thing: ``model m``, but not ``model package p``."""
    return re.fullmatch(rf"{thing} \S+( \(.*\))?", removed) is not None


def _deployment(described: Mapping[str, Any]) -> list[dict[str, str]]:
    request = _input(described)
    endpoint, model = request.get("Endpoint", {}).get("Name"), request.get("Model", {}).get("Name")
    if not (isinstance(endpoint, str) and isinstance(model, str)):
        return []  # refused before anything was made
    return [{"EndpointName": endpoint, "ConfigName": runs.config_name(model, described["executionArn"])}]


def _execution(described: Mapping[str, Any]) -> dict[str, str]:
    """``Id``, ``Name`` and ``StartTime`` as the execution itself knows them."""
    started = described["startDate"].astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"Id": described["executionArn"], "Name": described["name"], "StartTime": started}


def _input(described: Mapping[str, Any]) -> Document:
    document = json.loads(described.get("input") or "{}")
    return document if isinstance(document, dict) else {}
