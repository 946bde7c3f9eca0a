"""Whatever an endpoint answers, each row gets its own answer or none, and no other row's."""

import csv
import io
from collections.abc import Sequence

from hypothesis import example, given, settings
from hypothesis import strategies as st

from automl.errors import PredictionMismatch
from automl.scoring.answers import AnswerReader
from automl.scoring.responses import answer_lines, parse_answer, predictions_table

MODELS = [
    (("prediction",), "Regression"),
    (("predicted_label",), "BinaryClassification"),
    (("predicted_label", "probabilities"), "BinaryClassification"),
    (("predicted_label", "probability", "probabilities", "labels"), "MulticlassClassification"),
    (("labels", "probabilities", "predicted_label"), "MulticlassClassification"),
]
PIECES = st.sampled_from(
    [
        *(b",", b"\n", b"\r\n", b"\r", b'"', b'""', b"'", b"[", b"]", b"{", b"}", b"\\", b"\0", b" ", b"\t", b"\xff"),
        *(b"nan", b"inf", b"1e400", b"1.5", b"1,5", b"1 234,5", b"1'234.5", b"0.5", b"[0.5, 0.5]", b"['a', 'b']"),
        *(
            b"no",
            b"a,b",
            b"\xd9\xa1",
            b"\xe2\x80\xa8",
            b"\xef\xbb\xbf",
            b"\x1a",
            b"{[]}",
            b"b'x'",
            b"()",
            b"[[]]",
            b"None",
        ),
    ]
)
BODIES = st.binary(max_size=60) | st.lists(PIECES, max_size=24).map(b"".join)


@settings(max_examples=400)
@given(BODIES, st.integers(1, 4), st.sampled_from(MODELS))
@example(b'a,0.5,"[0.5]",{[]}\n', 1, MODELS[3])
@example(b'"' * 200_000, 1, MODELS[0])
@example(b"[" * 100_000 + b"\n", 1, MODELS[4])
@example(b"a" * 200_000 + b",1\n", 1, MODELS[2])
def test_any_bytes_are_as_many_answers_as_rows_or_a_named_error(
    body: bytes, rows: int, model: tuple[Sequence[str], str]
) -> None:
    keys, problem_type = model
    lines: list[str | None] | None
    try:
        lines = answer_lines(body, AnswerReader(keys, problem_type), rows)
    except PredictionMismatch as error:
        lines, message = None, str(error)
    if lines is None:
        assert 20 < len(message) < 1_000
        return
    assert len(lines) == rows
    reader = AnswerReader(keys, problem_type)
    for line in lines:
        if line is not None:
            (record,) = csv.reader(io.StringIO(line, newline=""))
            assert len(record) == len(keys)
            assert reader.read(record).predicted


@settings(max_examples=200)
@given(BODIES, st.integers(1, 4))
def test_a_record_is_never_put_together_from_two_lines(body: bytes, rows: int) -> None:
    """Or a row would have what was answered to the next one."""
    try:
        records = parse_answer(body, ["predicted_label", "probability"], rows)
    except PredictionMismatch:
        return
    lines = [line.rstrip("\r") for line in body.decode("utf-8", errors="replace").split("\n")]
    for line, record in zip(lines, records, strict=False):
        for cell in record:
            assert "\n" not in cell
            assert cell.replace('"', "").strip() in line.replace('"', "")


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)


@settings(max_examples=100)
@given(st.lists(st.tuples(NAMES, NAMES, st.none() | st.lists(NAMES, min_size=2, max_size=2)), min_size=1, max_size=12))
def test_each_answer_stands_beside_the_key_of_its_own_row(rows: list[tuple[str, str, list[str] | None]]) -> None:
    keys, lines = io.StringIO(newline=""), []
    writer = csv.writer(keys, lineterminator="\n")
    writer.writerow(["Row", "Id", "Truth"])
    for number, (identity, truth, answer) in enumerate(rows):
        writer.writerow([number, identity, truth])
        one = io.StringIO(newline="")
        csv.writer(one, lineterminator="").writerow(answer or [])
        lines.append(None if answer is None else one.getvalue())

    table = b"".join(predictions_table(keys.getvalue().encode(), ["a", "b"], lines)).decode()

    _, *found = csv.reader(io.StringIO(table, newline=""))
    assert found == [
        [str(number), one, truth, *(answer or ["", ""])] for number, (one, truth, answer) in enumerate(rows)
    ]
