"""Reads the literals of a filter as values of a field, or says in an org's words why they do not fit."""

from dataclasses import dataclass
from datetime import date
from enum import Enum
from zoneinfo import ZoneInfo

from orgsim.soql.ast import Kind, Literal
from orgsim.soql.dates import Today, day_range, instant_of, midnight_text
from orgsim.soql.errors import SoqlError, located, unread, unsupported
from orgsim.soql.plan import Parameter, QueryContext
from orgsim.soql.text import full_id, unescape

MAX_STRING = 4_000


class Family(Enum):
    TEXT = "string"
    CHOICES = "multipicklist"
    ID = "ID"
    NUMBER = "double"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "dateTime"
    TIME = "time"


_FAMILIES = {
    **dict.fromkeys(
        ("string", "textarea", "phone", "email", "url", "picklist", "combobox", "encryptedstring"),
        Family.TEXT,
    ),
    **dict.fromkeys(("id", "reference"), Family.ID),
    **dict.fromkeys(("int", "long", "double", "currency", "percent"), Family.NUMBER),
    "multipicklist": Family.CHOICES,
    "boolean": Family.BOOLEAN,
    "date": Family.DATE,
    "datetime": Family.DATETIME,
    "time": Family.TIME,
}
_QUOTED = frozenset({Family.TEXT, Family.CHOICES, Family.ID})
_KINDS = {
    Family.NUMBER: frozenset({Kind.NUMBER}),
    Family.BOOLEAN: frozenset({Kind.BOOLEAN}),
    Family.DATE: frozenset({Kind.DATE, Kind.DATE_LITERAL}),
    Family.DATETIME: frozenset({Kind.DATETIME, Kind.DATE_LITERAL}),
    Family.TIME: frozenset({Kind.TIME}),
}


@dataclass(frozen=True, slots=True)
class Range:
    """From `start` up to but without `end`."""

    start: str
    end: str


Value = Parameter | Range | None


@dataclass(frozen=True, slots=True)
class Filtered:
    """What a comparison compares: SQL, type, and how errors name and locate it."""

    name: str
    type: str
    sql: str
    nullable: bool
    pos: int

    @property
    def family(self) -> Family | None:
        return _FAMILIES.get(self.type)


def value_of(literal: Literal, filtered: Filtered, text: str, context: QueryContext) -> Value:
    """The literal as the store keeps such values; None for null. '' is handed on: an org stores it as null.

    Raises SoqlError when the literal is of the wrong kind for the field or is no value at all.
    """
    refuse_unusable(literal, text)
    if literal.kind is Kind.NULL:
        return None
    family = filtered.family
    if family is None:
        raise unsupported(f"A filter on a field of type {filtered.type}")
    if family in _QUOTED:
        return _quoted_value(literal, filtered, family, text)
    if literal.kind is Kind.CURRENCY and family is Family.NUMBER:
        raise unsupported("A currency literal (the org has one currency)")
    if literal.kind not in _KINDS[family]:
        ending = " and should not be enclosed in quotes" if literal.kind is Kind.STRING else ""
        raise _wrong_kind(filtered, family, text, ending)
    if literal.kind is Kind.DATE_LITERAL:
        return _range(literal, family, text, context)
    return _bare_value(literal, text)


def refuse_unusable(literal: Literal, text: str) -> None:
    if literal.kind is Kind.BIND:
        raise SoqlError("MALFORMED_QUERY", "Bind variables only allowed in Apex code")
    if literal.kind is Kind.STRING and len(literal.raw) - 2 > MAX_STRING:
        reason = f"filter value is longer than {MAX_STRING} characters"
        raise located("MALFORMED_QUERY", text, literal.pos, reason)


def _wrong_kind(filtered: Filtered, family: Family, text: str, ending: str) -> SoqlError:
    type_name = "int" if filtered.type in ("int", "long") else family.value
    reason = f"value of filter criterion for field '{filtered.name}' must be of type {type_name}{ending}"
    return located("INVALID_FIELD", text, filtered.pos, reason)


def _quoted_value(literal: Literal, filtered: Filtered, family: Family, text: str) -> str:
    if literal.kind is not Kind.STRING:
        type_name = Family.TEXT if family is Family.CHOICES else family
        raise _wrong_kind(filtered, type_name, text, " and should be enclosed in quotes")
    value = string_value(literal, text)
    if family is not Family.ID or not value:
        return value
    record_id = full_id(value)
    if record_id is None:
        reason = f"invalid ID field: {value}"
        raise located("INVALID_QUERY_FILTER_OPERATOR", text, filtered.pos, reason)
    return record_id


def string_value(literal: Literal, text: str) -> str:
    try:
        return unescape(literal.raw)
    except ValueError as error:
        raise bad_escape(literal, text, str(error)) from error


def bad_escape(literal: Literal, text: str, escape: str) -> SoqlError:
    reason = (
        f"Invalid string literal {literal.raw}. Illegal character sequence '\\{escape}' in string literal."
    )
    return unread("MALFORMED_QUERY", text, literal.pos, reason)


def _bare_value(literal: Literal, text: str) -> Parameter:
    if literal.kind is Kind.BOOLEAN:
        return int(literal.raw.lower() == "true")
    try:
        if literal.kind is Kind.NUMBER:
            return _number(literal.raw)
        if literal.kind is Kind.DATE:
            return date.fromisoformat(literal.raw).isoformat()
        if literal.kind is Kind.DATETIME:
            return instant_of(literal.raw)
    except (ValueError, OverflowError) as error:
        reason = f"Invalid {literal.kind}: {literal.raw}"
        raise located("MALFORMED_QUERY", text, literal.pos, reason) from error
    return literal.raw


def _number(raw: str) -> int | float:
    """Whole numbers stay exact as far as SQLite's integers reach."""
    exact = raw.lstrip("+-").isdigit() and abs(int(raw)) < 2**63
    return int(raw) if exact else float(raw)


def _range(literal: Literal, family: Family, text: str, context: QueryContext) -> Range:
    zone = ZoneInfo(context.time_zone)
    try:
        start, end = day_range(literal.raw, Today(context.now.astimezone(zone).date(), context.locale))
        if family is Family.DATE:
            return Range(start.isoformat(), end.isoformat())
        return Range(midnight_text(start, zone), midnight_text(end, zone))
    except (ValueError, OverflowError) as error:
        reason = f"Invalid date: {literal.raw}"
        raise located("MALFORMED_QUERY", text, literal.pos, reason) from error
