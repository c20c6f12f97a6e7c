"""A report on paper: rows in memory, run as an org would, a few rows at a time, and lying when told to.

Implements the Runner of the client's readings; what the real service answers is tested against the simulated org.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from carillon.salesforce.ids import to_18
from carillon.salesforce.reports.describes import ReportColumn, ReportDescription
from carillon.salesforce.reports.errors import ComparisonRefused, ReportRejected
from carillon.salesforce.reports.reading import ReadOrder, ReportReading, Way
from carillon.salesforce.reports.runs import Cell, ReportRun

ID = ReportColumn("CONTACT_ID", "Contact ID", "id", "Contact.Id", unique_countable=True)
NAME = ReportColumn("LAST_NAME", "Last Name", "string", "Contact.LastName")
CREATED = ReportColumn("CREATED_DATE", "Created Date", "datetime", "Contact.CreatedDate")
MODIFIED = ReportColumn("MODIFIED", "Modified", "datetime", "Contact.Modified__c")
ANSWERED = datetime(2026, 5, 1, 7, 25, 37, tzinfo=UTC)
DAY_ONE = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Line:
    """One row; two with the same id are the same person twice."""

    id: str | None
    created: datetime | None = DAY_ONE
    name: str = "Li"


def contact_id(number: int) -> str:
    return to_18(f"003{number:012d}")


def lines(numbers: Any, created: Callable[[int], datetime | None] = lambda number: DAY_ONE) -> list[Line]:
    return [Line(contact_id(number), created(number), f"Name {number}") for number in numbers]


def as_it_is(record_id: str) -> str:
    return record_id


@dataclass
class PaperReport:
    """`before_run` is called with the number of each run; `whole_days` shows moments as days only.

    `sorts_by` and `compares_by` are the orders of ids; empty ids come last when `empty_last`; `ignores` is an
    operator without effect, `drops` a column that answers lack, `modified` when a person was changed.
    """

    lines: list[Line]
    size: int = 4
    compares_ids: bool = True
    obeys_filters: bool = True
    ignores: str = ""
    drops: str = ""
    finds_empty: bool = True
    modified: Callable[[int], datetime] = lambda number: DAY_ONE
    gives_counts: bool = True
    counts_unique: bool = True
    whole_days: bool = False
    empty_last: bool = False
    sorts_by: Callable[[str], str] = as_it_is
    compares_by: Callable[[str], str] = as_it_is
    before_run: Callable[[int], None] = lambda number: None
    count: int = 0
    asked: list[Mapping[str, Any]] = field(default_factory=list)

    def run(self, metadata: Mapping[str, Any], *, details: bool = True) -> ReportRun:
        self.count += 1
        self.before_run(self.count)
        self.asked.append(metadata)
        if len(metadata["aggregates"]) > 1 and not self.counts_unique:
            raise ReportRejected("BAD_REQUEST", "An aggregate is invalid.")
        found = [line for line in self.lines if self._let_through(line, metadata.get("reportFilters", []))]
        found.sort(key=lambda line: self._place(line, metadata["sortBy"][0]["sortColumn"]))
        columns = [name for name in metadata["detailColumns"] if name != self.drops]
        shown = found[: self.size] if details else []
        counts = len(found), len({line.id for line in found if line.id})
        return ReportRun(
            columns=tuple(columns),
            rows=tuple(tuple(self._cell(line, column) for column in columns) for line in shown),
            all_data=len(found) <= self.size,
            row_count=counts[0] if self.gives_counts else None,
            unique_count=counts[1] if "u!CONTACT_ID" in metadata["aggregates"] else None,
            answered_at=ANSWERED,
        )

    def _let_through(self, line: Line, filters: list[dict[str, str]]) -> bool:
        return all(self._meets(line, item["column"], item["operator"], item["value"]) for item in filters)

    def _meets(self, line: Line, column: str, operator: str, value: str) -> bool:
        if not self.obeys_filters or operator == self.ignores:
            return True
        if column == "CONTACT_ID":
            if not self.compares_ids:
                raise ComparisonRefused(
                    "BAD_REQUEST", f"Specify a valid condition because {operator} is invalid."
                )
            if len(value) not in (15, 18):
                raise ReportRejected("BAD_REQUEST", f"The filter value for ID {value} is incorrect.")
            return line.id is not None and self.compares_by(line.id) > self.compares_by(value)
        when = self._date(line, column)
        if operator == "equals":
            if not self.finds_empty:
                raise ReportRejected("BAD_REQUEST", "Filter the date in the correct format.")
            return when is None
        if when is None:
            return False
        bound = datetime.fromisoformat(value)
        return {"greaterOrEqual": when >= bound, "lessOrEqual": when <= bound, "lessThan": when < bound}[
            operator
        ]

    def _date(self, line: Line, column: str) -> datetime | None:
        if column == "MODIFIED" and line.id:
            return self.modified(int(line.id[3:15]))
        return line.created

    def _place(self, line: Line, column: str) -> tuple[bool, str]:
        if column in ("CREATED_DATE", "MODIFIED"):
            when = self._date(line, column)
            return when is not None, when.isoformat() if when else ""
        return (line.id is None) is self.empty_last, self.sorts_by(line.id) if line.id else ""

    def _cell(self, line: Line, column: str) -> Cell:
        if column == "CONTACT_ID":
            return Cell(line.id[:15], line.id) if line.id else Cell("-", None)
        if column in ("CREATED_DATE", "MODIFIED"):
            when = self._date(line, column)
            if when is None:
                return Cell("-", None)
            return Cell("shown", f"{when:%Y-%m-%d}" if self.whole_days else f"{when:%FT%TZ}")
        return Cell(line.name, line.id)


def described(**changes: Any) -> ReportDescription:
    values: dict[str, Any] = {
        "id": "00O000000000001EAA",
        "name": "People",
        "format": "TABULAR",
        "type_name": "ContactList",
        "type_label": "Contacts & Accounts",
        "columns": (ID, NAME),
        "addable": {"CREATED_DATE": CREATED},
        "groupings": (),
        "filters": (),
        "boolean_filter": None,
        "sort_by": (),
        "date_filter": None,
        "scope": "organization",
        "shows_details": True,
        "limits_rows": False,
        "historical": False,
        "cross_filters": 0,
        "has_chart": False,
    }
    return ReportDescription(**values | changes)


def reading(
    paper: PaperReport, *, way: Way = Way.AUTO, window: bool = True, at_most: int = 1000
) -> ReportReading:
    order = ReadOrder(
        sobject="Contact",
        columns=("LAST_NAME",),
        id_column=ID,
        window_columns=(CREATED,) if window else (),
        way=way,
        at_most=at_most,
    )
    return ReportReading(paper, described(), order)


def ids_of(read: ReportReading) -> list[str]:
    return [row.id for page in read for row in page.rows]
