"""When a push is tried again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.consent.delivery import (
    FIRST_WAIT,
    FORGOTTEN_AFTER,
    LONGEST_PAUSE,
    LONGEST_PAUSE_FOR_PEOPLE,
    LONGEST_WAIT,
    NIGHT,
    NIGHT_LASTS,
    Course,
    Earlier,
    Turn,
    after_failure,
    after_refusal,
    after_revert,
    course,
    field_on_account,
    gathering,
    pause_after,
    put_backs,
)
from carillon.salesforce.records.refusals import Kind

jitters = st.floats(0, 1)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
turns = st.builds(Turn, moments, jitters)


@given(attempts=st.integers(1, 10_000), turn=turns)
def test_a_record_is_waited_for_longer_each_time_but_for_ever_and_never_long(
    attempts: int, turn: Turn
) -> None:
    wait = after_failure(attempts, turn) - turn.now

    assert FIRST_WAIT / 2 <= wait <= LONGEST_WAIT
    assert wait <= after_failure(attempts + 1, Turn(turn.now, 1)) - turn.now


@given(failures=st.integers(1, 10_000), turn=turns)
def test_an_org_that_is_back_is_noticed_within_a_minute(failures: int, turn: Turn) -> None:
    assert timedelta(seconds=1) <= pause_after(failures, turn, passes=True) - turn.now <= LONGEST_PAUSE
    assert pause_after(failures, turn, passes=False) - turn.now <= LONGEST_PAUSE_FOR_PEOPLE


@given(turn=turns)
def test_a_refusal_is_tried_again_in_the_next_night(turn: Turn) -> None:
    again = after_refusal(turn)
    night = datetime.combine(again.date(), NIGHT, UTC)

    assert turn.now < again <= turn.now + timedelta(days=1) + NIGHT_LASTS
    assert night <= again <= night + NIGHT_LASTS


def test_what_is_put_back_is_written_twice_more() -> None:
    turn = Turn(datetime(2026, 5, 1, tzinfo=UTC), 0.5)

    assert [after_revert(reverts, turn) is not None for reverts in range(4)] == [True, True, False, False]


AT = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("earlier", "spoken_at", "expected"),
    [
        (None, None, 1),
        (Earlier(AT, 0), None, 1),
        (Earlier(AT, 2), AT, 3),
        (Earlier(AT, 2), AT + timedelta(seconds=1), 1),
        (Earlier(AT + timedelta(days=1) - FORGOTTEN_AFTER, 2), None, 3),
        (Earlier(AT + timedelta(days=1) - FORGOTTEN_AFTER - timedelta(seconds=1), 2), None, 1),
    ],
)
def test_what_is_put_back_is_counted_since_the_last_word_for_a_month(
    earlier: Earlier | None, spoken_at: datetime | None, expected: int
) -> None:
    assert put_backs(earlier, spoken_at, AT + timedelta(days=1)) == expected


@pytest.mark.parametrize(
    ("kind", "object_name", "expected"),
    [
        (Kind.TRANSIENT, "Contact", Course.AGAIN),
        (Kind.GONE, "Lead", Course.FOLLOW),
        (Kind.CONVERTED, "Lead", Course.FOLLOW),
        (Kind.ACCESS, "Contact", Course.ON_ACCOUNT),
        (Kind.ACCESS, "Lead", Course.REFUSED),
        (Kind.VALIDATION, "Contact", Course.REFUSED),
        (Kind.APPROVAL, "Contact", Course.REFUSED),
        (Kind.UNKNOWN, "Contact", Course.REFUSED),
    ],
)
def test_what_to_do_about_a_refusal(kind: Kind, object_name: str, expected: Course) -> None:
    assert course(kind, object_name) is expected


@pytest.mark.parametrize(("taken_lately", "gathers"), [(0, False), (20, False), (50, False), (51, True)])
def test_only_a_storm_is_gathered(taken_lately: int, gathers: bool) -> None:
    assert bool(gathering(taken_lately)) is gathers


@pytest.mark.parametrize(
    ("name", "on_account"),
    [("SMS_Opt_Out__c", "SMS_Opt_Out__pc"), ("HasOptedOutOfEmail", "PersonHasOptedOutOfEmail")],
)
def test_a_contacts_field_on_a_person_account(name: str, on_account: str) -> None:
    assert field_on_account(name) == on_account
