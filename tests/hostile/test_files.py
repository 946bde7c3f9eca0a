"""Every hostile file ends in its rows or in one named error, within the functions' memory, and nothing is left."""

import json
import re
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ENVIRONMENT
from tests.hostile.corpus import CASES
from tests.hostile.files.case import Outcome, Refused
from tests.hostile.worker import MEMORY, OUT_OF_MEMORY

ROOT = Path(__file__).parents[2]
FUNCTIONS = {"transform_data": "TransformDataFunction", "prepare_rows": "PrepareRowsFunction"}
MOST_SECONDS = 600
"""The functions have 900; a machine may be slow."""
LONGEST_MESSAGE = 1_000


class Worker:
    """The process that has the handlers, started again when it died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115

    def ask(self, what: str, name: str) -> dict[str, Any]:
        """What a handler did with a file."""
        if self._process is None or self._process.poll() is not None:
            paths = f"{ROOT}:{ROOT / 'functions'}"
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.hostile.worker"],
                cwd=ROOT,
                env={**ENVIRONMENT, "PYTHONPATH": paths, "PATH": "/usr/bin:/bin"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
            )
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps([what, name]), file=self._process.stdin, flush=True)
        ready, _, _ = select.select([self._process.stdout], [], [], MOST_SECONDS)
        if not ready:
            self.end()
            pytest.fail(f"no answer within {MOST_SECONDS} s")
        line = self._process.stdout.readline()
        if not line:
            status = self._process.wait()
            why = "it took more memory than the function has" if status == OUT_OF_MEMORY else f"it ended with {status}"
            pytest.fail(f"the process died: {why}: {self._last_words()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        self._log.seek(0)
        return self._log.read()[-2000:]

    def end(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
        self._process = None


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    started = Worker()
    yield started
    started.end()


def check(found: dict[str, Any], outcome: Outcome, what: str) -> None:
    assert found["PeakMiB"] < MEMORY[what]
    if isinstance(outcome, Refused):
        assert (found["Error"], found["Cause"]) == (outcome.error, found["Cause"])
        assert re.search(outcome.says, found["Cause"]), found["Cause"]
        assert "\n" not in found["Cause"]
        assert found["Cause"].isprintable(), "a message shows on one line, and in the order it is written"
        assert len(found["Cause"]) < LONGEST_MESSAGE
        assert found["Left"] == []
        return
    assert found["Error"] is None, found
    assert found["Rows"]["Read"] == outcome.rows
    if what == "transform_data":
        assert (
            sum(found["Rows"][split] for split in ("Train", "Calibration", "Test")) == outcome.rows - outcome.left_out
        )
        assert (found["Rows"]["WithoutTarget"], found["Rows"]["FilteredOut"]) == (outcome.left_out, 0)
    else:
        assert (found["Rows"]["Sent"], found["Rows"]["Skipped"]) == (outcome.rows, 0)
    assert (found.get("Lost", 0), found.get("Added", 0)) == (0, 0)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.learnt])
def test_a_hostile_file_is_learnt_from_or_refused(worker: Worker, name: str) -> None:
    outcome = CASES[name].learnt
    assert outcome
    check(worker.ask("transform_data", name), outcome, "transform_data")


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.scored])
def test_a_hostile_file_is_scored_or_refused(worker: Worker, name: str) -> None:
    outcome = CASES[name].scored
    assert outcome
    check(worker.ask("prepare_rows", name), outcome, "prepare_rows")


@pytest.mark.parametrize("what", FUNCTIONS)
def test_the_functions_have_the_memory_that_is_measured_against(what: str) -> None:
    template = (ROOT / "template.yaml").read_text(encoding="utf-8")
    found = re.search(rf"^  {FUNCTIONS[what]}:\n.*?MemorySize: (\d+)", template, re.DOTALL | re.MULTILINE)
    assert found
    assert int(found[1]) == MEMORY[what]
