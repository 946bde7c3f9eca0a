"""The endpoint's side of scoring: how rows are sent to it, and how its answers are read."""

import csv
import functools
import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from automl.errors import EndpointFailed, PredictionMismatch, ServiceUnavailable
from automl.run_files import ScoringFiles
from automl.storage import read_bytes, write_bytes

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

_PROBE_ROWS = 50
_ROWS_PER_REQUEST = 5_000
"""An invocation must answer within 60 s; 5,000 rows leave a slow ensemble 12 ms for each."""
_BUSY = {
    "InternalDependencyException",
    "InternalFailure",
    "ModelNotReadyException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "ThrottlingException",
}
_BUSY_WAITS = (1, 2, 4, 8, 16, 32, 60, 60)
_SILENCES = 2
"""How often a container that did not answer within 60 s is asked again: it may have been starting."""

Record = list[str]


def invoke(
    runtime: "SageMakerRuntimeClient",
    endpoint_name: str,
    body: bytes,
    sleep: Callable[[float], None] = time.sleep,
) -> bytes:
    """Send CSV records without header to the endpoint and return its CSV answer.

    A throttled call or a model that is still starting is tried again, for about three minutes. So is, twice, a
    container that gave no answer at all (OriginalStatusCode 0), as a serverless one that takes long to load its model.

    Raises:
        EndpointFailed: the model refused the rows or broke on them.
        ServiceUnavailable: the endpoint stayed busy.
    """
    silences = 0
    for wait in (*_BUSY_WAITS, None):
        try:
            response = runtime.invoke_endpoint(
                EndpointName=endpoint_name, ContentType="text/csv", Accept="text/csv", Body=body
            )
            return response["Body"].read()
        except ClientError as error:
            code = error.response["Error"]["Code"]
            silent = code == "ModelError" and error.response.get("OriginalStatusCode") == 0
            silences += silent
            if code == "ModelError" and not (silent and silences <= _SILENCES):
                raise EndpointFailed(
                    f"Endpoint {endpoint_name!r} failed on {len(body)} bytes of rows; see its log group "
                    f"/aws/sagemaker/Endpoints/{endpoint_name}: {str(error)[:500]}"
                ) from error
            if not silent and code not in _BUSY:
                raise
            if wait is None:
                raise ServiceUnavailable(f"Endpoint {endpoint_name!r} stays busy: {error}") from error
            sleep(wait)
    raise AssertionError("the last attempt returns or raises")


def parse_answer(body: bytes, keys: Sequence[str], rows: int) -> list[Record]:
    """The answer's records: ``rows`` lists of ``len(keys)`` texts, in the order of the keys.

    List-valued cells come back as their text, for example ``[0.29, 0.71]``, whether the container quoted them or not.

    Raises:
        PredictionMismatch: the answer has another number of records, or a record another number of cells.
    """
    text = body.decode("utf-8", errors="replace")
    lines = [line.rstrip("\r") for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    if len(lines) != rows:
        raise PredictionMismatch(
            f"The endpoint answered {len(lines)} records for {rows} rows; "
            "score again, and if it stays so, deploy the model again"
        )
    return [_cells(line, keys, number) for number, line in enumerate(lines)]


def _cells(line: str, keys: Sequence[str], number: int) -> Record:
    cells = next(csv.reader([line]), [""])
    if len(cells) != len(keys):
        cells = _split_outside_brackets(line)
    if len(cells) != len(keys):
        raise PredictionMismatch(
            f"Record {number} of the endpoint's answer has {len(cells)} cells instead of {len(keys)} "
            f"({', '.join(keys)}); check SAGEMAKER_INFERENCE_OUTPUT of the model's containers"
        )
    return cells


def _split_outside_brackets(line: str) -> Record:
    """Split at commas that are neither quoted nor inside a Python list, as in ``b,0.7,[0.3, 0.7],['a', 'b']``."""
    cells: Record = []
    start, in_list, quote, escaped = 0, False, "", False
    for position, character in enumerate(line):
        if escaped:
            escaped = False
        elif quote:
            escaped = in_list and character == "\\"
            quote = "" if character == quote else quote
        elif character == '"' or (in_list and character == "'"):
            quote = character
        elif character == "[":
            in_list = True
        elif character == "]":
            in_list = False
        elif character == "," and not in_list:
            cells.append(line[start:position])
            start = position + 1
    cells.append(line[start:])
    return [_unquoted(cell.strip()) for cell in cells]


def _unquoted(cell: str) -> str:
    if len(cell) > 1 and cell[0] == cell[-1] == '"':
        return cell[1:-1].replace('""', '"')
    return cell


def batches(records: Sequence[bytes], max_bytes: int, max_rows: int) -> Iterator[list[bytes]]:
    """Consecutive records in non-empty groups of at most ``max_bytes`` (with line ends) and ``max_rows``."""
    group: list[bytes] = []
    size = 0
    for record in records:
        if group and (size + len(record) + 1 > max_bytes or len(group) == max_rows):
            yield group
            group, size = [], 0
        group.append(record)
        size += len(record) + 1
    if group:
        yield group


def predict(
    send: Callable[[bytes], bytes], records: Sequence[bytes], keys: Sequence[str], concurrency: int, max_bytes: int
) -> list[Record]:
    """The endpoint's answers to all records, in their order. ``send`` carries one request's body to its answer.

    A first small request shows how long an answer is, so that neither requests nor responses outgrow ``max_bytes``.

    Raises:
        PredictionMismatch: an answer does not fit its rows.
    """

    def answer(group: Sequence[bytes]) -> tuple[int, list[Record]]:
        body = send(b"".join(record + b"\n" for record in group))
        return len(body), parse_answer(body, keys, len(group))

    probe = next(batches(records, max_bytes, _PROBE_ROWS), [])
    if not probe:
        return []
    size, answers = answer(probe)
    rows_per_answer = max(1, int(0.8 * max_bytes * len(probe) / max(size, 1)))
    groups = batches(records[len(probe) :], max_bytes, min(_ROWS_PER_REQUEST, rows_per_answer))
    with ThreadPoolExecutor(max_workers=concurrency) as pool:
        for _, more in pool.map(answer, groups):
            answers.extend(more)
    return answers


def answer_table(keys_csv: bytes, response_keys: Sequence[str], answers: Sequence[Record]) -> bytes:
    """The raw predictions file: each row's key record (``Row,Id,Truth``) beside the endpoint's answer to it.

    Raises:
        PredictionMismatch: there are more or fewer answers than keys.
    """
    reader = csv.reader(io.StringIO(keys_csv.decode(), newline=""))
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow([*next(reader), *response_keys])
    rows = list(reader)
    if len(rows) != len(answers):
        raise PredictionMismatch(f"{len(answers)} answers for {len(rows)} rows; score again")
    writer.writerows([*row, *cells] for row, cells in zip(rows, answers, strict=True))
    return table.getvalue().encode()


def score_part(runtime: "SageMakerRuntimeClient", s3: "S3Client", rows: Mapping[str, Any], part: int) -> int:
    """Send one part of prepared rows to the endpoint, write its raw predictions and return how many there are.

    Args:
        runtime: client; its connection pool is as large as the concurrency that is wanted.
        s3: client.
        rows: what Prepare Rows returned. Parts are scored side by side, so they share its ``MaxConcurrency``.
        part: number of the part.

    Raises:
        EndpointFailed, PredictionMismatch, ServiceUnavailable: see :func:`invoke` and :func:`predict`.
    """
    files = ScoringFiles(rows["PredictionsUri"])
    row_keys = read_bytes(s3, files.keys(part))
    nothing_sent = row_keys.count(b"\n") <= 1
    records = [] if nothing_sent else read_bytes(s3, files.features(part)).split(b"\n")[:-1]
    concurrency = max(1, rows["MaxConcurrency"] // min(rows["PartsToScore"], rows["PartsAtOnce"]))
    keys: list[str] = rows["ResponseKeys"]
    send = functools.partial(invoke, runtime, rows["EndpointName"])
    answers = predict(send, records, keys, concurrency, rows["MaxPayloadBytes"])
    write_bytes(s3, files.predictions(part), answer_table(row_keys, keys, answers))
    return len(answers)
