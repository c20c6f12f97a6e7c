"""The body of a report run: only what must differ from the saved report, for this run alone.

Pure. A posted list of filters replaces the saved one, so the saved filters are sent along unchanged; a boolean
filter must name every filter, so the old one goes in brackets. Grouped-by columns are not among the detail columns:
a run without groups has to ask for them by name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from carillon.salesforce.reports.checks import COLUMN_LIMIT, MOST_FILTERS, TABULAR
from carillon.salesforce.reports.describes import ReportDescription
from carillon.salesforce.reports.errors import ReportColumnMissing, ReportNotReadable

ROW_COUNT = "RowCount"


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter of ours; `value` as reports write it: dates yyyy-MM-ddTHH:mm:ssZ or yyyy-MM-dd, "" for empty."""

    column: str
    operator: str
    value: str


def unique_count_of(column: str) -> str:
    """The name of the aggregate that counts distinct values of a column."""
    return f"u!{column}"


def own_columns(report: ReportDescription) -> tuple[str, ...]:
    """All columns the report shows: those it groups by, then its detail columns, each once."""
    return tuple(dict.fromkeys((*report.groupings, *(item.name for item in report.columns))))


def removed_columns(report: ReportDescription, names: Sequence[str]) -> tuple[str, ...]:
    """Those of `names` that the report shows no more, though a run might still add them."""
    shown = own_columns(report)
    return tuple(name for name in names if name not in shown)


def run_metadata(
    report: ReportDescription,
    columns: Sequence[str],
    *,
    sort: str = "",
    conditions: Sequence[Condition] = (),
    unique: str = "",
) -> dict[str, Any]:
    """`reportMetadata` of a run that lists `columns` flat, sorted ascending by `sort`, counted, with `conditions`.

    Raises ReportColumnMissing and ReportNotReadable.
    """
    wanted = tuple(dict.fromkeys((*columns, *((sort,) if sort else ()))))
    for name in (*wanted, *(item.column for item in conditions)):
        if report.column(name) is None:
            raise ReportColumnMissing(name, report=report.name)
    if len(wanted) >= COLUMN_LIMIT:
        raise ReportNotReadable(
            f"{len(wanted)} columns were asked of the report; Salesforce runs a report only with fewer than 100.",
            remedy="Map fewer columns of the report.",
        )
    body: dict[str, Any] = {
        "reportFormat": TABULAR,
        "groupingsDown": [],
        "groupingsAcross": [],
        "detailColumns": list(wanted),
        "sortBy": [{"sortColumn": sort, "sortOrder": "Asc"}] if sort else [],
        "aggregates": [ROW_COUNT, *((unique_count_of(unique),) if unique else ())],
        "hasRecordCount": True,
        "hasDetailRows": True,
    }
    if report.has_chart:
        # A chart draws groups that this run does not have.
        body["chart"] = None
    return body | _filtered(report, conditions)


def _filtered(report: ReportDescription, conditions: Sequence[Condition]) -> dict[str, Any]:
    if not conditions:
        return {}
    saved = [dict(item.given) for item in report.filters]
    total = len(saved) + len(conditions)
    if total > MOST_FILTERS:
        raise ReportNotReadable(
            f"The report has {len(saved)} filters and reading it on needs {len(conditions)} more; "
            f"Salesforce allows {MOST_FILTERS}.",
            remedy="Remove a filter, or join several into one (values separated by commas mean 'or').",
        )
    added = [{"column": item.column, "operator": item.operator, "value": item.value} for item in conditions]
    filters: dict[str, Any] = {"reportFilters": [*saved, *added]}
    if report.boolean_filter:
        filters["reportBooleanFilter"] = wrapped(report.boolean_filter, len(saved), total)
    return filters


def wrapped(boolean_filter: str, saved: int, total: int) -> str:
    """The boolean filter of `saved` filters, made to hold for `total` of which the further ones must all be met."""
    further = "".join(f" AND {number}" for number in range(saved + 1, total + 1))
    return f"({boolean_filter}){further}"
