"""Invoke Endpoint: the rows of a part go to the endpoint in batches, and every row gets its answer or none."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError, IncompleteReadError

from automl.errors import EndpointFailed, PredictionMismatch, ServiceUnavailable
from automl.run_files import ScoringFiles
from automl.scoring.answers import AnswerReader
from automl.scoring.batch_size import BatchSize, experience_of
from automl.scoring.concurrency import Limiter, waits
from automl.scoring.responses import answer_lines, key_lines, most_without_answer, predictions_table
from automl.storage import read_bytes, write_pieces

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

_BUSY = {
    "InternalDependencyException",
    "InternalFailure",
    "ModelNotReadyException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "ThrottlingException",
}
_SILENCES = 2
"""How often a container that did not answer within 60 s is asked again: it may have been starting."""
_FEW_ROWS = 50
"""Of so many or fewer, a container that is silent is not too slow but broken."""
_BATCHES_AHEAD = 2
"""Answered or on their way, for each request at once: enough to keep the endpoint busy, few enough for memory."""
_FRUITLESS_ROWS = 3
"""Rows that fail one by one before any row was answered: then it is the model, not the rows."""


@dataclass(frozen=True)
class PartAnswers:
    """What asking the endpoint for one part came to."""

    rows: int
    not_predicted: tuple[str, ...]
    """Numbers of the rows that the endpoint could not answer."""
    requests: int
    seconds: float
    """Of all requests together."""


class RowsRefused(Exception):
    """The container answered some rows with an error, or not at all; fewer rows may do."""

    def __init__(self, message: str, *, silent: bool = False) -> None:
        super().__init__(message)
        self.silent = silent


class Inquirer:
    """Asks one endpoint, from several threads; counts the requests and their seconds."""

    def __init__(
        self,
        runtime: "SageMakerRuntimeClient",
        endpoint_name: str,
        limiter: Limiter,
        sleep: Callable[[float], None] = time.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._runtime = runtime
        self._limiter = limiter
        self._sleep = sleep
        self._draw = draw
        self._lock = threading.Lock()
        self._name = endpoint_name
        self.requests = 0
        self.seconds = 0.0

    def ask(self, body: bytes, silences: int = _SILENCES) -> tuple[bytes, float]:
        """Send CSV records without header; the CSV answer, and the seconds that it took.

        A throttled call or a model that is still starting is tried again, for about three minutes, with fewer requests
        at once. So is, ``silences`` times, a container that gave no answer at all (OriginalStatusCode 0), as a
        serverless one that takes long to load its model.

        Raises:
            RowsRefused: the model refused the rows, broke on them or stayed silent.
            ServiceUnavailable: the endpoint stayed busy.
        """
        patience = waits(self._draw)
        silent_before = 0
        while True:
            try:
                return self._once(body)
            except ClientError as error:
                code, status = error.response["Error"]["Code"], error.response.get("OriginalStatusCode")
                silent = code == "ModelError" and status == 0
                silent_before += silent
                if code == "ModelError" and (not silent or silent_before > silences):
                    raise RowsRefused(
                        f"Endpoint {self._name!r} failed on {len(body)} bytes of rows; see its log group "
                        f"/aws/sagemaker/Endpoints/{self._name}: {str(error)[:500]}",
                        silent=silent,
                    ) from error
                if not silent and not _is_busy(error):
                    raise
                failure: Exception = error
            except (ConnectionError, HTTPClientError, IncompleteReadError) as error:
                failure = error
            wait = next(patience, None)
            if wait is None:
                raise ServiceUnavailable(f"Endpoint {self._name!r} stays busy: {failure}") from failure
            self._sleep(wait)

    def _once(self, body: bytes) -> tuple[bytes, float]:
        with self._limiter.turn() as turn:
            began = time.perf_counter()
            try:
                response = self._runtime.invoke_endpoint(
                    EndpointName=self._name, ContentType="text/csv", Accept="text/csv", Body=body
                )
                answer = response["Body"].read()
            except ClientError as error:
                if _is_busy(error):
                    turn.refused()
                raise
            else:
                turn.answered()
            finally:
                seconds = time.perf_counter() - began
                with self._lock:
                    self.requests += 1
                    self.seconds += seconds
            return answer, seconds


def _is_busy(error: ClientError) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    return error.response["Error"]["Code"] in _BUSY or status >= 500


def invoke(runtime: "SageMakerRuntimeClient", endpoint_name: str, body: bytes) -> bytes:
    """The answer to one request by itself.

    Raises:
        EndpointFailed, ServiceUnavailable: see :meth:`Inquirer.ask`.
    """
    try:
        return Inquirer(runtime, endpoint_name, Limiter(1)).ask(body)[0]
    except RowsRefused as error:
        raise EndpointFailed(str(error)) from error


class Prediction:
    """Asks for the rows of one part, and finds those that the endpoint cannot answer.

    Args:
        ask: sends a request's body, and may be patient with a silent container so many times; the answer and its
            seconds.
        reader: of the model's answers.
        records: the rows, CSV without line end.
        size: of batches.
        at_once: threads that send.
    """

    def __init__(
        self,
        ask: Callable[[bytes, int], tuple[bytes, float]],
        reader: AnswerReader,
        records: Sequence[bytes],
        size: BatchSize,
        at_once: int,
    ) -> None:
        self._ask = ask
        self._reader = reader
        self._records = records
        self._size = size
        self._at_once = at_once
        self._lock = threading.Lock()
        self._answered = False
        self._most = most_without_answer(len(records))
        self.failed: list[int] = []
        """Positions of the rows without answer."""

    def lines(self) -> Iterator[str | None]:
        """The answers as CSV lines in the order of the rows; None where there is none.

        Raises:
            EndpointFailed, PredictionMismatch: the endpoint cannot answer many rows, or none at all.
            ServiceUnavailable: the endpoint stayed busy.
        """
        start = 0
        ahead: deque[Future[list[str | None]]] = deque()
        with ThreadPoolExecutor(max_workers=self._at_once) as pool:
            try:
                while ahead or start < len(self._records):
                    # What the first answer teaches is worth waiting for.
                    most = _BATCHES_AHEAD * self._at_once if self._size.known else 1
                    while start < len(self._records) and len(ahead) < most:
                        end = self._size.cut(self._records, start)
                        ahead.append(pool.submit(self._batch, start, end))
                        start = end
                    yield from ahead.popleft().result()
            finally:
                for future in ahead:
                    future.cancel()

    def _batch(self, start: int, end: int) -> list[str | None]:
        if end - start > self._size.ceiling:
            return self._halves(start, end)
        try:
            lines = self._answer(start, end)
        except (RowsRefused, PredictionMismatch) as error:
            if isinstance(error, RowsRefused) and error.silent and end - start <= _FEW_ROWS:
                raise EndpointFailed(str(error)) from error
            if end - start == 1:
                self._fail([start], error)
                return [None]
            lines = self._halves(start, end)
            if None not in lines:
                self._size.too_many(end - start)
            return lines
        unread = [start + place for place, line in enumerate(lines) if line is None]
        self._answered = self._answered or len(unread) < len(lines)
        if unread:
            self._fail(unread, PredictionMismatch("their answers are no predictions; see the endpoint's log group"))
        return lines

    def _halves(self, start: int, end: int) -> list[str | None]:
        middle = (start + end) // 2
        return self._batch(start, middle) + self._batch(middle, end)

    def _answer(self, start: int, end: int) -> list[str | None]:
        rows = end - start
        body = b"".join([record + b"\n" for record in self._records[start:end]])
        answer, seconds = self._ask(body, _SILENCES if rows <= _FEW_ROWS or not self._answered else 0)
        lines = answer_lines(answer, self._reader, rows)
        self._size.learn(rows, len(answer), seconds)
        return lines

    def _fail(self, positions: Sequence[int], error: Exception) -> None:
        with self._lock:
            self.failed.extend(positions)
            failed, rows = len(self.failed), len(self._records)
        fruitless = not self._answered and failed >= min(_FRUITLESS_ROWS, rows)
        if fruitless or failed > self._most:
            kind = PredictionMismatch if isinstance(error, PredictionMismatch) else EndpointFailed
            raise kind(f"{failed} of the first rows of a part with {rows} rows cannot be predicted: {error}") from error


def score_part(runtime: "SageMakerRuntimeClient", s3: "S3Client", rows: Mapping[str, Any], part: int) -> PartAnswers:
    """Send one part of prepared rows to the endpoint and write its raw predictions.

    A row that the endpoint cannot answer keeps its place there, with empty cells.

    Args:
        runtime: client; its connection pool is as large as the concurrency that is wanted.
        s3: client.
        rows: what Prepare Rows returned. Parts are scored side by side, so they share its ``MaxConcurrency``.
        part: number of the part.

    Raises:
        EndpointFailed: the endpoint cannot answer, or not more than 1 % of the rows, be it of this part only.
        PredictionMismatch: answers do not fit their rows.
        ServiceUnavailable: the endpoint stayed busy.
    """
    files = ScoringFiles(rows["PredictionsUri"])
    keys_csv = read_bytes(s3, files.keys(part))
    nothing_sent = keys_csv.count(b"\n") <= 1
    records = [] if nothing_sent else read_bytes(s3, files.features(part)).split(b"\n")[:-1]
    at_once = max(1, rows["MaxConcurrency"] // min(rows["PartsToScore"], rows["PartsAtOnce"]))
    inquirer = Inquirer(runtime, rows["EndpointName"], Limiter(at_once))
    reader = AnswerReader(rows["ResponseKeys"], rows["ProblemType"])
    known = experience_of(files.uri, rows["EndpointName"])
    size = BatchSize(rows["MaxPayloadBytes"], len(records), at_once, known)
    prediction = Prediction(inquirer.ask, reader, records, size, at_once)
    write_pieces(s3, files.predictions(part), predictions_table(keys_csv, reader.keys, prediction.lines()))
    names = [line.partition(",")[0] for line in key_lines(keys_csv)[1:]] if prediction.failed else []
    return PartAnswers(
        rows=len(records),
        not_predicted=tuple(names[position] for position in sorted(prediction.failed)),
        requests=inquirer.requests,
        seconds=inquirer.seconds,
    )
