"""Field-level security as records: one FieldPermissions row for each field that the API user may see and that it covers.

Only fields that describe as `permissionable` have rows; what is hidden has none, as in an org.
"""

import sqlite3
from collections.abc import Collection, Iterator

from orgsim.ids import serial_id
from orgsim.schema import Field, Schema, SObject
from orgsim.store import Filled, Store, fill

_COVERED = ("Contact", "Lead", "Account")
_PERMISSION_SET = serial_id("0PS", 1)
_COLUMNS = ("Id", "ParentId", "SobjectType", "Field", "PermissionsRead", "PermissionsEdit", "SystemModstamp")


def _row(sobject: SObject, field: Field, moment: str) -> tuple[object, ...]:
    serial = 1 + _COVERED.index(sobject.name) * 1_000 + sobject.fields.index(field)
    name = f"{sobject.name}.{field.name}"
    return (serial_id("01k", serial), _PERMISSION_SET, sobject.name, name, 1, int(field.updateable), moment)


def born(schema: Schema, hidden: Collection[tuple[str, str]], moment: str) -> Iterator[Filled]:
    """The rows of a new org."""
    covered = [sobject for sobject in schema.sobjects if sobject.name in _COVERED]
    rows = [
        _row(sobject, field, moment)
        for sobject in covered
        for field in sobject.fields
        if field.permissionable and (sobject.name, field.name) not in hidden
    ]
    yield "FieldPermissions", _COLUMNS, rows


def complete(store: Store) -> None:
    """A data file made before there were field permissions gets them."""
    if store.reader().execute("SELECT 1 FROM FieldPermissions").fetchone():
        return
    with store.writing() as connection:
        hidden = set(connection.execute("SELECT sobject, field FROM hidden_field"))
        (moment,) = connection.execute("SELECT CreatedDate FROM Organization").fetchone()
        fill(connection, born(store.schema, hidden, moment))


def change(
    connection: sqlite3.Connection, sobject: SObject, field: Field, *, hidden: bool, moment: str
) -> None:
    """Take the row of a field away, or give it back."""
    if sobject.name not in _COVERED or not field.permissionable:
        return
    name = f"{sobject.name}.{field.name}"
    connection.execute("DELETE FROM FieldPermissions WHERE Field = ?", (name,))
    if not hidden:
        fill(connection, [("FieldPermissions", _COLUMNS, [_row(sobject, field, moment)])])
