"""The parts that a scoring has finished, counted from its folder in S3.

The executions that score the parts are not in the history of the one that started them, so S3 is where to look: one
``parts/part-N.json`` per finished part.
"""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
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
        began: when the execution began; parts that were finished earlier were those of another.
    """

    def __init__(self, stack: Stack, rows: Mapping[str, Any], began: datetime) -> None:
        self.stack = stack
        self.began = began
        self.total = int(rows["Rows"])
        """Rows of all parts."""
        self._usual = self.total / max(1, int(rows["PartCount"]))
        self._bucket, _, folder = str(rows["OutputUri"]).removeprefix("s3://").partition("/")
        self._prefix = f"{folder}parts/"
        self._first = 0
        """All parts before this one are known, so they need not be listed again."""
        self._found: dict[str, datetime] = {}
        self._rows: dict[str, int] = {}

    def look(self) -> int:
        """Rows of the parts that are finished now; exact as soon as all their documents were read."""
        self._list()
        self._read()
        return min(self.total, self._sum(self._found))

    @property
    def before(self) -> int:
        """Rows of the parts that had been finished before the execution began, as far as they were found."""
        return self._sum([key for key, changed in self._found.items() if changed < self.began])

    def _list(self) -> None:
        pages = self.stack.client("s3").get_paginator("list_objects_v2")
        after = {"StartAfter": self._key(self._first - 1)} if self._first else {}
        for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix, **after):
            for item in page.get("Contents", []):
                self._found[item["Key"]] = item["LastModified"]
        while self._first < _IN_ORDER and self._key(self._first) in self._found:
            self._first += 1

    def _key(self, part: int) -> str:
        return f"{self._prefix}part-{part:05d}.json"

    def _read(self) -> None:
        new = [key for key in self._found if key not in self._rows][:_READ_AT_MOST]
        if new:
            with ThreadPoolExecutor(_READ_AT_ONCE) as pool:
                self._rows.update(zip(new, pool.map(self._rows_of, new), strict=True))

    def _rows_of(self, key: str) -> int:
        body = self.stack.client("s3").get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return int(json.loads(body)["Rows"])

    def _sum(self, keys: Mapping[str, Any] | Sequence[str]) -> int:
        known = [self._rows[key] for key in keys if key in self._rows]
        return sum(known) + round(self._usual * (len(keys) - len(known)))
