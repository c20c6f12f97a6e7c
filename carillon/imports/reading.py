"""Reads a query to its own totalSize, or says that it could not.

A read that costs fewer API calls as a bulk job is one; what is said below is about all others. First as Salesforce hands
it out, page after page of one query. When that comes out short (a page lost on the way,
records deleted meanwhile: the two look alike) it is read again in parts, each a query of its own after the key
of the last part, which can be short for one reason only: the answers can't be trusted. Then it is a ShortRead.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote_plus

import msgspec

from carillon.imports.bulk_reads import BulkReads, BulkUnusable, Result
from carillon.imports.csv_values import page_form
from carillon.imports.mapping import BadEnvelope
from carillon.imports.parts import Part as Part
from carillon.imports.plan import ImportPlan
from carillon.imports.watermark import JobPlace, Key, advance, since
from carillon.lib.errors import CarillonError
from carillon.salesforce.client import LONGEST_PATH, Client
from carillon.salesforce.errors import LocatorExpired
from carillon.salesforce.pages import QueryPage
from carillon.salesforce.soql import id_condition, id_list_chunks, string_literal

log = logging.getLogger("carillon.imports")

PART = 2000
# For a list of ids in the address of a query that is short otherwise.
ID_LIST_BYTES = LONGEST_PATH - 200
_TRIES = 3


class ShortRead(CarillonError):
    """Salesforce's answers don't hold what they say they hold."""

    def __init__(self, expected: int, received: int) -> None:
        super().__init__(
            f"Salesforce announced {expected:,} records but sent {received:,}, also when asked again in parts,"
            " so the import can't be complete.",
            "Nothing was taken off the list. Look for a proxy that changes answers, then import again.",
        )


class _WithId(msgspec.Struct, gc=False):
    Id: str


class _WithStamp(msgspec.Struct, gc=False):
    Id: str
    SystemModstamp: str


class _Order(Protocol):
    """How a read is ordered, and how it goes on after a key."""

    by: str

    def key(self, record: Any) -> Any: ...
    def after(self, key: Any) -> str: ...
    def settled(self, cursor: Any, keys: Iterable[Any], asked_at: datetime) -> Any: ...


class _ByStamp:
    by = "SystemModstamp, Id"

    def key(self, record: Any) -> Key:
        return Key(record.SystemModstamp, record.Id)

    def after(self, key: Key) -> str:
        return key.after

    def settled(self, cursor: Key | None, keys: Iterable[Key], asked_at: datetime) -> Key | None:
        return advance(cursor, keys, asked_at)


class _ById:
    """Ids never change, so the last one read is the place to go on from."""

    by = "Id"

    def key(self, record: Any) -> str:
        return str(record.Id)

    def after(self, key: str) -> str:
        return f"Id > {string_literal(key)}"

    def settled(self, cursor: str | None, keys: Iterable[str], asked_at: datetime) -> str | None:
        return max([*keys, *([cursor] if cursor else [])], default=None)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One read: these fields of the records that meet the conditions, into this type, in this order."""

    plan: ImportPlan
    fields: tuple[str, ...]
    record: type[msgspec.Struct]
    order: _Order
    conditions: tuple[str, ...] = ()

    def soql(self, start: Any = None, limit: int | None = None, *, ordered: bool = True) -> str:
        """After the key `start`."""
        after = (self.order.after(start),) if start else ()
        return self.plan.soql(
            self.fields,
            conditions=(*self.conditions, *after),
            order_by=self.order.by if ordered else "",
            limit=limit,
        )


class Reader:
    """Reads the list view of one plan, or all records of its object, with one client; without `jobs` by pages alone."""

    is_own_sweep = True

    def __init__(
        self, client: Client, plan: ImportPlan, record: type[msgspec.Struct], jobs: BulkReads | None = None
    ) -> None:
        self._client = client
        self._plan = plan
        self._record = record
        self._jobs = jobs
        self._page_form = page_form(plan)
        self._was_short = False

    @property
    def was_short(self) -> bool:
        """True once any read of this reader came out short the first time."""
        return self._was_short or (self._jobs is not None and self._jobs.began_again)

    def records(self, watermark: datetime | None, cursor: Key | None) -> Iterator[Part]:
        """All records of the source changed since the watermark, after `cursor`. Pages are ordered by stamp and id, a job's
        result is not."""
        conditions = (since(watermark),) if watermark else ()
        asked = _Asked(self._plan, self._plan.selected, self._record, _ByStamp(), conditions)
        yield from self._read(asked, cursor, self._jobs.place if self._jobs else None)

    def ids(self) -> Iterator[list[str]]:
        """The ids of the whole source as it is now: the sweep."""
        asked = _Asked(self._plan, ("Id",), _WithId, _ById())
        for records in self._sound(asked):
            yield [record.Id for record in records]

    def stamps(self) -> Iterator[list[tuple[str, str]]]:
        """The ids of the whole source, each with its SystemModstamp: the daily sweep."""
        asked = _Asked(self._plan, ("Id", "SystemModstamp"), _WithStamp, _ById())
        for records in self._sound(asked):
            yield [(record.Id, record.SystemModstamp) for record in records]

    def members(self, ids: Sequence[str]) -> Iterator[list[Any]]:
        """The records among these ids that are in the source now, a list per query."""
        room = LONGEST_PATH - len(quote_plus(self._plan.soql(conditions=("x",)))) - 100
        for chunk in id_list_chunks(ids, max(room, 1000)):
            yield self._exactly(self._plan.soql(conditions=(id_condition(chunk),)), self._record)

    def existing(self, ids: Sequence[str]) -> set[str]:
        """Which of these ids the API user can see at all, in or out of the source, not deleted."""
        found: set[str] = set()
        for chunk in id_list_chunks(ids, ID_LIST_BYTES):
            soql = " ".join(("SELECT Id FROM", self._plan.object, "WHERE", id_condition(chunk)))
            found.update(record.Id for record in self._exactly(soql, _WithId))
        return found

    def _sound(self, asked: _Asked) -> Iterator[list[Any]]:
        """The records of a sweep, each of which must be as it was asked for."""
        for part in self._read(asked, None):
            if not all(isinstance(record, asked.record) for record in part.records):
                raise BadEnvelope("A record came without a usable Id or SystemModstamp.")
            yield part.records

    def first(self, most: int) -> list[Any]:
        """The first records in the order of an import."""
        found: list[Any] = []
        for page in self._pages(self._plan.soql(limit=most), self._record):
            found += page.records
        return found[:most]

    def _read(self, asked: _Asked, start: Any, place: JobPlace | None = None) -> Iterator[Part]:
        """By a job where the last count of the whole source says so, else where the first page does."""
        jobs, given = self._jobs, 0
        if jobs is None:
            yield from self._by_pages(asked, start)
            return
        is_whole = not (start or asked.conditions)
        if not (place or jobs.suit(jobs.likely if is_whole else 0)):
            pages = self._by_pages(asked, start)
            first = next(pages)
            left = (first.expected or 0) - len(first.records)
            if not jobs.suit(left, page=len(first.records)):
                yield first
                yield from pages
                return
        try:
            for part in jobs.parts(self._as_job(asked, start), place):
                given += len(part.records)
                yield part
        except BulkUnusable as error:
            log.warning("reading by pages instead of by a bulk job: %s", error)
            for part in self._by_pages(asked, start):
                yield replace(part, expected=given + (part.expected or 0))

    def _as_job(self, asked: _Asked, start: Any) -> Result:
        # Without an order, with which Salesforce can't divide the work of a job.
        return Result(
            asked.soql(start, ordered=False), len(asked.fields), asked.record, self._page_form_of(asked)
        )

    def _page_form_of(self, asked: _Asked) -> Callable[[list[Any]], None]:
        return self._page_form if asked.record is self._record else lambda records: None

    def _by_pages(self, asked: _Asked, start: Any) -> Iterator[Part]:
        cursor, read, total, asked_at = start, 0, 0, self._asked_at()
        try:
            for page in self._pages(asked.soql(start), asked.record):
                read, total = read + len(page.records), page.total_size
                cursor = asked.order.settled(cursor, _keys(asked.order, page), asked_at)
                yield Part(page.records, cursor, total)
        except LocatorExpired:
            self._was_short = True
            yield from self._read_in_parts(asked, cursor)
            return
        if read != total:
            self._was_short = True
            yield from self._read_in_parts(asked, start)

    def _read_in_parts(self, asked: _Asked, start: Any) -> Iterator[Part]:
        order = asked.order
        cursor, place, read = start, start, 0
        while True:
            asked_at = self._asked_at()
            records = self._exactly(asked.soql(place, PART), asked.record)
            keys = [order.key(found) for found in records if isinstance(found, asked.record)]
            read += len(records)
            cursor = order.settled(cursor, keys, asked_at)
            yield Part(records, cursor, read)
            if len(records) < PART:
                return
            # Goes on after what is settled; where nothing is, or the org sorts capitals in ids in another way
            # than we do, after the last record as it came.
            following = cursor if cursor != place else keys[-1] if keys else place
            if following == place:
                # The condition was ignored: the same records would come for ever.
                raise ShortRead(read + 1, read)
            place = following

    def _exactly(self, soql: str, record: type[msgspec.Struct]) -> list[Any]:
        """The records of one small query, as many as it says; raises ShortRead after a few tries."""
        total = 0
        records: list[Any] = []
        for _ in range(_TRIES):
            total, records = 0, list[Any]()
            for page in self._pages(soql, record):
                total = page.total_size
                records += page.records
            if len(records) == total:
                return records
            self._was_short = True
        raise ShortRead(total, len(records))

    def _pages(self, soql: str, record: type[msgspec.Struct]) -> Iterator[QueryPage[Any]]:
        return self._client.query(soql, record)

    def _asked_at(self) -> datetime:
        """The org's clock before a query is sent: the plan's own requests have been answered by then."""
        clock = self._client.transport.org_time
        if clock is None:
            raise CarillonError(
                "Salesforce's answers carry no Date header, so nothing can be said about what changed since.",
                "A proxy between here and Salesforce may strip it.",
            )
        return clock


def _keys(order: _Order, page: QueryPage[Any]) -> list[Any]:
    return [order.key(record) for record in page.records if not isinstance(record, msgspec.Raw)]
