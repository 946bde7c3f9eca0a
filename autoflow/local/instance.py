"""The files that belong to one local cloud, and the lock that makes "one port, one cloud" true.

``<home>/<port>/`` holds ``cloud.json`` (which process), ``cloud.log``, ``stack.json`` (what is deployed), ``lock`` and
``work-*`` (everything the cloud writes while it runs; removed when it ends).
"""

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoflow.local.errors import LocalCloudError


def home() -> Path:
    """``$AUTOFLOW_HOME``, else ``$XDG_STATE_HOME/autoflow``, else ``~/.local/state/autoflow``.

    Raises:
        LocalCloudError: none of them is known.
    """
    if chosen := os.environ.get("AUTOFLOW_HOME"):
        return Path(chosen).expanduser().absolute()
    if state := os.environ.get("XDG_STATE_HOME"):
        return Path(state) / "autoflow"
    try:
        return Path.home() / ".local" / "state" / "autoflow"
    except RuntimeError as error:
        raise LocalCloudError("this user has no home folder. Set AUTOFLOW_HOME to a folder you can write in") from error


@dataclass(frozen=True)
class Instance:
    """The files of the cloud on one port."""

    port: int

    @property
    def folder(self) -> Path:
        """Holds all the others."""
        return home() / str(self.port)

    @property
    def log(self) -> Path:
        """What the cloud's process printed."""
        return self.folder / "cloud.log"

    def work(self, mark: str) -> Path:
        """Where the cloud with this mark writes; short, as paths of sockets are limited."""
        return self.folder / f"work-{mark}"

    def clear(self) -> None:
        """Remove everything but the log and the lock."""
        for path in self.folder.glob("work-*"):
            shutil.rmtree(path, ignore_errors=True)
        # Also what a killed command had half written, see :meth:`write`.
        for path in (path for name in ("cloud.json", "stack.json") for path in self.folder.glob(f"{name}*")):
            path.unlink(missing_ok=True)

    def read(self, name: str) -> dict[str, Any]:
        """One of the JSON files, or nothing when there is none (or not a whole one)."""
        try:
            document = json.loads((self.folder / name).read_text())
        except (OSError, ValueError):
            return {}
        return document if isinstance(document, dict) else {}

    def write(self, name: str, document: dict[str, Any]) -> None:
        """Write a JSON file so that a reader never sees half of it."""
        temporary = self.folder / f"{name}.{os.getpid()}"
        temporary.write_text(json.dumps(document, indent=2))
        temporary.replace(self.folder / name)

    @contextlib.contextmanager
    def locked(self, waiting: Callable[[], None] = lambda: None, timeout: float = 180) -> Iterator[None]:
        """Hold the port's lock. ``waiting`` is called once when another process holds it.

        Raises:
            LocalCloudError: the other process kept it for ``timeout`` seconds.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # Datasets, logs and models of one user are nothing for the machine's others.
            self.folder.chmod(0o700)
            file = (self.folder / "lock").open("w")
        except OSError as error:
            raise LocalCloudError(
                f"cannot write in {self.folder}: {error.strerror}. Set AUTOFLOW_HOME to a folder you can write in"
            ) from error
        with file:
            end = time.monotonic() + timeout
            told = False
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > end:
                        raise LocalCloudError(
                            f"another autoflow has been starting or stopping the cloud on port {self.port} for "
                            f"{timeout:.0f} s; see {self.log}"
                        ) from None
                    if not told:
                        waiting()
                        told = True
                    time.sleep(0.1)
            yield
