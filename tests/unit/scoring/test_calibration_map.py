"""Calibration as it is applied, worked by hand; it never leaves the range of probabilities."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.errors import PredictionMismatch
from automl.scoring.answers import Answer
from automl.scoring.calibration_map import CalibrationMap

ABC = ("a", "b", "c")


def learned(method: str, labels: tuple[str, ...] = ("no", "yes"), **parameters: Any) -> CalibrationMap:
    return CalibrationMap.from_document({"Method": method, "Labels": list(labels), "Parameters": parameters})


METHODS = [
    learned("Temperature", ABC, Temperature=1.7),
    learned("Sigmoid", ABC, Slopes=[0.5, 1.0, 2.0], Intercepts=[0.0, -1.0, 0.3]),
    learned("Isotonic", ABC, Curves=[{"Raw": [0.1, 0.9], "Calibrated": [0.05, 0.7]}] * 3),
]


def of(p: float) -> Answer:
    return Answer("yes" if p > 0.5 else "no", ("no", "yes"), (1 - p, p))


def test_without_calibration_the_model_is_taken_at_its_word() -> None:
    untouched = CalibrationMap.from_document(None)

    assert untouched.confidence(Answer("a", ABC, (0.7, 0.2, 0.0999))) == 0.7
    assert untouched.confidence(Answer("a")) is None
    assert untouched.interval(3.0) is None


def test_a_temperature_of_two_takes_square_roots() -> None:
    odds = math.sqrt(0.8 / 0.2)

    assert learned("Temperature", Temperature=2.0).probabilities(of(0.8)) == pytest.approx(
        (1 / (1 + odds), odds / (1 + odds))
    )


def test_a_sigmoid_of_two_labels_is_of_the_second() -> None:
    probabilities = learned("Sigmoid", Slopes=[0.5], Intercepts=[math.log(2)]).probabilities(of(0.8))

    assert probabilities == pytest.approx((1 / 5, 4 / 5))  # odds 4 ** 0.5 * 2


def test_an_isotonic_curve_is_a_line_between_its_points_and_level_beyond() -> None:
    curve = learned("Isotonic", Curves=[{"Raw": [0.2, 0.4, 0.8], "Calibrated": [0.1, 0.1, 0.5]}])

    assert [curve.probabilities(of(p))[1] for p in (0.0, 0.3, 0.6, 0.8, 1.0)] == pytest.approx(
        [0.1, 0.1, 0.3, 0.5, 0.5]
    )


def test_the_confidence_is_that_of_the_models_own_prediction() -> None:
    doubted = learned("Isotonic", Curves=[{"Raw": [0.0, 1.0], "Calibrated": [0.0, 0.4]}])

    assert doubted.confidence(of(0.9)) == pytest.approx(0.36)
    assert doubted.confidence(of(0.1)) == pytest.approx(0.96)


def test_the_calibration_of_another_model_is_refused() -> None:
    with pytest.raises(PredictionMismatch, match="labels no, yes, but the endpoint answers yes, no"):
        learned("Temperature", Temperature=2.0).confidence(Answer("no", ("yes", "no"), (0.2, 0.8)))


@pytest.mark.parametrize("method", METHODS)
@given(st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(lambda row: sum(row) > 0.5))
def test_probabilities_stay_probabilities(method: CalibrationMap, row: list[float]) -> None:
    probabilities = method.probabilities(Answer("a", ABC, tuple(row)))

    assert all(0 <= p <= 1 for p in probabilities)
    assert sum(probabilities) == pytest.approx(1)


@given(st.floats(0.05, 20), st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(lambda row: sum(row) > 0.5))
def test_a_temperature_keeps_the_ranking_of_labels(temperature: float, row: list[float]) -> None:
    probabilities = learned("Temperature", ABC, Temperature=temperature).probabilities(Answer("a", ABC, tuple(row)))

    assert max(probabilities) == probabilities[row.index(max(row))]


def test_an_interval_is_that_of_the_predictions_region() -> None:
    regions = [
        {"From": None, "To": 2.0, "Rows": 50, "HalfWidth": 1.0},
        {"From": 2.0, "To": 5.0, "Rows": 50, "HalfWidth": 0.5},
        {"From": 5.0, "To": None, "Rows": 3, "HalfWidth": None},
    ]
    document = {"Method": "SplitConformal", "Intervals": {"Level": 0.9, "Regions": regions}}
    conformal = CalibrationMap.from_document(json.loads(json.dumps(document)))

    assert [conformal.interval(p) for p in (-9.0, 2.0, 4.9, 5.0, 1e9)] == [
        (-10, -8),
        (1.5, 2.5),
        (4.4, 5.4),
        None,
        None,
    ]
