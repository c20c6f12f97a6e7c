"""Values of Salesforce fields as values of contact fields. Pure.

Salesforce writes a value in three forms: JSON of a query (1200.0, true, 2026-05-01T07:25:37.000+0000), text in CSV of
Bulk ("1200.0", "true", "" for nothing) and cells of a report (numbers, dates as Python's). First any of them is read
as what the Salesforce field's type says, so that all three come to the same; then that is made to fit the contact
field. A value that does not fit is a ValueError whose text is the sentence of a record issue.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from carillon.salesforce.reports.cells import Unreadable

NUMBERS = frozenset({"int", "long", "double", "currency", "percent"})
# Which contact field types a Salesforce field may go to; the first is the natural one.
_CONTACT_TYPES = {
    "boolean": ("yes_no", "text"),
    "date": ("date", "text"),
    "datetime": ("datetime", "date", "text"),
    "multipicklist": ("choices", "text"),
    **dict.fromkeys(("picklist", "combobox"), ("choice", "text", "number", "yes_no")),
    **dict.fromkeys(NUMBERS, ("number", "text", "choice")),
    # Formulas come as these too, whatever their text means.
    **dict.fromkeys(
        ("string", "textarea"), ("text", "choice", "choices", "number", "date", "datetime", "yes_no")
    ),
    **dict.fromkeys(("phone", "email", "url"), ("text", "choice")),
    **dict.fromkeys(("id", "reference", "encryptedstring", "time", "anyType"), ("text",)),
}
_WHY_NOT = {
    "address": "an address has several parts: map those you need, such as its city",
    "location": "a place on the map has two parts: map its latitude and longitude",
    "base64": "a file is no value of a person",
    "complexvalue": "it holds a structure, no single value",
}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATETIME = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:?\d{2})")
_TIME = re.compile(r"(\d{2}:\d{2})(:\d{2})?(\.\d+)?Z?")
_UTC = ("Z", "+0000", "+00:00")
# Commas only between groups of three: with a decimal comma 1,5 would be read as fifteen.
_NUMBER = re.compile(r"[+-]?((\d{1,3}(,\d{3})+|\d+)(\.\d*)?|\.\d+)", re.ASCII)
# Longer digits are no number anyone means.
_LONGEST_NUMBER = 40
# The powers of ten of what a double can hold; beyond lies what would fill the database with zeros.
_LARGEST_POWER = 324
# Around a value they are nothing; PostgreSQL can't store the last one.
_BLANKS = " \t\r\n\x00"
_YES, _NO = ("true", "yes", "y", "1"), ("false", "no", "n", "0")
# PostgreSQL's text holds neither NUL nor a lone surrogate.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_KEPT = "the field was left as it was."


def contact_types(salesforce_type: str) -> tuple[str, ...]:
    """Contact field types a Salesforce field type may be mapped to, natural one first; empty: not mappable, and
    `why_not` says why."""
    return _CONTACT_TYPES.get(salesforce_type, ())


def why_not(salesforce_type: str) -> str:
    return _WHY_NOT.get(salesforce_type, f"fields of the type {salesforce_type} hold no single value")


def as_text(value: Any) -> str:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Unreadable):
        return storable(value.shown)
    if isinstance(value, float | Decimal):
        try:
            value = _plain(value)
        except ValueError:
            return str(value)
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    return _moment_text(value) if isinstance(value, datetime) else str(value)


def storable(text: str) -> str:
    return _UNSTORABLE.sub("", text) if not text.isascii() or "\x00" in text else text


def converter(salesforce_type: str, contact_type: str) -> Callable[[Any], Any]:
    """What turns a value of the Salesforce type, in any of its three forms, into one of the contact field type, for
    JSON: text, int or Decimal, bool, a list of choices, or None for a blank. Raises ValueError when it doesn't fit."""
    if contact_type in ("text", "choice") and salesforce_type not in _READERS:
        return _text
    read: Callable[[Any], Any] = _READERS.get(salesforce_type, as_text)
    fit = _FITTERS[contact_type]

    def convert(value: Any) -> Any:
        # Looked at for every value of every record: what is no text can't be blank.
        if value is None or (value.__class__ is str and not value.strip(_BLANKS)):
            return None
        return fit(read(value))

    return convert


def _text(value: Any) -> str | None:
    if value is None:
        return None
    text = as_text(value)
    return text if text.strip(_BLANKS) else None


def _plain(number: float | Decimal) -> int | Decimal:
    """Exactly as written, without the zeros at its end: 1200.0 and 1200.00 are 1200, and 0.10 is 0.1."""
    exact = number if isinstance(number, Decimal) else Decimal(repr(number))
    if not exact.is_finite() or abs(exact.adjusted()) > _LARGEST_POWER:
        raise ValueError(f"This is not a number that can be kept; {_KEPT}")
    if exact.adjusted() >= _LONGEST_NUMBER:
        return exact
    whole = int(exact)
    if whole == exact:
        return whole
    return Decimal(format(exact, "f").rstrip("0"))


def _read_number(value: Any) -> int | Decimal:
    if isinstance(value, bool):
        raise ValueError(f"This is a yes/no value, not a number; {_KEPT}")
    if isinstance(value, int):
        return value
    if isinstance(value, float | Decimal):
        return _plain(value)
    try:
        return _plain(Decimal(str(value).strip()))
    except InvalidOperation:
        return _fit_number(value)


def _read_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise ValueError(f"This is not a checkbox value (true or false); {_KEPT}")


def _read_date(value: Any) -> str:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return _fit_date(value)


def _read_datetime(value: Any) -> str:
    """A report's column may give the day only: that is still a day for a contact field that is a date."""
    if isinstance(value, date):
        return _moment_text(value) if isinstance(value, datetime) else value.isoformat()
    text = str(value).strip()
    found = _DATETIME.fullmatch(text)
    if found and _exists(text):
        return found[1] + ("Z" if found[3] in _UTC else found[3])
    return text


def _read_time(value: Any) -> str:
    """Times have no zone, whatever Salesforce's Z says: 14:30:00.000Z is half past two anywhere."""
    text = as_text(value).strip()
    found = _TIME.fullmatch(text)
    if not found:
        return text
    return found[1] if found[2] in (None, ":00") else found[1] + found[2]


def _moment_text(value: datetime) -> str:
    at = value.astimezone(UTC) if value.tzinfo else value
    return f"{at:%Y-%m-%dT%H:%M:%S}Z"


_READERS: dict[str, Callable[[Any], Any]] = {
    "boolean": _read_boolean,
    "date": _read_date,
    "datetime": _read_datetime,
    "time": _read_time,
    **dict.fromkeys(NUMBERS, _read_number),
}
# Salesforce types whose values have a form of their own; all others are text.
READ_BY_TYPE = frozenset(_READERS)


def _fit_number(value: Any) -> int | Decimal:
    if isinstance(value, bool):
        raise ValueError(f"This is a yes/no value, not a number; {_KEPT}")
    if isinstance(value, int | Decimal):
        return value
    text = str(value).strip()
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        raise ValueError(f"This text is not a number; {_KEPT}")
    return _plain(Decimal(text.replace(",", "")))


def _fit_date(value: Any) -> str:
    text = str(value).strip()
    if not ((_DATE.fullmatch(text) or _DATETIME.fullmatch(text)) and _exists(text)):
        raise ValueError(f"This is not a date (such as 2026-05-01); {_KEPT}")
    return text[:10]


def _fit_datetime(value: Any) -> str:
    text = _read_datetime(value)
    if not (_DATETIME.fullmatch(text) and _exists(text)):
        raise ValueError(f"This is not a date with time; {_KEPT}")
    return text


def _exists(text: str) -> bool:
    """Whether the calendar holds this date, or date and time: 2026-02-30 only looks like one."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _fit_yes_no(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    said = str(value).strip().lower()
    if said not in (*_YES, *_NO):
        raise ValueError(f"This is not yes or no; {_KEPT}")
    return said in _YES


def _fit_choices(value: Any) -> list[str] | None:
    """The parts of A;B;C in their order, each once."""
    parts = (part.strip() for part in as_text(value).split(";"))
    return list(dict.fromkeys(part for part in parts if part)) or None


_FITTERS: dict[str, Callable[[Any], Any]] = {
    "text": as_text,
    "choice": as_text,
    "choices": _fit_choices,
    "number": _fit_number,
    "date": _fit_date,
    "datetime": _fit_datetime,
    "yes_no": _fit_yes_no,
}


def is_moment(text: str) -> bool:
    """2026-05-01T07:25:37.000+0000; looked at for every record, so without a pattern."""
    return len(text) >= 20 and text[10] == "T" and text.endswith(_UTC) and _exists(text)
