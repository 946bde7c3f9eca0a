"""What waiting for a job costs, how late its end is noticed, and how much history that takes: three designs simulated.

``python -m benchmarks.run_cost``. The waits of this project are those of its own function (``automl.polling``), the
prices those of its own table. The other two are what is found most: a fixed wait in Step Functions, and a Lambda that
sleeps between its looks until its 15 minutes are over and is then started again.
"""

import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "functions"))  # as Lambda has it

from automl.outcome import prices
from automl.polling import wait_seconds

MINIMUM_WAIT = 15
"""Seconds; the template's default."""
LOOK_SECONDS = 0.4
"""How long a function takes to look at a job: two requests to SageMaker."""
LOOK_GIGABYTES = 256 / 1024
SLEEPER_GIGABYTES = 128 / 1024
"""The smallest function there is: the sleeper's best case."""
SLEEPER_LIFE = 840
"""Seconds that it may sleep, so that it returns within the 900 that Lambda allows."""
HISTORY_LIMIT = 25_000
"""Events of an execution, after which Step Functions ends it."""
EVENTS_OF_TASK, EVENTS_OF_OTHER = 5, 2
"""Entered, scheduled, started, succeeded, exited; entered, exited."""

DURATIONS = {
    "endpoint, 4 min": 240,
    "job, 5 min": 300,
    "job, 30 min": 1800,
    "job, 2 h": 7200,
    "job, 8 h": 28_800,
    "job, 24 h": 86_400,
}
_SPREAD = 0.05
_SAMPLES = 201
"""Durations within 5 % of each, as a lag depends on when between two looks the end falls."""


@dataclass(frozen=True)
class Waiting:
    """What it took to see one end."""

    polls: float
    lag: float
    """Seconds from the end to its being noticed."""
    dollars: float
    events: float


def transitions_and_looks(duration: float, next_wait: Callable[[float], float]) -> Waiting:
    """A loop of three states: a Task that looks, a Choice, a Wait; the last look needs no Wait.

    Args:
        duration: seconds until what is waited for has ended.
        next_wait: seconds to wait when it has been going on for so many.
    """
    table = prices.of_region(prices.KNOWN_REGION)
    polls, time = 1, 0.0
    while time < duration:
        time += next_wait(time)
        polls += 1
    look = table.lambda_request + LOOK_SECONDS * LOOK_GIGABYTES * table.lambda_gb_second["arm64"]
    dollars = polls * look + (3 * polls - 1) * table.state_transition
    events = polls * (EVENTS_OF_TASK + 2 * EVENTS_OF_OTHER) - EVENTS_OF_OTHER
    return Waiting(polls, time - duration, dollars, events)


def adaptive(duration: float) -> Waiting:
    """This project: 5 % of the time that has passed, between the minimum and 20 minutes."""
    return transitions_and_looks(duration, lambda elapsed: wait_seconds(elapsed, MINIMUM_WAIT))


def fixed(duration: float) -> Waiting:
    """Step Functions waits 30 s each time."""
    return transitions_and_looks(duration, lambda _: 30.0)


def sleeper(duration: float) -> Waiting:
    """A Lambda looks every 60 s and sleeps in between, which is billed; a Choice starts it again after its life."""
    table = prices.of_region(prices.KNOWN_REGION)
    looks = -(-duration // 60)
    lives = -(-looks * 60 // SLEEPER_LIFE)
    seconds = looks * 60 + LOOK_SECONDS * (looks + 1)
    dollars = (
        lives * table.lambda_request
        + seconds * SLEEPER_GIGABYTES * table.lambda_gb_second["arm64"]
        + 2 * lives * table.state_transition
    )
    events = lives * (EVENTS_OF_TASK + EVENTS_OF_OTHER)
    return Waiting(looks + 1, looks * 60 - duration, dollars, events)


DESIGNS: dict[str, Callable[[float], Waiting]] = {
    "5 % of the time passed": adaptive,
    "Lambda sleeping 60 s": sleeper,
    "fixed 30 s": fixed,
}


def typical(design: Callable[[float], Waiting], duration: float) -> tuple[Waiting, float]:
    """Means over durations around this one, and the longest lag."""
    steps = (2 * number / (_SAMPLES - 1) - 1 for number in range(_SAMPLES))
    found = [design(duration * (1 + _SPREAD * step)) for step in steps]
    means = (statistics.fmean(getattr(one, name) for one in found) for name in ("polls", "lag", "dollars", "events"))
    return Waiting(*means), max(one.lag for one in found)


def lines() -> Iterator[str]:
    """The table in Markdown."""
    yield "| waiting for | design | looks | lag, mean (longest) | USD | history events |"
    yield "|---|---|---:|---:|---:|---:|"
    for what, duration in DURATIONS.items():
        for name, design in DESIGNS.items():
            mean, longest = typical(design, duration)
            events = f"{mean.events:,.0f}" + (" (ends the execution)" if mean.events > HISTORY_LIMIT else "")
            lag = f"{mean.lag:.0f} s ({longest:.0f} s)"
            yield f"| {what} | {name} | {mean.polls:,.0f} | {lag} | {mean.dollars:.5f} | {events} |"


if __name__ == "__main__":
    print("\n".join(lines()))
