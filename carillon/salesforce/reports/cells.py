"""What a cell of a report holds, by its column's data type.

Pure. Recorded facts behind the rules: cells of name and lookup columns carry another record's id as their value and
the name as their label; `-` with null is an empty cell; ids have 15 characters in the label and 18 in the value;
currency is a number or {amount, currency}; the standard date stamps are days although called datetime; line breaks
come as <br>. A date/time value was never recorded: with or without a fraction, with Z or an offset, all are read.
"""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from carillon.salesforce.errors import InvalidId
from carillon.salesforce.ids import to_18
from carillon.salesforce.reports.describes import ReportColumn

_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_NOTHING = "-"
_TRUE, _FALSE = ("true", "1"), ("false", "0")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A value that is not of its column's type; `shown` is what the report shows."""

    shown: str


CellValue = str | int | float | bool | date | datetime | Unreadable | None


def cell_value(column: ReportColumn, label: str | None, value: Any) -> CellValue:
    """None for an empty cell; a datetime is in UTC; a date/time column that gives a day only gives a date."""
    if value is None or value == "":
        return _valueless(column, label)
    return _READERS.get(column.type, _text)(column, label, value)


def record_id_of(label: str | None, value: Any) -> str | None:
    """The 18-character id of an id or name cell; None when it holds none."""
    for given in (value, label):
        if isinstance(given, str):
            try:
                return to_18(given)
            except InvalidId:
                continue
    return None


def _valueless(column: ReportColumn, label: str | None) -> CellValue:
    # Not only null: from version 37.0 an empty text is "".
    if label is None or label in ("", _NOTHING) or column.type in _TYPED:
        return None
    return label


def _text(column: ReportColumn, label: str | None, value: Any) -> CellValue:
    if not isinstance(value, str):
        return label if label is not None else str(value)
    if label is None or label == value:
        return value
    if column.lookup or record_id_of(None, value) is not None:
        return label
    return value


def _lines(column: ReportColumn, label: str | None, value: Any) -> CellValue:
    text = _text(column, label, value)
    if not isinstance(text, str):
        return text
    # Old versions call a street a string; only long text was seen with its special characters written out.
    broken = _BREAK.sub("\n", text)
    return html.unescape(broken) if column.type == "textarea" else broken


def _id(column: ReportColumn, label: str | None, value: Any) -> CellValue:
    return record_id_of(label, value) or Unreadable(str(label or value))


def _number(column: ReportColumn, label: str | None, value: Any) -> CellValue:
    if isinstance(value, dict):
        value = value.get("amount")
        if value is None:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return Unreadable(str(label or value))
    try:
        number = float(value)
    except ValueError:
        return Unreadable(str(label or value))
    # A whole number of any size stays exact; 20.0 is how some versions write 20.
    if isinstance(value, int):
        return value
    return int(number) if number.is_integer() else number


def _boolean(column: ReportColumn, label: str | None, value: Any) -> CellValue:
    if isinstance(value, bool):
        return value
    said = str(value).strip().lower()
    if said in _TRUE:
        return True
    return False if said in _FALSE else Unreadable(str(label or value))


def _date(column: ReportColumn, label: str | None, value: Any) -> CellValue:
    moment = _datetime(column, label, value)
    return moment.date() if isinstance(moment, datetime) else moment


def _datetime(column: ReportColumn, label: str | None, value: Any) -> CellValue:
    try:
        text = str(value)
        if len(text) == len("2021-01-14"):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        return Unreadable(str(label or value))
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


_TYPED: dict[str, Callable[[ReportColumn, str | None, Any], CellValue]] = {
    "id": _id,
    "int": _number,
    "double": _number,
    "percent": _number,
    "currency": _number,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
}
_READERS = _TYPED | {"string": _lines, "textarea": _lines}
