"""The problem: the documented rule on the target's values, and what contradicts it."""

from collections import Counter
from typing import Any

import pytest

from automl.data.problem import TargetValues, check_usable, confidence, decide
from automl.errors import InvalidDataset, InvalidRequest


def target(values: list[str], kind: str, missing: int = 0) -> TargetValues:
    made = TargetValues("s3://data/rows.csv", "y", kind)
    half = len(values) // 2
    made.add(dict(Counter(values[:half])), 0)
    made.add(dict(Counter(values[half:])), missing)
    return made


def numbers(distinct: int, times: int = 3) -> list[str]:
    return [str(number) for number in range(distinct)] * times


@pytest.mark.parametrize(
    ("made", "problem_type", "objective"),
    [
        (target(["yes", "no"] * 9, "string"), "BinaryClassification", "AUC"),
        (target(["true", "false"] * 9, "boolean"), "BinaryClassification", "AUC"),
        (target(["a", "b", "c"] * 9, "string"), "MulticlassClassification", "Accuracy"),
        (target(["0", "1"] * 9, "integer"), "BinaryClassification", "AUC"),
        (target(["0", "1", "1.0", "0.0"] * 9, "number"), "BinaryClassification", "AUC"),
        (target(["1.5", "2.5"] * 9, "number"), "BinaryClassification", "AUC"),
        (target(numbers(20), "integer"), "MulticlassClassification", "Accuracy"),
        (target(["1.0", "2.0", "3.0"] * 9, "number"), "MulticlassClassification", "Accuracy"),
        (target(numbers(21), "integer"), "Regression", "RMSE"),
        (target(["1.5", "2", "3"] * 9, "number"), "Regression", "RMSE"),
        (target(numbers(5000), "integer"), "Regression", "RMSE"),
        (target([str(2**60 + number) for number in range(21)] * 3, "integer"), "Regression", "RMSE"),
        (target([f"t{number}" for number in range(1000)] * 3, "string"), "MulticlassClassification", "Accuracy"),
    ],
)
def test_the_rule(made: TargetValues, problem_type: str, objective: str) -> None:
    problem = decide(made)

    assert (problem.type, problem.objective) == (problem_type, objective)
    assert problem.decided.startswith(f"{problem_type}, because 'y' has ")
    assert problem.decided.endswith(f"objective {objective}, the default")


def test_what_the_request_says_is_told() -> None:
    problem = decide(target(numbers(10), "integer"), "Regression", "MAE")

    assert problem.decided == "Regression, as the request says; objective MAE, as the request says"


def test_a_default_is_no_wish_of_the_request() -> None:
    problem = decide(target(numbers(10), "integer"), "Regression", "RMSE")

    assert problem.decided == "Regression, as the request says; objective RMSE, the default"


def test_an_objective_of_one_type_only_decides_the_type() -> None:
    assert decide(target(numbers(10), "integer"), None, "R2").type == "Regression"


@pytest.mark.parametrize(
    ("made", "asked", "message"),
    [
        (target(["a", "b"] * 9, "string"), "Regression", "holds string values, but Regression.* needs numbers"),
        (target(numbers(3), "integer"), "BinaryClassification", "has 3 distinct values, but Binary.* needs two"),
        (target(["a", "b"] * 9, "string"), "MulticlassClassification", "two distinct values, but Multi.* needs more"),
        (target(numbers(1002, 9), "integer"), "MulticlassClassification", "more than 1,000 .* ask for Regression"),
        (target([f"t{n}" for n in range(60)], "string"), None, "60 distinct values in 60 rows, too many to be classes"),
        (target([f"t{n}" for n in range(1001)] * 9, "string"), None, "has more than 1,000 distinct values"),
        (target([f"t{n}" for n in range(2000)] * 9, "string"), None, "group them into fewer classes"),
    ],
)
def test_contradictions_are_refused(made: TargetValues, asked: str | None, message: str) -> None:
    with pytest.raises(InvalidDataset, match=message):
        decide(made, asked)


def test_an_objective_of_another_type_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="'Accuracy' does not fit Regression"):
        decide(target(numbers(30), "integer"), None, "Accuracy")


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (target(["a"] * 9, "string"), "same value in every row"),
        (target(["1", "1.0"] * 9, "number"), "same value in every row"),
        (target(["a", "b"] * 9, "string", missing=19), "missing in 19 of 37 rows"),
        (target(["a"] * 9, "string", missing=8), "but 8 without one .*None"),
    ],
)
def test_unusable_targets_are_refused(made: TargetValues, message: str) -> None:
    with pytest.raises(InvalidDataset, match=message):
        check_usable(made)


def test_rows_are_counted_beyond_the_most_classes() -> None:
    made = target(numbers(3000, 2), "integer")

    assert made.many
    assert made.rows == 6000
    assert len(made.counts) <= 1002


@pytest.mark.parametrize(
    ("requested", "problem_type", "resolved"),
    [
        ({"Threshold": 0.8, "IsDefault": False}, "BinaryClassification", {"Threshold": 0.8}),
        ({"Threshold": 0.9, "IsDefault": True}, "MulticlassClassification", {"Threshold": 0.9}),
        ({"Threshold": 0.9, "IsDefault": True}, "Regression", {"Level": 0.9}),
        ({"MaxIntervalWidth": {"Absolute": 3}, "Level": 0.8}, "Regression", None),
        ({"TargetPrecision": 0.95, "Certainty": 0.9}, "BinaryClassification", None),
        ({}, "BinaryClassification", {}),
    ],
)
def test_confidence(requested: dict[str, Any], problem_type: str, resolved: dict[str, Any] | None) -> None:
    assert confidence(requested, problem_type, 60) == (requested if resolved is None else resolved)


def test_a_confidence_asked_of_a_regression_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="Threshold cannot be used with a regression"):
        confidence({"Threshold": 0.9, "IsDefault": False}, "Regression", 60)


@pytest.mark.parametrize(
    ("requested", "problem_type", "resolved"),
    [
        ({"Threshold": 0.8}, "BinaryClassification", {"Threshold": 0.8}),
        ({"Threshold": 0.9, "IsDefault": True}, "Regression", {}),
        ({"Level": 0.9}, "Regression", {}),
    ],
)
def test_confidence_without_calibration_rows(
    requested: dict[str, Any], problem_type: str, resolved: dict[str, Any]
) -> None:
    assert confidence(requested, problem_type, 0) == resolved


@pytest.mark.parametrize(
    ("requested", "problem_type"),
    [
        ({"TargetPrecision": 0.95, "Certainty": 0.9}, "MulticlassClassification"),
        ({"MaxIntervalWidth": {"Relative": 0.2}, "Level": 0.9}, "Regression"),
    ],
)
def test_what_depends_on_calibration_rows_is_refused_without_any(requested: dict[str, Any], problem_type: str) -> None:
    with pytest.raises(InvalidRequest, match=f"{next(iter(requested))} .* no row falls into the calibration split"):
        confidence(requested, problem_type, 0)
