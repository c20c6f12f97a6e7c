"""Date literals (TODAY, LAST_N_WEEKS:3 ...) as ranges of days, and days and instants as the store's text.

Ranges are those of the SOQL reference: LAST_N_DAYS and LAST_90_DAYS include today, the other LAST_N_ and NEXT_N_
literals leave the current period out. Weeks start as the user's locale has it; the fiscal year is the calendar year.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_COUNTED = re.compile(r"(?:(last|next)_n_(\w+?)s|n_(\w+?)s_ago)\s*:\s*(\d+)")
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
_PERIODS = {"last": -1, "this": 0, "next": 1}
_INSTANT = re.compile(r"(.{10})T(.{8})(?:\.(\d+))?(Z|[+-]\d\d:?\d\d)", re.IGNORECASE)
# Countries whose weeks start on Sunday; elsewhere it is Monday.
_SUNDAY_FIRST = frozenset(
    {"US", "CA", "MX", "BR", "CO", "PE", "JP", "KR", "TW", "HK", "TH", "PH", "IN", "IL", "ZA"}
)


@dataclass(frozen=True, slots=True)
class Today:
    """The day it is for a user, and the user's locale, such as en_US."""

    day: date
    locale: str = "en_US"

    @property
    def week(self) -> date:
        """The first day of this week."""
        past_monday = self.day.weekday()
        past = (past_monday + 1) % 7 if self.locale.rpartition("_")[2] in _SUNDAY_FIRST else past_monday
        return self.day - timedelta(days=past)


def day_range(literal: str, today: Today) -> tuple[date, date]:
    """First day and the day after the last one. Raises ValueError or OverflowError beyond the calendar."""
    name = literal.lower()
    if name in _DAYS:
        return _span("day", today, _DAYS[name], 1)
    counted = _COUNTED.fullmatch(name)
    if counted:
        return _counted_range(counted, today)
    direction, _, unit = name.partition("_")
    if unit == "90_days":
        return _trailing_days(today, 90) if direction == "last" else _span("day", today, 1, 90)
    return _span(unit, today, _PERIODS[direction], 1)


def _counted_range(match: re.Match[str], today: Today) -> tuple[date, date]:
    direction, unit, unit_ago, number = match[1], match[2], match[3], int(match[4])
    if unit_ago:
        return _span(unit_ago, today, -number, 1)
    if direction == "next":
        return _span(unit, today, 1, number)
    if unit == "day":
        return _trailing_days(today, number)
    return _span(unit, today, -number, number)


def _trailing_days(today: Today, number: int) -> tuple[date, date]:
    return today.day - timedelta(days=number), today.day + timedelta(days=1)


def _span(unit: str, today: Today, offset: int, count: int) -> tuple[date, date]:
    """The `count` whole units that start `offset` units after the one that holds today."""
    unit = unit.removeprefix("fiscal_")
    if unit in ("day", "week"):
        length = 7 if unit == "week" else 1
        first = today.week if unit == "week" else today.day
        start = first + timedelta(days=length * offset)
        return start, start + timedelta(days=length * count)
    length = {"month": 1, "quarter": 3, "year": 12}[unit]
    months = today.day.year * 12 + today.day.month - 1
    start_month = months - months % length + length * offset
    return _first_of_month(start_month), _first_of_month(start_month + length * count)


def _first_of_month(months: int) -> date:
    return date(months // 12, months % 12 + 1, 1)


def instant_text(instant: datetime) -> str:
    """The form an org prints and the store keeps: always UTC, milliseconds, sorts as text."""
    utc = instant.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}+0000".rjust(28, "0")


def midnight_text(day: date, zone: ZoneInfo) -> str:
    return instant_text(datetime(day.year, day.month, day.day, tzinfo=zone))


def instant_of(literal: str) -> str:
    """A datetime literal with any offset as the store's text. Raises ValueError when there is no such instant."""
    match = _INSTANT.fullmatch(literal)
    if match is None:
        raise ValueError(literal)
    zone = "+00:00" if match[4] in "Zz" else match[4]
    millis = (match[3] or "0")[:3].ljust(3, "0")
    return instant_text(datetime.fromisoformat(f"{match[1]}T{match[2]}.{millis}{zone}"))
