"""Predictions whose truth is known, read from a scoring's files into columns of numbers."""

import math
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from automl.objectives import REGRESSION
from automl.proof.labels import Labels
from automl.run_files import ScoringFiles
from automl.scoring.answers import Answer, finite
from automl.scoring.calibration_map import CalibrationMap
from automl.scoring.decision import decide
from automl.scoring.part_results import finished_parts
from automl.scoring.predictions import ROW, TRUTH, read_predictions
from automl.storage import text_lines

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Floats = NDArray[np.float64]
Record = tuple[Mapping[str, str], Answer]


@dataclass(frozen=True)
class Scored:
    """One element per row; what a row does not have is NaN.

    Truths and predictions of a classification are numbers of ``labels``. ``raw`` is what the model said, ``confidence``
    and ``truth_probability`` are calibrated, ``positive`` is the raw probability of the positive label, because
    calibration does not make a ranking better. A truth that is none of the model's labels has no probability.
    """

    problem_type: str
    labels: Labels
    model_labels: int
    rows: NDArray[np.int64]
    truths: Floats
    predictions: Floats
    raw_confidence: Floats
    confidence: Floats
    raw_truth_probability: Floats
    truth_probability: Floats
    positive: Floats
    lower: Floats
    upper: Floats
    accepted: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def correct(self) -> NDArray[np.bool_]:
        return np.equal(self.truths, self.predictions)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int_]) -> "Scored":
        """Some of the rows, by mask or number."""
        columns = {name: getattr(self, name)[rows] for name in ("rows", *_COLUMNS, "accepted")}
        return Scored(self.problem_type, self.labels, self.model_labels, **columns)


_HASHES = 2**32
_GOLDEN = 2_654_435_769
"""2³² divided by the golden ratio."""
_COLUMNS = (
    "truths",
    "predictions",
    "raw_confidence",
    "confidence",
    "raw_truth_probability",
    "truth_probability",
    "positive",
    "lower",
    "upper",
)


def read_scored(
    s3: "S3Client", rows: Mapping[str, Any], calibration: CalibrationMap, confidence: Mapping[str, Any]
) -> Scored:
    """The rows of a scoring whose truth is known.

    Args:
        s3: client.
        rows: what Prepare Rows returned for it.
        calibration: of the model.
        confidence: says which rows are accepted, see :func:`automl.scoring.decision.decide`.

    Raises:
        PredictionMismatch: an answer cannot be read, or is of another model than the calibration.
    """
    return collect(read_records(s3, rows), rows["ProblemType"], calibration, confidence)


def read_records(
    s3: "S3Client", rows: Mapping[str, Any], wanted: Callable[[Sequence[str]], bool] | None = None
) -> Iterable[Record]:
    """Keys and answers of a scoring, in the order of the dataset; rows without an answer are left out.

    Args:
        s3: client.
        rows: what Prepare Rows returned for it. Only its finished parts are read.
        wanted: whether a record of predictions is wanted; None when all are.
    """
    files = ScoringFiles(rows["PredictionsUri"])
    for part in finished_parts(s3, files):
        lines = text_lines(s3, files.predictions(part))
        for key, answer in read_predictions(lines, rows["ResponseKeys"], rows["ProblemType"], wanted):
            if answer.predicted:
                yield {"Row": key[ROW], "Truth": key[TRUTH]}, answer


class Sample:
    """Of the rows whose truth is given about ``most``: the same ones each time, spread evenly over all rows.

    A row's number alone decides, by multiplicative hashing (Knuth, The Art of Computer Programming 3, section 6.4):
    no pattern in the order of the rows is hit or missed.

    Args:
        most: rows that are wanted.
        rows: there are at most so many.
    """

    def __init__(self, most: int, rows: int) -> None:
        self._below = _HASHES * most // max(most, rows)
        self.given = 0
        """Rows whose truth is given, among those that have been asked for."""

    def takes(self, record: Sequence[str]) -> bool:
        """Whether a record of predictions is in the sample."""
        if not record[TRUTH]:
            return False
        self.given += 1
        return int(record[ROW]) * _GOLDEN % _HASHES < self._below


def collect(
    records: Iterable[Record], problem_type: str, calibration: CalibrationMap, confidence: Mapping[str, Any]
) -> Scored:
    """See :func:`read_scored`; a record is its keys ``Row`` and ``Truth``, empty when not known, and the answer."""
    numbers, accepted = array("q"), array("b")
    columns = {name: array("d") for name in _COLUMNS}
    labels = Labels()
    known: tuple[str, ...] = ()
    positive = 0
    for key, answer in records:
        if problem_type == REGRESSION:
            truth = finite(key["Truth"])
            if truth is None:
                continue
            values = {"truths": truth, "predictions": float(answer.prediction)}
        else:
            if not key["Truth"]:
                continue
            if answer.labels is not known:
                known = answer.labels
                for label in known:
                    labels.add(label)
                positive = labels.positive_of(len(known))
            values = _classified(answer, calibration, labels, labels.find(key["Truth"]), positive)
        decision = decide(answer, calibration, confidence, problem_type)
        if decision.interval is not None:
            values["lower"], values["upper"] = decision.interval
        numbers.append(int(key["Row"]))
        accepted.append(not decision.reason)
        for name in _COLUMNS:
            columns[name].append(values.get(name, math.nan))
    return Scored(
        problem_type,
        labels,
        len(known),
        np.array(numbers, dtype=np.int64),
        **{name: np.array(column, dtype=np.float64) for name, column in columns.items()},
        accepted=np.array(accepted, dtype=bool),
    )


def _classified(
    answer: Answer, calibration: CalibrationMap, labels: Labels, truth: int, positive: int
) -> dict[str, float]:
    values: dict[str, float] = {"truths": truth, "predictions": labels.find(answer.prediction)}
    if not answer.probabilities:
        return values
    calibrated, total = calibration.probabilities(answer), sum(answer.probabilities)
    chosen = answer.probabilities.index(max(answer.probabilities))
    values["raw_confidence"], values["confidence"] = answer.probabilities[chosen], calibrated[chosen]
    if truth < len(answer.labels):
        values["raw_truth_probability"] = answer.probabilities[truth] / total
        values["truth_probability"] = calibrated[truth] / sum(calibrated)
    if len(answer.labels) == 2:
        values["positive"] = answer.probabilities[positive] / total
    return values
