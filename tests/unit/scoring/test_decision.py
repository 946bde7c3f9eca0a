"""What is accepted, and the reason why not."""

from typing import Any

import pytest

from automl.scoring.answers import NOT_PREDICTED, Answer
from automl.scoring.calibration_map import CalibrationMap
from automl.scoring.decision import decide

BINARY, REGRESSION = "BinaryClassification", "Regression"
AT_HALF = Answer("yes", ("no", "yes"), (0.5, 0.5))
SURE = Answer("yes", ("no", "yes"), (0.1, 0.9))
REGIONS = [
    {"From": None, "To": 10.0, "Rows": 99, "HalfWidth": 1.0},
    {"From": 10.0, "To": None, "Rows": 3, "HalfWidth": None},
]
CONFORMAL = CalibrationMap.from_document({"Method": "SplitConformal", "Intervals": {"Level": 0.9, "Regions": REGIONS}})
RAW = CalibrationMap.from_document(None)


@pytest.mark.parametrize(
    ("answer", "confidence", "reason"),
    [
        (AT_HALF, {}, ""),
        (SURE, {"Threshold": 0.9}, ""),
        (AT_HALF, {"Threshold": 0.9}, "LowConfidence"),
        (Answer("yes"), {"Threshold": 0.9}, "LowConfidence"),
        (SURE, {"Threshold": None, "TargetPrecision": 0.99, "Certainty": 0.9}, "TargetNotPromised"),
    ],
)
def test_classifications(answer: Answer, confidence: dict[str, Any], reason: str) -> None:
    assert decide(answer, RAW, confidence, BINARY).reason == reason


@pytest.mark.parametrize(
    ("prediction", "confidence", "reason"),
    [
        ("5", {"Level": 0.9}, ""),
        ("5", {"Level": 0.9, "MaxIntervalWidth": {"Absolute": 2}}, ""),
        ("5", {"Level": 0.9, "MaxIntervalWidth": {"Absolute": 1.9}}, "WideInterval"),
        ("-5", {"Level": 0.9, "MaxIntervalWidth": {"Relative": 0.4}}, ""),
        ("4.9", {"Level": 0.9, "MaxIntervalWidth": {"Relative": 0.4}}, "WideInterval"),
        ("0", {"Level": 0.9, "MaxIntervalWidth": {"Relative": 100}}, "WideInterval"),
        ("11", {"Level": 0.9, "MaxIntervalWidth": {"Absolute": 2}}, "NoInterval"),
        ("11", {"Level": 0.9}, ""),
    ],
)
def test_regressions(prediction: str, confidence: dict[str, Any], reason: str) -> None:
    assert decide(Answer(prediction), CONFORMAL, confidence, REGRESSION).reason == reason


@pytest.mark.parametrize("problem_type", [BINARY, REGRESSION])
@pytest.mark.parametrize("confidence", [{}, {"Threshold": 0.0}, {"Level": 0.9}])
def test_a_row_without_answer_is_never_accepted(problem_type: str, confidence: dict[str, Any]) -> None:
    assert decide(NOT_PREDICTED, RAW, confidence, problem_type) == (None, None, "NotPredicted")


def test_confidence_and_interval_are_told_with_the_decision() -> None:
    temperature = {"Method": "Temperature", "Labels": ["no", "yes"], "Parameters": {"Temperature": 2.0}}
    cooled = decide(SURE, CalibrationMap.from_document(temperature), {"Threshold": 0.9}, BINARY)

    assert cooled.confidence == pytest.approx(0.75)
    assert cooled.reason == "LowConfidence"
    assert decide(Answer("5"), CONFORMAL, {}, REGRESSION).interval == (4, 6)
