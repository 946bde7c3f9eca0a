"""Pages of List operations."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from localstack.aws.api import CommonServiceException

from autoflow.local.sagemaker import paging


@given(st.integers(0, 45), st.none() | st.integers(1, 20))
def test_the_pages_together_are_all_items_once_in_order(count: int, size: int | None) -> None:
    items = [{"Name": str(number)} for number in range(count)]
    request: dict[str, Any] = {"MaxResults": size} if size else {}
    found, token = [], {"NextToken": ""}
    while token:
        page, token = paging.page(items, request | token)
        assert len(page) <= (size or 10)
        assert len(page) == (size or 10) or not token
        found += page
    assert found == items


@pytest.mark.parametrize("token", ["x", "ZnJvbTp4", "ZnJvbTotMQ==", "€"])
def test_a_foreign_token_is_refused(token: str) -> None:
    with pytest.raises(CommonServiceException, match="NextToken"):
        paging.page([], {"NextToken": token})


def test_sorted_and_filtered() -> None:
    items = [
        {"Name": name, "CreationTime": datetime.fromtimestamp(at, UTC)} for name, at in (("Ab", 1), ("b", 3), ("ac", 2))
    ]
    keys = {"Name": lambda item: item["Name"].lower(), "CreationTime": lambda item: item["CreationTime"]}

    def names(**request: Any) -> list[str]:
        found = paging.within(items, request, "Name")
        return [item["Name"] for item in paging.ordered(found, request, keys, "CreationTime", "Descending")]

    assert names() == ["b", "ac", "Ab"]
    assert names(SortOrder="Ascending") == ["Ab", "ac", "b"]
    assert names(SortBy="Name", SortOrder="Ascending") == ["Ab", "ac", "b"]
    assert names(NameContains="A") == ["ac", "Ab"]
    assert names(CreationTimeAfter=1) == ["b", "ac"]
    assert names(CreationTimeBefore=2.5) == ["ac", "Ab"]
