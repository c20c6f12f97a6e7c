"""Runs an iterator ahead of its consumer in a thread of its own, with bounded memory."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

_WAIT_SECONDS = 0.5


class _End:
    """What the thread puts last: the error that ended the iteration, or None."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def prefetch(
    items: Iterable[T], *, depth: int = 2, while_waiting: Callable[[], None] | None = None
) -> Iterator[T]:
    """The same items in the same order, up to `depth` of them made ahead; errors arrive in their place.

    `while_waiting` is called about twice a second while nothing is ready; what it raises ends the iteration.
    When the consumer stops early the thread ends after the item it is making.
    """
    ready: queue.Queue[T | _End] = queue.Queue(maxsize=depth)
    stopped = threading.Event()

    def put(item: T | _End) -> None:
        while not stopped.is_set():
            try:
                return ready.put(item, timeout=_WAIT_SECONDS)
            except queue.Full:
                continue

    def make() -> None:
        try:
            for item in items:
                put(item)
                if stopped.is_set():
                    return
        except BaseException as error:  # the consumer raises it
            put(_End(error))
        else:
            put(_End(None))

    threading.Thread(target=make, daemon=True, name="prefetch").start()
    try:
        while True:
            try:
                item = ready.get(timeout=_WAIT_SECONDS)
            except queue.Empty:
                if while_waiting:
                    while_waiting()
                continue
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        stopped.set()
