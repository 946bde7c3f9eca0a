"""How many rows the next request carries: bounded by bytes both ways, and by the time that an answer may take."""

import functools
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass

_FIRST_ROWS = 500
"""Of the first request, which shows how long and how slow an answer is: enough that its time is that of the rows, few
enough for 100 ms each."""
_TARGET_SECONDS = 10.0
"""An invocation must answer within 60 s, whatever else the container does meanwhile."""
_BYTES_MARGIN = 0.8
"""Answers to other rows may be longer."""
_FEWEST_SHARED = 5_000
"""Rows that are not divided further among requests at once: a request by itself may cost as much as 2,000 rows."""


@dataclass
class Experience:
    """What the answers of one scoring's endpoint were like, as far as one process has seen them."""

    answer_bytes: float = 0.0
    """Most per row."""
    seconds: float = 0.0
    """Per row."""
    rows: int = 0
    """Of the largest batch that was answered."""
    ceiling: float = math.inf
    """More rows were too many."""


@functools.lru_cache(maxsize=1)
def experience_of(scoring: str, endpoint: str) -> Experience:
    """The newest scoring's: the same for each part that a function scores in turn, so that it need not learn anew.

    Args:
        scoring: where its predictions go.
        endpoint: its name.
    """
    return Experience()


class BatchSize:
    """Learns from answers; shared by the threads that send.

    Args:
        max_bytes: largest request and largest response.
        rows: of the part.
        at_once: requests among which they are divided.
        experience: with the endpoint, which grows.
    """

    def __init__(self, max_bytes: int, rows: int, at_once: int, experience: Experience | None = None) -> None:
        self._max_bytes = max_bytes
        self._fair = max(_FEWEST_SHARED, math.ceil(rows / at_once))
        self._lock = threading.Lock()
        self._experience = experience or Experience()

    @property
    def known(self) -> bool:
        """Whether any answer has been seen."""
        return self._experience.rows > 0

    @property
    def ceiling(self) -> float:
        """Batches of more rows were not answered where fewer were."""
        return self._experience.ceiling

    def learn(self, rows: int, answer_bytes: int, seconds: float) -> None:
        """What a batch's answer was like."""
        with self._lock:
            seen = self._experience
            seen.answer_bytes = max(seen.answer_bytes, answer_bytes / rows)
            if rows >= seen.rows / 2:  # a small batch's time is mostly that of the request itself
                seen.seconds = seconds / rows
            seen.rows = max(seen.rows, rows)

    def too_many(self, rows: int) -> None:
        """Fewer rows were answered where that many were not."""
        with self._lock:
            self._experience.ceiling = min(self.ceiling, max(1, rows // 2))

    def rows(self, left: int) -> int:
        """At most so many of the rows that are left; at least one."""
        with self._lock:
            seen = self._experience
            if not seen.rows:
                return min(_FIRST_ROWS, left)
            bounds = [
                seen.ceiling,
                _BYTES_MARGIN * self._max_bytes / max(seen.answer_bytes, 1e-9),
                _TARGET_SECONDS / max(seen.seconds, 1e-9),
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
