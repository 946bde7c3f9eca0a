"""Rows per second and the time that is left, estimated from counts that grow by leaps."""

from hypothesis import given
from hypothesis import strategies as st

from autoflow.progress import Pace, RowProgress

TOTAL = 1_000_000
PART = 50_000


def paced(seconds: range, each: float, total: int = TOTAL) -> list[RowProgress]:
    """Looked at once a second, while a part of rows is done every so many seconds."""
    pace = Pace(total, 0.0)
    return [pace.at(float(now), int(now / each) * PART) for now in seconds]


def test_nothing_is_said_before_something_is_known() -> None:
    early = paced(range(10), each=5.0)
    assert [(one.done, one.rate, one.left) for one in early] == [(0, None, None)] * 5 + [(PART, None, None)] * 5


def test_a_steady_pace_is_told_as_it_is_and_counts_down() -> None:
    told = [one for one in paced(range(95), each=5.0) if one.rate]
    assert {round(one.rate or 0) for one in told} == {PART // 5}
    left = [one.left for one in told]
    assert left[0] == 100 - 10
    assert left == [float(seconds) for seconds in range(90, 5, -1)]


def test_a_slow_start_is_forgotten() -> None:
    pace = Pace(TOTAL, 0.0)
    pace.at(60.0, PART)  # a cold start
    told = [pace.at(60.0 + now, PART + now * 5_000) for now in range(10, 130, 10)]
    assert told[0].rate is not None
    assert told[0].rate < 1_500
    assert round(told[-1].rate or 0) == 5_000
    assert round(told[-1].left or 0) == (TOTAL - PART - 600_000) // 5_000


def test_a_long_one_is_not_judged_by_its_last_half_minute() -> None:
    pace = Pace(100 * TOTAL, 0.0)
    for now in range(10, 3600, 10):
        pace.at(float(now), now * 1_000)
    burst = pace.at(3600.0, 3590 * 1_000 + 200_000)
    assert 1_000 < (burst.rate or 0) < 1_300


def test_a_pause_longer_than_usual_slows_the_pace_and_never_ends_it() -> None:
    pace = Pace(TOTAL, 0.0)
    for now in (5, 10, 15, 20):
        pace.at(float(now), now * 10_000)
    usual, late = pace.at(25.0, 200_000), pace.at(300.0, 200_000)
    assert (usual.rate, usual.left) == (10_000, 75)
    assert late.rate is not None
    assert late.rate < 1_000
    assert late.left is not None
    assert late.left > 800
    assert pace.at(1e9, 200_000).left is None


def test_rows_that_had_been_finished_before_took_no_time() -> None:
    pace = Pace(TOTAL, 0.0, before=900_000)
    assert pace.at(1.0, 900_000) == RowProgress(900_000, TOTAL)
    pace.at(10.0, 910_000)
    assert pace.at(20.0, 920_000) == RowProgress(920_000, TOTAL, 1_000.0, 80.0)
    assert pace.at(25.0, TOTAL) == RowProgress(TOTAL, TOTAL, 4_000.0, 0.0)


def test_what_ends_at_once_has_no_rate() -> None:
    assert Pace(100, 0.0, before=100).at(0.0, 100) == RowProgress(100, 100, None, 0.0)
    assert Pace(100, 5.0).at(5.0, 100) == RowProgress(100, 100, None, 0.0)


@given(
    st.integers(1, 10**9),
    st.lists(st.tuples(st.floats(0, 1e5), st.integers(0, 10**9)), max_size=40),
)
def test_whatever_is_counted_what_is_told_makes_sense(total: int, steps: list[tuple[float, int]]) -> None:
    pace, now, before = Pace(total, 0.0), 0.0, 0
    for pause, done in steps:
        now += pause
        told = pace.at(now, done)
        assert before <= told.done <= total
        assert told.rate is None or told.rate > 0
        if told.done < total:
            assert told.left is None or (1 <= told.left < 31 * 86400 and told.rate)
        else:
            assert told.left == 0
        before = told.done
