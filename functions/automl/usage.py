"""What a function costs of its own: it tells, as its execution's history is not where the run's cost is counted."""

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

Usage = dict[str, float]

KEYS = ("LambdaGBSeconds", "LambdaRequests", "InvocationSeconds", "Invocations")
"""GB-seconds and number of Lambda's invocations; seconds and number of requests to an endpoint."""


class Meter:
    """Starts when a handler does."""

    def __init__(self, context: LambdaContext) -> None:
        self._gigabytes = int(context.memory_limit_in_mb) / 1024
        self._began = time.perf_counter()
        self.started_at = datetime.now(UTC)

    def read(self, invocation_seconds: float = 0.0, invocations: int = 0) -> Usage:
        """The usage up to now, with requests that were sent to an endpoint meanwhile."""
        seconds = time.perf_counter() - self._began
        return {
            "LambdaGBSeconds": round(seconds * self._gigabytes, 6),
            "LambdaRequests": 1,
            "InvocationSeconds": round(invocation_seconds, 6),
            "Invocations": invocations,
        }


def total(usages: Iterable[Mapping[str, float]]) -> Usage:
    """The sum, key by key."""
    sums = dict.fromkeys(KEYS, 0.0)
    for usage in usages:
        for key in KEYS:
            sums[key] += usage.get(key, 0)
    return {key: round(value, 6) for key, value in sums.items()}
