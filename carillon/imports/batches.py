"""Gathers mapped pages into batches of one commit each. Pure but for the clock it is given."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from carillon.imports.mapping import Batch
from carillon.imports.watermark import Key

# A commit each so many records or seconds, whichever comes first.
BATCH_RECORDS = 10_000
BATCH_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Mapped:
    """Rows and issues; once they are stored everything up to `cursor` is, of `expected` records in all."""

    batch: Batch
    cursor: Key | None
    expected: int | None


def batches(pages: Iterable[Mapped], clock: Callable[[], float] = time.monotonic) -> Iterator[Mapped]:
    """The same content in the same order in fewer, larger pieces."""
    waiting, last, begun = Batch(), None, clock()
    for page in pages:
        waiting.rows += page.batch.rows
        waiting.issues += page.batch.issues
        waiting.rejected += page.batch.rejected
        last = page
        if len(waiting.rows) + len(waiting.rejected) >= BATCH_RECORDS or clock() - begun >= BATCH_SECONDS:
            yield Mapped(waiting, page.cursor, page.expected)
            waiting, last, begun = Batch(), None, clock()
    if last is not None:
        yield Mapped(waiting, last.cursor, last.expected)
