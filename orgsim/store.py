"""The org's data: one SQLite file, one table per object, a column per stored field and an integer key `pk`.

Readers have a connection per thread (WAL); writers take turns on one connection. Dates and datetimes are text in
the form the API prints, booleans 0 or 1, and an empty text is null, as in Salesforce.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from orgsim.catalog import standard_schema
from orgsim.schema import Field, SObject
from orgsim.soql import register

FORMAT = "1"
_COLUMN_TYPES = {
    "boolean": "INTEGER NOT NULL DEFAULT 0",
    "int": "INTEGER",
    "double": "REAL",
    "currency": "REAL",
    "percent": "REAL",
}
# What list views filter by, so that opening a query over a large object reads this index and no row.
_COVERED = ("IsDeleted", "OwnerId", "MobilePhone", "Program__c", "Graduation_Year__c", "IsConverted")


class StoreError(Exception):
    """The data file can't be used; the text says why and what to do."""


def _column(field: Field) -> str:
    kind = _COLUMN_TYPES.get(field.type, "TEXT")
    if field.name == "Id":
        kind = "TEXT NOT NULL"
    return f'"{field.name}" {kind}'


def on(table: str, sql: str, **parts: str) -> str:
    """`sql` with `{table}` as the quoted name of a table, and other parts by name; never for a text a client sent."""
    return sql.format(table=f'"{table}"', **parts)


def stored_fields(sobject: SObject) -> tuple[Field, ...]:
    return tuple(field for field in sobject.fields if field.stored)


def _create_table(connection: sqlite3.Connection, sobject: SObject) -> None:
    columns = ", ".join(_column(field) for field in stored_fields(sobject))
    connection.execute(f'CREATE TABLE "{sobject.name}" (pk INTEGER PRIMARY KEY, {columns})')


def _create_tables(connection: sqlite3.Connection) -> None:
    for sobject in standard_schema().sobjects:
        _create_table(connection, sobject)
    connection.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
    connection.execute("CREATE TABLE hidden_field (sobject TEXT, field TEXT, PRIMARY KEY (sobject, field))")
    connection.execute(
        "CREATE TABLE list_view (id TEXT PRIMARY KEY, sobject TEXT NOT NULL, position INTEGER NOT NULL, "
        "shared INTEGER NOT NULL, definition TEXT NOT NULL)"
    )


def _create_indexes(connection: sqlite3.Connection, sobject: SObject) -> None:
    covered = [f'"{name}"' for name in _COVERED if sobject.field(name)] if sobject.soft_deletes else []
    stamps = ", ".join(["SystemModstamp", "Id", *covered])
    connection.execute(f'CREATE UNIQUE INDEX "{sobject.name}_id" ON "{sobject.name}" (Id)')
    connection.execute(f'CREATE INDEX "{sobject.name}_stamp" ON "{sobject.name}" ({stamps})')


class Store:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._lock = threading.RLock()
        try:
            self._writer = self._connect()
            version = self.meta("format", "none")
            self._writer.execute("PRAGMA journal_mode=WAL")
        except sqlite3.DatabaseError as error:
            self.close()
            raise StoreError(
                f"{path} is not a data file of the simulated org: choose another --data."
            ) from error
        if version != FORMAT:
            self.close()
            raise StoreError(
                f"{path} was made by another version of orgsim: delete it or choose another --data."
            )

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None, timeout=30)
        self._opened.append(connection)
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA cache_size=-24000")
        connection.execute("PRAGMA temp_store=MEMORY")
        register(connection)
        return connection

    def reader(self) -> sqlite3.Connection:
        """This thread's own connection, for reading only."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            connection.execute("PRAGMA query_only=1")
            self._local.connection = connection
        return connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction of the only writer: committed at the end, rolled back on any error."""
        with self._lock:
            if self._writer.in_transaction:
                yield self._writer
                return
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")

    def meta(self, key: str, default: str = "") -> str:
        row = self.reader().execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row[0] if row else default

    def set_meta(self, key: str, value: str) -> None:
        with self.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def next_serial(self, sobject: SObject) -> int:
        """A number no record of this object has had; call it while writing."""
        key = f"serial:{sobject.name}"
        row = self._writer.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        serial = int(row[0]) if row else 1
        self.set_meta(key, str(serial + 1))
        return serial

    def missing_objects(self) -> list[SObject]:
        """Objects that this file, made by an earlier orgsim, has no table for."""
        with self._lock:
            rows = self._writer.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return [sobject for sobject in standard_schema().sobjects if (sobject.name,) not in rows]

    def add_object(self, sobject: SObject) -> None:
        with self.writing() as connection:
            _create_table(connection, sobject)
            _create_indexes(connection, sobject)

    def close(self) -> None:
        for connection in self._opened:
            connection.close()


Rows = Iterable[tuple[object, ...]]
Filled = tuple[str, tuple[str, ...], Rows]


def fill(connection: sqlite3.Connection, tables: Iterable[Filled]) -> None:
    for table, columns, rows in tables:
        names = ", ".join(f'"{column}"' for column in columns)
        marks = ", ".join("?" * len(columns))
        insert = on(table, "INSERT INTO {table} ({names}) VALUES ({marks})", names=names, marks=marks)
        connection.executemany(insert, rows)


def create(path: Path, tables: Iterable[Filled], meta: dict[str, str]) -> None:
    """Write a new data file from (table, columns, rows); it appears under its name only when it is whole."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    connection = sqlite3.connect(part, isolation_level=None)
    try:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-64000", "locking_mode=EXCLUSIVE"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        _create_tables(connection)
        fill(connection, tables)
        connection.executemany("INSERT INTO meta VALUES (?, ?)", [("format", FORMAT), *meta.items()])
        for sobject in standard_schema().sobjects:
            _create_indexes(connection, sobject)
        connection.execute("COMMIT")
        connection.execute("PRAGMA optimize")
    finally:
        connection.close()
    part.rename(path)
