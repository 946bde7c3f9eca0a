"""What a transform job wrote about one part of the rows, as predictions like those of an endpoint."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automl.errors import PredictionMismatch
from automl.run_files import ScoringFiles
from automl.scoring.answers import AnswerReader
from automl.scoring.responses import answer_lines, key_lines, most_without_answer, predictions_table
from automl.storage import delete, exists, read_bytes, write_pieces

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


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
    reader = AnswerReader(rows["ResponseKeys"], rows["ProblemType"])
    keys_csv = read_bytes(s3, files.keys(part))
    sent = len(key_lines(keys_csv)) - 1
    lines: list[str | None] = []
    if sent:
        if not exists(s3, files.transformed(part)):
            raise PredictionMismatch(
                f"There is no {files.transformed(part)}, although the transform job has completed; resume the scoring"
            )
        try:
            lines = answer_lines(without_empty_lines(read_bytes(s3, files.transformed(part))), reader, sent)
            if (gaps := lines.count(None)) == sent or gaps > most_without_answer(sent):
                raise PredictionMismatch(f"{gaps} of its {sent} records are no predictions")
        except PredictionMismatch as error:
            delete(s3, files.transformed(part))
            raise PredictionMismatch(
                f"{files.transformed(part)} does not fit the rows of its part and was removed: {error}"
            ) from error
    write_pieces(s3, files.predictions(part), predictions_table(keys_csv, reader.keys, lines))
    return PartOutput(sent, lines.count(None))


def without_empty_lines(body: bytes) -> bytes:
    """The answers alone: AssembleWith Line ends every answer with a line end, be it that it had one already."""
    return b"\n".join(line for line in body.split(b"\n") if line.strip())
