"""What imports may spend: never past the reserve, never past the cap without leave, and what one will take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.imports import budget_words
from carillon.imports.budget import (
    AHEAD,
    Budget,
    Limit,
    Measured,
    Shortage,
    Spent,
    affordable,
    cap_in_calls,
    forecast,
    forecast_a_day,
    may_go_on,
    may_start,
    measured,
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
kinds = st.sampled_from(
    ["query", "query_more", "describe", "list_view", "bulk_create", "bulk_results", "gone"]
)
spendings = st.builds(
    Spent,
    everything=st.booleans(),
    calls=st.dictionaries(kinds, st.integers(1, 5_000)),
    received=calls,
    listed=calls,
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


@given(calls, calls, budgets)
def test_what_nobody_asked_for_gives_way_to_what_is_kept(needed: int, kept: int, budget: Budget) -> None:
    if affordable(needed, budget, kept=kept):
        assert may_start(needed, budget) is None
        assert may_start(kept, budget) is None


@given(st.booleans(), calls, st.lists(spendings, max_size=6), calls)
def test_a_forecast_is_of_one_call_at_least(
    everything: bool, members: int, past: list[Spent], received: int
) -> None:
    found = measured(past)

    assert forecast(everything=everything, members=members, measured=found, received=received) >= 1
    assert 1 <= found.read_page <= 2_000
    assert 1 <= found.sweep_page <= 2_000
    assert 0 <= found.changes_share <= 1


@given(calls, calls, st.booleans())
def test_a_longer_list_never_costs_less(one: int, other: int, everything: bool) -> None:
    short, long = sorted((one, other))

    assert forecast(everything=everything, members=short, measured=Measured()) <= forecast(
        everything=everything, members=long, measured=Measured()
    )


@pytest.mark.parametrize(
    ("everything", "members", "received", "expected"),
    [
        (True, 1_000_000, 0, 500 + 3),
        (True, 0, 0, 1 + 3),
        (True, 4_100, 0, 3 + 3),
        # What is left, and then the sweep of the whole list.
        (True, 1_000_000, 400_000, 300 + 500 + 3),
        # One in a hundred changed.
        (False, 1_000_000, 0, 5 + 500 + 3),
        (False, 10_000, 0, 1 + 5 + 3),
    ],
)
def test_a_list_that_was_never_imported_is_reckoned_by_the_documented_page(
    everything: bool, members: int, received: int, expected: int
) -> None:
    assert (
        forecast(everything=everything, members=members, measured=Measured(), received=received) == expected
    )


def test_a_day_is_as_many_imports_of_changes_as_it_has_windows() -> None:
    once = forecast(everything=False, members=50_000, measured=Measured())

    assert [forecast_a_day(windows, 50_000, Measured()) for windows in (0, 1, 3)] == [0, once, 3 * once]


@pytest.mark.parametrize("page", [200, 500, 1_000, 2_000])
@pytest.mark.parametrize("members", [2_001, 4_100, 30_000, 999_999])
def test_the_size_of_pages_is_measured(page: int, members: int) -> None:
    """Imports of everything and of no changes, through an org that hands out pages of that size."""
    pages = -(-members // page)
    past = [
        Spent(True, {"describe": 1, "list_view": 1, "query": 1, "query_more": pages - 1}, members, members),
        Spent(False, {"describe": 1, "list_view": 1, "query": 2, "query_more": pages - 1}, 0, members),
    ]

    found = measured(past)

    assert forecast(everything=True, members=members, measured=found) == pytest.approx(pages + 2, rel=0.2)
    assert forecast(everything=False, members=members, measured=found) == pytest.approx(pages + 3, rel=0.2)
    assert found.few == 2


def test_the_share_of_changes_is_measured() -> None:
    past = [Spent(False, {"query": 2}, received, 1_000) for received in (0, 40, 80)]

    assert measured(past).changes_share == 0.04


def test_bulk_jobs_are_reckoned_where_they_are_used() -> None:
    past = [
        Spent(True, {"describe": 1, "bulk_create": 1, "bulk_poll": 4, "bulk_results": 2}, 300_000, 300_000)
    ]

    found = measured(past)

    assert found.by_bulk
    assert forecast(everything=True, members=1_000_000, measured=found) < 20
    assert forecast(everything=True, members=10_000, measured=found) == 5 + 1


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
