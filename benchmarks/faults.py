"""Every fault of every group, and what came of it: ``make faults``, or ``python -m benchmarks.faults [test file …]``.

Runs the fault tests in full, one file after the other, while each notes what it observed (``tests/ledger.py``) in a
folder of its own below build/faults, and prints the table of all that is noted there. It takes hours: files may be run
by themselves, also at the same time, and what has passed is not run again until ``make clean``. When nothing failed and
everything held, the table goes into docs/reliability.md, with what is still to be run.

Ends with status 1 when a test failed or is still to be run, a group has no case, or something was left behind, lost or
duplicated.
"""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import psutil
import pytest

from benchmarks import goes
from benchmarks.measuring import ROOT, table
from tests.ledger import FOLDER_VARIABLE, GROUPS
from tests.sampling import OPTION

PAGE = ROOT / "docs" / "reliability.md"
RESULTS = ROOT / "build" / "faults"
"""A folder for each file of tests: the ledger, pytest's report, and when all was over the :class:`Outcome`."""
BEGIN, END = "<!-- make faults: begin -->", "<!-- make faults: end -->"
HEADER = ("faults of", "cases", "recovered", "failed cleanly", "orphans", "lost rows", "duplicated rows")
_OUTCOME = "outcome.json"
_WELL = (pytest.ExitCode.OK, pytest.ExitCode.INTERRUPTED, pytest.ExitCode.NO_TESTS_COLLECTED)
"""All passed, somebody pressed Ctrl-C, or all had passed before."""
SECONDS_PER_TEST = 3600
"""No test waits for itself: those that share a local cloud wait until it has run what the others ordered."""

Line = Mapping[str, Any]


@dataclass(frozen=True)
class Count:
    """What came of one group's cases, or of all."""

    group: str
    cases: int
    recovered: int
    failed_cleanly: int
    orphans: int
    lost: int
    duplicated: int

    @property
    def spotless(self) -> bool:
        return not (self.orphans or self.lost or self.duplicated)

    @property
    def row(self) -> tuple[str, ...]:
        numbers = (self.cases, self.recovered, self.failed_cleanly, self.orphans, self.lost, self.duplicated)
        return (self.group, *(f"{number:,}" for number in numbers))


def count(group: str, lines: Iterable[Line]) -> Count:
    """The sums over a ledger's lines. A case that was noted again counts once, as it ended last."""
    cases = {(line["Group"], line["Case"]): line for line in lines}.values()
    return Count(
        group,
        cases=len(cases),
        recovered=sum(line["Outcome"] == "Recovered" for line in cases),
        failed_cleanly=sum(line["Outcome"] == "FailedCleanly" for line in cases),
        orphans=sum(len(line["Orphans"]) for line in cases),
        lost=sum(line["LostRows"] for line in cases),
        duplicated=sum(line["DuplicatedRows"] for line in cases),
    )


def counts(lines: Sequence[Line]) -> list[Count]:
    """Of every group, those without a case too, and of all."""
    return [*(count(name, [line for line in lines if line["Group"] == name]) for name in GROUPS), count("all", lines)]


def published(page: str, text: str) -> str:
    """The page with the text between its markers.

    Raises:
        ValueError: the page has no markers.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def fault_tests() -> list[str]:
    """The machines' tests first, they are the fastest; then whatever tests of faults there are."""
    found = sorted((ROOT / "tests" / "faults").glob("test_*.py"))
    return ["tests/statemachine/test_faults.py", *(str(path.relative_to(ROOT)) for path in found)]


@dataclass(frozen=True)
class Outcome:
    """How a file's tests ended, in all goes together."""

    file: str
    """Path in the project."""
    tests: int
    passed: int
    failed: int
    """In the last go."""
    minutes: float
    machine: str
    date: str
    """Of the last go."""


def folder_of(file: str) -> Path:
    """Where the file's tests note what they observe."""
    return RESULTS / Path(file).stem


def run(file: str) -> None:
    """Run one file's tests that have not passed yet, with what they print, and note how they ended.

    Args:
        file: path in the project.
    """
    folder, began, before = folder_of(file), time.monotonic(), read_outcome(file)
    folder.mkdir(parents=True, exist_ok=True)
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    options = ["-q", "-p", "no:cacheprovider", "-p", goes.__name__, OPTION, f"--junitxml={report}"]
    status = subprocess.run(
        [sys.executable, "-m", "pytest", file, *options, "-o", f"timeout={SECONDS_PER_TEST}"],
        cwd=ROOT,
        env={**os.environ, FOLDER_VARIABLE: str(folder)},
        check=False,
    ).returncode
    suites = list(ElementTree.parse(report).getroot().iter("testsuite")) if report.exists() else []
    failed = sum(int(suite.get("failures", 0)) + int(suite.get("errors", 0)) for suite in suites)
    outcome = Outcome(
        file,
        tests=len(goes.read(folder, goes.ALL)),
        passed=len(goes.read(folder, goes.PASSED)),
        failed=failed or int(status not in _WELL),
        minutes=round((before.minutes if before else 0) + (time.monotonic() - began) / 60, 1),
        machine=machine(),
        date=f"{datetime.now(UTC):%Y-%m-%d}",
    )
    (folder / _OUTCOME).write_text(json.dumps(asdict(outcome), indent=2) + "\n")


def read_outcome(file: str) -> Outcome | None:
    """None for a file that was never run."""
    path = folder_of(file) / _OUTCOME
    return Outcome(**json.loads(path.read_text())) if path.exists() else None


def read_ledger(folder: Path) -> list[Line]:
    """All lines, those of the process that wrote last at the end."""
    files = sorted(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
    return [json.loads(line) for path in files for line in path.read_text().splitlines()]


def machine() -> str:
    """On what it ran."""
    memory = f"{psutil.virtual_memory().total / 1024**3:.0f} GiB"
    python = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    return f"{os.cpu_count()} cores ({platform.machine()}), {memory}, {platform.system()}, {python}"


def caption(outcomes: Sequence[Outcome]) -> str:
    """By which command, on what, when, and how long."""
    days = sorted({one.date for one in outcomes})
    machines = " and ".join(sorted({one.machine for one in outcomes}))
    hours = sum(one.minutes for one in outcomes) / 60
    return f"`make faults`, {hours:.1f} hours on {machines}, {' to '.join(dict.fromkeys((days[0], days[-1])))}"


def main(files: Sequence[str]) -> int:
    """Run the files, or all, and tell."""
    chosen = list(files) or fault_tests()
    for number, file in enumerate(chosen, 1):
        print(f"\n{file} ({number} of {len(chosen)})", flush=True)
        run(file)
    outcomes = [one for file in fault_tests() if (one := read_outcome(file))]
    found = counts([line for one in outcomes for line in read_ledger(folder_of(one.file))])
    text = table(HEADER, [one.row for one in found])
    print(f"\n{text}\n")
    open_ = [
        f"{one.tests - one.passed} of {one.tests} tests of `{one.file}`" for one in outcomes if one.passed < one.tests
    ]
    open_ += [f"`{file}`" for file in fault_tests() if file not in {one.file for one in outcomes}]
    failed = [f"{one.file}: {one.failed} did not pass" for one in outcomes if one.failed]
    print("\n".join([*failed, *(f"still to be run: {one}" for one in open_)]), file=sys.stderr)
    if failed or not found[-1].spotless:
        return 1
    still = f" (still to be run: {'; '.join(open_)})" if open_ else ""
    PAGE.write_text(published(PAGE.read_text(), f"{caption(outcomes)}{still}:\n\n{text}"))
    return 0 if not open_ and all(one.cases for one in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
