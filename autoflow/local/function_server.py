"""Runs Lambda functions in processes of their own, each forked from one that has the common packages imported.

Run as a script with the functions' interpreter; it imports nothing of this project. Starting Python and importing
boto3 takes about a second, a fork takes milliseconds, and the result is the same: a process per execution
environment with its own environment, working folder and standard output, under AWS's own runtime interface client.

Only packages that start no thread are imported before a fork; polars, numpy and the like are left to the functions.

argv[1] is JSON: ``{"Control": fd, "Path": [folders put before sys.path], "Preload": [module names]}``. Requests and
answers are lines of JSON on the control socket:

* ``{"Run": {"Handler", "Folder", "Environment", "Path"}}`` with the descriptor of its output → ``{"Started": pid}``
* ``{"Kill": pid}`` ends the process with its group, if it still runs
* ``{"Exited": pid, "Status": n}`` is told when a process ended; negative: by that signal

Standard input is the life line: it ends when the owner ends, however it ended, and then every process here ends.
"""

import contextlib
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import tempfile
import threading
import time
from types import FrameType
from typing import Any, NoReturn


def main() -> None:
    """Serve until the owner ends."""
    setting = json.loads(sys.argv[1])
    # The script's own folder is no place to import from.
    sys.path[0:1] = setting["Path"]
    for name in setting["Preload"]:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    Server(socket.socket(fileno=setting["Control"])).serve()


class Server:
    """Forks, kills and reaps; single-threaded, so that a process id it knows is never a recycled one."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.children: set[int] = set()
        self.wake, wake_writer = socket.socketpair()
        self.wake.setblocking(False)
        wake_writer.setblocking(False)
        self.wake_writer = wake_writer
        signal.signal(signal.SIGCHLD, _do_nothing)
        signal.set_wakeup_fd(wake_writer.fileno(), warn_on_full_buffer=False)

    def serve(self) -> None:
        """Handle requests and ended children until the owner ends."""
        with selectors.DefaultSelector() as selector:
            for source in (self.control, self.wake, sys.stdin):
                selector.register(source, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if sys.stdin in ready:
                    return
                if self.wake in ready:
                    with contextlib.suppress(BlockingIOError):
                        self.wake.recv(4096)
                    self.reap()
                if self.control in ready and not self.answer():
                    return

    def answer(self) -> bool:
        """Handle what has been requested. After a Run the owner waits for the answer; before it there may be Kills."""
        message, descriptors, _, _ = socket.recv_fds(self.control, 1 << 20, 1)
        if not message:
            return False
        while not message.endswith(b"\n"):
            message += self.control.recv(1 << 20)
        for request in map(json.loads, message.splitlines()):
            if "Kill" in request:
                self.kill(request["Kill"])
            else:
                self.run(request["Run"], descriptors[0])
                os.close(descriptors[0])
        return True

    def kill(self, pid: int) -> None:
        """End the process, if it is still one of ours, with its group."""
        if pid in self.children:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)

    def run(self, request: dict[str, Any], output: int) -> None:
        """Fork one execution environment."""
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for unused in (self.control, self.wake, self.wake_writer):
                unused.close()
            become_function(request, output)
        # Both sides set the group, so that it exists whoever is first.
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        self.children.add(pid)
        self.tell({"Started": pid})

    def reap(self) -> None:
        """Tell about every child that ended."""
        while self.children:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self.children.discard(pid)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            self.tell({"Exited": pid, "Status": os.waitstatus_to_exitcode(status)})

    def tell(self, message: dict[str, Any]) -> None:
        """Send one line to the owner."""
        self.control.sendall(json.dumps(message).encode() + b"\n")


def become_function(request: dict[str, Any], output: int) -> NoReturn:
    """Turn this fresh process into the function's execution environment; does not return."""
    status = 1
    try:
        life_line = os.dup(0)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        threading.Thread(target=end_with_owner, args=(life_line,), daemon=True).start()
        os.environ.clear()
        os.environ.update(request["Environment"])
        time.tzset()
        tempfile.tempdir = None
        os.chdir(request["Folder"])
        sys.path[0:0] = request["Path"]
        sys.argv = ["bootstrap", request["Handler"]]
        from awslambdaric.__main__ import main as run_interface_client

        run_interface_client(sys.argv)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def end_with_owner(life_line: int) -> None:
    """Wait for the owner's end; then end this process and what it started."""
    with contextlib.suppress(OSError):
        os.read(life_line, 1)
    os.killpg(os.getpgid(0), signal.SIGKILL)


def _do_nothing(signum: int, frame: FrameType | None) -> None:
    """A handler is needed for the signal to wake the selector."""


if __name__ == "__main__":
    main()
