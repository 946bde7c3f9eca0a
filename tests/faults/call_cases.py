"""Every AWS call of this project, read from its code: what functions can come to call, and what state machines do.

A function that comes to call something new, or a state machine that gets a new task, has new cases the same day.
"""

import ast
import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from autoflow.local.deploy import PROJECT
from tests.template import FUNCTIONS, RESOURCES
from tests.unit import test_permissions as code

RECOVERED = ("Throttled", "Reset", "Lost", "Slow")
"""Faults that pass: whoever meets one tries again, or waits, and all ends as if nothing had been."""
TRANSFERS = {"download_fileobj": ("HeadObject", "GetObject"), "upload_fileobj": ("PutObject",)}
"""Operations of boto3's transfers of files that need one part."""


@dataclass(frozen=True, order=True)
class Made:
    """One operation that somebody calls."""

    caller: str
    """Logical id of the function or state machine in the template."""
    service: str
    """As botocore calls it."""
    operation: str
    target: str = ""
    """Logical id of the function or state machine that it is about, for calls of state machines."""

    @property
    def name(self) -> str:
        return f"{self.caller} {self.service}.{self.operation}{f' of {self.target}' if self.target else ''}"

    def kind(self, turn: int) -> str:
        """Which fault it meets in a turn: another one in each of as many turns as there are kinds."""
        return RECOVERED[(sha256(self.name.encode()).digest()[0] + turn) % len(RECOVERED)]


@functools.cache
def of_functions() -> tuple[Made, ...]:
    """All that the functions' code can come to call."""
    return tuple(sorted({Made(function, *call) for function in FUNCTIONS for call in _calls_of(function)}))


def _calls_of(function: str) -> Iterator[tuple[str, str]]:
    for nodes in code.reached(code.handler_of(function)).values():
        for found in (below for node in nodes for below in ast.walk(node)):
            match found:
                case ast.Call(func=ast.Attribute(value=client, attr="get_paginator"), args=[ast.Constant(value=name)]):
                    yield from _operations(client, str(name))
                case ast.Attribute(value=client, attr=name):
                    yield from _operations(client, name)


def _operations(client: ast.expr, method: str) -> Iterator[tuple[str, str]]:
    service = code.service_of(client)
    if service == "s3" and method in TRANSFERS:
        yield from ((service, operation) for operation in TRANSFERS[method])
    elif service and method in code.operations(service):
        yield service, code.operations(service)[method].partition(":")[2]


@functools.cache
def of_machines() -> tuple[Made, ...]:
    """All that the state machines call themselves."""
    machines = {name: one["Properties"] for name, one in RESOURCES.items() if "DefinitionUri" in one["Properties"]}
    found = set()
    for name, properties in machines.items():
        for state in _states(json.loads((PROJECT / properties["DefinitionUri"]).read_text())):
            found |= {Made(name, *call) for call in _calls_of_state(state)}
    return tuple(sorted(found))


def _states(machine: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for state in machine["States"].values():
        yield state
        for inner in (*state.get("Branches", ()), *filter(None, [state.get("ItemProcessor")])):
            yield from _states(inner)


def _calls_of_state(state: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    resource, parameters = state.get("Resource", ""), state.get("Parameters", {})
    named = [text.removeprefix("${").removesuffix("Arn}") for text in (resource, parameters.get("FunctionName", ""))]
    for function in (name for name in named if name in FUNCTIONS):
        yield "lambda", "Invoke", function
    if ":states:startExecution" in resource:
        yield "stepfunctions", "StartExecution", parameters["StateMachineArn"].removeprefix("${").removesuffix("Arn}")
    if ":sns:publish" in resource:
        yield "sns", "Publish", ""
    if "ItemReader" in state:
        yield "s3", "GetObject", ""
    if "ResultWriter" in state:
        yield "s3", "PutObject", ""


TARGETS = {"Invoke": "FunctionName", "StartExecution": "stateMachineArn"}
"""Operation → parameter that names what it is about."""


@dataclass(frozen=True)
class Deployed:
    """What things of the template are called in a deployed stack, by their logical ids."""

    roles: Mapping[str, str]
    """Function or state machine → ARN of its role."""
    names: Mapping[str, str]
    """Function → its name, state machine → its ARN; names may be shortened."""

    def rule(self, made: Made, kind: str, **more: Any) -> dict[str, Any]:
        """The fault of a kind that one call of the caller meets, for the cloud.

        Args:
            made: the call.
            kind: what happens to it.
            more: further keys of the rule.
        """
        where = {TARGETS[made.operation]: f"*{self.names[made.target]}"} if made.target else {}
        call = {"Service": made.service, "Operation": made.operation, "Role": self.roles[made.caller], "Where": where}
        return {"Name": f"{made.name} {kind}", **call, "Kind": kind, **more}


def all_made() -> tuple[Made, ...]:
    """All calls of functions and state machines."""
    return of_functions() + of_machines()


NEVER_MADE = {
    "application-autoscaling": "the local cloud has no Application Auto Scaling; deployments with it end before",
    "ConfigureAutoScalingFunction": "the local cloud has no Application Auto Scaling; deployments with it end before",
    "CleanUpFunction cloudwatch.DeleteAlarms": "only of an endpoint with alarms that is deleted",
    "RemoveStagingFunction cloudwatch.DeleteAlarms": "only of an endpoint with alarms, and none for a proof has any",
    "RollBackEndpointFunction cloudwatch.DeleteAlarms": "only of an endpoint with alarms that is deleted",
    "StopAutoMLJobFunction": "a job outlives its deadline only when it hangs, as in test_jobs.py",
    "StopTransformJobFunction": "a job outlives its deadline only when it hangs, as in test_jobs.py",
    "CreateAutoMLJobFunction sagemaker.DescribeAutoMLJobV2": "looked up only when the job exists already",
    "CreateEndpointFunction sagemaker.DeleteEndpointConfig": "only when the endpoint is refused after its config",
    "CreateModelFunction sagemaker.DescribeModel": "looked up only when the model exists already",
    "CreateModelFunction sagemaker.ListTags": "looked up only when the model exists already",
    "CreateTransformJobFunction sagemaker.DescribeTransformJob": "looked up only when the job exists already",
    "CreateTransformJobFunction s3.PutObject": "only when some parts are asked for again",
    "FindChampionFunction s3.ListObjectsV2": "only of a champion that was proved on other rows",
    "FindChampionFunction sagemaker.CreateModel": "only when somebody has deleted the model",
    "FindModelFunction sagemaker.CreateModel": "only when somebody has deleted the model",
    "PrepareRowsFunction s3.DeleteObjects": "only when rows are broken behind a part that was written",
    "ReadTransformOutputFunction s3.DeleteObject": "only of an output that does not fit its rows",
    "ReadTransformOutputFunction s3.ListObjectsV2": "only of an output that does not fit its rows",
    "RegisterModelFunction sagemaker.DescribeModelPackage": "looked up only when the package exists already",
    "RollBackEndpointFunction sagemaker.UpdateEndpoint": "only of a model that serves and then fails its test",
    "TransformDataFunction s3.DeleteObjects": "only when rows are broken behind a part that was written",
}
"""Part of a call's name, to the end of a word → why no flow comes to it as long as nothing else goes wrong."""

BY_CHANCE = {
    "CleanUpFunction sagemaker.DescribeModelPackageGroup": "only of a run that ends between proof and registration",
    "CleanUpFunction sagemaker.ListModelPackages": "only of a run that ends between proof and registration",
    "SettleExecutionFunction s3.GetObject": "only when the same end is told twice, as in test_executions.py",
    "WaitForApprovalFunction s3.DeleteObject": "only when the answer comes before the question is stored",
    "WaitForApprovalFunction s3.GetObject": "only when the answer comes before the question is stored",
    "WaitForApprovalFunction stepfunctions.SendTaskSuccess": "only when the answer comes before the question is stored",
}
"""The same, of calls that are made or not, as it happens."""


def never_made(made: Made) -> str | None:
    """Why no flow comes to the call unless something else is wrong; None for all that flows come to."""
    return _reason(NEVER_MADE, made)


def by_chance(made: Made) -> str | None:
    """Why flows come to the call only sometimes; None for all others."""
    return _reason(BY_CHANCE, made)


def _reason(reasons: Mapping[str, str], made: Made) -> str | None:
    return next((reason for part, reason in reasons.items() if _is_meant(part, made.name)), None)


def _is_meant(part: str, name: str) -> bool:
    return re.search(rf"{re.escape(part)}\b", name) is not None
