"""A run's report.html: brought to this machine, and opened."""

import os
import sys
import webbrowser
from pathlib import Path

from botocore.exceptions import ClientError

from autoflow import lookup, results
from autoflow.errors import CommandError
from autoflow.local.instance import home
from autoflow.stack import Stack


def fetch(stack: Stack, name: str, folder: Path | None = None) -> Path:
    """Where the report of the run is now: in the folder, else among those that this program keeps.

    Raises:
        UsageError: no such run, or the folder cannot be written.
        CommandError: the run has no report (yet).
    """
    run = lookup.run_named(stack, name)
    target = folder / results.REPORT if folder else home() / "reports" / f"{run}.html"
    results.check(target.parent)
    try:
        results.download_file(stack, f"s3://{stack.bucket}/runs/{run}/report.html", target)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
            raise
        raise CommandError(f"{run} has no report: {_why(stack, run)}") from error
    return target.absolute()


def open_in_browser(path: Path) -> bool:
    """Show the page if a person with a screen is there."""
    screen = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(screen and sys.stdout.isatty() and webbrowser.open(path.as_uri()))


def _why(stack: Stack, run: str) -> str:
    execution = lookup.execution_named(stack, run)
    status = execution.describe()["status"]
    if status == "RUNNING":
        return f"it has not ended; {stack.command('follow', execution.name)} waits for it"
    if status == "SUCCEEDED":
        return f"it could not be written; {stack.command('logs', run)} says why"
    return f"it ended in {status}; a report is written at the end of a run that succeeds"
