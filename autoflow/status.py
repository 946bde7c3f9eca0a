"""What runs in a stack right now."""

import time
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from autoflow.display import duration
from autoflow.local import cloud, deploy
from autoflow.local.cloud import Cloud


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
    machine = stack.outputs["AutoMLStateMachineArn"]
    for run in client.list_executions(stateMachineArn=machine, maxResults=10)["executions"]:
        end = run.get("stopDate") or datetime.now(UTC)
        took = duration((end - run["startDate"]).total_seconds())
        state = f"  {_state(client, run['executionArn'])}" if run["status"] == "RUNNING" else ""
        console.print(f"  run       {run['name']}  {run['status'].lower()}  {took}{state}", highlight=False)
    for endpoint in each.client("sagemaker").list_endpoints()["Endpoints"]:
        console.print(f"  endpoint  {endpoint['EndpointName']}  {endpoint['EndpointStatus']}", highlight=False)


def _state(client: Any, arn: str) -> str:
    """The state that the execution is in; empty when it has just begun."""
    events = client.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=50)["events"]
    names = (event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event)
    return str(next(names, ""))
