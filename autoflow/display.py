"""Progress of an execution: a live list on a terminal, plain lines elsewhere. Always on standard error."""

import contextlib
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
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from autoflow.execution import Step

_CLOCK = re.compile(r"\d+:\d\d(:\d\d)?")
"""What changes with every look at a job."""


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

    def end(self, *, succeeded: bool) -> None:
        """The execution has ended."""


def display_on(console: Console, title: str) -> Display:
    """The display that suits the console."""
    return LiveDisplay(console, title) if console.is_terminal else LineDisplay(console)


def duration(seconds: float) -> str:
    """``0:07``, ``12:34`` or ``1:23:45``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class LineDisplay:
    """One line per state and per piece of news, each with the time since the start."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.began = time.monotonic()
        self.seen: set[Step] = set()
        self.parent = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Lines stay as they are."""

    def show(self, step: Step) -> None:
        """Print the step unless it only repeats itself, as the polling of a job does."""
        if not step.nested and not step.text:
            self.parent = step.state
        # The same states occur in every nested execution, so they are told apart by the state that started it.
        state = f"{self.parent}/{step.state}" if step.nested else step.state
        key = Step(state, _CLOCK.sub("", step.text), step.nested)
        if key in self.seen:
            return
        self.seen.add(key)
        indent = "  " if step.nested else ""
        text = f"{step.state}: {step.text}" if step.text else step.state
        elapsed = duration(time.monotonic() - self.began)
        self.console.print(f"[{elapsed:>7}] {indent}{text}", markup=False, highlight=False, soft_wrap=True)

    def end(self, *, succeeded: bool) -> None:
        """Say how it ended."""
        elapsed = duration(time.monotonic() - self.began)
        self.console.print(f"[{elapsed:>7}] {'Succeeded' if succeeded else 'Failed'}", markup=False, highlight=False)


@dataclass
class _Row:
    state: str
    nested: bool
    entered: float
    left: float | None = None
    text: str = ""
    spinner: Spinner = field(default_factory=lambda: Spinner("dots", style="cyan"))


class LiveDisplay:
    """A list of states that grows, with a spinner at the one that is under way."""

    def __init__(self, console: Console, title: str) -> None:
        self.title = title
        self.began = time.monotonic()
        self.rows: dict[tuple[str, str], _Row] = {}
        self.parent = ""
        self.mark = ""
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
            self.end(succeeded=False)
        with self.keys:
            self.live.stop()

    def show(self, step: Step) -> None:
        """Add the state, or its news."""
        if not step.nested and not step.text:
            self.parent = step.state
        key = (self.parent if step.nested else "", step.state)
        if step.text:
            if key in self.rows:
                self.rows[key].text = step.text
            return
        for row in self.rows.values():
            # The state that started a nested execution goes on while that runs.
            if row.left is None and not (step.nested and row.state == self.parent and not row.nested):
                row.left = step.at
        self.rows.setdefault(key, _Row(step.state, step.nested, step.at)).left = None

    def end(self, *, succeeded: bool) -> None:
        """Mark everything as over."""
        self.mark = "[green]✓[/]" if succeeded else "[red]✗[/]"
        for row in self.rows.values():
            row.left = row.left or time.time()

    def __rich__(self) -> RenderableType:
        """The whole list."""
        table = Table.grid(padding=(0, 1))
        table.add_column(width=1)
        table.add_column(no_wrap=True)
        table.add_column(justify="right", style="dim", no_wrap=True)
        table.add_column(style="dim", overflow="fold", ratio=1)
        last = list(self.rows.values())[-1:]
        for row in self.rows.values():
            running = row.left is None
            over = "[red]✗[/]" if row in last and "✗" in self.mark else "[green]✓[/]"
            name = Text(f"{'  ' if row.nested else ''}{row.state}", style="" if running else "dim")
            # Clocks of this machine and of AWS differ.
            seconds = max(0.0, (time.time() if row.left is None else row.left) - row.entered)
            table.add_row(row.spinner if running else over, name, f"{seconds:.1f} s", Text(row.text))
        head = Text.from_markup(f"{self.mark} " * bool(self.mark) + f"[bold]{escape(self.title)}[/]  ")
        return Group(head + Text(duration(time.monotonic() - self.began), style="cyan"), table)


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
