"""Kills at random points of a run: whom, when, and what must be true after that."""

import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from autoflow.local import processes
from autoflow.local.instance import Instance
from tests.faults.mishaps import until
from tests.local.conftest import AUTOFLOW

Victim = Literal["cloud", "command", "functions", "trainer", "endpoint"]
SEED, COUNT = 2026, 25
FILES = "files"
"""The command begins to write into its output folder."""
STARTING = ("Starting the local cloud", "Deploying")
STAGES = (
    *STARTING,
    "Run ",
    "] Transform Data",
    "] Create AutoML Job",
    "] Get AutoML Job: Training",
    "] Create Model",
    "]   Get Endpoint",
    "]   Test Endpoint",
    "]   Prepare Rows",
    "]   Score Parts",
    "]   Summarize Scoring",
    "] Evaluate Model",
    "] Deploy Model",
    "] Publish Results",
    FILES,
)
"""What a run says when it comes there, in the order of its course."""
PATIENCE_SECONDS = 900


@dataclass(frozen=True)
class Kill:
    """Whom to kill, so many seconds after the run has come to a stage."""

    victim: Victim
    stage: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.victim} after {self.stage.strip(' ]')}"


def kills() -> list[Kill]:
    """So many of the cloud over the whole course of a run, and some of others: seeded, so the same every time."""
    draw = random.Random(SEED)
    stages = [*STAGES, *draw.choices(STAGES, k=COUNT - len(STAGES))]
    found: list[tuple[Victim, str]] = [("cloud", stage) for stage in stages]
    found += [(victim, draw.choice(STAGES)) for victim in ("functions", "functions", "command")]
    return [
        Kill(victim, stage, 0.0 if stage == FILES else round(draw.uniform(0, 3), 2))
        for victim, stage in (*found, *_OF_OTHERS)
    ]


_OF_OTHERS: tuple[tuple[Victim, str], ...] = (
    ("command", STARTING[0]),
    ("command", STARTING[1]),
    ("command", FILES),
    ("trainer", "] Get AutoML Job: Training"),
    ("endpoint", "]   Test Endpoint"),
    ("endpoint", "]   Score Parts"),
)
"""Moments at which there is somebody to kill."""
_LINES: dict[Victim, str] = {
    "cloud": "localstack.runtime.main",
    "functions": "function_server.py",
    "trainer": "autoflow.local.engine.train",
    "endpoint": "autoflow.local.engine.serve",
}


@dataclass(frozen=True)
class Struck:
    """What there was when a kill came."""

    mark: str
    """Of the cloud."""
    ports: frozenset[int]
    """On which it and everything that it had started listened."""
    hit: bool
    """False: the command had ended, or there was nobody to kill."""
    late: bool
    """The command had nothing more to ask."""


class Command:
    """``autoflow`` in a folder and with a temporary folder of its own; what it says is read all the time."""

    def __init__(self, folder: Path, *arguments: str | Path | int) -> None:
        temporary = folder / "tmp"
        temporary.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [AUTOFLOW, *map(str, arguments)],
            cwd=folder,
            env=dict(os.environ) | {"TMPDIR": str(temporary)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.said = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.said += line

    def ended(self) -> int:
        """Its exit status."""
        status = self.process.wait(PATIENCE_SECONDS)
        self._reader.join(10)
        return status

    def close(self) -> None:
        """End it, if it runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@dataclass(frozen=True)
class Place:
    """One port, and the folder in which commands work with the cloud on it."""

    port: int
    folder: Path

    @property
    def output(self) -> Path:
        """Where the run that is disturbed is to put its results."""
        return self.folder / "out"

    @property
    def mark(self) -> str:
        """Of the cloud that is here, or that was when it was killed; empty for none."""
        return str(Instance(self.port).read("cloud.json").get("Mark", ""))

    @contextlib.contextmanager
    def command(self, *arguments: str | Path | int) -> Iterator[Command]:
        """A command that talks to the cloud here."""
        running = Command(self.folder, *arguments, "--port", self.port)
        try:
            yield running
        finally:
            running.close()

    def run(self, data: str, *more: str | Path) -> tuple[str | Path, ...]:
        """Arguments of the smallest run of the data."""
        options = "--target cancels --id-column customer --max-candidates 1 --max-runtime 60"
        return ("run", data, *options.split(), *more)

    def strike(self, kill: Kill, command: Command) -> Struck:
        """Wait for the moment and kill."""

        def now() -> bool:
            if kill.stage == FILES:
                return self.output.exists() and any(self.output.iterdir())
            return kill.stage in command.said

        pause = 0.001 if kill.stage == FILES else 0.02
        until(lambda: now() or command.process.poll() is not None, str(kill), PATIENCE_SECONDS, pause)
        time.sleep(kill.seconds)
        mark, ports = self.mark, frozenset(self.ports())
        victims = [command.process.pid] if kill.victim == "command" else self._processes(_LINES[kill.victim])
        if command.process.poll() is not None:
            return Struck(mark, ports, hit=False, late=True)
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return Struck(mark, ports, hit=bool(victims), late=kill.stage == FILES)

    def _processes(self, line: str) -> list[int]:
        found = []
        for process in processes.find(self.mark):
            with contextlib.suppress(psutil.Error):
                if any(line in argument for argument in process.cmdline()):
                    found.append(process.pid)
        return found

    def ports(self) -> set[int]:
        """On which the cloud and everything that it started listen."""
        found = set()
        for process in processes.find(self.mark):
            with contextlib.suppress(psutil.Error):
                found |= {one.laddr.port for one in process.net_connections("tcp") if one.status == "LISTEN"}
        return found

    def half_files(self) -> list[str]:
        """What is only half there: in the output folder, in the command's temporary folder, in the cloud's home."""
        written = {path.name for path in self.output.iterdir()} if self.output.exists() else set()
        whole = {"accepted.csv", "review.csv", "result.json", "report.html"}
        found = [f"{self.output / name}" for name in written if written != whole]
        found += [str(path) for path in (self.folder / "tmp").iterdir()]
        home, known = Instance(self.port).folder, {"lock", "cloud.json", "cloud.log", "stack.json"}
        names = {path.name for path in home.iterdir()} if home.exists() else set()
        return found + [str(home / name) for name in names - known - {f"work-{self.mark}"}]


def taken(ports: frozenset[int]) -> set[int]:
    """Those of the ports on which nobody can listen, although no other program does."""
    strangers = {one.laddr.port for one in psutil.net_connections("tcp") if one.laddr and one.status == "LISTEN"}
    found = set()
    for port in ports - strangers:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                found.add(port)
    return found


def errors(said: str) -> list[str]:
    """The lines by which a command says that it failed: ``Name: why``."""
    return re.findall(r"^[A-Z][A-Za-z.]+: .+$", said, flags=re.MULTILINE)
