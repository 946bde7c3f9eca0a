"""An endpoint's answers: every row has its own, however the container writes them, or none."""

import ast
import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.errors import PredictionMismatch
from automl.scoring.answers import AnswerReader
from automl.scoring.responses import answer_lines, parse_answer, predictions_table

LABEL = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\0"),
    min_size=1,
    max_size=8,
)
KEYS = ["predicted_label", "probability", "probabilities", "labels"]


@given(st.lists(LABEL, min_size=2, max_size=4, unique=True), st.integers(1, 5), st.sampled_from(["\n", "\r\n"]))
def test_quoted_lists_are_read_back(labels: list[str], rows: int, line_end: str) -> None:
    probabilities = [1 / len(labels)] * len(labels)
    record = [labels[0], repr(probabilities[0]), repr(probabilities), repr(labels)]
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator=line_end).writerows([record] * rows)

    answers = parse_answer(file.getvalue().encode(), KEYS, rows)

    assert answers == [record] * rows
    assert ast.literal_eval(answers[0][3]) == labels


@given(st.lists(LABEL, min_size=3, max_size=5, unique=True))
def test_unquoted_lists_are_read_too(labels: list[str]) -> None:
    probabilities = [0.25] * len(labels)
    body = f"label,0.25,{probabilities!r},{labels!r}\n"

    assert parse_answer(body.encode(), KEYS, 1) == [["label", "0.25", repr(probabilities), repr(labels)]]


def test_a_space_after_the_comma_does_no_harm() -> None:
    body = b"no, 0.71, \"[0.71, 0.29]\", \"['no', 'yes']\"\n"

    assert parse_answer(body, KEYS, 1) == [["no", "0.71", "[0.71, 0.29]", "['no', 'yes']"]]


def test_a_regression_answers_one_number_per_line() -> None:
    assert parse_answer(b"1.5\n-2e3\n", ["prediction"], 2) == [["1.5"], ["-2e3"]]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"1\n", "answered 1 records for 2 rows"),
        (b"1\n2\n3\n", "answered 3 records for 2 rows"),
        (b"", "answered 0 records for 2 rows"),
        (b"1\n2,3\n", "Record 1 of the endpoint's answer has 2 cells instead of 1"),
    ],
)
def test_answers_that_do_not_fit_are_refused(body: bytes, message: str) -> None:
    with pytest.raises(PredictionMismatch, match=message):
        parse_answer(body, ["prediction"], 2)


@given(st.lists(st.tuples(LABEL, st.booleans(), st.floats(0, 1)), min_size=1, max_size=6))
def test_lines_of_any_spelling_say_what_the_answer_said(rows: list[tuple[str, bool, float]]) -> None:
    """Some records as a CSV writer quotes them, some as a container that does not."""
    wanted, text = [], io.StringIO(newline="")
    for label, quoted, share in rows:
        record = ["x", repr(share), repr([share, 1 - share]), repr([label, "other"])]
        wanted.append(record)
        if quoted:
            csv.writer(text, lineterminator="\n").writerow(record)
        else:
            text.write(",".join(record) + "\n")

    lines = answer_lines(text.getvalue().encode(), AnswerReader(KEYS, "BinaryClassification"), len(rows))

    assert [next(csv.reader([line])) for line in lines if line is not None] == wanted


def test_a_row_whose_answer_says_nothing_is_known_by_its_place() -> None:
    reader = AnswerReader(["prediction"], "Regression")

    assert answer_lines(b"1.5\nnan\n\n-inf\nx\n7\n", reader, 6) == ["1.5", None, None, None, None, "7"]


def test_an_open_quote_does_not_swallow_the_next_rows() -> None:
    reader = AnswerReader(["predicted_label", "probability"], "BinaryClassification")

    with pytest.raises(PredictionMismatch, match="Record 1 "):
        answer_lines(b'a,0.5\n"b,0.5\nc,0.5\n', reader, 3)


def table(keys: bytes, lines: list[str | None]) -> bytes:
    return b"".join(predictions_table(keys, ["predicted_label", "labels"], lines))


def test_answers_stand_beside_their_keys_and_a_missing_one_leaves_its_cells_empty() -> None:
    keys = b'Row,Id,Truth\n4,"a,b",\n7,c,yes\n9,"d\n""e",no\n'

    assert table(keys, ["x,y", None, "z,w"]) == (
        b'Row,Id,Truth,predicted_label,labels\n4,"a,b",,x,y\n7,c,yes,,\n9,"d\n""e",no,z,w\n'
    )


@pytest.mark.parametrize("answers", [0, 999, 1000, 1999, 2001, 3000])
def test_another_number_of_answers_than_rows_is_refused(answers: int) -> None:
    keys = b"Row,Id,Truth\n" + b"".join(b"%d,,\n" % row for row in range(2000))

    with pytest.raises(PredictionMismatch, match=f"{answers} answers for 2000 rows"):
        table(keys, ["a,b"] * answers)


def test_many_answers_keep_their_order() -> None:
    keys = b"Row,Id,Truth\n" + b"".join(b"%d,,\n" % row for row in range(2500))

    lines = table(keys, [f"{row},x" for row in range(2500)]).splitlines()[1:]

    assert lines == [b"%d,,,%d,x" % (row, row) for row in range(2500)]
