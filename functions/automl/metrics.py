"""Evaluate Model: how good predictions are where the truth is known. Names are those of the AutoML API's metrics.

Every estimator is scikit-learn's. A metric that is not defined for the rows is left out, with the reason.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sklearn_metrics

from automl.answers import Answer
from automl.objectives import BINARY, REGRESSION
from automl.predictions import read_predictions
from automl.run_files import ScoringFiles
from automl.storage import read_bytes

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Metrics = dict[str, float]
Reasons = dict[str, str]


@dataclass
class Judged:
    """Truths and predictions of some rows; for classifications as indices of labels, with their probabilities."""

    truths: list[float] = field(default_factory=list)
    predictions: list[float] = field(default_factory=list)
    probabilities: list[tuple[float, ...]] = field(default_factory=list)

    def add(self, truth: float, prediction: float, probabilities: tuple[float, ...]) -> None:
        """Add one row."""
        self.truths.append(truth)
        self.predictions.append(prediction)
        self.probabilities.append(probabilities)


class Labels:
    """The labels seen, numbered. A truth that is spelled otherwise than the model's label is matched by its value.

    Pandas turns a column of ``true``/``false`` or ``1``/``1.0`` into booleans or numbers, so a model may answer
    ``True`` where the dataset says ``true``.
    """

    def __init__(self) -> None:
        self._index: dict[str, int] = {}
        self._by_value: dict[object, int] = {}

    def __len__(self) -> int:
        return len(self._index)

    @property
    def names(self) -> list[str]:
        """Labels in the order of their numbers."""
        return list(self._index)

    @property
    def positive(self) -> int:
        """The number of the second label in sorted order, which is the positive one of a binary problem."""
        return sorted(range(len(self)), key=lambda number: _order(self.names[number]))[1 if len(self) > 1 else 0]

    def add(self, label: str) -> int:
        """The number of a label as it is spelled, a new one if need be."""
        if label not in self._index:
            self._index[label] = len(self._index)
            self._by_value.setdefault(_value(label), self._index[label])
        return self._index[label]

    def find(self, label: str) -> int:
        """The number of the label that is spelled so, else of one that means the same, else a new one."""
        if label in self._index:
            return self._index[label]
        number = self._by_value.get(_value(label))
        return self.add(label) if number is None else number


def _value(label: str) -> object:
    text = label.strip()
    if text.lower() in {"true", "false"}:
        return text.lower() == "true", "boolean"
    try:
        return float(text)
    except ValueError:
        return text


def _order(label: str) -> tuple[bool, float, str]:
    value = _value(label)
    return (False, value, "") if isinstance(value, float) else (True, 0.0, label)


def evaluate(s3: "S3Client", rows: Mapping[str, Any]) -> dict[str, Any]:
    """Metrics of all rows whose truth is known, and of those among them that were accepted.

    Args:
        s3: client.
        rows: what Prepare Rows returned.

    Returns:
        ``{"All": {"Rows", "Metrics", "Omitted"?}, "Accepted": {…}}``; Omitted gives each missing metric's reason.
    """
    files = ScoringFiles(rows["OutputUri"])
    tables = (read_bytes(s3, files.predictions(part)) for part in rows["Parts"])
    answers = (
        (key["Truth"], answer)
        for table in tables
        for key, answer in read_predictions(table, rows["ResponseKeys"], rows["ProblemType"])
    )
    return judge(answers, rows["ProblemType"], rows["Confidence"].get("Threshold"))


def judge(answers: Iterable[tuple[str, Answer]], problem_type: str, threshold: float | None) -> dict[str, Any]:
    """See :func:`evaluate`; ``answers`` are pairs of a truth's text, empty when it is not known, and an answer."""
    everything, accepted = Judged(), Judged()
    labels = Labels()
    known: tuple[str, ...] = ()
    row: tuple[float, float, tuple[float, ...]]
    for truth, answer in answers:
        if problem_type == REGRESSION:
            if (number := _number(truth)) is None:
                continue
            row = number, float(answer.prediction), ()
        else:
            if not truth:
                continue
            if answer.labels is not known:
                known = answer.labels
                for label in known:
                    labels.add(label)
            row = labels.find(truth), labels.find(answer.prediction), answer.probabilities
        everything.add(*row)
        if answer.is_sure(threshold):
            accepted.add(*row)
    return {name: _report(some, problem_type, labels) for name, some in (("All", everything), ("Accepted", accepted))}


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _report(judged: Judged, problem_type: str, labels: Labels) -> dict[str, Any]:
    values: Metrics = {}
    omitted: Reasons = {}
    if judged.truths:
        if problem_type == REGRESSION:
            values, omitted = regression(np.array(judged.truths), np.array(judged.predictions))
        else:
            values, omitted = classification(judged, labels, binary=problem_type == BINARY)
    report: dict[str, Any] = {"Rows": len(judged.truths), "Metrics": values}
    return {**report, "Omitted": omitted} if omitted else report


def regression(truths: NDArray[np.float64], predictions: NDArray[np.float64]) -> tuple[Metrics, Reasons]:
    """RMSE, MSE, MAE and R2 of at least one row; RMSE and MAE in the target's unit."""
    values = {
        "RMSE": float(sklearn_metrics.root_mean_squared_error(truths, predictions)),
        "MSE": float(sklearn_metrics.mean_squared_error(truths, predictions)),
        "MAE": float(sklearn_metrics.mean_absolute_error(truths, predictions)),
    }
    if np.unique(truths).size < 2:
        return values, {"R2": "the truth is the same in all rows"}
    return {**values, "R2": float(sklearn_metrics.r2_score(truths, predictions))}, {}


def classification(judged: Judged, labels: Labels, *, binary: bool) -> tuple[Metrics, Reasons]:
    """Metrics of label numbers; of a binary problem the positive label is the second in sorted order."""
    truths, predictions = np.array(judged.truths, dtype=int), np.array(judged.predictions, dtype=int)
    present = np.unique(truths)
    values: Metrics = {"Accuracy": float(sklearn_metrics.accuracy_score(truths, predictions))}
    omitted: Reasons = {}
    if present.size > 1:
        recalls = sklearn_metrics.recall_score(truths, predictions, labels=present, average=None)
        values["BalancedAccuracy"] = float(np.mean(recalls))
    else:
        omitted["BalancedAccuracy"] = "the truth is the same label in all rows"
    if binary:
        _binary(truths, predictions, labels, values, omitted)
    else:
        for name, score in _MACRO.items():
            values[name] = float(score(truths, predictions, average="macro", zero_division=0))
    _probabilistic(judged, truths, labels, values, omitted, binary=binary)
    return values, omitted


_MACRO: dict[str, Callable[..., float]] = {
    "F1macro": sklearn_metrics.f1_score,
    "PrecisionMacro": sklearn_metrics.precision_score,
    "RecallMacro": sklearn_metrics.recall_score,
}


def _binary(
    truths: NDArray[np.int_], predictions: NDArray[np.int_], labels: Labels, values: Metrics, omitted: Reasons
) -> None:
    positive = labels.positive
    is_true, is_predicted = truths == positive, predictions == positive
    name = labels.names[positive]
    for metric, score, defined, reason in (
        ("Precision", sklearn_metrics.precision_score, is_predicted.any(), f"{name!r} is predicted for no row"),
        ("Recall", sklearn_metrics.recall_score, is_true.any(), f"{name!r} is the truth of no row"),
        ("F1", sklearn_metrics.f1_score, (is_true | is_predicted).any(), f"{name!r} is in no row"),
    ):
        if defined:
            values[metric] = float(score(is_true, is_predicted, zero_division=0))
        else:
            omitted[metric] = reason


def _probabilistic(
    judged: Judged, truths: NDArray[np.int_], labels: Labels, values: Metrics, omitted: Reasons, *, binary: bool
) -> None:
    wanted = ["LogLoss", "AUC"] if binary else ["LogLoss"]
    width = len(judged.probabilities[0])
    if not width:
        omitted.update(dict.fromkeys(wanted, "the model answers without probabilities"))
        return
    if truths.max() >= width:
        omitted.update(dict.fromkeys(wanted, f"the truth {labels.names[truths.max()]!r} is no label of the model"))
        return
    probabilities = np.array(judged.probabilities)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    values["LogLoss"] = float(sklearn_metrics.log_loss(truths, probabilities, labels=range(width)))
    if not binary:
        return
    if np.unique(truths).size == 2:
        values["AUC"] = float(
            sklearn_metrics.roc_auc_score(truths == labels.positive, probabilities[:, labels.positive])
        )
    else:
        omitted["AUC"] = "the truth is the same label in all rows"
