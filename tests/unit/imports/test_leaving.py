"""What is made of people who are no longer in the list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.imports.leaving import (
    HELD_ABOVE_PEOPLE,
    HELD_ABOVE_SHARE,
    Leaving,
    Move,
    is_held,
    likely_reason,
    verdicts_of,
)
from carillon.salesforce.records.fates import Fate, Whereabouts

A, B, C = "003000000000001AAA", "003000000000002AAA", "003000000000003AAA"
numbers = st.integers(0, 2_000_000)


@given(leaving=numbers, stored=numbers)
def test_held_are_more_than_both_limits(leaving: int, stored: int) -> None:
    expected = leaving > HELD_ABOVE_PEOPLE and leaving > HELD_ABOVE_SHARE * stored

    assert is_held(leaving, stored) == expected


@given(leaving=numbers, more=st.integers(0, 1000), stored=numbers)
def test_more_leavers_of_the_same_list_are_never_held_less(leaving: int, more: int, stored: int) -> None:
    assert is_held(leaving + more, stored) >= is_held(leaving, stored)


@pytest.mark.parametrize(
    ("leaving", "stored", "held"),
    [
        (100, 100, False),
        (101, 505, False),
        (101, 504, True),
        (200_000, 1_000_000, False),
        (200_001, 1_000_000, True),
    ],
)
def test_the_limits_themselves_are_not_held(leaving: int, stored: int, held: bool) -> None:
    assert is_held(leaving, stored) is held


@pytest.mark.parametrize(
    ("whereabouts", "absence"),
    [
        (Whereabouts.LIVING, ""),
        (Whereabouts.DELETED, "deleted"),
        (Whereabouts.HIDDEN, "hidden"),
        (Whereabouts.ENDLESS, "hidden"),
    ],
)
def test_a_record_that_stayed_itself_has_its_absence(whereabouts: Whereabouts, absence: str) -> None:
    found = verdicts_of({A: Fate(whereabouts, "Contact", A)})

    assert (found.absences, found.moves) == ({A: absence}, [])


def test_a_record_that_lives_on_moves_with_all_that_led_there() -> None:
    found = verdicts_of({A: Fate(Whereabouts.DELETED, "Contact", C, (A, B))})

    assert (found.absences, found.moves) == ({}, [Move((A, B), "Contact", C, "deleted")])


def test_a_chain_without_an_end_moves_nobody() -> None:
    found = verdicts_of({A: Fate(Whereabouts.ENDLESS, "Contact", B, (A, B))})

    assert (found.absences, found.moves) == ({A: "hidden"}, [])


@pytest.mark.parametrize(
    ("leaving", "setup_changed", "words"),
    [
        (Leaving(living=10, deleted=90), True, "were deleted in Salesforce"),
        (Leaving(living=10, hidden=90), True, "can't see the records any more"),
        (Leaving(living=90, hidden=10), True, "This setup, or the filter of the list, was changed"),
        (Leaving(living=90, hidden=10), False, "outside the list"),
        (Leaving(living=40, hidden=30, deleted=30), False, "usually means"),
        (Leaving(not_asked=100), False, "usually means"),
    ],
)
def test_the_reason_is_what_most_of_them_share(leaving: Leaving, setup_changed: bool, words: str) -> None:
    reason = likely_reason(leaving, stored=400, listed=300, setup_changed=setup_changed)

    assert reason.startswith(
        "100 of the 400 people who were in the list are no longer in it; it holds 300 now."
    )
    assert words in reason
