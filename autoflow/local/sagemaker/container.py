"""One model that answers: the engine's inference worker in the place of a container."""

import http.client
import json
import math
import tarfile
import threading
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

from autoflow.local.sagemaker import in_the_name_of, log_streams
from autoflow.local.sagemaker.automl_job import IMAGE_REPOSITORY
from autoflow.local.sagemaker.models import containers_of
from autoflow.local.sagemaker.s3_files import Files, InputProblem, S3Uri
from autoflow.local.sagemaker.state import Account, Document
from autoflow.local.sagemaker.workers import Worker

_START_SECONDS = 180.0
"""A container must answer /ping within 3 minutes."""
_END_SECONDS = 2.0
"""What passes at most between a process's last answer and its end."""
ENDED = "The container has ended"
INVOCATION_SECONDS = 60.0
"""What an endpoint gives its container for one answer."""


class ContainerFailure(Exception):
    """The container cannot be started; the message is for FailureReason."""


class ContainerError(Exception):
    """The container answered an invocation with an error status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Container:
    """Runs one model. ``start`` and ``stop`` may be repeated: a serverless endpoint does so."""

    def __init__(
        self,
        account: Account,
        log: tuple[str, str],
        model: Document,
        invocation_seconds: float = INVOCATION_SECONDS,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Nothing is started.

        Args:
            account: of the model.
            log: the log group, and what the names of the streams begin with.
            model: as CreateModel was told.
            invocation_seconds: how long one answer may take.
            environment: variables beside those of the model's container, and before them.

        Raises:
            ContainerFailure: the model cannot run here.
        """
        containers = containers_of(account, model)
        if len(containers) != 1:
            raise ContainerFailure(
                "Inference pipelines are not supported in the local cloud: "
                f"model {model['ModelName']} has {len(containers)} containers"
            )
        self._definition = containers[0]
        self._environment = containers[0].get("Environment", {}) | dict(environment or {})
        self._account = account
        self._log = log
        self._invocation_seconds = invocation_seconds
        self._role = in_the_name_of.role_of_model(model)
        self._files = Files(account, self._role)
        self._worker: Worker | None = None
        self._port = 0
        self._lock = threading.Lock()
        repository = self._definition["Image"].rpartition("/")[2].partition(":")[0]
        if repository != IMAGE_REPOSITORY:
            raise ContainerFailure(
                f"The local cloud cannot run the image {self._definition['Image']}; it runs {IMAGE_REPOSITORY} only"
            )

    @property
    def image(self) -> str:
        """Image of the container definition."""
        return str(self._definition["Image"])

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._worker is not None and self._worker.alive()

    def start(self) -> None:
        """Start the process if it does not run, and return when it answers /ping.

        Raises:
            ContainerFailure: it does not come up.
        """
        with self._lock:
            if self.alive:
                return
            self._close()
            worker = Worker("autoflow.local.engine.serve", ["model"], self._environment)
            self._worker = worker
            group, prefix = self._log
            stream = f"{prefix}/i-{uuid.uuid4().hex[:17]}"
            log_streams.follow(self._account, self._role, group, stream, worker)
            timer = threading.Timer(_START_SECONDS, worker.kill)
            timer.daemon = True
            timer.start()
            try:
                # The model is there before the worker listens for the folder: it waits for a line.
                self._unpack(worker.folder)
                worker.send(b"ready\n")
                line = next(worker.lines(), b"")
                if not line:
                    words = worker.last_words()
                    last = f" Its last log line: {words}" if words else ""
                    raise ContainerFailure(f"The primary container did not pass the ping health check.{last}")
                self._port = json.loads(line)["port"]
                self.ping()
            except BaseException:
                self._close()
                raise
            finally:
                timer.cancel()

    def _unpack(self, folder: Path) -> None:
        uri = self._definition.get("ModelDataUrl", "")
        try:
            path = Path(self._files.download([S3Uri.parse(uri)], folder / "archive")[0])
            with tarfile.open(path) as archive:
                archive.extractall(folder / "model", filter="data")
            path.unlink()
        except (InputProblem, tarfile.TarError, OSError) as error:
            raise ContainerFailure(f"Could not load the model data from {uri}: {error}") from error

    def ping(self) -> None:
        """Ask for its health.

        Raises:
            ContainerFailure: it does not answer.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request("GET", "/ping")
            status = connection.getresponse().status
        except OSError as error:
            raise ContainerFailure(f"The primary container did not pass the ping health check: {error}") from error
        finally:
            connection.close()
        if status != http.client.OK:
            raise ContainerFailure(f"The primary container did not pass the ping health check: HTTP {status}")

    def invoke(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        """Body and content type of the answer to POST /invocations.

        Raises:
            ContainerError: it answered with an error, took too long or died. One that had ended is started first.
        """
        if not self.alive:
            try:
                self.start()
            except ContainerFailure as error:
                raise ContainerError(500, str(error)) from error
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._invocation_seconds)
        headers = {"Content-Type": content_type, "Accept": accept}
        try:
            connection.request("POST", "/invocations", body, {name: text for name, text in headers.items() if text})
            response = connection.getresponse()
            data = response.read()
        except TimeoutError:
            raise ContainerError(
                0, "Your invocation timed out while waiting for a response from container primary"
            ) from None
        except (OSError, http.client.HTTPException) as error:
            ended = self._worker is None or self._worker.ends_within(_END_SECONDS)
            raise ContainerError(500, ENDED if ended else f"container primary does not answer: {error}") from error
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise ContainerError(response.status, data.decode(errors="replace"))
        return data, response.headers.get("Content-Type", "")

    def stop(self) -> None:
        """End the process and remove its files."""
        # Not under the lock: a start that hangs must end too.
        if self._worker is not None:
            self._worker.kill()
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None


class ServerlessContainer(Container):
    """Ends after it was idle for some time, and starts again with the next invocation."""

    def __init__(
        self, account: Account, log: tuple[str, str], model: Document, concurrency: int, idle_seconds: float
    ) -> None:
        super().__init__(account, log, model)
        self._slots = threading.BoundedSemaphore(concurrency)
        self._idle_seconds = idle_seconds
        self._last_use = time.monotonic()
        self._in_use = 0
        self._use_lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def invoke(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        """As of any container.

        Raises:
            TooManyInvocations: MaxConcurrency is reached.
            ContainerError: as of any container.
        """
        if not self._slots.acquire(blocking=False):
            raise TooManyInvocations
        with self._use_lock:
            self._in_use += 1
        try:
            return super().invoke(body, content_type, accept)
        finally:
            with self._use_lock:
                self._in_use -= 1
                self._last_use = time.monotonic()
            self._slots.release()
            self._watch()

    def start(self) -> None:
        """As of any container; then the clock runs."""
        super().start()
        self._watch()

    def stop(self) -> None:
        """As of any container."""
        if self._timer is not None:
            self._timer.cancel()
        super().stop()

    def _watch(self) -> None:
        if math.isinf(self._idle_seconds):
            return
        with self._use_lock:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = threading.Timer(self._idle_seconds, self._stop_if_idle)
            self._timer.daemon = True
            self._timer.start()

    def _stop_if_idle(self) -> None:
        with self._use_lock:
            # Under the lock: an invocation that comes now waits, and starts the container anew.
            if not self._in_use and time.monotonic() - self._last_use >= self._idle_seconds * 0.99:
                super().stop()


class TooManyInvocations(Exception):
    """The endpoint's MaxConcurrency is reached."""
