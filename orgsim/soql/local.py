"""Values as a user sees them: in the user's time zone, and in the notation of the locale en_US."""

from datetime import date
from zoneinfo import ZoneInfo

from orgsim.clock import parse_stamp


def local_text(value: str | None, zone: str) -> str | None:
    """A stored instant as the wall clock of a zone shows it, in the same notation without the offset."""
    if value is None:
        return None
    return parse_stamp(value).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M:%S.000")


def formatted(value: object, kind: str, zone: str) -> str | None:
    """What FORMAT() gives: `5/6/2026, 11:30 AM`, `5/6/2026`, `1,234.5`; a text stays as it is."""
    if value is None:
        return None
    if kind == "datetime":
        moment = parse_stamp(str(value)).astimezone(ZoneInfo(zone))
        clock = f"{moment.hour % 12 or 12}:{moment.minute:02} {'PM' if moment.hour >= 12 else 'AM'}"
        return f"{_day(moment.date())}, {clock}"
    if kind == "date":
        return _day(date.fromisoformat(str(value)))
    if isinstance(value, int | float):
        number = f"{value:,.15f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"
        return f"${value:,.2f}" if kind == "currency" else number
    return str(value)


def _day(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"
