"""Filter Predictions: whatever the answers and the rule, every row ends up once, in order, with its identity."""

import ast
import csv
import io
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automl.errors import PredictionMismatch
from automl.run_files import ScoringFiles
from automl.scoring.answers import NOT_PREDICTED, Answer
from automl.scoring.predictions import Rule, filter_part, read_rule
from automl.storage import read_bytes, write_bytes, write_json

FOLDER, OUTPUT = ScoringFiles("s3://data-bucket/scorings/raw/"), ScoringFiles("s3://data-bucket/scorings/judged/")
CALIBRATION = f"{OUTPUT.uri}calibration.json"
HEADER = ["Row", "Id", "Truth"]
LABELS = ["no", "yes, 'maybe'"]
TEMPERATURE = {"Method": "Temperature", "Labels": LABELS, "Parameters": {"Temperature": 2.5}}
REGIONS = [
    {"From": None, "To": -1.0, "Rows": 3, "HalfWidth": None},
    {"From": -1.0, "To": 4.0, "Rows": 60, "HalfWidth": 0.5},
    {"From": 4.0, "To": None, "Rows": 70, "HalfWidth": 3.25},
]
INTERVALS = {"Method": "SplitConformal", "Intervals": {"Level": 0.9, "Regions": REGIONS}}

IDENTITY = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=5)
SHARE = st.floats(0, 1)
WIDTH = st.floats(0.1, 10)
CLASSIFIED: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    SHARE.map(lambda least: {"Threshold": least}),
    st.just({"Threshold": None, "TargetPrecision": 0.99, "Certainty": 0.9, "Note": "too few rows"}),
)
ESTIMATED: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.just({"Level": 0.9}),
    WIDTH.map(lambda widest: {"Level": 0.9, "MaxIntervalWidth": {"Absolute": widest}}),
    WIDTH.map(lambda widest: {"Level": 0.9, "MaxIntervalWidth": {"Relative": widest}}),
)


def csv_of(lines: list[list[str]]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerows(lines)
    return file.getvalue().encode()


def table(s3: Any, uri: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(read_bytes(s3, uri).decode(), newline="")))


def judge(
    s3: Any,
    problem_type: str,
    answers: list[tuple[str, list[str] | None]],
    confidence: dict[str, Any],
    calibration: dict[str, Any] | None,
) -> tuple[dict[str, Any], list[dict[str, str]], list[dict[str, str]]]:
    """Counts, accepted and review; a row is its identity and the cells of its answer, None when it was not sent."""
    keys = ["prediction"] if problem_type == "Regression" else ["probabilities", "labels"]
    sent = [[str(row), name, "", *cells] for row, (name, cells) in enumerate(answers) if cells is not None]
    kept = [[str(row), name, "", "FilteredOut"] for row, (name, cells) in enumerate(answers) if cells is None]
    write_bytes(s3, FOLDER.predictions(0), csv_of([[*HEADER, *keys], *sent]))
    write_bytes(s3, FOLDER.skipped(0), csv_of([[*HEADER, "Reason"], *kept]))
    if calibration:
        write_json(s3, CALIBRATION, calibration)
    rows = {
        "ProblemType": problem_type,
        "ResponseKeys": keys,
        "OutputUri": OUTPUT.uri,
        "PredictionsUri": FOLDER.uri,
        "CalibrationUri": CALIBRATION if calibration else "",
        "Calibrate": False,
        "Confidence": confidence,
        "IdColumn": "name",
    }
    counts = filter_part(s3, rows, 0)
    return counts, table(s3, OUTPUT.accepted(0)), table(s3, OUTPUT.review(0))


def check_rows(
    counts: dict[str, Any],
    accepted: list[dict[str, str]],
    review: list[dict[str, str]],
    answers: list[tuple[str, list[str] | None]],
) -> None:
    """Accepted and review are two parts of all rows, each in the order of the rows."""
    names = [name for name, _ in answers]
    for some in (accepted, review):
        rest = iter(names)
        assert all(line["name"] in rest for line in some)
    assert sorted(line["name"] for line in (*accepted, *review)) == sorted(names)
    assert (counts["Rows"], counts["Accepted"], counts["Review"]) == (len(names), len(accepted), len(review))
    assert sum(counts["Reasons"].values()) == len(review)
    assert counts["Reasons"].get("FilteredOut", 0) == sum(cells is None for _, cells in answers)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.lists(st.tuples(IDENTITY, st.none() | SHARE), max_size=12),
    CLASSIFIED,
    st.sampled_from([None, TEMPERATURE, {"Method": "None", "Labels": LABELS, "Parameters": {}}]),
)
def test_every_classified_row_is_accepted_or_reviewed(
    data_bucket: Any,
    rows: list[tuple[str, float | None]],
    confidence: dict[str, Any],
    calibration: dict[str, Any] | None,
) -> None:
    answers = [(name, None if p is None else [repr([1 - p, p]), repr(LABELS)]) for name, p in rows]

    counts, accepted, review = judge(data_bucket, "BinaryClassification", answers, confidence, calibration)

    check_rows(counts, accepted, review, answers)
    least = confidence.get("Threshold", 0)
    assert all(least is not None and float(line["Confidence"]) >= least for line in accepted)
    unsure = [line for line in review if line["Reason"] != "FilteredOut"]
    assert all(least is None or float(line["Confidence"]) < least for line in unsure)
    assert {line["Reason"] for line in unsure} <= {"TargetNotPromised" if least is None else "LowConfidence"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.lists(st.tuples(IDENTITY, st.none() | st.floats(-10, 10)), max_size=12),
    ESTIMATED,
    st.sampled_from([None, INTERVALS]),
)
def test_every_estimated_row_is_accepted_or_reviewed(
    data_bucket: Any,
    rows: list[tuple[str, float | None]],
    confidence: dict[str, Any],
    calibration: dict[str, Any] | None,
) -> None:
    answers = [(name, None if value is None else [repr(value)]) for name, value in rows]

    counts, accepted, review = judge(data_bucket, "Regression", answers, confidence, calibration)

    check_rows(counts, accepted, review, answers)
    widest = confidence.get("MaxIntervalWidth")
    for line in accepted:
        if widest:
            limit = widest.get("Absolute") or widest["Relative"] * abs(float(line["Prediction"]))
            assert float(line["Upper"]) - float(line["Lower"]) <= limit
    known = [line for line in (*accepted, *review) if line["Lower"]]
    assert all(float(line["Lower"]) <= float(line["Prediction"]) <= float(line["Upper"]) for line in known)
    assert counts["Widths"]["Rows"] == len(known)
    assert counts["Widths"]["Sum"] == pytest.approx(sum(float(line["Upper"]) - float(line["Lower"]) for line in known))
    assert widest or all(line["Reason"] == "FilteredOut" for line in review)
    assert all((line["Reason"] == "NoInterval") == (not line["Lower"]) for line in review if line["Prediction"])


def test_the_confidence_is_calibrated_and_the_prediction_is_the_models_own(data_bucket: Any) -> None:
    answers: Any = [("a", ["[0.2, 0.8]", repr(LABELS)])]

    _, [line], _ = judge(data_bucket, "BinaryClassification", answers, {}, TEMPERATURE)

    assert line["Prediction"] == LABELS[1]
    assert float(line["Confidence"]) == pytest.approx(0.8**0.4 / (0.8**0.4 + 0.2**0.4))


def test_intervals_are_those_of_the_predictions_region(data_bucket: Any) -> None:
    answers: Any = [("low", ["-3"]), ("edge", ["-1"]), ("mid", ["1.5"]), ("high", ["4"])]
    asked = {"Level": 0.9, "MaxIntervalWidth": {"Absolute": 1}}

    counts, accepted, review = judge(data_bucket, "Regression", answers, asked, INTERVALS)

    assert [list(line.values()) for line in accepted] == [["edge", "-1", "-1.5", "-0.5"], ["mid", "1.5", "1.0", "2.0"]]
    assert [list(line.values()) for line in review] == [
        ["low", "-3", "", "", "NoInterval"],
        ["high", "4", "0.75", "7.25", "WideInterval"],
    ]
    assert counts["Reasons"] == {"NoInterval": 1, "WideInterval": 1}
    assert counts["Widths"] == {"Rows": 3, "Sum": 8.5}


def test_a_calibration_of_another_model_is_told(data_bucket: Any) -> None:
    answers: Any = [("a", ["[0.2, 0.8]", "['red', 'blue']"])]

    with pytest.raises(PredictionMismatch, match="the endpoint answers red, blue"):
        judge(data_bucket, "BinaryClassification", answers, {}, TEMPERATURE)


@pytest.mark.parametrize(("anew", "threshold"), [(True, 0.7), (False, 0.5)])
def test_the_decision_that_was_worked_out_anew_holds(data_bucket: Any, anew: bool, threshold: float) -> None:
    write_json(data_bucket, CALIBRATION, {**TEMPERATURE, "Confidence": {"Threshold": 0.7}})
    rows = {"CalibrationUri": CALIBRATION, "Calibrate": anew, "Confidence": {"Threshold": 0.5}}

    rule = read_rule(data_bucket, {**rows, "ProblemType": "BinaryClassification"})

    assert rule.confidence == {"Threshold": threshold}
    assert (rule.method, rule.level) == ("Temperature", None)


def told_simply(answers: list[tuple[str, list[str] | None]], rule: Rule) -> tuple[bytes, bytes]:
    """Accepted and review, row by row and cell by cell."""
    accepted, review = [["name", "Prediction", "Confidence"]], [["name", "Prediction", "Confidence", "Reason"]]
    for name, cells in answers:
        if cells is None:
            review.append([name, "", "", "FilteredOut"])
            continue
        answer = NOT_PREDICTED
        if any(cells):
            numbers = tuple(float(cell) for cell in cells[0].strip().removeprefix("[").removesuffix("]").split(","))
            labels = tuple(str(label) for label in ast.literal_eval(cells[1]))
            answer = Answer(labels[numbers.index(max(numbers))], labels, numbers)
        decision = rule.judge(answer)
        line = [name, answer.prediction, "" if decision.confidence is None else repr(decision.confidence)]
        if decision.reason:
            review.append([*line, decision.reason])
        else:
            accepted.append(line)
    return csv_of(accepted), csv_of(review)


SPELLED = st.tuples(
    SHARE, st.sampled_from([repr, lambda pair: f" [{pair[0]!r},{pair[1]:.3e}] ", lambda pair: str(pair)])
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.lists(st.tuples(IDENTITY, st.none() | st.just("") | SPELLED), max_size=12),
    CLASSIFIED,
    st.sampled_from([None, TEMPERATURE, {"Method": "None", "Labels": LABELS, "Parameters": {}}]),
)
def test_reading_many_answers_at_once_changes_no_bit(
    data_bucket: Any, rows: list[Any], confidence: dict[str, Any], calibration: dict[str, Any] | None
) -> None:
    answers: list[tuple[str, list[str] | None]] = [
        (name, None if told is None else ["", ""] if told == "" else [told[1]([told[0], 1 - told[0]]), repr(LABELS)])
        for name, told in rows
    ]

    judge(data_bucket, "BinaryClassification", answers, confidence, calibration)

    uri = CALIBRATION if calibration else ""
    rows_document = {"CalibrationUri": uri, "Calibrate": False, "Confidence": confidence}
    rule = read_rule(data_bucket, {**rows_document, "ProblemType": "BinaryClassification"})
    found = read_bytes(data_bucket, OUTPUT.accepted(0)), read_bytes(data_bucket, OUTPUT.review(0))
    assert found == told_simply(answers, rule)


@pytest.mark.parametrize("problem_type", ["BinaryClassification", "Regression"])
def test_a_row_that_was_not_answered_is_for_a_person_even_where_all_are_accepted(
    data_bucket: Any, problem_type: str
) -> None:
    cells = ["1.5"] if problem_type == "Regression" else ["[0.2, 0.8]", repr(LABELS)]
    answers: Any = [("a", cells), ("b", [""] * len(cells)), ("c", cells)]

    counts, accepted, review = judge(data_bucket, problem_type, answers, {}, None)

    assert [line["name"] for line in accepted] == ["a", "c"]
    [line] = review
    assert (line["name"], line["Prediction"], line["Reason"]) == ("b", "", "NotPredicted")
    assert counts["Reasons"] == {"NotPredicted": 1}
