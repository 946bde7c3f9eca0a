"""What the command line makes of names, errors and times."""

import io
import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from autoflow import logs, news, wording
from autoflow.display import LineDisplay, LiveDisplay
from autoflow.errors import RunError, UsageError
from autoflow.execution import Step, readable_name
from autoflow.progress import RowProgress
from autoflow.run import readable


@pytest.mark.parametrize(
    ("data", "target", "begin"),
    [
        ("abalone.csv", "Rings", "abalone-rings-"),
        ("s3://bucket/folder/Bank Data.csv.gz", "y", "bank-data-y-"),
        ("some/folder/", "Größe (cm)", "folder-gr-e-cm-"),
        ("a-very-long-file-name.csv", "target", "a-very-long-file-"),
        ("数据.csv", "目标", "run-"),
    ],
)
def test_an_execution_is_named_after_file_and_target(data: str, target: str, begin: str) -> None:
    name = readable_name(data, target)
    assert re.fullmatch(re.escape(begin) + "[0-9a-f]{6}", name)


@given(st.text(), st.text())
def test_every_name_is_valid_and_fits_whole_into_the_runs_name(data: str, target: str) -> None:
    name = readable_name(data, target)
    assert re.fullmatch(r"[a-z0-9](-*[a-z0-9])*", name)
    assert len(name) <= 23


def test_the_same_run_twice_gets_two_names() -> None:
    assert len({readable_name("a.csv", "y") for _ in range(20)}) == 20


@pytest.mark.parametrize(
    ("cause", "text"),
    [
        ("plain text", "plain text"),
        (json.dumps({"errorMessage": "no rows", "errorType": "InvalidDataset"}), "no rows"),
        (json.dumps({"Error": "E", "Cause": json.dumps({"errorMessage": "deep"})}) + " And more.", "deep And more."),
        ('{"other": 1} stays', '{"other": 1} stays'),
        ("an { that opens nothing", "an { that opens nothing"),
    ],
)
def test_causes_are_unwrapped(cause: str, text: str) -> None:
    assert readable(cause) == text


@given(st.text())
def test_any_cause_can_be_shown(cause: str) -> None:
    assert readable(json.dumps({"Cause": cause})) in (readable(cause), json.dumps({"Cause": cause}))


def test_bad_input_and_failed_runs_have_different_exit_statuses() -> None:
    assert RunError("InvalidDataset", "…", "run").exit_status == 2
    assert RunError("InvalidRequest", "…", "run").exit_status == 2
    assert RunError("EndpointFailed", "…", "run").exit_status == 1
    assert UsageError("…").exit_status == 2


def test_a_failure_is_a_document() -> None:
    assert RunError("EndpointFailed", "why", "abc").document() == {
        "Run": "abc",
        "Outcome": "Failed",
        "Error": "EndpointFailed",
        "Cause": "why",
    }


@pytest.mark.parametrize(("seconds", "text"), [(0.9, "0:00"), (67, "1:07"), (3600, "1:00:00"), (86399, "23:59:59")])
def test_durations(seconds: float, text: str) -> None:
    assert wording.duration(seconds) == text


BEGAN = time.time() - 90
STEPS = [
    Step("Get AutoML Job", at=BEGAN + 10),
    Step("Get AutoML Job", "2 candidates, 0:00:01 of 0:30", at=BEGAN + 11),
    Step("Get AutoML Job", at=BEGAN + 12),
    Step("Get AutoML Job", "2 candidates, 0:00:02 of 0:30", at=BEGAN + 12),
    Step("Get AutoML Job", "3 candidates [bold]", at=BEGAN + 13),
    Step("Score Test Split", at=BEGAN + 14),
    Step("Prepare Rows", parent="Score Test Split", at=BEGAN + 15),
    Step("Score Dataset", at=BEGAN + 75),
    Step("Prepare Rows", parent="Score Dataset", at=BEGAN + 76),
    Step("Filter Predictions", parent="Score Dataset", at=BEGAN + 77),
]


def test_lines_repeat_nothing_but_tell_nested_states_again() -> None:
    file = io.StringIO()
    with LineDisplay(Console(file=file, width=40), began=BEGAN) as display:
        for step in STEPS:
            display.show(step)
        display.end("Rejected")
    lines = [line.partition("] ") for line in file.getvalue().splitlines()]
    assert [text for _, _, text in lines] == [
        "Get AutoML Job",
        "Get AutoML Job: 2 candidates, 0:00:01 of 0:30",
        "Get AutoML Job: 3 candidates [bold]",
        "Score Test Split",
        "  Prepare Rows",
        "Score Dataset",
        "  Prepare Rows",
        "  Filter Predictions",
        "Rejected",
    ]
    # Whoever comes later sees when it was, not when he came.
    assert [time for time, _, _ in lines][:6] == [f"[   0:{second}" for second in (10, 11, 13, 14, 15)] + ["[   1:15"]


def screen(output: str) -> list[str]:
    """What a terminal shows in the end; ``|`` instead of a duration."""
    lines, row = [""], 0
    for count, code, break_, text in re.findall(r"\x1b\[([0-9;?]*)(\w)|([\r\n])|([^\x1b\r\n]+)", output):
        if code == "A":
            row -= int(count)
        elif code == "K" or text:
            lines[row] = text
        elif break_ == "\n":
            row += 1
            lines += [""] * (row == len(lines))
    return [re.sub(r"\s+(\d+\.\d s|\d+(?::\d\d)+)\s*", "|", line.rstrip()) for line in lines if line.strip()]


def test_what_is_over_has_one_line_and_what_is_under_way_shows_what_is_nested_in_it() -> None:
    file = io.StringIO()
    console = Console(file=file, width=100, force_terminal=True, color_system=None)
    with LiveDisplay(console, "run-[x]", began=BEGAN) as display:
        for step in STEPS:
            display.show(step)
        display.live.refresh()
        assert [line.split(maxsplit=1)[1] for line in screen(file.getvalue())[:-1]] == [
            "Get AutoML Job|3 candidates [bold]",
            "Score Test Split|",
            "Score Dataset|",
            "Prepare Rows|",
            "Filter Predictions|",
        ]
        display.end("Completed")
    shown = screen(file.getvalue())
    assert shown[:-1] == ["✓ Get AutoML Job|3 candidates [bold]", "✓ Score Test Split|", "✓ Score Dataset|"]
    assert shown[-1].startswith("✓ run-[x]")


@pytest.mark.parametrize(
    ("outcome", "head", "last"),
    [("Completed", "✓", "✓"), ("Rejected", "•", "✓"), ("RolledBack", "•", "✓"), ("Failed", "✗", "✗")],
)
def test_the_outcome_is_to_be_seen_at_the_end(outcome: str, head: str, last: str) -> None:
    file = io.StringIO()
    with LiveDisplay(Console(file=file, width=100, force_terminal=True, color_system=None), "r", 0) as display:
        display.show(Step("Score Dataset", at=time.time()))
        display.end(outcome)
    shown = screen(file.getvalue())
    assert shown[:2] == [f"{last} Score Dataset|", f"{head} r|"]


def test_the_state_that_failed_is_the_one_before_clean_up() -> None:
    file = io.StringIO()
    with LiveDisplay(Console(file=file, width=100, force_terminal=True, color_system=None), "r", 0) as display:
        display.show(Step("Transform Data"))
        display.show(Step("Clean Up"))
        display.end("Failed")
    assert "✗ Transform Data|" in screen(file.getvalue())


ROWS = [
    RowProgress(0, 1200),
    RowProgress(100, 1200),
    RowProgress(400, 1200, 52.4, 75.9),
    RowProgress(1200, 1200, 60.0, 0.0),
]


def test_rows_that_are_done_are_a_bar_below_the_state() -> None:
    file = io.StringIO()
    with LiveDisplay(Console(file=file, width=80, force_terminal=True, color_system=None), "r", 0) as display:
        display.show(Step("Score Parts", at=time.time()))
        for progress, told in zip(
            ROWS, ("0 of 1,200 rows", "100 of", "400 of 1,200 rows, 52 rows/s,|left", "60 rows/s"), strict=True
        ):
            display.measure(progress)
            display.live.refresh()
            bar = screen(file.getvalue())[1]
            assert told in bar
            assert ("\u2501" in bar) == (progress.done > 0)
        display.end("Completed")
    assert screen(file.getvalue())[1].rstrip().endswith("1,200 of 1,200 rows, 60 rows/s")


def test_rows_that_are_done_are_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    file, now = io.StringIO(), 1000.0
    monkeypatch.setattr(time, "time", lambda: now)
    with LineDisplay(Console(file=file, width=40), began=now) as display:
        for now in range(1000, 1400):
            display.measure(RowProgress(now - 1000, 1000))
        now = 1401
        display.measure(RowProgress(1000, 1000, 2.5, 0.0))
        display.measure(RowProgress(1000, 1000, 2.5, 0.0))
    lines = [line.partition("] ")[2].strip() for line in file.getvalue().splitlines()]
    at = [int(line.split()[0]) for line in lines[:-1]]
    assert at[:3] == [1, 11, 21]
    assert at[-1] - at[-2] >= 18  # the longer it takes, the more rarely
    assert lines[-1] == "1,000 of 1,000 rows, 2.5 rows/s"


EVALUATED = {
    "Accepted": True,
    "Reason": "",
    "Rows": 120,
    "Metrics": {"AUC": 0.91234, "F1": 0.8},
    "Comparison": {
        "Metric": "AUC", "Challenger": 0.91234, "Champion": 0.9, "Difference": 0.01234, "Lower": -0.001, "Upper": 0.02
    },
}  # fmt: skip


SERVING = {"ModelName": "churn-1", "EndpointName": "churn", "Engine": "Endpoint", "Ready": True, "Keep": False}


@pytest.mark.parametrize(
    ("state", "document", "text"),
    [
        (
            "Transform Data",
            {"Data": {"Decided": "Regression.", "Rows": {"Train": 1200, "Test": 90}}},
            "Regression. rows: 1,200 to learn from, 90 for the test",
        ),
        ("Find Previous Model", {"Previous": {"Found": False}}, ""),
        ("Find Previous Model", {"Previous": {"Found": True, "Run": "a-1"}}, "a-1"),
        (
            "Calibrate Model",
            {"Calibration": {"Method": "Temperature", "Rows": 180, "Confidence": {"Threshold": 0.5}}},
            "Temperature, from 180 rows; confidence from 0.5",
        ),
        (
            "Calibrate Model",
            {"Calibration": {"Method": "None", "Rows": 50, "Confidence": {"Level": 0.99, "Note": "Too few rows"}}},
            "Too few rows",
        ),
        (
            "Calibrate Model",
            {"Calibration": {"Method": "None", "Rows": 50, "Confidence": {}}},
            "probabilities stay as they are, from 50 rows",
        ),
        ("Find Champion", {"Champion": {"Exists": False}}, "none yet"),
        (
            "Find Champion",
            {"Champion": {"Exists": True, "Run": "a-1", "Reason": "other columns"}},
            "a-1: other columns",
        ),
        (
            "Evaluate Model",
            {"Candidate": {"Metric": "AUC"}, "Evaluation": {**EVALUATED, "Comparison": None}},
            "accepted; AUC 0.9123 on 120 test rows",
        ),
        (
            "Evaluate Model",
            {"Candidate": {"Metric": "AUC"}, "Evaluation": EVALUATED},
            "accepted; AUC 0.9123 against the champion's 0.9, better by 0.01234 "
            "(95 % interval of the gain: -0.001 to +0.02)",
        ),
        ("Evaluate Model", {"Evaluation": {"Accepted": False, "Reason": "RMSE is 4"}}, "rejected: RMSE is 4"),
        (
            "Register Model",
            {"Package": {"Version": 3, "GroupName": "churn", "ApprovalStatus": "PendingManualApproval"}},
            "version 3 of churn, PendingManualApproval",
        ),
        ("Wait for Approval", {"Approval": {"Status": "Rejected", "Reason": "no"}}, "no"),
        ("Wait for Approval", {"Approval": {"Status": "Approved", "Reason": ""}}, "Approved"),
        ("Wait for Approval", {"ApprovalError": {"Error": "States.Timeout"}}, "nobody answered in time"),
        ("Deploy Model", {"Deployment": {"Outcome": "InService"}}, ""),
        ("Deploy Model", {"Deployment": {"Outcome": "RolledBack", "Reason": "5xx"}}, "RolledBack: 5xx"),
        ("Write Report", {"Report": {}}, ""),
        ("Find Model", {"Serving": SERVING}, "churn-1 on endpoint churn"),
        (
            "Find Model",
            {"Serving": {**SERVING, "Ready": False, "EndpointName": "new-2"}},
            "churn-1; endpoint new-2 is made for it and is removed afterwards",
        ),
        (
            "Find Model",
            {"Serving": {**SERVING, "Ready": False, "Keep": True}},
            "churn-1; endpoint churn is made for it and stays",
        ),
        ("Find Model", {"Serving": {**SERVING, "Engine": "BatchTransform"}}, "churn-1 by batch transform"),
        ("Find Model", {"Serving": {}}, ""),
        ("Prepare Rows", {"Rows": {"Rows": 1200, "PartCount": 1, "PartsToScore": 1}}, "1,200 rows in 1 part"),
        (
            "Prepare Rows",
            {"Rows": {"Rows": 1200, "PartCount": 3, "PartsToScore": 1, "IgnoredColumns": ["a", "b"]}},
            "1,200 rows in 3 parts, of which 2 were finished before; the model does not know a, b",
        ),
        ("Get Transform Job", {"TransformJob": {"Status": "InProgress"}}, "InProgress"),
    ],
)
def test_states_have_something_to_say(state: str, document: dict[str, object], text: str) -> None:
    assert news.told(state, json.dumps(document)) == text
    # A state may be left in other ways than expected; that is no reason to stop looking.
    assert news.told(state, "") == news.told(state, "[]")


PROMISE = {"TargetPrecision": 0.95, "Certainty": 0.9, "Precision": 0.975, "Coverage": 0.81}


@pytest.mark.parametrize(
    ("confidence", "text"),
    [
        ({}, ""),
        ({"Threshold": 0.9}, "confidence from 0.9"),
        ({**PROMISE, "Threshold": 0.71}, "confidence from 0.71 promises at least 95 % right, 90 % certain"),
        ({**PROMISE, "Threshold": None}, "no confidence promises at least 95 % right, 90 % certain"),
        ({"Level": 0.9}, "90 % intervals"),
        ({"Level": 0.9, "MaxIntervalWidth": {"Absolute": 3}}, "90 % intervals at most 3 wide"),
        ({"Level": 0.9, "MaxIntervalWidth": {"Relative": 0.2}}, "90 % intervals at most 20 % of the prediction wide"),
    ],
)
def test_a_decision_in_words(confidence: dict[str, object], text: str) -> None:
    assert wording.decision(confidence) == text


@pytest.mark.parametrize(
    ("difference", "text"),
    [
        (0.5, "RMSE 2 against the champion's 2.5, better by 0.5"),
        (-0.5, "RMSE 2 against the champion's 2.5, worse by 0.5"),
        (0, "RMSE 2 against the champion's 2.5, as good"),
        (None, ""),
    ],
)
def test_a_comparison_in_words(difference: float | None, text: str) -> None:
    document = {"Metric": "RMSE", "Challenger": 2, "Champion": 2.5, "Difference": difference}
    assert wording.comparison(document) == text


@pytest.mark.parametrize(
    ("function", "text"),
    [
        ("autoflow-TransformDataFunction-1A2B", "TransformData"),
        ("prod-CleanUpFunction-x", "CleanUp"),
        ("something", "something"),
    ],
)
def test_functions_are_shown_by_what_they_do(function: str, text: str) -> None:
    assert logs.short(function) == text
