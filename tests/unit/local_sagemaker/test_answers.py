"""Answers of an inference container."""

import ast
import csv
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoflow.local.engine import answers

PROBABILITIES = np.array([[0.29, 0.71], [0.8, 0.2]])
LABELS = ["False", "True"]


def test_lists_are_quoted_strings_in_the_order_asked_for() -> None:
    keys = ("predicted_label", "probability", "probabilities", "labels")
    text = answers.encode(answers.classification(PROBABILITIES, LABELS, keys), "text/csv").decode()
    assert text.splitlines()[0] == """True,0.71,"[0.29, 0.71]","['False', 'True']\""""


def test_the_label_alone_is_a_value_per_line() -> None:
    answer = answers.classification(PROBABILITIES, LABELS, ("predicted_label",))
    assert answers.encode(answer, "text/csv") == b"True\nFalse\n"


def test_json_has_the_same_strings() -> None:
    answer = answers.classification(PROBABILITIES[:1], LABELS, ("labels", "probabilities", "probability"))
    assert json.loads(answers.encode(answer, "application/json")) == {
        "predictions": [{"labels": "['False', 'True']", "probabilities": "[0.29, 0.71]", "probability": 0.71}]
    }


def test_regression_is_a_number_per_line() -> None:
    assert answers.encode(answers.regression(np.array([1.5, -2.0])), "text/csv") == b"1.5\n-2.0\n"


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"])), min_size=2, max_size=5, unique=True))
def test_any_label_survives_the_csv(labels: list[str]) -> None:
    probabilities = np.full((1, len(labels)), 1 / len(labels))
    answer = answers.classification(probabilities, labels, ("predicted_label", "labels"))
    text = answers.encode(answer, "text/csv").decode()
    (record,) = csv.reader(io.StringIO(text, newline=""))
    assert record[0] == labels[0]
    assert ast.literal_eval(record[1]) == labels


@pytest.mark.parametrize(
    ("environment", "keys", "accept"),
    [
        ({}, ("predicted_label",), "text/csv"),
        (
            {
                "SAGEMAKER_INFERENCE_OUTPUT": "predicted_label, probabilities",
                "SAGEMAKER_INFERENCE_SUPPORTED": "predicted_label, labels, probability, probabilities",
                "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "application/json",
            },
            ("predicted_label", "probabilities"),
            "application/json",
        ),
    ],
)
def test_the_environment_decides(environment: dict[str, str], keys: tuple[str, ...], accept: str) -> None:
    assert answers.OutputSettings.from_environment(environment) == answers.OutputSettings(keys, accept)


def test_unsupported_keys_are_refused() -> None:
    environment = {"SAGEMAKER_INFERENCE_OUTPUT": "labels", "SAGEMAKER_INFERENCE_SUPPORTED": "predicted_label"}
    with pytest.raises(answers.UnsupportedRequest, match=r"\['labels'\] are unsupported"):
        answers.OutputSettings.from_environment(environment)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", "text/csv"),
        ("*/*", "text/csv"),
        ("application/json", "application/json"),
        ("text/html, application/json;q=0.9", "application/json"),
        ("text/csv; charset=utf-8", "text/csv"),
    ],
)
def test_accept_header(accept: str, chosen: str) -> None:
    assert answers.choose_type(accept, "text/csv") == chosen


def test_accept_header_of_an_unknown_type() -> None:
    with pytest.raises(answers.UnsupportedRequest, match="image/png"):
        answers.choose_type("image/png", "text/csv")


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"])), min_size=2, max_size=4, unique=True),
    st.lists(st.floats(0, 1), min_size=1, max_size=5),
    st.sampled_from([("predicted_label",), ("labels", "probability"), answers.KEYS]),
)
def test_answers_are_quoted_as_by_a_csv_writer(labels: list[str], shares: list[float], keys: tuple[str, ...]) -> None:
    probabilities = np.array([[share, *[(1 - share) / (len(labels) - 1)] * (len(labels) - 1)] for share in shares])
    answer = answers.classification(probabilities, labels, keys)
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(zip(*(values for _, values in answer), strict=True))

    assert answers.encode(answer, "text/csv") == text.getvalue().encode()
