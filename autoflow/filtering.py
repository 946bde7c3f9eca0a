"""Another way to choose the predictions to accept, among those that a run has made: without inference."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from autoflow import lookup, results
from autoflow.display import display_on
from autoflow.errors import InterruptedCommandError
from autoflow.execution import Execution
from autoflow.follow import follow
from autoflow.run import check_succeeded
from autoflow.stack import Stack


def apply(
    stack: Stack, name: str, confidence: Mapping[str, Any], console: Console, folder: Path | None = None
) -> dict[str, Any]:
    """Filter the predictions of a run or a scoring anew; returns scoring.json.

    Args:
        stack: where the run was.
        name: of the run or the scoring.
        confidence: the request's section.
        console: for progress.
        folder: for accepted.csv, review.csv and scoring.json; None: they stay in S3.

    Raises:
        UsageError: no such run or scoring, or no such folder.
        RunError: the execution failed.
        InterruptedCommandError: Ctrl-C; the execution was stopped.
    """
    if folder:
        results.check(folder)
    predictions = lookup.predictions_named(stack, name)
    request = {"Predictions": predictions, "Confidence": dict(confidence)}
    execution = Execution.start_scoring(stack, request, f"{predictions.rstrip('/').rpartition('/')[2]}-filter")
    try:
        with display_on(console, execution.name, execution.started.timestamp()) as display:
            description = follow(execution, display)
    except KeyboardInterrupt:
        execution.stop()
        raise InterruptedCommandError("stopped by Ctrl-C; the earlier results are as they were") from None
    check_succeeded(execution, description)
    scoring: dict[str, Any] = json.loads(description["output"])
    if folder:
        results.download(stack, scoring, folder, results.SCORING)
    return scoring
