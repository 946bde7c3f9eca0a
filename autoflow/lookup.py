"""Find a run, and the execution that carries it out, by what a person calls it.

An execution ``customers-cancels-1a2b3c`` makes the run ``customers-cancels-1a2b3c-5da273ff``: the first characters of
its name and eight digits. A person may mean either, or give the beginning.
"""

import re
from collections.abc import Iterator
from typing import Any

from autoflow.errors import UsageError
from autoflow.execution import Execution, executions_of
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
        UsageError: there is none in the data bucket, it is a scoring, or there are several.
    """
    if found := _named(stack, "runs", name):
        return found
    if scoring := _named(stack, "scorings", name):
        follow = stack.command("follow", scoring)
        raise UsageError(f"{scoring} is a scoring, and only runs have reports and are approved; `{follow}` shows it")
    raise _unknown(stack, name)


def scoring_named(stack: Stack, name: str) -> str:
    """URI of the folder of the scoring that has, or begins with, the name or its execution's.

    Raises:
        UsageError: there is none in the data bucket, or there are several.
    """
    if found := _named(stack, "scorings", name):
        return f"s3://{stack.bucket}/scorings/{found}/"
    raise UsageError(f"{stack.title} knows no scoring {name!r}; the command that started it said its name")


def predictions_named(stack: Stack, name: str) -> str:
    """URI of the folder of the run or scoring that has, or begins with, the name or its execution's.

    Raises:
        UsageError: there is none in the data bucket, or there are several.
    """
    for folder in ("runs", "scorings"):
        if found := _named(stack, folder, name):
            return f"s3://{stack.bucket}/{folder}/{found}/"
    raise _unknown(stack, name)


def execution_named(stack: Stack, name: str) -> Execution:
    """The execution of the run or scoring that has, or begins with, the name; or the execution that does.

    Raises:
        UsageError: there is none, or there are several.
    """
    if not name:  # with which everything begins
        raise _unknown(stack, name)
    machines = (stack.machine, stack.scoring_machine)
    for machine in machines:
        if exact := _exactly(stack, machine, name):
            return exact
    matches = {each["name"]: each for machine in machines for each in _beginning(stack, machine, name)}
    if not matches:
        raise _unknown(stack, name)
    match = matches[_only(list(matches), name)]
    return Execution(stack, match["executionArn"], match["startDate"])


def _exactly(stack: Stack, machine: str, name: str) -> Execution | None:
    client = stack.client("stepfunctions")
    for exact in dict.fromkeys((name, re.sub(r"-[0-9a-f]{8}$", "", name))):
        try:
            found = client.describe_execution(executionArn=f"{executions_of(machine)}:{exact}")
        except (client.exceptions.ExecutionDoesNotExist, client.exceptions.InvalidArn):
            continue
        return Execution(stack, found["executionArn"], found["startDate"])
    return None


def _beginning(stack: Stack, machine: str, name: str) -> Iterator[dict[str, Any]]:
    pages = (
        stack.client("stepfunctions")
        .get_paginator("list_executions")
        .paginate(stateMachineArn=machine, PaginationConfig={"MaxItems": _EXECUTIONS})
    )
    for page in pages:
        for each in page["executions"]:
            if each["name"].startswith(name) or name.startswith(f"{base(each['name'])}-"):
                yield each


def _named(stack: Stack, folder: str, name: str) -> str | None:
    """The only name in the folder that is, or begins with, the name or its execution's."""
    for beginning in dict.fromkeys((name, base(name))):
        if beginning and (found := [key.split("/")[1] for key in _folders(stack, f"{folder}/{beginning}")]):
            return name if name in found else _only(_of_execution(found, beginning) or found, name)
    return None


def _of_execution(names: list[str], execution: str) -> list[str]:
    """Those that the execution itself has: what was filtered of a scoring begins with the scoring's name."""
    return [name for name in names if re.fullmatch(r"-[0-9a-f]{8}", name.removeprefix(execution))]


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
