"""Runs compiled queries: the ids are fixed when a query is opened, and each page fetches its own rows by key.

A page deep in the result costs as much as the first; a row deleted meanwhile is missing from its page, an edited one
shows what it is now. SQLite writes the JSON of a whole page in one step: no Python runs per row or field.
"""

import sqlite3
import string
import threading
from array import array
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import SystemRandom

from orgsim.errors import ApiError
from orgsim.soql import Column, Plan, Projection
from orgsim.soql.plan import Aggregate, Parent

PAGE = 2_000
SMALLEST_PAGE = 200
CURSOR_LIFETIME = timedelta(days=2)
# Together the open cursors keep at most this many ids (48 MB); the one used longest ago goes first.
KEPT_IDS = 6_000_000
KEPT_CURSORS = 1_000

_PLAIN = frozenset({"id", "reference", "date", "datetime", "time"})
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
    name, _, value = (options or "").partition("=")
    if name.strip().lower() != "batchsize" or not value.strip().isdigit():
        return PAGE
    return min(PAGE, max(SMALLEST_PAGE, int(value)))


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

    def clear(self) -> None:
        with self._lock:
            self._open.clear()


def invalid_locator() -> ApiError:
    return ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")


def new_locator() -> str:
    return "0r8xx" + "".join(_RANDOM.choices(_SIGNS, k=13))


def split_locator(text: str) -> tuple[str, int]:
    """`0r8xx5R2sM3DgWhASK-2000` -> the cursor's own part and the offset."""
    locator, _, offset = text.partition("-")
    if not offset.isdigit():
        raise invalid_locator()
    return locator, int(offset)


def read_pks(connection: sqlite3.Connection, plan: Plan) -> "array[int]":
    """Every pk of the result in order, read in one step of SQLite so that other requests go on meanwhile."""
    sql = " ".join(["SELECT group_concat(pk) FROM (", plan.ids_sql, ")"])
    (text,) = connection.execute(sql, plan.ids_params).fetchone()
    return array("q", map(int, text.split(",")) if text else ())


def _value_json(column: Column) -> str:
    kind = column.field.type
    if kind == "boolean":
        return f"CASE {column.sql} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END"
    if kind == "address":
        return f"coalesce({column.sql}, 'null')"
    if kind in _PLAIN:
        return f"coalesce('\"' || {column.sql} || '\"', 'null')"
    return f"json_quote({column.sql})"


def _attributes_json(sobject: str, id_sql: str, version: str) -> str:
    head = f'"attributes":{{"type":"{sobject}","url":"/services/data/{version}/sobjects/{sobject}/'
    return f"'{{{head}' || {id_sql} || '\"}}"


@dataclass(frozen=True, slots=True)
class _Writer:
    """Composes the SQL expression that prints one record as JSON."""

    projection: Projection
    version: str

    def record(self, sobject: str) -> str:
        return f"{_attributes_json(sobject, 't.Id', self.version)}{self._members(())}}}'"

    def _members(self, above: tuple[str, ...]) -> str:
        """The members below one parent, as text that goes on inside an open SQL string."""
        parts, seen = [], set()
        depth = len(above)
        for column in self.projection.columns:
            if column.path[:depth] != above:
                continue
            name = column.path[depth]
            if len(column.path) == depth + 1:
                parts.append(f",\"{name}\":' || {_value_json(column)} || '")
            elif name not in seen:
                seen.add(name)
                parts.append(f",\"{name}\":' || {self._parent((*above, name))} || '")
        return "".join(parts)

    def _parent(self, path: tuple[str, ...]) -> str:
        parent: Parent = next(p for p in self.projection.parents if p.path == path)
        head = _attributes_json(parent.sobject.name, parent.id_sql, self.version)
        return f"CASE WHEN {parent.id_sql} IS NULL THEN 'null' ELSE {head}{self._members(path)}}}' END"


def page_sql(plan: Plan, version: str, *, all_rows: bool) -> str:
    """The SQL that prints a page: its one parameter is the JSON array of pks, its answer the records, comma between."""
    if plan.projection is None:
        raise ValueError("only a query of records has pages")
    record = _Writer(plan.projection, version).record(plan.sobject.name)
    alive = "" if all_rows or not plan.sobject.soft_deletes else " AND t.IsDeleted = 0"
    return " ".join(
        [
            f"SELECT group_concat({record}, ',')",
            f"FROM json_each(?) AS page CROSS JOIN {plan.projection.from_sql}",
            f"WHERE t.pk = page.value{alive}",
        ]
    )


def read_page(connection: sqlite3.Connection, cursor: Cursor, offset: int, version: str) -> Page:
    """The records from `offset` on; raises INVALID_QUERY_LOCATOR past the end."""
    total = len(cursor.pks)
    if offset >= total and offset > 0:
        raise invalid_locator()
    end = min(total, offset + cursor.batch)
    keys = "[" + ",".join(map(str, cursor.pks[offset:end])) + "]"
    sql = page_sql(cursor.plan, version, all_rows=cursor.all_rows)
    (records,) = connection.execute(sql, (keys,)).fetchone()
    return Page(total, records or "", f"{cursor.locator}-{end}" if end < total else None)


def read_count(connection: sqlite3.Connection, plan: Plan) -> Page:
    (total,) = connection.execute(plan.count_sql, plan.ids_params).fetchone()
    return Page(total, "", None)


def read_aggregate(connection: sqlite3.Connection, aggregate: Aggregate) -> list[dict[str, object]]:
    """The rows of an aggregate query as records of type AggregateResult."""
    rows = connection.execute(aggregate.sql, aggregate.params).fetchall()
    records = []
    for row in rows:
        record: dict[str, object] = {"attributes": {"type": "AggregateResult"}}
        for column, value in zip(aggregate.columns, row, strict=True):
            record[column.name] = bool(value) if column.type == "boolean" and value is not None else value
        records.append(record)
    return records
