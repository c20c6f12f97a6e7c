"""Stretches of a date or date/time column that a report is parted into, and where to cut one that is too full.

Pure. A stretch holds its start and not its end, so two that meet share no row and leave none out, however the org
reads the bounds. Values of cells only hint at a good place to cut.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from carillon.salesforce.reports.cells import CellValue
from carillon.salesforce.reports.describes import ReportColumn
from carillon.salesforce.reports.request import Condition

_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` to before `end`, both in UTC and whole seconds; None is no bound."""

    start: datetime | None = None
    end: datetime | None = None

    def holds_inside(self, moment: datetime) -> bool:
        return (self.start is None or self.start < moment) and (self.end is None or moment < self.end)

    def cut_at(self, moment: datetime) -> tuple["Window", "Window"]:
        return Window(self.start, moment), Window(moment, self.end)


def window_conditions(column: ReportColumn, window: Window) -> tuple[Condition, ...]:
    """The filters of a window: days where the column has days, else UTC with whole seconds."""
    bounds = (("greaterOrEqual", window.start), ("lessThan", window.end))
    return tuple(
        Condition(column.name, operator, _written(column, moment))
        for operator, moment in bounds
        if moment is not None
    )


def empty_condition(column: ReportColumn) -> Condition:
    """Rows without a value lie in no window."""
    return Condition(column.name, "equals", "")


def moment_of(value: CellValue) -> datetime | None:
    """Where a cell lies: a day at its beginning in UTC, a moment at its second."""
    if isinstance(value, datetime):
        return value.replace(microsecond=0)
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    return None


def cut_point(
    window: Window, moments: Sequence[datetime | None], *, now: datetime, resolution: timedelta
) -> datetime | None:
    """Where to cut a window that is too full, given where the rows of its page lie; None when it can't be.

    The latest of the page is best: nearly the whole page then lies before the cut. A page of rows without a value,
    which lie in no window, hints at nothing: `now` parts the others.
    """
    known = [moment for moment in moments if moment is not None]
    if known and window.holds_inside(max(known)):
        return max(known)
    if window.start is None:
        return window.end - _DAY if window.end else _floor(now, resolution)
    if window.end is None:
        return window.start + _DAY
    middle = _floor(window.start + (window.end - window.start) / 2, resolution)
    return middle if window.holds_inside(middle) else None


def resolution_of(column: ReportColumn) -> timedelta:
    return _SECOND if column.type == "datetime" else _DAY


def words_of(column: ReportColumn, window: Window) -> str:
    return _written(column, window.start) if window.start else "no value"


def _written(column: ReportColumn, moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ" if column.type == "datetime" else "%Y-%m-%d")


def _floor(moment: datetime, resolution: timedelta) -> datetime:
    return moment - timedelta(seconds=moment.timestamp() % resolution.total_seconds())
