"""The days of a time zone as moments. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def last_days(timezone: str, now: datetime, number: int) -> list[date]:
    """So many local days, the earliest first; the last one is today's."""
    today = now.astimezone(ZoneInfo(timezone)).date()
    return [today - timedelta(days=back) for back in reversed(range(number))]


def beginning(day: date, timezone: str) -> datetime:
    """When a local day begins, in UTC. Where a clock change skips midnight that is the moment of the change; a day
    that a zone left out begins when the next one does."""
    return datetime.combine(day, time(), tzinfo=ZoneInfo(timezone)).astimezone(UTC)
