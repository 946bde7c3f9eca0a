"""Every fault of every group, and what came of it: ``make faults``, or ``python -m benchmarks.faults [test file …]``.

Runs the fault tests in full, one file after the other, while each notes what it observed (``tests/ledger.py``), and
prints the table. When all files were run and everything held, the table goes into docs/reliability.md.

Ends with status 1 when a test failed, a group has no case, or something was left behind, lost or duplicated.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import psutil

from benchmarks.measuring import ROOT, table
from tests.ledger import FOLDER_VARIABLE, GROUPS
from tests.sampling import OPTION

PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- make faults: begin -->", "<!-- make faults: end -->"
HEADER = ("faults of", "cases", "recovered", "failed cleanly", "orphans", "lost rows", "duplicated rows")
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


def run(file: str, folder: Path) -> int:
    """Run one file's tests in full, with what they print, and return how many did not pass.

    Args:
        file: path in the project.
        folder: the ledger's.
    """
    report = folder / f"{Path(file).stem}.xml"
    options = ["-q", "-p", "no:cacheprovider", OPTION, f"--junitxml={report}", "-o", f"timeout={SECONDS_PER_TEST}"]
    status = subprocess.run(
        [sys.executable, "-m", "pytest", file, *options],
        cwd=ROOT,
        env={**os.environ, FOLDER_VARIABLE: str(folder)},
        check=False,
    ).returncode
    if not report.exists():
        return 1
    suites = ElementTree.parse(report).getroot().iter("testsuite")
    failed = sum(int(suite.get("failures", 0)) + int(suite.get("errors", 0)) for suite in suites)
    return failed or int(status != 0)


def read_ledger(folder: Path) -> list[Line]:
    """All lines, those of the file that was written last at the end."""
    files = sorted(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
    return [json.loads(line) for path in files for line in path.read_text().splitlines()]


def machine() -> str:
    """On what it ran."""
    memory = f"{psutil.virtual_memory().total / 1024**3:.0f} GiB"
    python = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    return f"{os.cpu_count()} cores ({platform.machine()}), {memory}, {platform.system()}, {python}"


def main(files: Sequence[str]) -> int:
    """Run the files, or all, and tell."""
    chosen, began, failed = list(files) or fault_tests(), time.monotonic(), {}
    with tempfile.TemporaryDirectory() as name:
        for number, file in enumerate(chosen, 1):
            print(f"\n{file} ({number} of {len(chosen)})", flush=True)
            failed[file] = run(file, Path(name))
        found = counts(read_ledger(Path(name)))
    text = table(HEADER, [one.row for one in found])
    print(f"\n{text}\n")
    for file, number in failed.items():
        if number:
            print(f"{file}: {number} did not pass", file=sys.stderr)
    held = found[-1].spotless and not any(failed.values())
    if not files and (without := [one.group for one in found if not one.cases]):
        print(f"no case was noted of {', '.join(without)}", file=sys.stderr)
        held = False
    if held and not files:
        minutes = (time.monotonic() - began) / 60
        said = f"`make faults`, {minutes:.0f} minutes on {machine()}, {datetime.now(UTC):%Y-%m-%d}:"
        PAGE.write_text(published(PAGE.read_text(), f"{said}\n\n{text}"))
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
