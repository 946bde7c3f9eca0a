"""Whatever is killed, and whenever: the command says so once, the next one starts clean, and a new run works."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoflow.local import cloud as host
from autoflow.local import processes
from tests.faults.crashes import STARTING, Kill, Place, Struck, errors, kills, taken
from tests.faults.orphans import Holdings, orphans
from tests.ledger import Ledger
from tests.local.conftest import customers, read_csv, write_csv

ROWS, TOO_FEW = 700, 60
FULL_RUN_AFTER = 5
"""Every so many kills a whole run must come to its end; after the others one that its data end early."""
EVERYTHING = Holdings(frozenset())


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    chosen = host.free_port()
    yield chosen
    host.stop(chosen)


@pytest.fixture
def place(port: int, tmp_path: Path) -> Place:
    write_csv(tmp_path / "customers.csv", customers(ROWS))
    write_csv(tmp_path / "few.csv", customers(TOO_FEW))
    return Place(port, tmp_path)


@pytest.mark.timeout(1800)
@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("number", "kill"), [*enumerate(kills())], ids=[f"{n:02}-{one}" for n, one in enumerate(kills())]
)
def test_a_kill_leaves_nothing_behind_and_the_next_run_works(
    number: int, kill: Kill, place: Place, ledger: Ledger
) -> None:
    if kill.stage in STARTING:
        host.stop(place.port)
    with place.command(*place.run("customers.csv", "--output", "out")) as command:
        struck = place.strike(kill, command)
        status = command.ended()
    check_what_it_said(kill, struck, status, command.said)
    if kill.victim == "command" and kill.stage not in STARTING:
        stop_by_hand(place, command.said)

    with place.command("up") as starting:
        assert (starting.ended(), errors(starting.said)) == (0, []), starting.said
    assert kill.victim != "cloud" or not struck.hit or place.mark != struck.mark
    left = [*orphans_in(place), *left_of(struck, place)]
    lost, duplicated = check_a_new_run(place, whole=number % FULL_RUN_AFTER == 0)
    left += place.half_files()
    ledger.note(
        "Crashes",
        f"{number:02} {kill}",
        "FailedCleanly" if status else "Recovered",
        orphans=left,
        lost=lost,
        duplicated=duplicated,
    )
    assert (left, lost, duplicated) == ([], 0, 0)


def check_what_it_said(kill: Kill, struck: Struck, status: int, said: str) -> None:
    """One error and a status that is not 0, or all went well; and never a traceback."""
    assert "Traceback" not in said
    if kill.victim == "command":
        assert status == (-9 if struck.hit else 0), said
    elif status:
        assert status == 1, said
        assert len(errors(said)) == 1, said
    else:
        assert kill.victim != "cloud" or not struck.hit or struck.late, said


def stop_by_hand(place: Place, said: str) -> None:
    """What nobody looks at any more goes on; somebody ends it, unless it has ended."""
    name = re.search(r"Run (\S+) in the", said)
    if not name:
        return
    with place.command("stop", name[1]) as stopping:
        if stopping.ended():
            assert "had ended (SUCCEEDED)" in stopping.said, stopping.said


def orphans_in(place: Place) -> list[str]:
    """Of the cloud that runs now, in which nothing but whole runs should have left anything."""
    cloud = host.find(place.port)
    assert cloud
    return orphans(cloud, EVERYTHING)


def left_of(struck: Struck, place: Place) -> list[str]:
    """What there still is of a former cloud, when another one has started."""
    if place.mark == struck.mark:
        return []
    left = [f"process {process.pid}" for process in processes.find(struck.mark)]
    return left + [f"port {port}" for port in taken(struck.ports - {place.port})]


def check_a_new_run(place: Place, whole: bool) -> tuple[int, int]:
    """Rows that it lost and rows that it has twice."""
    data = "customers.csv" if whole else "few.csv"
    with place.command(*place.run(data, "--output", "out")) as running:
        status = running.ended()
    if not whole:
        assert (status, len(errors(running.said))) == (2, 1), running.said
        assert "at least" in running.said
        return 0, 0
    assert status == 0, running.said
    result = json.loads((place.output / "result.json").read_text())
    found = Counter(row["customer"] for name in ("accepted.csv", "review.csv") for row in read_csv(place.output / name))
    return max(0, result["Scoring"]["Rows"] - len(found)), sum(found.values()) - len(found)
