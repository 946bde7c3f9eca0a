"""The whole way of one run: upload, start, follow, bring the results down."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from autoflow import results, summary
from autoflow.attempt import Attempt, data_uris
from autoflow.display import display_on
from autoflow.errors import RunError, ScoringError
from autoflow.execution import Execution
from autoflow.follow import follow, left_alone_by_ctrl_c
from autoflow.request import Request
from autoflow.stack import Stack
from autoflow.upload import check


@dataclass(frozen=True)
class Outcome:
    """A run that succeeded: result.json, leaderboard.json, and the folder with the files."""

    result: dict[str, Any]
    leaderboard: dict[str, Any]
    folder: Path


def check_paths(request: Request, folder: Path | None = None) -> None:
    """See before anything is started that local data is there and that the results can go to the folder.

    Raises:
        UsageError: it is not, or they cannot.
    """
    for _, uri in data_uris(request):
        check(uri)
    results.check(folder or Path())


def run(stack: Stack, request: Request, console: Console, folder: Path | None = None) -> Outcome:
    """Carry out the request in the stack and put the results into the folder (default: named like the run).

    Raises:
        RunError: the execution failed.
        InterruptedCommandError: Ctrl-C; the execution was stopped and what it had made was removed.
        CommandError: something else went wrong.
    """
    attempt = Attempt(stack, console, Execution.start)
    with attempt.undone_when_interrupted():
        execution = attempt.start(request)
        hint = "Ctrl-C stops the run and removes what it made; closing the terminal leaves it waiting, and"
        description = _watch(execution, console, hint)
    try:
        return _outcome(execution, description, folder)
    except RunError as error:
        if error.name in RunError.BAD_INPUT:
            attempt.uploads.delete()
        error.args = (attempt.uploads.in_local_terms(str(error)),)
        raise


def begin(stack: Stack, request: Request, console: Console) -> Execution:
    """Start what the request asks for, and leave it to itself.

    Raises:
        InterruptedCommandError: Ctrl-C; the execution was stopped and what it had made was removed.
        CommandError: it could not be started.
    """
    attempt = Attempt(stack, console, Execution.start)
    with attempt.undone_when_interrupted():
        return attempt.start(request)


def attend(execution: Execution, console: Console, folder: Path | None = None) -> Outcome:
    """Watch an execution that was started before, and put its results into the folder.

    Raises:
        RunError: the execution failed.
        InterruptedCommandError: Ctrl-C; the execution goes on.
        CommandError: something else went wrong.
    """
    with left_alone_by_ctrl_c(execution):
        description = _watch(execution, console, "Ctrl-C leaves it waiting;")
    return _outcome(execution, description, folder)


def _watch(execution: Execution, console: Console, hint: str) -> dict[str, Any]:
    """The execution's description at its end."""

    def ask() -> None:
        name, stack = execution.name, execution.stack
        answers = f"{stack.command('approve', name)}  or  {stack.command('reject', name)}"
        console.print(f"Waiting for approval: {answers}", markup=False, highlight=False, soft_wrap=True)
        console.print(Text(f"{hint} {stack.command('follow', name)} shows it again.", style="dim"))

    with display_on(console, execution.name, execution.started.timestamp()) as display:
        return follow(execution, display, ask)


def _outcome(execution: Execution, description: Mapping[str, Any], folder: Path | None) -> Outcome:
    """The results of an execution that ended, brought down.

    Raises:
        RunError: it failed.
    """
    stack = execution.stack
    check_succeeded(execution, description)
    result: dict[str, Any] = json.loads(description["output"])
    leaderboard = results.read_json(stack, result["Files"]["Leaderboard"])
    target = folder or Path(execution.name)
    results.download(stack, result, target)
    return Outcome(result, leaderboard, target)


def check_succeeded(execution: Execution, description: Mapping[str, Any]) -> None:
    """Raise RunError unless the execution that ended so has succeeded."""
    if description["status"] != "SUCCEEDED":
        status = description["status"]
        name, why = ("Aborted", "somebody stopped it") if status == "ABORTED" else (status, f"it ended in {status}")
        error, cause = description.get("error") or name, description.get("cause") or why
        kind = ScoringError if execution.is_scoring else RunError
        raise kind(error, readable(cause), execution.name, execution.stack.options)


def show(console: Console, outcome: Outcome, command: Sequence[str] = ()) -> None:
    """Print what came out, and the command that repeats it."""
    summary.show(console, outcome.result, outcome.leaderboard, outcome.folder, command)


def readable(cause: str) -> str:
    """The cause with every error document in it, however deeply nested, replaced by its message.

    Clean Up does this itself; this is for runs that it could not clean up.
    """
    text, position = "", 0
    while (begin := cause.find("{", position)) >= 0:
        text += cause[position:begin]
        try:
            document, position = json.JSONDecoder().raw_decode(cause, begin)
        except ValueError:
            document, position = None, begin + 1
        message = (document or {}).get("Cause") or (document or {}).get("errorMessage")
        text += readable(str(message)) if message else cause[begin:position]
    return text + cause[position:]
