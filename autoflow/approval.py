"""Answer a run that waits for approval: its model package is approved or rejected."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from autoflow import lookup, results
from autoflow.documents import json_object
from autoflow.errors import CommandError
from autoflow.execution import Execution
from autoflow.stack import Stack

_PENDING = "PendingManualApproval"
_CLOCKS = timedelta(minutes=1)
"""By how much the clocks of two services may differ."""
_NO_GROUP = {"ValidationException", "ResourceNotFound"}


def answer(stack: Stack, name: str, status: str, comment: str) -> str:
    """Set the approval status of the run's model package, ``Approved`` or ``Rejected``; returns what to tell.

    Raises:
        UsageError: no such run.
        CommandError: it has no package (yet), is decided, or has ended.
    """
    run = lookup.run_named(stack, name)
    request = results.read_json(stack, f"s3://{stack.bucket}/runs/{run}/request.json")
    execution = lookup.execution_named(stack, run)
    description = execution.describe()
    package = _package(stack, str(request["Endpoint"]["Name"]), run, execution.started)
    running = description["status"] == "RUNNING"
    if package is None:
        raise CommandError(_why_no_package(execution, description, run))
    decided = package.get("ModelApprovalStatus", "")
    if decided != _PENDING:
        why = package.get("ApprovalDescription")
        raise CommandError(f"the model of {run} is already {decided}{f': {why}' if why else ''}")
    if not running:
        raise CommandError(f"{run} has ended ({description['status']}); nobody waits for an answer any more")
    arn = package["ModelPackageArn"]
    change = {"ModelPackageArn": arn, "ModelApprovalStatus": status}
    stack.client("sagemaker").update_model_package(**change, **({"ApprovalDescription": comment} if comment else {}))
    version = arn.partition("model-package/")[2]
    return f"{status} {version}, the model of {run}. {stack.command('follow', execution.name)} shows how it goes on."


def _package(stack: Stack, group: str, run: str, since: datetime) -> dict[str, Any] | None:
    """The model package that the run, which began then, registered."""
    client = stack.client("sagemaker")
    try:
        for arn in _arns(client, group, since):
            package: dict[str, Any] = client.describe_model_package(ModelPackageName=arn)
            if package.get("CustomerMetadataProperties", {}).get("Run") == run:
                return package
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NO_GROUP:
            raise
    return None


def _arns(client: Any, group: str, since: datetime) -> Iterator[str]:
    """The group's packages from that time on, the newest first."""
    pages = client.get_paginator("list_model_packages")
    for page in pages.paginate(ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending"):
        for package in page["ModelPackageSummaryList"]:
            if package["CreationTime"] < since - _CLOCKS:
                return
            yield package["ModelPackageArn"]


def _why_no_package(execution: Execution, description: dict[str, Any], run: str) -> str:
    if description["status"] == "RUNNING":
        return (
            f"{run} has no model to decide on yet; {execution.stack.command('follow', execution.name)} "
            "says when it waits for approval"
        )
    result = json_object(description.get("output", ""))
    if reason := result.get("Reason"):
        return f"{run} has ended, {result.get('Outcome')} before anybody was asked: {reason}"
    return f"{run} has ended ({description['status']}) without a model to decide on"
