"""Requests at once: fewer when the endpoint is busy, more again when it is not, never above the share."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.scoring.concurrency import Limiter, waits


def test_a_refusal_halves_the_requests_once_for_all_that_were_sent_together() -> None:
    limiter = Limiter(8)

    with limiter.turn() as first, limiter.turn() as second, limiter.turn() as third:
        first.refused()
        second.refused()
        third.refused()

    assert limiter.limit == 4
    with limiter.turn() as later:
        later.refused()
    assert limiter.limit == 2


def test_a_window_of_answers_gives_one_more_request() -> None:
    limiter = Limiter(8)
    with limiter.turn() as turn:
        turn.refused()

    limits = []
    for _ in range(30):
        with limiter.turn() as turn:
            turn.answered()
        limits.append(limiter.limit)

    assert limits == [4, 4, 4, 5, 5, 5, 5, 5, 6, 6, 6, 6, 6, 6, 7, 7, 7, 7, 7, 7, 7, *[8] * 9]


@given(st.integers(1, 9), st.lists(st.booleans(), max_size=60))
def test_the_limit_stays_between_one_and_the_share(most: int, refusals: list[bool]) -> None:
    limiter = Limiter(most)

    for refused in refusals:
        with limiter.turn() as turn:
            (turn.refused if refused else turn.answered)()
        assert 1 <= limiter.limit <= most


def test_no_request_at_a_time_is_no_limit() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Limiter(0)


@given(st.randoms(use_true_random=False))
def test_waits_grow_with_chance_until_patience_ends(chance: random.Random) -> None:
    found = list(waits(chance.random))

    assert sum(found) == pytest.approx(183)
    assert all(0.5 * base <= wait <= 1.5 * base for base, wait in zip([1, 2, 4, 8, 16, 32], found[:-1], strict=False))
    assert max(found) <= 90
