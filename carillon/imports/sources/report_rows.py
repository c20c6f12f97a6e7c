"""A report read alone: its rows are the records, its Last Modified column says what changed.

A place in a report can't be gone back to, since its rows come and go: an interrupted read begins again, and what it
stored is compared once more. Its cursor says only that there was one.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from carillon.imports.plan import ImportPlan, ReportSource
from carillon.imports.reading import Part, Reader
from carillon.imports.sources.choice import IDS_IN_A_FILTER, by_id_filters
from carillon.imports.sources.columns import has_room
from carillon.imports.sources.membership import TRIES, NotProven, Report, is_proven
from carillon.imports.sources.rows import Rows, changed_since
from carillon.imports.watermark import Key
from carillon.salesforce.client import Client
from carillon.salesforce.reports.errors import ReportRejected
from carillon.salesforce.reports.reading import ReportReading
from carillon.salesforce.reports.request import Condition

_BEGUN = Key("rows", "")


class ReportRowsReader:
    """Reads the report of one plan with one client."""

    # A whole read, proven by the org's counts, says who is in the report.
    is_own_sweep = True

    def __init__(
        self, client: Client, plan: ImportPlan, source: ReportSource, record: type[msgspec.Struct]
    ) -> None:
        self._source = source
        self._report = Report(client, plan, source)
        self._object = Reader(client, plan, record)
        self._rows = Rows(plan)
        self._row_count = 0
        # True once a read was not proven the first time.
        self.was_short = False

    def records(self, watermark: datetime | None, cursor: Key | None) -> Iterator[Part]:
        """The rows of the report, of *changes* those whose last change is not before the watermark. Raises NotProven."""
        where: tuple[Condition, ...] = ()
        if watermark and has_room(self._source.report, 2):
            where = (changed_since(self._source.modified_column, watermark),)
        yield from self._whole(*where)

    def ids(self) -> Iterator[list[str]]:
        """Who is in the report. Raises NotProven."""
        members = self._report.members()
        if not members.is_proven:
            raise NotProven(self._report.name, members.completeness)
        self._row_count = len(members.ids)
        yield list(members.ids)

    def members(self, ids: Sequence[str]) -> Iterator[list[Any]]:
        """The rows of these ids that the report holds now: asked for by their ids, or found by reading it whole. Raises
        NotProven: an id that doesn't come has left."""
        if by_id_filters(len(ids), self._row_count) and has_room(self._source.report, 2):
            try:
                yield from self._listed(ids)
            except ReportRejected:
                # No list of ids in a filter is promised anywhere.
                yield from self._among_all(ids)
        else:
            yield from self._among_all(ids)

    def _listed(self, ids: Sequence[str]) -> Iterator[list[Any]]:
        for start in range(0, len(ids), IDS_IN_A_FILTER):
            listed = ",".join(ids[start : start + IDS_IN_A_FILTER])
            where = Condition(self._source.id_column, "equals", listed)
            for part in self._whole(where):
                yield part.records

    def _among_all(self, ids: Sequence[str]) -> Iterator[list[Any]]:
        wanted = frozenset(ids)
        for part in self._whole():
            yield [record for record in part.records if record.Id in wanted]

    def existing(self, ids: Sequence[str]) -> set[str]:
        return self._object.existing(ids)

    def first(self, most: int) -> list[Any]:
        for part in self._parts(self._report.reading(self._rows.columns)):
            return part.records[:most]
        return []

    def _whole(self, *where: Condition) -> Iterator[Part]:
        """Every row that meets the conditions; all of them again where the org's counts don't prove that they came."""
        for _ in range(TRIES):
            reading = self._report.reading(self._rows.columns, *where)
            yield from self._parts(reading)
            if is_proven(reading.completeness):
                return
            self.was_short = True
        raise NotProven(self._report.name, reading.completeness)

    def _parts(self, reading: ReportReading) -> Iterator[Part]:
        for page, left_out in self._report.pages(reading):
            records = [
                self._rows.record(row.id, row.values, page.answered_at)
                for row in page.rows
                if row.id not in left_out
            ]
            yield Part(records, _BEGUN, page.row_count)
