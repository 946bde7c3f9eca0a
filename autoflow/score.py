"""The whole way of one scoring: upload, start, count its rows, bring the results down."""

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from autoflow import endpoints, leftovers, lookup, results, summary
from autoflow.attempt import Attempt
from autoflow.display import Display, display_on
from autoflow.errors import RunError, UsageError
from autoflow.execution import Execution, readable_base
from autoflow.finished_parts import FinishedParts
from autoflow.follow import follow, left_alone_by_ctrl_c
from autoflow.progress import Pace
from autoflow.request import Request
from autoflow.run import check_paths, check_succeeded
from autoflow.stack import Stack

_SCORING = "Score Parts"
"""The state in which rows get done."""
_OF_RESUMING = frozenset({"ToleratedFailurePercentage"})
"""All that can be asked anew of a scoring that goes on."""


@dataclass(frozen=True)
class Outcome:
    """A scoring that succeeded: result.json, and the folder with the files."""

    result: dict[str, Any]
    folder: Path


def check(request: Request, folder: Path | None, resume: str | None) -> None:
    """See before anything is started that the options fit together, the data is there, and the results have a place.

    Raises:
        UsageError: they do not, it is not, or they have not.
    """
    if resume is not None and request.keys() - _OF_RESUMING:
        raise UsageError("--resume goes on with a scoring as it was asked for; leave DATA and options about it out")
    if resume is None and not request.get("Dataset", {}).get("S3Uri"):
        raise UsageError("no data: name a file, a folder or an s3:// URI, or with --resume a scoring to go on with")
    check_paths(request, folder)


def score(
    stack: Stack, request: Request, console: Console, folder: Path | None = None, resume: str | None = None
) -> Outcome:
    """Score the data of the request and put the results into the folder (default: named like the scoring).

    Args:
        stack: where.
        request: of the scoring machine; the data may be local, and the endpoint is found when there is only one.
        console: for progress.
        folder: for accepted.csv, review.csv and result.json.
        resume: name of a scoring whose unfinished parts are scored instead.

    Raises:
        UsageError: no such endpoint or scoring, or no endpoint was named and there is more than one.
        RunError: the execution failed.
        InterruptedCommandError: Ctrl-C; the execution was stopped and what it had made was removed.
        CommandError: something else went wrong.
    """
    if resume is None:
        endpoint = request.get("Endpoint", {})
        request = {**request, "Endpoint": {**endpoint, "Name": endpoints.choose(stack, endpoint.get("Name"))}}
        base = readable_base(str(request["Dataset"]["S3Uri"])) or "rows"
    else:
        request = {**request, "Resume": lookup.scoring_named(stack, resume)}
        base = readable_base(re.sub(r"(-[0-9a-f]{6})?-[0-9a-f]{8}/$", "", request["Resume"]))
    attempt = Attempt(stack, console, lambda stack, sent: Execution.start_scoring(stack, sent, base), "scoring")
    with attempt.undone_when_interrupted():
        execution = attempt.start(request)
        description = _watch(execution, console)
    try:
        return _outcome(execution, description, folder)
    except RunError as error:
        if error.name in RunError.BAD_INPUT:
            attempt.uploads.delete()
        error.args = (attempt.uploads.in_local_terms(str(error)),)
        raise


def show(console: Console, stack: Stack, outcome: Outcome, command: Sequence[str] = ()) -> None:
    """Print what came out, and the command that repeats it."""
    again = stack.command("score", "--resume", outcome.result["Scoring"])
    summary.show_scored(console, outcome.result, outcome.folder, again, command)


def attend(execution: Execution, console: Console, folder: Path | None = None) -> Outcome:
    """Watch a scoring that was started before, and put its results into the folder.

    Raises:
        RunError: the execution failed.
        InterruptedCommandError: Ctrl-C; the execution goes on.
        CommandError: something else went wrong.
    """
    with left_alone_by_ctrl_c(execution):
        description = _watch(execution, console)
    return _outcome(execution, description, folder)


def _watch(execution: Execution, console: Console) -> dict[str, Any]:
    """The execution's description at its end."""
    with display_on(console, execution.name, execution.started.timestamp()) as display:
        counter = _Counter(execution, display)
        return follow(execution, display, on_look=counter.look)


class _Counter:
    """Tells the display how many rows are done, from the moment at which they begin to be."""

    def __init__(self, execution: Execution, display: Display) -> None:
        self.execution = execution
        self.display = display
        self.done = False
        self._counting: tuple[FinishedParts, Pace] | None = None

    def look(self) -> None:
        """Count once."""
        if self.done or not self.execution.has_entered(_SCORING):
            return
        if self._counting is None:
            parts = FinishedParts(self.execution.stack, self.execution.state["Rows"])
            # What is finished already was so before anybody looked, perhaps by a scoring that this one goes on with.
            self._counting = parts, Pace(parts.total, time.monotonic(), parts.look())
        parts, pace = self._counting
        progress = pace.at(time.monotonic(), parts.look())
        self.done = progress.done >= progress.total
        self.display.measure(progress)


def _outcome(execution: Execution, description: Mapping[str, Any], folder: Path | None) -> Outcome:
    """The results of a scoring that ended, brought down.

    Raises:
        RunError: it failed; says how to score the rest.
    """
    try:
        check_succeeded(execution, description)
    except RunError as error:
        if error.name not in RunError.BAD_INPUT and (resuming := leftovers.resuming(execution)):
            error.args = (f"{error}. From here: {resuming}",)
        raise
    result: dict[str, Any] = json.loads(description["output"])
    target = folder or Path(execution.name)
    results.download(execution.stack, result, target)
    return Outcome(result, target)
