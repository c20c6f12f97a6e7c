"""Ids from a report, fields by query: who is in the report is its people, and their records are read from the object.

The ids are read first, once. *Everything* then reads each of them by id, in ascending order; a cursor of this read is
(`BY_ID`, last id): everything up to that id is stored. *Changes* asks the whole object for what changed and keeps the
members, as long as that takes fewer calls than reading all members by id; its cursor is that of the query.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from carillon.imports.plan import ImportPlan, ReportSource
from carillon.imports.reading import Part, Reader
from carillon.imports.sources.choice import READ_BY_ID, READ_BY_QUERY, by_ids_is_cheaper
from carillon.imports.sources.membership import Members, NotProven, Report
from carillon.imports.sources.rows import stamp
from carillon.imports.watermark import Key
from carillon.salesforce.client import Client

# In the place of a cursor's stamp: it is a place among ids.
BY_ID = "by id"
_SWEPT = 50_000


class ByIdsReader:
    """Reads the source of one plan with one client."""

    # Who the report holds is known apart from what is read of them.
    is_own_sweep = False

    def __init__(
        self, client: Client, plan: ImportPlan, source: ReportSource, record: type[msgspec.Struct]
    ) -> None:
        self._client = client
        self._plan = plan
        self._record = record
        self._object = Reader(client, plan, record)
        self._report = Report(client, plan, source)
        self._known: Members | None = None
        # Paths to related records are read by queries only, whose address holds a few hundred ids.
        self._by_query = any("." in name for name in plan.selected)
        self._per_call = READ_BY_QUERY if self._by_query else READ_BY_ID

    @property
    def was_short(self) -> bool:
        return self._object.was_short

    def records(self, watermark: datetime | None, cursor: Key | None) -> Iterator[Part]:
        """The members' records, of *changes* those that changed; ids the report holds twice come once."""
        ids = self._members().ids
        if cursor and cursor.stamp == BY_ID:
            yield from self._of_ids(ids, watermark, cursor.id)
        elif watermark:
            yield from self._changed(ids, watermark, cursor)
        else:
            yield from self._of_ids(ids, None, "")

    def ids(self) -> Iterator[list[str]]:
        """Who is in the report. Raises NotProven."""
        members = self._members()
        if not members.is_proven:
            raise NotProven(self._report.name, members.completeness)
        for start in range(0, len(members.ids), _SWEPT):
            yield list(members.ids[start : start + _SWEPT])

    def members(self, ids: Sequence[str]) -> Iterator[list[Any]]:
        """The records of these ids that there are, a list per call."""
        if self._by_query:
            yield from self._object.members(ids)
            return
        for start in range(0, len(ids), READ_BY_ID):
            yield self._retrieved(ids[start : start + READ_BY_ID])

    def existing(self, ids: Sequence[str]) -> set[str]:
        return self._object.existing(ids)

    def first(self, most: int) -> list[Any]:
        """The first records in the order of an import; one run of the report."""
        for page in self._report.reading(()):
            ids = sorted(
                {row.id for row in page.rows} - self._report.converted([row.id for row in page.rows])
            )
            return [record for part in self.members(ids[:most]) for record in part]
        return []

    def _members(self) -> Members:
        if self._known is None:
            self._known = self._report.members()
        return self._known

    def _changed(self, ids: Sequence[str], watermark: datetime, cursor: Key | None) -> Iterator[Part]:
        members = frozenset(ids)
        for number, part in enumerate(self._object.records(watermark, cursor)):
            expected = part.expected or 0
            if number == 0 and by_ids_is_cheaper(
                expected, len(part.records), len(ids), per_call=self._per_call
            ):
                yield from self._of_ids(ids, watermark, "")
                return
            kept = [record for record in part.records if id_of(record) in members]
            yield Part(kept, part.cursor, min(expected, len(ids)))

    def _of_ids(self, ids: Sequence[str], watermark: datetime | None, after: str) -> Iterator[Part]:
        """Members after an id; with a watermark those that changed."""
        left = [record_id for record_id in ids if record_id > after]
        since = stamp(watermark) if watermark else ""
        for start in range(0, len(left), self._per_call):
            chunk = left[start : start + self._per_call]
            records = [
                record
                for part in self.members(chunk)
                for record in part
                if isinstance(record, msgspec.Raw) or record.SystemModstamp >= since
            ]
            yield Part(records, Key(BY_ID, chunk[-1]), len(left))

    def _retrieved(self, ids: Sequence[str]) -> list[Any]:
        lead = self._plan.object == "Lead"
        names = (*self._plan.selected, *(("IsConverted",) if lead else ()))
        found = self._client.records.read_many(self._plan.object, ids, names)
        return [
            self._as_record({"Id": record.id, **record.values})
            for record in found
            if record is not None and not (lead and record.values["IsConverted"] is True)
        ]

    def _as_record(self, values: dict[str, object]) -> Any:
        """As the pages of a query give them: what doesn't fit comes as it is written."""
        try:
            return msgspec.convert(values, self._record)
        except msgspec.ValidationError:
            return msgspec.Raw(msgspec.json.encode(values))


def id_of(record: Any) -> str:
    """The id of a record, or of one that did not fit; "" when it has none."""
    if not isinstance(record, msgspec.Raw):
        return str(record.Id)
    try:
        return str(json.loads(bytes(record))["Id"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
