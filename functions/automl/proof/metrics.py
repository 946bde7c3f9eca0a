"""How good predictions are where the truth is known. Names are those of the AutoML API's metrics.

Every estimator is scikit-learn's. A metric that is not defined for the rows is left out, with the reason. Log loss is
that of calibrated probabilities; AUC that of raw ones, as calibration does not make a ranking better.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sklearn_metrics

from automl.objectives import BINARY, REGRESSION
from automl.proof.scored import Floats, Sample, Scored, collect, read_records
from automl.scoring.predictions import read_rule

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Metrics = dict[str, float]
Reasons = dict[str, str]

MOST_ROWS = 1_000_000
"""Rows that are measured."""
_SAME_LABEL = "the truth is the same label in all rows"


def measure(s3: "S3Client", rows: Mapping[str, Any]) -> dict[str, Any]:
    """Metrics of the rows of a scoring whose truth is known, and of those among them that were accepted.

    Of more than a million rows a sample of a million is measured: a share of these is off by 0.0005 (one standard
    error) at most, and the function's memory is bounded.

    Args:
        s3: client.
        rows: what Prepare Rows returned.

    Returns:
        ``{"All": {"Rows", "Metrics", "Omitted"?, "Sampled"?}, "Accepted": {…}}``; Omitted gives each missing metric's
        reason, Sampled the ``Rows`` that were taken ``Of`` those whose truth is given.
    """
    rule = read_rule(s3, rows)
    sample = Sample(MOST_ROWS, rows["Sent"])
    records = read_records(s3, rows, sample.takes)
    scored = collect(records, rows["ProblemType"], rule.calibration, rule.confidence)
    document = report(scored)
    if rows["Sent"] > MOST_ROWS:
        document["All"]["Sampled"] = {"Rows": len(scored), "Of": sample.given}
    return document


def report(scored: Scored) -> dict[str, Any]:
    """See :func:`measure`."""
    return {"All": _report(scored), "Accepted": _report(scored.take(scored.accepted))}


def _report(scored: Scored) -> dict[str, Any]:
    values, omitted = values_of(scored)
    document: dict[str, Any] = {"Rows": len(scored), "Metrics": values}
    return {**document, "Omitted": omitted} if omitted else document


def values_of(scored: Scored) -> tuple[Metrics, Reasons]:
    """Every metric of the rows' problem type, and why one is missing; nothing of no rows."""
    if not len(scored):
        return {}, {}
    if scored.problem_type == REGRESSION:
        return regression(scored.truths, scored.predictions)
    values, omitted = _of_labels(scored)
    _of_probabilities(scored, values, omitted)
    return values, omitted


def regression(truths: Floats, predictions: Floats) -> tuple[Metrics, Reasons]:
    """RMSE, MSE, MAE and R2 of at least one row; RMSE and MAE in the target's unit."""
    values = {
        "RMSE": float(sklearn_metrics.root_mean_squared_error(truths, predictions)),
        "MSE": float(sklearn_metrics.mean_squared_error(truths, predictions)),
        "MAE": float(sklearn_metrics.mean_absolute_error(truths, predictions)),
    }
    if np.ptp(truths) == 0:
        omitted: Reasons = {"R2": "the truth is the same in all rows"}
    else:
        omitted, values["R2"] = {}, float(sklearn_metrics.r2_score(truths, predictions))
    infinite = [name for name, value in values.items() if not np.isfinite(value)]
    omitted |= dict.fromkeys(infinite, "the numbers are too large to be squared")
    return {name: value for name, value in values.items() if name not in infinite}, omitted


def _of_labels(scored: Scored) -> tuple[Metrics, Reasons]:
    """Metrics that depend on truth and predicted label only; of a binary problem of the positive label."""
    truths, predictions = scored.truths.astype(int), scored.predictions.astype(int)
    present = np.unique(truths)
    values: Metrics = {"Accuracy": float(sklearn_metrics.accuracy_score(truths, predictions))}
    omitted: Reasons = {}
    if present.size > 1:
        recalls = sklearn_metrics.recall_score(truths, predictions, labels=present, average=None)
        values["BalancedAccuracy"] = float(np.mean(recalls))
    else:
        omitted["BalancedAccuracy"] = _SAME_LABEL
    if scored.problem_type == BINARY:
        _binary(truths, predictions, scored, values, omitted)
    else:
        for name, score in _MACRO.items():
            values[name] = float(score(truths, predictions, average="macro", zero_division=0))
    return values, omitted


_MACRO: dict[str, Callable[..., float]] = {
    "F1macro": sklearn_metrics.f1_score,
    "PrecisionMacro": sklearn_metrics.precision_score,
    "RecallMacro": sklearn_metrics.recall_score,
}


def positive(scored: Scored) -> int:
    """The number of the positive label, which is the second of the model's in sorted order."""
    return scored.labels.positive_of(scored.model_labels or len(scored.labels))


def _binary(
    truths: NDArray[np.int_],
    predictions: NDArray[np.int_],
    scored: Scored,
    values: Metrics,
    omitted: Reasons,
) -> None:
    number = positive(scored)
    is_true, is_predicted = truths == number, predictions == number
    name = scored.labels.names[number]
    for metric, score, defined, reason in (
        ("Precision", sklearn_metrics.precision_score, is_predicted.any(), f"{name!r} is predicted for no row"),
        ("Recall", sklearn_metrics.recall_score, is_true.any(), f"{name!r} is the truth of no row"),
        ("F1", sklearn_metrics.f1_score, (is_true | is_predicted).any(), f"{name!r} is in no row"),
    ):
        if defined:
            values[metric] = float(score(is_true, is_predicted, zero_division=0))
        else:
            omitted[metric] = reason


def _of_probabilities(scored: Scored, values: Metrics, omitted: Reasons) -> None:
    wanted = ["LogLoss", "AUC"] if scored.problem_type == BINARY else ["LogLoss"]
    if why := without_probabilities(scored):
        omitted.update(dict.fromkeys(wanted, why))
        return
    values["LogLoss"] = log_loss(scored.truth_probability)
    if scored.problem_type != BINARY:
        return
    is_true = scored.truths == positive(scored)
    if is_true.all() or not is_true.any():
        omitted["AUC"] = _SAME_LABEL
    else:
        values["AUC"] = float(sklearn_metrics.roc_auc_score(is_true, scored.positive))


def without_probabilities(scored: Scored) -> str:
    """Why probabilities cannot be judged; empty when they can."""
    if np.isnan(scored.raw_confidence).any() or not scored.model_labels:
        return "the model answers without probabilities"
    unknown = np.isnan(scored.truth_probability)
    if unknown.any():
        name = scored.labels.names[int(scored.truths[unknown].max())]
        return f"the truth {name!r} is no label of the model"
    return ""


def log_loss(truth_probability: Floats) -> float:
    """Of the probabilities of each row's truth: that of all labels depends on nothing else."""
    both = np.column_stack([1 - truth_probability, truth_probability])
    return float(sklearn_metrics.log_loss(np.ones(len(both)), both, labels=[0, 1]))
