"""Work that goes on in a thread while the caller is busy with something else, a bounded distance ahead or behind."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from queue import Full, Queue
from types import TracebackType

_LOOK_SECONDS = 0.1


def ahead[T](items: Iterator[T], depth: int = 1) -> Iterator[T]:
    """The items in their order, made while earlier ones are used; at most ``depth`` of them wait.

    What making an item raises is raised when its turn comes. The thread ends with the iterator.
    """
    made: Queue[T | _End] = Queue(depth)
    unwanted = threading.Event()

    def hand_over(item: "T | _End") -> None:
        waiting = True
        while waiting and not unwanted.is_set():
            with contextlib.suppress(Full):
                made.put(item, timeout=_LOOK_SECONDS)
                waiting = False

    def make() -> None:
        try:
            for item in items:
                hand_over(item)
                if unwanted.is_set():
                    return
        except BaseException as error:
            hand_over(_End(error))
        else:
            hand_over(_End(None))

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    try:
        while not isinstance(item := made.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        unwanted.set()
        thread.join()


class _End:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class Behind[T]:
    """Does something with each item in a thread, in their order; ``add`` waits while ``depth`` of them wait already.

    What it raises is raised by the next ``add``, or at the end of the ``with`` block; nothing is done after that.
    """

    def __init__(self, do: Callable[[T], None], depth: int = 1) -> None:
        self._do = do
        self._items: Queue[T | _End] = Queue(depth)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> "Behind[T]":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:  # what waits is not wanted any more
            self._error = self._error or error
        self._items.put(_End(None))
        self._thread.join()
        if kind is None and self._error is not None:
            raise self._error

    def add(self, item: T) -> None:
        """Have it done soon."""
        if self._error is not None:
            raise self._error
        self._items.put(item)

    def _work(self) -> None:
        while not isinstance(item := self._items.get(), _End):
            if self._error is not None:
                continue
            try:
                self._do(item)
            except BaseException as error:
                self._error = error
