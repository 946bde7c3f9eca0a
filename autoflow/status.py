"""What runs in a stack right now."""

import itertools
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from autoflow.documents import json_object
from autoflow.local import cloud, deploy
from autoflow.local.cloud import Cloud
from autoflow.wording import duration

_SHOWN = 10
"""Executions of each machine, the newest first."""
_PARENT = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"


def show(console: Console) -> None:
    """Print every local cloud with its runs and endpoints."""
    clouds = cloud.running()
    for each in clouds:
        _show(console, each)
    if not clouds:
        console.print("No local cloud is running; `autoflow up` starts one")


def _show(console: Console, each: Cloud) -> None:
    age = duration(time.time() - each.started)
    about = f"  up {age}, process {each.pid}, log {each.instance.log}"
    console.print(Text.assemble((each.url, "bold"), about), soft_wrap=True)
    stack = deploy.deployed(each)
    if not cloud.healthy(each.port):
        console.print(f"  does not answer; `autoflow down --port {each.port}` ends it", style="red")
        return
    if stack is None:
        console.print("  no stack yet")
        return
    if stack.outdated:
        console.print("  deployed before the last change of template.yaml or statemachine/", style="yellow")
    client = each.client("stepfunctions")
    for run in _newest(client, stack.outputs["AutoMLStateMachineArn"]):
        _show_execution(console, client, "run", run)
    for scoring in _newest(client, stack.outputs["ScoringStateMachineArn"], _was_asked_for):
        _show_execution(console, client, "scoring", scoring)
    for endpoint in each.client("sagemaker").list_endpoints()["Endpoints"]:
        console.print(f"  endpoint  {endpoint['EndpointName']}  {endpoint['EndpointStatus']}", highlight=False)


def _newest(
    client: Any, machine: str, wanted: Callable[[dict[str, Any]], bool] = lambda description: True
) -> Iterator[dict[str, Any]]:
    """Descriptions of the newest of the machine's executions that are wanted."""
    pages = client.get_paginator("list_executions").paginate(stateMachineArn=machine)
    arns = (execution["executionArn"] for page in pages for execution in page["executions"])
    found = (client.describe_execution(executionArn=arn) for arn in arns)
    return itertools.islice(filter(wanted, found), _SHOWN)


def _was_asked_for(description: dict[str, Any]) -> bool:
    """Whether it is no part of a run."""
    return _PARENT not in json_object(description["input"])


def _show_execution(console: Console, client: Any, word: str, description: dict[str, Any]) -> None:
    end = description.get("stopDate") or datetime.now(UTC)
    took = duration((end - description["startDate"]).total_seconds())
    line = f"  {word:<9} {description['name']}  {description['status'].lower()}  {took}"
    console.print("  ".join(filter(None, [line, _further(client, description)])), highlight=False)


def _further(client: Any, description: dict[str, Any]) -> str:
    """Where a running execution is, or what a finished one came to; empty when it says nothing more."""
    if description["status"] == "RUNNING":
        return _state(client, description["executionArn"])
    result = json_object(description.get("output", ""))
    failed = result.get("FailedParts", {}).get("Count", 0)
    return f"parts that failed: {failed}" if failed else result.get("Outcome", "")


def _state(client: Any, arn: str) -> str:
    """The state that the execution is in; empty when it has just begun."""
    events = client.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=50)["events"]
    names = (event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event)
    return str(next(names, ""))
