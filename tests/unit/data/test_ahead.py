"""Threads beside the caller: order is kept, little waits, errors come at their turn, and no thread outlives its use."""

import threading
import time
from collections.abc import Iterator

import pytest

from automl.data.ahead import Behind, ahead


def counted(made: list[int], last: int) -> Iterator[int]:
    for number in range(last):
        made.append(number)
        yield number


def settled(made: list[int]) -> int:
    """How many there are once nothing is added any more."""
    count = -1
    while count != len(made):
        count = len(made)
        time.sleep(0.05)
    return count


def test_items_come_in_their_order() -> None:
    assert list(ahead(iter(range(1000)), 3)) == list(range(1000))
    assert list(ahead(iter([]))) == []


def test_no_more_than_the_depth_is_made_ahead() -> None:
    made: list[int] = []
    items = ahead(counted(made, 100), 2)

    assert next(items) == 0
    assert settled(made) == 4  # one is used, two wait, one is held by the thread


def test_an_error_is_raised_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("the second")

    read = ahead(items())

    assert next(read) == 1
    with pytest.raises(ValueError, match="the second"):
        next(read)


def test_a_reader_that_stops_early_leaves_no_thread() -> None:
    before = threading.active_count()
    items = ahead(counted([], 100))
    next(items)

    items.close()  # type: ignore[attr-defined]

    assert threading.active_count() == before


def test_work_behind_is_done_in_order_and_complete_at_the_end() -> None:
    done: list[int] = []

    with Behind(done.append) as work:
        for number in range(500):
            work.add(number)

    assert done == list(range(500))


def test_an_error_behind_is_raised_and_nothing_is_done_after_it() -> None:
    done: list[int] = []

    def work(number: int) -> None:
        if number == 2:
            raise ValueError("the third")
        done.append(number)

    def add_all() -> None:
        with Behind(work) as behind:
            for number in range(100):
                behind.add(number)

    with pytest.raises(ValueError, match="the third"):
        add_all()

    assert done == [0, 1]


def test_an_error_of_the_caller_ends_the_work() -> None:
    before = threading.active_count()

    def fail() -> None:
        with Behind[int](lambda _: None) as behind:
            behind.add(1)
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    assert threading.active_count() == before
