"""Find a run, and the execution that carries it out, by what a person calls it.

An execution ``customers-cancels-1a2b3c`` makes the run ``customers-cancels-1a2b3c-5da273ff``: the first characters of
its name and eight digits. A person may mean either, or give the beginning.
"""

import re
from collections.abc import Iterator

from autoflow.errors import UsageError
from autoflow.execution import Execution
from autoflow.stack import Stack

_BASE_LENGTH = 23
_SHOWN = 5
_EXECUTIONS = 1000
"""Executions to look through, the newest first."""


def base(execution: str) -> str:
    """What a run's name takes from its execution's."""
    return re.sub(r"[^a-z0-9]+", "-", execution.lower()).strip("-")[:_BASE_LENGTH].strip("-")


def run_named(stack: Stack, name: str) -> str:
    """The run that has, or begins with, the name or its execution's.

    Raises:
        UsageError: there is none in the data bucket, or there are several.
    """
    for beginning in dict.fromkeys((name, base(name))):
        if beginning and (found := _runs(stack, beginning)):
            return name if name in found else _only(found, name)
    raise _unknown(stack, name)


def execution_named(stack: Stack, name: str) -> Execution:
    """The execution of the run that has, or begins with, the name; or the execution that does.

    Raises:
        UsageError: there is none, or there are several.
    """
    client = stack.client("stepfunctions")
    for exact in dict.fromkeys((name, re.sub(r"-[0-9a-f]{8}$", "", name))):
        arn = f"{stack.machine.replace(':stateMachine:', ':execution:')}:{exact}"
        try:
            found = client.describe_execution(executionArn=arn)
        except (client.exceptions.ExecutionDoesNotExist, client.exceptions.InvalidArn):
            continue
        return Execution(stack, found["executionArn"], found["startDate"])
    pages = client.get_paginator("list_executions").paginate(
        stateMachineArn=stack.machine, PaginationConfig={"MaxItems": _EXECUTIONS}
    )
    matches = {
        each["name"]: each
        for page in pages
        for each in page["executions"]
        if each["name"].startswith(name) or name.startswith(f"{base(each['name'])}-")
    }
    if not matches:
        raise _unknown(stack, name)
    match = matches[_only(list(matches), name)]
    return Execution(stack, match["executionArn"], match["startDate"])


def _runs(stack: Stack, beginning: str) -> list[str]:
    return [folder.removeprefix("runs/").rstrip("/") for folder in _folders(stack, f"runs/{beginning}")]


def _folders(stack: Stack, prefix: str) -> Iterator[str]:
    pages = stack.client("s3").get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=stack.bucket, Prefix=prefix, Delimiter="/"):
        for folder in page.get("CommonPrefixes", []):
            yield folder["Prefix"]


def _only(found: list[str], name: str) -> str:
    if len(found) > 1:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise UsageError(f"{name!r} may be {', '.join(found[:_SHOWN])}{more}; write more of the name")
    return found[0]


def _unknown(stack: Stack, name: str) -> UsageError:
    listed = "; `autoflow status` lists the newest" if stack.local else ""
    return UsageError(f"{stack.title} knows no run {name!r}{listed}")
