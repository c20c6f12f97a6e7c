"""Small pieces of every page: icons, moments, durations, values of additional fields."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import phonenumbers
from django import template
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString

from carillon.contacts.models import ContactField, FieldType
from carillon.imports.values import as_text
from carillon.messaging import error_codes

register = template.Library()

# Strokes on a 24 x 24 grid, drawn for this product.
ICONS = {
    "key": "M14.5 9.5 21 3M17.5 6.5l2.5 2.5M9 20a5 5 0 1 1 0-10 5 5 0 0 1 0 10",
    "download": "M12 4v11M7.5 10.5 12 15l4.5-4.5M4.5 19.5h15",
    "history": "M12 7.5V12l3 2M4 12a8 8 0 1 0 2.5-5.8L4 8.5M4 4v4.5h4.5",
    "people": "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M2.5 20c0-3.5 2.8-6 6.5-6s6.5 2.5 6.5 6"
    "M16 4.3a3.5 3.5 0 0 1 0 6.4M18 14.4c2.1.8 3.5 2.9 3.5 5.6",
    "shield": "M12 3.5 5 6v5.5c0 4.2 2.9 7.4 7 9 4.1-1.6 7-4.8 7-9V6zM9 12l2.2 2.2L15.2 10",
    "check": "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M8.3 12.2l2.5 2.5 5-5",
    "cross": "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M9.2 9.2l5.6 5.6M14.8 9.2l-5.6 5.6",
    "warning": "M12 4 2.8 19.5h18.4zM12 10v4.5M12 17v.2",
    "consent": "M4 5h16v11H11l-4.5 4v-4H4zM9 10.5l2.2 2.2 4-4",
    "unknown": "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M9.7 9.6a2.4 2.4 0 1 1 3.4 2.2c-.8.4-1.1.9-1.1 1.7M12 16.4v.2",
    "info": "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M12 11v5.5M12 7.6v.2",
    "clock": "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M12 7v5l3.2 1.8",
    "running": "M20 12a8 8 0 1 1-2.4-5.7M20 4v4.5h-4.5",
    "stop": "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M5.8 5.8l12.4 12.4",
    "remove": "M6 6l12 12M18 6 6 18",
    "plus": "M12 5v14M5 12h14",
    "search": "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13M15.3 15.3 20.5 20.5",
    "menu": "M4 7h16M4 12h16M4 17h16",
    "out": "M10 4H5.5v16H10M14.5 8 19 12l-4.5 4M19 12H9.5",
    "link": "M10.5 7.5 13 5a4.2 4.2 0 0 1 6 6l-2.5 2.5M13.5 16.5 11 19a4.2 4.2 0 0 1-6-6l2.5-2.5M9.5 14.5l5-5",
    "next": "M9 5.5 15.5 12 9 18.5",
    "previous": "M15 5.5 8.5 12l6.5 6.5",
    "list": "M9 6h11M9 12h11M9 18h11M4.5 6v.1M4.5 12v.1M4.5 18v.1",
    "text": "M4 5h16v11H11l-4.5 4v-4H4zM8 9h8M8 12h5",
    "phone": "M8 3h8a1.5 1.5 0 0 1 1.5 1.5v15A1.5 1.5 0 0 1 16 21H8a1.5 1.5 0 0 1-1.5-1.5v-15A1.5 1.5 0 0 1 8 3M11 18h2",
    "table": "M4 5h16v14H4zM4 10h16M10 10v9",
    "bell": "M12 3v1.5M6.5 17V10.5a5.5 5.5 0 0 1 11 0V17l1.5 1.5H5zM10 21h4",
}


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """Decoration only: a word must stand beside it."""
    return format_html(
        '<svg class="icon {}" width="24" height="24" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        'stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">'
        '<path d="{}"/></svg>',
        extra,
        ICONS[name],
    )


@register.filter
def moment(at: datetime | None) -> SafeString | str:
    """A time in UTC; the page's script rewrites it in the reader's own time zone."""
    if at is None:
        return ""
    return format_html(
        '<time datetime="{}" data-local>{}</time>',
        at.isoformat(timespec="seconds"),
        f"{at:%b %-d, %Y, %H:%M} UTC",
    )


@register.filter
def coming(at: datetime, now: datetime) -> SafeString | str:
    """What is to come: within a minute its time would read like one that is over."""
    if at <= now:
        return "at any moment"
    return "within a minute" if at - now < timedelta(minutes=1) else moment(at)


@register.filter
def duration(length: timedelta | None) -> str:
    if length is None:
        return ""
    seconds = int(length.total_seconds())
    if seconds < 1:
        return "under 1 s"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


@register.filter
def short_time(seconds: float) -> str:
    """Of what mostly takes less than a second."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else duration(timedelta(seconds=seconds))


@register.filter
def in_words(code: str) -> str:
    """A code such as invalid_mobile as people read it."""
    words = code.replace("_", " ")
    return words[:1].upper() + words[1:]


@register.filter
def value_of(value: Any, field: ContactField) -> SafeString | str:
    """The value of an additional field in the form its type is read in."""
    if value is None or value == "":
        return ""
    if field.type == FieldType.YES_NO:
        return "Yes" if value in (True, "true", "True") else "No"
    if field.type == FieldType.DATETIME and (at := parse_datetime(str(value))):
        return moment(at)
    if field.type == FieldType.DATE and (day := _date(str(value))):
        return f"{day:%b %-d, %Y}"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, float | Decimal):
        return as_text(value)
    return str(value)


def _date(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


@register.filter
def telephone(e164: str) -> str:
    """A number as people of its country write it, with the country code."""
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return e164
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


@register.filter
def carrier_error(code: int | None) -> str:
    return error_codes.words(code)


@register.filter
def changes(detail: dict[str, Any]) -> list[tuple[str, str]]:
    """An audit entry's details as lines: what a value was and what it is now."""
    before, after = detail.get("before"), detail.get("after")
    lines = [
        (in_words(name), _plain(value)) for name, value in detail.items() if name not in ("before", "after")
    ]
    if not isinstance(after, dict):
        return lines
    earlier = before if isinstance(before, dict) else {}
    for name, value in after.items():
        old = earlier.get(name)
        if old != value:
            lines.append((in_words(name), f"{_plain(old)} → {_plain(value)}" if earlier else _plain(value)))
    return lines


def _plain(value: Any) -> str:
    if value is None or value == "" or value == []:
        return "blank"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        between = "; " if any(isinstance(part, dict) for part in value) else ", "
        return between.join(_plain(part) for part in value)
    if isinstance(value, dict):
        return ", ".join(f"{in_words(str(name))}: {_plain(part)}" for name, part in value.items())
    return str(value)
