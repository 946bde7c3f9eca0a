"""What runs in a stack right now."""

import time
from datetime import UTC, datetime

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
    runs = each.client("stepfunctions").list_executions(
        stateMachineArn=stack.outputs["AutoMLStateMachineArn"], maxResults=10
    )["executions"]
    for run in runs:
        end = run.get("stopDate") or datetime.now(UTC)
        took = duration((end - run["startDate"]).total_seconds())
        console.print(f"  run       {run['name']}  {run['status'].lower()}  {took}", highlight=False)
    for endpoint in each.client("sagemaker").list_endpoints()["Endpoints"]:
        console.print(f"  endpoint  {endpoint['EndpointName']}  {endpoint['EndpointStatus']}", highlight=False)
