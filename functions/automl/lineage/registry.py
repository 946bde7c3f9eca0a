"""Model packages: every accepted model is one, in a group named after its endpoint. They are the only memory of models.

A versioned package takes no tags, so it leads to its run by its CustomerMetadataProperties.
"""

import contextlib
import math
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from automl import sagemaker_errors
from automl.errors import InvalidRequest
from automl.tags import RUN_TAG, as_tags, read_tags

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import (
        CreateModelPackageInputTypeDef,
        DescribeModelPackageOutputTypeDef,
        ListModelPackagesInputPaginateTypeDef,
        ModelPackageSummaryTypeDef,
    )

Approval = Literal["Approved", "Rejected", "PendingManualApproval"]
APPROVED: Approval = "Approved"
REJECTED: Approval = "Rejected"
PENDING: Approval = "PendingManualApproval"
CONTAINER_KEYS = ("Image", "ModelDataUrl", "Environment")
"""What makes a container of a model; SageMaker may tell more of it than it takes."""
METRIC = "Metric."
"""Prefix of the properties that hold the metrics of the test rows."""

_MOST_PROPERTIES = 50
_LONGEST_PROPERTY = 256
_LONGEST_DESCRIPTION = 1024
_SIGNS = frozenset("_.:/=+-@")
_MEDIA_TYPES = ["text/csv"]


@dataclass(frozen=True)
class Package:
    """A model package that a run registered."""

    arn: str
    status: str
    """ModelApprovalStatus."""
    note: str
    """ApprovalDescription: why it was approved or rejected."""
    properties: Mapping[str, str]
    containers: tuple[Mapping[str, Any], ...]

    @property
    def version(self) -> int:
        """The package's number in its group."""
        return int(self.arn.rpartition("/")[2])

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics of the test rows, as far as the properties, which anybody may edit, tell them."""
        metrics = {}
        for key, value in self.properties.items():
            with contextlib.suppress(ValueError):
                if key.startswith(METRIC):
                    metrics[key.removeprefix(METRIC)] = float(value)
        return metrics


def sanitise(text: str) -> str:
    """Free text as a property takes it: letters, digits, spaces and a few signs, at most 256 of them."""
    kept = (sign if _is_allowed(sign) else "_" for sign in text[:_LONGEST_PROPERTY])
    return "".join(kept)


def _is_allowed(sign: str) -> bool:
    # Beyond the basic plane a character counts as two where SageMaker measures the length.
    return sign in _SIGNS or (ord(sign) <= 0xFFFF and unicodedata.category(sign)[0] in "LZN")


def as_properties(values: Mapping[str, Any]) -> dict[str, str]:
    """CustomerMetadataProperties without what is missing: None, "" and numbers that are none."""
    properties = {}
    for name, value in values.items():
        if value is None or value == "" or (isinstance(value, float) and not math.isfinite(value)):
            continue
        properties[sanitise(name)[:128]] = sanitise(f"{value:.10g}" if isinstance(value, float) else str(value))
    return dict(list(properties.items())[:_MOST_PROPERTIES])


def has_group(sagemaker: "SageMakerClient", name: str) -> bool:
    """Whether there is a group of this name.

    Raises:
        InvalidRequest: there is one that this project did not make.
    """
    group = sagemaker_errors.find(sagemaker.describe_model_package_group, ModelPackageGroupName=name)
    if group is None:
        return False
    if RUN_TAG not in read_tags(sagemaker, group["ModelPackageGroupArn"]):
        raise InvalidRequest(
            f"Model package group {name!r} exists and was not made by this project, so it cannot hold the models of "
            f"endpoint {name!r}; give another Endpoint.Name, or hand the group over by the tag {RUN_TAG!r} "
            "with any value"
        )
    return True


def ensure_group(sagemaker: "SageMakerClient", name: str, run_uri: str) -> None:
    """Create the group unless it is there.

    Raises:
        InvalidRequest: SageMaker refuses it, or there is one that this project did not make.
    """
    if has_group(sagemaker, name):
        return
    try:
        sagemaker.create_model_package_group(
            ModelPackageGroupName=name,
            ModelPackageGroupDescription=f"Models of endpoint {name}",
            Tags=as_tags({RUN_TAG: run_uri}),
        )
    except ClientError as error:
        # Another run of the same endpoint may have been faster.
        if not sagemaker_errors.is_refusal(error):
            raise
        if not has_group(sagemaker, name):
            raise InvalidRequest(
                f"SageMaker refused model package group {name!r}: {sagemaker_errors.message_of(error)}. "
                "Correct Endpoint.Name and start again"
            ) from error


def packages(
    sagemaker: "SageMakerClient", group: str, status: Approval | None = None, since: datetime | None = None
) -> Iterator[Package]:
    """The packages of an existing group that runs have registered, newest first.

    Args:
        sagemaker: client.
        group: its name.
        status: ModelApprovalStatus that they must have, None for any.
        since: only those created after that moment.
    """
    request: ListModelPackagesInputPaginateTypeDef = {
        "ModelPackageGroupName": group,
        "SortBy": "CreationTime",
        "SortOrder": "Descending",
    }
    if status:
        request["ModelApprovalStatus"] = status
    if since:
        request["CreationTimeAfter"] = since
    pages = sagemaker.get_paginator("list_model_packages").paginate(**request)
    summaries = [summary for page in pages for summary in page["ModelPackageSummaryList"]]
    for summary in sorted(summaries, key=_age, reverse=True):
        package = find_package(sagemaker, summary["ModelPackageArn"])
        if package and package.properties.get("RunUri") and status in {None, package.status}:
            yield package


def _age(summary: "ModelPackageSummaryTypeDef") -> tuple[datetime, int]:
    return summary["CreationTime"], summary.get("ModelPackageVersion", 0)


def find_package(sagemaker: "SageMakerClient", arn: str) -> Package | None:
    """The package, or None when it is gone or could not be made."""
    found = sagemaker_errors.find(sagemaker.describe_model_package, ModelPackageName=arn)
    return _package(found) if found and found["ModelPackageStatus"] not in {"Failed", "Deleting"} else None


def _package(found: "DescribeModelPackageOutputTypeDef") -> Package:
    return Package(
        arn=found["ModelPackageArn"],
        status=found.get("ModelApprovalStatus", PENDING),
        note=found.get("ApprovalDescription", ""),
        properties=found.get("CustomerMetadataProperties", {}),
        containers=tuple(found.get("InferenceSpecification", {}).get("Containers", [])),
    )


def newest_approved(sagemaker: "SageMakerClient", group: str) -> Package | None:
    """The group's newest approved package: its model is the champion. None when there is no group or no such package.

    Raises:
        InvalidRequest: the group was not made by this project.
    """
    return next(packages(sagemaker, group, APPROVED), None) if has_group(sagemaker, group) else None


def package_of_model(sagemaker: "SageMakerClient", group: str, model_name: str) -> Package | None:
    """The package in which this model was registered."""
    if not has_group(sagemaker, group):
        return None
    return next((one for one in packages(sagemaker, group) if one.properties.get("ModelName") == model_name), None)


def package_of_run(sagemaker: "SageMakerClient", group: str, run: Mapping[str, Any]) -> Package | None:
    """The package that this run has registered already in the existing group.

    Args:
        sagemaker: client.
        group: its name.
        run: ``Uri`` and ``StartedAt``, before which it cannot have been.
    """
    since = datetime.fromisoformat(run["StartedAt"])
    found = packages(sagemaker, group, since=since)
    return next((package for package in found if package.properties["RunUri"] == run["Uri"]), None)


def package_request(
    group: str,
    run: Mapping[str, Any],
    containers: Iterable[Mapping[str, Any]],
    properties: Mapping[str, str],
    reports: Mapping[str, str],
) -> "CreateModelPackageInputTypeDef":
    """The parameters of CreateModelPackage.

    Args:
        group: name of the group.
        run: ``Name`` and ``Approval``.
        containers: of the model, in the order of execution, with their whole Environment.
        properties: CustomerMetadataProperties.
        reports: S3 URIs of Autopilot's ``Statistics`` and ``Explainability``, as far as there are such.
    """
    request: dict[str, Any] = {
        "ModelPackageGroupName": group,
        "ModelPackageDescription": f"Model of run {run['Name']}",
        "InferenceSpecification": {
            "Containers": [{key: one[key] for key in CONTAINER_KEYS if one.get(key)} for one in containers],
            "SupportedContentTypes": _MEDIA_TYPES,
            "SupportedResponseMIMETypes": _MEDIA_TYPES,
        },
        "ModelApprovalStatus": PENDING if run["Approval"] == "Manual" else APPROVED,
        "CustomerMetadataProperties": dict(properties),
        "ClientToken": run["Name"],
    }
    metrics = {}
    if "Statistics" in reports:
        metrics["ModelQuality"] = {"Statistics": _report(reports["Statistics"])}
    if "Explainability" in reports:
        metrics["Explainability"] = {"Report": _report(reports["Explainability"])}
    if metrics:
        request["ModelMetrics"] = metrics
    return request  # type: ignore[return-value]


def _report(uri: str) -> dict[str, str]:
    return {"ContentType": "application/json", "S3Uri": uri}


def register(
    sagemaker: "SageMakerClient", request: "CreateModelPackageInputTypeDef", run: Mapping[str, Any]
) -> Package:
    """Register the run's model in the existing group, unless an earlier attempt did.

    Raises:
        InvalidRequest: SageMaker refuses the package.
    """
    group = request["ModelPackageGroupName"]
    if existing := package_of_run(sagemaker, group, run):
        return existing
    try:
        arn = sagemaker.create_model_package(**request)["ModelPackageArn"]
    except ClientError as error:
        if not sagemaker_errors.is_refusal(error):
            raise
        if existing := package_of_run(sagemaker, group, run):
            return existing
        raise InvalidRequest(
            f"SageMaker refused to register the model of run {run['Name']!r} in group {group!r}: "
            f"{sagemaker_errors.message_of(error)}. See that the stack's SageMaker role may read the run's folder, "
            "and start again"
        ) from error
    return Package(
        arn=arn,
        status=request["ModelApprovalStatus"],
        note="",
        properties=request["CustomerMetadataProperties"],
        containers=tuple(request["InferenceSpecification"]["Containers"]),
    )


def reject(sagemaker: "SageMakerClient", arn: str, reason: str) -> bool:
    """Set the package Rejected, so that it is nobody's champion; False when it is that already, or gone."""
    package = find_package(sagemaker, arn)
    if package is None or package.status == REJECTED:
        return False
    sagemaker.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus=REJECTED,
        ApprovalDescription=" ".join(reason.split())[:_LONGEST_DESCRIPTION],
    )
    return True


def model_containers(description: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The containers of DescribeModel's answer, in the order of execution."""
    containers: Sequence[Mapping[str, Any]] = description.get("Containers") or [description["PrimaryContainer"]]
    return containers
