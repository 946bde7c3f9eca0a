"""The project's ASL files, read as data."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "statemachine"
MACHINES = tuple(sorted(path.name.removesuffix(".asl.json") for path in FOLDER.glob("*.asl.json")))

Json = dict[str, Any]

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True)
class State:
    """One state. ``scope`` holds the states it can go to; ``outer`` is the Map it lives in, if any."""

    name: str
    body: Json
    scope: Mapping[str, Json]
    outer: str | None = None


def text(machine: str) -> str:
    return (FOLDER / f"{machine}.asl.json").read_text()


def definition(machine: str) -> Json:
    document: Json = json.loads(text(machine))
    return document


def states(machine: str) -> Iterator[State]:
    """Every state, those inside a Map too."""
    yield from _states(definition(machine)["States"])


def _states(scope: Json, outer: str | None = None) -> Iterator[State]:
    for name, body in scope.items():
        yield State(name, body, scope, outer)
        if "ItemProcessor" in body:
            yield from _states(body["ItemProcessor"]["States"], name)


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
