"""Runs compiled queries: the ids are fixed when a query is opened, and each page fetches its own rows by key.

A page deep in the result costs as much as the first; a row deleted meanwhile is missing from its page, an edited one
shows what it is now. The children of a record are looked up when its page is read.
"""

import re
import sqlite3
import string
import threading
from array import array
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import SystemRandom

from orgsim.errors import ApiError
from orgsim.pagesql import MOST_CHILDREN, page_sql
from orgsim.soql import Plan
from orgsim.soql.plan import Aggregate

PAGE = 2_000
SMALLEST_PAGE = 200
# The shortest page where pages shrink, and the longest text that is not a long one.
SMALLEST_SHRUNK = 100
SHORT_TEXT = 255
MOST_GROUPS = 2_000
CURSOR_LIFETIME = timedelta(days=2)
# Together the open cursors keep at most this many ids (48 MB); the one used longest ago goes first.
KEPT_IDS = 6_000_000
KEPT_CURSORS = 1_000

_LOCATOR = re.compile(r"(0r8xx[0-9A-Za-z]{13})(?:(\d)(\d+))?-(\d+)")
_BATCH_SIZE = re.compile(r"\s*batchSize\s*=\s*([0-9]{1,9})\s*", re.IGNORECASE)
_RANDOM = SystemRandom()
_SIGNS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Cursor:
    locator: str
    user_id: str
    plan: Plan
    pks: "array[int]"
    expires_at: datetime
    all_rows: bool
    batch: int
    used: set[str] = field(default_factory=set)
    """The locators that were followed, where each is good for once."""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of query or queryMore; `next_locator` is None on the last page."""

    total_size: int
    records: str
    next_locator: str | None

    def body(self, version: str) -> bytes:
        done = "true" if self.next_locator is None else "false"
        next_url = ""
        if self.next_locator is not None:
            next_url = f'"nextRecordsUrl":"/services/data/{version}/query/{self.next_locator}",'
        return (
            f'{{"totalSize":{self.total_size},"done":{done},{next_url}"records":[{self.records}]}}'.encode()
        )


def batch_size(options: str | None) -> int:
    """The page size a `Sforce-Query-Options: batchSize=N` header asks for, within what the API allows."""
    match = _BATCH_SIZE.fullmatch(options or "")
    return min(PAGE, max(SMALLEST_PAGE, int(match[1]))) if match else PAGE


class Cursors:
    def __init__(self) -> None:
        self._open: OrderedDict[str, Cursor] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, cursor: Cursor) -> None:
        with self._lock:
            self._open[cursor.locator] = cursor
            while len(self._open) > KEPT_CURSORS or self._kept() > KEPT_IDS:
                if len(self._open) == 1:
                    break
                self._open.popitem(last=False)

    def _kept(self) -> int:
        return sum(len(cursor.pks) for cursor in self._open.values())

    def find(self, locator: str, user_id: str, now: datetime) -> Cursor:
        with self._lock:
            cursor = self._open.get(locator)
            if cursor is None or cursor.user_id != user_id or cursor.expires_at <= now:
                raise invalid_locator()
            self._open.move_to_end(locator)
            return cursor

    def use_up(self, cursor: Cursor, locator: str) -> None:
        """Let a locator be followed for the only time; raises INVALID_QUERY_LOCATOR at the second."""
        with self._lock:
            if locator in cursor.used:
                raise invalid_locator()
            cursor.used.add(locator)

    def clear(self) -> None:
        with self._lock:
            self._open.clear()


def invalid_locator() -> ApiError:
    return ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")


def new_locator() -> str:
    return "0r8xx" + "".join(_RANDOM.choices(_SIGNS, k=13))


@dataclass(frozen=True, slots=True)
class Locator:
    """`0r8xx5R2sM3DgWhASK-2000`: a cursor and an offset; `child` is a sub-query's number and its parent's pk."""

    cursor: str
    offset: int
    child: tuple[int, int] | None = None


def read_locator(text: str) -> Locator:
    match = _LOCATOR.fullmatch(text)
    if match is None:
        raise invalid_locator()
    child = (int(match[2]), int(match[3])) if match[2] else None
    return Locator(match[1], int(match[4]), child)


def read_pks(connection: sqlite3.Connection, plan: Plan) -> "array[int]":
    """Every pk of the result in order, read in one step of SQLite so that other requests go on meanwhile."""
    sql = " ".join(["SELECT group_concat(pk) FROM (", plan.ids_sql, ")"])
    (text,) = connection.execute(sql, plan.ids_params).fetchone()
    return array("q", map(int, text.split(",")) if text else ())


def page_length(batch: int, offset: int, *, shrinking: bool) -> int:
    """How many records the page at `offset` holds: each half as long as the one before where pages shrink."""
    if not shrinking:
        return batch
    start, length = 0, batch
    while start < offset:
        start += length
        length = max(min(batch, SMALLEST_SHRUNK), length // 2)
    return length


def batch_of(plan: Plan, asked: int) -> int:
    """The page size of a plan: two long texts in a record, or children in it, make pages short."""
    projection = plan.projection
    if projection is None:
        return asked
    long = [c for c in projection.columns if c.field.type == "textarea" and c.field.length > SHORT_TEXT]
    return min(asked, SMALLEST_PAGE) if len(long) > 1 or projection.children else asked


def child_cursor(cursor: Cursor, connection: sqlite3.Connection, number: int, parent_pk: int) -> Cursor:
    """The children that one parent has now, as a cursor; raises INVALID_QUERY_LOCATOR."""
    projection = cursor.plan.projection
    if projection is None or number >= len(projection.children):
        raise invalid_locator()
    children = projection.children[number]
    ids_sql = children.ids_sql(cursor.plan.sobject)
    plan = Plan(children.sobject, ids_sql, (*children.params, parent_pk), projection=children.projection)
    locator = f"{cursor.locator}{number}{parent_pk}"
    return replace(cursor, locator=locator, plan=plan, pks=read_pks(connection, plan), batch=MOST_CHILDREN)


def read_page(
    connection: sqlite3.Connection, cursor: Cursor, offset: int, version: str, *, shrinking: bool = False
) -> Page:
    """The records from `offset` on; raises INVALID_QUERY_LOCATOR past the end."""
    total = len(cursor.pks)
    if offset >= total and offset > 0:
        raise invalid_locator()
    end = min(total, offset + page_length(cursor.batch, offset, shrinking=shrinking))
    keys = "[" + ",".join(map(str, cursor.pks[offset:end])) + "]"
    sql, params = page_sql(cursor.plan, version, cursor.locator, all_rows=cursor.all_rows)
    (records,) = connection.execute(sql, (*params, keys)).fetchone()
    return Page(total, records or "", f"{cursor.locator}-{end}" if end < total else None)


def read_count(connection: sqlite3.Connection, plan: Plan) -> Page:
    (total,) = connection.execute(plan.count_sql, plan.ids_params).fetchone()
    return Page(total, "", None)


def read_aggregate(connection: sqlite3.Connection, aggregate: Aggregate) -> list[dict[str, object]]:
    """The rows of an aggregate query as records of type AggregateResult."""
    rows = connection.execute(aggregate.sql, aggregate.params).fetchmany(MOST_GROUPS + 1)
    if len(rows) > MOST_GROUPS:
        message = "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch"
        raise ApiError(400, "EXCEEDED_ID_LIMIT", message)
    records = []
    for row in rows:
        record: dict[str, object] = {"attributes": {"type": "AggregateResult"}}
        for column, value in zip(aggregate.columns, row, strict=True):
            record[column.name] = bool(value) if column.type == "boolean" and value is not None else value
        records.append(record)
    return records
