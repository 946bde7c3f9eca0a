"""A command in a terminal of its own, as a person has it."""

import contextlib
import os
import pty
import re
import struct
import subprocess
import sys
import time
from fcntl import ioctl
from pathlib import Path
from select import select
from termios import TIOCSWINSZ
from typing import Self

from tests.local.conftest import AUTOFLOW

CTRL_C = b"\x03"
_CONTROLLED = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGHUP, signal.SIG_DFL)
fcntl.ioctl(0, termios.TIOCSCTTY)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Makes standard input the terminal that controls the process, so that its keys and its end are told, also to one whose
parents were told by nohup not to listen."""


class Terminal:
    """Runs ``autoflow`` with a terminal of 40 lines and 160 columns."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._ours, theirs = pty.openpty()
        ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
        # Importing readline, as pytest does, sets them for the terminal that there is already.
        environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CONTROLLED, str(AUTOFLOW), *arguments],
            cwd=folder,
            env=environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            os.close(self._ours)
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    @property
    def shown(self) -> str:
        """Everything that was written, without colours and movements."""
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self._shown)

    def until(self, pattern: str, timeout: float = 120) -> None:
        """Wait until the pattern was shown."""
        end = time.monotonic() + timeout
        while not re.search(pattern, self.shown):
            assert time.monotonic() < end, self.shown[-2000:]
            assert self._read(), self.shown[-2000:]

    def press(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def hang_up(self) -> int:
        """Close the terminal; the exit status of what had it."""
        os.close(self._ours)
        self._ours = -1
        return self._process.wait(timeout=60)

    def end(self, timeout: float = 180) -> int:
        """The exit status, when everything was shown."""
        end = time.monotonic() + timeout
        while self._read():
            assert time.monotonic() < end, self.shown[-2000:]
        return self._process.wait(timeout=10)

    def _read(self) -> bool:
        """Take what is shown within a second; False when there will be no more."""
        if not select([self._ours], [], [], 1.0)[0]:
            return True
        try:
            piece = os.read(self._ours, 65536)
        except OSError:  # the other side is closed
            return False
        self._shown += piece.decode(errors="replace")
        return bool(piece)
