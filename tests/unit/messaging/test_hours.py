"""When somebody may be texted, by the clock where they are."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from carillon.lib.phones import time_zones
from carillon.messaging.hours import EASTERN, Hours, may_be_texted_from

DAY = Hours(8, 21)
NAMES = ["America/New_York", "America/Los_Angeles", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Cairo"]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "at", "opens"),
    [
        # 12:59, 13:00 and 01:59 of New York in winter; an hour earlier in summer.
        ("+12125550001", "2026-01-15 12:59", "2026-01-15 13:00"),
        ("+12125550001", "2026-01-15 13:00", "2026-01-15 13:00"),
        ("+12125550001", "2026-01-16 01:59", "2026-01-16 01:59"),
        ("+12125550001", "2026-01-16 02:00", "2026-01-16 13:00"),
        ("+12125550001", "2026-07-15 12:30", "2026-07-15 12:30"),
        ("+12125550001", "2026-07-15 11:59", "2026-07-15 12:00"),
        # The nights in which clocks change.
        ("+12125550001", "2026-03-08 04:00", "2026-03-08 12:00"),
        ("+12125550001", "2026-11-01 04:00", "2026-11-01 13:00"),
        # Honolulu, London, São Paulo.
        ("+18085550000", "2026-01-15 13:00", "2026-01-15 18:00"),
        ("+447911123456", "2026-07-15 06:00", "2026-07-15 07:00"),
        ("+5511987654321", "2026-07-15 06:00", "2026-07-15 11:00"),
        # Several zones: Kamchatka closes nine hours before Moscow, and Moscow opens later.
        ("+79161234567", "2026-01-15 04:00", "2026-01-15 06:00"),
        ("+79161234567", "2026-01-15 10:00", "2026-01-16 06:00"),
        # Everywhere from Bermuda to Guam; and nowhere, which counts as Eastern time.
        ("+18005551212", "2026-01-15 12:00", "2026-01-15 22:00"),
        ("+19995550000", "2026-01-15 12:00", "2026-01-15 13:00"),
    ],
)
def test_the_hours_are_those_of_the_number(number: str, at: str, opens: str) -> None:
    zones = [ZoneInfo(name) for name in time_zones(number)]

    assert may_be_texted_from(moment(at), zones, DAY) == moment(opens)


def test_zones_whose_hours_never_meet_count_as_eastern_time() -> None:
    zones = [ZoneInfo("Pacific/Honolulu"), ZoneInfo("Europe/Rome")]

    assert may_be_texted_from(moment("2026-01-15 12:00"), zones, Hours(9, 12)) == moment("2026-01-15 14:00")


def test_the_whole_day_is_always_open() -> None:
    at = moment("2026-01-15 04:00")

    assert may_be_texted_from(at, [EASTERN], Hours(0, 24)) == at


def is_open(at: datetime, names: list[str], hours: Hours) -> bool:
    return all(hours.begin <= at.astimezone(ZoneInfo(name)).hour < hours.end for name in names)


@given(
    at=st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds
    names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=2),
    hours=st.tuples(st.integers(0, 23), st.integers(1, 24)).filter(lambda pair: pair[0] < pair[1]),
)
@example(at=moment("2026-03-08 05:00"), names=["America/New_York"], hours=(2, 3))
@example(at=moment("2026-11-01 05:59"), names=["America/New_York"], hours=(1, 2))
def test_it_is_within_the_hours_and_no_earlier_moment_is(
    at: datetime, names: list[str], hours: tuple[int, int]
) -> None:
    wanted = Hours(*hours)

    found = may_be_texted_from(at, [ZoneInfo(name) for name in names], wanted)

    assert found >= at
    if is_open(found, names, wanted):
        quarters = range(int((found - at) / timedelta(minutes=15)))
        assert not any(is_open(at + step * timedelta(minutes=15), names, wanted) for step in quarters)
    else:
        assert len(set(names)) == 2
        assert is_open(found, ["America/New_York"], wanted) or wanted.end - wanted.begin < 3
