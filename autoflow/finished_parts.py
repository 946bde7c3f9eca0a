"""The parts that a scoring has finished, counted from its folder in S3.

The executions that score the parts are not in the history of the one that started them, so S3 is where to look: one
``parts/part-N.json`` per finished part.
"""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from autoflow.stack import Stack

_READ_AT_ONCE = 8
_READ_AT_MOST = 64
"""Documents per look; the rows of those that must wait are estimated until then."""
_IN_ORDER = 99_999
"""Beyond this part, S3 does not list the keys in the order of the parts."""


class FinishedParts:
    """Counts the rows of finished parts; each document is read once, and what is known is not listed again.

    Args:
        stack: where the scoring is.
        rows: rows.json, of which ``OutputUri``, ``Rows`` and ``PartCount`` are used.
    """

    def __init__(self, stack: Stack, rows: Mapping[str, Any]) -> None:
        self.stack = stack
        self.total = int(rows["Rows"])
        """Rows of all parts."""
        self._count = int(rows["PartCount"])
        self._bucket, _, folder = str(rows["OutputUri"]).removeprefix("s3://").partition("/")
        self._prefix = f"{folder}parts/"
        self._first = 0
        """All parts before this one are known, so they need not be listed again."""
        self._found: set[str] = set()
        self._rows: dict[str, int] = {}

    def look(self) -> int:
        """Rows of the parts that are finished now; exact as soon as all their documents were read."""
        self._list()
        self._read()
        if len(self._found) == self._count:
            return self.total
        unread = len(self._found) - len(self._rows)
        return min(self.total, sum(self._rows.values()) + round(unread * self.total / self._count))

    def _list(self) -> None:
        pages = self.stack.client("s3").get_paginator("list_objects_v2")
        after = {"StartAfter": self._key(self._first - 1)} if self._first else {}
        for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix, **after):
            self._found.update(item["Key"] for item in page.get("Contents", []))
        while self._first < _IN_ORDER and self._key(self._first) in self._found:
            self._first += 1

    def _key(self, part: int) -> str:
        return f"{self._prefix}part-{part:05d}.json"

    def _read(self) -> None:
        new = sorted(self._found - self._rows.keys())[:_READ_AT_MOST]
        if new:
            with ThreadPoolExecutor(_READ_AT_ONCE) as pool:
                self._rows.update(zip(new, pool.map(self._rows_of, new), strict=True))

    def _rows_of(self, key: str) -> int:
        body = self.stack.client("s3").get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return int(json.loads(body)["Rows"])
