"""Records as an org says they are stored: what a read answers, alone, in a list, or right after a change."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import urlencode

import msgspec

from carillon.salesforce.answers import error_of
from carillon.salesforce.errors import MalformedAnswer, SalesforceError
from carillon.salesforce.orgs import decode, id_18
from carillon.salesforce.records.refusals import error_items, step_error_of

_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it is stored; `values` by the names asked for."""

    sobject: str
    id: str
    values: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReadBack:
    """A change that Salesforce accepted, and the record right after it; None when the change itself hid it."""

    id: str
    record: Record | None


class _Step(msgspec.Struct):
    referenceId: str
    httpStatusCode: int
    body: msgspec.Raw = msgspec.Raw(b"null")


class _Composite(msgspec.Struct):
    compositeResponse: list[_Step]


class Absent(SalesforceError):
    """A record that is deleted or not visible, on its way through the transport."""


def absent_or_error(status: int, body: bytes) -> SalesforceError:
    codes = {item.errorCode for item in error_items(body)}
    if status == 404 and codes & {"NOT_FOUND", "ENTITY_IS_DELETED"}:
        return Absent("There is no such record that the API user can see.")
    return error_of(status, body)


def fields_asked(names: Sequence[str]) -> str:
    return urlencode({"fields": ",".join(("Id", *names))})


def stored_of(body: bytes, sobject: str, names: Sequence[str]) -> Record | None:
    steps = {step.referenceId: step for step in decode(body, _Composite).compositeResponse}
    written, stored = steps.get("written"), steps.get("stored")
    if written is None or stored is None:
        return _unfit()
    if not 200 <= written.httpStatusCode < 300:
        raise step_error_of(written.httpStatusCode, bytes(written.body))
    if stored.httpStatusCode == 200:
        return record_of(bytes(stored.body), sobject, names)
    error = absent_or_error(stored.httpStatusCode, bytes(stored.body))
    if isinstance(error, Absent):
        return None
    raise error


def checked_names(sobject: str, fields: Sequence[str]) -> list[str]:
    """The fields without Id, which is always read. Paths to other objects are not offered here."""
    odd = [name for name in (sobject, *fields) if not _NAME.fullmatch(name)]
    if odd:
        raise ValueError(f"records are read by plain field names of one object, not {odd}")
    return list(dict.fromkeys(name for name in fields if name.lower() != "id"))


def record_of(body: bytes, sobject: str, names: Sequence[str]) -> Record:
    return _record_of(decode(body, dict[str, object]), sobject, names)


def records_of(body: bytes, sobject: str, ids: Sequence[str], names: Sequence[str]) -> list[Record | None]:
    rows = decode(body, list[dict[str, object] | None])
    records = [None if row is None else _record_of(row, sobject, names) for row in rows]
    if len(records) != len(ids) or any(
        record is not None and record.id != asked for record, asked in zip(records, ids, strict=True)
    ):
        _unfit()
    return records


def _record_of(row: Mapping[str, object], sobject: str, names: Sequence[str]) -> Record:
    by_name = {name.lower(): value for name, value in row.items()}
    record_id = by_name.get("id")
    if not isinstance(record_id, str) or not all(name.lower() in by_name for name in names):
        _unfit()
    return Record(sobject, id_18(record_id), {name: by_name[name.lower()] for name in names})


def _unfit() -> NoReturn:
    raise MalformedAnswer("Salesforce's answer does not hold the records and fields it was asked for.")
