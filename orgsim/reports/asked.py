"""What one run was asked for, checked against the report type as the user sees it, ready to become SQL.

The checks come in the words of the guide's error page; where that has none the text is inferred.
"""

from dataclasses import dataclass
from datetime import date

from orgsim.reports.definition import ROW_COUNT
from orgsim.reports.errors import bad, bad_column, unsupported_format
from orgsim.reports.filters import Condition
from orgsim.reports.periods import CUSTOM, Calendar, standard_day
from orgsim.reports.types import Known, TypeView
from orgsim.reports.wanted import Wanted, WantedDate, WantedGrouping

MOST_COLUMNS = 99
MOST_FILTERS = 20
MOST_TOP_ROWS = 10_000
SCOPES = ("user", "team", "organization")
GRANULARITIES = frozenset({"None", "Day", "Week", "Month", "Quarter", "Year"})
_NUMBERS = frozenset({"int", "double", "percent", "currency"})
_FUNCTIONS = {"s": "sum", "a": "avg", "m": "min", "x": "max", "u": "count"}
_LABELS = {
    "s": "Sum of {}",
    "a": "Average {}",
    "m": "Smallest {}",
    "x": "Largest {}",
    "u": "Unique Count of {}",
}
_LEVELS = {"TABULAR": ((0, 0), (0, 0)), "SUMMARY": ((1, 3), (0, 0)), "MATRIX": ((1, 2), (1, 2))}


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`function` is None for the count of rows."""

    name: str
    label: str
    data_type: str
    function: str | None = None
    known: Known | None = None


@dataclass(frozen=True, slots=True)
class Group:
    known: Known
    granularity: str
    descending: bool
    by: Aggregate | None


@dataclass(frozen=True, slots=True)
class DateRange:
    known: Known
    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class Top:
    rows: int
    descending: bool


@dataclass(frozen=True, slots=True)
class Asked:
    view: TypeView
    format: str
    columns: tuple[Known, ...]
    conditions: tuple[Condition, ...]
    logic: str | None
    dates: DateRange | None
    scope: str
    down: tuple[Group, ...]
    across: tuple[Group, ...]
    aggregates: tuple[Aggregate, ...]
    sort: tuple[Known, bool] | None
    top: Top | None
    has_detail_rows: bool


def asked_of(wanted: Wanted, view: TypeView, calendar: Calendar) -> Asked:
    """Raises the 400 for what a run can't be asked for, 501 for a joined report."""
    if wanted.report_format not in _LEVELS:
        raise unsupported_format()
    if wanted.cross_filters or wanted.buckets:
        raise bad("Cross filters and bucket fields can't be changed when a report is run.")
    columns = _columns(wanted, view)
    aggregates = _aggregates(wanted, view)
    if len(columns) + sum(a.known is not None for a in aggregates) > MOST_COLUMNS:
        raise bad(
            "Only a report with fewer than 100 columns can be run. The columns are fields specified as detail columns, "
            "summaries, or custom summary formulas. Remove unneeded columns from the report and try again."
        )
    down = tuple(_group(g, view, aggregates) for g in wanted.groupings_down or ())
    across = tuple(_group(g, view, aggregates) for g in wanted.groupings_across or ())
    _check_levels(wanted.report_format, len(down), len(across))
    if wanted.scope not in SCOPES:
        raise bad(f"The scope {wanted.scope} is invalid for the report type {view.type.name}.")
    return Asked(
        view=view,
        format=wanted.report_format,
        columns=columns,
        conditions=_conditions(wanted, view),
        logic=wanted.report_boolean_filter,
        dates=_dates(wanted.standard_date_filter, view, calendar),
        scope=wanted.scope,
        down=down,
        across=across,
        aggregates=aggregates,
        sort=_sort(wanted, columns),
        top=_top(wanted),
        has_detail_rows=wanted.has_detail_rows is not False,
    )


def _columns(wanted: Wanted, view: TypeView) -> tuple[Known, ...]:
    if not wanted.detail_columns and wanted.report_format == "TABULAR":
        raise bad(
            "Can't run the report because it doesn't have any columns selected. Be sure to add fields as columns to "
            "the report through the user interface."
        )
    columns = []
    for name in wanted.detail_columns or ():
        if name not in view.columns:
            raise bad(f"Specify a valid column because {name} is invalid.")
        columns.append(view.columns[name])
    return tuple(columns)


def aggregate_of(name: str, view: TypeView) -> Aggregate:
    """`RowCount`, `s!COLUMN`, `u!COLUMN` ...; raises 400 for what can't be summarised so."""
    if name == ROW_COUNT:
        return Aggregate(ROW_COUNT, "Record Count", "int")
    kind, _, column = name.partition("!")
    known = view.columns.get(column)
    if known is None or kind not in _FUNCTIONS or not _can_be(kind, known):
        raise bad(f"The aggregate {name} is invalid.")
    data_type = "int" if kind == "u" else known.data_type
    return Aggregate(name, _LABELS[kind].format(known.column.label), data_type, _FUNCTIONS[kind], known)


def _can_be(kind: str, known: Known) -> bool:
    if kind == "u":
        return known.unique_countable
    return known.data_type in _NUMBERS or (kind in ("m", "x") and known.is_moment)


def _aggregates(wanted: Wanted, view: TypeView) -> tuple[Aggregate, ...]:
    return tuple(aggregate_of(name, view) for name in dict.fromkeys(wanted.aggregates or ()))


def _group(wanted: WantedGrouping, view: TypeView, aggregates: tuple[Aggregate, ...]) -> Group:
    known = view.columns.get(wanted.name)
    if known is None or known.is_long or not known.field.sortable:
        raise bad(f"Specify a valid grouping because {wanted.name} is invalid.")
    granularity = wanted.date_granularity or "None"
    if granularity not in (GRANULARITIES if known.is_moment else ("None",)):
        raise bad(f"The date granularity {granularity} is invalid for the column {wanted.name}.")
    return Group(known, granularity, _is_down(wanted.sort_order), _sorting(wanted, aggregates))


def _sorting(wanted: WantedGrouping, aggregates: tuple[Aggregate, ...]) -> Aggregate | None:
    if not wanted.sort_aggregate:
        return None
    by = next((a for a in aggregates if a.name == wanted.sort_aggregate), None)
    if by is None:
        raise bad(f"The aggregate {wanted.sort_aggregate} is invalid.")
    return by


def _is_down(order: str | None) -> bool:
    return (order or "").lower() == "desc"


def _check_levels(report_format: str, down: int, across: int) -> None:
    (least_down, most_down), (least_across, most_across) = _LEVELS[report_format]
    if not least_down <= down <= most_down or not least_across <= across <= most_across:
        raise bad(f"The groupings are invalid for a report in the format {report_format}.")


def _conditions(wanted: Wanted, view: TypeView) -> tuple[Condition, ...]:
    filters = wanted.report_filters or ()
    if len(filters) > MOST_FILTERS:
        raise bad(f"A report can't have more than {MOST_FILTERS} field filters.")
    conditions = []
    for wanted_filter in filters:
        known = view.columns.get(wanted_filter.column)
        if known is None:
            raise bad_column(wanted_filter.column)
        conditions.append(Condition(known, wanted_filter.operator, wanted_filter.text))
    return tuple(conditions)


def _sort(wanted: Wanted, columns: tuple[Known, ...]) -> tuple[Known, bool] | None:
    if not wanted.sort_by:
        return None
    if wanted.report_format == "MATRIX":
        raise bad("Column sorting isn't supported for matrix reports.")
    if len(wanted.sort_by) > 1:
        raise bad("A report can only be sorted by one column.")
    (sort,) = wanted.sort_by
    if sort.sort_column is None:
        raise bad("The sort column name can't be null.")
    known = next((column for column in columns if column.name == sort.sort_column), None)
    if known is None:
        raise bad("The sort column name must be from a selected column.")
    if not known.field.sortable:
        raise bad(f"The report can't be sorted by the column {known.name}.")
    return known, _is_down(sort.sort_order)


def _top(wanted: Wanted) -> Top | None:
    if wanted.top_rows is None:
        return None
    if not 1 <= wanted.top_rows.row_limit <= MOST_TOP_ROWS:
        raise bad(f"The row limit {wanted.top_rows.row_limit} is invalid.")
    return Top(wanted.top_rows.row_limit, _is_down(wanted.top_rows.direction))


def _dates(wanted: WantedDate | None, view: TypeView, calendar: Calendar) -> DateRange | None:
    if wanted is None or not wanted.column:
        return None
    known = view.columns.get(wanted.column)
    if known is None:
        raise bad(f"The column {wanted.column} specified for the standard date filter is invalid.")
    if not known.is_moment:
        raise bad(
            f"The column {wanted.column} cannot be a standard date filter because it is not a date column."
        )
    value = wanted.duration_value or CUSTOM
    if value.upper() != CUSTOM:
        return DateRange(known, *calendar.duration(value))
    first = standard_day(wanted.start_date, wanted.column, "start")
    last = standard_day(wanted.end_date, wanted.column, "end")
    return DateRange(known, first, last) if first or last else None
