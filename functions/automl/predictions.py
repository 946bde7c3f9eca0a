"""Filter Predictions: raw answers become predictions that are accepted and rows that a person should look at."""

import csv
import heapq
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from automl.answers import Answer, read_answer
from automl.errors import InvalidRequest
from automl.objectives import REGRESSION
from automl.run_files import ScoringFiles
from automl.storage import read_bytes, write_bytes

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LOW_CONFIDENCE = "LowConfidence"
RESULT_COLUMNS = ("Prediction", "Confidence", "Lower", "Upper", "Reason")
"""Columns of accepted/ and review/ beside the one that identifies the row."""

Key = dict[str, str]


def read_predictions(table: bytes, keys: Sequence[str], problem_type: str) -> Iterator[tuple[Key, Answer]]:
    """The rows of a raw predictions file: ``Row``, ``Id``, ``Truth``, and what the endpoint answered."""
    for record in csv.DictReader(io.StringIO(table.decode(), newline="")):
        yield record, read_answer({key: record[key] for key in keys}, problem_type)


def check_identity(id_column: str) -> None:
    """Raise InvalidRequest when results would have two columns of this name."""
    if id_column in RESULT_COLUMNS:
        raise InvalidRequest(
            f"Dataset.IdColumn {id_column!r} has the name of a column of the results; rename it in the dataset"
        )


def filter_part(s3: "S3Client", rows: Mapping[str, Any], part: int) -> dict[str, int]:
    """Write one part's accepted/ and review/ files; each keeps the order of the dataset's rows.

    Args:
        s3: client.
        rows: what Prepare Rows returned.
        part: number of the part.

    Returns:
        ``Part``, ``Rows``, ``Accepted``, ``Review``.

    Raises:
        PredictionMismatch: an answer cannot be read.
    """
    files = ScoringFiles(rows["OutputUri"])
    threshold = rows["Confidence"].get("Threshold")
    regression = rows["ProblemType"] == REGRESSION
    identity = rows["IdColumn"]
    measures = ["Lower", "Upper"] if regression else ["Confidence"]
    accepted, unsure = [], []
    table = read_bytes(s3, files.predictions(part))
    for key, answer in read_predictions(table, rows["ResponseKeys"], rows["ProblemType"]):
        confidence = "" if answer.confidence is None else repr(answer.confidence)
        line = [key["Id"] if identity else key["Row"], answer.prediction, *(["", ""] if regression else [confidence])]
        if answer.is_sure(threshold):
            accepted.append(line)
        else:
            unsure.append((int(key["Row"]), [*line, LOW_CONFIDENCE]))
    skipped = [
        (int(key["Row"]), [key["Id"] if identity else key["Row"], "", *("" for _ in measures), key["Reason"]])
        for key in csv.DictReader(io.StringIO(read_bytes(s3, files.skipped(part)).decode(), newline=""))
    ]
    review = [line for _, line in heapq.merge(unsure, skipped)]
    header = [identity or "Row", "Prediction", *measures]
    write_bytes(s3, files.accepted(part), _table(header, accepted))
    write_bytes(s3, files.review(part), _table([*header, "Reason"], review))
    return {"Part": part, "Rows": len(accepted) + len(review), "Accepted": len(accepted), "Review": len(review)}


def _table(header: Sequence[str], lines: Iterable[Sequence[str]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return file.getvalue().encode()
