"""Ctrl-C, a polite kill, a closed terminal, a reader that goes away: all end a command in the same way."""

import contextlib
import errno
import os
import signal
from collections.abc import Callable, Iterator
from types import FrameType

from rich.console import Console

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class HangUp(KeyboardInterrupt):
    """Nobody is there any more to see what the command does: the terminal was closed, or the reader went away."""


class Notes(Console):
    """Standard error, for people. It turns mute when nobody reads it any more."""

    def __init__(self) -> None:
        super().__init__(stderr=True)

    def on_broken_pipe(self) -> None:
        """``| head`` has seen enough."""
        self.quiet = True
        raise HangUp

    def _check_buffer(self) -> None:
        try:
            super()._check_buffer()
        except OSError:
            # The terminal is gone. Whether that ends the command is told by SIGHUP: not under nohup.
            self.quiet = True


class Page(Console):
    """Standard output. It turns mute when its terminal is gone; any other trouble is an error."""

    def verbatim(self, text: str) -> None:
        """Write a line for programs, as it is."""
        self.out(text, highlight=False)

    def _check_buffer(self) -> None:
        try:
            super()._check_buffer()
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            self.quiet = True
            # Python itself writes once more at its end what could not be written.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.file.fileno())
            os.close(nowhere)


@contextlib.contextmanager
def heeded() -> Iterator[None]:
    """A polite kill and a closed terminal are a KeyboardInterrupt, too."""

    def interrupt(signum: int, frame: FrameType | None) -> None:
        # Several parties tell that a terminal is gone, and none of them wants to hurry what is being undone.
        _ignore_hangup()
        raise HangUp if signum == signal.SIGHUP else KeyboardInterrupt

    with _handled(interrupt):
        yield


@contextlib.contextmanager
def held() -> Iterator[None]:
    """What is done in here is not torn: an interrupt takes effect at the end. A second one does at once."""
    came = False

    def remember(signum: int, frame: FrameType | None) -> None:
        nonlocal came
        if came:
            raise KeyboardInterrupt
        came = True

    with _handled(remember):
        yield
    if came:
        _ignore_hangup()
        raise KeyboardInterrupt


@contextlib.contextmanager
def _handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    # What the caller had us ignore, as nohup does, stays ignored.
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    heard = [number for number in _SIGNALS if before[number] != signal.SIG_IGN]
    for number in heard:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])


def _ignore_hangup() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
