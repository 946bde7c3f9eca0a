"""A job says truly why its training ended."""

import pytest

from autoflow.local.engine.ending import judge


@pytest.mark.parametrize(
    ("outcome", "left", "skipped", "seconds_per_model", "out_of_time", "broken"),
    [
        (0, None, False, None, False, ""),
        (0, -0.4, False, None, False, ""),
        (0, 3.0, True, None, True, ""),
        (0, 3.0, True, 1.0, False, ""),
        (0, 0.5, True, 1.0, True, ""),
        (0, None, True, 1.0, False, ""),
        (None, -1.0, True, None, True, ""),
        (1, -0.1, True, None, True, ""),
        (1, 20.0, True, None, False, "ended with an error"),
        (1, None, True, None, False, "ended with an error"),
        (-9, 20.0, True, None, False, "ended by signal 9"),
        (-9, None, True, None, False, "ended by signal 9"),
    ],
)
def test_why_a_fit_ended(
    outcome: int | None,
    left: float | None,
    skipped: bool,
    seconds_per_model: float | None,
    out_of_time: bool,
    broken: str,
) -> None:
    ending = judge(outcome, left, skipped, seconds_per_model)
    assert ending.out_of_time == out_of_time
    assert broken in ending.broken
    assert bool(broken) == bool(ending.broken)
