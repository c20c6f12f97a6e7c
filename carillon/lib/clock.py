"""The one place that reads the wall clock; rules get `now` passed in."""

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)
