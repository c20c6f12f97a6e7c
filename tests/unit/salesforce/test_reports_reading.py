from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carillon.salesforce.errors import MalformedAnswer
from carillon.salesforce.ids import to_18
from carillon.salesforce.reports.errors import (
    ComparisonRefused,
    FilterIgnored,
    RecordRepeatsTooOften,
    ReportColumnMissing,
    ReportNotReadable,
    ReportTooLarge,
    TooManyRuns,
    WindowTooFull,
    WrongIdColumn,
)
from carillon.salesforce.reports.proof import Verdict
from carillon.salesforce.reports.reading import ReadOrder, ReportReading, ReportRow, Way
from tests.unit.salesforce.paper_report import (
    CREATED,
    DAY_ONE,
    ID,
    MODIFIED,
    Line,
    PaperReport,
    contact_id,
    described,
    ids_of,
    lines,
    reading,
)

WAYS = [Way.BY_ID, Way.BY_WINDOW]


def hourly(number: int) -> datetime:
    return DAY_ONE + timedelta(hours=number)


created = st.one_of(
    st.none(),
    st.integers(0, 5000).map(lambda hours: DAY_ONE + timedelta(hours=hours)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), created), max_size=40), st.booleans())
def test_by_id_every_record_is_read_once_however_often_it_repeats(
    rows: list[tuple[int, datetime | None]], empty_last: bool
) -> None:
    written = [Line(contact_id(number) if number else None, when) for number, when in rows]
    most = max(
        (sum(1 for line in written if line.id == other.id) for other in written if other.id), default=0
    )
    paper = PaperReport(written, size=max(4, most + 1), empty_last=empty_last)

    read = reading(paper, way=Way.BY_ID)
    found = ids_of(read)

    assert sorted(found) == sorted({line.id for line in written if line.id})
    assert read.completeness is not None
    assert read.completeness.verdict is Verdict.PROVEN


@settings(max_examples=150, deadline=None)
@given(st.lists(created, max_size=40), st.booleans())
def test_by_window_every_record_is_read_once_wherever_its_date_lies(
    dates: list[datetime | None], whole_days: bool
) -> None:
    written = [Line(contact_id(number), when) for number, when in enumerate(dates)]
    fullest = max((dates.count(when) for when in dates), default=0)
    paper = PaperReport(written, size=max(4, fullest), whole_days=whole_days)

    read = reading(paper, way=Way.BY_WINDOW)
    found = ids_of(read)

    assert sorted(found) == sorted(str(line.id) for line in written)
    assert read.completeness is not None
    assert read.completeness.verdict is Verdict.PROVEN
    assert read.completeness.rows == len(written)


def test_a_small_report_takes_one_run_even_where_ids_are_not_compared() -> None:
    paper = PaperReport(lines(range(4)), compares_ids=False)

    read = reading(paper)
    pages = list(read)

    assert [row.id for row in pages[0].rows] == [contact_id(number) for number in range(4)]
    assert pages[0].rows[0] == ReportRow(contact_id(0), ("Name 0",))
    assert read.runs == 1


def test_an_empty_report_gives_one_page_without_rows() -> None:
    read = reading(PaperReport([]))

    assert [page.rows for page in read] == [()]
    assert read.completeness is not None
    assert read.completeness.verdict is Verdict.PROVEN


def test_runs_by_id_are_as_few_as_the_rows_need_when_nothing_repeats() -> None:
    read = reading(PaperReport(lines(range(20))), way=Way.BY_ID)

    assert len(ids_of(read)) == 20
    assert read.runs == 5


def test_windows_take_little_more_runs_than_the_rows_need() -> None:
    read = reading(PaperReport(lines(range(100), hourly), size=10), way=Way.BY_WINDOW)

    assert len(ids_of(read)) == 100
    assert read.runs <= 13


def test_windows_follow_by_themselves_when_ids_are_not_compared() -> None:
    paper = PaperReport(lines(range(30), hourly), compares_ids=False)

    read = reading(paper)
    found = ids_of(read)

    assert sorted(found) == [contact_id(number) for number in range(30)]
    assert read.way is Way.BY_WINDOW
    assert read.completeness is not None
    assert read.completeness.verdict is Verdict.PROVEN


def test_without_a_date_column_the_refusal_is_raised_with_its_remedy() -> None:
    paper = PaperReport(lines(range(30)), compares_ids=False)

    with pytest.raises(ComparisonRefused) as refused:
        ids_of(reading(paper, window=False))

    assert "list view" in refused.value.remedy


@pytest.mark.parametrize("way", [*WAYS, Way.AUTO])
@pytest.mark.parametrize("created_at", [hourly, lambda number: DAY_ONE])
def test_a_server_that_ignores_filters_is_found_out_at_once(
    way: Way, created_at: Callable[[int], datetime]
) -> None:
    paper = PaperReport(lines(range(30), created_at), obeys_filters=False)

    with pytest.raises(FilterIgnored):
        ids_of(reading(paper, way=way))

    assert paper.count < 10


def test_a_record_that_fills_a_whole_run_is_named() -> None:
    paper = PaperReport([*lines([1, 2]), *lines([7] * 9), *lines([8])])

    with pytest.raises(RecordRepeatsTooOften, match=contact_id(7)):
        ids_of(reading(paper, way=Way.BY_ID))


def test_more_rows_of_one_second_than_a_run_gives_are_refused() -> None:
    paper = PaperReport(lines(range(9)))

    with pytest.raises(WindowTooFull, match="2026-01-01T00:00:00Z"):
        ids_of(reading(paper, way=Way.BY_WINDOW))


def test_more_rows_without_a_date_than_a_run_gives_are_refused() -> None:
    paper = PaperReport([*lines(range(3)), *lines(range(10, 19), lambda number: None)])

    with pytest.raises(WindowTooFull, match="no value"):
        ids_of(reading(paper, way=Way.BY_WINDOW))


def test_a_report_above_the_limit_is_refused_before_any_page() -> None:
    paper = PaperReport(lines(range(30)))

    with pytest.raises(ReportTooLarge, match="30 rows"):
        next(iter(reading(paper, at_most=29)))

    assert paper.count == 1


def test_a_whole_run_of_rows_without_an_id_is_passed_over() -> None:
    read = reading(PaperReport([*[Line(None)] * 6, *lines(range(6))]), way=Way.BY_ID)

    assert ids_of(read) == [contact_id(number) for number in range(6)]
    assert read.completeness is not None
    assert read.completeness.verdict is Verdict.PROVEN


def test_ids_of_another_object_are_refused() -> None:
    with pytest.raises(WrongIdColumn):
        ids_of(reading(PaperReport([Line("00Q000000000001EAA")])))


@pytest.mark.parametrize("way", WAYS)
def test_rows_deleted_while_reading_are_a_change_not_a_loss(way: Way) -> None:
    written = lines(range(30), hourly)
    paper = PaperReport(written)
    paper.before_run = lambda number: written.remove(written[-1]) if number == 3 else None

    read = reading(paper, way=way)
    found = ids_of(read)

    assert sorted(found) == [contact_id(number) for number in range(29)]
    assert read.completeness is not None
    assert read.completeness.verdict is Verdict.CHANGED


@pytest.mark.parametrize("way", WAYS)
def test_rows_deleted_behind_the_reading_make_no_later_row_slip_through(way: Way) -> None:
    written = lines(range(30), hourly)
    paper = PaperReport(written)
    paper.before_run = lambda number: written.remove(written[0]) if number == 3 else None

    found = ids_of(reading(paper, way=way))

    assert set(found) >= {contact_id(number) for number in range(1, 30)}


@pytest.mark.parametrize("way", WAYS)
def test_rows_added_ahead_while_reading_are_read(way: Way) -> None:
    written = lines(range(30), hourly)
    paper = PaperReport(written)
    paper.before_run = lambda number: written.extend(lines([40], hourly)) if number == 3 else None

    read = reading(paper, way=way)
    found = ids_of(read)

    assert sorted(found) == [contact_id(number) for number in (*range(30), 40)]
    assert read.completeness is not None
    assert read.completeness.verdict is Verdict.CHANGED


def test_rows_added_behind_the_reading_are_left_to_the_next_one() -> None:
    written = lines(range(10, 40))
    paper = PaperReport(written)
    paper.before_run = lambda number: written.extend(lines([1, 2])) if number == 3 else None

    read = reading(paper, way=Way.BY_ID)
    found = ids_of(read)

    assert found == [contact_id(number) for number in range(10, 40)]
    assert read.completeness is not None
    assert read.completeness.verdict is Verdict.PROVEN


def test_an_org_that_sorts_and_compares_ids_differently_is_read_by_windows_instead() -> None:
    letters = [f"003{'0' * 10}{first}{second}" for first in "aAbBcCdD" for second in "xXyY"]
    written = [Line(contact, hourly(place)) for place, contact in enumerate(map(to_18, letters))]
    paper = PaperReport(written, sorts_by=str.lower)

    read = reading(paper)
    found = ids_of(read)

    assert sorted(found) == sorted(str(line.id) for line in written)
    assert read.way is Way.BY_WINDOW
    assert read.completeness is not None
    assert read.completeness.verdict is Verdict.PROVEN


def test_rows_skipped_by_such_an_org_are_said_to_be_missing_where_windows_cannot_help() -> None:
    letters = [f"003{'0' * 10}{first}{second}" for first in "aAbBcCdD" for second in "xXyY"]
    written = [Line(contact) for contact in map(to_18, letters)]
    paper = PaperReport(written, sorts_by=str.lower)

    read = reading(paper, window=False)
    found = ids_of(read)

    assert read.completeness is not None
    assert read.completeness.verdict is Verdict.SHORT
    assert len(found) + read.completeness.missing == len(written)


def test_an_org_that_counts_no_different_ids_is_read_all_the_same() -> None:
    read = reading(PaperReport(lines([1, 1, *range(2, 20)]), counts_unique=False))

    assert len(ids_of(read)) == 19
    assert read.completeness is not None
    assert read.completeness.verdict is Verdict.PROVEN
    assert read.completeness.rows - read.completeness.records == 1


def test_a_part_of_a_report_without_its_count_is_no_answer() -> None:
    with pytest.raises(MalformedAnswer):
        ids_of(reading(PaperReport(lines(range(20)), gives_counts=False)))


@pytest.mark.parametrize("way", WAYS)
def test_without_a_count_nothing_is_proven(way: Way) -> None:
    read = reading(PaperReport(lines(range(3)), gives_counts=False, counts_unique=False), way=way)

    assert len(ids_of(read)) == 3
    assert read.completeness is not None
    assert read.completeness.verdict is Verdict.SHORT
    assert "no count" in read.completeness.sentence


def test_an_org_that_obeys_filters_by_half_is_given_up() -> None:
    paper = PaperReport(
        lines(range(30), lambda number: DAY_ONE + timedelta(days=300 * number)), ignores="greaterOrEqual"
    )

    with pytest.raises(TooManyRuns, match="after 101 runs"):
        ids_of(reading(paper, way=Way.BY_WINDOW))


def test_another_date_column_is_tried_when_one_parts_the_report_too_coarsely() -> None:
    paper = PaperReport(lines(range(20)), modified=hourly)
    order = ReadOrder("Contact", (), ID, window_columns=(CREATED, MODIFIED), way=Way.BY_WINDOW)

    read = ReportReading(paper, described(addable={"CREATED_DATE": CREATED, "MODIFIED": MODIFIED}), order)

    assert sorted(ids_of(read)) == [contact_id(number) for number in range(20)]
    assert read.completeness is not None
    # Such a date may be set back behind the reading, which no count would show.
    assert read.completeness.verdict is Verdict.CHANGED


def test_rows_added_ahead_do_not_make_up_for_rows_the_page_does_not_reach() -> None:
    written = lines(range(5))
    paper = PaperReport(written)
    paper.before_run = lambda number: written.append(Line(contact_id(9), hourly(60))) if number == 4 else None

    with pytest.raises(WindowTooFull):
        ids_of(reading(paper, way=Way.BY_WINDOW))


def test_without_any_date_column_windows_are_refused_with_the_remedy() -> None:
    with pytest.raises(ReportNotReadable, match="no date column") as refused:
        ids_of(reading(PaperReport(lines(range(9))), way=Way.BY_WINDOW, window=False))

    assert "Created Date" in refused.value.remedy


def test_rows_without_a_date_that_cannot_be_asked_for_are_said_to_be_missing() -> None:
    paper = PaperReport([*lines(range(9), hourly), *lines([20, 21], lambda number: None)], finds_empty=False)

    read = reading(paper, way=Way.BY_WINDOW)
    found = ids_of(read)

    assert len(found) == 9
    assert read.completeness is not None
    assert read.completeness.verdict is Verdict.SHORT
    assert read.completeness.missing == 2


def test_a_column_that_is_gone_from_the_answer_is_named() -> None:
    paper = PaperReport(lines(range(3)), drops="LAST_NAME")

    with pytest.raises(ReportColumnMissing, match="LAST_NAME"):
        ids_of(reading(paper))
