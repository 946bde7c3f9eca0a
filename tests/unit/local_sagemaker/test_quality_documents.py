"""Metrics, explanations and insights against what they must be."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from autoflow.local.engine import explanation, insights, metrics, target
from autoflow.local.engine.tables import UnusableData


def test_regression_metrics() -> None:
    truth, predicted = np.array([1.0, 2.0, 3.0, 6.0]), np.array([1.0, 2.0, 5.0, 6.0])
    assert metrics.measure("regression", truth, predicted) == pytest.approx(
        {"MAE": 0.5, "MSE": 1.0, "RMSE": 1.0, "R2": 1 - 4 / 14}
    )


def test_binary_metrics_have_class_1_as_positive() -> None:
    truth = np.array([0, 0, 0, 1])
    positive = np.array([0.1, 0.2, 0.6, 0.9])
    values = metrics.measure("binary", truth, np.column_stack([1 - positive, positive]))
    assert values["Precision"] == 0.5
    assert values["Recall"] == 1.0
    assert values["F1"] == pytest.approx(2 / 3)
    assert values["AUC"] == 1.0
    assert values["Accuracy"] == 0.75
    assert values["BalancedAccuracy"] == pytest.approx((2 / 3 + 1) / 2)
    assert values["LogLoss"] == pytest.approx(-sum(math.log(p) for p in (0.9, 0.8, 0.4, 0.9)) / 4)


def test_multiclass_metrics_survive_an_impossible_class() -> None:
    values = metrics.measure("multiclass", np.array([0, 1, 1]), np.array([[1.0, 0, 0], [0, 1, 0], [1, 0, 0]]))
    assert values["RecallMacro"] == 0.75
    assert math.isfinite(values["LogLoss"])
    assert set(values) == {
        "Accuracy", "BalancedAccuracy", "F1macro", "LogLoss", "PrecisionMacro", "RecallMacro"
    }  # fmt: skip


def test_auc_of_one_class_is_undefined() -> None:
    values = metrics.measure("binary", np.array([0, 0]), np.array([[0.9, 0.1], [0.8, 0.2]]))
    assert math.isnan(values["AUC"])


@pytest.mark.parametrize(("metric", "better"), [("RMSE", 1.0), ("AUC", 2.0)])
def test_which_is_better(metric: str, better: float) -> None:
    assert metrics.is_better(metric, better, 3.0 - better)
    assert not metrics.is_better(metric, 3.0 - better, better)
    assert metrics.is_better(metric, 5.0, math.nan)
    assert not metrics.is_better(metric, math.nan, 5.0)


def test_shapley_values_of_an_additive_model_are_exact() -> None:
    random = np.random.default_rng(3)
    rows = pd.DataFrame({"a": random.normal(size=300), "b": random.normal(size=300), "c": list("xyz") * 100})

    def predict(frame: pd.DataFrame) -> NDArray[np.float64]:
        first = 3 * frame["a"].to_numpy() + (frame["c"].to_numpy() == "x")
        return np.column_stack([first, np.full(len(frame), 7.0)])

    result = explanation.explain(predict, rows, seconds=0.7)
    values = result.global_values
    assert result.passes >= 20
    assert values[0, 0] == pytest.approx(3 * rows["a"].abs().mean(), rel=0.45)
    assert values[1, 0] == pytest.approx(0, abs=1e-9)
    assert 0.2 < values[2, 0] < 0.7
    assert np.allclose(values[:, 1], 0)
    assert result.expected[1] == 7
    document = explanation.analysis(result, ["a", "b", "c"])["explanations"]["kernel_shap"]
    assert set(document) == {"label0", "label1"}
    assert list(document["label0"]["global_shap_values"]) == ["a", "b", "c"]


def test_shapley_values_share_an_interaction_equally() -> None:
    rows = pd.DataFrame({"a": [0.0, 1.0] * 50, "b": [0.0, 0.0, 1.0, 1.0] * 25})
    result = explanation.explain(lambda frame: (frame["a"] * frame["b"]).to_numpy()[:, None], rows, seconds=1)
    first, second = result.global_values[:, 0]
    assert first == pytest.approx(second, rel=0.3)
    assert first > 0.1


def test_insights_of_a_binary_model() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 500)
    positive = np.clip(0.5 + (truth - 0.5) * 0.6 + random.normal(0, 0.3, 500), 0.01, 0.99)
    document = insights.statistics("binary", truth, np.column_stack([1 - positive, positive]), ["no", "yes"])
    assert document["dataset"] == {"item_count": 500}
    values: dict[str, Any] = document["binary_classification_metrics"]
    confusion = values["confusion_matrix"]
    assert sum(count for row in confusion.values() for count in row.values()) == 500
    right = confusion["no"]["no"] + confusion["yes"]["yes"]
    assert values["accuracy"]["value"] == right / 500
    assert 0 < values["auc"]["standard_deviation"] < 0.1
    assert values["true_positive_rate"] == values["recall"]
    assert values["accuracy_best_constant_classifier"]["value"] == max(np.bincount(truth)) / 500
    curve = values["receiver_operating_characteristic_curve"]
    assert len(curve["false_positive_rates"]) == len(curve["true_positive_rates"]) <= 100
    assert curve["true_positive_rates"][-1] == 1


def test_deviation_needs_200_rows() -> None:
    truth = np.arange(50.0)
    document = insights.statistics("regression", truth, truth + 1, [])
    assert document["regression_metrics"]["mae"] == {"value": 1.0, "standard_deviation": "NaN"}


def test_insights_of_a_multiclass_model() -> None:
    truth = np.array([0, 1, 2] * 100)
    document = insights.statistics("multiclass", truth, np.eye(3)[truth], ["a", "b", "c"])
    values = document["multiclass_classification_metrics"]
    assert values["weighted_f1"] == {"value": 1.0, "standard_deviation": 0.0}
    assert values["confusion_matrix"]["b"] == {"a": 0, "b": 100, "c": 0}


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["10", "9", "-1"], ["-1", "9", "10"]),
        (["b", "10", "9"], ["10", "9", "b"]),
        (["True", "False"], ["False", "True"]),
    ],
)
def test_labels_are_ordered_as_numpy_does(labels: list[str], expected: list[str]) -> None:
    assert target.ordered(labels) == expected


def column(*values: object) -> "pd.Series[Any]":
    return pd.Series(values, name="y")


def test_problem_type_is_decided_from_the_target() -> None:
    assert target.decide_problem(column(*["a", "b"] * 300)) == "binary"
    assert target.decide_problem(column(*["a", "b", "c"] * 300)) == "multiclass"
    assert target.decide_problem(column(*[str(number / 7) for number in range(600)])) == "regression"


def test_invalid_target_values_are_left_out() -> None:
    assert target.usable_rows(column("1", "x", None, "inf", "2.5"), "regression").tolist() == [1.0, 2.5]
    assert target.usable_rows(column("1", None, "x"), "binary").tolist() == ["1", "x"]


@pytest.mark.parametrize(
    ("values", "problem", "text"),
    [
        (["1", "2"] * 249, "binary", "has 498 rows with a valid value of 'y'; at least 500 are required"),
        (["1"] * 600, "binary", "the same value '1' in every row"),
        (["1", "2", "3"] * 300, "binary", "exactly 2 values of 'y', there are 3"),
        ([str(number) for number in range(600)], "multiclass", "600 distinct values in 600 rows"),
    ],
)
def test_a_target_that_cannot_be_learned(values: list[str], problem: str, text: str) -> None:
    with pytest.raises(UnusableData, match=text):
        target.require_learnable(column(*values), problem)
