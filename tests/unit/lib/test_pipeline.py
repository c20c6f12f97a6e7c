"""Reading ahead changes nothing but the time it takes."""

import gc
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carillon.lib import pipeline
from carillon.lib.pipeline import prefetch

# Far more than any of these tests takes: only a thread that hangs waits so long.
LONG = 20.0


class Broken(Exception):
    """What a source raises in these tests."""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_WAIT_SECONDS", 0.01)


class Source:
    """Counts what it made and knows when it was closed; may wait before an item, and break after the last."""

    def __init__(self, length: int, *, breaks: bool = False) -> None:
        self.made = 0
        self.made_one = threading.Semaphore(0)
        self.closed = threading.Event()
        self._length, self._breaks = length, breaks

    def items(self) -> Iterator[int]:
        try:
            for item in range(self._length):
                self.made += 1
                self.made_one.release()
                yield item
            if self._breaks:
                raise Broken("after the last")
        finally:
            self.closed.set()

    def wait_for(self, count: int) -> None:
        for _ in range(count):
            assert self.made_one.acquire(timeout=LONG)


@given(items=st.lists(st.none() | st.integers() | st.text()), depth=st.integers(1, 5))
@settings(max_examples=30)
def test_the_same_items_come_in_the_same_order(items: list[object], depth: int) -> None:
    assert list(prefetch(items, depth=depth)) == items


def test_an_error_comes_in_its_place() -> None:
    ahead = prefetch(Source(3, breaks=True).items())

    assert [next(ahead) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(Broken, match="after the last"):
        next(ahead)


def test_an_error_before_the_first_item_comes_first() -> None:
    with pytest.raises(Broken):
        next(prefetch(Source(0, breaks=True).items()))


class Patience:
    """Ends a wait for what never comes."""

    def __init__(self) -> None:
        self._until = time.monotonic() + LONG

    def spend(self) -> None:
        assert time.monotonic() < self._until, "nothing came"


def test_an_error_that_is_no_exception_is_not_swallowed() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise KeyboardInterrupt

    ahead = prefetch(items(), while_waiting=Patience().spend)

    assert next(ahead) == 1
    with pytest.raises(KeyboardInterrupt):
        next(ahead)


def test_nothing_is_made_before_somebody_asks() -> None:
    source = Source(3)

    ahead = prefetch(source.items())

    assert source.made == 0
    assert list(ahead) == [0, 1, 2]


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_items_are_made_ahead_but_only_so_many(depth: int) -> None:
    source = Source(100)
    ahead = prefetch(source.items(), depth=depth)

    next(ahead)
    # One is taken, `depth` wait, and one more is made and waits for room.
    source.wait_for(depth + 2)

    assert not source.made_one.acquire(timeout=0.05)
    assert source.made == depth + 2
    ahead.close()  # type: ignore[attr-defined]


def test_stopping_early_ends_the_thread_and_closes_the_source() -> None:
    source = Source(100)
    before = set(threading.enumerate())
    ahead = prefetch(source.items(), depth=2)

    next(ahead)
    # One is taken, two wait, and the thread waits for room with the fourth.
    source.wait_for(4)
    (thread,) = set(threading.enumerate()) - before
    ahead.close()  # type: ignore[attr-defined]
    thread.join(LONG)

    assert not thread.is_alive()
    assert source.closed.wait(LONG)
    assert source.made == 4


def test_stopping_early_ends_the_threads_it_reads_from() -> None:
    source = Source(1000)
    before = set(threading.enumerate())
    outer = prefetch(-item for item in prefetch(source.items()))

    next(outer)
    threads = set(threading.enumerate()) - before
    del outer
    gc.collect()
    for thread in threads:
        thread.join(LONG)

    assert len(threads) == 2
    assert not any(thread.is_alive() for thread in threads)
    assert source.closed.wait(LONG)


def test_the_thread_ends_with_the_items() -> None:
    before = set(threading.enumerate())

    assert list(prefetch(Source(3).items())) == [0, 1, 2]

    for thread in set(threading.enumerate()) - before:
        thread.join(LONG)
        assert not thread.is_alive()


def test_while_nothing_is_ready_the_caller_is_asked() -> None:
    asked = threading.Event()

    def items() -> Iterator[int]:
        assert asked.wait(LONG)
        yield 1

    assert list(prefetch(items(), while_waiting=asked.set)) == [1]


def test_what_the_caller_raises_while_waiting_ends_the_iteration() -> None:
    never = threading.Event()
    before = set(threading.enumerate())

    def items() -> Iterator[int]:
        yield 1
        never.wait(LONG)
        yield 2

    def cancel() -> None:
        raise Broken("cancelled")

    ahead = prefetch(items(), while_waiting=cancel)
    # Whether the first item was ready in time or not, the second never is.
    with pytest.raises(Broken, match="cancelled"):
        list(ahead)

    threads = set(threading.enumerate()) - before
    never.set()
    for thread in threads:
        thread.join(LONG)
        assert not thread.is_alive()
    assert list(ahead) == []
