"""Every function may do what its code can call, and nothing else: the code is read, not run.

From a handler the code is followed as far as names lead: into functions, constants, and classes with all their methods.
An attribute of something that is called like a client (``sagemaker``, ``services.autoscaling``) and that is one of the
client's operations is a call, be it made at once or handed on.
"""

import ast
import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

from tests.template import FUNCTIONS, RESOURCES, allowed, allowed_to, as_list, shared

LIBRARY = Path(__file__).parents[2] / "functions"
CLIENTS = {
    "autoscaling": "application-autoscaling",
    "auto_scaling": "application-autoscaling",
    "cloudwatch": "cloudwatch",
    "lambda": "lambda",
    "lambda_client": "lambda",
    "runtime": "sagemaker-runtime",
    "s3": "s3",
    "sagemaker": "sagemaker",
    "sfn": "stepfunctions",
    "step_functions": "stepfunctions",
}
"""What a client is called in the code → its service."""
PREFIXES = {"sagemaker-runtime": "sagemaker", "stepfunctions": "states"}
"""IAM's name of a service where it is another one."""
TRANSFERS = {"download_fileobj": {"s3:GetObject"}, "upload_fileobj": {"s3:PutObject"}}
"""What boto3 adds to S3's client. Parts of an upload that fails are removed by the bucket's own rule."""
OTHER_ACTIONS = {
    "s3:HeadObject": {"s3:GetObject"},
    "s3:DeleteObjects": {"s3:DeleteObject"},
    "s3:ListObjectsV2": {"s3:ListBucket"},
}
"""Operations that are no actions themselves."""
ALSO = {
    "sagemaker:CreateAutoMLJobV2": {"sagemaker:AddTags", "iam:PassRole"},
    "sagemaker:CreateEndpoint": {"sagemaker:AddTags"},
    "sagemaker:CreateEndpointConfig": {"sagemaker:AddTags"},
    "sagemaker:CreateModel": {"sagemaker:AddTags", "iam:PassRole"},
    "sagemaker:CreateModelPackageGroup": {"sagemaker:AddTags"},
    "sagemaker:CreateTransformJob": {"sagemaker:AddTags"},  # and no role: the job works with its model's
    # AWS's own policy for the registry has these beside it; whose role looks up the image's digest is not documented.
    "sagemaker:CreateModelPackage": {"ecr:BatchGetImage", "ecr:DescribeImages"},
    # Application Auto Scaling asks its caller for what it is going to do, with the endpoint and with its own alarms.
    "application-autoscaling:RegisterScalableTarget": {
        "sagemaker:DescribeEndpoint",
        "sagemaker:DescribeEndpointConfig",
        "sagemaker:UpdateEndpointWeightsAndCapacities",
        "iam:CreateServiceLinkedRole",
    },
    "application-autoscaling:PutScalingPolicy": {"cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms"},
    "application-autoscaling:DeregisterScalableTarget": {"cloudwatch:DeleteAlarms"},
}
"""Further actions that an operation needs, as it is called here: with tags, with a role."""
TELLING_MISSING = {"automl.storage.exists", "automl.storage.read_json_if_there"}
"""Who takes a missing object for an answer: to a role that may not list the bucket, S3 says AccessDenied instead."""
UPDATE_WITH_ALARMS = "automl.deployment.guardrails.deployment_config"
"""SageMaker looks at the alarms of an update."""

AFTER_THE_RUN = "cleanup.asl.json"
"""The machine that no run has a part in."""

Node = ast.expr | ast.stmt


@functools.cache
def operations(service: str) -> dict[str, str]:
    """Method of the service's client → IAM action."""
    prefix = PREFIXES.get(service, service)
    names = botocore.session.get_session().get_service_model(service).operation_names
    return {xform_name(name): f"{prefix}:{name}" for name in names}


@functools.cache
def module(name: str) -> "Module | None":
    """A module of the library or a handler; None for anybody else's."""
    path = LIBRARY / name.replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return Module(name, ast.parse(file.read_text())) if file.is_file() else None


class Module:
    """What a module defines at its top, and what it imports of the library."""

    def __init__(self, name: str, tree: ast.Module) -> None:
        self.name = name
        self.defined: dict[str, list[Node]] = {}
        self.imported: dict[str, str] = {}
        for statement in tree.body:
            match statement:
                case ast.FunctionDef(name=defined) | ast.ClassDef(name=defined):
                    self.defined.setdefault(defined, []).append(statement)
                case ast.Assign(targets=[ast.Name(id=defined)], value=value):
                    self.defined.setdefault(defined, []).append(value)
                case ast.AnnAssign(target=ast.Name(id=defined), value=ast.expr() as value):
                    self.defined.setdefault(defined, []).append(value)
                case ast.Import(names=names):
                    self.imported |= {(one.asname or one.name): one.name for one in names}
                case ast.ImportFrom(module=str(source), names=names):
                    self.imported |= {(one.asname or one.name): f"{source}.{one.name}" for one in names}

    def resolve(self, dotted: str) -> str | None:
        """The full name of a thing that this module calls by a dotted name; None if it is nobody's of the library."""
        first, _, rest = dotted.partition(".")
        if first in self.defined:
            return f"{self.name}.{first}"
        full = f"{self.imported[first]}.{rest}".rstrip(".") if first in self.imported else ""
        parts = full.split(".")
        for end in range(len(parts) - 1, 0, -1):
            found = module(".".join(parts[:end]))
            if found and parts[end] in found.defined:
                return f"{found.name}.{parts[end]}"
            if found and parts[end] in found.imported:
                return found.resolve(".".join(parts[end:]))
        return None


def dotted(node: ast.AST) -> str:
    """``a.b.c`` of names and attributes, "" of any other expression."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=name):
            return f"{before}.{name}" if (before := dotted(value)) else ""
    return ""


def service_of(node: ast.AST) -> str | None:
    """The service whose client the expression is called like, if it is."""
    return CLIENTS.get(dotted(node).rpartition(".")[2].lower().strip("_"))


def calls(node: ast.AST) -> Iterator[str]:
    """IAM actions of the client operations that are named below the node."""
    for found in ast.walk(node):
        match found:
            case ast.Call(
                func=ast.Attribute(value=client, attr="get_paginator" | "get_waiter"),
                args=[ast.Constant(value=str(name))],
            ):
                pass
            case ast.Attribute(value=client, attr=name):
                pass
            case _:
                continue
        service = service_of(client)
        if service == "s3" and name in TRANSFERS:
            yield from TRANSFERS[name]
        elif service and name in operations(service):
            action = operations(service)[name]
            yield from OTHER_ACTIONS.get(action, {action})
            yield from ALSO.get(action, ())


def reached(handler: str) -> dict[str, list[Node]]:
    """Everything of the library that a handler's code leads to, by its full name."""
    found: dict[str, list[Node]] = {}
    waiting = [f"{handler}.handler"]
    while waiting:
        full = waiting.pop()
        if full in found:
            continue
        home, _, name = full.rpartition(".")
        source = module(home)
        assert source is not None, full
        found[full] = source.defined[name]
        for node in (below for one in found[full] for below in ast.walk(one)):
            if (text := dotted(node)) and (target := source.resolve(text)):
                waiting.append(target)
    return found


@functools.cache
def needed(handler: str) -> frozenset[str]:
    """The IAM actions that the handler's code can come to need."""
    code = reached(handler)
    actions = {action for nodes in code.values() for node in nodes for action in calls(node)}
    if code.keys() & TELLING_MISSING:
        actions.add("s3:ListBucket")
    if UPDATE_WITH_ALARMS in code and "sagemaker:UpdateEndpoint" in actions:
        actions.add("cloudwatch:DescribeAlarms")
    return frozenset(actions)


def allowed_actions(function: str) -> set[str]:
    return {action for statement in allowed_to(function) for action in as_list(statement["Action"])}


def handler_of(function: str) -> str:
    return str(RESOURCES[function]["Properties"]["Handler"]).removesuffix(".handler")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_what_its_code_can_call(function: str) -> None:
    assert sorted(needed(handler_of(function)) - allowed_actions(function)) == []


def only_looks(action: str) -> bool:
    return action.partition(":")[2].startswith(("Describe", "List", "Get"))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_nothing_that_its_code_cannot_call(function: str) -> None:
    """But look at what the others look at with whom it shares a policy."""
    together = {action for policy in shared(function) for one in allowed(policy) for action in as_list(one["Action"])}
    unused = allowed_actions(function) - needed(handler_of(function))
    assert sorted(action for action in unused if not (only_looks(action) and action in together)) == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_is_created_with_tags_may_be_tagged(function: str) -> None:
    """AddTags is checked against the thing that is created, so it is allowed beside the creation."""
    for statement in allowed_to(function):
        actions = set(as_list(statement["Action"]))
        if any("sagemaker:AddTags" in ALSO.get(action, ()) for action in actions):
            assert "sagemaker:AddTags" in actions


@pytest.mark.parametrize("name", ["SageMakerRole", "ScaleEndpointsPolicy"])
def test_alarms_are_looked_at_by_whoever_may_look_at_all(name: str) -> None:
    """CloudWatch denies DescribeAlarms on ``alarm:*`` to a role that may have only some, whichever it asks for."""
    (statement,) = (one for one in allowed(name) if "cloudwatch:DescribeAlarms" in as_list(one["Action"]))
    assert statement["Resource"]["Fn::Sub"].endswith(":alarm:*")


def test_what_a_run_costs_is_known_of_all_its_functions() -> None:
    """An execution's history tells how long its functions ran, Lambda how large they are.

    Functions within a Distributed Map are in histories of their own; they tell what they used themselves.
    """
    paths = [path for path in (LIBRARY.parent / "statemachine").glob("*.asl.json") if path.name != AFTER_THE_RUN]
    machines = [json.loads(path.read_text()) for path in paths]
    states = [state for machine in machines for state in machine["States"].values()]
    texts = [json.dumps({**state, "ItemProcessor": {}}) for state in states]
    invoked = {name for text in texts for name in re.findall(r"\{(\w+Function)Arn\}", text)}
    (statement,) = allowed("ReadFunctionsPolicy")
    assert {one["Fn::GetAtt"][0] for one in statement["Resource"]} == invoked


def test_the_named_places_of_the_code_are_there() -> None:
    for full in (*TELLING_MISSING, UPDATE_WITH_ALARMS):
        home, _, name = full.rpartition(".")
        found = module(home)
        assert found is not None
        assert name in found.defined


def test_the_reading_of_the_code_sees_every_call() -> None:
    """A client under a name that is not in the table would call unseen: its operations are looked for everywhere."""
    names = {name for service in CLIENTS.values() for name in (*operations(service), *TRANSFERS)}
    names |= {"get_paginator", "get_waiter"}
    unseen = []
    for path in LIBRARY.rglob("*.py"):
        here = module(".".join(path.relative_to(LIBRARY).with_suffix("").parts))
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in names and not service_of(node.value):
                text = dotted(node)
                if not (text and here and here.resolve(text)):
                    unseen.append(f"{path.name}: {ast.unparse(node)}")
    assert unseen == []


def test_calls_are_found_through_imports_classes_and_paginators() -> None:
    """What is known of a few handlers, so that a reading that finds nothing is no success."""
    assert needed("get_endpoint") == {"sagemaker:DescribeEndpoint"}
    assert needed("get_automl_job") == {"sagemaker:DescribeAutoMLJobV2", "sagemaker:ListCandidatesForAutoMLJob"}
    assert {"states:GetExecutionHistory", "lambda:GetFunctionConfiguration"} <= needed("publish_results")
    assert {"sagemaker:UpdateModelPackage", "sagemaker:StopAutoMLJob", "s3:DeleteObject"} <= needed("clean_up")
