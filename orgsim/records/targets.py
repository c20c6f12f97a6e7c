"""Which record a request means: by id or by an external id, alive, and visible to the user."""

import sqlite3
from dataclasses import dataclass

from orgsim.errors import ApiError, not_found
from orgsim.ids import normalise
from orgsim.org import Org, Viewer
from orgsim.schema import Field, SObject
from orgsim.store import on

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Target:
    """A record a request names: the object as the user sees it, and the 18-character id."""

    sobject: SObject
    id: str


def no_external_id(text: str) -> ApiError:
    """As recorded, for a field that is no external id as well as for a text that is no id."""
    message = f"Provided external ID field does not exist or is not accessible: {text}"
    return ApiError(404, "NOT_FOUND", message)


def target(sobject: SObject, text: str) -> Target:
    """Raises NOT_FOUND for what is no id, MALFORMED_ID for another object's."""
    record_id = normalise(text)
    if record_id is None:
        raise no_external_id(text)
    if not record_id.startswith(sobject.key_prefix):
        message = f"{sobject.label} ID: id value of incorrect type: {text}"
        raise ApiError(400, "MALFORMED_ID", message, fields=["Id"])
    return Target(sobject, record_id)


def deleted_error(fields: list[str] | None = None) -> ApiError:
    """Only the refusal of a write has the member `fields`."""
    return ApiError(404, "ENTITY_IS_DELETED", "entity is deleted", fields=fields)


def check_alive(connection: sqlite3.Connection, record: Target) -> None:
    deleted = "IsDeleted" if record.sobject.soft_deletes else "0"
    sql = on(record.sobject.name, "SELECT {deleted} FROM {table} WHERE Id = ?", deleted=deleted)
    row = connection.execute(sql, (record.id,)).fetchone()
    if row is None:
        raise not_found()
    if row[0]:
        raise deleted_error()


def _holds(connection: sqlite3.Connection, record: Target, condition: str) -> bool:
    """Whether an SQL condition on `{t}` is true of a record, or the record is not there at all."""
    sql = on(
        record.sobject.name,
        "SELECT 1 FROM {table} t WHERE Id = ? AND NOT {condition}",
        condition=condition.replace("{t}", "t"),
    )
    return connection.execute(sql, (record.id,)).fetchone() is None


def check_visible(org: Org, record: Target, viewer: Viewer) -> None:
    """Raises 404 for a record that is not shared with the user."""
    shared = viewer.sharing.get(record.sobject.name)
    if shared is not None and not _holds(org.store.reader(), record, shared):
        raise not_found()


def read_only() -> ApiError:
    message = "insufficient access rights on object id"
    return ApiError(403, "INSUFFICIENT_ACCESS_OR_READONLY", message, fields=[])


def check_editable(connection: sqlite3.Connection, record: Target, viewer: Viewer) -> None:
    """Raises INSUFFICIENT_ACCESS_OR_READONLY for what the user sees but may not change."""
    editable = viewer.editing.get(record.sobject.name)
    if editable is not None and not _holds(connection, record, editable):
        raise read_only()


def external_field(sobject: SObject, name: str) -> Field:
    """The field that upserts may look records up by; raises NOT_FOUND for any other."""
    field = sobject.field(name)
    if field is None or not (field.external_id or field.id_lookup):
        raise no_external_id(name)
    return field


def matching(org: Org, sobject: SObject, field: Field, value: str) -> list[Target]:
    """The living records whose external id is `value`, whatever its case; at most ten."""
    if field.name == "Id":
        return [target(sobject, value)]
    alive = " AND IsDeleted = 0" if sobject.soft_deletes else ""
    sql = on(
        sobject.name,
        'SELECT Id FROM {table} WHERE "{field}" = ? COLLATE NOCASE{alive} ORDER BY pk LIMIT 10',
        field=field.name,
        alive=alive,
    )
    rows = org.store.reader().execute(sql, (value,)).fetchall()
    return [Target(sobject, record_id) for (record_id,) in rows]
