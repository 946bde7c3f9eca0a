"""What the state data of an execution come to: the data flow of a machine's ASL, with answers that are given.

It measures; what the states do, and whether a machine can take a way, is for the engine of tests/statemachine to say.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MACHINES = Path(__file__).parents[2] / "statemachine"
_FORMAT = re.compile(r"States\.Format\('(?P<text>(?:[^'\\]|\\.)*)'(?P<arguments>(?:, [^,()]+)*)\)")


@dataclass(frozen=True)
class Raised:
    """What a Catch is handed."""

    error: str
    cause: str


@dataclass
class Sizes:
    """Bytes of the state data after each state, and of what each task was sent, in the order of the states."""

    after: dict[str, int] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    data: Any = None


def size(document: Any) -> int:
    """Bytes, as Step Functions counts: those of the JSON in UTF-8."""
    return len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())


def walk(machine: str, sent: Any, way: Sequence[str], answers: Mapping[str, Any], context: Mapping[str, Any]) -> Sizes:
    """Send the input along the way.

    Args:
        machine: name of the file.
        sent: the execution's input.
        way: names of states, from the first one to the last.
        answers: what each Task or Map answers, or :class:`Raised`.
        context: the context object.
    """
    states = json.loads((MACHINES / f"{machine}.asl.json").read_text(encoding="utf-8"))["States"]
    sizes, data = Sizes(), sent
    for name, following in zip(way, (*way[1:], ""), strict=True):
        state = states[name]
        ways = set(_ways(state))
        result = _value(state.get("Parameters", state.get("ItemSelector", data)), data, {**context, "Map": _ITEM})
        path = state.get("ResultPath", "$")
        if state["Type"] in {"Task", "Map"}:
            sizes.sent[name] = size(result)
            result = answers[name]
            if isinstance(result, Raised):
                caught = state["Catch"][-1]
                result, path, ways = (
                    {"Error": result.error, "Cause": result.cause},
                    caught["ResultPath"],
                    {caught["Next"]},
                )
            elif "ResultSelector" in state:
                result = _value(state["ResultSelector"], result, context)
        elif state["Type"] == "Pass":
            result = (
                state.get("Result", result) if "InputPath" not in state else _look(state["InputPath"], data, context)
            )
        assert not following or following in ways, f"{name} does not lead to {following}"
        if state["Type"] in {"Task", "Map", "Pass"}:
            data = _put(data, path, result)
        if "OutputPath" in state and not isinstance(answers.get(name), Raised):
            data = _look(state["OutputPath"], data, context)
        sizes.after[name] = size(data)
    sizes.data = data
    return sizes


_ITEM = {"Item": {"Value": 9_999}}


def _ways(state: Mapping[str, Any]) -> Iterator[str]:
    for key in ("Next", "Default"):
        if key in state:
            yield state[key]
    yield from (choice["Next"] for choice in state.get("Choices", ()))


def _value(template: Any, data: Any, context: Mapping[str, Any]) -> Any:
    if not isinstance(template, dict):
        return template
    return {
        key.removesuffix(".$"): _look(value, data, context) if key.endswith(".$") else _value(value, data, context)
        for key, value in template.items()
    }


def _look(path: str, data: Any, context: Mapping[str, Any]) -> Any:
    if path.startswith("States.Hash("):
        return "0" * 40
    if found := _FORMAT.fullmatch(path):
        text = found["text"]
        for argument in found["arguments"].split(", ")[1:]:
            text = text.replace("{}", str(_look(argument, data, context)), 1)
        return text
    source: Any = context if path.startswith("$$") else data
    for step in path.lstrip("$").split(".")[1:]:
        source = source[step]
    return source


def _put(data: Any, path: str | None, value: Any) -> Any:
    if path is None:
        return data
    *steps, last = path.split(".")[1:] or [""]
    if not last:
        return value
    data = json.loads(json.dumps(data))
    inner = data
    for step in steps:
        inner = inner[step]
    inner[last] = value
    return data
