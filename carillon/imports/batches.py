"""Gathers mapped pages into batches of one commit each. Pure but for the clock it is given."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from carillon.imports.mapping import Batch
from carillon.imports.watermark import Cursor

# A commit each so many records or seconds, whichever comes first.
BATCH_RECORDS = 10_000
BATCH_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Mapped:
    """Rows and issues; once they are stored everything up to `cursor` is, of `expected` records in all.

    `waits`: nothing follows before Salesforce has prepared more, so that this is stored at once. `by_id`: read by id just
    now, so that this is how the records are, whatever stamp is stored.
    """

    batch: Batch
    cursor: Cursor | None
    expected: int | None
    waits: bool = False
    by_id: bool = False


def batches(pages: Iterable[Mapped], clock: Callable[[], float] = time.monotonic) -> Iterator[Mapped]:
    """The same content in the same order in fewer, larger pieces; what came before an error comes before it."""
    waiting: list[Mapped] = []
    begun = clock()
    try:
        for page in pages:
            waiting.append(page)
            if page.waits or sum(map(_size, waiting)) >= BATCH_RECORDS or clock() - begun >= BATCH_SECONDS:
                yield _joined(waiting)
                waiting, begun = [], clock()
    except Exception:
        if waiting:
            yield _joined(waiting)
        raise
    if waiting:
        yield _joined(waiting)


def _size(page: Mapped) -> int:
    return len(page.batch.rows) + len(page.batch.rejected)


def _joined(pages: list[Mapped]) -> Mapped:
    batch = Batch()
    for page in pages:
        batch.rows += page.batch.rows
        batch.issues += page.batch.issues
        batch.rejected += page.batch.rejected
    return replace(pages[-1], batch=batch)
