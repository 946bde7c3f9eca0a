"""The owner's side of function_server.py: start an execution environment's process, see it end, kill it."""

import contextlib
import functools
import json
import socket
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import Any

SERVER = Path(__file__).with_name("function_server.py")

# What most functions import. Only speed depends on this list; none of these starts a thread.
PRELOAD = (
    "boto3.session",
    "boto3.s3.inject",
    "botocore.httpsession",
    "botocore.endpoint_provider",
    "botocore.regions",
    "botocore.signers",
    "aws_lambda_powertools",
    "aws_lambda_powertools.utilities.typing",
    "aws_xray_sdk.core",
    "jsonschema",
)


class FunctionProcess:
    """One execution environment's process."""

    def __init__(self, server: "FunctionServer", pid: int) -> None:
        self.server = server
        self.pid = pid
        self.exited = threading.Event()
        self.status: int | None = None
        """Exit status once exited; negative: ended by that signal; None: not known."""

    def kill(self) -> None:
        """End the process with everything it started; does nothing when it has ended."""
        if not self.exited.is_set():
            self.server.kill(self.pid)
            self.exited.wait(5)


class FunctionServer:
    """One running function_server.py: all functions whose layers are in ``folders`` come from it."""

    def __init__(self, folders: tuple[str, ...], preload: tuple[str, ...]) -> None:
        self.control, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            [
                sys.executable,
                str(SERVER),
                json.dumps({"Control": theirs.fileno(), "Path": folders, "Preload": preload}),
            ],
            stdin=subprocess.PIPE,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        self.requesting = threading.Lock()
        self.children: dict[int, FunctionProcess] = {}
        self.started: deque[FunctionProcess] = deque()
        self.answered = threading.Semaphore(0)
        self.ended = threading.Event()
        threading.Thread(target=self._listen, name="function-server", daemon=True).start()

    def run(
        self, handler: str, folder: str, environment: dict[str, str], path: list[str], output: int
    ) -> FunctionProcess:
        """Start an execution environment.

        Raises:
            RuntimeError: the server is gone.
        """
        request = {"Handler": handler, "Folder": folder, "Environment": environment, "Path": path}
        with self.requesting:
            self._send({"Run": request}, [output])
            self.answered.acquire()
            if not self.started:
                raise RuntimeError("the process that starts functions has ended; see the cloud's log")
            return self.started.popleft()

    def kill(self, pid: int) -> None:
        """Kill a process of this server with its group."""
        with self.requesting, contextlib.suppress(RuntimeError):
            self._send({"Kill": pid}, [])

    def _send(self, message: dict[str, Any], descriptors: list[int]) -> None:
        line = json.dumps(message).encode() + b"\n"
        try:
            sent = socket.send_fds(self.control, [line], descriptors)
            self.control.sendall(line[sent:])
        except OSError as error:
            raise RuntimeError("the process that starts functions has ended; see the cloud's log") from error

    def _listen(self) -> None:
        with self.control.makefile("rb") as lines, contextlib.suppress(OSError):
            for line in lines:
                message = json.loads(line)
                if "Started" in message:
                    process = FunctionProcess(self, message["Started"])
                    self.children[process.pid] = process
                    self.started.append(process)
                    self.answered.release()
                else:
                    process = self.children.pop(message["Exited"])
                    process.status = message["Status"]
                    process.exited.set()
        self.ended.set()
        self.answered.release()
        # Closing the life line ends whatever it had started.
        if self.process.stdin:
            self.process.stdin.close()
        self.process.wait()
        for process in self.children.values():
            process.exited.set()


_servers: dict[tuple[tuple[str, ...], tuple[str, ...]], FunctionServer] = {}
_servers_lock = threading.Lock()


def server(layers: tuple[str, ...], code: str) -> FunctionServer:
    """The server for functions with these layer folders and code folder; started when there is none.

    Nothing is imported ahead for code that brings a copy of a common package, so that the function gets its own.
    """
    key = (layers, _preload(code))
    with _servers_lock:
        found = _servers.get(key)
        if found is None or found.ended.is_set():
            found = _servers[key] = FunctionServer(*key)
        return found


@functools.cache
def _preload(code: str) -> tuple[str, ...]:
    own = {path.stem for path in Path(code).iterdir()}
    return () if own & {name.partition(".")[0] for name in PRELOAD} else PRELOAD
