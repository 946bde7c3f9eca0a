"""Which endpoint's model is to predict, among those that the stack has an approved model for.

A model is registered in a group named after its endpoint, so an endpoint that is not there can be made when needed.
"""

import difflib
from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from autoflow.errors import UsageError
from autoflow.stack import Stack

_RUN_TAG = "autopilot-flow:run"
_MISSING = frozenset({"ResourceNotFound", "ResourceNotFoundException", "ValidationException"})
"""SageMaker says both of what is not there."""
_SHOWN = 5


def choose(stack: Stack, name: str | None) -> str:
    """The endpoint of that name; without one, the stack's only endpoint.

    Raises:
        UsageError: there is none, there are several, or none has that name.
    """
    if name is None:
        return _only(stack)
    sagemaker = stack.client("sagemaker")
    if find(sagemaker.describe_endpoint, EndpointName=name) or _has_approved(sagemaker, name):
        return name
    known = list(_endpoints(stack))
    if not known:
        raise _none(stack)
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there {_listed(known)}"
    raise UsageError(f"{stack.title} has no endpoint {name!r}, and no approved model for one; {hint}")


def _only(stack: Stack) -> str:
    known = list(_endpoints(stack))
    if not known:
        raise _none(stack)
    if len(known) > 1:
        raise UsageError(f"there {_listed(known)} in {stack.title}; say with --endpoint whose model is to predict")
    return known[0]


def _none(stack: Stack) -> UsageError:
    learn = stack.command("run", "DATA", "--target", "COLUMN").replace("'", "")
    return UsageError(f"{stack.title} has no approved model that could predict; `{learn}` makes one")


def _listed(known: list[str]) -> str:
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return f"{'is the endpoint' if len(known) == 1 else 'are the endpoints'} {', '.join(known[:_SHOWN])}{more}"


def _endpoints(stack: Stack) -> Iterator[str]:
    """The endpoints for which the stack has an approved model, the newest first."""
    sagemaker = stack.client("sagemaker")
    pages = sagemaker.get_paginator("list_model_package_groups").paginate(SortBy="CreationTime", SortOrder="Descending")
    for page in pages:
        for group in page["ModelPackageGroupSummaryList"]:
            name = str(group["ModelPackageGroupName"])
            if _is_ours(stack, group["ModelPackageGroupArn"]) and _has_approved(sagemaker, name):
                yield name


def _is_ours(stack: Stack, arn: str) -> bool:
    """Whether the group was made by a run of this stack, or handed over to this project by its tag."""
    pages = stack.client("sagemaker").get_paginator("list_tags").paginate(ResourceArn=arn)
    tags = {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
    run = tags.get(_RUN_TAG)
    return run is not None and (not run.startswith("s3://") or run.startswith(f"s3://{stack.bucket}/"))


def _has_approved(sagemaker: Any, group: str) -> bool:
    approved = {"ModelApprovalStatus": "Approved", "MaxResults": 1}
    found = find(sagemaker.list_model_packages, ModelPackageGroupName=group, **approved)
    return bool(found and found["ModelPackageSummaryList"])


def find(call: Callable[..., Any], **names: Any) -> Any:
    """What the SageMaker call answers, or None when there is nothing of that name."""
    try:
        return call(**names)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _MISSING:
            raise
        return None
