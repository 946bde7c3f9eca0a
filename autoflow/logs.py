"""What the functions of one run logged."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from autoflow.documents import json_object
from autoflow.errors import UsageError
from autoflow.stack import Stack

_LEVELS = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "bold red", "DEBUG": "dim"}
_FIXED = frozenset(
    (
        "level",
        "location",
        "message",
        "timestamp",
        "service",
        "run",
        "scoring",
        "cold_start",
        "function_name",
        "function_memory_size",
        "function_arn",
        "function_request_id",
        "xray_trace_id",
        "exception",
        "exception_name",
        "stack_trace",
    )
)


@dataclass(frozen=True)
class Entry:
    """One log entry: Unix time in milliseconds, function or state machine, text."""

    timestamp: int
    source: str
    text: str


def entries(stack: Stack, run: str) -> list[Entry]:
    """Everything that the functions logged about the run or the scoring, in order of time.

    Args:
        stack: where it is or was.
        run: its name, or its execution's.

    Raises:
        UsageError: nothing is known about such a run.
    """
    # A run's name is its execution's name and eight digits; entries from before the run had a name carry the latter.
    names = {run, re.sub(r"-[0-9a-f]{8}$", "", run)}
    found = [
        Entry(event["timestamp"], group.rpartition("/")[2], event["message"].rstrip())
        for _, group in stack.resources("AWS::Logs::LogGroup")
        for event in _about(stack, group, names)
    ]
    if not found:
        raise UsageError(f"{stack.title} has no log entries about a run {run!r}; names are listed by `autoflow status`")
    return sorted(found, key=lambda entry: entry.timestamp)


def _about(stack: Stack, group: str, names: set[str]) -> Iterator[dict[str, Any]]:
    """The entries of one log group that name it.

    Each function logs JSON with the run's name in ``run``; one that scores also logs that of the scoring.
    """
    shortest = min(names, key=len)
    pages = stack.client("logs").get_paginator("filter_log_events")
    for page in pages.paginate(logGroupName=group, filterPattern=f'"{shortest}"'):
        for event in page["events"]:
            document = json_object(event["message"])
            told = [str(document.get(key, "")) for key in ("run", "scoring")]
            if any(name in names or name.startswith(f"{shortest}-") for name in told):
                yield event


def show(console: Console, found: list[Entry]) -> None:
    """Print the entries, one line each, and the stack trace of errors."""
    for entry in found:
        document = json_object(entry.text)
        time = datetime.fromtimestamp(entry.timestamp / 1000, UTC).astimezone().strftime("%H:%M:%S.%f")[:-3]
        level = str(document.get("level", ""))
        function = str(document.get("function_name") or entry.source)
        line = Text.assemble(
            (time, "dim"), " ", (f"{level:<7}", _LEVELS.get(level, "")), " ", (short(function), "cyan")
        )
        line.append(f" {document.get('message', entry.text)}")
        for key, value in document.items():
            if key not in _FIXED and value not in ("", None):
                shown = value if isinstance(value, str) else json.dumps(value)
                line.append(f" {key}=", style="dim").append(shown)
        console.print(line, soft_wrap=True)
        if trace := document.get("exception"):
            console.print(Text(str(trace), style="dim"), soft_wrap=True)


def short(function: str) -> str:
    """``TransformData`` of ``stack-TransformDataFunction-1A2B3C``."""
    match = re.search(r"(?:^|-)(\w+?)Function(?:-|$)", function)
    return match.group(1) if match else function
