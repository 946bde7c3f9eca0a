"""How far the rows of a scoring are: how many are done, how fast that goes, and how long the rest will take."""

import itertools
from dataclasses import dataclass

_WINDOW_SECONDS = 30.0
_WINDOW_SHARE = 0.25
"""Of the elapsed time: what has run for an hour is not judged by its last half minute."""
_WINDOW_CHANGES = 3
"""Rows come in parts, many at once; fewer changes than this say little about the rate."""
_ENOUGH_SHARE, _ENOUGH_CHANGES = 0.1, 2
"""So many of all rows do tell the rate, though in fewer changes: the first alone has the cold start in it."""
_SHORTEST_SECONDS, _LONGEST_SECONDS = 1.0, 30 * 86400.0
"""Of a time left that is worth being told."""


@dataclass(frozen=True)
class RowProgress:
    """Rows done of all rows; rows per second and seconds left, None while nothing sensible can be said."""

    done: int
    total: int
    rate: float | None = None
    left: float | None = None


class Pace:
    """Estimates rate and time left from a count that grows by leaps: a part of rows, or many, at a time.

    Args:
        total: rows in all.
        began: when the first of them was begun, in seconds of any clock.
        before: rows that had been done before that, and say nothing about the rate.
    """

    def __init__(self, total: int, began: float, before: int = 0) -> None:
        self.total = total
        self._start = (began, before)
        self._changes = [self._start]
        """When the count changed, and to what; the first is where the window begins."""
        self._count = 0

    def at(self, now: float, done: int) -> RowProgress:
        """The progress when so many rows are done; the count never goes back, and never beyond all rows."""
        last = self._changes[-1][1]
        done = min(self.total, max(done, last))
        if done > last:
            self._changes.append((now, done))
            self._count += 1
        if done >= self.total:
            began, before = self._start
            seconds = self._changes[-1][0] - began
            return RowProgress(done, self.total, (done - before) / seconds if seconds > 0 else None, 0.0)
        self._move_window(now)
        rate = self._rate(now) if self._tells_enough(done) else None
        return RowProgress(done, self.total, rate, self._left(now, rate) if rate else None)

    def _tells_enough(self, done: int) -> bool:
        before = self._start[1]
        much = done - before >= _ENOUGH_SHARE * (self.total - before)
        return self._count >= (_ENOUGH_CHANGES if much else _WINDOW_CHANGES)

    def _move_window(self, now: float) -> None:
        span = max(_WINDOW_SECONDS, _WINDOW_SHARE * (now - self._start[0]))
        while len(self._changes) > _WINDOW_CHANGES + 1 and now - self._changes[1][0] >= span:
            del self._changes[0]

    def _rate(self, now: float) -> float | None:
        (began, before), (changed, done) = self._changes[0], self._changes[-1]
        # Between two changes nothing is to be seen; only a longer pause than is usual is a slower pace.
        seconds = changed - began + max(0.0, now - changed - self._usual_pause())
        return (done - before) / seconds if seconds > 0 else None

    def _left(self, now: float, rate: float) -> float | None:
        changed, done = self._changes[-1]
        left = (self.total - done) / rate - min(now - changed, self._usual_pause())
        return max(_SHORTEST_SECONDS, left) if left < _LONGEST_SECONDS else None

    def _usual_pause(self) -> float:
        times = [time for time, _ in self._changes]
        return max((after - before for before, after in itertools.pairwise(times)), default=0.0)
