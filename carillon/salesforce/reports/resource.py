"""Reports: finding them, what they are made of, and reading their rows completely.

They are found through SOQL on Report: the resource made for it lists only what the API user looked at lately.
Salesforce lists the reports in folders shared with the API user.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import msgspec

from carillon.salesforce.caller import Caller
from carillon.salesforce.errors import SalesforceError
from carillon.salesforce.ids import as_typed, to_18
from carillon.salesforce.kinds import CallKind
from carillon.salesforce.orgs import id_18
from carillon.salesforce.pages import QueryPage
from carillon.salesforce.reports.checks import JOINED, TABULAR, id_column, why_not_readable, window_columns
from carillon.salesforce.reports.describes import ReportColumn, ReportDescription, report_of
from carillon.salesforce.reports.errors import (
    NOT_SHARED,
    ReportGone,
    ReportNotReadable,
    ReportNotShared,
    report_error_of,
)
from carillon.salesforce.reports.reading import MOST_ROWS, ReadOrder, ReportReading, Way
from carillon.salesforce.reports.request import Condition, own_columns, run_metadata
from carillon.salesforce.reports.runs import Patience, Runs
from carillon.salesforce.soql import parse_datetime, string_literal
from carillon.salesforce.transport import Call

_FIELDS = "Id, Name, DeveloperName, FolderName, Format, Description, LastModifiedDate, LastRunDate"
# Ids of reports begin so.
_PREFIX = "00O"
_FOLDERS = "SELECT Id, Name FROM Folder WHERE Type = 'Report' ORDER BY Name"


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """`format` is spelt as in a description; `last_run_at` is by whomever, None when never."""

    id: str
    name: str
    developer_name: str
    folder: str
    format: str
    description: str
    last_modified_at: datetime | None
    last_run_at: datetime | None

    @property
    def is_tabular(self) -> bool:
        return self.format == TABULAR


class _Row(msgspec.Struct):
    Id: str
    Name: str | None = None
    DeveloperName: str | None = None
    FolderName: str | None = None
    Format: str | None = None
    Description: str | None = None
    LastModifiedDate: str | None = None
    LastRunDate: str | None = None
    IsDeleted: bool | None = None


class _Query(Protocol):
    def __call__(
        self, soql: str, record: type[_Row], *, all_rows: bool = False
    ) -> Iterator[QueryPage[_Row]]: ...


class Reports:
    """`query` runs SOQL, page by page."""

    def __init__(self, caller: Caller, query: _Query) -> None:
        self._caller = caller
        self._query = query

    def find(
        self, text: str = "", *, folder: str = "", tabular_only: bool = False, most: int = 0
    ) -> Iterator[ReportSummary]:
        """The reports the API user can see, by folder and name, each page asked for when wanted.

        `text` is part of the name in any case; `most` of 0 means all.
        """
        for page in self._query(find_query(text, folder=folder, tabular_only=tabular_only, most=most), _Row):
            for row in page.records:
                if isinstance(row, _Row):
                    yield _summary(row)

    def named(self, wanted: str) -> list[ReportSummary]:
        """Reports with this id, API name or name; a few at most."""
        return [
            _summary(row)
            for page in self._query(named_query(wanted), _Row)
            for row in page.records
            if isinstance(row, _Row)
        ]

    def folders(self, most: int) -> list[str]:
        """Names of the first report folders that the API user can see."""
        return [
            row.Name
            for page in self._query(f"{_FOLDERS} LIMIT {most}", _Row)
            for row in page.records
            if isinstance(row, _Row) and row.Name
        ]

    def count(self, report: ReportDescription) -> int | None:
        """How many rows the report has now; None when the org doesn't say. One run of the report."""
        # A run without any column is refused.
        metadata = run_metadata(report, own_columns(report)[:1])
        return Runs(self._caller, report.id).run(metadata, details=False).row_count

    def describe(self, report_id: str) -> ReportDescription:
        """Raises ReportGone when the report was deleted, ReportNotShared when nothing of it can be seen."""
        path = f"{self._caller.base}/analytics/reports/{to_18(report_id)}/describe"
        call = Call(kind=CallKind.REPORT_DESCRIBE, path=path, refuse=report_error_of)
        try:
            return self._caller.send(call, lambda answer: report_of(answer.body))
        except (ReportGone, ReportNotShared) as error:
            refused = error
        raise self._told_apart(to_18(report_id), refused)

    def rows(
        self,
        report: ReportDescription,
        sobject: str,
        *,
        columns: tuple[str, ...] = (),
        where: tuple[Condition, ...] = (),
        way: Way = Way.AUTO,
        at_most: int = MOST_ROWS,
        patience: Patience | None = None,
    ) -> ReportReading:
        """The report's records of this object, with the values of `columns` (none: ids alone).

        Describe the report anew before each reading: a column taken out since is found before anything is run.
        Raises ReportNotReadable and ReportColumnMissing at once, others while it is iterated.
        """
        order = ReadOrder(
            sobject=sobject,
            columns=columns,
            id_column=_checked(report, sobject),
            window_columns=window_columns(report, sobject),
            where=where,
            way=way,
            at_most=at_most,
        )
        return ReportReading(Runs(self._caller, report.id, patience), report, order)

    def _told_apart(
        self, report_id: str, refused: ReportGone | ReportNotShared
    ) -> ReportGone | ReportNotShared:
        """A deleted report and one in a folder not shared can be refused alike; the Recycle Bin knows better."""
        soql = " ".join(("SELECT Id, IsDeleted FROM Report WHERE Id =", string_literal(report_id)))
        try:
            rows = [row for page in self._query(soql, _Row, all_rows=True) for row in page.records]
        except SalesforceError:
            return refused
        if any(isinstance(row, _Row) and row.IsDeleted for row in rows):
            return ReportGone("The report was deleted in Salesforce.")
        return refused if rows else ReportNotShared(NOT_SHARED)


def find_query(text: str = "", *, folder: str = "", tabular_only: bool = False, most: int = 0) -> str:
    conditions = []
    if text:
        conditions.append(f"Name LIKE '%{_as_it_is(text)}%'")
    if folder:
        conditions.append(f"FolderName = {string_literal(folder)}")
    if tabular_only:
        conditions.append("Format = 'Tabular'")
    clauses = ["SELECT", _FIELDS, "FROM Report"]
    if conditions:
        clauses += ["WHERE", " AND ".join(conditions)]
    clauses.append("ORDER BY FolderName, Name, Id")
    if most:
        clauses += ["LIMIT", str(most)]
    return " ".join(clauses)


def named_query(wanted: str) -> str:
    """A report by its id as people type it, else by its API name or its name, which may be as long as an id."""
    typed, name = as_typed(wanted), string_literal(wanted)
    if typed.startswith(_PREFIX):
        condition = f"Id = {string_literal(typed)}"
    else:
        condition = f"DeveloperName = {name} OR Name = {name}"
    return " ".join(
        ("SELECT", _FIELDS, "FROM Report WHERE", condition, "ORDER BY FolderName, Name, Id LIMIT 5")
    )


def _as_it_is(text: str) -> str:
    """Text inside a LIKE, its own wildcards taken as they are."""
    return string_literal(text)[1:-1].replace("%", "\\%").replace("_", "\\_")


def _checked(report: ReportDescription, sobject: str) -> ReportColumn:
    """The id column of a report that can be read; raises ReportNotReadable with the first reason why not."""
    for obstacle in why_not_readable(report, sobject, flatten=True):
        raise ReportNotReadable(obstacle.sentence, remedy=obstacle.remedy)
    column = id_column(report, sobject)
    if column is None:
        raise ReportNotReadable("The report has no column with the id of its records.")
    return column


def _summary(row: _Row) -> ReportSummary:
    given = (row.Format or "").upper()
    return ReportSummary(
        id=id_18(row.Id),
        name=row.Name or row.DeveloperName or row.Id,
        developer_name=row.DeveloperName or "",
        folder=row.FolderName or "",
        # The object says MultiBlock where the Analytics API says MULTI_BLOCK.
        format=JOINED if given == "MULTIBLOCK" else given,
        description=row.Description or "",
        last_modified_at=parse_datetime(row.LastModifiedDate) if row.LastModifiedDate else None,
        last_run_at=parse_datetime(row.LastRunDate) if row.LastRunDate else None,
    )
