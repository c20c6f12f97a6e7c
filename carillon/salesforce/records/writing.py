"""What is written to records and what came of it: the values as JSON, and the results of a collection in its order."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NoReturn, TypeAlias

import msgspec

from carillon.salesforce.errors import InvalidId, MalformedAnswer, SalesforceError
from carillon.salesforce.ids import to_18
from carillon.salesforce.orgs import decode
from carillon.salesforce.records.refusals import ErrorItem, WriteRefusal, refusal_of_all
from carillon.salesforce.soql import datetime_literal

Value: TypeAlias = str | bool | int | float | date | datetime | None
Values: TypeAlias = Mapping[str, Value]

_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
# An opt-out must not fail on a duplicate rule (one that alerts, that is: one that blocks still does), and no lead
# may change hands because of it.
WRITE_HEADERS: Mapping[str, str] = {
    "Sforce-Duplicate-Rule-Header": "allowSave=true; includeRecordDetails=false; runAsCurrentUser=true",
    "Sforce-Auto-Assign": "FALSE",
}


@dataclass(frozen=True, slots=True)
class RecordUpdate:
    """The fields of one record to change. Raises ValueError for what is no field, InvalidId."""

    sobject: str
    id: str
    values: Values = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", to_18(self.id))
        check(self.sobject, self.values)

    @property
    def identity(self) -> str:
        return self.id

    @property
    def field_names(self) -> frozenset[str]:
        return frozenset(self.values)

    def item(self) -> dict[str, object]:
        return {"attributes": {"type": self.sobject}, "id": self.id, **json_values(self.values)}


@dataclass(frozen=True, slots=True)
class NewRecord:
    """One record to create. Raises ValueError for what is no field."""

    sobject: str
    values: Values = field(repr=False)

    def __post_init__(self) -> None:
        check(self.sobject, self.values)

    @property
    def identity(self) -> None:
        return None

    @property
    def field_names(self) -> frozenset[str]:
        return frozenset(self.values)

    def item(self) -> dict[str, object]:
        return {"attributes": {"type": self.sobject}, **json_values(self.values)}


@dataclass(frozen=True, slots=True)
class Written:
    """Salesforce accepted the write. What it stored may still differ: automation runs in the same transaction."""

    id: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The request that carried this record, or one before it, failed as a whole. `sent` False: nothing of this
    record reached Salesforce; True: it may have been written."""

    error: SalesforceError
    sent: bool


Outcome: TypeAlias = Written | WriteRefusal | Unanswered


class _Saved(msgspec.Struct):
    success: bool
    id: str | None = None
    errors: list[ErrorItem] = []


def check(sobject: str, values: Values) -> None:
    """Raises ValueError for what no write may hold: the id, a name that is no field, a moment without its zone."""
    names = {name.lower() for name in values}
    if not values or len(names) < len(values):
        raise ValueError("a write names at least one field, and each once")
    odd = [name for name in (sobject, *values) if not _NAME.fullmatch(name)]
    if odd or names & {"id", "attributes"}:
        raise ValueError(f"a write names plain fields of one object only, not {odd or 'the id'}")
    for name, value in values.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{name} would be written as null, since it is no number")
    json_values(values)


def json_values(values: Values) -> dict[str, object]:
    """Values as the REST API takes them: a moment in UTC with its Z, which needs a time zone; a day as it is."""
    return {
        name: datetime_literal(value) if isinstance(value, datetime) else value
        for name, value in values.items()
    }


def created_id_of(body: bytes) -> str:
    """The id in the answer to a creation; raises MalformedAnswer."""
    saved = decode(body, _Saved)
    return _id_of(saved) if saved.success else _out_of_shape()


def results_of(body: bytes, sent: Sequence[str | None]) -> list[Written | WriteRefusal]:
    """The results of a collection in the order of what was sent: its ids, None for a new record.

    A refused item carries no id (recorded), so that the order alone matches them. Raises MalformedAnswer when the
    answer does not fit what was sent: nothing is known then of any of them.
    """
    results = decode(body, list[_Saved])
    if len(results) != len(sent):
        return _out_of_shape()
    return [_result(saved, expected) for saved, expected in zip(results, sent, strict=True)]


def _result(saved: _Saved, expected: str | None) -> Written | WriteRefusal:
    if not saved.success:
        return refusal_of_all(saved.errors)
    record_id = _id_of(saved)
    if expected not in (None, record_id):
        return _out_of_shape()
    return Written(record_id)


def _id_of(saved: _Saved) -> str:
    try:
        return to_18(saved.id or "")
    except InvalidId:
        pass
    return _out_of_shape()


def _out_of_shape() -> NoReturn:
    raise MalformedAnswer("Salesforce's answer to a write does not fit what was sent.")
