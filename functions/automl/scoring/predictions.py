"""Filter Predictions: raw answers become predictions that are accepted and rows that a person should look at."""

import csv
import heapq
import io
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Any

from automl.objectives import REGRESSION
from automl.run_files import ScoringFiles
from automl.scoring.answers import Answer, AnswerReader
from automl.scoring.calibration_map import NONE, CalibrationMap
from automl.scoring.decision import Decision, decide
from automl.storage import read_json, text_lines, write_bytes

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ROW, ID, TRUTH = range(3)
"""Cells with which a record of keys, skipped rows or predictions begins."""
KEY_CELLS = 3
_REASON = 3
_ROWS_AT_ONCE = 500


def read_predictions(
    lines: Iterable[str],
    keys: Sequence[str],
    problem_type: str,
    wanted: Callable[[Sequence[str]], bool] | None = None,
) -> Iterator[tuple[Sequence[str], Answer]]:
    """The records of a raw predictions file, and what the endpoint answered.

    Args:
        lines: of the file, with its header.
        keys: of the response.
        problem_type: of the model.
        wanted: whether a record is wanted; None when all are.

    Raises:
        PredictionMismatch: an answer cannot be read.
    """
    records = csv.reader(lines)
    next(records)
    reader = AnswerReader(keys, problem_type, KEY_CELLS)
    for some in batched(filter(wanted, records), _ROWS_AT_ONCE, strict=False):
        yield from zip(some, reader.read_all(some), strict=True)


@dataclass(frozen=True)
class Rule:
    """What makes a prediction of one scoring accepted. Build one with :func:`read_rule`."""

    problem_type: str
    calibration: CalibrationMap
    confidence: Mapping[str, Any]
    method: str
    level: float | None

    def judge(self, answer: Answer) -> Decision:
        """How sure the calibrated model is of one answer, and whether that is enough."""
        return decide(answer, self.calibration, self.confidence, self.problem_type)


def read_rule(s3: "S3Client", rows: Mapping[str, Any]) -> Rule:
    """The rule of a scoring.

    Args:
        s3: client.
        rows: what Prepare Rows returned. When it said Calibrate, the decision is the one that was worked out since.
    """
    document = read_json(s3, rows["CalibrationUri"]) if rows["CalibrationUri"] else None
    confidence = document["Confidence"] if document and rows["Calibrate"] else rows["Confidence"]
    known = document or {}
    return Rule(
        problem_type=rows["ProblemType"],
        calibration=CalibrationMap.from_document(document),
        confidence=confidence,
        method=known.get("Method", NONE),
        level=known.get("Intervals", {}).get("Level"),
    )


def filter_part(s3: "S3Client", rows: Mapping[str, Any], part: int) -> dict[str, Any]:
    """Write one part's accepted/ and review/ files; each keeps the order of the dataset's rows.

    Args:
        s3: client.
        rows: what Prepare Rows returned.
        part: number of the part.

    Returns:
        ``Part``, ``Rows``, ``Accepted``, ``Review``, ``Reasons`` (reason → rows in review) and ``Widths``:
        ``Rows`` that have an interval and the ``Sum`` of its widths.

    Raises:
        PredictionMismatch: an answer cannot be read.
    """
    source, files = ScoringFiles(rows["PredictionsUri"]), ScoringFiles(rows["OutputUri"])
    rule = read_rule(s3, rows)
    identity = rows["IdColumn"]
    measures = ["Lower", "Upper"] if rule.problem_type == REGRESSION else ["Confidence"]
    unknown = [""] * len(measures)
    accepted, unsure = [], []
    reasons: Counter[str] = Counter()
    widths = []
    place = ID if identity else ROW
    lines = text_lines(s3, source.predictions(part))
    for key, answer in read_predictions(lines, rows["ResponseKeys"], rule.problem_type):
        confidence, interval, reason = rule.judge(answer)
        line = [key[place], answer.prediction]
        if interval:
            widths.append(interval[1] - interval[0])
            line += map(repr, interval)
        else:
            line += unknown if confidence is None else (repr(confidence),)
        if reason:
            reasons[reason] += 1
            unsure.append((int(key[ROW]), [*line, reason]))
        else:
            accepted.append(line)
    kept = csv.reader(text_lines(s3, source.skipped(part)))
    next(kept)
    skipped = [(int(key[ROW]), [key[place], "", *unknown, key[_REASON]]) for key in kept]
    reasons.update(line[-1] for _, line in skipped)
    review = [line for _, line in heapq.merge(unsure, skipped)]
    header = [identity or "Row", "Prediction", *measures]
    write_bytes(s3, files.accepted(part), _table(header, accepted))
    write_bytes(s3, files.review(part), _table([*header, "Reason"], review))
    return {
        "Part": part,
        "Rows": len(accepted) + len(review),
        "Accepted": len(accepted),
        "Review": len(review),
        "Reasons": dict(reasons),
        "Widths": {"Rows": len(widths), "Sum": math.fsum(widths)},
    }


def _table(header: Sequence[str], lines: Iterable[Sequence[str]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return file.getvalue().encode()
