"""Whether a prediction is accepted, and if not, why: one rule for Filter Predictions, measuring and evaluating."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from automl.objectives import REGRESSION
from automl.scoring.answers import Answer
from automl.scoring.calibration_map import CalibrationMap

LOW_CONFIDENCE = "LowConfidence"
TARGET_NOT_PROMISED = "TargetNotPromised"
WIDE_INTERVAL = "WideInterval"
NO_INTERVAL = "NoInterval"
NOT_PREDICTED = "NotPredicted"


class Decision(NamedTuple):
    """What is known of a prediction. ``reason`` is why a person should look at it, empty when it is accepted."""

    confidence: float | None
    interval: tuple[float, float] | None
    reason: str


def decide(answer: Answer, calibration: CalibrationMap, confidence: Mapping[str, Any], problem_type: str) -> Decision:
    """Judge one answer.

    Args:
        answer: of the endpoint.
        calibration: of the endpoint's model.
        confidence: the decision of calibration.json or of ``$.Rows``: ``{}``, ``{"Threshold"}`` (None: no threshold
            can keep the promise), ``{"MaxIntervalWidth": {"Absolute" | "Relative"}}``; other keys do not matter here.
        problem_type: of the model.
    """
    if not answer.predicted:
        return Decision(None, None, NOT_PREDICTED)
    if problem_type == REGRESSION:
        prediction = float(answer.prediction)
        interval = calibration.interval(prediction)
        return Decision(None, interval, _of_interval(prediction, interval, confidence.get("MaxIntervalWidth")))
    sure = calibration.confidence(answer)
    return Decision(sure, None, _of_confidence(sure, confidence))


def _of_confidence(sure: float | None, confidence: Mapping[str, Any]) -> str:
    if "Threshold" not in confidence:
        return ""
    if confidence["Threshold"] is None:
        return TARGET_NOT_PROMISED
    return "" if (sure or 0.0) >= confidence["Threshold"] else LOW_CONFIDENCE


def _of_interval(prediction: float, interval: tuple[float, float] | None, widest: Mapping[str, float] | None) -> str:
    if widest is None:
        return ""
    if interval is None:
        return NO_INTERVAL
    limit = widest["Absolute"] if "Absolute" in widest else widest["Relative"] * abs(prediction)
    return "" if interval[1] - interval[0] <= limit else WIDE_INTERVAL
