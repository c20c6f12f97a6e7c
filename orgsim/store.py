"""The org's data: one SQLite file, one table per object, a column per stored field and an integer key `pk`.

Readers have a connection per thread (WAL); writers take turns on one connection. Dates and datetimes are text in
the form the API prints, booleans 0 or 1, and an empty text is null, as in Salesforce.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from orgsim import plain
from orgsim.catalog import standard_schema
from orgsim.schema import Field, Schema, SObject
from orgsim.soql import register

FORMAT = "1"
# Key of meta: set in the file of an org with Person Accounts.
PERSON_ACCOUNTS = "person_accounts"
_COLUMN_TYPES = {
    "boolean": "INTEGER NOT NULL DEFAULT 0",
    "int": "INTEGER",
    "double": "REAL",
    "currency": "REAL",
    "percent": "REAL",
}
# What list views filter by, so that opening a query over a large object reads this index and no row.
_COVERED = ("IsDeleted", "OwnerId", "MobilePhone", "Program__c", "Graduation_Year__c", "IsConverted")


# How a transaction begins, ends well and ends badly: on its own, and inside another.
_OUTER = ("BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",))
_INNER = ("SAVEPOINT part", "RELEASE part", ("ROLLBACK TO part", "RELEASE part"))


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


def _create_tables(connection: sqlite3.Connection, schema: Schema) -> None:
    for sobject in schema.sobjects:
        _create_table(connection, sobject)
    connection.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
    _create_logs(connection)
    connection.execute("CREATE TABLE hidden_field (sobject TEXT, field TEXT, PRIMARY KEY (sobject, field))")
    connection.execute(
        "CREATE TABLE list_view (id TEXT PRIMARY KEY, sobject TEXT NOT NULL, position INTEGER NOT NULL, "
        "shared INTEGER NOT NULL, definition TEXT NOT NULL)"
    )


def _create_logs(connection: sqlite3.Connection) -> None:
    """Tables beside the objects: each change of a field, what was deleted when, what happens at a save."""
    connection.execute(
        "CREATE TABLE IF NOT EXISTS history (pk INTEGER PRIMARY KEY, record_id TEXT NOT NULL, at TEXT NOT NULL, "
        "user_id TEXT NOT NULL, field TEXT NOT NULL, old, new)"
    )
    connection.execute("CREATE INDEX IF NOT EXISTS history_record ON history (record_id)")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS deletion (record_id TEXT PRIMARY KEY, sobject TEXT NOT NULL, at TEXT NOT NULL)"
    )
    connection.execute(
        "CREATE TABLE IF NOT EXISTS automation (pk INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, "
        "definition TEXT NOT NULL)"
    )
    connection.execute("CREATE INDEX IF NOT EXISTS deletion_time ON deletion (sobject, at)")


def _create_indexes(connection: sqlite3.Connection, sobject: SObject) -> None:
    covered = [f'"{name}"' for name in _COVERED if sobject.field(name)] if sobject.soft_deletes else []
    stamps = ", ".join(["SystemModstamp", "Id", *covered])
    connection.execute(f'CREATE UNIQUE INDEX "{sobject.name}_id" ON "{sobject.name}" (Id)')
    connection.execute(f'CREATE INDEX "{sobject.name}_stamp" ON "{sobject.name}" ({stamps})')
    _create_lookups(connection, sobject)


def _create_lookups(connection: sqlite3.Connection, sobject: SObject) -> None:
    """Indexes that hold only the rows with a value: what upserts look for, and the tasks of a person."""
    for field in stored_fields(sobject):
        if field.external_id or (sobject.name, field.name) == ("Task", "WhoId"):
            connection.execute(
                f'CREATE INDEX IF NOT EXISTS "{sobject.name}_{field.name}" ON "{sobject.name}" '
                f'("{field.name}" COLLATE NOCASE) WHERE "{field.name}" IS NOT NULL'
            )


class Store:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._lock = threading.RLock()
        self._indexed: set[str] = set()
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
        self._complete()

    def _complete(self) -> None:
        """A file made by an earlier orgsim gets the logs and columns it lacks."""
        with self.writing() as connection:
            _create_logs(connection)
            for sobject in self.schema.sobjects:
                rows = connection.execute(f'PRAGMA table_info("{sobject.name}")').fetchall()
                known = {row[1] for row in rows}
                missing = [field for field in stored_fields(sobject) if known and field.name not in known]
                for field in missing:
                    connection.execute(f'ALTER TABLE "{sobject.name}" ADD COLUMN {_column(field)}')
                if missing:
                    _create_lookups(connection, sobject)

    @cached_property
    def schema(self) -> Schema:
        """The objects and fields of this org, before permissions and field-level security."""
        return standard_schema(person_accounts=bool(self.meta(PERSON_ACCOUNTS)))

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None, timeout=30)
        self._opened.append(connection)
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA cache_size=-24000")
        connection.execute("PRAGMA temp_store=MEMORY")
        register(connection)
        plain.register(connection)
        return connection

    def reader(self) -> sqlite3.Connection:
        """This thread's own connection, for reading only; in a transaction the writer, which sees what it wrote."""
        if getattr(self._local, "writing", False):
            return self._writer
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            connection.execute("PRAGMA query_only=1")
            self._local.connection = connection
        return connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction of the only writer: committed at the end, rolled back on any error.

        Inside another of the same thread it is a part of that one, which is undone alone when it fails.
        """
        with self._lock:
            inner = self._writer.in_transaction
            begin, commit, undo = _INNER if inner else _OUTER
            self._writer.execute(begin)
            self._local.writing = True
            try:
                yield self._writer
            except BaseException:
                for statement in undo:
                    self._writer.execute(statement)
                raise
            else:
                self._writer.execute(commit)
            finally:
                self._local.writing = inner

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
        self._writer.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, str(serial + 1)))
        return serial

    def missing_objects(self) -> list[SObject]:
        """Objects that this file, made by an earlier orgsim, has no table for."""
        with self._lock:
            rows = self._writer.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return [sobject for sobject in self.schema.sobjects if (sobject.name,) not in rows]

    def add_object(self, sobject: SObject) -> None:
        with self.writing() as connection:
            _create_table(connection, sobject)
            _create_indexes(connection, sobject)

    def index_lookup(self, sobject: SObject, field: Field) -> None:
        """See to it that the records that point at another are found fast; made when first asked for."""
        name = f"{sobject.name}_by_{field.name}"
        if name in self._indexed or not field.stored:
            return
        with self.writing() as connection:
            connection.execute(f'CREATE INDEX IF NOT EXISTS "{name}" ON "{sobject.name}" ("{field.name}")')
        self._indexed.add(name)

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


def create(
    path: Path,
    tables: Iterable[Filled],
    meta: dict[str, str],
    finish: Callable[[sqlite3.Connection], None] = lambda connection: None,
) -> None:
    """Write a new data file from (table, columns, rows), then let `finish` change what is in it; it appears under its
    name only when it is whole."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    connection = sqlite3.connect(part, isolation_level=None)
    try:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-64000", "locking_mode=EXCLUSIVE"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        schema = standard_schema(person_accounts=bool(meta.get(PERSON_ACCOUNTS)))
        _create_tables(connection, schema)
        fill(connection, tables)
        connection.executemany("INSERT INTO meta VALUES (?, ?)", [("format", FORMAT), *meta.items()])
        finish(connection)
        for sobject in schema.sobjects:
            _create_indexes(connection, sobject)
        connection.execute("COMMIT")
        connection.execute("PRAGMA optimize")
    finally:
        connection.close()
    part.rename(path)
