"""The library's rooms depend one way, so that each can be read with those before it and without those after it."""

import ast
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[2] / "functions" / "automl"
ROOMS = ("data", "job", "scoring", "proof", "deployment", "lineage", "outcome", "report")
"""In the order of functions/README.md."""


def rooms_used_by(module: Path) -> set[str]:
    imports = [node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.ImportFrom)]
    names = {f"{node.module}.{alias.name}" for node in imports for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("automl.")} & set(ROOMS)


def test_every_room_is_in_the_order() -> None:
    assert {folder.parent.name for folder in LIBRARY.glob("*/__init__.py")} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_depends_on_those_before_it_only(room: str) -> None:
    used = set().union(*(rooms_used_by(module) for module in (LIBRARY / room).glob("*.py")))

    assert used <= set(ROOMS[: ROOMS.index(room) + 1])


def test_what_lies_beside_the_rooms_depends_on_none() -> None:
    assert {module.name: rooms_used_by(module) for module in LIBRARY.glob("*.py") if rooms_used_by(module)} == {}
