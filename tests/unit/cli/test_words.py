"""What the command line makes of names, errors and times."""

import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from autoflow import logs
from autoflow.display import LineDisplay, LiveDisplay, duration
from autoflow.errors import RunError, UsageError
from autoflow.execution import Step, readable_name
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
    assert duration(seconds) == text


STEPS = [
    Step("Get AutoML Job"),
    Step("Get AutoML Job", "2 candidates, 0:00:01 of 0:30"),
    Step("Get AutoML Job"),
    Step("Get AutoML Job", "2 candidates, 0:00:02 of 0:30"),
    Step("Get AutoML Job", "3 candidates [bold]"),
    Step("Score Test Split"),
    Step("Prepare Rows", nested=True),
    Step("Score Dataset"),
    Step("Prepare Rows", nested=True),
]


def test_lines_repeat_nothing_but_tell_nested_states_again() -> None:
    file = io.StringIO()
    with LineDisplay(Console(file=file, width=40)) as display:
        for step in STEPS:
            display.show(step)
        display.end(succeeded=True)
    lines = [line.partition("] ")[2] for line in file.getvalue().splitlines()]
    assert lines == [
        "Get AutoML Job",
        "Get AutoML Job: 2 candidates, 0:00:01 of 0:30",
        "Get AutoML Job: 3 candidates [bold]",
        "Score Test Split",
        "  Prepare Rows",
        "Score Dataset",
        "  Prepare Rows",
        "Succeeded",
    ]


def test_the_live_list_has_one_row_per_state_with_its_newest_text() -> None:
    file = io.StringIO()
    console = Console(file=file, width=100, force_terminal=True, color_system=None)
    with LiveDisplay(console, "run-[x]") as display:
        for step in STEPS:
            display.show(step)
        display.end(succeeded=True)
    final = file.getvalue().split("✓ run-[x]")[-1]
    rows = [re.sub(r"\x1b\[[0-9;?]*\w", "", line).rstrip() for line in final.splitlines()[1:] if line.strip()]
    assert [re.sub(r"\s+\d+\.\d s\s*", "|", row).strip() for row in rows if "✓" in row] == [
        "✓ Get AutoML Job|3 candidates [bold]",
        "✓ Score Test Split|",
        "✓   Prepare Rows|",
        "✓ Score Dataset|",
        "✓   Prepare Rows|",
    ]


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
