from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.imports.days import beginning, last_days

ZONES = ["America/New_York", "Australia/Sydney", "Pacific/Chatham", "America/Santiago", "UTC", "Asia/Beirut"]


@pytest.mark.parametrize(
    ("timezone", "last"),
    [
        ("America/New_York", date(2026, 11, 1)),
        ("UTC", date(2026, 11, 2)),
        ("Pacific/Chatham", date(2026, 11, 2)),
    ],
)
def test_today_is_the_zones_own(timezone: str, last: date) -> None:
    days = last_days(timezone, datetime(2026, 11, 2, 3, 30, tzinfo=UTC), 30)

    assert (days[-1], len(days)) == (last, 30)
    assert days[0] == last - timedelta(days=29)


def test_a_day_on_which_clocks_change_is_shorter_or_longer() -> None:
    begins = [beginning(date(2026, 11, day), "America/New_York") for day in (1, 2)]

    assert begins == [datetime(2026, 11, 1, 4, tzinfo=UTC), datetime(2026, 11, 2, 5, tzinfo=UTC)]


def test_a_day_whose_midnight_is_skipped_begins_with_the_change() -> None:
    at = beginning(date(2024, 9, 8), "America/Santiago")

    assert at == datetime(2024, 9, 8, 4, tzinfo=UTC)
    assert (at - timedelta(seconds=1)).astimezone(ZoneInfo("America/Santiago")).date() == date(2024, 9, 7)


def test_a_day_that_a_zone_left_out_is_empty() -> None:
    """Samoa had no December 30 in 2011."""
    assert beginning(date(2011, 12, 30), "Pacific/Apia") == beginning(date(2011, 12, 31), "Pacific/Apia")


@given(
    at=st.integers(946_684_800, 2_051_222_400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    timezone=st.sampled_from(ZONES),
)
def test_a_moment_is_in_the_day_its_zone_says(at: datetime, timezone: str) -> None:
    day = at.astimezone(ZoneInfo(timezone)).date()

    assert beginning(day, timezone) <= at < beginning(day + timedelta(days=1), timezone)
