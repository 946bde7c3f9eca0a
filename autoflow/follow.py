"""Follow an execution to its end."""

import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from autoflow.display import Display
from autoflow.errors import CommandError
from autoflow.execution import Execution

_LOCAL_SECONDS = 0.4
_AWS_SECONDS = (2.0, 15.0)
"""Shortest and longest pause between two looks; between them 2 % of the elapsed time."""


def follow(execution: Execution, display: Display) -> dict[str, Any]:
    """Show the execution's progress until it ends; returns its last description.

    Raises:
        CommandError: it cannot be looked at any more; it may go on all the same.
    """
    began = time.monotonic()
    while True:
        try:
            description = execution.describe()
            for step in execution.news():
                display.show(step)
        except (BotoCoreError, ClientError) as error:
            hint = "it has ended if `autoflow status` does not list it" if execution.stack.local else "it goes on there"
            raise CommandError(
                f"lost sight of the execution {execution.name} in {execution.stack.title} ({hint}): {error}"
            ) from error
        if description["status"] != "RUNNING":
            display.end(succeeded=description["status"] == "SUCCEEDED")
            return description
        time.sleep(_pause(execution, time.monotonic() - began))


def _pause(execution: Execution, elapsed: float) -> float:
    if execution.stack.local:
        return _LOCAL_SECONDS
    shortest, longest = _AWS_SECONDS
    return min(longest, max(shortest, 0.02 * elapsed))
