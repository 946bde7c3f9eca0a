"""Applies calibration.json to one answer: calibrated probabilities, the confidence of a prediction, its interval.

Plain Python, so that a function applies with the data layer what another fitted with scikit-learn. Fitting and
evaluating go through this module too: a threshold that holds for one holds for the other, to the last bit.
"""

import bisect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Self

from automl.errors import PredictionMismatch
from automl.scoring.answers import Answer

NONE, TEMPERATURE, SIGMOID, ISOTONIC, SPLIT_CONFORMAL = "None", "Temperature", "Sigmoid", "Isotonic", "SplitConformal"
SMALLEST_PROBABILITY = 1e-6
"""Models answer 0 and 1, whose log odds are infinite."""

Probabilities = tuple[float, ...]


@dataclass(frozen=True)
class Region:
    """Predictions from ``lowest`` (included, None is without end) up to the next region's."""

    lowest: float | None
    half_width: float | None


@dataclass(frozen=True)
class CalibrationMap:
    """What Calibrate Model learned; the identity when it learned nothing."""

    labels: tuple[str, ...]
    regions: tuple[Region, ...]
    _calibrate: Callable[[Probabilities], Probabilities] | None

    @classmethod
    def from_document(cls, document: Mapping[str, Any] | None) -> Self:
        """Read calibration.json; None is a model that has none."""
        if document is None:
            return cls((), (), None)
        regions = document.get("Intervals", {}).get("Regions", [])
        return cls(
            tuple(document.get("Labels", [])),
            tuple(Region(region["From"], region["HalfWidth"]) for region in regions),
            _calibrator(document["Method"], document.get("Parameters", {})),
        )

    def probabilities(self, answer: Answer) -> Probabilities:
        """Calibrated probabilities in the order of the answer's labels; empty when the model gives none.

        Raises:
            PredictionMismatch: the answer is of another model than the calibration.
        """
        if self._calibrate is None or not answer.probabilities:
            return answer.probabilities
        if answer.labels != self.labels:
            raise PredictionMismatch(
                f"The calibration is of a model with the labels {', '.join(self.labels)}, but the endpoint answers "
                f"{', '.join(answer.labels)}; run the calibration of this model"
            )
        return self._calibrate(answer.probabilities)

    def confidence(self, answer: Answer) -> float | None:
        """The calibrated probability of the model's own prediction, its largest raw one; None without any."""
        if not answer.probabilities:
            return None
        if self._calibrate is None:
            return max(answer.probabilities)
        return self.probabilities(answer)[answer.probabilities.index(max(answer.probabilities))]

    def interval(self, prediction: float) -> tuple[float, float] | None:
        """Lower and upper bound of a regression's prediction; None when its region had too few rows to say."""
        if not self.regions:
            return None
        half_width = self.regions[max(0, bisect.bisect_right(self._starts, prediction) - 1)].half_width
        return None if half_width is None else (prediction - half_width, prediction + half_width)

    @cached_property
    def _starts(self) -> list[float]:
        return [-math.inf if region.lowest is None else region.lowest for region in self.regions]


def _calibrator(method: str, parameters: Mapping[str, Any]) -> Callable[[Probabilities], Probabilities] | None:
    if method == TEMPERATURE:
        return partial(at_temperature, temperature=parameters["Temperature"])
    if method == SIGMOID:
        lines = zip(parameters["Slopes"], parameters["Intercepts"], strict=True)
        return partial(_each, maps=[partial(_sigmoid, slope=slope, intercept=start) for slope, start in lines])
    if method == ISOTONIC:
        curves = parameters["Curves"]
        return partial(_each, maps=[partial(_interpolate, xs=curve["Raw"], ys=curve["Calibrated"]) for curve in curves])
    return None


def at_temperature(probabilities: Probabilities, temperature: float) -> Probabilities:
    """Softmax of the log probabilities divided by the temperature (Guo et al. 2017, section 4.2)."""
    largest = max(probabilities)
    return _normalised([(max(p, SMALLEST_PROBABILITY) / largest) ** (1 / temperature) for p in probabilities])


def log_odds(probability: float) -> float:
    """Of a probability kept away from 0 and 1."""
    p = min(max(probability, SMALLEST_PROBABILITY), 1 - SMALLEST_PROBABILITY)
    return math.log(p / (1 - p))


def _each(probabilities: Probabilities, maps: Sequence[Callable[[float], float]]) -> Probabilities:
    """One map per label; a single map is of the second of two labels, and the first takes the rest."""
    if len(maps) == 1:
        second = maps[0](probabilities[1])
        return 1 - second, second
    return _normalised([apply(p) for apply, p in zip(maps, probabilities, strict=True)])


def _sigmoid(p: float, slope: float, intercept: float) -> float:
    value = slope * log_odds(p) + intercept
    return 1 / (1 + math.exp(-value)) if value >= 0 else 1 - 1 / (1 + math.exp(value))


def _interpolate(p: float, xs: Sequence[float], ys: Sequence[float]) -> float:
    right = bisect.bisect_right(xs, p)
    if right == 0:
        return ys[0]
    if right == len(xs):
        return ys[-1]
    left = right - 1
    return ys[left] + (ys[right] - ys[left]) * (p - xs[left]) / (xs[right] - xs[left])


def _normalised(values: Sequence[float]) -> Probabilities:
    total = sum(values)
    return tuple(value / total for value in values)
