"""Follow an execution to its end."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from autoflow.display import Display
from autoflow.documents import json_object
from autoflow.errors import CommandError, InterruptedCommandError
from autoflow.execution import Execution

_LOCAL_SECONDS = 0.4
_AWS_SECONDS = (2.0, 15.0)
"""Shortest and longest pause between two looks; between them 2 % of the elapsed time."""


def follow(
    execution: Execution,
    display: Display,
    on_waiting: Callable[[], None] = lambda: None,
    on_look: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Show the execution's progress until it ends; returns its last description.

    Args:
        execution: which.
        display: shows it.
        on_waiting: is called once, when the execution begins to wait for approval.
        on_look: is called after each look at the news, the last one included.

    Raises:
        CommandError: it cannot be looked at any more; it may go on all the same.
    """
    began = time.monotonic()
    told = False
    while True:
        try:
            description = execution.describe()
            for step in execution.news():
                display.show(step)
            on_look()
        except (BotoCoreError, ClientError) as error:
            stack = execution.stack
            hint = "it has ended if `autoflow status` does not list it" if stack.local else "it goes on there"
            again = f"`{stack.command('follow', execution.name)}` looks again"
            raise CommandError(
                f"lost sight of the execution {execution.name} in {stack.title} ({hint}; {again}): {error}"
            ) from error
        if description["status"] != "RUNNING":
            outcome = json_object(description.get("output", "")).get("Outcome", "Completed")
            display.end(outcome if description["status"] == "SUCCEEDED" else "Failed")
            return description
        if execution.waiting and not told:
            told = True
            on_waiting()
        time.sleep(_pause(execution, time.monotonic() - began))


@contextlib.contextmanager
def left_alone_by_ctrl_c(execution: Execution) -> Iterator[None]:
    """Ctrl-C ends the block, not the execution, which somebody else may have started.

    Raises:
        InterruptedCommandError: Ctrl-C; says how to follow the execution again.
    """
    try:
        yield
    except KeyboardInterrupt:
        again = execution.stack.command("follow", execution.name)
        raise InterruptedCommandError(f"stopped following; {execution.name} goes on: {again}") from None


def _pause(execution: Execution, elapsed: float) -> float:
    if execution.stack.local:
        return _LOCAL_SECONDS
    shortest, longest = _AWS_SECONDS
    return min(longest, max(shortest, 0.02 * elapsed))
