"""Metrics: worked by hand on small tables, and honest where they are not defined."""

import json
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.proof.bootstrap import Statistics
from automl.proof.metrics import report, values_of
from automl.proof.scored import collect
from automl.scoring.answers import Answer
from automl.scoring.calibration_map import CalibrationMap
from tests.unit.proof.known_rows import (
    BINARY,
    MULTICLASS,
    REGRESSION,
    drawn_binary,
    drawn_multiclass,
    numbered,
    numbers,
    of_yes,
)


def judge(rows: Iterable[tuple[str, Answer]], problem_type: str, threshold: float | None) -> dict[str, Any]:
    confidence = {} if threshold is None else {"Threshold": threshold}
    return report(collect(numbered(rows), problem_type, CalibrationMap.from_document(None), confidence))


def binary(*rows: tuple[str, float]) -> list[tuple[str, Answer]]:
    """Truth and probability of ``yes``."""
    return [(truth, of_yes(p)) for truth, p in rows]


def test_regression_by_hand() -> None:
    answers = [("1", Answer("2")), ("3", Answer("3")), ("5.0", Answer("3")), ("", Answer("9")), ("inf", Answer("9"))]

    report = judge(answers, REGRESSION, None)

    assert report["All"]["Rows"] == 3
    assert report["All"]["Metrics"] == pytest.approx({"RMSE": math.sqrt(5 / 3), "MSE": 5 / 3, "MAE": 1.0, "R2": 0.375})
    assert report["Accepted"] == report["All"]


def test_binary_by_hand_and_of_the_accepted_rows() -> None:
    answers = binary(("yes", 0.9), ("yes", 0.4), ("no", 0.2), ("no", 0.7), ("no", 0.05), ("", 0.9))

    report = judge(answers, BINARY, 0.8)

    assert report["All"] == {
        "Rows": 5,
        "Metrics": pytest.approx(
            {
                "Accuracy": 3 / 5,
                "BalancedAccuracy": (1 / 2 + 2 / 3) / 2,
                "Precision": 1 / 2,
                "Recall": 1 / 2,
                "F1": 1 / 2,
                "LogLoss": -sum(map(math.log, (0.9, 0.4, 0.8, 0.3, 0.95))) / 5,
                "AUC": 5 / 6,
            }
        ),
    }
    assert report["Accepted"]["Rows"] == 3
    assert report["Accepted"]["Metrics"]["Accuracy"] == 1.0


def test_multiclass_by_hand() -> None:
    labels = ("a", "b", "c")
    answers = [
        ("a", Answer("a", labels, (0.8, 0.1, 0.1))),
        ("b", Answer("a", labels, (0.5, 0.4, 0.1))),
        ("b", Answer("b", labels, (0.2, 0.6, 0.2))),
        ("c", Answer("c", labels, (0.1, 0.2, 0.7))),
    ]

    metrics = judge(answers, MULTICLASS, None)["All"]["Metrics"]

    assert metrics == pytest.approx(
        {
            "Accuracy": 3 / 4,
            "BalancedAccuracy": (1 + 1 / 2 + 1) / 3,
            "F1macro": (2 / 3 + 2 / 3 + 1) / 3,
            "PrecisionMacro": (1 / 2 + 1 + 1) / 3,
            "RecallMacro": (1 + 1 / 2 + 1) / 3,
            "LogLoss": -sum(map(math.log, (0.8, 0.4, 0.6, 0.7))) / 4,
        }
    )


def test_metrics_that_are_not_defined_are_left_out_with_the_reason() -> None:
    report = judge(binary(("no", 0.2), ("no", 0.3)), BINARY, 0.99)

    assert set(report["All"]["Metrics"]) == {"Accuracy", "LogLoss"}
    assert report["All"]["Omitted"] == {
        "BalancedAccuracy": "the truth is the same label in all rows",
        "AUC": "the truth is the same label in all rows",
        "Precision": "'yes' is predicted for no row",
        "Recall": "'yes' is the truth of no row",
        "F1": "'yes' is in no row",
    }
    assert report["Accepted"] == {"Rows": 0, "Metrics": {}}
    assert judge([("2", Answer("1"))], REGRESSION, None)["All"]["Omitted"] == {
        "R2": "the truth is the same in all rows"
    }


def test_a_truth_the_model_does_not_know_counts_as_wrong() -> None:
    report = judge(binary(("maybe", 0.9), ("yes", 0.9)), BINARY, None)["All"]

    assert report["Metrics"]["Accuracy"] == 0.5
    assert report["Omitted"]["LogLoss"] == "the truth 'maybe' is no label of the model"


def test_a_model_without_probabilities_is_judged_by_its_labels() -> None:
    report = judge([("a", Answer("a")), ("b", Answer("a"))], BINARY, None)["All"]

    assert report["Metrics"]["Accuracy"] == 0.5
    assert report["Omitted"]["AUC"] == "the model answers without probabilities"


@pytest.mark.parametrize(
    ("truth", "labels"), [("true", ("False", "True")), ("1.0", ("0", "1")), ("1", ("0.0", "1.0")), ("01", ("0", "1"))]
)
def test_a_truth_matches_the_label_that_means_the_same(truth: str, labels: tuple[str, str]) -> None:
    report = judge([(truth, Answer(labels[1], labels, (0.2, 0.8)))], BINARY, None)["All"]

    assert report["Metrics"]["Accuracy"] == 1.0
    assert report["Metrics"]["Recall"] == 1.0


def test_labels_spelled_differently_stay_apart_when_the_model_tells_them_apart() -> None:
    labels = ("1", "1.0", "a")

    report = judge([("1.0", Answer("1", labels, (0.6, 0.3, 0.1)))], MULTICLASS, None)["All"]

    assert report["Metrics"]["Accuracy"] == 0.0


@given(st.lists(st.tuples(st.sampled_from(["yes", "no", ""]), st.floats(0, 1)), max_size=12), st.floats(0.01, 1))
def test_reports_are_json_whatever_the_rows(rows: list[tuple[str, float]], threshold: float) -> None:
    report = judge(binary(*rows), BINARY, threshold)

    json.dumps(report, allow_nan=False)
    names = set(report["All"]["Metrics"]) | set(report["All"].get("Omitted", {}))
    complete = {"Accuracy", "BalancedAccuracy", "F1", "AUC", "LogLoss", "Precision", "Recall"}
    assert names == (complete if report["All"]["Rows"] else set())


RAW = CalibrationMap.from_document(None)


@pytest.mark.parametrize(
    ("rows", "problem_type"),
    [
        (numbers(200, 1), REGRESSION),
        (drawn_binary(200, 2), BINARY),
        (drawn_multiclass(200, 3, "abcde", 1.5), MULTICLASS),
        (drawn_multiclass(12, 4, "abcdefgh", 1.5), MULTICLASS),
    ],
)
@settings(max_examples=25)
@given(st.randoms(use_true_random=False))
def test_what_is_resampled_is_what_scikit_learn_says(
    rows: list[tuple[str, Answer]], problem_type: str, random: Any
) -> None:
    scored = collect(numbered(rows), problem_type, RAW, {})
    drawn = np.array([random.randrange(len(scored)) for _ in range(len(scored))])
    values, _ = values_of(scored.take(drawn))

    found = Statistics(scored, [*values_of(scored)[0]])

    assert dict(zip(found.names, found(drawn), strict=True)) == pytest.approx(
        {name: values.get(name, np.nan) for name in found.names}, nan_ok=True
    )


def test_the_ranking_is_that_of_raw_probabilities_and_the_loss_of_calibrated_ones() -> None:
    flat = {"Method": "Isotonic", "Labels": ["no", "yes"]}
    flat["Parameters"] = {"Curves": [{"Raw": [0.0, 1.0], "Calibrated": [0.25, 0.25]}]}  # type: ignore[assignment]
    rows = numbered(binary(("yes", 0.9), ("no", 0.2)))

    values, _ = values_of(collect(rows, BINARY, CalibrationMap.from_document(flat), {}))

    assert values["AUC"] == 1.0
    assert values["LogLoss"] == pytest.approx(-(math.log(0.25) + math.log(0.75)) / 2)
