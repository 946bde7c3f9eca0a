"""Looking at something again and again: how long to wait in between."""

from dataclasses import dataclass

MAX_WAIT_SECONDS = 1200
_WAIT_SHARE = 0.05


@dataclass(frozen=True)
class PollingSettings:
    """Settings of the functions that look again."""

    minimum_wait_seconds: int


def wait_seconds(since: float, minimum: int) -> int:
    """Seconds to wait when something has been going on for ``since`` seconds: 5 %, so the lag stays below 5 %."""
    return max(1, minimum, min(MAX_WAIT_SECONDS, int(_WAIT_SHARE * since)))
