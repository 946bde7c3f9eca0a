import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ledger import FOLDER_VARIABLE, Ledger
from tests.sampling import sampled

NAMES = st.sets(st.text(min_size=1), min_size=2)


@settings(derandomize=True)
@given(names=NAMES, new=st.text(min_size=1), count=st.integers(1, 20))
def test_a_new_case_changes_at_most_one_place_of_the_sample(names: set[str], new: str, count: int) -> None:
    before, after = sampled(names, count), sampled(names | {new}, count)
    assert len(before) == min(count, len(names))
    assert len(after - before) <= 1
    assert after - before <= {new}


def test_the_ledger_has_one_line_per_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "ledger"))
    Ledger().note("Jobs", "stuck", "FailedCleanly", orphans={"endpoint b", "endpoint a"}, lost=1)
    Ledger().note("Jobs", "stopped", "Recovered")
    lines = (tmp_path / "ledger" / f"{os.getpid()}.jsonl").read_text().splitlines()
    assert [json.loads(line)["Case"] for line in lines] == ["stuck", "stopped"]
    assert json.loads(lines[0])["Orphans"] == ["endpoint a", "endpoint b"]
    assert json.loads(lines[0])["LostRows"] == 1


def test_without_a_folder_the_ledger_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    Ledger().note("Tasks", "throttled", "Recovered")
    assert list(tmp_path.iterdir()) == []
