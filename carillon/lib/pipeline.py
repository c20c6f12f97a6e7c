"""Runs an iterator ahead of its consumer in a thread of its own, with bounded memory."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

_WAIT_SECONDS = 0.5


def prefetch(
    items: Iterable[T], *, depth: int = 2, while_waiting: Callable[[], None] = lambda: None
) -> Iterator[T]:
    """The same items in the same order, up to `depth` of them made ahead; errors arrive in their place.

    `while_waiting` is called about twice a second while nothing is ready; what it raises ends the iteration.
    When the consumer stops early the thread ends after the item it is making.
    """
    ahead = _Ahead(items, depth)
    try:
        yield from ahead.take(while_waiting)
    finally:
        ahead.stopped.set()


class _End:
    """What the thread puts last: the error that ended the iteration, or None."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class _Ahead(Generic[T]):
    def __init__(self, items: Iterable[T], depth: int) -> None:
        self.stopped = threading.Event()
        self._items = items
        self._ready: queue.Queue[T | _End] = queue.Queue(maxsize=depth)
        threading.Thread(target=self._make, daemon=True, name="prefetch").start()

    def take(self, while_waiting: Callable[[], None]) -> Iterator[T]:
        while True:
            try:
                item = self._ready.get(timeout=_WAIT_SECONDS)
            except queue.Empty:
                while_waiting()
                continue
            if not isinstance(item, _End):
                yield item
            elif item.error is not None:
                raise item.error
            else:
                return

    def _make(self) -> None:
        try:
            for item in self._items:
                self._put(item)
                if self.stopped.is_set():
                    return
        except BaseException as error:  # the consumer raises it
            self._put(_End(error))
        else:
            self._put(_End(None))

    def _put(self, item: T | _End) -> None:
        while not self.stopped.is_set():
            try:
                self._ready.put(item, timeout=_WAIT_SECONDS)
            except queue.Full:
                continue
            return
