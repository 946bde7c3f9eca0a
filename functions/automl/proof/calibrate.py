"""Calibrate Model: what the calibration rows teach about a model's confidence, as calibration.json."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from automl.confidence_request import DEFAULT_LEVEL
from automl.objectives import REGRESSION
from automl.proof.calibration import FEWEST_ROWS, Calibration, Sample, fit, uncalibrated
from automl.proof.conformal import fewest_rows, intervals
from automl.proof.labels import Labels
from automl.proof.scored import Record, read_records
from automl.proof.thresholds import Judged, choose
from automl.run_files import RunFiles, ScoringFiles
from automl.scoring.answers import Answer, finite
from automl.scoring.calibration_map import NONE, SIGMOID, SPLIT_CONFORMAL, TEMPERATURE, CalibrationMap
from automl.storage import exists, read_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FIRST_SHARE = 0.25
"""Of the calibration rows, for fitting the calibration when a precision is to be promised; the others test it."""
_SEED = 11
_MOST_PROBABILITIES = 1_000_000
"""Of all rows and labels together: fitting takes up to 200 bytes for each, a function has 2 GB, and beyond 500,000 rows
of two labels no promise becomes better. More rows are sampled."""

Known = tuple[str, Answer]
"""The truth's text and the answer."""


def calibrate(s3: "S3Client", model_uri: str, confidence: Mapping[str, Any]) -> dict[str, Any]:
    """calibration.json of a run's model.

    Args:
        s3: client.
        model_uri: the run's folder. Its calibration rows need not have been scored; then nothing is calibrated.
        confidence: what is asked: ``{}``, ``{"Threshold"}``, ``{"TargetPrecision", "Certainty"}``, or of a regression
            ``{"Level", "MaxIntervalWidth"?}``.
    """
    run = RunFiles(model_uri)
    rows_uri = ScoringFiles(run.proof_of("calibration")).rows
    head = {"Model": model_uri.rstrip("/").rpartition("/")[2]}
    if not exists(s3, rows_uri):
        problem_type = read_json(s3, run.model)["ProblemType"]
        return {**head, **calibration_of([], problem_type, confidence)}
    rows = read_json(s3, rows_uri)
    return {**head, **calibration_of(_sample(read_records(s3, rows), rows["Rows"]), rows["ProblemType"], confidence)}


def _sample(records: Iterable[Record], rows: int) -> list[Known]:
    """The rows whose truth is given; of very many a random part that fits into memory."""
    draw = np.random.default_rng(_SEED)
    return [
        (key["Truth"], answer)
        for key, answer in records
        if key["Truth"] and draw.random() * rows * max(1, len(answer.probabilities)) < _MOST_PROBABILITIES
    ]


def calibration_of(records: list[Known], problem_type: str, confidence: Mapping[str, Any]) -> dict[str, Any]:
    """calibration.json without its ``Model``, from truths, each given, and answers."""
    if problem_type == REGRESSION:
        return {"ProblemType": problem_type, **_regression(records, confidence)}
    return {"ProblemType": problem_type, "Rows": len(records), **_classification(records, confidence)}


def _regression(records: list[Known], confidence: Mapping[str, Any]) -> dict[str, Any]:
    level = confidence.get("Level", DEFAULT_LEVEL)
    pairs = [(float(answer.prediction), truth) for text, answer in records if (truth := finite(text)) is not None]
    predictions, truths = np.array(pairs, dtype=float).reshape(-1, 2).T
    decision = {**confidence, "Level": level}
    fewest = fewest_rows(level)
    if len(pairs) < fewest:
        reason = f"{len(pairs)} calibration rows are fewer than the {fewest} that intervals of level {level:g} need"
        remedy = "Raise Transform.Calibration, give more data, or ask for a lower Level"
        decision["Note"] = f"No prediction has an interval: {reason}. {remedy}"
        method, fitted = NONE, 0
    else:
        method, fitted = SPLIT_CONFORMAL, len(pairs)
        reason = "the distances between predictions and truths of the calibration rows, by region of the prediction"
    return {
        "Rows": len(pairs),
        "Method": method,
        "MethodReason": reason,
        "FittedRows": fitted,
        "Intervals": intervals(predictions, truths, level),
        "Confidence": decision,
    }


def _classification(records: list[Known], confidence: Mapping[str, Any]) -> dict[str, Any]:
    if "TargetPrecision" not in confidence:
        return {**_fit(records).document(), "Confidence": dict(confidence)}
    fitted, tested = _learned(records)
    calibration = CalibrationMap.from_document(fitted.document())
    target, certainty = confidence["TargetPrecision"], confidence["Certainty"]
    if not all(answer.probabilities for _, answer in records):
        note = "The model answers without probabilities, so no precision can be promised; deploy a model that has them"
        nothing = {"Precision": None, "LowerBound": None, "Coverage": 0.0, "Rows": 0, "Note": note}
        return {**fitted.document(), "Confidence": {"Threshold": None, **confidence, **nothing}}
    others = len(records) - len(tested)
    promise = choose(_judged(tested, calibration), target, certainty, fitted=others)
    thresholds = {"Rows": len(tested), "Table": promise.table}
    return {**fitted.document(), "Thresholds": thresholds, "Confidence": promise.decision}


def _learned(records: list[Known]) -> tuple[Calibration, list[Known]]:
    """The calibration, and the rows on which thresholds of its confidence may be tested.

    What is learned and what it is tested on must be different rows, else the promise is none. But a test only looks at
    the order of its rows by confidence, and one temperature keeps the order of two labels' confidences: so long as a
    part of the rows could afford nothing else, all of them do both.
    """
    split = math.ceil(len(records) * FIRST_SHARE)
    labels = records[0][1].labels if records else ()
    if len(labels) == 2 and split < FEWEST_ROWS[SIGMOID]:
        return _fit(records, [TEMPERATURE]), records
    if split < FEWEST_ROWS[TEMPERATURE]:
        least = math.floor((FEWEST_ROWS[TEMPERATURE] - 1) / FIRST_SHARE) + 1
        reason = f"all {len(records)} calibration rows look for a threshold; with {least} some could calibrate too"
        return uncalibrated(reason, labels), records
    order = np.random.default_rng(_SEED).permutation(len(records))
    first, second = ([records[row] for row in some] for some in (order[:split], order[split:]))
    return _fit(first), second


def _fit(records: list[Known], methods: Sequence[str] = tuple(FEWEST_ROWS)) -> Calibration:
    if not records:
        return uncalibrated("there are no calibration rows whose truth is known")
    answers = [answer for _, answer in records]
    labels = answers[0].labels
    if not labels or not all(answer.probabilities and answer.labels == labels for answer in answers):
        return uncalibrated("the model answers without the probability of each label", labels)
    if len(labels) < 2:
        return uncalibrated("the model knows one label only", labels)
    spelled = Labels(labels)
    truths = np.array([spelled.find(truth) for truth, _ in records])
    probabilities = np.array([answer.probabilities for answer in answers])
    return fit(Sample(labels, probabilities, truths).take(truths < len(labels)), methods)


def _judged(records: list[Known], calibration: CalibrationMap) -> Judged:
    confidence = [calibration.confidence(answer) or 0.0 for _, answer in records]
    return Judged(np.array(confidence, dtype=float), _correct(records))


def _correct(records: list[Known]) -> NDArray[np.bool_]:
    spelled: dict[tuple[str, ...], Labels] = {}
    return np.array([_is_correct(truth, answer, spelled) for truth, answer in records], dtype=bool)


def _is_correct(truth: str, answer: Answer, spelled: dict[tuple[str, ...], Labels]) -> bool:
    labels = spelled.get(answer.labels)
    if labels is None:
        labels = spelled[answer.labels] = Labels(answer.labels)
    return labels.find(truth) == labels.find(answer.prediction)
