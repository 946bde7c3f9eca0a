"""Remove what a stopped execution made: StopExecution itself runs no further state of it."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from autoflow.endpoints import find
from autoflow.errors import CommandError
from autoflow.execution import Execution
from autoflow.lookup import base

_PAUSE_SECONDS = 3
_LATE_SECONDS = 15
"""How long to look out for what a function was about to create when its execution was stopped."""
_DELETED = "Deleted"


@dataclass(frozen=True)
class CleanedUp:
    """What one attempt to clean up removed, and what it had to leave with the reason, for people."""

    removed: list[str]
    left: list[str]


def removed(execution: Execution) -> Iterator[CleanedUp]:
    """Remove what the stopped execution made, again and again until nothing is left or nobody iterates any more.

    An endpoint that is being created, for example, cannot be deleted before it is there.
    """
    state = execution.last_state()
    if state is None:
        return
    attempt = _of_scoring if execution.is_scoring else _of_run
    awaited = {thing.lower() for thing in execution.making}
    end = time.monotonic() + _LATE_SECONDS
    while True:
        done = attempt(execution, state)
        yield done
        awaited = {thing for thing in awaited if not any(_tells_of(thing, text) for text in done.removed)}
        if not done.left and (not awaited or time.monotonic() > end):
            return
        time.sleep(_PAUSE_SECONDS)


def _tells_of(thing: str, text: str) -> bool:
    """Whether that which was removed is such a thing: the config of an endpoint goes without it while it is made."""
    return text.lower().startswith(f"{thing} ") and not text.startswith(f"{thing} config ")


def resuming(execution: Execution) -> str:
    """The command that scores what the scoring did not finish; empty when there is nothing to go on from."""
    rows = (execution.last_state() or {}).get("Rows") if execution.is_scoring else None
    if not rows or rows.get("Predicted"):
        return ""
    name = str(rows["OutputUri"]).rstrip("/").rpartition("/")[2]
    return execution.stack.command("score", "--resume", name)


def _of_run(execution: Execution, state: Mapping[str, Any]) -> CleanedUp:
    event = {"State": {**state, "Error": {"Error": "Aborted", "Cause": "stopped by the user"}}}
    answer = execution.stack.invoke("CleanUpFunction", event)
    return CleanedUp(answer["Removed"], answer["Left"])


def _of_scoring(execution: Execution, state: Mapping[str, Any]) -> CleanedUp:
    """What a scoring has besides its files: an endpoint that is not to be kept, or a transform job."""
    done = CleanedUp([], [])
    for attempt in (_remove_endpoint, _stop_transform_job):
        try:
            done.removed.extend(attempt(execution, state))
        except CommandError as error:
            done.left.append(str(error))
    return done


def _remove_endpoint(execution: Execution, state: Mapping[str, Any]) -> list[str]:
    serving, stack = state.get("Serving") or {}, execution.stack
    # One that was in service was not made by the scoring; one that is to be kept comes into service by itself.
    if serving.get("Ready", True) or serving.get("Keep", True):
        return []
    name = serving["EndpointName"]
    found = find(stack.client("sagemaker").describe_endpoint, EndpointName=name)
    if found is None or found["EndpointStatus"] == "Deleting":
        return []
    endpoint = {"Name": name, "ConfigName": found["EndpointConfigName"]}
    answer = stack.invoke("RemoveEndpointFunction", {"Endpoint": endpoint})
    if answer["Status"] != _DELETED:
        raise CommandError(f"endpoint {name} is {answer['Status']} and was changed by somebody else")
    return [f"endpoint {name}"]


def _stop_transform_job(execution: Execution, state: Mapping[str, Any]) -> list[str]:
    rows = state.get("Rows") or {}
    if rows.get("Engine") != "BatchTransform":
        return []
    stack = execution.stack
    sagemaker = stack.client("sagemaker")
    pages = sagemaker.get_paginator("list_transform_jobs")
    found = pages.paginate(NameContains=f"{base(execution.name)}-", StatusEquals="InProgress")
    names = [job["TransformJobName"] for page in found for job in page["TransformJobSummaries"]]
    ours = [name for name in names if _writes_below(sagemaker, name, rows["OutputUri"])]
    for name in ours:
        stack.invoke("StopTransformJobFunction", {"TransformJob": {"Name": name}})
    return [f"transform job {name} (stopped)" for name in ours]


def _writes_below(sagemaker: Any, job: str, folder: str) -> bool:
    """Whether it is the scoring's job: executions whose long names begin alike have jobs that are named alike."""
    description = sagemaker.describe_transform_job(TransformJobName=job)
    return str(description["TransformOutput"]["S3OutputPath"]).startswith(folder)
