"""What happened when: the phases of an execution, from its history."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_ENTERED = "StateEntered"
_EXITED = "StateExited"
_WORKING = ("Task", "Wait", "Map", "Parallel")


@dataclass(frozen=True)
class Phase:
    """A state that took time, or the loop of states that waited for something."""

    name: str
    start: datetime
    end: datetime
    visits: int = 1
    """How often a loop went round."""
    ended: bool = True
    """False for the state that was still running when the history was read."""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.end - self.start).total_seconds()


@dataclass
class _Visit:
    name: str
    kind: str
    start: datetime
    end: datetime
    ended: bool


def phases(events: Iterable[Mapping[str, Any]]) -> list[Phase]:
    """The phases of one execution in order; choices and other states that only pass data on are left out.

    States entered more than once in a row of such states are a polling loop: one phase, named after the state that
    took longest.
    """
    visits = [visit for visit in _visits(events) if visit.kind in _WORKING]
    times: dict[str, int] = {}
    for visit in visits:
        times[visit.name] = times.get(visit.name, 0) + 1
    found: list[Phase] = []
    loop: list[_Visit] = []
    for visit in visits:
        if times[visit.name] > 1:
            loop.append(visit)
            continue
        found.extend(_loop(loop))
        loop = []
        found.append(Phase(visit.name, visit.start, visit.end, 1, visit.ended))
    found.extend(_loop(loop))
    return found


def _visits(events: Iterable[Mapping[str, Any]]) -> Iterator[_Visit]:
    running: dict[str, _Visit] = {}
    last = None
    for event in events:
        kind, last = str(event["type"]), event["timestamp"]
        if kind.endswith(_ENTERED):
            name = event["stateEnteredEventDetails"]["name"]
            running[name] = _Visit(name, kind.removesuffix(_ENTERED), last, last, False)
        elif kind.endswith(_EXITED) and (visit := running.pop(event["stateExitedEventDetails"]["name"], None)):
            visit.end, visit.ended = last, True
            yield visit
    for visit in running.values():
        visit.end = max(visit.end, last or visit.end)
        yield visit


def _loop(visits: list[_Visit]) -> Iterator[Phase]:
    if not visits:
        return
    seconds: dict[str, float] = {}
    for visit in visits:
        seconds[visit.name] = seconds.get(visit.name, 0.0) + (visit.end - visit.start).total_seconds()
    longest = max(seconds, key=lambda name: seconds[name])
    times = sum(visit.name == longest for visit in visits)
    yield Phase(longest, visits[0].start, visits[-1].end, times, visits[-1].ended)
