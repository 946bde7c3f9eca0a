"""Progress of an execution: a live list on a terminal, plain lines elsewhere. Always on standard error."""

import contextlib
import math
import os
import re
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from autoflow.execution import Step
from autoflow.progress import RowProgress
from autoflow.wording import duration, rows_told

_CLOCK = re.compile(r"\d+:\d\d(:\d\d)?")
"""What changes with every look at a job."""
_NAME_WIDTH = 24
_LINE_SECONDS, _LINE_SHARE = 10.0, 0.05
"""Between two lines about rows: so many seconds, and that share of the elapsed time."""
_BAR_WIDTH = 24
_UNDOING = "Clean Up"
"""The state that follows one that failed."""


class Display(Protocol):
    """Shows what an execution does, between entering and leaving a ``with``."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave what was shown in place."""

    def show(self, step: Step) -> None:
        """Take news."""

    def measure(self, progress: RowProgress) -> None:
        """Take how far the rows are."""

    def end(self, outcome: str) -> None:
        """The execution has ended."""


def display_on(console: Console, title: str, began: float) -> Display:
    """The display that suits the console, for what began at that Unix time."""
    return LiveDisplay(console, title, began) if console.is_terminal else LineDisplay(console, began)


class LineDisplay:
    """One line per state and per piece of news, each with the time since the start."""

    def __init__(self, console: Console, began: float) -> None:
        self.console = console
        self.began = began
        self.seen: set[Step] = set()
        self.measured = -math.inf
        """When rows were told of last."""
        self.done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Lines stay as they are."""

    def show(self, step: Step) -> None:
        """Print the step unless it only repeats itself, as the polling of a job does."""
        key = Step(step.state, _CLOCK.sub("", step.text), step.parent)
        if key in self.seen:
            return
        self.seen.add(key)
        indent = "  " if step.parent else ""
        text = f"{step.state}: {step.text}" if step.text else step.state
        self._print(f"{indent}{text}", step.at)

    def measure(self, progress: RowProgress) -> None:
        """Print how far the rows are every now and then, more rarely the longer it takes, and when all are done."""
        now = time.time()
        pause = max(_LINE_SECONDS, _LINE_SHARE * (now - self.began))
        if progress.done == self.done or (progress.done < progress.total and now - self.measured < pause):
            return
        self.measured, self.done = now, progress.done
        self._print(f"  {rows_told(progress)}", now)

    def end(self, outcome: str) -> None:
        """Say how it ended."""
        self._print(outcome, time.time())

    def _print(self, text: str, at: float) -> None:
        # Clocks of this machine and of AWS differ.
        elapsed = duration(max(0.0, at - self.began))
        self.console.print(f"[{elapsed:>7}] {text}", markup=False, highlight=False, soft_wrap=True)


@dataclass
class _Row:
    state: str
    entered: float
    nested: bool = False
    left: float | None = None
    text: str = ""
    spinner: Spinner = field(default_factory=lambda: Spinner("dots", style="cyan"))


_DONE, _CHANGED_NOTHING, _FAILED = "[green]✓[/]", "[yellow]•[/]", "[red]✗[/]"
_MARKS = {"Completed": _DONE, "Rejected": _CHANGED_NOTHING, "RolledBack": _CHANGED_NOTHING}


class LiveDisplay:
    """States that are over, one line each; below them, redrawn, the one that is under way with those nested in it.

    So it is never higher than a terminal, however many states there are.
    """

    def __init__(self, console: Console, title: str, began: float) -> None:
        self.console = console
        self.title = title
        self.began = began
        self.current: _Row | None = None
        self.nested: list[_Row] = []
        self.mark = ""
        self.rows: RowProgress | None = None
        self.live = Live(self, console=console, refresh_per_second=8, vertical_overflow="visible")
        self.keys = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self.keys.enter_context(_unseen_ctrl_c())
        self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop drawing and leave the list."""
        if not self.mark:
            self._end(_FAILED)
        with self.keys:
            self.live.stop()

    def show(self, step: Step) -> None:
        """Add the state, or its news."""
        current = self.current
        if step.parent:
            self._show_nested(step)
        elif step.text:
            if current and current.state == step.state:
                current.text = step.text
        elif current and current.state == step.state:
            current.left = None
        else:
            self._leave(step.at, _FAILED if step.state == _UNDOING else _DONE)
            self.current = _Row(step.state, step.at)

    def measure(self, progress: RowProgress) -> None:
        """Draw how far the rows are."""
        self.rows = progress

    def end(self, outcome: str) -> None:
        """Mark everything as over."""
        self._end(_MARKS.get(outcome, _FAILED))

    def __rich__(self) -> RenderableType:
        """What is under way."""
        table = _table()
        for row in ([self.current] if self.current else []) + self.nested:
            _add(table, row, row.spinner if row.left is None else _DONE)
        elapsed = duration(max(0.0, time.time() - self.began))
        foot = Text.from_markup(f"{self.mark} " * bool(self.mark) + f"[bold]{escape(self.title)}[/]  ")
        return Group(table, *([_bar(self.rows)] if self.rows else []), foot + Text(elapsed, style="cyan"))

    def _show_nested(self, step: Step) -> None:
        if step.text or not self.current or step.parent != self.current.state:
            return
        for row in self.nested:
            row.left = row.left or step.at
            if row.state == step.state:
                row.left = None
                return
        self.nested.append(_Row(step.state, step.at, nested=True))

    def _leave(self, at: float, mark: str) -> None:
        if self.current:
            self.current.left = self.current.left or at
            table = _table()
            _add(table, self.current, mark)
            self.console.print(table)
        self.current, self.nested = None, []

    def _end(self, mark: str) -> None:
        self._leave(time.time(), _FAILED if mark == _FAILED else _DONE)
        self.mark = mark


def _table() -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)
    table.add_column(no_wrap=True, width=_NAME_WIDTH)
    table.add_column(justify="right", style="dim", no_wrap=True, width=9)
    table.add_column(style="dim", overflow="fold", ratio=1)
    return table


def _add(table: Table, row: _Row, mark: RenderableType) -> None:
    name = Text(f"{'  ' if row.nested else ''}{row.state}", style="" if row.left is None else "dim")
    seconds = max(0.0, (time.time() if row.left is None else row.left) - row.entered)
    took = f"{seconds:.1f} s" if seconds < 100 else duration(seconds)
    table.add_row(mark, name, took, Text(row.text))


def _bar(progress: RowProgress) -> Progress:
    """A bar in rows, with what is known of rate and time left."""
    bar = Progress(TextColumn(" "), BarColumn(_BAR_WIDTH), TextColumn("{task.description}"), auto_refresh=False)
    bar.add_task(rows_told(progress), total=progress.total, completed=progress.done)
    return bar


@contextlib.contextmanager
def _unseen_ctrl_c() -> Iterator[None]:
    """Keep the terminal from writing ``^C`` into the list, which would shift it by a line."""
    try:
        # A job in the background would be stopped for touching the terminal, and gets no Ctrl-C from it.
        ours = os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        ours = False
    if not ours:
        yield
        return
    before = termios.tcgetattr(0)
    changed = [*before]
    changed[3] &= ~termios.ECHOCTL
    termios.tcsetattr(0, termios.TCSADRAIN, changed)
    try:
        yield
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(0, termios.TCSADRAIN, before)
