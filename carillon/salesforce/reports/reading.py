"""Reading a report whole, though Salesforce gives only 2,000 rows of it in a run.

By the record's id where the org compares ids: sorted by it, each run asks for what comes after the last one. Else,
or where the org turns out to sort and filter ids differently, by windows of a date column, cut until each fits in a
run. What was read is kept as a set of ids, so that no record is given twice whichever way it is met.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from carillon.salesforce.errors import MalformedAnswer
from carillon.salesforce.reports.cells import CellValue, cell_value, record_id_of
from carillon.salesforce.reports.checks import never_moves, only_grows
from carillon.salesforce.reports.describes import ReportColumn, ReportDescription
from carillon.salesforce.reports.errors import (
    ComparisonRefused,
    FilterIgnored,
    ReportColumnMissing,
    ReportNotReadable,
    ReportRejected,
    ReportTooLarge,
    TooManyRuns,
    WindowTooFull,
    WrongIdColumn,
)
from carillon.salesforce.reports.keyset import BEFORE_ALL_IDS, keyset_step
from carillon.salesforce.reports.proof import Completeness, Ledger
from carillon.salesforce.reports.request import Condition, run_metadata
from carillon.salesforce.reports.runs import ReportRun, Runner
from carillon.salesforce.reports.windows import (
    Window,
    cut_point,
    empty_condition,
    moment_of,
    resolution_of,
    window_conditions,
    words_of,
)

MOST_ROWS = 100_000
_PREFIXES = {"Contact": "003", "Lead": "00Q"}


class Way(StrEnum):
    """How a report is parted into runs; AUTO takes ids, and windows where ids don't serve."""

    AUTO = "auto"
    BY_ID = "by id"
    BY_WINDOW = "by window"


@dataclass(frozen=True, slots=True)
class ReadOrder:
    """What to read of a report: `columns` of the objects `sobject`, told apart by `id_column`.

    `where` are filters beside the saved ones; `window_columns` are date columns, the best first.
    """

    sobject: str
    columns: tuple[str, ...]
    id_column: ReportColumn
    window_columns: tuple[ReportColumn, ...] = ()
    where: tuple[Condition, ...] = ()
    way: Way = Way.AUTO
    at_most: int = MOST_ROWS


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One record; `values` are in the order of the columns asked for."""

    id: str
    values: tuple[CellValue, ...]


@dataclass(frozen=True, slots=True)
class ReportPage:
    """The records of one run that were not met before, each once, though the report may repeat it.

    `row_count` is the org's count of the whole report at the first run; `answered_at` is the org's clock.
    """

    number: int
    rows: tuple[ReportRow, ...]
    row_count: int
    answered_at: datetime


class ReportReading:
    """The pages of a report, each run when wanted: iterate once, to the end; then `completeness` says what is proven.

    The saved report is run as it is, filters and scope included, but flat and with our columns. Raises one of
    reports_errors; ReportTooLarge comes after the first run, before any page is given.
    """

    def __init__(self, runs: Runner, report: ReportDescription, order: ReadOrder) -> None:
        self._runs, self._report, self._order = runs, report, order
        self._columns = _columns_of(report, order)
        self._unique = order.id_column.name if order.id_column.unique_countable else ""
        self._seen: set[str] = set()
        self._ledger = Ledger(None, None)
        self._counted = 0
        self._pages = 0
        self.completeness: Completeness | None = None
        self.way = Way.BY_WINDOW if order.way is Way.BY_WINDOW else Way.BY_ID

    @property
    def runs(self) -> int:
        """How many runs of the report it has taken so far."""
        return self._runs.count

    def __iter__(self) -> Iterator[ReportPage]:
        if self.way is Way.BY_ID:
            done = yield from self._by_id(self._begin(self._order.id_column))
            if not done:
                self.way = Way.BY_WINDOW
        if self.way is Way.BY_WINDOW:
            yield from self._by_window()
        self._close()

    def _by_id(self, run: ReportRun) -> Generator[ReportPage, None, bool]:
        """Whether the report was read to its end so; if not, windows have to follow."""
        cursor: str | None = None
        while True:
            ids = self._ids(run)
            step = keyset_step(
                ids,
                self._seen,
                cursor=cursor,
                cut=not run.all_data,
                may_repeat=run.unique_count is None or run.unique_count != run.row_count,
            )
            self._take(ids, step.taken)
            yield from self._page(run, ids, step.fresh)
            if step.stale:
                # The org sorts ids in another order than it compares them: pages may leave gaps.
                self._ledger.doubt()
                if self._may_use_windows:
                    return False
            if step.cursor is None:
                return True
            cursor = step.cursor
            try:
                run = self._run(self._order.id_column, self._after(cursor))
            except ComparisonRefused:
                if not self._may_use_windows:
                    raise
                return False
            self._ledger.count(run.row_count)

    def _by_window(self) -> Iterator[ReportPage]:
        too_full: WindowTooFull | None = None
        for column in self._order.window_columns:
            try:
                yield from self._by_windows_of(column)
                return
            except WindowTooFull as error:
                too_full = too_full or error
        raise too_full or ReportNotReadable(
            "The report has no date column that Salesforce could part it by.",
            remedy="Add Created Date to the report, or use a list view as the import source.",
        )

    def _by_windows_of(self, column: ReportColumn) -> Iterator[ReportPage]:
        first = self._begin(column)
        if not (first.all_data or only_grows(column, self._order.sobject)):
            # Rows whose date was set back during the reading are missed, and others may make up their number.
            self._ledger.doubt()
        yield from self._window(column, Window(), first)
        if self._ledger.left > 0:
            yield from self._without_date(column)

    def _window(self, column: ReportColumn, window: Window, run: ReportRun) -> Iterator[ReportPage]:
        place = run.columns.index(column.name)
        while not run.all_data:
            moments = [moment_of(cell_value(column, row[place].label, row[place].value)) for row in run.rows]
            cut = cut_point(window, moments, now=run.answered_at, resolution=resolution_of(column))
            if cut is None:
                raise WindowTooFull(column.label, words_of(column, window))
            left, right = window.cut_at(cut)
            following = self._run(column, window_conditions(column, right))
            early = [place for place, moment in enumerate(moments) if moment is not None and moment < cut]
            if cut in moments and _counted(following) == _counted(run) - len(early):
                # The page reaches the cut, and what it holds before the cut is all there is before it.
                yield from self._whole(run, early)
            else:
                before = self._run(column, window_conditions(column, left))
                if min(_counted(before), _counted(following)) >= _counted(run):
                    raise FilterIgnored
                yield from self._window(column, left, before)
                if not never_moves(column, self._order.sobject):
                    # Rows may have moved on from there to here in between.
                    following = self._run(column, window_conditions(column, right))
            window, run = right, following
        yield from self._whole(run, range(len(run.rows)))

    def _without_date(self, column: ReportColumn) -> Iterator[ReportPage]:
        try:
            run = self._run(column, (empty_condition(column),))
        except ReportRejected:
            # The counts will show that rows are missing.
            return
        if not run.all_data:
            raise WindowTooFull(column.label, "no value")
        yield from self._whole(run, range(len(run.rows)))

    def _whole(self, run: ReportRun, places: Sequence[int]) -> Iterator[ReportPage]:
        ids = self._ids(run)
        self._take(ids, places)
        fresh = {record: place for place in reversed(places) if (record := ids[place]) is not None}
        yield from self._page(run, ids, sorted(p for record, p in fresh.items() if record not in self._seen))

    @property
    def _may_use_windows(self) -> bool:
        return self._order.way is Way.AUTO and bool(self._order.window_columns)

    def _after(self, record_id: str) -> tuple[Condition, ...]:
        return (Condition(self._order.id_column.name, "greaterThan", record_id),)

    def _begin(self, sort: ReportColumn) -> ReportRun:
        try:
            run = self._run(sort)
        except ReportRejected:
            # A count of different ids is a bonus that not every org gives.
            if not self._unique:
                raise
            self._unique = ""
            run = self._run(sort)
        count = _counted(run)
        if count > self._order.at_most:
            raise ReportTooLarge(count, self._order.at_most)
        self._counted = count
        self._ledger = Ledger(run.row_count, run.unique_count)
        return run

    def _run(
        self, sort: ReportColumn, conditions: Sequence[Condition] = (), *, details: bool = True
    ) -> ReportRun:
        # A generous bound: reading by windows takes two runs for each 2,000 rows and a few more for each full day.
        most = 100 + self._counted // 250
        if self._runs.count > most:
            raise TooManyRuns(self._runs.count)
        columns = (self._order.id_column.name, *(item.name for item in self._columns)) if details else ()
        metadata = run_metadata(
            self._report,
            columns,
            sort=sort.name,
            conditions=(*self._order.where, *conditions),
            unique=self._unique,
        )
        run = self._runs.run(metadata, details=details)
        for name in metadata["detailColumns"]:
            if name not in run.columns:
                raise ReportColumnMissing(name, report=self._report.name)
        return run

    def _ids(self, run: ReportRun) -> list[str | None]:
        place = run.columns.index(self._order.id_column.name)
        prefix = _PREFIXES.get(self._order.sobject, "")
        ids: list[str | None] = []
        for row in run.rows:
            cell = row[place]
            record = record_id_of(cell.label, cell.value)
            if record is None and cell_value(self._order.id_column, cell.label, cell.value) is not None:
                raise WrongIdColumn(self._order.id_column.label, self._order.sobject)
            if record is not None and not record.startswith(prefix):
                raise WrongIdColumn(self._order.id_column.label, self._order.sobject)
            ids.append(record)
        return ids

    def _take(self, ids: Sequence[str | None], places: Sequence[int]) -> None:
        self._ledger.take(len(places), sum(1 for place in places if ids[place] is None))

    def _page(self, run: ReportRun, ids: Sequence[str | None], places: Sequence[int]) -> Iterator[ReportPage]:
        at = [(column, run.columns.index(column.name)) for column in self._columns]
        rows = []
        for place in places:
            cells, record = run.rows[place], ids[place]
            if record is not None:
                self._seen.add(record)
                values = tuple(cell_value(column, cells[i].label, cells[i].value) for column, i in at)
                rows.append(ReportRow(record, values))
        if rows or not self._pages:
            self._pages += 1
            yield ReportPage(self._pages, tuple(rows), self._counted, run.answered_at)

    def _close(self) -> None:
        records, ledger = len(self._seen), self._ledger
        if ledger.is_proven(records):
            self.completeness = ledger.closed(records, ledger.first)
            return
        with_id = (Condition(self._order.id_column.name, "greaterThan", BEFORE_ALL_IDS),)
        before = self._count_now(with_id) if self.way is Way.BY_ID and ledger.gap > 0 else None
        counted = self._count_now()
        unread = max(0, (counted or 0) - before - ledger.without_id) if before is not None else 0
        # Rows that came or went between the two counts would look like rows without an id.
        if unread and self._count_now(with_id) != before:
            unread = 0
        self.completeness = ledger.closed(records, counted, unread=unread)

    def _count_now(self, conditions: Sequence[Condition] = ()) -> int | None:
        return self._run(self._order.id_column, conditions, details=False).row_count


def _columns_of(report: ReportDescription, order: ReadOrder) -> tuple[ReportColumn, ...]:
    found = []
    for name in order.columns:
        column = report.column(name)
        if column is None:
            raise ReportColumnMissing(name, report=report.name)
        found.append(column)
    return tuple(found)


def _counted(run: ReportRun) -> int:
    if run.row_count is not None:
        return run.row_count
    if run.all_data:
        return len(run.rows)
    raise MalformedAnswer("Salesforce gave a part of a report's rows without saying how many there are.")
