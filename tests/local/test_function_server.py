"""The process from which all functions are forked outlives whatever is asked of it."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from autoflow.local.function_process import FunctionServer

NOBODY = 1 << 30
"""No process has this id."""


@pytest.fixture
def server() -> Iterator[FunctionServer]:
    started = FunctionServer((), ())
    yield started
    started.process.kill()
    started.ended.wait(10)


@contextlib.contextmanager
def busy(server: FunctionServer) -> Iterator[None]:
    """What is asked of the server meanwhile arrives all at once."""
    server.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.process.send_signal(signal.SIGCONT)


def start(server: FunctionServer, folder: Path) -> int:
    with (folder / "output").open("wb") as output:
        return server.run("missing.handler", str(folder), dict(os.environ), [], output.fileno()).pid


def test_functions_may_be_ended_while_another_is_started(server: FunctionServer, tmp_path: Path) -> None:
    pids: list[int] = []
    starting = threading.Thread(target=lambda: pids.append(start(server, tmp_path)))
    with busy(server):
        server.kill(NOBODY)
        server.kill(NOBODY)
        starting.start()
        time.sleep(0.3)  # until the request is on its way
    starting.join(20)
    assert pids
    assert not server.ended.is_set()
    assert psutil.Process(server.process.pid).is_running()
