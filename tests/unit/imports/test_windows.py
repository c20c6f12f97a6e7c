"""When imports start: one start a window and local day in every zone, also where clocks change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.imports import windows
from carillon.imports.windows import EASTERN, WINDOWS, Schedule, Start

# Windows in which clocks change, too: a rule must not hold only because nobody chooses them.
AT_NIGHT = ("00:00-02:00", "01:00-03:00", "02:00-04:00", "02:00-02:30")
CHANGING = (EASTERN, "Australia/Sydney", "Pacific/Chatham", "Australia/Lord_Howe", "Asia/Tehran", "UTC")
ZONES = sorted(available_timezones() - {"localtime", "Factory"})

seeds = st.text(max_size=20)
days = st.dates(date(2000, 1, 1), date(2037, 12, 31))
moments = st.integers(0, 38 * 365 * 24 * 60).map(
    lambda m: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(minutes=m)
)


def schedule(timezone: str = EASTERN, chosen: tuple[str, ...] = WINDOWS, seed: str = "1") -> Schedule:
    return Schedule(timezone, chosen, seed)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def days_of(first: date, count: int) -> list[date]:
    return [first + timedelta(days=number) for number in range(count)]


@given(st.sampled_from(ZONES), days, seeds)
def test_a_start_lies_inside_its_window_on_its_day(timezone: str, day: date, seed: str) -> None:
    for window in WINDOWS:
        start = windows.start_of(schedule(timezone, seed=seed), window, day)

        if start is None:
            assert timezone in ("Pacific/Apia", "Pacific/Fakaofo", "Pacific/Enderbury", "Pacific/Kanton")
            continue
        local = start.at.astimezone(ZoneInfo(timezone))
        begins, minutes = windows.span(window)
        opens = local.replace(hour=begins.hour, minute=begins.minute)
        assert local.date() == day
        assert opens <= local < opens + timedelta(minutes=minutes)


@given(st.sampled_from(CHANGING), st.sampled_from(AT_NIGHT), st.integers(2001, 2036), seeds)
def test_one_start_a_local_day_through_a_year_with_both_clock_changes(
    timezone: str, window: str, year: int, seed: str
) -> None:
    zone = ZoneInfo(timezone)
    begun = datetime(year, 1, 1, tzinfo=zone)

    found = windows.starts_between(
        schedule(timezone, (window,), seed), begun - timedelta(seconds=1), begun.replace(year=year + 1)
    )

    local_days = [start.at.astimezone(zone).date() for start in found if start.day.year == year]
    assert local_days == days_of(date(year, 1, 1), len(local_days))
    assert len(local_days) == (date(year + 1, 1, 1) - date(year, 1, 1)).days


@given(st.sampled_from((EASTERN, "Australia/Sydney", "Pacific/Chatham")), moments, seeds)
def test_next_starts_one_after_another_are_the_starts_between(
    timezone: str, begun: datetime, seed: str
) -> None:
    """What pages show as next is what the scheduler does, over both changes of a year."""
    chosen = schedule(timezone, ("18:00-20:00",), seed)
    until, moment, shown = begun + timedelta(days=200), begun, []
    while (following := windows.next_start(chosen, "18:00-20:00", moment)).at <= until:
        shown.append(following)
        moment = following.at

    assert shown == windows.starts_between(chosen, begun, until)


@given(moments, st.lists(st.integers(1, 4000), max_size=12), st.sampled_from(CHANGING))
def test_however_often_one_looks_every_start_is_due_once(
    begun: datetime, pauses: list[int], timezone: str
) -> None:
    chosen, moment, seen = schedule(timezone), begun, []

    for minutes in pauses:
        later = moment + timedelta(minutes=minutes)
        seen += windows.due(chosen, moment, later)
        moment = later

    assert seen == windows.starts_between(chosen, begun, moment)


def test_a_start_is_due_from_its_minute_on_and_once() -> None:
    chosen = schedule()
    start = windows.next_start(chosen, "06:00-08:00", at("2026-11-02T05:00"))
    before, minute = start.at - timedelta(minutes=1), timedelta(minutes=1)

    assert windows.due(chosen, before, before) == []
    assert windows.due(chosen, before, start.at) == [start]
    assert windows.due(chosen, start.at, start.at + minute) == []
    assert windows.next_start(chosen, "06:00-08:00", start.at).day == start.day + timedelta(days=1)


@pytest.mark.parametrize(
    ("timezone", "day", "window", "expected"),
    [
        # 02:00 to 03:00 does not exist.
        (EASTERN, date(2026, 3, 8), "02:00-02:30", "2026-03-08T07"),
        # 01:00 to 02:00 comes twice: the first of the two, still daylight saving time.
        (EASTERN, date(2026, 11, 1), "01:00-01:30", "2026-11-01T05"),
        ("Australia/Sydney", date(2026, 10, 4), "02:00-02:30", "2026-10-03T16"),
        ("Australia/Sydney", date(2026, 4, 5), "02:00-02:30", "2026-04-04T15"),
        # UTC+12:45 and, in summer, UTC+13:45.
        ("Pacific/Chatham", date(2026, 9, 27), "03:00-03:15", "2026-09-26T14"),
        ("Pacific/Chatham", date(2026, 4, 5), "03:00-03:15", "2026-04-04T13"),
    ],
)
def test_both_clock_changes(timezone: str, day: date, window: str, expected: str) -> None:
    start = windows.start_of(schedule(timezone, (window,)), window, day)

    assert start is not None
    assert start.at.isoformat().startswith(expected)


def test_the_same_wall_clock_time_before_and_after_a_change() -> None:
    chosen = schedule(EASTERN, ("06:00-08:00",))

    starts = windows.starts_between(chosen, at("2026-03-07T00:00"), at("2026-03-09T00:00"))

    saturday, sunday = starts
    assert sunday.at - saturday.at == timedelta(hours=23)


def test_a_day_that_a_zone_left_out_has_no_start() -> None:
    chosen = schedule("Pacific/Apia", ("12:00-14:00",))

    starts = windows.starts_between(chosen, at("2011-12-29T10:00"), at("2012-01-01T09:00"))

    assert [start.day for start in starts] == [date(2011, 12, 29), date(2011, 12, 31), date(2012, 1, 1)]


def test_workspaces_are_spread_over_the_window() -> None:
    minutes = [
        start.at.astimezone(ZoneInfo(EASTERN)).minute + 60 * (start.at.astimezone(ZoneInfo(EASTERN)).hour - 6)
        for number in range(2000)
        if (start := windows.start_of(schedule(seed=str(number)), "06:00-08:00", date(2026, 11, 2)))
    ]

    assert min(minutes) == 0
    assert max(minutes) == 120 - windows.LAST_MINUTES - 1
    assert all(80 < sum(low <= minute < low + 11 for minute in minutes) < 320 for low in range(0, 110, 11))


MORNING = Start("06:00-08:00", date(2026, 11, 2), at("2026-11-02T12:00"))
NOON = Start("12:00-14:00", date(2026, 11, 2), at("2026-11-02T18:00"))
DAY_BEFORE = Start("18:00-20:00", date(2026, 11, 1), at("2026-11-02T00:00"))


@pytest.mark.parametrize(
    ("due", "now", "started", "missed"),
    [
        ([], "2026-11-02T12:00", None, ()),
        ([MORNING], "2026-11-02T12:00", MORNING, ()),
        ([DAY_BEFORE, MORNING, NOON], "2026-11-02T18:00", NOON, (DAY_BEFORE, MORNING)),
        # Late, but today: it is caught up.
        ([DAY_BEFORE, MORNING], "2026-11-03T04:59", MORNING, (DAY_BEFORE,)),
        # Midnight in New York has passed.
        ([DAY_BEFORE, MORNING], "2026-11-03T05:00", None, (DAY_BEFORE, MORNING)),
    ],
)
def test_only_the_latest_of_today_is_caught_up(
    due: list[Start], now: str, started: Start | None, missed: tuple[Start, ...]
) -> None:
    assert windows.decide(due, EASTERN, at(now)) == windows.Decision(started, missed)


def test_what_passed_long_ago_is_not_even_missed() -> None:
    now = at("2026-10-31T12:00")

    due = windows.due(schedule(chosen=("06:00-08:00",)), at("2020-01-01T00:00"), now)

    assert len(due) == 31


def test_a_schedule_promises_an_import_two_hours_after_its_start() -> None:
    chosen, since = schedule(chosen=("06:00-08:00",)), at("2026-11-01T00:00")
    start = windows.next_start(chosen, "06:00-08:00", at("2026-11-02T05:00")).at

    before = windows.promised(chosen, since, start + timedelta(minutes=119))
    after = windows.promised(chosen, since, start + timedelta(minutes=120))

    assert before == start - timedelta(days=1)
    assert after == start


def test_a_new_schedule_has_promised_nothing() -> None:
    since = at("2026-11-02T23:00")

    assert windows.promised(schedule(chosen=("06:00-08:00",)), since, since + timedelta(hours=5)) is None


def test_a_window_ends_at_its_local_time() -> None:
    assert windows.end_of(NOON, EASTERN) == at("2026-11-02T19:00")
