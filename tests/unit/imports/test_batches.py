"""Pages become commits: nothing lost, nothing moved, none too large or too late."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carillon.imports.batches import BATCH_RECORDS, BATCH_SECONDS, Mapped, batches
from carillon.imports.mapping import Batch, Issue, Row
from carillon.imports.watermark import JobPlace, Key

ROW = Row("", "", "", "", "", "", "", "{}", "", "", "")


def page(number: int, rows: int, rejected: int = 0, issues: int = 0) -> Mapped:
    batch = Batch(
        rows=[ROW._replace(salesforce_id=f"{number}-{index}") for index in range(rows)],
        issues=[Issue(f"{number}-{index}", "LastName", "", "x", "") for index in range(issues)],
        rejected=[f"{number}-r{index}" for index in range(rejected)],
    )
    return Mapped(batch, Key(f"{number:04}", "003"), number)


def still() -> float:
    return 0.0


class Clock:
    """Each look at it is so many seconds later than the one before."""

    def __init__(self, step: float) -> None:
        self._now, self._step = 0.0, step

    def __call__(self) -> float:
        self._now += self._step
        return self._now


@given(
    sizes=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), max_size=12),
    step=st.sampled_from([0.0, 0.7, 5.0]),
)
@settings(max_examples=60)
def test_batches_hold_the_same_content_in_the_same_order(
    sizes: list[tuple[int, int, int]], step: float
) -> None:
    pages = [page(number, *size) for number, size in enumerate(sizes)]

    made = list(batches(iter(pages), Clock(step)))

    for content in ("rows", "issues", "rejected"):
        before = [found for mapped in pages for found in getattr(mapped.batch, content)]
        assert [found for mapped in made for found in getattr(mapped.batch, content)] == before
    assert len(made) <= len(pages)
    assert bool(made) is bool(pages)
    # The cursor of a batch is that of its last page: it covers nothing that is not in it.
    keys = [mapped.cursor for mapped in made]
    assert keys == sorted({key for key in keys if isinstance(key, Key)})
    if pages:
        assert (made[-1].cursor, made[-1].expected) == (pages[-1].cursor, pages[-1].expected)


def test_a_batch_ends_with_the_page_that_fills_it() -> None:
    half, quarter = BATCH_RECORDS // 2, BATCH_RECORDS // 4
    pages = [page(1, half), page(2, half - 1), page(3, quarter), page(4, quarter), page(5, 1)]

    made = list(batches(pages, still))

    assert [mapped.expected for mapped in made] == [3, 5]
    assert [mapped.cursor for mapped in made] == [pages[2].cursor, pages[4].cursor]
    assert [len(mapped.batch.rows) for mapped in made] == [BATCH_RECORDS + quarter - 1, quarter + 1]


def test_rejected_records_fill_a_batch_too() -> None:
    half = BATCH_RECORDS // 2

    made = list(batches([page(1, half), page(2, 0, rejected=half), page(3, 1)], still))

    assert [mapped.expected for mapped in made] == [2, 3]


def test_a_slow_read_is_committed_every_so_many_seconds() -> None:
    pages = [page(number, 1) for number in range(1, 7)]

    # Looked at when a batch begins and after each page: the third page comes at the limit.
    made = list(batches(pages, Clock(BATCH_SECONDS / 3)))

    assert [mapped.expected for mapped in made] == [3, 6]


def test_a_full_batch_does_not_wait_for_the_next_page() -> None:
    def pages() -> Iterator[Mapped]:
        yield page(1, BATCH_RECORDS)
        raise AssertionError("the next page was asked for")

    assert next(batches(pages(), still)).expected == 1


def test_what_came_before_an_error_comes_before_it() -> None:
    def pages() -> Iterator[Mapped]:
        yield page(1, 1)
        yield page(2, 1)
        raise ConnectionError("the rest never came")

    made = batches(pages(), still)

    assert [row.salesforce_id for row in next(made).batch.rows] == ["1-0", "2-0"]
    with pytest.raises(ConnectionError):
        next(made)


def test_an_error_with_nothing_before_it_comes_alone() -> None:
    def pages() -> Iterator[Mapped]:
        yield page(1, BATCH_RECORDS)
        raise ConnectionError("the rest never came")

    made = batches(pages(), still)

    assert next(made).expected == 1
    with pytest.raises(ConnectionError):
        next(made)


def test_batches_do_not_share_their_lists() -> None:
    first, second = batches([page(1, 1), page(2, 1)], Clock(BATCH_SECONDS))

    assert [row.salesforce_id for row in first.batch.rows] == ["1-0"]
    assert [row.salesforce_id for row in second.batch.rows] == ["2-0"]


def test_pages_without_a_record_still_move_the_cursor() -> None:
    made = list(batches([page(1, 0), page(2, 0)], still))

    assert [(mapped.cursor, mapped.expected) for mapped in made] == [(Key("0002", "003"), 2)]


def test_what_waits_for_more_is_stored_at_once() -> None:
    """Nothing follows for minutes: the place of a job must not wait that long to be stored."""
    pages = [page(1, 2), replace(page(2, 0), cursor=JobPlace("job"), waits=True), page(3, 1)]
    taken = batches(iter(pages), still)

    first = next(taken)

    assert (len(first.batch.rows), first.cursor, first.waits) == (2, JobPlace("job"), True)
    assert [(len(rest.batch.rows), rest.waits) for rest in taken] == [(1, False)]
