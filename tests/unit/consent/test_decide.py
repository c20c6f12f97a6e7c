"""What a number's consent is: who may say what, and in which order."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.consent.decide import (
    BEFORE_EVERYTHING,
    NOW,
    TIGHTENING,
    UNKNOWN,
    Authority,
    Current,
    Kind,
    RecordView,
    Refusal,
    Says,
    State,
    Statement,
    When,
    decide,
    opting_in,
    review_due,
)

BEGIN = datetime(2026, 5, 4, 12, tzinfo=UTC)


def at(minute: int) -> datetime:
    return BEGIN + timedelta(minutes=minute)


def said(*statements: tuple[Kind, int]) -> State:
    return decide(Current(), [Statement(kind, at(minute)) for kind, minute in statements]).state


OUT, IN = Says.OUT, Says.IN


@pytest.mark.parametrize(
    ("statements", "status", "authority"),
    [
        ([], IN, Authority.SILENCE),
        ([(Kind.PERSON_OUT, 1)], OUT, Authority.PERSON),
        ([(Kind.STAFF_OUT, 1)], OUT, Authority.STAFF),
        ([(Kind.SILENCE_OUT, 1)], OUT, Authority.SILENCE),
        # The person's later word counts.
        ([(Kind.PERSON_OUT, 1), (Kind.PERSON_IN, 2)], IN, Authority.PERSON),
        ([(Kind.PERSON_IN, 1), (Kind.PERSON_OUT, 2)], OUT, Authority.PERSON),
        # Ties fall to opted out.
        ([(Kind.PERSON_OUT, 1), (Kind.PERSON_IN, 1)], OUT, Authority.PERSON),
        ([(Kind.STAFF_OUT, 1), (Kind.STAFF_IN, 1)], OUT, Authority.STAFF),
        # Staff never lift a person's STOP, however late; an admin does.
        ([(Kind.PERSON_OUT, 1), (Kind.STAFF_IN, 9)], OUT, Authority.PERSON),
        ([(Kind.PERSON_OUT, 1), (Kind.LIFTED, 2)], IN, Authority.STAFF),
        ([(Kind.LIFTED, 1), (Kind.PERSON_OUT, 2)], OUT, Authority.PERSON),
        # Staff loosen what staff tightened; a person too.
        ([(Kind.STAFF_OUT, 1), (Kind.STAFF_IN, 2)], IN, Authority.STAFF),
        ([(Kind.STAFF_OUT, 1), (Kind.PERSON_IN, 2)], IN, Authority.PERSON),
        ([(Kind.PERSON_IN, 1), (Kind.STAFF_OUT, 2)], OUT, Authority.STAFF),
        # Silence gives way to whatever was said, whenever that was.
        ([(Kind.STAFF_IN, 1), (Kind.SILENCE_OUT, 2)], IN, Authority.STAFF),
        ([(Kind.SILENCE_OUT, 1), (Kind.SILENCE_IN, 2)], IN, Authority.SILENCE),
        ([(Kind.SILENCE_IN, 1), (Kind.SILENCE_OUT, 2)], OUT, Authority.SILENCE),
        ([(Kind.STAFF_OUT, 1), (Kind.SILENCE_IN, 2)], OUT, Authority.STAFF),
    ],
)
def test_the_status_and_whose_word_it_is(
    statements: list[tuple[Kind, int]], status: Says, authority: Authority
) -> None:
    state = said(*statements)

    assert (state.status, state.authority) == (status, authority)


@pytest.mark.parametrize(
    ("statements", "suppressed"),
    [
        ([(Kind.LIKELY, 1)], True),
        ([(Kind.LIKELY, 1), (Kind.CLEARED, 2)], False),
        ([(Kind.LIKELY, 2), (Kind.CLEARED, 1)], True),
        ([(Kind.LIKELY, 1), (Kind.PERSON_IN, 2)], False),
        ([(Kind.LIKELY, 1), (Kind.LIFTED, 2)], False),
        ([(Kind.LIKELY, 1), (Kind.STAFF_IN, 2)], True),
        ([(Kind.LIKELY, 1), (Kind.PERSON_OUT, 1)], False),
        ([(Kind.LIKELY, 1), (Kind.PERSON_OUT, 1), (Kind.PERSON_IN, 2)], False),
    ],
)
def test_a_likely_opt_out_suppresses_until_somebody_decides(
    statements: list[tuple[Kind, int]], suppressed: bool
) -> None:
    assert said(*statements).is_suppressed is suppressed


statements = st.lists(
    st.builds(Statement, st.sampled_from(Kind), st.integers(0, 6).map(at)), min_size=0, max_size=6
)


@given(statements, st.randoms())
def test_the_order_of_learning_changes_nothing(known: list[Statement], random: object) -> None:
    expected = decide(Current(), known).state
    state = State()
    shuffled = [*known, *known]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for statement in shuffled:
        state = decide(Current(state), [statement]).state

    assert state == expected


@given(statements)
def test_a_stop_is_lifted_by_a_later_start_or_an_admin_only(known: list[Statement]) -> None:
    state = decide(Current(), known).state
    stops = [one.counts_at for one in known if one.kind is Kind.PERSON_OUT]
    lifts = [one.counts_at for one in known if one.kind in (Kind.PERSON_IN, Kind.LIFTED)]

    lifted = bool(lifts) and max(lifts) > max(stops, default=BEFORE_EVERYTHING)
    assert not stops or lifted or state.is_opted_out


@given(statements, st.builds(Statement, st.sampled_from(sorted(TIGHTENING)), st.integers(0, 9).map(at)))
def test_what_tightens_never_loosens(known: list[Statement], more: Statement) -> None:
    before = decide(Current(), known).state

    after = decide(Current(before), [more]).state

    assert after.is_opted_out or not before.is_opted_out
    assert after.is_suppressed or after.is_opted_out or not before.is_suppressed


# When


@pytest.mark.parametrize(
    ("when", "kind", "expected"),
    [
        (NOW, Kind.PERSON_OUT, at(60)),
        (NOW, Kind.PERSON_IN, at(60)),
        (UNKNOWN, Kind.PERSON_OUT, at(60)),
        (UNKNOWN, Kind.STAFF_IN, BEFORE_EVERYTHING),
        (When.at(at(5)), Kind.STAFF_IN, at(5)),
        (When.at(at(999)), Kind.STAFF_IN, at(60)),
        (When.at(at(999)), Kind.STAFF_OUT, at(60)),
        (
            When.on(date(2026, 5, 3), ZoneInfo("America/New_York")),
            Kind.PERSON_OUT,
            datetime(2026, 5, 4, 3, 59, 59, 999999, UTC),
        ),
        (
            When.on(date(2026, 5, 3), ZoneInfo("America/New_York")),
            Kind.STAFF_IN,
            datetime(2026, 5, 3, 4, tzinfo=UTC),
        ),
    ],
)
def test_unknown_times_fall_to_opted_out(when: When, kind: Kind, expected: datetime) -> None:
    assert when.counted(kind, at(60)) == expected


# Weak statements


def weak(kind: Kind, minute: int, *, renews: int | None = None) -> Statement:
    return Statement(kind, at(minute), True, None if renews is None else at(renews))


@pytest.mark.parametrize(
    ("known", "statement", "counts"),
    [
        ([], weak(Kind.STAFF_OUT, 5), True),
        ([(Kind.STAFF_OUT, 1)], weak(Kind.STAFF_OUT, 5), False),
        ([(Kind.PERSON_OUT, 1)], weak(Kind.STAFF_OUT, 5), False),
        ([(Kind.SILENCE_OUT, 1)], weak(Kind.STAFF_OUT, 5), True),
        ([(Kind.PERSON_IN, 1)], weak(Kind.SILENCE_OUT, 5), False),
        ([(Kind.SILENCE_OUT, 1)], weak(Kind.SILENCE_OUT, 5, renews=0), False),
        ([(Kind.SILENCE_OUT, 1)], weak(Kind.SILENCE_OUT, 5, renews=3), True),
        ([(Kind.STAFF_OUT, 1)], weak(Kind.SILENCE_OUT, 5, renews=3), False),
        ([], weak(Kind.SILENCE_IN, 5), False),
        ([(Kind.SILENCE_OUT, 1)], weak(Kind.SILENCE_IN, 5), True),
        ([(Kind.STAFF_OUT, 1)], weak(Kind.SILENCE_IN, 5), False),
    ],
)
def test_first_sight_counts_only_when_it_changes_something(
    known: list[tuple[Kind, int]], statement: Statement, counts: bool
) -> None:
    decision = decide(Current(said(*known)), [statement])

    assert decision.told == ((statement,) if counts else ())


# Pushes


def told(view: RecordView, known: list[tuple[Kind, int]], *more: Statement) -> bool:
    return bool(decide(Current(said(*known), [view]), more).pushes)


STOP, START = Statement(Kind.PERSON_OUT, at(50)), Statement(Kind.PERSON_IN, at(60))


@pytest.mark.parametrize(
    ("view", "known", "more", "expected"),
    [
        (RecordView("r", IN), [], [STOP], True),
        (RecordView("r", OUT), [], [STOP], False),
        (RecordView("r", Says.BLANK), [], [STOP], True),
        (RecordView("r", Says.UNCLEAR), [], [STOP], True),
        (RecordView("r", None), [], [STOP], True),
        # What waits counts, not what is held; what was sent without an answer is unknown.
        (RecordView("r", IN, waiting=OUT), [], [STOP], False),
        (RecordView("r", OUT, waiting=IN), [], [STOP], True),
        (RecordView("r", IN, sent=OUT), [], [STOP], True),
        (RecordView("r", IN, sent=OUT), [(Kind.PERSON_OUT, 1)], [START], True),
        (RecordView("r", IN, sent=IN), [(Kind.PERSON_OUT, 1)], [START], False),
        (RecordView("r", OUT), [(Kind.PERSON_OUT, 1)], [START], True),
        # A record that says nothing is told what is news to it.
        (RecordView("r", Says.BLANK), [(Kind.PERSON_OUT, 1)], [START], True),
        (RecordView("r", Says.BLANK), [(Kind.PERSON_IN, 1)], [], False),
        (RecordView("r", Says.BLANK, is_fresh=True), [(Kind.PERSON_IN, 1)], [], True),
        (RecordView("r", Says.UNCLEAR, is_fresh=True), [(Kind.PERSON_IN, 1)], [], False),
        # And agrees with silence.
        (RecordView("r", Says.BLANK, is_fresh=True), [(Kind.SILENCE_OUT, 1)], [], False),
        (RecordView("r", IN, is_fresh=True), [(Kind.SILENCE_OUT, 1)], [], True),
        # Joining, correcting.
        (RecordView("r", IN, is_fresh=True), [(Kind.PERSON_OUT, 1)], [], True),
        (RecordView("r", IN), [(Kind.PERSON_OUT, 1)], [Statement(Kind.STAFF_IN, at(9))], True),
    ],
)
def test_who_is_told(
    view: RecordView, known: list[tuple[Kind, int]], more: list[Statement], expected: bool
) -> None:
    assert told(view, known, *more) is expected


def test_a_record_against_a_stop_is_a_conflict() -> None:
    decision = decide(Current(said((Kind.PERSON_OUT, 1))), [Statement(Kind.STAFF_IN, at(9))])

    assert (decision.conflict, decision.state.status) == (True, OUT)


# Members


@pytest.mark.parametrize(
    ("known", "is_admin", "reason", "expected"),
    [
        ([], True, "why", Refusal.NOT_OPTED_OUT),
        ([(Kind.STAFF_OUT, 1)], False, "", Kind.STAFF_IN),
        ([(Kind.STAFF_OUT, 1)], True, "", Kind.STAFF_IN),
        ([(Kind.PERSON_OUT, 1)], False, "why", Refusal.NEEDS_ADMIN),
        ([(Kind.PERSON_OUT, 1)], True, " ", Refusal.NEEDS_REASON),
        ([(Kind.PERSON_OUT, 1)], True, "why", Kind.LIFTED),
        ([(Kind.PERSON_OUT, 1), (Kind.STAFF_OUT, 2)], False, "why", Refusal.NEEDS_ADMIN),
        ([(Kind.PERSON_OUT, 1), (Kind.PERSON_IN, 2), (Kind.STAFF_OUT, 3)], False, "", Kind.STAFF_IN),
        ([(Kind.SILENCE_OUT, 1)], False, "why", Refusal.NEEDS_ADMIN),
        ([(Kind.SILENCE_OUT, 1)], True, "", Kind.STAFF_IN),
        ([(Kind.SILENCE_OUT, 1), (Kind.STAFF_OUT, 2)], False, "", Kind.STAFF_IN),
    ],
)
def test_who_may_opt_back_in(
    known: list[tuple[Kind, int]], is_admin: bool, reason: str, expected: Kind | Refusal
) -> None:
    assert opting_in(said(*known), is_admin=is_admin, reason=reason) is expected


@given(statements, st.booleans(), st.sampled_from(["", "why"]))
def test_what_a_member_may_do_opts_in(known: list[Statement], is_admin: bool, reason: str) -> None:
    state = decide(Current(), known).state

    kind = opting_in(state, is_admin=is_admin, reason=reason)

    if isinstance(kind, Kind):
        assert not decide(Current(state), [Statement(kind, at(99))]).state.is_opted_out
        assert kind is Kind.STAFF_IN or (is_admin and reason)


@pytest.mark.parametrize("begin", [datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 9, 20, tzinfo=UTC)])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Chatham", "Pacific/Pago_Pago"])
def test_a_review_ends_within_ten_business_days_also_when_clocks_change(zone: str, begin: datetime) -> None:
    for received in (begin + timedelta(minutes=30 * n) for n in range(14 * 48)):
        first = received.astimezone(ZoneInfo(zone)).date()
        last = review_due(received).astimezone(ZoneInfo(zone)).date()

        counted = sum((first + timedelta(days=n)).weekday() < 5 for n in range(1, (last - first).days + 1))
        assert 8 <= counted <= 10, (zone, received)


def test_a_review_of_a_working_day_ends_on_the_tenth_after_it() -> None:
    tuesday = datetime(2026, 3, 3, 15, tzinfo=UTC)

    assert review_due(tuesday) == tuesday + timedelta(days=14, hours=-1)


@pytest.mark.parametrize(
    ("known", "since"),
    [
        ([], None),
        ([(Kind.STAFF_OUT, 1), (Kind.PERSON_OUT, 2)], 2),
        ([(Kind.STAFF_OUT, 3)], 3),
        ([(Kind.SILENCE_OUT, 4)], 4),
        ([(Kind.STAFF_OUT, 1), (Kind.STAFF_IN, 2), (Kind.PERSON_IN, 5)], 5),
    ],
)
def test_since_when(known: list[tuple[Kind, int]], since: int | None) -> None:
    assert said(*known).since == (None if since is None else at(since))
