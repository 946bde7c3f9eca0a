"""Rows of the parts that a scoring has finished, counted in its folder."""

import json
from typing import Any

import pytest

from autoflow import finished_parts
from autoflow.finished_parts import FinishedParts
from autoflow.stack import Stack
from tests.unit.cli.conftest import BUCKET

FOLDER = "scorings/new-1a2b3c-5da273ff/"


def finish(stack: Stack, *parts: int, rows: int = 100) -> None:
    for part in parts:
        body = json.dumps({"Part": part, "Rows": rows}).encode()
        stack.client("s3").put_object(Bucket=BUCKET, Key=f"{FOLDER}parts/part-{part:05d}.json", Body=body)


def counted(stack: Stack, rows: int, parts: int) -> FinishedParts:
    return FinishedParts(stack, {"OutputUri": f"s3://{BUCKET}/{FOLDER}", "Rows": rows, "PartCount": parts})


@pytest.fixture
def asked(stack: Stack) -> list[tuple[str, dict[str, Any]]]:
    """What was asked of S3."""
    calls: list[tuple[str, dict[str, Any]]] = []

    def remember(model: Any, params: dict[str, Any], **_: Any) -> None:
        calls.append((model.name, dict(params)))

    stack.client("s3").meta.events.register(
        "before-parameter-build.s3", lambda params, model, **_: remember(model, params)
    )
    return calls


def test_rows_are_counted_part_by_part_in_whatever_order_they_are_finished(stack: Stack) -> None:
    parts = counted(stack, rows=350, parts=4)
    assert parts.look() == 0
    finish(stack, 2, 0)
    assert parts.look() == 200
    finish(stack, 3, rows=50)
    assert parts.look() == 250
    finish(stack, 1)
    assert parts.look() == 350


def test_a_document_is_read_once_and_what_is_known_is_not_listed_again(
    stack: Stack, asked: list[tuple[str, dict[str, Any]]]
) -> None:
    finish(stack, 0, 1, 3)
    parts = counted(stack, rows=1000, parts=10)
    parts.look()
    asked.clear()
    assert parts.look() == 300
    assert [(name, params.get("StartAfter")) for name, params in asked] == [
        ("ListObjectsV2", f"{FOLDER}parts/part-00001.json")
    ]
    finish(stack, 2)
    parts.look()
    asked.clear()
    parts.look()
    assert asked[0][1]["StartAfter"].endswith("part-00003.json")


def test_more_documents_than_can_be_read_at_once_are_estimated_until_then(
    stack: Stack, asked: list[tuple[str, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finished_parts, "_READ_AT_MOST", 2)
    finish(stack, *range(5), rows=90)
    parts = counted(stack, rows=1000, parts=10)
    asked.clear()
    assert parts.look() == 2 * 90 + 3 * 100
    assert sum(name == "GetObject" for name, _ in asked) == 2
    assert parts.look() == 4 * 90 + 100
    assert parts.look() == 5 * 90


def test_a_listing_of_many_pages_is_counted_whole(stack: Stack) -> None:
    finish(stack, *range(11))
    pages = stack.client("s3").meta.events
    pages.register("before-parameter-build.s3.ListObjectsV2", lambda params, **_: params.update(MaxKeys=3))
    assert counted(stack, rows=1200, parts=12).look() == 1100
