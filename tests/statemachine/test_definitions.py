"""The ASL files as graphs: what no validator that we have can know."""

import ast
import json
from collections import Counter
from itertools import chain
from typing import Any

import pytest
from cfnlint import api  # type: ignore[import-untyped]
from samtranslator.yaml_helper import yaml_parse

from automl import errors
from tests.statemachine import definitions
from tests.statemachine.definitions import FILES, MACHINES, PART, ROOT

TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text())
STANDARD_RETRY = {
    "ErrorEquals": [
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.ClientExecutionTimeoutException",
        "ServiceUnavailable",
    ],
    "IntervalSeconds": 2,
    "MaxAttempts": 6,
    "BackoffRate": 2,
    "MaxDelaySeconds": 60,
    "JitterStrategy": "FULL",
}
CAPACITY_RETRY = {**STANDARD_RETRY, "ErrorEquals": ["Lambda.TooManyRequestsException"], "MaxAttempts": 120}
"""Nothing is wrong: others have all of the account's concurrent executions, of which a new account has 10."""
CATCH_TARGETS = {
    "cleanup": {
        "Notify Failure": ("Nobody Told", "$.NotifyError"),
        "*": ("Not Settled", "$.Error"),
    },
    "automl": {
        "Deploy Champion": ("Champion Not Scored", "$.ChampionScoring"),
        "Score Champion": ("Champion Not Scored", "$.ChampionScoring"),
        "Score Former Test Split": ("Former Test Rows Not Scored", "$.FormerTest"),
        "Write Report": ("Publish Results", "$.ReportError"),
        "Clean Up": ("Clean Up Failed", "$.CleanUpError"),
        "Notify Success": ("Return Result", "$.NotifyError"),
        "Notify Failure": ("Run Failed", "$.NotifyError"),
        "*": ("Clean Up", "$.Error"),
    },
    "deployment": {
        "Create Endpoint": ("Explain Failure", "$.Error"),
        "Get Endpoint": ("Rollback Under Way?", "$.Error"),
        "Roll Back Endpoint": ("Explain Failure", "$.RollbackError"),
        "Explain Failure": ("Deployment Failed", "$.ExplainError"),
        "*": ("Roll Back Endpoint", "$.Error"),
    },
    "scoring": {
        **dict.fromkeys(
            (
                "Find Model",
                "Prepare Rows",
                "Calibrate Model",
                "Deploy Endpoint",
                "Create Transform Job",
                "Remove Endpoint",
                "Summarize Scoring",
            ),
            ("Explain Failure", "$.Error"),
        ),
        "Explain Failure": ("Scoring Failed", "$.ExplainError"),
        "Get Transform Job": ("Stop Transform Job", "$.Error"),
        "Stop Transform Job": ("Keep Endpoint?", "$.StopError"),
        "*": ("Keep Endpoint?", "$.Error"),
    },
}
NAMED_CATCHES = {
    "Wait for Approval": ("States.Timeout", "Approval Timed Out", "$.ApprovalError"),
    "Create Endpoint": ("ChampionChanged", "Deployment Superseded", "$.Error"),
}
"""Errors that are an outcome, not a failure."""
CALLBACK = "arn:${Partition}:states:::lambda:invoke.waitForTaskToken"
EVERY_STATE = [pytest.param(m, s, id=f"{m}: {s.name}") for m in MACHINES for s in definitions.states(m)]
EVERY_TASK = [pytest.param(m, s, id=f"{m}: {s.name}") for m in MACHINES for s in definitions.tasks(m)]


def machine_resource(machine: str) -> dict[str, Any]:
    uri = f"statemachine/{machine}.asl.json"
    found = [r for r in TEMPLATE["Resources"].values() if r["Properties"].get("DefinitionUri") == uri]
    assert len(found) == 1, f"one resource of template.yaml must have DefinitionUri {uri}"
    resource: dict[str, Any] = found[0]
    return resource


def own_errors() -> set[str]:
    return {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}


def leaf_errors() -> set[str]:
    leaves = own_errors() - {errors.AutopilotFlowError.__name__}
    assert leaves
    return leaves


@pytest.mark.parametrize("machine", MACHINES)
def test_every_state_is_reached(machine: str) -> None:
    document = definitions.definition(machine)

    def reached(start: str, scope: dict[str, Any]) -> set[str]:
        seen: set[str] = set()
        todo = [start]
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo += definitions.targets(scope[name])
        return seen

    assert reached(document["StartAt"], document["States"]) == set(document["States"])


@pytest.mark.parametrize(("machine", "state"), EVERY_STATE)
def test_every_target_exists(machine: str, state: definitions.State) -> None:
    assert definitions.targets(state.body) <= set(state.scope)


def test_no_state_of_a_part_is_called_like_one_of_its_scoring() -> None:
    names = {machine: {state.name for state in definitions.states(machine)} for machine in ("scoring", PART)}
    assert names["scoring"] & names[PART] == set()


@pytest.mark.parametrize("machine", MACHINES)
def test_state_names_are_unique_and_in_title_case(machine: str) -> None:
    names = [state.name for state in definitions.states(machine)]
    assert [name for name, count in Counter(names).items() if count > 1] == []
    small = {"in", "for", "to", "of", "at"}
    for name in names:
        assert all(word[0].isupper() or word in small for word in name.split()), name
        assert len(name) <= 80


@pytest.mark.parametrize(("machine", "state"), EVERY_STATE)
def test_only_choices_are_questions(machine: str, state: definitions.State) -> None:
    assert (state.body["Type"] == "Choice") == state.name.endswith("?")


@pytest.mark.parametrize(("machine", "state"), EVERY_TASK)
def test_every_task_ends_in_time(machine: str, state: definitions.State) -> None:
    resource = state.body["Resource"]
    if resource == CALLBACK:  # people answer it: the request says how long it waits
        assert state.body["TimeoutSecondsPath"] == "$.Run.ApprovalTimeoutSeconds"
        return
    seconds = state.body["TimeoutSeconds"]
    if resource.startswith("${"):
        function = TEMPLATE["Resources"][resource[2:].removesuffix("Arn}")]["Properties"]
        limit = function.get("Timeout", TEMPLATE["Globals"]["Function"]["Timeout"])
        assert limit < seconds <= limit + 15, "the function must be able to fail by itself first"
    else:
        assert 0 < seconds <= 86400


@pytest.mark.parametrize(("machine", "state"), EVERY_TASK)
def test_the_standard_retry_is_the_same_everywhere(machine: str, state: definitions.State) -> None:
    *extra, last = state.body["Retry"]
    if state.body["Resource"].startswith("${") or state.body["Resource"] == CALLBACK:
        assert last == STANDARD_RETRY
        assert extra.pop() == CAPACITY_RETRY
    else:
        service = {"states": "StepFunctions.", "sns": "SNS."}[state.body["Resource"].split(":")[5]]
        assert {**last, "ErrorEquals": []} == {**STANDARD_RETRY, "ErrorEquals": []}
        assert all(name.startswith(service) for name in last["ErrorEquals"])
    names = [retrier["ErrorEquals"] for retrier in extra]
    assert names == {
        "Create AutoML Job": [["QuotaExceeded"]],
        "Create Transform Job": [["QuotaExceeded"]],
        "Find Model": [["EndpointBusy"]],
        "Invoke Endpoint": [["EndpointFailed", "PredictionMismatch"]],
        "Create Endpoint": [["QuotaExceeded"], ["EndpointBusy"]],
        "Configure Auto Scaling": [["EndpointBusy"]],
        "Remove Endpoint": [["EndpointBusy"]],
        "Remove Staging": [["EndpointBusy"]],
        "Roll Back Endpoint": [["EndpointBusy"]],
    }.get(state.name, [])


def test_a_part_waits_until_a_new_account_has_room_for_it() -> None:
    """Of the 40 parts at once 10 run, for 15 minutes at most: the last ten wait for three times ten others."""
    longest = 2.0
    waited = 0.0
    for _ in range(int(str(CAPACITY_RETRY["MaxAttempts"]))):
        waited += longest / 2  # JitterStrategy FULL draws from 0 to the delay
        longest = min(2 * longest, 60)

    assert waited > 3 * 900


@pytest.mark.parametrize(("machine", "state"), EVERY_TASK)
def test_the_standard_catch_is_the_same_everywhere(machine: str, state: definitions.State) -> None:
    if machine == PART:  # a part that fails is counted, and told of by Collect Parts
        assert "Catch" not in state.body
        return
    expected = CATCH_TARGETS[machine]
    target, path = expected.get(state.name, expected["*"])
    *named, last = state.body["Catch"]
    assert last == {"ErrorEquals": ["States.ALL"], "ResultPath": path, "Next": target}
    outcomes = [NAMED_CATCHES[state.name]] if state.name in NAMED_CATCHES else []
    assert named == [{"ErrorEquals": [error], "ResultPath": path, "Next": next_} for error, next_, path in outcomes]


@pytest.mark.parametrize("machine", MACHINES)
def test_every_error_name_is_known(machine: str) -> None:
    for state in definitions.states(machine):
        handlers = state.body.get("Retry", []) + state.body.get("Catch", [])
        names = list(chain.from_iterable(handler["ErrorEquals"] for handler in handlers))
        if state.body["Type"] == "Pass":
            names += [state.body["Parameters"]["Error"]] if "Error" in state.body.get("Parameters", {}) else []
        for name in names:
            assert name in own_errors() or name.split(".")[0] in {"States", "Lambda", "StepFunctions", "SNS"}, name


def test_every_own_error_is_raised_or_named_somewhere() -> None:
    """An error that neither a machine nor a function names is a promise nobody keeps."""
    used: set[str] = set()
    for machine in MACHINES:
        asl = definitions.text(machine)
        used |= {name for name in leaf_errors() if f'"{name}"' in asl}
    for path in (ROOT / "functions").rglob("*.py"):
        if path.name != "errors.py":
            tree = ast.parse(path.read_text())
            used |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & leaf_errors()
            attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
            used |= attributes & leaf_errors()
    assert leaf_errors() - used == set()


@pytest.mark.parametrize("machine", FILES)
def test_the_template_gives_exactly_the_substitutions_of_the_file(machine: str) -> None:
    given = machine_resource(machine)["Properties"]["DefinitionSubstitutions"]
    assert set(given) == definitions.substitutions(machine)


@pytest.mark.parametrize("machine", FILES)
def test_the_machine_may_invoke_exactly_its_functions(machine: str) -> None:
    statements = [
        statement
        for policy in machine_resource(machine)["Properties"]["Policies"]
        for statement in policy.get("Statement", [])
        if "lambda:InvokeFunction" in statement["Action"]
    ]
    allowed = [arn["Fn::GetAtt"] for statement in statements for arn in statement["Resource"]]
    allowed = [".".join(arn) if isinstance(arn, list) else arn for arn in allowed]
    functions = {name for name in definitions.substitutions(machine) if name.endswith("FunctionArn")}
    assert sorted(allowed) == sorted(f"{name.removesuffix('Arn')}.Arn" for name in functions)


@pytest.mark.parametrize("machine", FILES)
def test_aws_own_schema_of_state_machines_accepts_it(machine: str) -> None:
    """cfn-lint's E3601 is silent for AWS::Serverless::StateMachine, so the definition goes into the native type."""
    arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
    values = dict.fromkeys(definitions.substitutions(machine), arn) | {"Partition": "aws"}
    document = json.loads(definitions.substituted(machine, values))
    for state in document["States"].values():
        state.pop("ResultWriter", None)  # the schema takes a text for it, where AWS takes an object
    assert lint_definition(json.dumps(document)) == []


@pytest.mark.parametrize("machine", FILES)
def test_it_can_be_deployed_in_every_partition(machine: str) -> None:
    """China and GovCloud have ARNs of their own, those of Step Functions' integrations too."""
    assert "arn:aws:" not in definitions.text(machine)


def test_that_schema_check_is_not_silent() -> None:
    broken = definitions.definition("scoring")
    broken["States"]["Prepare Rows"]["Retry"][0]["MaxAttempts"] = "many"
    assert any(match.startswith("E3601") for match in lint_definition(json.dumps(broken)))


def lint_definition(text: str) -> list[str]:
    role = "arn:aws:iam::123456789012:role/r"
    properties = {"RoleArn": role, "DefinitionString": text}
    resource = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    template = json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Machine": resource}})
    return [f"{m.rule.id} {m.message}" for m in api.lint_all(template)]
