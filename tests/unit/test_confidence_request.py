"""The ways to say how sure a prediction must be, and what becomes of them once the problem type is known."""

from typing import Any

import pytest

from automl.confidence_request import for_type, normalise, resolve
from automl.errors import InvalidRequest

LEVEL = {"Level": 0.9}
DEFAULT = {"Threshold": 0.9, "IsDefault": True}


@pytest.mark.parametrize(
    ("asked", "normalised"),
    [
        ({}, {}),
        ({"Threshold": 0.7}, {"Threshold": 0.7}),
        ({"Threshold": 0.7, "IsDefault": False}, {"Threshold": 0.7}),
        (DEFAULT, DEFAULT),
        ({"TargetPrecision": 0.95}, {"TargetPrecision": 0.95, "Certainty": 0.9}),
        ({"TargetPrecision": 0.95, "Certainty": 0.8}, {"TargetPrecision": 0.95, "Certainty": 0.8}),
        ({"MaxIntervalWidth": 3}, {"MaxIntervalWidth": {"Absolute": 3}, "Level": 0.9}),
        (
            {"MaxIntervalWidth": {"Relative": 0.2}, "Level": 0.8},
            {"MaxIntervalWidth": {"Relative": 0.2}, "Level": 0.8},
        ),
        ({"Level": 0.5}, {"Level": 0.5}),
    ],
)
def test_each_kind_has_one_form(asked: dict[str, Any], normalised: dict[str, Any]) -> None:
    assert normalise(asked) == normalised
    assert normalise(normalised) == normalised


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"Threshold": 0.9, "TargetPrecision": 0.9}, "Threshold and TargetPrecision"),
        ({"Threshold": 0.9, "Certainty": 0.9}, "Threshold and Certainty"),
        ({"TargetPrecision": 0.9, "MaxIntervalWidth": 3}, "TargetPrecision and MaxIntervalWidth"),
        ({"Certainty": 0.9}, "add TargetPrecision"),
        ({"MaxIntervalWidth": {}}, "has nothing; give exactly one of Absolute and Relative"),
        ({"MaxIntervalWidth": {"Absolute": 1, "Relative": 1}}, "has Absolute and Relative; give exactly one"),
    ],
)
def test_kinds_that_contradict_each_other_are_refused(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        normalise(asked)


@pytest.mark.parametrize(
    ("confidence", "problem_type", "fitted"),
    [
        ({}, "Regression", LEVEL),
        (DEFAULT, "Regression", LEVEL),
        ({"Level": 0.8}, "Regression", {"Level": 0.8}),
        ({}, "BinaryClassification", {}),
        (DEFAULT, "BinaryClassification", {"Threshold": 0.9}),
        (
            {"TargetPrecision": 0.9, "Certainty": 0.9},
            "MulticlassClassification",
            {"TargetPrecision": 0.9, "Certainty": 0.9},
        ),
    ],
)
def test_the_decided_type_takes_what_fits_it(
    confidence: dict[str, Any], problem_type: str, fitted: dict[str, Any]
) -> None:
    assert for_type(confidence, problem_type) == fitted


@pytest.mark.parametrize(
    ("confidence", "problem_type"),
    [
        ({"Threshold": 0.9}, "Regression"),
        ({"TargetPrecision": 0.9, "Certainty": 0.9}, "Regression"),
        ({"Level": 0.9}, "BinaryClassification"),
        ({"MaxIntervalWidth": {"Absolute": 1}, "Level": 0.9}, "MulticlassClassification"),
    ],
)
def test_what_a_problem_type_does_not_have_is_refused(confidence: dict[str, Any], problem_type: str) -> None:
    with pytest.raises(InvalidRequest, match=f"Confidence.{next(iter(confidence))} .*; give Confidence"):
        for_type(confidence, problem_type)


@pytest.mark.parametrize(
    ("asked", "problem_type", "calibration", "resolved"),
    [
        (None, None, 0.1, DEFAULT),
        (None, "BinaryClassification", 0, DEFAULT),
        (None, "Regression", 0.1, LEVEL),
        (None, "Regression", 0, {}),
        ({}, None, 0.1, {}),
        ({}, "Regression", 0.1, LEVEL),
        ({"Threshold": 0.7}, "BinaryClassification", 0, {"Threshold": 0.7}),
        ({"MaxIntervalWidth": 3}, None, 0.1, {"MaxIntervalWidth": {"Absolute": 3}, "Level": 0.9}),
    ],
)
def test_the_stack_speaks_where_the_request_is_silent(
    asked: dict[str, Any] | None, problem_type: str | None, calibration: float, resolved: dict[str, Any]
) -> None:
    assert resolve(asked, problem_type, 0.9, calibration) == resolved


def test_a_stack_without_a_default_accepts_all() -> None:
    assert resolve(None, "BinaryClassification", None, 0.1) == {}


@pytest.mark.parametrize("asked", [{"TargetPrecision": 0.9}, {"MaxIntervalWidth": 3}, {"Level": 0.8}])
def test_a_promise_needs_calibration_rows(asked: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match=r"Transform.Calibration is 0; raise"):
        resolve(asked, None, 0.9, 0)
