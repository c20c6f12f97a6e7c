"""Days and moments as report filters write them: a day, a UTC moment, a relative text, a duration of the date filter.

Relative texts come as literals (`THIS_MONTH`, `LAST_N_DAYS:7`) or in words (`LAST 7 DAYS`, `N DAYS AGO` with a number).
All of them are spans of days in the running user's time zone.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from orgsim.clock import parse_stamp
from orgsim.reports.errors import bad, bad_date
from orgsim.soql.dates import Today, day_range, instant_text

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_STANDARD_DAY = re.compile(r"(\d{4}-\d\d-\d\d)(T\d\d:\d\d:\d\d(\.\d+)?Z?)?")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_COUNTED = re.compile(r"(LAST|NEXT)_(\d+)_(DAY|WEEK|MONTH|QUARTER|YEAR)S?")
_AGO = re.compile(r"(\d+)_(DAY|WEEK|MONTH|QUARTER|YEAR)S?_AGO")

# The groups of standardDateFilterDurationGroups; labels of the counted ones come from their own value.
_GROUPS = (
    ("Fiscal Year", {"THIS_FISCAL_YEAR": "Current FY", "LAST_FISCAL_YEAR": "Previous FY", "NEXT_FISCAL_YEAR": "Next FY"}),
    (
        "Fiscal Quarter",
        {"THIS_FISCAL_QUARTER": "Current FQ", "LAST_FISCAL_QUARTER": "Previous FQ", "NEXT_FISCAL_QUARTER": "Next FQ"},
    ),
    ("Calendar Year", {"THIS_YEAR": "Current CY", "LAST_YEAR": "Previous CY", "NEXT_YEAR": "Next CY"}),
    ("Calendar Quarter", {"THIS_QUARTER": "Current CQ", "LAST_QUARTER": "Previous CQ", "NEXT_QUARTER": "Next CQ"}),
    ("Calendar Month", {"LAST_MONTH": "Last Month", "THIS_MONTH": "This Month", "NEXT_MONTH": "Next Month"}),
    ("Calendar Week", {"LAST_WEEK": "Last Week", "THIS_WEEK": "This Week", "NEXT_WEEK": "Next Week"}),
    (
        "Day",
        {
            "YESTERDAY": "Yesterday",
            "TODAY": "Today",
            "TOMORROW": "Tomorrow",
            **{f"LAST_N_DAYS:{n}": f"Last {n} Days" for n in (7, 30, 60, 90, 120)},
            **{f"NEXT_N_DAYS:{n}": f"Next {n} Days" for n in (7, 30, 60, 90, 120)},
        },
    ),
)  # fmt: skip
CUSTOM = "CUSTOM"
_YEARS = (1700, 4000)


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` up to but without `end`, as the store's text: of days or of moments."""

    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """The running user's days."""

    now: datetime
    zone: ZoneInfo
    locale: str = "en_US"

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def midnight(self, day: date) -> str:
        return instant_text(datetime(day.year, day.month, day.day, tzinfo=self.zone))

    def span(self, first: date, after: date, *, moments: bool) -> Span:
        if moments:
            return Span(self.midnight(first), self.midnight(after))
        return Span(first.isoformat(), after.isoformat())

    def read(self, text: str, *, exact: bool, moments: bool) -> Span:
        """What a filter value stands for. `exact`: a moment is a moment, not its day; `moments`: of the store's
        datetimes, not of its dates. Raises the 400 about the accepted formats."""
        text = text.strip()
        try:
            if _MOMENT.fullmatch(text):
                moment = datetime.fromisoformat(text)
                if exact:
                    return Span(instant_text(moment), instant_text(moment + timedelta(seconds=1)))
                day = moment.astimezone(self.zone).date()
                return self.span(day, day + timedelta(days=1), moments=moments)
            if _DAY.fullmatch(text):
                day = date.fromisoformat(text)
                return self.span(day, day + timedelta(days=1), moments=moments)
            return self.span(*self._days(text), moments=moments)
        except OverflowError:
            raise bad("The date formula is too large. Specify a reasonable value.") from None
        except (ValueError, KeyError):
            raise bad_date() from None

    def duration(self, value: str) -> tuple[date, date]:
        """First and last day of a duration of the standard date filter; raises 400 for one that is none."""
        try:
            first, after = self._days(value)
        except (ValueError, KeyError, OverflowError):
            raise bad(f"The duration {value} specified for the standard date filter is invalid.") from None
        return first, after - timedelta(days=1)

    def _days(self, relative: str) -> tuple[date, date]:
        return day_range(_literal(relative), Today(self.today, self.locale))


def _literal(text: str) -> str:
    """The SOQL date literal for a relative text."""
    name = re.sub(r"\s+", "_", text.strip().upper())
    if counted := _COUNTED.fullmatch(name):
        return f"{counted[1]}_N_{counted[3]}S:{counted[2]}"
    if ago := _AGO.fullmatch(name):
        return f"N_{ago[2]}S_AGO:{ago[1]}"
    return name


def standard_day(value: object, column: str, which: str) -> date | None:
    """The start or end day of a CUSTOM standard date filter; none is all time. A time of day counts for nothing."""
    if value is None:
        return None
    try:
        match = _STANDARD_DAY.fullmatch(value) if isinstance(value, str) else None
        day = date.fromisoformat(match[1]) if match else _refuse()
        return day if _YEARS[0] <= day.year <= _YEARS[1] else _refuse()
    except ValueError:
        message = f"The specified {which} date of {column} specified for the standard date filter is invalid."
        raise bad(message) from None


def _refuse() -> date:
    raise ValueError


def duration_groups(calendar: Calendar) -> list[dict[str, object]]:
    """The standardDateFilterDurationGroups of the running user's today."""
    today = calendar.today.isoformat()
    custom = {"endDate": today, "label": "Custom", "startDate": today, "value": CUSTOM}
    groups: list[dict[str, object]] = [{"label": "", "standardDateFilterDurations": [custom]}]
    for label, durations in _GROUPS:
        entries = []
        for value, name in durations.items():
            first, last = calendar.duration(value)
            entry = {
                "endDate": last.isoformat(),
                "label": name,
                "startDate": first.isoformat(),
                "value": value,
            }
            entries.append(entry)
        groups.append({"label": label, "standardDateFilterDurations": entries})
    return groups


def local(text: str, zone: ZoneInfo) -> datetime:
    """A stored moment in a time zone."""
    return parse_stamp(text).astimezone(zone)
