"""A value of a row as a report shows it: `label` for people, `value` for programs.

Recorded: name columns carry the record's id as their value, ids have a label of 15 characters, Last Modified and
Created Date are days (value the UTC day, label the day of the user's zone), `-` and null stand for nothing, line
breaks are `<br>`, currency is an object. Inferred: the value of a date/time (a switch), booleans, escapedLabel.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from html import escape
from zoneinfo import ZoneInfo

from orgsim.reports.periods import local
from orgsim.reports.types import LONGEST_FILTERABLE, Known

Json = dict[str, object]
Cell = Callable[[object, object], Json]
NOTHING = "-"
_ESCAPED_SINCE = 45
_TEXTS = frozenset({"string", "textarea"})


@dataclass(frozen=True, slots=True)
class Style:
    """How the running user reads, which version is asked, and whether date/time values carry milliseconds."""

    zone: ZoneInfo
    locale: str
    version: float
    milliseconds: bool

    @property
    def american(self) -> bool:
        return self.locale.endswith("_US")

    def day(self, day: date) -> str:
        return f"{day.month}/{day.day}/{day.year}" if self.american else f"{day:%d/%m/%Y}"

    def moment(self, moment: datetime) -> str:
        if not self.american:
            return f"{self.day(moment)}, {moment:%H:%M}"
        hour = moment.hour % 12 or 12
        return f"{self.day(moment)}, {hour}:{moment:%M} {'PM' if moment.hour >= 12 else 'AM'}"


def cell_maker(known: Known, style: Style) -> Cell:
    """What turns (value, id) of one column into its cell."""
    plain = _value_maker(known, style)
    escaped = style.version >= _ESCAPED_SINCE and known.data_type in _TEXTS and not known.column.id_path

    def cell(value: object, record_id: object) -> Json:
        if value is None:
            return {"label": NOTHING, "value": None}
        label, shown = plain(value)
        if known.column.id_path:
            return {"label": label, "value": record_id}
        if escaped:
            return {"escapedLabel": escape(label), "label": label, "value": shown}
        return {"label": label, "value": shown}

    return cell


def _value_maker(known: Known, style: Style) -> Callable[[object], tuple[str, object]]:
    if known.column.day:
        return lambda value: (style.day(local(str(value), style.zone)), str(value)[:10])
    labels = known.field.label_of
    makers: dict[str, Callable[[object], tuple[str, object]]] = {
        "id": lambda value: (str(value)[:15], value),
        "boolean": lambda value: ("true" if value else "false", bool(value)),
        "date": lambda value: (style.day(date.fromisoformat(str(value))), value),
        "datetime": lambda value: (style.moment(local(str(value), style.zone)), _moment(str(value), style)),
        "int": lambda value: _number(value, 0),
        "double": lambda value: _number(value, known.field.scale),
        "percent": lambda value: (f"{_number(value, known.field.scale)[0]}%", _number(value, 0)[1]),
        "currency": lambda value: _money(value, known.field.scale),
        "picklist": lambda value: (labels.get(str(value), str(value)),) * 2,
        "multipicklist": lambda value: ("; ".join(labels.get(v, v) for v in str(value).split(";")),) * 2,
        "textarea": lambda value: (_lines(str(value)),) * 2,
    }
    return makers.get(known.data_type, lambda value: (str(value), value))


def _moment(text: str, style: Style) -> str:
    return f"{text[:23] if style.milliseconds else text[:19]}Z"


def _number(value: object, scale: int) -> tuple[str, object]:
    number = float(str(value))
    whole = int(number) if number.is_integer() else number
    return f"{number:,.{scale}f}", whole


def _money(value: object, scale: int) -> tuple[str, object]:
    label, amount = _number(value, scale)
    return f"${label}", {"amount": amount, "currency": None}


def _lines(text: str) -> str:
    cut = text if len(text) <= LONGEST_FILTERABLE else text[:LONGEST_FILTERABLE]
    return cut.replace("\r\n", "<br>").replace("\n", "<br>")


def total(value: object, data_type: str, style: Style) -> Json:
    """An aggregate: a plain number as its value, whatever the column's type."""
    if value is None:
        return {"label": NOTHING, "value": None}
    if data_type == "date":
        return {"label": style.day(date.fromisoformat(str(value)[:10])), "value": str(value)[:10]}
    if data_type == "datetime":
        text = str(value)
        return {"label": style.moment(local(text, style.zone)), "value": _moment(text, style)}
    scale = 2 if data_type in ("currency", "double", "percent") and not float(str(value)).is_integer() else 0
    label, number = _number(value, scale)
    label = f"${label}" if data_type == "currency" else f"{label}%" if data_type == "percent" else label
    return {"label": label, "value": number}
