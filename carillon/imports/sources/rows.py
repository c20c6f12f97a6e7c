"""Rows of a report as records of an import. Pure.

A query writes a moment as 2026-05-01T07:25:37.000+0000 and a day as 2026-05-01; so do these records, and the mapping
then treats both alike.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from carillon.imports.mapping import ReportRecord
from carillon.imports.plan import ImportPlan
from carillon.salesforce.reports.cells import CellValue, Unreadable
from carillon.salesforce.reports.request import Condition

_EMPTY = "-"


class Rows:
    """Makes records of the rows of one plan. `columns` are what has to be asked of the report, in this order."""

    def __init__(self, plan: ImportPlan) -> None:
        self._plan = plan
        modified = plan.report.modified_column if plan.report else ""
        self.columns = tuple(dict.fromkeys((*plan.mapped, modified)))
        self._modified = self.columns.index(modified)
        self._values = plan.report.values if plan.report else {}

    def record(self, record_id: str, values: Sequence[CellValue], answered_at: datetime) -> ReportRecord:
        """A row without a readable last change counts as changed when it was read."""
        cells = {
            name: chosen(given(value), self._values[name]) if name in self._values else given(value)
            for name, value in zip(self.columns, values, strict=True)
        }
        modified = values[self._modified]
        known = modified if isinstance(modified, datetime) else answered_at
        return ReportRecord(
            Id=record_id,
            SystemModstamp=stamp(known),
            LastModifiedDate=str(cells[self.columns[self._modified]] or _EMPTY),
            Name=self._name(cells),
            cells=cells,
        )

    def _name(self, cells: dict[str, Any]) -> str:
        first = cells.get(self._plan.first_name) or cells.get(self._plan.first_name_fallback)
        return " ".join(str(part) for part in (first, cells.get(self._plan.last_name)) if part)


def given(value: CellValue) -> Any:
    """The value of a cell as a query would write it; what can't be read is given as the report shows it."""
    if isinstance(value, Unreadable):
        return value.shown
    if isinstance(value, datetime):
        return stamp(value)
    return value.isoformat() if isinstance(value, date) else value


def chosen(shown: Any, values: Mapping[str, str]) -> Any:
    """The value, or the values, of a picklist by the labels that a report shows."""
    if not isinstance(shown, str):
        return shown
    return values[shown] if shown in values else ";".join(values.get(one, one) for one in shown.split("; "))


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def changed_since(column: str, watermark: datetime) -> Condition:
    """The filter of a report for rows changed at or after a moment; reports know whole seconds only."""
    return Condition(column, "greaterOrEqual", watermark.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
