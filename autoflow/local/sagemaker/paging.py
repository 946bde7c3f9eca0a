"""Filtering, sorting and paging as SageMaker's List operations do."""

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from autoflow.local.sagemaker.errors import validation

Item = dict[str, Any]

DEFAULT_PAGE = 10


def within(items: Iterable[Item], request: Item, name_key: str) -> list[Item]:
    """The items that pass NameContains and the CreationTime/LastModifiedTime bounds of the request."""
    text = request.get("NameContains", "").lower()
    return [item for item in items if text in item[name_key].lower() and _in_bounds(item, request)]


def _in_bounds(item: Item, request: Item) -> bool:
    for field in ("CreationTime", "LastModifiedTime"):
        after, before = _moment(request.get(f"{field}After")), _moment(request.get(f"{field}Before"))
        if (after and item[field] <= after) or (before and item[field] >= before):
            return False
    return True


def _moment(epoch: float | None) -> datetime | None:
    return None if epoch is None else datetime.fromtimestamp(epoch, UTC)


def ordered(
    items: Iterable[Item], request: Item, keys: dict[str, Callable[[Item], Any]], sort_by: str, order: str
) -> list[Item]:
    """Sorted by the request's SortBy and SortOrder; later items first among equals when descending.

    Args:
        items: in the order of their creation.
        request: may have SortBy and SortOrder.
        keys: SortBy value → sort key.
        sort_by: default of SortBy.
        order: default of SortOrder.
    """
    result = sorted(items, key=keys[request.get("SortBy", sort_by)])
    return result[::-1] if request.get("SortOrder", order) == "Descending" else result


def page(items: Sequence[Item], request: Item, default: int = DEFAULT_PAGE) -> tuple[list[Item], dict[str, str]]:
    """The page that the request asks for, and ``{"NextToken": …}`` when more follow.

    Raises:
        CommonServiceException: the token is none of ours.
    """
    start = 0
    if token := request.get("NextToken"):
        try:
            start = int(base64.urlsafe_b64decode(token).decode().removeprefix("from:"))
            if start < 0:
                raise ValueError(start)
        except (binascii.Error, ValueError):
            raise validation("Invalid NextToken") from None
    end = start + request.get("MaxResults", default)
    more = {"NextToken": base64.urlsafe_b64encode(f"from:{end}".encode()).decode()} if end < len(items) else {}
    return list(items[start:end]), more
