"""Model package groups: the registry's shelves."""

import copy
from collections.abc import Callable
from typing import Any

from autoflow.local.sagemaker import paging
from autoflow.local.sagemaker.errors import conflict, validation
from autoflow.local.sagemaker.state import Account, Document, now, tags_of

_KEYS: dict[str, Callable[[Document], Any]] = {
    "Name": lambda item: item["ModelPackageGroupName"],
    "CreationTime": lambda item: item["CreationTime"],
}
_SUMMARY = (
    "ModelPackageGroupName",
    "ModelPackageGroupArn",
    "ModelPackageGroupDescription",
    "CreationTime",
    "ModelPackageGroupStatus",
)


def create(account: Account, request: Document) -> Document:
    """CreateModelPackageGroup."""
    name = request["ModelPackageGroupName"]
    arn = account.arn("model-package-group", name.lower())
    with account.lock:
        if name.lower() in account.package_groups:
            raise validation(f"Model Package Group already exists: {arn}")
        group = {
            "ModelPackageGroupName": name,
            "ModelPackageGroupArn": arn,
            "CreationTime": now(),
            "CreatedBy": {},
            "ModelPackageGroupStatus": "Completed",
        }
        if "ModelPackageGroupDescription" in request:
            group["ModelPackageGroupDescription"] = request["ModelPackageGroupDescription"]
        account.package_groups[name.lower()] = group
        account.tags[arn] = tags_of(request)
    return {"ModelPackageGroupArn": arn}


def find(account: Account, name_or_arn: str) -> Document:
    """The group's document.

    Raises:
        CommonServiceException: there is none.
    """
    key = name_or_arn.rpartition("/")[2].lower()
    arn = account.arn("model-package-group", key)
    if key not in account.package_groups or ("/" in name_or_arn and name_or_arn != arn):
        raise validation(f"ModelPackageGroup {name_or_arn if '/' in name_or_arn else arn} does not exist.")
    return account.package_groups[key]


def describe(account: Account, request: Document) -> Document:
    """DescribeModelPackageGroup."""
    with account.lock:
        return copy.deepcopy(find(account, request["ModelPackageGroupName"]))


def list_groups(account: Account, request: Document) -> Document:
    """ListModelPackageGroups."""
    with account.lock:
        groups = copy.deepcopy(list(account.package_groups.values()))
    summaries = [{key: group[key] for key in _SUMMARY if key in group} for group in groups]
    found = paging.within(summaries, request, "ModelPackageGroupName")
    items, more = paging.page(paging.ordered(found, request, _KEYS, "CreationTime", "Ascending"), request)
    return {"ModelPackageGroupSummaryList": items} | more


def delete(account: Account, request: Document) -> Document:
    """DeleteModelPackageGroup."""
    with account.lock:
        group = find(account, request["ModelPackageGroupName"])
        name, arn = group["ModelPackageGroupName"], group["ModelPackageGroupArn"]
        if any(package["ModelPackageGroupName"] == name for package in account.packages.values()):
            raise conflict(f"Cannot delete Model Package Group {arn}: it still has model packages.")
        del account.package_groups[name.lower()]
        account.last_versions.pop(name.lower(), None)
        account.tags.pop(arn, None)
    return {}
