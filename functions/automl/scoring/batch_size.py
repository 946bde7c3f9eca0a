"""How many rows the next request carries: bounded by bytes both ways, and by the time that an answer may take."""

import math
import threading
from collections.abc import Sequence

_FIRST_ROWS = 500
"""Of the first request, which shows how long and how slow an answer is: enough that its time is that of the rows, few
enough for 100 ms each."""
_TARGET_SECONDS = 10.0
"""An invocation must answer within 60 s, whatever else the container does meanwhile."""
_BYTES_MARGIN = 0.8
"""Answers to other rows may be longer."""
_FEWEST_SHARED = 5_000
"""Rows that are not divided further among requests at once: a request by itself may cost as much as 2,000 rows."""


class BatchSize:
    """Learns from answers; shared by the threads that send.

    Args:
        max_bytes: largest request and largest response.
        rows: of the part.
        at_once: requests among which they are divided.
    """

    def __init__(self, max_bytes: int, rows: int, at_once: int) -> None:
        self._max_bytes = max_bytes
        self._fair = max(_FEWEST_SHARED, math.ceil(rows / at_once))
        self._lock = threading.Lock()
        self._largest_answer = 0.0
        """Bytes per row."""
        self._seconds_per_row = 0.0
        self._answered = 0
        """Rows of the largest batch that was answered."""
        self.ceiling = math.inf
        """More rows were too many."""

    def learn(self, rows: int, answer_bytes: int, seconds: float) -> None:
        """What a batch's answer was like."""
        with self._lock:
            self._largest_answer = max(self._largest_answer, answer_bytes / rows)
            if rows >= self._answered / 2:  # a small batch's time is mostly that of the request itself
                self._seconds_per_row = seconds / rows
            self._answered = max(self._answered, rows)

    def too_many(self, rows: int) -> None:
        """Fewer rows were answered where that many were not."""
        with self._lock:
            self.ceiling = min(self.ceiling, max(1, rows // 2))

    def rows(self, left: int) -> int:
        """At most so many of the rows that are left; at least one."""
        with self._lock:
            if not self._answered:
                return min(_FIRST_ROWS, left)
            bounds = [
                self.ceiling,
                _BYTES_MARGIN * self._max_bytes / max(self._largest_answer, 1e-9),
                _TARGET_SECONDS / max(self._seconds_per_row, 1e-9),
                self._fair,
                left,
            ]
            return max(1, int(min(bounds)))

    def cut(self, records: Sequence[bytes], start: int) -> int:
        """Where the batch ends that begins with that record; each record is sent with a line end."""
        size, end, last = 0, start, start + self.rows(len(records) - start)
        while end < last:
            size += len(records[end]) + 1
            if size > self._max_bytes and end > start:
                break
            end += 1
        return end
