"""The project's ASL files, read as data."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "statemachine"
FILES = tuple(sorted(path.name.removesuffix(".asl.json") for path in FOLDER.glob("*.asl.json")))
PART = "part"
"""What the Distributed Map of the scoring machine starts for each item: executions of their own, so a machine too."""
MACHINES = (*FILES, PART)

Json = dict[str, Any]

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True)
class State:
    """One state. ``scope`` holds the states it can go to."""

    name: str
    body: Json
    scope: Mapping[str, Json]


def text(machine: str) -> str:
    if machine == PART:
        processor = definition("scoring")["States"]["Score Parts"]["ItemProcessor"]
        return json.dumps({key: processor[key] for key in ("StartAt", "States")})
    return (FOLDER / f"{machine}.asl.json").read_text()


def definition(machine: str) -> Json:
    document: Json = json.loads(text(machine))
    return document


def states(machine: str) -> Iterator[State]:
    """Every state; those of the Distributed Map's items are states of :data:`PART`."""
    scope = definition(machine)["States"]
    for name, body in scope.items():
        yield State(name, body, scope)


def tasks(machine: str) -> list[State]:
    return [state for state in states(machine) if state.body["Type"] == "Task"]


def state(machine: str, name: str) -> State:
    return next(found for found in states(machine) if found.name == name)


def substitutions(machine: str) -> set[str]:
    """Names of the ``${…}`` in the file."""
    return set(_PLACEHOLDER.findall(text(machine)))


def substituted(machine: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: values[found[1]], text(machine))


def targets(body: Json) -> set[str]:
    """Names of the states that this one can go to, on success and on failure."""
    found = {body[key] for key in ("Next", "Default") if key in body}
    found |= {choice["Next"] for choice in body.get("Choices", [])}
    return found | {catcher["Next"] for catcher in body.get("Catch", [])}
