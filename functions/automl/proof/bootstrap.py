"""How far metrics would vary with other test rows: percentile bootstrap over rows, be they a few or a million."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap

from automl.objectives import BINARY, REGRESSION
from automl.proof import metrics
from automl.proof.reliability import BINS, bin_numbers, calibration_error
from automl.proof.scored import Floats, Scored

LEVEL = 0.95
_SEED = 7
_RESAMPLES = 1000
_FEWEST_RESAMPLES = 200
"""Of very many rows, whose intervals are narrow anyway."""
_ROWS_IN_ALL = 100_000_000
"""Rows of all resamples together: a few minutes of a function."""
_NO_VARIANCE = 1e-12
"""Of a mean of squares: what floating point leaves when all truths are the same."""
LOG_LOSS_BEFORE, ECE_BEFORE = "LogLossBefore", "ECEBefore"
"""Before calibration."""

Rows = NDArray[np.intp]
Statistic = Callable[[Rows], Floats]


def resample(rows: int, statistic: Statistic) -> Floats:
    """Values of the statistic for random selections of rows; one line per value, one column per selection.

    Args:
        rows: at least two.
        statistic: values for numbers of rows, NaN where not defined.
    """
    count = max(_FEWEST_RESAMPLES, min(_RESAMPLES, _ROWS_IN_ALL // rows))
    result = bootstrap(
        (np.arange(rows),),
        statistic,
        n_resamples=count,
        batch=1,
        vectorized=False,
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(_SEED),
    )
    distribution: Floats = np.atleast_2d(result.bootstrap_distribution)
    return distribution


def bounds(distribution: Floats) -> tuple[float, float] | tuple[None, None]:
    """The interval of one statistic; without one when most selections of rows leave it undefined."""
    defined = distribution[np.isfinite(distribution)]
    if len(defined) < len(distribution) / 2:
        return None, None
    lower, upper = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(lower), float(upper)


def estimates(values: dict[str, float], statistic: "Statistics", rows: int) -> dict[str, dict[str, Any]]:
    """Value, interval and rows of each metric.

    Args:
        values: the metrics of all rows.
        statistic: of the same rows.
        rows: how many they are.
    """
    ends: dict[str, tuple[float | None, float | None]] = {}
    if rows > 1:
        ends = {
            name: bounds(distribution)
            for name, distribution in zip(statistic.names, resample(rows, statistic), strict=True)
        }
    return {name: _estimate(name, value, ends.get(name, (None, None)), rows) for name, value in values.items()}


def _estimate(name: str, value: float, ends: tuple[float | None, float | None], rows: int) -> dict[str, Any]:
    lower, upper = ends
    if name in {"ECE", ECE_BEFORE} and lower is not None and upper is not None:
        # An ECE is the larger the fewer the rows in a bin, and resamples repeat rows: their values are mirrored at the
        # estimate ("basic" bootstrap), which takes this out again.
        lower, upper = max(0.0, min(value, 2 * value - upper)), max(value, 2 * value - lower)
    return {"Value": value, "Lower": lower, "Upper": upper, "Rows": rows}


class Statistics:
    """Metrics of selections of rows, as one vector in the order of ``names``; NaN where not defined.

    scikit-learn needs 30 ms for what is asked a thousand times here, so this adds up columns that are prepared once.
    For all rows it gives what :func:`automl.proof.metrics.values_of` gives, which a test proves.
    """

    def __init__(self, scored: Scored, names: list[str]) -> None:
        self.names = names
        self._rows = len(scored)
        parts = _regression_parts(scored) if scored.problem_type == REGRESSION else _classification_parts(scored)
        self._parts = [part() for part_names, part in parts if not part_names.isdisjoint(names)]

    def __call__(self, rows: Rows) -> Floats:
        weights = np.bincount(rows, minlength=self._rows).astype(float)
        values: dict[str, float] = {}
        for part in self._parts:
            values.update(part(weights))
        return np.array([values.get(name, np.nan) for name in self.names])


Part = Callable[[Floats], dict[str, float]]
"""Metrics of rows that are drawn as often as their weight says."""
Parts = list[tuple[set[str], Callable[[], Part]]]
"""Names of metrics, and what prepares their computation."""


def _regression_parts(scored: Scored) -> Parts:
    return [
        ({"RMSE", "MSE", "MAE", "R2"}, lambda: _errors(scored.truths, scored.predictions)),
        ({"Coverage"}, lambda: _coverage(scored)),
    ]


def _errors(truths: Floats, predictions: Floats) -> Part:
    distances = predictions - truths
    columns = np.stack([distances**2, np.abs(distances), truths - truths.mean(), (truths - truths.mean()) ** 2])

    def part(weights: Floats) -> dict[str, float]:
        squared, absolute, mean, square = (columns @ weights / weights.sum()).tolist()
        values = {"RMSE": squared**0.5, "MSE": squared, "MAE": absolute}
        variance = square - mean * mean  # a power of a large float raises instead of being infinite
        return {**values, "R2": 1 - squared / variance} if variance > _NO_VARIANCE * square else values

    return part


def _coverage(scored: Scored) -> Part:
    has_interval = np.isfinite(scored.lower)
    inside = has_interval & (scored.lower <= scored.truths) & (scored.truths <= scored.upper)

    def part(weights: Floats) -> dict[str, float]:
        rows = weights[has_interval].sum()
        return {"Coverage": float(weights[inside].sum() / rows)} if rows else {}

    return part


def _classification_parts(scored: Scored) -> Parts:
    labelled = {"Accuracy", "BalancedAccuracy", "Precision", "Recall", "F1", "PrecisionMacro", "RecallMacro", "F1macro"}
    return [
        (labelled, lambda: _labels(scored)),
        ({"LogLoss"}, lambda: _log_loss("LogLoss", scored.truth_probability)),
        ({LOG_LOSS_BEFORE}, lambda: _log_loss(LOG_LOSS_BEFORE, scored.raw_truth_probability)),
        ({"ECE"}, lambda: _calibration_error("ECE", scored.confidence, scored.correct)),
        ({ECE_BEFORE}, lambda: _calibration_error(ECE_BEFORE, scored.raw_confidence, scored.correct)),
        ({"AUC"}, lambda: _auc(scored)),
    ]


def _labels(scored: Scored) -> Part:
    width = len(scored.labels)
    truths, predictions, right = scored.truths.astype(int), scored.predictions.astype(int), scored.correct
    number = metrics.positive(scored)

    def part(weights: Floats) -> dict[str, float]:
        true = np.bincount(truths, weights, minlength=width)
        said = np.bincount(predictions, weights, minlength=width)
        hits = np.bincount(truths[right], weights[right], minlength=width)
        precision, recall, f1 = (
            np.divide(numerator, below, out=np.zeros(width), where=below > 0)
            for numerator, below in ((hits, said), (hits, true), (2 * hits, true + said))
        )
        values: dict[str, float] = {"Accuracy": hits.sum() / true.sum()}
        if (true > 0).sum() > 1:
            values["BalancedAccuracy"] = recall[true > 0].mean()
        if scored.problem_type == BINARY:
            for name, column, defined in (
                ("Precision", precision, said[number]),
                ("Recall", recall, true[number]),
                ("F1", f1, true[number] + said[number]),
            ):
                if defined:
                    values[name] = column[number]
            return values
        seen = (true > 0) | (said > 0)
        for name, column in (("PrecisionMacro", precision), ("RecallMacro", recall), ("F1macro", f1)):
            values[name] = column[seen].mean()
        return values

    return part


def _log_loss(name: str, truth_probability: Floats) -> Part:
    losses = -np.log(np.clip(truth_probability, np.finfo(float).eps, 1))
    return lambda weights: {name: float(weights @ losses / weights.sum())}


def _calibration_error(name: str, confidence: Floats, correct: NDArray[np.bool_]) -> Part:
    numbers = bin_numbers(confidence)

    def part(weights: Floats) -> dict[str, float]:
        rows, sure, right = (
            np.bincount(numbers, weights * column, minlength=BINS) for column in (1.0, confidence, correct)
        )
        return {name: calibration_error(rows, sure, right)}

    return part


def _auc(scored: Scored) -> Part:
    """Mann and Whitney's statistic: how often a positive row is ranked above a negative one; a tie counts half."""
    is_true = scored.truths == metrics.positive(scored)
    ranks = np.unique(scored.positive, return_inverse=True)[1]

    def part(weights: Floats) -> dict[str, float]:
        positives, negatives = np.bincount(ranks, weights * is_true), np.bincount(ranks, weights * ~is_true)
        pairs = positives.sum() * negatives.sum()
        below = np.cumsum(negatives) - negatives / 2
        return {"AUC": float(positives @ below / pairs)} if pairs else {}

    return part
