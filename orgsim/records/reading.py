"""Records as JSON: one with its headers, or many in the order asked for."""

import zlib
from collections.abc import Iterable
from datetime import datetime
from email.utils import format_datetime

import msgspec

from orgsim.clock import parse_stamp
from orgsim.errors import no_such_column
from orgsim.org import Org, Viewer
from orgsim.records.targets import Json, Target, check_alive
from orgsim.schema import Field, SObject
from orgsim.store import on


def shown_value(field: Field, value: object) -> object:
    if value is None:
        return None
    if field.type == "boolean":
        return bool(value)
    return msgspec.Raw(str(value).encode()) if field.type == "address" else value


def known(sobject: SObject, name: str) -> Field:
    field = sobject.field(name)
    if field is None:
        raise no_such_column(name, sobject.name)
    return field


def _columns(fields: list[Field]) -> str:
    return ", ".join(field.sql("t") for field in fields)


def _record(sobject: SObject, base: str, record_id: str, values: Iterable[tuple[Field, object]]) -> Json:
    url = f"{base}/sobjects/{sobject.name}/{record_id}"
    answer: Json = {"attributes": {"type": sobject.name, "url": url}}
    for field, value in values:
        answer[field.name] = shown_value(field, value)
    return answer


def read(org: Org, record: Target, base: str, names: list[str] | None = None) -> Json:
    """The record with the fields asked for, or with all the user can see."""
    sobject = record.sobject
    fields = [known(sobject, name) for name in names] if names is not None else list(sobject.fields)
    connection = org.store.reader()
    check_alive(connection, record)
    sql = on(sobject.name, "SELECT {columns} FROM {table} t WHERE t.Id = ?", columns=_columns(fields))
    row = connection.execute(sql, (record.id,)).fetchone()
    answer = _record(sobject, base, record.id, zip(fields, row, strict=True))
    return answer | ({} if "Id" in answer else {"Id": record.id})


def retrieve(
    org: Org, viewer: Viewer, records: list[Target], names: list[str], *, base: str
) -> list[Json | None]:
    """Living records of one object in the order asked for, null for what is gone or not visible; raises INVALID_FIELD."""
    if not records:
        return []
    sobject = records[0].sobject
    fields = [known(sobject, "Id"), *(known(sobject, name) for name in names if name.lower() != "id")]
    conditions = ["t.Id IN (SELECT value FROM json_each(?))"]
    if sobject.soft_deletes:
        conditions.append("t.IsDeleted = 0")
    if sobject.name in viewer.sharing:
        conditions.append(viewer.sharing[sobject.name].replace("{t}", "t"))
    sql = on(
        sobject.name,
        "SELECT {columns} FROM {table} t WHERE {conditions}",
        columns=_columns(fields),
        conditions=" AND ".join(conditions),
    )
    ids = msgspec.json.encode([record.id for record in records]).decode()
    rows = {row[0]: row for row in org.store.reader().execute(sql, (ids,))}
    return [
        _record(sobject, base, record.id, zip(fields, rows[record.id], strict=True))
        if record.id in rows
        else None
        for record in records
    ]


def modified(org: Org, record: Target) -> datetime | None:
    """LastModifiedDate, which conditional requests compare with; None when the object or the user has none."""
    if record.sobject.field("LastModifiedDate") is None:
        return None
    sql = on(record.sobject.name, "SELECT LastModifiedDate FROM {table} WHERE Id = ?")
    row = org.store.reader().execute(sql, (record.id,)).fetchone()
    return parse_stamp(row[0]) if row and row[0] else None


def validators(record: Target, moment: datetime | None) -> dict[str, str]:
    """Last-Modified, and for an Account the ETag beside it, as documented."""
    if moment is None:
        return {}
    headers = {"Last-Modified": format_datetime(moment, usegmt=True)}
    if record.sobject.name == "Account":
        headers["ETag"] = f'"{zlib.crc32(f"{record.id}{moment.isoformat()}".encode()):08x}"'
    return headers
