"""Hours within which somebody may be texted, on the clock where they are. Pure.

Where that is, only the number tells, and it may name several time zones: then it must be within the hours in each. Where
it names none, or zones whose hours never meet, Eastern time counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True)
class Hours:
    """From `begin` o'clock until before `end` o'clock; 24 is the end of the day."""

    begin: int
    end: int


def may_be_texted_from(at: datetime, zones: Sequence[tzinfo], hours: Hours) -> datetime:
    """The first moment from `at` on that is within the hours: `at` itself when it is."""
    moment = at
    while zones and moment <= at + timedelta(days=2):
        latest = max(_within(moment, zone, hours) for zone in zones)
        if latest == moment:
            return moment
        moment = latest
    return _within(at, EASTERN, hours)


def _within(at: datetime, zone: tzinfo, hours: Hours) -> datetime:
    local = at.astimezone(zone)
    if hours.begin <= local.hour < hours.end:
        return at
    day = local.date() + timedelta(days=1 if local.hour >= hours.end else 0)
    return datetime.combine(day, time(hours.begin), zone).astimezone(UTC)
