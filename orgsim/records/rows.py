"""Rows of the store as values by field name, for whoever writes them."""

import sqlite3

from orgsim.records.targets import Target
from orgsim.store import on
from orgsim.values import Stored

Row = dict[str, Stored]


def row_of(connection: sqlite3.Connection, table: str, record_id: str) -> Row | None:
    """Every column of a record, deleted ones included."""
    cursor = connection.execute(on(table, "SELECT * FROM {table} WHERE Id = ?"), (record_id,))
    row = cursor.fetchone()
    return dict(zip((column[0] for column in cursor.description), row, strict=True)) if row else None


def write_columns(connection: sqlite3.Connection, record: Target, values: Row) -> None:
    """Set columns as they are, and the full name that follows from them."""
    if not values:
        return
    table = record.sobject.name
    assignments = ", ".join(f'"{name}" = ?' for name in values)
    update_sql = on(table, "UPDATE {table} SET {values} WHERE Id = ?", values=assignments)
    connection.execute(update_sql, (*values.values(), record.id))
    if {"FirstName", "LastName"} & values.keys():
        name_sql = "UPDATE {table} SET Name = trim(coalesce(FirstName, '') || ' ' || LastName) WHERE Id = ?"
        connection.execute(on(table, name_sql), (record.id,))


def insert(connection: sqlite3.Connection, record: Target, row: Row) -> None:
    names = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join("?" * len(row))
    sql = on(record.sobject.name, "INSERT INTO {table} ({names}) VALUES ({marks})", names=names, marks=marks)
    connection.execute(sql, tuple(row.values()))
    last_name = record.sobject.field("LastName")
    if last_name and last_name.stored:
        write_columns(connection, record, {"LastName": row.get("LastName")})
