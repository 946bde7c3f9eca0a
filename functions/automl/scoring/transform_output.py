"""What a transform job wrote about one part of the rows, as predictions like those of an endpoint."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Any

from automl.errors import PredictionMismatch
from automl.run_files import ScoringFiles
from automl.scoring.answers import AnswerReader
from automl.scoring.responses import answer_lines, key_lines, most_without_answer, predictions_table
from automl.storage import delete, exists, list_objects, open_body, read_bytes, write_pieces

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_LINES_AT_ONCE = 1_000
_READ_BYTES = 1024 * 1024


@dataclass(frozen=True)
class PartOutput:
    """What a transform job's output about one part came to: how many rows, and how many of them it does not predict."""

    rows: int
    not_predicted: int


def read_part(s3: "S3Client", rows: Mapping[str, Any], part: int) -> PartOutput:
    """Write one part's raw predictions from what the transform job answered.

    A row whose answer is no prediction keeps its place there, with empty cells.

    Args:
        s3: client.
        rows: what Prepare Rows returned.
        part: number of the part. One whose rows were all skipped has no output, and an empty table.

    Raises:
        PredictionMismatch: the output does not fit the rows, or there is none. One that does not fit is removed, so
            that a resumed scoring transforms the part again.
    """
    files = ScoringFiles(rows["OutputUri"])
    keys_csv = read_bytes(s3, files.keys(part))
    sent = len(key_lines(keys_csv)) - 1
    uri = _output_uri(s3, files, part) if sent else ""
    output = _Output(AnswerReader(rows["ResponseKeys"], rows["ProblemType"]), sent)
    answers = output.answers(_records(s3, uri)) if sent else iter(())
    try:
        write_pieces(s3, files.predictions(part), predictions_table(keys_csv, rows["ResponseKeys"], answers))
    except PredictionMismatch as error:
        delete(s3, uri)
        raise PredictionMismatch(f"{uri} does not fit the rows of its part and was removed: {error}") from error
    return PartOutput(sent, output.gaps)


def _output_uri(s3: "S3Client", files: ScoringFiles, part: int) -> str:
    """Where the output about a part is.

    The examples that people wrote find it at once below S3OutputPath; CreateTransformJob's own puts it into a
    subfolder that is named after one of the input's. The name of the file is the same.
    """
    uri = files.transformed(part)
    if exists(s3, uri):
        return uri
    name = uri.rpartition("/")[2]
    found = (item.uri for item in list_objects(s3, files.transform_folder) if item.uri.endswith(f"/{name}"))
    if below := next(found, ""):
        return below
    raise PredictionMismatch(f"There is no {uri}, although the transform job has completed; resume the scoring")


class _Output:
    """Reads the records about ``sent`` rows, and counts those that are no predictions."""

    def __init__(self, reader: AnswerReader, sent: int) -> None:
        self._reader = reader
        self._sent = sent
        self.gaps = 0

    def answers(self, records: Iterator[bytes]) -> Iterator[str | None]:
        """The records as CSV lines; None for one that is no prediction.

        Raises:
            PredictionMismatch: too many are none.
        """
        for some in batched(records, _LINES_AT_ONCE, strict=False):
            lines = answer_lines(b"".join(some), self._reader, len(some))
            self.gaps += lines.count(None)
            yield from lines
        if self.gaps == self._sent or self.gaps > most_without_answer(self._sent):
            raise PredictionMismatch(f"{self.gaps} of its {self._sent} records are no predictions")


def _records(s3: "S3Client", uri: str) -> Iterator[bytes]:
    """The output's lines that are not empty: AssembleWith Line ends every answer with a line end, had it one or not."""
    with io.BufferedReader(open_body(s3, uri), _READ_BYTES) as lines:
        yield from (line for line in lines if line.strip())
