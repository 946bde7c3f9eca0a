"""What `make faults` makes of a ledger."""

from typing import Any

import pytest

from benchmarks.faults import BEGIN, END, counts, fault_tests, published
from benchmarks.measuring import ROOT


def line(group: str, case: str, outcome: str = "Recovered", **changes: Any) -> dict[str, Any]:
    return {
        "Group": group,
        "Case": case,
        "Outcome": outcome,
        "Orphans": [],
        "LostRows": 0,
        "DuplicatedRows": 0,
        **changes,
    }


LINES = [
    line("Tasks", "throttled"),
    line("Tasks", "denied", "FailedCleanly"),
    line("Jobs", "stuck", "FailedCleanly", Orphans=["endpoint e", "model m"], LostRows=3),
    line("Jobs", "stuck", "FailedCleanly", Orphans=["endpoint e"], DuplicatedRows=1),
]


def test_every_group_has_a_row_and_a_case_counts_as_it_ended_last() -> None:
    found = {one.group: one for one in counts(LINES)}
    assert list(found) == ["Tasks", "AWS calls", "Jobs", "Executions", "Crashes", "all"]
    assert found["Tasks"].row == ("Tasks", "2", "1", "1", "0", "0", "0")
    assert found["Executions"].row == ("Executions", "0", "0", "0", "0", "0", "0")
    assert found["all"].row == ("all", "3", "1", "2", "1", "0", "1")
    assert found["Tasks"].spotless
    assert not found["Jobs"].spotless
    assert not found["all"].spotless


def test_the_table_takes_the_place_of_the_last_one() -> None:
    page = f"# Title\n\n{BEGIN}\nold\n{END}\n\nAfter.\n"
    assert published(page, "new") == f"# Title\n\n{BEGIN}\nnew\n{END}\n\nAfter.\n"
    assert published(published(page, "new"), "newer") == published(page, "newer")
    with pytest.raises(ValueError, match="no <!-- make faults"):
        published("# Title\n", "new")


def test_the_page_has_a_place_for_it() -> None:
    assert published((ROOT / "docs" / "reliability.md").read_text(), "new").count("new") >= 1


def test_whatever_tests_of_faults_there_are_is_run() -> None:
    assert {"tests/statemachine/test_faults.py", "tests/faults/test_jobs.py"} <= set(fault_tests())
