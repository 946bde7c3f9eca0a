"""Which cases of a slow test an ordinary run takes: ``@pytest.mark.sampled(12)``; ``--all-faults`` takes all."""

from collections import defaultdict
from collections.abc import Iterable
from hashlib import sha256

import pytest

OPTION = "--all-faults"
MARKER = "sampled(count): an ordinary run takes this many of the test's cases, chosen by their ids"


def sampled(names: Iterable[str], count: int) -> set[str]:
    """``count`` of the names. A name that comes or goes changes at most one other of them."""
    return set(sorted(names, key=lambda name: sha256(name.encode()).digest())[:count])


def left_out(items: Iterable[pytest.Item]) -> set[pytest.Item]:
    """The cases of marked tests that an ordinary run leaves out."""
    tests: dict[tuple[str, int], list[pytest.Item]] = defaultdict(list)
    for item in items:
        if marker := item.get_closest_marker("sampled"):
            tests[item.nodeid.partition("[")[0], marker.args[0]].append(item)
    found = set()
    for (_, count), cases in tests.items():
        taken = sampled((case.nodeid for case in cases), count)
        found |= {case for case in cases if case.nodeid not in taken}
    return found
