"""Worker processes of the engine: started with nothing of our environment, ended by process id."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from autoflow.local.processes import MARK

_INHERITED = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "VIRTUAL_ENV", "PYTHONPATH", MARK)
_THREADS = {
    # Threads that wait for each other must not burn the cores that others need.
    "OMP_WAIT_POLICY": "PASSIVE",
    # The training worker forks, which only a process without threads can do safely.
    "OPENBLAS_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
_running: "set[Worker]" = set()


class Worker:
    """A Python module in a process group of its own, with a temporary folder. It ends when this process ends."""

    def __init__(
        self, module: str, arguments: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sagemaker-"))
        self.log = self.folder / "worker.log"
        variables = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        variables |= _THREADS
        variables |= {"HOME": str(self.folder), "TMPDIR": str(self.folder), "PYTHONUNBUFFERED": "1"}
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env=variables | dict(environment or {}),
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        self._lock = threading.Lock()
        _running.add(self)

    def send(self, line: bytes) -> None:
        """Write to its standard input; a worker that has ended does not hear it."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def lines(self) -> Iterator[bytes]:
        """What it writes on standard output, until it ends."""
        assert self._process.stdout is not None
        yield from self._process.stdout

    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def ends_within(self, seconds: float) -> bool:
        """Whether it has ended, or does so now: its sockets are closed a moment before that can be seen."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def last_words(self) -> str:
        """The last line of its log that says something."""
        lines = (
            [line.strip() for line in self.log.read_text(errors="replace").splitlines()] if self.log.exists() else []
        )
        return next((line for line in reversed(lines) if line), "")

    def ask_to_end(self, seconds: float) -> None:
        """Tell it and everything it started to end; what has not ended after so many seconds is killed."""
        with self._lock:
            if not self.alive():
                return
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)
        timer = threading.Timer(seconds, self.kill)
        timer.daemon = True
        timer.start()

    def kill(self) -> None:
        """End it and everything it started, now. Its folder stays."""
        with self._lock:
            if self.alive():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def close(self) -> None:
        """End it and remove its folder."""
        self.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        _running.discard(self)


def close_all() -> None:
    """End every worker: the local cloud stops."""
    for worker in list(_running):
        worker.close()
