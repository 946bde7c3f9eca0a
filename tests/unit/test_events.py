"""The samples in events/: one for every function and machine, each of the shape its state machine sends."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from samtranslator.yaml_helper import yaml_parse

from automl import environment, request, schema

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "events"
MACHINES = {"automl": "request", "deployment": "deployment-request", "scoring": "scoring-request"}
CLEANUP = "cleanup"
"""The machine that no person starts: a rule does."""


def event(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))


def tasks() -> dict[str, dict[str, Any]]:
    """Parameters of every Lambda Task of all machines, by the function's module."""
    found: dict[str, dict[str, Any]] = {}
    modules = {path.stem.replace("_", ""): path.stem for path in (ROOT / "functions").glob("*.py")}

    def walk(states: dict[str, Any]) -> None:
        for state in states.values():
            parameters = state.get("Parameters", {})
            resource = parameters.get("FunctionName", state.get("Resource", ""))
            if resource.endswith("FunctionArn}"):
                module = modules[resource.removeprefix("${").removesuffix("FunctionArn}").lower()]
                found[module] = parameters.get("Payload", parameters)
            if "ItemProcessor" in state:
                walk(state["ItemProcessor"]["States"])

    for machine in (ROOT / "statemachine").glob("*.asl.json"):
        walk(json.loads(machine.read_text(encoding="utf-8"))["States"])
    return found


TASKS = tasks()
TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
MACHINE_SAMPLES = sorted(path.stem for path in EVENTS.glob("*.json") if path.stem.partition("-")[0] in MACHINES)


RULES = {"answer_approval": "AnswerApprovalFunction"}
"""Functions that serve an event, not a state, and their resources in the template."""


@pytest.mark.parametrize("path", sorted((ROOT / "functions").glob("*.py")), ids=lambda path: path.stem)
def test_every_function_serves_a_state_or_a_rule_and_has_a_sample(path: Path) -> None:
    if path.stem in RULES:
        (rule,) = TEMPLATE["Resources"][RULES[path.stem]]["Properties"]["Events"].values()
        assert matches(rule["Properties"]["Pattern"], event(path.stem))
    else:
        assert set(event(path.stem)) == {key.removesuffix(".$") for key in TASKS[path.stem]}


def matches(pattern: dict[str, Any], sample: dict[str, Any]) -> bool:
    """Whether EventBridge would hand the sample to the rule."""
    return all(
        matches(wanted, sample[key]) if isinstance(wanted, dict) else sample[key] in wanted
        for key, wanted in pattern.items()
    )


def test_every_sample_is_of_something() -> None:
    samples = {path.stem for path in EVENTS.glob("*.json")}
    assert {name for name in samples if name.partition("-")[0] not in MACHINES} == {*TASKS, *RULES, CLEANUP}


def test_the_sample_of_the_cleanup_is_what_its_rule_makes() -> None:
    (rule,) = TEMPLATE["Resources"]["CleanupStateMachine"]["Properties"]["Events"].values()
    template = rule["Properties"]["InputTransformer"]["InputTemplate"]
    sample = event(CLEANUP)
    assert template.replace("<execution>", json.dumps(sample["ExecutionArn"])) == json.dumps(
        sample, separators=(",", ":")
    )


@pytest.mark.parametrize("name", MACHINE_SAMPLES)
def test_every_machine_has_a_sample_of_its_schema(name: str) -> None:
    schema.check(event(name), MACHINES[name.partition("-")[0]], "the sample")


@pytest.mark.parametrize("name", [name for name in MACHINE_SAMPLES if name.startswith("automl")])
def test_sample_requests_can_be_resolved(name: str) -> None:
    request.resolve(event(name), environment.read(request.Defaults), "run-1")


@pytest.mark.parametrize(
    ("name", "state"),
    [
        (name, state)
        for name in sorted(TASKS)
        for state in [event(name).get("State", {"Error": {}})]
        if "Error" not in state and "Rows" not in state
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_samples_of_whole_states_go_on_from_one_another(name: str, state: dict[str, Any]) -> None:
    """All of the main machine tell of one run, so what two of them say of the same thing is the same."""
    last = event("publish_results")["State"]
    assert {key for key in state if key in last and state[key] != last[key]} == set()


@pytest.mark.parametrize("path", sorted((ROOT / "schemas").glob("*.json")), ids=lambda path: path.name)
def test_every_schema_is_one(path: Path) -> None:
    Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", ["deployment-request", "scoring-request"])
def test_nested_executions_may_name_their_parent(name: str) -> None:
    key = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"
    schema.check({**event(name.partition("-")[0]), key: "arn:execution"}, name, "the input")
