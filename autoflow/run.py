"""The whole way of one run: upload, start, follow, bring the results down."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.status import Status
from rich.text import Text

from autoflow import abort, results, summary
from autoflow.display import display_on
from autoflow.errors import InterruptedCommandError, RunError
from autoflow.execution import Execution
from autoflow.follow import follow
from autoflow.interrupts import HangUp, held
from autoflow.request import Request
from autoflow.stack import Stack
from autoflow.upload import Uploads, check, is_uri


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
    for _, uri in _data_uris(request):
        check(uri)
    results.check(folder or Path())


def run(stack: Stack, request: Request, console: Console, folder: Path | None = None) -> Outcome:
    """Carry out the request in the stack and put the results into the folder (default: named like the run).

    Raises:
        RunError: the execution failed.
        InterruptedCommandError: Ctrl-C; the execution was stopped and what it had made was removed.
        CommandError: something else went wrong.
    """
    attempt = _Attempt(stack, console)
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
    attempt = _Attempt(stack, console)
    with attempt.undone_when_interrupted():
        return attempt.start(request)


def attend(execution: Execution, console: Console, folder: Path | None = None) -> Outcome:
    """Watch an execution that was started before, and put its results into the folder.

    Raises:
        RunError: the execution failed.
        InterruptedCommandError: Ctrl-C; the execution goes on.
        CommandError: something else went wrong.
    """
    try:
        description = _watch(execution, console, "Ctrl-C leaves it waiting;")
    except KeyboardInterrupt:
        again = execution.stack.command("follow", execution.name)
        raise InterruptedCommandError(f"stopped following; {execution.name} goes on: {again}") from None
    return _outcome(execution, description, folder)


@dataclass
class _Attempt:
    """What a command has uploaded and started, which an interrupt undoes."""

    stack: Stack
    console: Console
    uploads: Uploads = field(init=False)
    execution: Execution | None = None

    def __post_init__(self) -> None:
        self.uploads = Uploads(self.stack)

    def start(self, request: Request) -> Execution:
        sent = _upload(self.uploads, request, self.console)
        # An execution that nobody knows of could not be stopped.
        with held():
            self.execution = Execution.start(self.stack, sent)
        self.console.print(f"Run [bold]{self.execution.name}[/] in the {self.stack.title}", highlight=False)
        return self.execution

    @contextlib.contextmanager
    def undone_when_interrupted(self) -> Iterator[None]:
        try:
            yield
        except KeyboardInterrupt as interrupt:
            execution = self.execution
            # A person who is asked may go home.
            if isinstance(interrupt, HangUp) and execution and execution.waiting:
                raise InterruptedCommandError(f"nobody looks any more; {execution.name} waits for approval") from None
            abort.after_ctrl_c(self.uploads, execution, self.console)
            raise InterruptedCommandError("stopped by Ctrl-C; nothing of the run is left running") from None
        except Exception:
            if self.execution is None:
                with contextlib.suppress(BotoCoreError, ClientError):
                    self.uploads.delete()
            raise


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
    if description["status"] != "SUCCEEDED":
        cause = description.get("cause") or f"the execution ended in {description['status']}"
        error = description.get("error") or description["status"]
        raise RunError(error, readable(cause), execution.name, stack.options)
    result: dict[str, Any] = json.loads(description["output"])
    target = folder or Path(execution.name)
    results.download(stack, result, target)
    return Outcome(result, results.read_json(stack, result["Files"]["Leaderboard"]), target)


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


def _upload(uploads: Uploads, request: Mapping[str, Any], console: Console) -> Request:
    """The request with everything local replaced by where it was put."""
    sent = dict(request)
    for section, data in _data_uris(request):
        if is_uri(data):
            continue
        with console.status(Text(f"Uploading {data}")) as status:

            def tell(done: int, total: int, name: str = data, line: Status = status) -> None:
                line.update(Text(f"Uploading {name}: {done / 1e6:.1f} of {total / 1e6:.1f} MB"))

            sent[section] = {**request[section], "S3Uri": uploads.put(data, tell)}
    return sent


def _data_uris(request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Section and S3Uri, as it was given. What is no section is left to Validate Request, which refuses it."""
    for section in ("Dataset", "Scoring"):
        value = request.get(section)
        if isinstance(value, dict) and value.get("S3Uri"):
            yield section, str(value["S3Uri"])
