"""A pytest plugin for tests that take hours, so that they can be run in several goes: what has passed is not run again.

It works in the folder of the tests' ledger (``tests/ledger.py``).
"""

import os
from pathlib import Path

import pytest

from tests.ledger import FOLDER_VARIABLE

PASSED, ALL = "passed.txt", "all.txt"
"""Ids of the tests that have passed or left themselves out, and of all that there are."""


def read(folder: Path, name: str) -> set[str]:
    """Ids of tests."""
    path = folder / name
    return set(path.read_text().splitlines()) if path.exists() else set()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what has passed."""
    folder = Path(os.environ[FOLDER_VARIABLE])
    (folder / ALL).write_text("".join(f"{item.nodeid}\n" for item in items))
    passed = read(folder, PASSED)
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in passed])
    items[:] = [item for item in items if item.nodeid not in passed]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what passes."""
    if report.skipped or (report.when == "call" and report.passed):
        with (Path(os.environ[FOLDER_VARIABLE]) / PASSED).open("a") as file:
            file.write(f"{report.nodeid}\n")
