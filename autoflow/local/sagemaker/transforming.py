"""Runs a transform job: objects from S3 to the model's container, its answers to S3."""

import collections
import gzip
import io
import logging
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO

from autoflow.local.sagemaker import in_the_name_of, log_streams, mini_batches, transform_rules
from autoflow.local.sagemaker.container import ENDED, Container, ContainerError, ContainerFailure
from autoflow.local.sagemaker.s3_files import Files, InputProblem, S3Uri
from autoflow.local.sagemaker.state import Document, now
from autoflow.local.sagemaker.transform_job import TransformJob

_log = logging.getLogger(__name__)

LOG_GROUP = "/aws/sagemaker/TransformJobs"
"""Where AWS, too, writes what the containers print, and in a stream ``…/data-log`` what went wrong with the data."""

_MB = 1024 * 1024
_TIMEOUT_SECONDS = 600
_RETRIES = 3
"""What AWS does when ModelClientConfig does not say."""


class _Failed(Exception):
    """An object cannot be transformed; the message is for FailureReason."""


class _Stopped(Exception):
    """The job is to stop."""


class Transforming:
    """A job on its way. Everything happens in a thread of its own, and ends with this process."""

    def __init__(self, job: TransformJob, model: Document) -> None:
        self._job = job
        self._model = model
        self._role = in_the_name_of.role_of_model(model)
        self._files = Files(job.account, self._role)
        self._stopping = threading.Event()
        self._container: Container | None = None
        self._stream = f"{job.name}/i-{uuid.uuid4().hex[:17]}"
        request = job.request
        self._input, self._output = request["TransformInput"], request["TransformOutput"]
        self._payload = request.get("MaxPayloadInMB", transform_rules.DEFAULT_PAYLOAD_MB) * _MB
        self._concurrency = request.get("MaxConcurrentTransforms") or transform_rules.DEFAULT_CONCURRENCY
        client = request.get("ModelClientConfig", {})
        self._timeout = float(client.get("InvocationsTimeoutInSeconds", _TIMEOUT_SECONDS))
        self._retries = client.get("InvocationsMaxRetries", _RETRIES)

    def start(self, done: Callable[[], object]) -> None:
        """Start the thread; it calls ``done`` when the job is over."""

        def run() -> None:
            try:
                self._run()
            finally:
                done()

        threading.Thread(target=run, name=f"transform-{self._job.name}", daemon=True).start()

    def stop(self) -> None:
        """End the container; the thread then ends the job."""
        self._stopping.set()
        if self._container is not None:
            self._container.stop()

    def _run(self) -> None:
        status, failure = "Completed", ""
        try:
            self._transform()
        except (InputProblem, ContainerFailure, _Failed) as error:
            status, failure = "Failed", str(error)
        except _Stopped:
            status = "Stopped"
        except Exception as error:
            _log.exception("transform job %s", self._job.name)
            status, failure = "Failed", f"InternalServerError: {error}"
        finally:
            if self._container is not None:
                self._container.stop()
        with self._job.account.lock:
            if self._stopping.is_set():
                status, failure = "Stopped", ""
            self._job.end(status, failure)

    def _transform(self) -> None:
        environment = self._job.request.get("Environment")
        log = (LOG_GROUP, self._job.name)
        self._container = Container(self._job.account, log, self._model, self._timeout, environment)
        self._go_on()
        self._container.start()
        self._go_on()
        with self._job.account.lock:
            self._job.begin()
        source = self._input["DataSource"]["S3DataSource"]
        prefix = self._files.prefix(source)
        failure = ""
        with tempfile.TemporaryDirectory(prefix="sagemaker-") as name:
            folder, finished = Path(name), []
            with ThreadPoolExecutor(self._concurrency, f"transform-{self._job.name}") as pool:
                for number, uri in enumerate(self._files.list_channel(source)):
                    target = folder / f"{number:05}.out"
                    try:
                        self._transform_object(uri, target, pool)
                    except (_Failed, InputProblem) as error:
                        failure = failure or str(error)
                    else:
                        finished.append((target, mini_batches.output_uri(self._output_path, uri, prefix)))
            self._go_on()
            # What was transformed is kept although something else failed, but nothing of a job that was stopped.
            for target, uri in finished:
                self._files.upload(target, uri, self._output["KmsKeyId"] or None)
        if failure:
            raise _Failed(failure)

    @property
    def _output_path(self) -> S3Uri:
        return S3Uri.parse(self._output["S3OutputPath"])

    def _transform_object(self, uri: S3Uri, target: Path, pool: ThreadPoolExecutor) -> None:
        with tempfile.TemporaryDirectory(prefix="sagemaker-", dir=target.parent) as folder:
            path = self._files.download([uri], Path(folder))[0]
            try:
                with self._open(Path(path)) as source, target.open("wb") as output:
                    answers = self._answers(self._bodies(source), uri, pool)
                    output.writelines(mini_batches.assembled(answers, self._output["AssembleWith"] == "Line"))
            except mini_batches.TooLarge:
                raise self._failed("ClientError", uri, "Too much data for max payload size") from None
            except (gzip.BadGzipFile, EOFError) as error:
                raise self._failed("ClientError", uri, f"Unable to decompress: {error}") from error

    def _open(self, path: Path) -> IO[bytes]:
        if self._input["CompressionType"] == "Gzip":
            return io.BufferedReader(gzip.GzipFile(path))
        return path.open("rb")

    def _bodies(self, source: IO[bytes]) -> Iterator[bytes]:
        if self._input["SplitType"] == "Line":
            several = self._job.request.get("BatchStrategy", "MultiRecord") == "MultiRecord"
            yield from mini_batches.split(source, several, self._payload)
            return
        body = source.read(self._payload + 1)
        if len(body) > self._payload:
            raise mini_batches.TooLarge
        yield body

    def _answers(self, bodies: Iterator[bytes], uri: S3Uri, pool: ThreadPoolExecutor) -> Iterator[bytes]:
        """In the order of the bodies, of which few are in memory at a time."""
        waiting: collections.deque[Future[bytes]] = collections.deque()
        try:
            for body in bodies:
                waiting.append(pool.submit(self._ask, body, uri))
                if len(waiting) > self._concurrency:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _ask(self, body: bytes, uri: S3Uri) -> bytes:
        assert self._container is not None
        for left in range(self._retries, -1, -1):
            self._go_on()
            if not self._container.alive:  # an endpoint's would be started again
                raise self._failed("AlgorithmError", uri, ENDED)
            try:
                content_type, accept = self._input.get("ContentType", ""), self._output.get("Accept", "")
                return self._container.invoke(body, content_type, accept)[0]
            except ContainerError as error:
                self._go_on()
                client = 400 <= error.status < 500
                if client or not left:
                    said = f"Bad HTTP status received from algorithm: {error.status}" if error.status else str(error)
                    raise self._failed(
                        "ClientError" if client else "AlgorithmError", uri, said, f"Message: {error}"
                    ) from error
        raise AssertionError("the last attempt returns or raises")

    def _go_on(self) -> None:
        if self._stopping.is_set():
            raise _Stopped

    def _failed(self, kind: str, uri: S3Uri, *said: str) -> _Failed:
        """The failure of one object: AWS's FailureReason says little, the data log says what happened."""
        head = f"{now().isoformat(timespec='milliseconds')}:[sagemaker logs]: {uri.bucket}/{uri.key}"
        lines = [f"{head}: {line}" for text in said for line in text.splitlines()]
        log_streams.write(self._job.account, self._role, LOG_GROUP, f"{self._stream}/data-log", lines)
        return _Failed(f"{kind}: See job logs for more information")
