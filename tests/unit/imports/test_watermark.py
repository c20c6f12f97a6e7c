"""Where a read goes on after it was killed, and where the next run starts."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.imports.watermark import (
    BEFORE_ALL_IDS,
    OVERLAP,
    Key,
    advance,
    effective_start,
    next_watermark,
    since,
    stamps_due,
)

ASKED = datetime(2026, 5, 1, 12, 0, 30, 400_000, tzinfo=UTC)


def key(second: int, record_id: str = "003A") -> Key:
    """A record stamped so many seconds before or after the query was asked."""
    at = ASKED + timedelta(seconds=second)
    return Key(at.strftime("%Y-%m-%dT%H:%M:%S.000+0000"), record_id)


keys = st.builds(key, st.integers(-100, 100), st.sampled_from(["003A", "003B", "003C"]))


@pytest.mark.parametrize(
    ("cursor", "read", "expected"),
    [
        (None, [], None),
        (key(-9), [], key(-9)),
        (None, [key(-9), key(-5)], key(-5)),
        (key(-9), [key(-5, "003B"), key(-5, "003A")], key(-5, "003B")),
        (None, [key(-9), key(0)], key(-9)),
        (None, [key(-9), key(7), key(-5)], key(-5)),
        (None, [key(0), key(1)], None),
        (key(-5), [key(-9), key(3)], key(-5)),
        (None, [key(-1), Key("2026-05-01T12:00:30.399+0000", "003A")], key(-1)),
        (None, [Key("2026-05-01T12:00:29.999Z", "003A")], Key("2026-05-01T12:00:29.999Z", "003A")),
    ],
)
def test_the_cursor_is_the_last_key_older_than_the_query(
    cursor: Key | None, read: list[Key], expected: Key | None
) -> None:
    assert advance(cursor, read, ASKED) == expected


def test_the_clock_of_the_query_is_compared_in_utc() -> None:
    eastern = ASKED.astimezone(timezone(timedelta(hours=-4)))

    assert advance(None, [key(-1), key(1)], eastern) == key(-1)


@given(cursor=st.none() | keys, read=st.lists(keys))
def test_the_cursor_never_goes_back_nor_to_the_second_of_the_query(
    cursor: Key | None, read: list[Key]
) -> None:
    moved = advance(cursor, read, ASKED)

    settled = [found for found in read if found.stamp < "2026-05-01T12:00:30"]
    assert moved == max([*settled, *([cursor] if cursor else [])], default=None)
    assert cursor is None or (moved is not None and moved >= cursor)
    assert moved == cursor or (moved is not None and moved.stamp < key(0).stamp)


def test_a_read_goes_on_after_a_key_within_its_stamp_by_id() -> None:
    after = Key("2026-05-01T07:25:37.000+0000", "003A'").after

    assert after == (
        "(SystemModstamp > 2026-05-01T07:25:37Z OR (SystemModstamp = 2026-05-01T07:25:37Z AND Id > '003A\\''))"
    )


def test_a_stamp_with_milliseconds_keeps_them() -> None:
    assert Key("2026-05-01T07:25:37.120+0000", "003A").after.count("2026-05-01T07:25:37.120Z") == 2


def test_the_next_run_looks_back_twenty_minutes_before_this_one() -> None:
    assert timedelta(minutes=20) == OVERLAP
    assert next_watermark(ASKED, None) == ASKED - timedelta(minutes=20)


moments = st.integers(-(10**7), 10**7).map(lambda seconds: ASKED + timedelta(seconds=seconds))


@given(clock=moments, previous=st.none() | moments)
def test_the_watermark_never_goes_back(clock: datetime, previous: datetime | None) -> None:
    watermark = next_watermark(clock, previous)

    if previous is None or previous <= clock - timedelta(minutes=20):
        assert watermark == clock - timedelta(minutes=20)
    else:
        assert watermark == previous


@given(clock=moments, minutes=st.integers(0, 10))
def test_a_change_committed_ten_minutes_after_its_stamp_is_in_the_next_run(
    clock: datetime, minutes: int
) -> None:
    stamp = clock - timedelta(minutes=minutes)

    condition = since(next_watermark(clock, None))

    start = re.fullmatch(r"SystemModstamp >= (\S+)", condition)
    assert start is not None
    assert datetime.fromisoformat(start[1]) <= stamp


NOT_YET = "Everything is read, because this setup has not been imported in full yet."


@pytest.mark.parametrize(
    ("mode", "watermark", "imported", "start", "reason"),
    [
        ("changes", ASKED, "same", ASKED, ""),
        ("changes", None, "same", None, NOT_YET),
        ("changes", ASKED, "", None, "changed since"),
        ("changes", None, "", None, NOT_YET),
        ("changes", ASKED, "other", None, "changed since"),
        ("everything", ASKED, "same", None, ""),
        ("everything", ASKED, "other", None, ""),
        ("everything", None, "", None, ""),
    ],
)
def test_changes_are_read_only_since_a_full_import_of_the_same_setup(
    mode: str, watermark: datetime | None, imported: str, start: datetime | None, reason: str
) -> None:
    found, why = effective_start(mode, watermark, imported, "same")

    assert found == start
    assert reason in why
    assert bool(why) is bool(reason)


def test_a_place_whose_id_was_erased_begins_with_its_stamp() -> None:
    assert (
        Key("2026-05-01T07:25:37.000+0000", BEFORE_ALL_IDS).after == "SystemModstamp >= 2026-05-01T07:25:37Z"
    )


@pytest.mark.parametrize(
    ("swept", "now", "timezone", "due"),
    [
        (None, "2026-05-01T12:00", "UTC", True),
        ("2026-05-01T00:00", "2026-05-01T23:59", "UTC", False),
        ("2026-05-01T23:59", "2026-05-02T00:00", "UTC", True),
        # 23:30 and 00:30 in New York; in London both are the same day.
        ("2026-05-02T03:30", "2026-05-02T04:30", "America/New_York", True),
        ("2026-05-02T03:30", "2026-05-02T04:30", "Europe/London", False),
        # The day on which clocks go back has 25 hours.
        ("2026-11-01T04:30", "2026-11-02T04:30", "America/New_York", False),
        # A clock of the org that was set back is no reason to wait.
        ("2026-05-03T12:00", "2026-05-02T12:00", "UTC", True),
    ],
)
def test_stamps_are_swept_once_a_day_of_the_setups_zone(
    swept: str | None, now: str, timezone: str, due: bool
) -> None:
    swept_at = datetime.fromisoformat(swept).replace(tzinfo=UTC) if swept else None

    assert stamps_due(swept_at, datetime.fromisoformat(now).replace(tzinfo=UTC), timezone) is due
