"""What imports may spend: never past the reserve, and never past the cap without leave."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.imports import budget_words
from carillon.imports.budget import (
    AHEAD,
    Budget,
    Limit,
    Shortage,
    cap_in_calls,
    may_go_on,
    may_start,
)

calls = st.integers(0, 2_000_000)
unknown_or = st.none() | calls
budgets = st.builds(
    Budget,
    used=calls,
    cap=unknown_or,
    org_left=unknown_or,
    reserve=st.integers(0, 10_000),
    beside=st.integers(0, 3),
)


@given(calls, budgets, st.booleans())
def test_what_may_start_leaves_the_reserve(needed: int, budget: Budget, past_cap: bool) -> None:
    if may_start(needed, budget, past_cap=past_cap) is None and needed and budget.org_left is not None:
        assert budget.org_left - needed >= budget.reserve


@given(calls, budgets)
def test_an_import_is_postponed_exactly_when_a_limit_has_less_room_than_it_takes(
    needed: int, budget: Budget
) -> None:
    ahead = AHEAD * budget.beside
    over_cap = budget.cap is not None and needed > max(0, budget.cap - budget.used - ahead)
    into_reserve = budget.org_left is not None and needed > max(0, budget.org_left - budget.reserve - ahead)

    assert (may_start(needed, budget) is not None) == (over_cap or into_reserve)


@given(calls, budgets)
def test_with_leave_only_the_reserve_holds(needed: int, budget: Budget) -> None:
    shortage = may_start(needed, budget, past_cap=True)

    assert shortage is None or shortage.limit == Limit.RESERVE


@given(st.integers(1, 60), st.integers(0, 60), st.integers(1, 60), st.integers(0, 20))
def test_an_import_asked_call_by_call_ends_at_the_limits(
    cap: int, used: int, org_left: int, reserve: int
) -> None:
    made = 0
    while may_go_on(Budget(used + made, cap, org_left - made, reserve)) is None:
        made += 1

    assert made == max(0, min(cap - used, org_left - reserve))


@given(budgets)
def test_what_is_not_known_does_not_restrict(budget: Budget) -> None:
    if budget.cap is None and budget.org_left is None:
        assert (budget.room(), may_start(10**9, budget)) == (None, None)


@pytest.mark.parametrize(
    ("percent", "number", "limit", "expected"),
    [(20, None, 100_000, 20_000), (20, None, None, None), (None, 300, None, 300), (1, None, 99, 0)],
)
def test_the_cap_is_a_share_or_a_number(
    percent: int | None, number: int | None, limit: int | None, expected: int | None
) -> None:
    assert cap_in_calls(percent, number, limit) == expected


def test_another_import_under_way_keeps_room_for_its_pages() -> None:
    alone, beside = (Budget(90, 100, None, 500, beside=others) for others in (0, 1))

    assert (alone.room(), beside.room()) == (10, 10 - AHEAD)


def test_the_words_name_the_limit_and_the_room() -> None:
    budget = Budget(2_900, 3_000, 480, 500)

    cap = budget_words.too_little(530, Shortage(Limit.CAP, 100), budget)
    reserve = budget_words.spent(Shortage(Limit.RESERVE, 0), budget)

    assert cap == (
        "It would take about 530 API calls, but of the 3,000 API calls that imports may use in 24 hours (the cap) 100"
        " are left."
    )
    assert "the org has 480 API calls left in its 24 hours, and 500 of them are kept for opt-outs" in reserve
