"""docs/security.md names tests that are there: a threat whose test was renamed or removed is no longer answered."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)))
THREATS = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith(("| who |", "|---"))]


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_a_named_test_is_there(file: str, test: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("threat", THREATS, ids=lambda line: line.split("|")[1].strip())
def test_every_threat_has_a_test(threat: str) -> None:
    who, could, stopped, tests = (cell.strip() for cell in threat.strip("|").split("|"))
    assert who
    assert could
    assert stopped
    assert re.search(r"`tests/[\w/]+\.py::\w+`", tests)


def test_there_are_threats() -> None:
    assert len(THREATS) >= 15
