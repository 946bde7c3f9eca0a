"""The Lambda Runtime API (2018-06-01) that one execution environment talks to, on loopback."""

import json
import queue
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from autoflow.local.visitors import ProgramsOnly

MAX_RESPONSE_BYTES = 6 * 1024 * 1024 + 100


@dataclass(frozen=True)
class Event:
    """One invocation as the function receives it."""

    request_id: str
    payload: bytes
    function_arn: str
    trace_id: str
    deadline: float
    """Unix time."""


@dataclass(frozen=True)
class Outcome:
    """What the function answered: its result or, when ``failed``, AWS's error document."""

    payload: bytes
    failed: bool


def error_document(error_type: str, message: str) -> bytes:
    """The payload of an invocation that the platform, not the function, failed."""
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()


class RuntimeApi:
    """Serves one execution environment. ``changed`` is set whenever something happened that the owner waits for."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.ready = False
        """The function finished its initialization and asked for its first event."""
        self.init_error: bytes | None = None
        self.outcome: Outcome | None = None
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.5,), name="runtime-api", daemon=True).start()

    @property
    def address(self) -> str:
        """Value of ``AWS_LAMBDA_RUNTIME_API``."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def send(self, event: Event) -> None:
        """Hand the event to the function; its answer will be in ``outcome``."""
        self.outcome = None
        self._events.put(event)

    def next_event(self) -> Event | None:
        """Block until there is an event; None when the API closes."""
        self._set(ready=True)
        return self._events.get()

    def accept(self, path: str, body: bytes) -> None:
        """Take what the function posted."""
        if path.endswith("/init/error"):
            self._set(init_error=body)
        elif path.endswith("/error"):
            self._set(outcome=Outcome(body, failed=True))
        elif path.endswith("/response"):
            if len(body) > MAX_RESPONSE_BYTES:
                text = f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
                self._set(outcome=Outcome(error_document("Function.ResponseSizeTooLarge", text), failed=True))
            else:
                self._set(outcome=Outcome(body, failed=False))

    def wake(self) -> None:
        """Wake whoever waits on ``changed``."""
        self._set()

    def close(self) -> None:
        """End the API without waiting for open connections."""
        self._events.put(None)
        threading.Thread(target=self._shut_down, daemon=True).start()

    def _set(self, **values: Any) -> None:
        with self.changed:
            for name, value in values.items():
                setattr(self, name, value)
            self.changed.notify_all()

    def _shut_down(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(api: RuntimeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(ProgramsOnly, BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            event = api.next_event()
            if event is None:
                self.close_connection = True
                return
            headers = {
                "Content-Type": "application/json",
                "Lambda-Runtime-Aws-Request-Id": event.request_id,
                "Lambda-Runtime-Deadline-Ms": str(int(event.deadline * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": event.function_arn,
                "Lambda-Runtime-Trace-Id": event.trace_id,
            }
            self._reply(200, event.payload, headers)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self._reply(202, b'{"status":"OK"}', {"Content-Type": "application/json"})
            api.accept(self.path, body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the cloud's log is for what people want to know."""

        def _reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    return Handler
