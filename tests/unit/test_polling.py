"""Waits that grow with what is waited for."""

import pytest

from automl import polling


@pytest.mark.parametrize(
    ("since", "minimum", "wait"),
    [(0, 15, 15), (0, 1, 1), (0, 0, 1), (299, 15, 15), (600, 15, 30), (48, 1, 2), (86_400, 15, 1200)],
)
def test_the_wait_is_five_percent_between_its_bounds(since: float, minimum: int, wait: int) -> None:
    assert polling.wait_seconds(since, minimum) == wait


def test_a_month_of_polling_fits_an_execution_history() -> None:
    elapsed, polls = 0, 0
    while elapsed < 30 * 86_400:
        elapsed += polling.wait_seconds(elapsed, 15)
        polls += 1
    assert polls * 10 < 25_000
