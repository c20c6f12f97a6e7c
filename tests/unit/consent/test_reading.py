"""What values say, and when a record speaks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.consent.decide import UNKNOWN, Kind, Says, When
from carillon.consent.reading import FieldKind, Heard, Held, Mapping, Seen, Speech, listen

BEGIN = datetime(2026, 5, 4, 12, tzinfo=UTC)
OUT, IN, BLANK, UNCLEAR = Says.OUT, Says.IN, Says.BLANK, Says.UNCLEAR


def at(minute: int) -> datetime:
    return BEGIN + timedelta(minutes=minute)


OUT_BOX = Mapping(1, BEGIN, FieldKind.CHECKBOX, unchecked_means_opted_in=True)
IN_BOX = Mapping(1, BEGIN, FieldKind.CHECKBOX, unchecked_means_opted_in=False)
LIST = Mapping(1, BEGIN, FieldKind.PICKLIST, opted_in_value="Yes", opted_out_value="No")
LIST_OR_EMPTY = replace(LIST, empty_means_opted_in=True)
MAPPINGS = [OUT_BOX, IN_BOX, LIST, LIST_OR_EMPTY]


@pytest.mark.parametrize(
    ("mapping", "value", "says"),
    [
        (OUT_BOX, False, IN),
        (OUT_BOX, True, OUT),
        (IN_BOX, False, OUT),
        (IN_BOX, True, IN),
        (OUT_BOX, None, UNCLEAR),
        (OUT_BOX, "true", UNCLEAR),
        (LIST, "Yes", IN),
        (LIST, "No", OUT),
        (LIST, None, BLANK),
        (LIST, "", BLANK),
        (LIST, "yes", UNCLEAR),
        (LIST, "Maybe", UNCLEAR),
        (LIST, True, UNCLEAR),
        (LIST_OR_EMPTY, None, IN),
        (LIST_OR_EMPTY, "", IN),
        (LIST_OR_EMPTY, "Maybe", UNCLEAR),
    ],
)
def test_what_a_value_says(mapping: Mapping, value: str | bool | None, says: Says) -> None:
    assert mapping.says(value) is says


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("status", [IN, OUT])
def test_what_a_push_writes_says_what_it_carries(mapping: Mapping, status: Says) -> None:
    assert mapping.says(mapping.value_for(status)) is status


def held(says: Says, *, stamp: int = 0, **more: object) -> Held:
    return replace(Held(says, 1, at(stamp)), **more)  # type: ignore[arg-type]


def seen(value: str | None, *, stamp: int = 10, by_us: bool = False) -> Seen:
    return Seen(value, at(stamp), at(stamp), by_us)


@pytest.mark.parametrize(
    ("known", "now", "heard"),
    [
        (None, seen("No"), Heard.FIRST_SIGHT),
        (held(IN), seen("No"), Heard.SPOKE),
        (held(OUT), seen("Yes"), Heard.SPOKE),
        (held(OUT), seen("No"), Heard.SILENT),
        (held(BLANK), seen("Yes"), Heard.SPOKE),
        # A blank, or a value that is neither, says nothing.
        (held(OUT), seen(None), Heard.SILENT),
        (held(OUT), seen("Maybe"), Heard.SILENT),
        # Pages older than what is known.
        (held(IN, stamp=20), seen("No"), Heard.STALE),
        (held(OUT, stamp=20), seen("Yes"), Heard.STALE),
        # The second of the acknowledgement: only an opt-out is believed.
        (held(OUT, stamp=10, acknowledged_at=at(10)), seen("Yes"), Heard.STALE),
        (held(IN, stamp=10, acknowledged_at=at(10)), seen("No"), Heard.SPOKE),
        (held(OUT, stamp=10), seen("Yes"), Heard.SPOKE),
        # An opt-out that we wrote in that second, too: a page read between it and the opt-in after it.
        (held(IN, stamp=10, acknowledged_at=at(10)), seen("No", by_us=True), Heard.STALE),
        # What waits is not undone; an opt-out tightens all the same.
        (held(IN, waiting=OUT), seen("Yes"), Heard.SILENT),
        (held(BLANK, waiting=OUT), seen("Yes"), Heard.STALE),
        (held(IN, waiting=IN), seen("No"), Heard.SPOKE),
        # What we sent comes back.
        (held(IN, sent=OUT, waiting=IN), seen("No"), Heard.STALE),
        # Unless others saved it last, as the org says right before the opt-in is written.
        (held(IN, sent=OUT, waiting=IN), replace(seen("No"), by_others=True), Heard.SPOKE),
        (held(IN, sent=OUT, waiting=OUT), replace(seen("No"), by_others=True), Heard.STALE),
        (held(IN, sent=IN, waiting=IN), seen("No", by_us=True), Heard.STALE),
        (held(IN, sent=IN, waiting=IN), seen("No"), Heard.SPOKE),
        # Not staff.
        (held(OUT), seen("Yes", by_us=True), Heard.SILENT),
        (held(OUT, is_merged=True), seen("Yes"), Heard.SILENT),
        (held(IN), seen("No", by_us=True), Heard.SPOKE),
        (held(IN, is_merged=True), seen("No"), Heard.SPOKE),
        # Another mapping.
        (held(OUT, version=7), seen("No"), Heard.FIRST_SIGHT_AGAIN),
        (held(OUT, version=7, stamp=20), seen("No"), Heard.STALE),
    ],
)
def test_when_a_record_speaks(known: Held | None, now: Seen, heard: Heard) -> None:
    assert listen(known, now, LIST).heard is heard


@pytest.mark.parametrize(
    ("speech", "statement"),
    [
        (Speech(Heard.SPOKE, OUT, at(5)), (Kind.STAFF_OUT, UNKNOWN, False)),
        (Speech(Heard.SPOKE, IN, at(5)), (Kind.STAFF_IN, When.at(at(5)), False)),
        (
            Speech(Heard.SPOKE, IN, at(5), at(7)),
            (Kind.STAFF_IN, When.at(at(7) + timedelta(microseconds=1)), False),
        ),
        (Speech(Heard.FIRST_SIGHT, OUT, at(5)), (Kind.STAFF_OUT, UNKNOWN, True)),
        (Speech(Heard.FIRST_SIGHT, BLANK, at(5)), (Kind.SILENCE_OUT, UNKNOWN, True)),
        (Speech(Heard.FIRST_SIGHT, UNCLEAR, at(5)), (Kind.SILENCE_OUT, UNKNOWN, True)),
        (Speech(Heard.FIRST_SIGHT, IN, at(5)), None),
        (Speech(Heard.FIRST_SIGHT_AGAIN, IN, at(5)), (Kind.SILENCE_IN, When.at(BEGIN), True)),
        (Speech(Heard.FIRST_SIGHT_AGAIN, OUT, at(5)), (Kind.STAFF_OUT, UNKNOWN, True)),
        (Speech(Heard.SILENT, OUT, at(5)), None),
        (Speech(Heard.STALE, OUT, at(5)), None),
    ],
)
def test_what_is_said_of_the_number(speech: Speech, statement: tuple[Kind, When, bool] | None) -> None:
    assert speech.statement(LIST) == statement


says = st.sampled_from([IN, OUT, BLANK, UNCLEAR])
statuses = st.none() | st.sampled_from([IN, OUT])
helds = st.builds(
    Held,
    says,
    st.sampled_from([1, 2]),
    st.integers(0, 5).map(at),
    st.none() | st.integers(0, 5).map(at),
    st.none(),
    statuses,
    statuses,
    st.booleans(),
)
sights = st.builds(
    Seen, st.sampled_from(["Yes", "No", None, "Maybe"]), st.integers(0, 6).map(at), st.none(), st.booleans()
)


@given(helds, sights, st.sampled_from([LIST, LIST_OR_EMPTY]))
def test_no_record_loosens_unless_somebody_else_changed_it_since(
    known: Held, now: Seen, mapping: Mapping
) -> None:
    speech = listen(known, now, mapping)

    if speech.heard is Heard.SPOKE and speech.says is IN:
        assert not now.by_us
        assert not known.is_merged
        assert known.waiting is not OUT
        assert known.says is not IN
        assert now.stamp >= known.stamp
        assert known.acknowledged_at is None or now.stamp != known.acknowledged_at


@given(helds, sights)
def test_an_opt_out_is_heard_unless_it_is_old_or_our_own(known: Held, now: Seen) -> None:
    speech = listen(known, now, LIST)

    old = now.stamp < known.stamp
    ours = now.by_us and (known.sent or now.stamp == known.acknowledged_at)
    if LIST.says(now.value) is OUT and known.says is not OUT and known.sent is not OUT and not (old or ours):
        assert speech.statement(LIST) is not None
