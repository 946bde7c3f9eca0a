"""Tag operations, for everything that has an ARN here."""

from autoflow.local.sagemaker import paging
from autoflow.local.sagemaker.errors import validation
from autoflow.local.sagemaker.state import Account, Document

_MOST_TAGS = 50
_DEFAULT_PAGE = 50


def _require(account: Account, arn: str) -> None:
    with account.lock:
        known = {job.arn for job in account.jobs.values()}
        known |= {endpoint.arn for endpoint in account.endpoints.values()}
        known |= {job.arn for job in account.transform_jobs.values()}
        known |= {model["ModelArn"] for model in account.models.values()}
        known |= {config["EndpointConfigArn"] for config in account.endpoint_configs.values()}
        known |= {group["ModelPackageGroupArn"] for group in account.package_groups.values()}
        if arn in account.packages:
            raise validation(f"A versioned model package has no tags of its own, its group has: {arn}")
    if arn not in known:
        raise validation(f"Could not find resource {arn}")


def _as_list(tags: dict[str, str]) -> list[Document]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def add(account: Account, request: Document) -> Document:
    """AddTags."""
    arn = request["ResourceArn"]
    _require(account, arn)
    with account.lock:
        merged = account.tags[arn] | {tag["Key"]: tag["Value"] for tag in request["Tags"]}
        if len(merged) > _MOST_TAGS:
            raise validation(f"A resource can have at most {_MOST_TAGS} tags")
        account.tags[arn] = merged
        return {"Tags": _as_list(merged)}


def list_tags(account: Account, request: Document) -> Document:
    """ListTags."""
    _require(account, request["ResourceArn"])
    with account.lock:
        items, more = paging.page(_as_list(account.tags[request["ResourceArn"]]), request, _DEFAULT_PAGE)
    return {"Tags": items} | more


def delete(account: Account, request: Document) -> Document:
    """DeleteTags."""
    _require(account, request["ResourceArn"])
    with account.lock:
        for key in request["TagKeys"]:
            account.tags[request["ResourceArn"]].pop(key, None)
    return {}
