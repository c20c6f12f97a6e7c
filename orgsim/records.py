"""Single records: read, create, edit, delete. Every write moves the stamps, also one that changes no value."""

import sqlite3
from dataclasses import dataclass

import msgspec

from orgsim.errors import ApiError, no_such_column, not_found
from orgsim.ids import normalise, serial_id
from orgsim.org import Org, Viewer
from orgsim.schema import Field, SObject
from orgsim.store import on
from orgsim.values import Stored, stored_value

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Target:
    """A record a request names: the object as the user sees it, and the 18-character id."""

    sobject: SObject
    id: str


def target(sobject: SObject, text: str) -> Target:
    """Raises NOT_FOUND for what is no id, MALFORMED_ID for another object's."""
    record_id = normalise(text)
    if record_id is None:
        message = f"Provided external ID field does not exist or is not accessible: {text}"
        raise ApiError(404, "NOT_FOUND", message)
    if not record_id.startswith(sobject.key_prefix):
        message = f"{sobject.label} ID: id value of incorrect type: {text}"
        raise ApiError(400, "MALFORMED_ID", message, fields=["Id"])
    return Target(sobject, record_id)


def _check_alive(connection: sqlite3.Connection, record: Target) -> None:
    deleted = "IsDeleted" if record.sobject.soft_deletes else "0"
    sql = on(record.sobject.name, "SELECT {deleted} FROM {table} WHERE Id = ?", deleted=deleted)
    row = connection.execute(sql, (record.id,)).fetchone()
    if row is None:
        raise not_found()
    if row[0]:
        raise ApiError(404, "ENTITY_IS_DELETED", "entity is deleted")


def check_visible(org: Org, record: Target, viewer: Viewer) -> None:
    """Raises 404 for a record that is not shared with the user."""
    shared = viewer.sharing.get(record.sobject.name)
    if shared is None:
        return
    condition = shared.replace("{t}", "t")
    sql = on(
        record.sobject.name, "SELECT 1 FROM {table} t WHERE Id = ? AND NOT {condition}", condition=condition
    )
    if org.store.reader().execute(sql, (record.id,)).fetchone():
        raise not_found()


def read(org: Org, record: Target, base: str, names: list[str] | None = None) -> Json:
    """The record with the fields asked for, or with all the user can see."""
    sobject = record.sobject
    fields = [_known(sobject, name) for name in names] if names is not None else list(sobject.fields)
    connection = org.store.reader()
    _check_alive(connection, record)
    columns = ", ".join(field.sql("t") for field in fields)
    sql = on(sobject.name, "SELECT {columns} FROM {table} t WHERE t.Id = ?", columns=columns)
    row = connection.execute(sql, (record.id,)).fetchone()
    url = f"{base}/sobjects/{sobject.name}/{record.id}"
    answer: Json = {"attributes": {"type": sobject.name, "url": url}}
    for field, value in zip(fields, row, strict=True):
        answer[field.name] = shown_value(field, value)
    return answer | ({} if "Id" in answer else {"Id": record.id})


def shown_value(field: Field, value: object) -> object:
    if value is None:
        return None
    if field.type == "boolean":
        return bool(value)
    return msgspec.Raw(str(value).encode()) if field.type == "address" else value


def _known(sobject: SObject, name: str) -> Field:
    field = sobject.field(name)
    if field is None:
        raise no_such_column(name, sobject.name)
    return field


def _writable(sobject: SObject, values: Json, *, creating: bool) -> dict[str, Stored]:
    checked: dict[str, Stored] = {}
    for name, value in values.items():
        if name == "attributes":
            continue
        field = _known(sobject, name)
        if not (field.createable if creating else field.updateable):
            message = (
                f"Unable to create/update fields: {field.name}. Please check the security settings of this field and "
                "verify that it is read/write for your profile or permission set."
            )
            raise ApiError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, fields=[field.name])
        checked[field.name] = stored_value(field, value)
    return checked


def _check_references(org: Org, sobject: SObject, values: dict[str, Stored]) -> None:
    for name, value in values.items():
        field = sobject.field(name)
        if field is None or field.type != "reference" or value is None:
            continue
        targets = [org.schema.sobject(target_name) for target_name in field.reference_to]
        found = next((t for t in targets if t and str(value).startswith(t.key_prefix)), None)
        sql = on(found.name, "SELECT 1 FROM {table} WHERE Id = ?") if found else "SELECT 1 WHERE ? IS NULL"
        if org.store.reader().execute(sql, (value,)).fetchone() is None:
            raise ApiError(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields=[name])


def update(org: Org, record: Target, values: Json, viewer: Viewer) -> None:
    if not record.sobject.updateable:
        raise ApiError(403, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")
    checked = _writable(record.sobject, values, creating=False)
    _check_references(org, record.sobject, checked)
    now = org.clock.stamp()
    stamps: dict[str, Stored] = {
        "LastModifiedDate": now,
        "SystemModstamp": now,
        "LastModifiedById": viewer.user_id,
    }
    with org.store.writing() as connection:
        _check_alive(connection, record)
        _check_unconverted(connection, record)
        write_columns(connection, record, checked | stamps)


def _check_unconverted(connection: sqlite3.Connection, record: Target) -> None:
    if record.sobject.name != "Lead":
        return
    (converted,) = connection.execute("SELECT IsConverted FROM Lead WHERE Id = ?", (record.id,)).fetchone()
    if converted:
        raise ApiError(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")


def write_columns(connection: sqlite3.Connection, record: Target, values: dict[str, Stored]) -> None:
    """Set columns as they are, and the full name that follows from them."""
    table = record.sobject.name
    assignments = ", ".join(f'"{name}" = ?' for name in values)
    update_sql = on(table, "UPDATE {table} SET {values} WHERE Id = ?", values=assignments)
    connection.execute(update_sql, (*values.values(), record.id))
    if {"FirstName", "LastName"} & values.keys():
        name_sql = "UPDATE {table} SET Name = trim(coalesce(FirstName, '') || ' ' || LastName) WHERE Id = ?"
        connection.execute(on(table, name_sql), (record.id,))


def create(org: Org, sobject: SObject, values: Json, viewer: Viewer) -> str:
    """The new record's id."""
    if not sobject.createable:
        raise ApiError(
            400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be inserted: {sobject.label}"
        )
    checked = _writable(sobject, values, creating=True)
    _check_references(org, sobject, checked)
    required = [
        f.name for f in sobject.fields if f.createable and not f.nillable and not f.defaulted_on_create
    ]
    missing = [name for name in required if checked.get(name) is None]
    if missing:
        message = f"Required fields are missing: [{', '.join(missing)}]"
        raise ApiError(400, "REQUIRED_FIELD_MISSING", message, fields=missing)
    defaults = {
        field.name: field.default_value
        for field in sobject.fields
        if field.default_value is not None and field.stored and field.name not in checked
    }
    now = org.clock.stamp()
    stamps: dict[str, Stored] = {
        "OwnerId": viewer.user_id,
        "CreatedDate": now,
        "CreatedById": viewer.user_id,
        "LastModifiedDate": now,
        "LastModifiedById": viewer.user_id,
        "SystemModstamp": now,
    }
    with org.store.writing() as connection:
        record = Target(sobject, serial_id(sobject.key_prefix, org.store.next_serial(sobject)))
        row = stamps | defaults | checked | {"Id": record.id}
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" * len(row))
        sql = on(sobject.name, "INSERT INTO {table} ({names}) VALUES ({marks})", names=names, marks=marks)
        connection.execute(sql, tuple(row.values()))
        if sobject.field("LastName"):
            write_columns(connection, record, {"LastName": checked.get("LastName")})
    return record.id


def delete(org: Org, record: Target, viewer: Viewer) -> None:
    if not record.sobject.deletable:
        raise ApiError(403, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")
    now = org.clock.stamp()
    with org.store.writing() as connection:
        _check_alive(connection, record)
        stamps: dict[str, Stored] = {
            "LastModifiedDate": now,
            "SystemModstamp": now,
            "LastModifiedById": viewer.user_id,
        }
        write_columns(connection, record, {"IsDeleted": 1, **stamps})
