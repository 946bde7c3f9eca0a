"""Versioned model packages: registered models and whether they may be deployed."""

import copy
from collections.abc import Callable, Iterable
from typing import Any

from autoflow.local.sagemaker import events, package_groups, paging
from autoflow.local.sagemaker.errors import conflict, validation
from autoflow.local.sagemaker.state import Account, Document, now

_ECHO = (
    "ModelPackageDescription",
    "InferenceSpecification",
    "MetadataProperties",
    "ModelMetrics",
    "Domain",
    "Task",
    "SamplePayloadUrl",
    "CustomerMetadataProperties",
    "DriftCheckBaselines",
    "SkipModelValidation",
    "SourceUri",
    "ModelLifeCycle",
)
_NOT_EMULATED = (
    "AdditionalInferenceSpecifications",
    "AdditionalInferenceSpecificationsToAdd",
    "CertifyForMarketplace",
    "ModelCard",
    "ModelPackageRegistrationType",
    "SecurityConfig",
    "SourceAlgorithmSpecification",
    "ValidationSpecification",
)
_SUMMARY = (
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "ModelPackageDescription",
    "CreationTime",
    "ModelPackageStatus",
    "ModelApprovalStatus",
    "ModelLifeCycle",
)
_MOST_PROPERTIES = 50
_PENDING = "PendingManualApproval"
_KEYS: dict[str, Callable[[Document], Any]] = {
    "Name": lambda item: (item["ModelPackageGroupName"], item["ModelPackageVersion"]),
    "CreationTime": lambda item: item["CreationTime"],
}


def create(account: Account, request: Document) -> Document:
    """CreateModelPackage."""
    for message in _broken_rules(request):
        raise validation(message)
    asked = {key: value for key, value in request.items() if key != "ClientToken"}
    token = request.get("ClientToken")
    with account.lock:
        if token in account.package_tokens:
            arn, before = account.package_tokens[token]
            if before != asked:
                raise conflict(f"ClientToken {token} was used with other parameters for {arn}.")
            return {"ModelPackageArn": arn}
        package = _add(account, asked)
        arn = package["ModelPackageArn"]
        if token:
            account.package_tokens[token] = arn, copy.deepcopy(asked)
        package = copy.deepcopy(package)
    events.model_package_changed(account, package)
    return {"ModelPackageArn": arn}


def _add(account: Account, request: Document) -> Document:
    group = package_groups.find(account, request["ModelPackageGroupName"])
    name = group["ModelPackageGroupName"]
    # Numbers of deleted versions are not used again.
    version = account.last_versions[name.lower()] = account.last_versions.get(name.lower(), 0) + 1
    arn = account.arn("model-package", f"{name.lower()}/{version}")
    package = copy.deepcopy({key: request[key] for key in _ECHO if key in request})
    package |= {
        "ModelPackageGroupName": name,
        "ModelPackageVersion": version,
        "ModelPackageArn": arn,
        "CreationTime": now(),
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        "CertifyForMarketplace": False,
        "ModelApprovalStatus": request.get("ModelApprovalStatus", _PENDING),
        "CreatedBy": {},
    }
    account.packages[arn] = package
    return package


def _broken_rules(request: Document) -> Iterable[str]:
    if "ModelPackageName" in request and "ModelPackageGroupName" in request:
        yield (
            "Both ModelPackageName and ModelPackageGroupName are provided in the input. "
            "Cannot determine which one to use."
        )
    if "ModelPackageGroupName" not in request:
        yield "Unversioned model packages are not supported in the local cloud; give ModelPackageGroupName."
    if request.get("Tags"):
        yield "Tags cannot be specified for a versioned model package; tag its model package group."
    yield from _not_emulated(request)
    if "InferenceSpecification" not in request:
        yield "InferenceSpecification must be specified."
        return
    for container in request["InferenceSpecification"]["Containers"]:
        if "Image" not in container:
            yield "Image must be specified for every container of InferenceSpecification."


def _not_emulated(request: Document) -> Iterable[str]:
    for key in _NOT_EMULATED:
        if request.get(key):
            yield f"{key} is not supported in the local cloud."


def find(account: Account, name_or_arn: str) -> Document:
    """The package's document, by its ARN or ``group/version``.

    Raises:
        CommonServiceException: there is none.
    """
    arn = name_or_arn if name_or_arn.startswith("arn:") else account.arn("model-package", name_or_arn.lower())
    try:
        return account.packages[arn]
    except KeyError:
        raise validation(f"ModelPackage {arn} does not exist.") from None


def containers(account: Account, name_or_arn: str) -> list[Document]:
    """Container definitions of a package.

    Raises:
        CommonServiceException: there is none.
    """
    with account.lock:
        return copy.deepcopy(list(find(account, name_or_arn)["InferenceSpecification"]["Containers"]))


def require_approved(account: Account, name_or_arn: str) -> None:
    """Only what somebody has approved becomes a model.

    Raises:
        CommonServiceException: there is no such package, or it is not approved.
    """
    with account.lock:
        package = find(account, name_or_arn)
        arn, status = package["ModelPackageArn"], package["ModelApprovalStatus"]
    if status != "Approved":
        raise validation(f"Cannot create a model from ModelPackage {arn}: its approval status is {status}.")


def describe(account: Account, request: Document) -> Document:
    """DescribeModelPackage. A versioned package has no ModelPackageName, whatever the service model says."""
    with account.lock:
        return copy.deepcopy(find(account, request["ModelPackageName"]))


def list_packages(account: Account, request: Document) -> Document:
    """ListModelPackages. Versioned ones are listed for a group, or when ModelPackageType asks for them."""
    with account.lock:
        packages: list[Document] = []
        if "ModelPackageGroupName" in request:
            name = package_groups.find(account, request["ModelPackageGroupName"])["ModelPackageGroupName"]
            packages = [item for item in account.packages.values() if item["ModelPackageGroupName"] == name]
        elif request.get("ModelPackageType", "Unversioned") != "Unversioned":
            packages = list(account.packages.values())
        if request.get("ModelPackageType") == "Unversioned":
            packages = []
        summaries = copy.deepcopy([{key: item[key] for key in _SUMMARY if key in item} for item in packages])
    if status := request.get("ModelApprovalStatus"):
        summaries = [item for item in summaries if item["ModelApprovalStatus"] == status]
    found = paging.within(summaries, request, "ModelPackageGroupName")
    items, more = paging.page(paging.ordered(found, request, _KEYS, "CreationTime", "Ascending"), request)
    return {"ModelPackageSummaryList": items} | more


def update(account: Account, request: Document) -> Document:
    """UpdateModelPackage: its approval, its properties, where it comes from and its life cycle."""
    refused = [*_not_emulated(request)]
    if "InferenceSpecification" in request:
        refused.append("InferenceSpecification of a model package cannot be changed in the local cloud.")
    for message in refused:
        raise validation(message)
    with account.lock:
        package = find(account, request["ModelPackageArn"])
        before = package["ModelApprovalStatus"]
        status = request.get("ModelApprovalStatus", before)
        if status == _PENDING != before:
            raise validation(f"ModelApprovalStatus cannot be changed from {before} to {status}.")
        properties = package.get("CustomerMetadataProperties", {}) | request.get("CustomerMetadataProperties", {})
        for key in request.get("CustomerMetadataPropertiesToRemove", []):
            properties.pop(key, None)
        if len(properties) > _MOST_PROPERTIES:
            raise validation(f"A model package can have at most {_MOST_PROPERTIES} CustomerMetadataProperties.")
        package |= {
            key: request[key] for key in ("ApprovalDescription", "SourceUri", "ModelLifeCycle") if key in request
        }
        package |= {"ModelApprovalStatus": status, "LastModifiedTime": now(), "LastModifiedBy": {}}
        package.pop("CustomerMetadataProperties", None)
        if properties:
            package["CustomerMetadataProperties"] = properties
        package = copy.deepcopy(package)
    if status != before:
        events.model_package_changed(account, package)
    return {"ModelPackageArn": package["ModelPackageArn"]}


def delete(account: Account, request: Document) -> Document:
    """DeleteModelPackage."""
    with account.lock:
        arn = find(account, request["ModelPackageName"])["ModelPackageArn"]
        del account.packages[arn]
        account.package_tokens = {key: used for key, used in account.package_tokens.items() if used[0] != arn}
    return {}
