import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.salesforce.bulk.routes import (
    SET,
    SET_BYTES,
    THRESHOLD,
    VALUE_BYTES,
    Route,
    bulk_calls,
    choose,
    rest_calls,
    set_size,
)


@pytest.mark.parametrize(
    ("count", "route"),
    [
        (0, Route.REST),
        (2_000, Route.REST),
        (16_000, Route.REST),
        (16_001, Route.BULK),
        (1_000_000, Route.BULK),
    ],
)
def test_small_reads_take_pages_and_large_ones_a_job(count: int, route: Route) -> None:
    assert choose(count) is route


@given(st.integers(0, 20_000_000))
def test_the_chosen_way_never_costs_more_calls(count: int) -> None:
    costs = {Route.REST: rest_calls(count), Route.BULK: bulk_calls(count)}

    assert costs[choose(count)] == min(costs.values())


def test_the_threshold_is_where_a_job_begins_to_cost_less() -> None:
    assert rest_calls(THRESHOLD) == bulk_calls(THRESHOLD)
    assert rest_calls(THRESHOLD + 1) > bulk_calls(THRESHOLD + 1)


@given(st.integers(0, 20_000_000), st.integers(1, 2_000))
def test_small_pages_make_a_job_worth_its_calls_earlier(count: int, page: int) -> None:
    costs = {Route.REST: max(1, -(-count // page)), Route.BULK: bulk_calls(count)}

    assert costs[choose(count, page)] == min(costs.values())


@pytest.mark.parametrize(("columns", "records"), [(1, SET), (2, SET), (4, SET), (10, 100_000), (100, 10_000)])
def test_a_set_has_as_many_records_as_memory_allows(columns: int, records: int) -> None:
    assert set_size(columns) == records
    assert set_size(columns) * columns * VALUE_BYTES <= SET_BYTES
