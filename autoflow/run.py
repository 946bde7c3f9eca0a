"""The whole way of one run: upload, start, follow, bring the results down."""

import contextlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.status import Status
from rich.text import Text

from autoflow import report, results
from autoflow.display import display_on
from autoflow.errors import CommandError, InterruptedCommandError, RunError
from autoflow.execution import Execution
from autoflow.follow import follow
from autoflow.interrupts import held
from autoflow.request import Request
from autoflow.stack import Stack
from autoflow.upload import Uploads, check, is_uri

_CLEAN_UP_PATIENCE_SECONDS = 900


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
    uploads = Uploads(stack)
    execution: Execution | None = None
    try:
        sent = _upload(uploads, request, console)
        # An execution that nobody knows of could not be stopped.
        with held():
            execution = Execution.start(stack, sent)
        console.print(f"Run [bold]{execution.name}[/] in the {stack.title}", highlight=False)
        with display_on(console, execution.name) as display:
            description = follow(execution, display)
    except KeyboardInterrupt:
        _abort(uploads, execution, console)
        raise InterruptedCommandError("stopped by Ctrl-C; nothing of the run is left running") from None
    except Exception:
        if execution is None:
            with contextlib.suppress(BotoCoreError, ClientError):
                uploads.delete()
        raise
    if description["status"] != "SUCCEEDED":
        error = RunError(
            description.get("error") or description["status"],
            uploads.in_local_terms(
                readable(description.get("cause") or f"the execution ended in {description['status']}")
            ),
            execution.name,
            stack.options,
        )
        if error.name in RunError.BAD_INPUT:
            uploads.delete()
        raise error
    result: dict[str, Any] = json.loads(description["output"])
    target = folder or Path(execution.name)
    results.download(stack, result, target)
    return Outcome(result, results.read_json(stack, result["Files"]["Leaderboard"]), target)


def show(console: Console, outcome: Outcome, command: Sequence[str]) -> None:
    """Print what came out."""
    report.show(console, outcome.result, outcome.leaderboard, outcome.folder, command)


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


def _abort(uploads: Uploads, execution: Execution | None, console: Console) -> None:
    """Undo a run that is under way. A second Ctrl-C ends this at once, too."""
    console.print("Stopping the run and removing what it made; Ctrl-C again leaves it as it is")
    name = execution.name if execution else "the run"
    try:
        if execution:
            if execution.stop() == "SUCCEEDED":
                raise InterruptedCommandError(
                    f"Ctrl-C came too late: {name} had succeeded, its endpoint is in service, and its results are in S3"
                )
            _clean_up(execution, console)
        uploads.delete()
    except InterruptedCommandError:
        raise
    except KeyboardInterrupt:
        raise InterruptedCommandError(
            f"stopped at once; what {name} had made is still there: look for its name in SageMaker"
        ) from None
    except (CommandError, BotoCoreError, ClientError) as error:
        raise InterruptedCommandError(
            f"stopped, but what {name} had made could not be removed: {error}. Look for its name in SageMaker"
        ) from error


def _clean_up(execution: Execution, console: Console) -> None:
    removed: list[str] = []
    left: list[str] = []
    end = time.monotonic() + _CLEAN_UP_PATIENCE_SECONDS
    for attempt in execution.clean_up():
        removed += attempt.removed
        for reason in set(attempt.left) - set(left):
            console.print(Text(f"Not yet removed: {reason}"))
        left = attempt.left
        if time.monotonic() > end:
            break
    console.print(Text(f"Removed: {', '.join(removed)}" if removed else "There was nothing to remove"))
    if left:
        raise CommandError("; ".join(left))
