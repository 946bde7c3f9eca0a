"""What a fault left behind, when all that was on its way has come to its end."""

from collections.abc import Collection

from autoflow.local.cloud import Cloud
from tests.faults.mishaps import until
from tests.faults.orphans import Holdings, orphans

SETTLING_SECONDS = 30


def left_over(cloud: Cloud, before: Holdings, keep: Collection[str] = ()) -> list[str]:
    """Orphans that stay; an endpoint that is being deleted, for example, takes its moment."""
    found: list[str] = []

    def none() -> bool:
        found[:] = orphans(cloud, before, keep)
        return not found

    try:
        until(none, "nothing is left", SETTLING_SECONDS, 1)
    except AssertionError:
        return found
    return []
