"""What a stopped execution made: the stack removes it by itself, as it does for executions that nobody here stopped."""

import json
import time
from typing import Any

from autoflow.errors import CommandError
from autoflow.execution import Execution

_OUTPUT = "CleanupStateMachineArn"
_PAUSE_SECONDS = 0.5
_PATIENCE_SECONDS = 900


def removed(execution: Execution) -> list[str]:
    """Have the stack clean up after the execution, unless it is at it or has done so, and tell what it removed.

    Raises:
        CommandError: the stack is too old for that, something had to stay, or it takes too long.
    """
    stack = execution.stack
    if _OUTPUT not in stack.outputs:
        raise CommandError(
            f"{stack.title} is older than this program and does not clean up after a stopped execution; "
            "deploy the project's template again, then stop it once more"
        )
    client, request = stack.client("stepfunctions"), json.dumps({"ExecutionArn": execution.arn})
    asked = client.start_execution(stateMachineArn=stack.outputs[_OUTPUT], input=request)["executionArn"]
    output = _output(client, asked)
    if output["By"] != asked:  # the stack's own rule was faster
        output = _output(client, output["By"])
    things: list[str] = output["CleanedUp"].get("Removed", [])
    return things


def _output(client: Any, arn: str) -> dict[str, Any]:
    end = time.monotonic() + _PATIENCE_SECONDS
    while (description := client.describe_execution(executionArn=arn))["status"] == "RUNNING":
        if time.monotonic() > end:
            raise CommandError(f"the stack still cleans up, and tells you when something has to stay: see {arn}")
        time.sleep(_PAUSE_SECONDS)
    if description["status"] != "SUCCEEDED":
        raise CommandError(f"{description.get('error', description['status'])}: {description.get('cause', arn)}")
    output: dict[str, Any] = json.loads(description["output"])
    return output


def resuming(execution: Execution) -> str:
    """The command that scores what the scoring did not finish; empty when there is nothing to go on from."""
    rows = (execution.last_state() or {}).get("Rows") if execution.is_scoring else None
    if not rows or rows.get("Predicted"):
        return ""
    name = str(rows["OutputUri"]).rstrip("/").rpartition("/")[2]
    return execution.stack.command("score", "--resume", name)
