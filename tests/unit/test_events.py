"""The samples in events/: one for every function and machine, each of the shape its state machine sends."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from automl import environment, request, schema

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "events"
MACHINES = {"automl": "request", "deployment": "deployment-request", "scoring": "scoring-request"}


def event(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))


def tasks() -> dict[str, dict[str, Any]]:
    """Parameters of every Lambda Task of all machines, by the function's module."""
    found: dict[str, dict[str, Any]] = {}
    modules = {path.stem.replace("_", ""): path.stem for path in (ROOT / "functions").glob("*.py")}

    def walk(states: dict[str, Any]) -> None:
        for state in states.values():
            resource = state.get("Resource", "")
            if resource.endswith("FunctionArn}"):
                found[modules[resource.removeprefix("${").removesuffix("FunctionArn}").lower()]] = state["Parameters"]
            if "ItemProcessor" in state:
                walk(state["ItemProcessor"]["States"])

    for machine in (ROOT / "statemachine").glob("*.asl.json"):
        walk(json.loads(machine.read_text(encoding="utf-8"))["States"])
    return found


TASKS = tasks()


@pytest.mark.parametrize("path", sorted((ROOT / "functions").glob("*.py")), ids=lambda path: path.stem)
def test_every_function_serves_a_state_and_has_a_sample(path: Path) -> None:
    assert path.stem in TASKS
    assert set(event(path.stem)) == {key.removesuffix(".$") for key in TASKS[path.stem]}


@pytest.mark.parametrize("name", [*MACHINES, "automl-retraining"])
def test_every_machine_has_a_sample_of_its_schema(name: str) -> None:
    schema.check(event(name), MACHINES[name.partition("-")[0]], "the sample")


@pytest.mark.parametrize("name", ["automl", "automl-retraining"])
def test_sample_requests_can_be_resolved(name: str) -> None:
    request.resolve(event(name), environment.read(request.Defaults), "run-1")


@pytest.mark.parametrize("path", sorted((ROOT / "schemas").glob("*.json")), ids=lambda path: path.name)
def test_every_schema_is_one(path: Path) -> None:
    Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", ["deployment-request", "scoring-request"])
def test_nested_executions_may_name_their_parent(name: str) -> None:
    key = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"
    schema.check({**event(name.partition("-")[0]), key: "arn:execution"}, name, "the input")
