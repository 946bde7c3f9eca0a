"""The name that somebody meant who wrote another."""

import difflib
from collections.abc import Iterable
from itertools import islice

_LONGEST = 200
_MOST = 5_000
"""Comparing takes a time that grows with the square of a name's length, and with the number of names."""


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """The known name most like this one, whatever its case, or None.

    Very long names, and those after the first thousands, are not compared.
    """
    if len(name) > _LONGEST:
        return None
    by_lower = {candidate.lower(): candidate for candidate in islice(known, _MOST) if len(candidate) <= _LONGEST}
    matches = difflib.get_close_matches(name.lower().replace("_", ""), by_lower, n=1, cutoff=0.6)
    return by_lower[matches[0]] if matches else None
