"""Values of Salesforce fields as values of contact fields. Pure.

A value that does not fit its contact field is a ValueError whose text is the sentence of a record issue.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

NUMBERS = frozenset({"int", "long", "double", "currency", "percent"})
# Which contact field types a Salesforce field may go to; the first is the natural one.
_CONTACT_TYPES = {
    "boolean": ("yes_no", "text"),
    "date": ("date", "text"),
    "datetime": ("datetime", "date", "text"),
    "picklist": ("choice", "text"),
    "combobox": ("choice", "text"),
    **dict.fromkeys(NUMBERS, ("number", "text")),
    **dict.fromkeys(("string", "textarea", "phone", "email", "url"), ("text", "choice", "number", "date")),
    **dict.fromkeys(("id", "reference", "multipicklist", "encryptedstring", "time"), ("text",)),
}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATETIME = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:?\d{2})")
_UTC = ("Z", "+0000", "+00:00")
# Commas only between groups of three: with a decimal comma 1,5 would be read as fifteen.
_NUMBER = re.compile(r"[+-]?((\d{1,3}(,\d{3})+|\d+)(\.\d*)?|\.\d+)", re.ASCII)
# Longer digits are no number anyone means, and would leave the range of one.
_LONGEST_NUMBER = 40
# PostgreSQL's text holds neither NUL nor a lone surrogate.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def contact_types(salesforce_type: str) -> tuple[str, ...]:
    """Contact field types a Salesforce field type may be mapped to, natural one first; empty: not mappable
    (address, location, base64 and the like have no single value)."""
    return _CONTACT_TYPES.get(salesforce_type, ())


def as_text(value: Any) -> str:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def storable(text: str) -> str:
    return _UNSTORABLE.sub("", text) if not text.isascii() or "\x00" in text else text


def converter(contact_type: str) -> Callable[[Any], Any]:
    """What turns a value into one of the contact field type, for JSON; raises ValueError when it doesn't fit."""
    return _CONVERTERS[contact_type]


def _number(value: Any) -> int | float:
    if isinstance(value, bool):
        raise ValueError("This is a yes/no value, not a number; the field was left as it was.")
    if isinstance(value, str):
        value = _number_in(value.strip())
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def _number_in(text: str) -> int | float:
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        raise ValueError("This text is not a number; the field was left as it was.")
    plain = text.replace(",", "")
    return float(plain) if "." in plain else int(plain)


def _date(value: Any) -> str:
    text = str(value).strip()
    if not ((_DATE.fullmatch(text) or _DATETIME.fullmatch(text)) and _exists(text)):
        raise ValueError("This is not a date (such as 2026-05-01); the field was left as it was.")
    return text[:10]


def _datetime(value: Any) -> str:
    found = _DATETIME.fullmatch(str(value).strip())
    if not (found and _exists(found[0])):
        raise ValueError("This is not a date with time; the field was left as it was.")
    return found[1] + ("Z" if found[3] in _UTC else found[3])


def _exists(text: str) -> bool:
    """Whether the calendar holds this date, or date and time: 2026-02-30 only looks like one."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _yes_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("This is not a checkbox value; the field was left as it was.")
    return value


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "text": as_text,
    "choice": as_text,
    "number": _number,
    "date": _date,
    "datetime": _datetime,
    "yes_no": _yes_no,
}


def is_moment(text: str) -> bool:
    """2026-05-01T07:25:37.000+0000; looked at for every record, so without a pattern."""
    return len(text) >= 20 and text[10] == "T" and text.endswith(_UTC) and _exists(text)
