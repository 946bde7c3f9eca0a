"""How many requests may be under way at once, and how long to wait for an endpoint that is busy."""

import contextlib
import threading
from collections.abc import Callable, Iterator

PATIENCE_SECONDS = 183.0
"""How long a request waits for a busy endpoint, all waits together: a new instance or a serverless start takes less."""
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0


class Turn:
    """One request's right to be under way. What became of it is told before the turn ends."""

    def __init__(self, limiter: "Limiter", age: int) -> None:
        self._limiter = limiter
        self._age = age

    def answered(self) -> None:
        """The endpoint took the request."""
        self._limiter.answered()

    def refused(self) -> None:
        """The endpoint had no capacity for the request."""
        self._limiter.refused(self._age)


class Limiter:
    """Additive increase, multiplicative decrease (Chiu and Jain 1989), shared by the threads that send.

    Begins with ``most`` requests at once. A refusal halves the limit, once for all requests that were sent before it
    was halved; as many answers in a row as the limit is raise it by one, never above ``most``.
    """

    def __init__(self, most: int) -> None:
        if most < 1:
            raise ValueError("at least one request at a time")
        self._most = most
        self._under_way = 0
        self._answers = 0
        self._age = 0
        self._changed = threading.Condition()
        self.limit = most

    @contextlib.contextmanager
    def turn(self) -> Iterator[Turn]:
        """Wait until one more request may be under way, for the block's time."""
        with self._changed:
            self._changed.wait_for(lambda: self._under_way < self.limit)
            self._under_way += 1
            age = self._age
        try:
            yield Turn(self, age)
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def answered(self) -> None:
        """See :meth:`Turn.answered`."""
        with self._changed:
            self._answers += 1
            if self._answers >= self.limit:
                self._answers = 0
                self.limit = min(self._most, self.limit + 1)
                self._changed.notify_all()

    def refused(self, age: int) -> None:
        """See :meth:`Turn.refused`; ``age`` tells how often the limit had been halved when the request was sent."""
        with self._changed:
            self._answers = 0
            if age == self._age:
                self._age += 1
                self.limit = max(1, self.limit // 2)


def waits(draw: Callable[[], float]) -> Iterator[float]:
    """Seconds to wait before each further attempt: doubling up to a minute, each by half at random, as requests that
    were refused together must not come back together. Ends when all waits together reach the patience.

    Args:
        draw: gives numbers of [0, 1).
    """
    waited, longest = 0.0, _FIRST_WAIT
    while waited < PATIENCE_SECONDS:
        wait = min(longest * (0.5 + draw()), PATIENCE_SECONDS - waited)
        yield wait
        waited += wait
        longest = min(2 * longest, _LONGEST_WAIT)
