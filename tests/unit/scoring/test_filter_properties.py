"""What the confidence filter does with any predictions: each row is accepted or in review, once, in order."""

import csv
import io
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automl.run_files import ScoringFiles
from automl.scoring.predictions import filter_part
from automl.storage import read_bytes, write_bytes, write_json

BINARY, REGRESSION = "BinaryClassification", "Regression"
URI = "s3://data-bucket/scorings/any/"
KEYS = {BINARY: ["predicted_label", "probabilities", "labels"], REGRESSION: ["prediction"]}
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)
SHARES = st.floats(0, 1)
Rows = list[tuple[str, float | None, bool]]
ROWS = st.lists(st.tuples(NAMES, st.none() | SHARES, st.booleans()), min_size=1, max_size=20)
"""Id, the probability of "yes" (or the predicted number; None: no answer), whether the Filter took the row out."""
ON_MOTO = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


def prepared(s3: Any, problem_type: str, rows: Rows, confidence: dict[str, Any], *, identity: bool) -> dict[str, Any]:
    """``$.Rows`` of a scoring with one part, whose raw predictions are there."""
    files = ScoringFiles(URI)
    answers, skipped = [["Row", "Id", "Truth", *KEYS[problem_type]]], [["Row", "Id", "Truth", "Reason"]]
    for number, (name, share, out) in enumerate(rows):
        if out:
            skipped.append([str(number), name, "", "FilteredOut"])
        elif share is None:
            answers.append([str(number), name, "", *("" for _ in KEYS[problem_type])])
        elif problem_type == REGRESSION:
            answers.append([str(number), name, "", repr(share)])
        else:
            answers.append([str(number), name, "", "x", repr([1 - share, share]), "['no', 'yes']"])
    write_bytes(s3, files.predictions(0), table(answers))
    write_bytes(s3, files.skipped(0), table(skipped))
    regions = [
        {"From": None, "To": 0.25, "Rows": 99, "HalfWidth": 0.1},
        {"From": 0.25, "To": 0.75, "Rows": 99, "HalfWidth": 0.3},
        {"From": 0.75, "To": None, "Rows": 3, "HalfWidth": None},
    ]
    calibration = {"Method": "SplitConformal", "Intervals": {"Level": 0.9, "Regions": regions}, "Confidence": {}}
    uri = write_json(s3, f"{URI}calibration.json", calibration) if problem_type == REGRESSION else ""
    return {
        "PredictionsUri": URI,
        "OutputUri": URI,
        "IdColumn": "name" if identity else "",
        "ProblemType": problem_type,
        "ResponseKeys": KEYS[problem_type],
        "Confidence": confidence,
        "CalibrationUri": uri,
        "Calibrate": False,
    }


def table(rows: list[list[str]]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue().encode()


def read(s3: Any, uri: str) -> list[list[str]]:
    _, *rows = csv.reader(io.StringIO(read_bytes(s3, uri).decode(), newline=""))
    return rows


def filtered(s3: Any, *given_: Any, **how: Any) -> tuple[list[list[str]], list[list[str]], dict[str, Any]]:
    counts = filter_part(s3, prepared(s3, *given_, **how), 0)
    files = ScoringFiles(URI)
    return read(s3, files.accepted(0)), read(s3, files.review(0)), counts


CONFIDENCES = [
    (BINARY, {}),
    (BINARY, {"Threshold": 0.7}),
    (BINARY, {"Threshold": None}),
    (REGRESSION, {}),
    (REGRESSION, {"MaxIntervalWidth": {"Absolute": 0.5}}),
    (REGRESSION, {"MaxIntervalWidth": {"Relative": 0.9}}),
]


@pytest.mark.parametrize(("problem_type", "confidence"), CONFIDENCES)
@ON_MOTO
@given(rows=ROWS)
def test_each_row_is_accepted_or_in_review_once_and_in_order(
    problem_type: str, confidence: dict[str, Any], rows: Rows, data_bucket: Any
) -> None:
    accepted, review, counts = filtered(data_bucket, problem_type, rows, confidence, identity=False)
    numbers = [[int(row[0]) for row in found] for found in (accepted, review)]
    assert all(found == sorted(found) for found in numbers)
    assert sorted([*numbers[0], *numbers[1]]) == list(range(len(rows)))
    assert (counts["Accepted"], counts["Review"], counts["Rows"]) == (len(accepted), len(review), len(rows))
    assert sum(counts["Reasons"].values()) == len(review)
    assert all(row[-1] for row in review), "each has a reason"
    unanswered = {number for number, (_, share, out) in enumerate(rows) if out or share is None}
    assert not unanswered & set(numbers[0])
    assert math.isfinite(counts["Widths"]["Sum"])


@ON_MOTO
@given(rows=ROWS)
def test_the_id_of_each_row_stays_with_it(rows: Rows, data_bucket: Any) -> None:
    accepted, review, _ = filtered(data_bucket, BINARY, rows, {"Threshold": 0.7}, identity=True)
    surely = [name for name, share, out in rows if not out and share is not None and max(share, 1 - share) >= 0.7]
    assert [row[0] for row in accepted] == surely
    assert len(review) == len(rows) - len(surely)


@ON_MOTO
@given(rows=ROWS, thresholds=st.lists(st.floats(0.01, 1), min_size=2, max_size=2).map(sorted))
def test_a_higher_threshold_accepts_no_other_row(rows: Rows, thresholds: list[float], data_bucket: Any) -> None:
    low, high = (
        {row[0] for row in filtered(data_bucket, BINARY, rows, {"Threshold": threshold}, identity=False)[0]}
        for threshold in thresholds
    )
    assert high <= low
