"""Inference worker: ``python -m autoflow.local.engine.serve FOLDER``, a container's process without the container.

Waits for a line on standard input, which says that the model is in the folder. Then speaks the SageMaker container
contract on a port of loopback: ``GET /ping`` and ``POST /invocations``. Writes ``{"port": …}`` on standard output once
it listens, and lives until standard input ends.
"""

import json
import logging
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from autogluon.tabular import TabularPredictor
from numpy.typing import NDArray

from autoflow.local.engine import answers, owner, tables
from autoflow.local.engine.target import ordered
from autoflow.local.visitors import ProgramsOnly

_log = logging.getLogger("autoflow.serve")


class Model:
    """A candidate in memory, ready to answer."""

    def __init__(self, folder: Path, settings: answers.OutputSettings) -> None:
        self._settings = settings
        self._columns = tables.load_columns(folder / "columns.json")
        self._predictor = TabularPredictor.load(str(folder), verbosity=0, require_version_match=True)
        self._predictor.persist("best", max_memory=None)
        self._labels: list[str] = []
        if self._predictor.problem_type != "regression":
            self._labels = ordered([str(label) for label in self._predictor.class_labels])
        self._busy = threading.Lock()

    def answer(self, body: bytes, accept: str) -> tuple[bytes, str]:
        """The response's body and content type.

        Args:
            body: CSV rows without header.
            accept: of the request; empty means the container's default.

        Raises:
            BadRows: the rows do not suit the model.
            UnsupportedRequest: the answer cannot have the accepted type.
        """
        content_type = answers.choose_type(accept, self._settings.accept)
        rows = tables.read_request(body, self._columns)
        with self._busy:
            predicted = self._predict(rows)
        if self._labels:
            answer = answers.classification(predicted, self._labels, self._settings.keys)
        else:
            answer = answers.regression(predicted)
        return answers.encode(answer, content_type), content_type

    def _predict(self, rows: Any) -> NDArray[np.float64]:
        if not self._labels:
            return np.asarray(self._predictor.predict(rows), dtype=np.float64)
        probabilities = self._predictor.predict_proba(rows)
        probabilities.columns = [str(label) for label in probabilities.columns]
        return np.asarray(probabilities[self._labels], dtype=np.float64)


class _Handler(ProgramsOnly, BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "_Server"

    def do_GET(self) -> None:
        self._reply(200 if self.path == "/ping" else 404, b"", "text/plain")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path != "/invocations":
            self._reply(404, b"", "text/plain")
            return
        content_type = (self.headers.get("Content-Type") or "text/csv").split(";")[0].strip().lower()
        if content_type != "text/csv":
            self._reply(415, f"Content type {content_type!r} is not supported; send text/csv".encode(), "text/plain")
            return
        try:
            answer, answer_type = self.server.model.answer(body, self.headers.get("Accept") or "")
        except tables.BadRows as error:
            self._refuse(400, str(error))
        except answers.UnsupportedRequest as error:
            self._refuse(406, str(error))
        except Exception as error:
            _log.exception("prediction failed")
            self._refuse(500, f"{type(error).__name__}: {error}")
        else:
            self._reply(200, answer, answer_type)

    def _refuse(self, status: int, message: str) -> None:
        _log.error("%s: %s", status, message)
        self._reply(status, message.encode(), "text/plain; charset=utf-8")

    def _reply(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        _log.info(format, *args)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, model: Model) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.model = model


def main() -> None:
    """Entry point."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    if not os.read(sys.stdin.fileno(), 64):
        return
    owner.end_with(sys.stdin.fileno())
    answer = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    server = _Server(Model(Path(sys.argv[1]), answers.OutputSettings.from_environment(dict(os.environ))))
    os.write(answer, json.dumps({"port": server.server_address[1]}).encode() + b"\n")
    os.close(answer)
    server.serve_forever(poll_interval=0.5)


if __name__ == "__main__":
    main()
