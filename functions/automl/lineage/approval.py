"""A person's yes or no to a registered model: the run waits with a task token, the package's status is the answer.

The answer may come from anywhere that sets the status, twice, too early or too late. The token is stored before the
status is looked at, so an answer is seen either by the one that stores or by the event that it causes.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from automl.errors import InvalidRequest, ServiceUnavailable
from automl.lineage import registry
from automl.run_files import RunFiles
from automl.runs import run_uri
from automl.storage import delete, read_json_if_there, write_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_stepfunctions import SFNClient

_ANSWERED_OR_OVER = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})
_PACKAGE_ARN = re.compile(r"arn:[a-z-]+:sagemaker:[a-z0-9-]+:\d{12}:model-package/[A-Za-z0-9/_.-]{1,200}\Z")
_DECIDED = frozenset({registry.APPROVED, registry.REJECTED})


@dataclass(frozen=True)
class ApprovalSettings:
    """Settings of the functions that wait for and pass on an approval."""

    data_bucket: str


@dataclass(frozen=True)
class Clients:
    """What an answer needs."""

    sagemaker: "SageMakerClient"
    s3: "S3Client"
    step_functions: "SFNClient"


def wait(clients: Clients, run: Mapping[str, Any], package_arn: str, task_token: str) -> str:
    """Remember who waits for the package's approval, and answer at once when it is decided already.

    Returns:
        What became of it, for the log.

    Raises:
        InvalidRequest: the package was deleted, so nobody can approve it.
    """
    write_json(clients.s3, RunFiles(run["Uri"]).approval, {"TaskToken": task_token, "PackageArn": package_arn})
    package = registry.find_package(clients.sagemaker, package_arn)
    if package is None:
        raise InvalidRequest(f"Model package {package_arn} was deleted before it was approved or rejected; start again")
    return _answer(clients, run["Uri"], package)


def read_event(event: Mapping[str, Any]) -> tuple[str, str]:
    """ARN and approval status of the model package that an event of SageMaker is about.

    Raises:
        InvalidRequest: it is no such event.
    """
    detail, resources = event.get("detail"), event.get("resources")
    told = detail if isinstance(detail, Mapping) else {}
    first = resources[0] if isinstance(resources, list) and resources else None
    package, status = told.get("ModelPackageArn") or first, told.get("ModelApprovalStatus")
    if not (isinstance(package, str) and _PACKAGE_ARN.match(package) and isinstance(status, str)):
        raise InvalidRequest(
            "The event has no detail.ModelPackageArn or no detail.ModelApprovalStatus; "
            "send 'SageMaker Model Package State Change' of SageMaker, and no other event"
        )
    return package, status


def answer(clients: Clients, package_arn: str, told: str, data_bucket: str) -> str:
    """Tell the run that waits for this package how it was decided. Nobody waiting is no error.

    Args:
        clients: clients.
        package_arn: of the package that was decided.
        told: how, as the event says. What SageMaker says now counts, unless it does not know of the event yet.
        data_bucket: of this stack.

    Returns:
        What became of it, for the log.

    Raises:
        ServiceUnavailable: SageMaker does not know of the decision yet.
    """
    package = registry.find_package(clients.sagemaker, package_arn)
    if package is None:
        return "the package is gone"
    uri = package.properties.get("RunUri", "")
    if uri != run_uri(data_bucket, package.properties.get("Run", "")):
        return "the package is not of a run of this stack"
    if told in _DECIDED and package.status not in _DECIDED:
        raise ServiceUnavailable(
            f"Model package {package.arn} was {told.lower()}, its event says, but SageMaker tells {package.status}; "
            "look again, and if it stays so, approve or reject it once more"
        )
    return _answer(clients, uri, package)


def _answer(clients: Clients, uri: str, package: registry.Package) -> str:
    if package.status not in _DECIDED:
        return "it is not decided"
    file = RunFiles(uri).approval
    waiting = read_json_if_there(clients.s3, file)
    # SageMaker does not keep the case of a name in every ARN.
    if waiting is None or waiting["PackageArn"].lower() != package.arn.lower():
        return "no run waits for it"
    output = json.dumps({"Status": package.status, "Reason": _reason(package)})
    try:
        clients.step_functions.send_task_success(taskToken=waiting["TaskToken"], output=output)
        outcome = f"{package.status} is passed on"
    except ClientError as error:
        if error.response["Error"]["Code"] not in _ANSWERED_OR_OVER:
            raise
        outcome = "the run waits no more"
    delete(clients.s3, file)
    return outcome


def _reason(package: registry.Package) -> str:
    said = f": {package.note}" if package.note else ""
    return f"Model package {package.arn.partition('/')[2]} was {package.status.lower()}{said}"
