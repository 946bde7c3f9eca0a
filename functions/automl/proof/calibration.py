"""Fits the calibration of a classification's probabilities. Applying it is calibration_map's job.

Which methods are tried at which size, and why, is in docs/decisions/0011-calibration.md.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

from automl.scoring.answers import Answer
from automl.scoring.calibration_map import (
    ISOTONIC,
    NONE,
    SIGMOID,
    SMALLEST_PROBABILITY,
    TEMPERATURE,
    CalibrationMap,
    log_odds,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.int_]
Parameters = dict[str, Any]

FEWEST_ROWS = {TEMPERATURE: 50, SIGMOID: 200, ISOTONIC: 1000}
FOLDS = 5
SEED = 3
_CLEAR_GAIN = 0.5
"""Standard errors of the gain in log loss that it must exceed: less may well be luck."""

_USUAL_LOG_TEMPERATURE = 0.5
"""Standard deviation of a normal prior, so that two of three temperatures are 0.6 to 1.6. 200 rows outweigh it."""


@dataclass(frozen=True)
class Sample:
    """Rows whose truth is known: the model's raw probabilities, one column per label, and the number of the truth."""

    labels: tuple[str, ...]
    probabilities: Floats
    truths: Integers

    def __len__(self) -> int:
        return len(self.truths)

    def take(self, rows: Integers | NDArray[np.bool_]) -> "Sample":
        """Some of the rows."""
        return Sample(self.labels, self.probabilities[rows], self.truths[rows])


@dataclass(frozen=True)
class Calibration:
    """A fitted method; ``reason`` says in words why it is this one."""

    method: str
    reason: str
    rows: int
    labels: tuple[str, ...]
    parameters: Parameters

    def document(self) -> dict[str, Any]:
        """Its keys of calibration.json."""
        return {
            "Method": self.method,
            "MethodReason": self.reason,
            "FittedRows": self.rows,
            "Labels": list(self.labels),
            "Parameters": self.parameters,
        }


def fit(sample: Sample, methods: Sequence[str] = tuple(FEWEST_ROWS)) -> Calibration:
    """The calibration with the lowest cross-validated log loss; None where none clearly lowers it.

    Args:
        sample: rows whose truth is one of the model's labels.
        methods: that may be taken, those with enough rows.
    """
    fewest = min(FEWEST_ROWS.values())
    if len(sample) < fewest:
        return uncalibrated(
            f"{len(sample)} calibration rows are too few to calibrate with; at least {fewest} are needed", sample.labels
        )
    before = losses(sample, CalibrationMap.from_document(None))
    gains = {
        method: before - after
        for method, fewest in FEWEST_ROWS.items()
        if method in methods and len(sample) >= fewest and (after := cross_validated(sample, method)) is not None
    }
    means = {method: float(np.mean(gain)) for method, gain in gains.items()}
    method = max(means, key=lambda name: means[name])
    told = ", ".join(f"{name} {np.mean(before) - mean:.4f}" for name, mean in means.items())
    losses_told = f"cross-validated log loss on {len(sample)} calibration rows: None {np.mean(before):.4f}, {told}"
    luck = float(np.std(gains[method])) / len(sample) ** 0.5
    if means[method] > _CLEAR_GAIN * luck and (parameters := FITS[method](sample)) is not None:
        return Calibration(method, f"lowest {losses_told}", len(sample), sample.labels, parameters)
    return uncalibrated(f"no method clearly lowers the {losses_told}", sample.labels)


def uncalibrated(reason: str, labels: tuple[str, ...] = ()) -> Calibration:
    """Probabilities stay as the model gave them."""
    return Calibration(NONE, reason, 0, labels, {})


def cross_validated(sample: Sample, method: str) -> Floats | None:
    """Each row's log loss after a calibration that was fitted without it; None when a part cannot be fitted."""
    result = np.empty(len(sample))
    for fitted, judged in KFold(FOLDS, shuffle=True, random_state=SEED).split(sample.truths):
        parameters = FITS[method](sample.take(fitted))
        if parameters is None:
            return None
        document = {"Method": method, "Labels": sample.labels, "Parameters": parameters}
        result[judged] = losses(sample.take(judged), CalibrationMap.from_document(document))
    return result


def losses(sample: Sample, calibration: CalibrationMap) -> Floats:
    """The log loss of each row."""
    probabilities = np.array([calibration.probabilities(answer) for answer in _answers(sample)])
    truth = probabilities[np.arange(len(sample)), sample.truths] / probabilities.sum(axis=1)
    result: Floats = -np.log(np.clip(truth, SMALLEST_PROBABILITY, 1))
    return result


def _answers(sample: Sample) -> Iterator[Answer]:
    return (Answer("", sample.labels, tuple(row)) for row in sample.probabilities.tolist())


def _temperature(sample: Sample) -> Parameters | None:
    logs = np.log(np.clip(sample.probabilities, SMALLEST_PROBABILITY, None))
    rows = np.arange(len(sample))

    def loss(log_temperature: float) -> float:
        fit = log_softmax(logs / np.exp(log_temperature), axis=1)[rows, sample.truths]
        # Few rows, all of them right, would else know no limit to how sure a model should be.
        doubt = (log_temperature / _USUAL_LOG_TEMPERATURE) ** 2 / 2
        return float((doubt - fit.sum()) / len(sample))

    return {"Temperature": float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))}


def _sigmoid(sample: Sample) -> Parameters | None:
    lines = []
    for p, is_truth in _one_against_rest(sample):
        if is_truth.all() or not is_truth.any():
            return None
        odds = np.array([[log_odds(value)] for value in p.tolist()])
        line = LogisticRegression().fit(odds, is_truth)
        if line.coef_[0, 0] <= 0:  # would turn the model's ranking round
            return None
        lines.append((float(line.coef_[0, 0]), float(line.intercept_[0])))
    return {"Slopes": [slope for slope, _ in lines], "Intercepts": [start for _, start in lines]}


def _isotonic(sample: Sample) -> Parameters | None:
    # Never 0 or 1: that is more than any number of rows can show (Laplace's rule of succession).
    least = 1 / (len(sample) + 2)
    curves = []
    for p, is_truth in _one_against_rest(sample):
        if is_truth.all() or not is_truth.any():
            return None
        steps = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip").fit(p, is_truth)
        curves.append({"Raw": steps.X_thresholds_.tolist(), "Calibrated": steps.y_thresholds_.tolist()})
    return {"Curves": curves}


def _one_against_rest(sample: Sample) -> Iterator[tuple[Floats, NDArray[np.bool_]]]:
    """Probability and truth of each label; of two labels of the second only, as the first is its complement."""
    numbers = [1] if len(sample.labels) == 2 else range(len(sample.labels))
    for number in numbers:
        yield sample.probabilities[:, number], sample.truths == number


FITS: dict[str, Callable[[Sample], Parameters | None]] = {
    TEMPERATURE: _temperature,
    SIGMOID: _sigmoid,
    ISOTONIC: _isotonic,
}
