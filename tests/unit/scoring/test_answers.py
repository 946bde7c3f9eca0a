"""Answers: the prediction is the label with the largest probability, whatever Autopilot's mode calls probability."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.errors import PredictionMismatch
from automl.scoring.answers import NOT_PREDICTED, Answer, AnswerReader

BINARY, REGRESSION = "BinaryClassification", "Regression"


def read_answer(record: dict[str, str], problem_type: str) -> Answer:
    return AnswerReader(list(record), problem_type).read(list(record.values()))


@given(
    st.lists(st.tuples(st.text(max_size=5), st.floats(0, 1)), min_size=2, max_size=5, unique_by=lambda pair: pair[0])
)
def test_labels_are_paired_with_their_probabilities(pairs: list[tuple[str, float]]) -> None:
    labels, probabilities = [label for label, _ in pairs], [probability for _, probability in pairs]
    record = {
        "predicted_label": "of another threshold",
        "probability": "0.1",
        "probabilities": repr(probabilities),
        "labels": repr(labels),
    }

    answer = read_answer(record, BINARY)

    assert answer.probabilities == tuple(probabilities)
    assert dict(pairs)[answer.prediction] == max(probabilities)


def test_labels_that_are_no_texts_become_texts() -> None:
    record = {"predicted_label": "1", "probabilities": "[0.3, 0.7]", "labels": "[0, 1]"}

    assert read_answer(record, BINARY) == Answer("1", ("0", "1"), (0.3, 0.7))


def test_without_labels_the_predicted_label_has_the_largest_probability() -> None:
    record = {"predicted_label": "b", "probabilities": "[0.3, 0.7]"}

    assert read_answer(record, BINARY) == Answer("b", (), (0.3, 0.7))
    assert read_answer({"predicted_label": "b"}, BINARY) == Answer("b")


def test_a_regression_has_a_number_and_no_probabilities() -> None:
    assert read_answer({"prediction": " 1.50"}, REGRESSION) == Answer("1.50")


@pytest.mark.parametrize(
    ("record", "problem_type", "message"),
    [
        ({"prediction": "nan"}, REGRESSION, "no number"),
        ({"prediction": "high"}, REGRESSION, "no number"),
        ({"predicted_label": "a", "probabilities": "[]", "labels": "['a']"}, BINARY, "no list of numbers"),
        ({"predicted_label": "a", "probabilities": "[0.5, x]", "labels": "['a']"}, BINARY, "no list of numbers"),
        ({"predicted_label": "a", "probabilities": "[0.5, 0.5]", "labels": "['a']"}, BINARY, "2 probabilities for 1"),
        ({"predicted_label": "a", "probabilities": "[1.0]", "labels": "open('x')"}, BINARY, "labels that are no list"),
        ({"predicted_label": "a", "probabilities": "[1.0]", "labels": "'a'"}, BINARY, "labels that are no list"),
        ({"predicted_label": "a", "probabilities": "[1.0]", "labels": "b'a'"}, BINARY, "labels that are no list"),
        ({"predicted_label": "a", "probabilities": "[1.0]", "labels": "{[]}"}, BINARY, "labels that are no list"),
    ],
)
def test_unreadable_answers_are_refused(record: dict[str, str], problem_type: str, message: str) -> None:
    with pytest.raises(PredictionMismatch, match=message):
        read_answer(record, problem_type)
    assert AnswerReader(list(record), problem_type).readable([list(record.values())]) == [False]


@pytest.mark.parametrize("problem_type", [REGRESSION, BINARY])
def test_a_row_that_was_not_answered_has_no_prediction(problem_type: str) -> None:
    keys = ["prediction", "predicted_label", "probabilities", "labels"]

    answer = AnswerReader(keys, problem_type).read(["", "", "", ""])

    assert answer is NOT_PREDICTED
    assert not answer.predicted
    assert Answer("0").predicted


@pytest.mark.parametrize("text", ["[1e308, 1e308]", "[1.01, 0.0]", "[-0.1, 1.1]", "[5, 3]", "[1e400, 0]", "[nan, 1]"])
def test_what_is_no_probability_makes_nobody_sure(text: str) -> None:
    record = {"predicted_label": "a", "probabilities": text, "labels": "['a', 'b']"}

    with pytest.raises(PredictionMismatch, match="no list of numbers from 0 to 1"):
        read_answer(record, BINARY)
    assert AnswerReader(list(record), BINARY).readable([list(record.values())]) == [False]


def test_a_probability_may_be_a_little_beyond_one_as_floats_are() -> None:
    record = {"predicted_label": "a", "probabilities": "[1.0000001, 0.0]", "labels": "['a', 'b']"}

    assert read_answer(record, BINARY).probabilities == (1.0000001, 0.0)


ODD = [
    *("", "[]", "[0.5]", "[true, 0.5]", "[NaN, 1.0]", "[nan, 1.0]", "[1e400, 0]", "[0.5, 0.5", "0.5, 0.5]", "0.5, 0.5"),
    *("[0.1, 0.9],[0.5, 0.5]", "[[0.1, 0.9]]", " [0.25, 0.75] ", "[1_0, 2]", "[-0, -0.0]", "[1E-5, .5]", "[\u0661, 0]"),
]
CELLS = st.one_of(
    st.lists(st.floats(0, 1), min_size=2, max_size=2).map(repr),
    st.lists(st.integers(0, 3), min_size=2, max_size=2).map(repr),
    st.sampled_from(ODD),
)


@given(st.lists(st.tuples(CELLS, st.sampled_from(["['a', 'b']", '["a", "b"]', "", "['a']", "x"])), max_size=8))
def test_many_records_say_what_each_says_alone(cells: list[tuple[str, str]]) -> None:
    records = [["7", label, *pair] for label, pair in zip("abcdefgh", cells, strict=False)]
    keys = ["predicted_label", "probabilities", "labels"]
    alone: list[Answer | None] = []
    for record in records:
        try:
            alone.append(AnswerReader(keys, BINARY, 1).read(record))
        except PredictionMismatch:
            alone.append(None)

    together = AnswerReader(keys, BINARY, 1)

    assert together.readable(records) == [answer is not None and answer.predicted for answer in alone]
    if None in alone:
        with pytest.raises(PredictionMismatch):
            together.read_all(records)
    else:
        assert repr(together.read_all(records)) == repr(alone)
