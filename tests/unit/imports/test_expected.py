"""What an import will take: reckoned as the readers read, by what finished imports showed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.imports.expected import (
    LIST_VIEW,
    USUAL_FEW,
    Measured,
    Source,
    Spent,
    forecast,
    forecast_a_day,
    measured,
    source_of,
)
from carillon.imports.plan import BY_IDS, REPORT_ONLY
from carillon.salesforce.bulk import routes

BY_PAGES = Measured(by_bulk=False)
calls = st.integers(0, 2_000_000)
sources = st.builds(
    Source, way=st.sampled_from(["", BY_IDS, REPORT_ONLY]), columns=st.integers(4, 40), related=st.booleans()
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


@given(sources, st.booleans(), calls, st.lists(spendings, max_size=6), calls)
def test_a_forecast_is_of_one_call_at_least(
    source: Source, everything: bool, members: int, past: list[Spent], received: int
) -> None:
    found = measured(past, source)

    assert forecast(source, everything=everything, members=members, measured=found, received=received) >= 1
    assert 1 <= found.read_page <= 2_000
    assert 1 <= found.sweep_page <= 2_000
    assert 0 <= found.changes_share <= 1


@given(sources, calls, calls, st.booleans(), st.booleans())
def test_a_longer_source_never_costs_less(
    source: Source, one: int, other: int, everything: bool, by_bulk: bool
) -> None:
    short, long = (
        forecast(source, everything=everything, members=members, measured=Measured(by_bulk=by_bulk))
        for members in sorted((one, other))
    )

    assert short <= long


@given(st.integers(1, 40), calls, st.booleans(), st.integers(200, 2_000))
def test_a_list_is_reckoned_by_jobs_only_where_they_cost_no_more(
    columns: int, members: int, everything: bool, page: int
) -> None:
    by_jobs, by_pages = (
        forecast(
            Source("", columns),
            everything=everything,
            members=members,
            measured=Measured(read_page=page, sweep_page=page, by_bulk=by_bulk),
        )
        for by_bulk in (True, False)
    )

    assert by_jobs <= by_pages
    if routes.choose(members, page) is routes.Route.REST:
        assert by_jobs == by_pages


@pytest.mark.parametrize(
    ("everything", "members", "received", "expected"),
    [
        (True, 1_000_000, 0, 500),
        (True, 0, 0, 1),
        (True, 4_100, 0, 3),
        # What is left, and then the sweep of the whole list.
        (True, 1_000_000, 400_000, 300 + 500),
        # One in a hundred changed.
        (False, 1_000_000, 0, 5 + 500),
        (False, 10_000, 0, 1 + 5),
    ],
)
def test_a_list_that_was_never_imported_is_reckoned_by_the_documented_page(
    everything: bool, members: int, received: int, expected: int
) -> None:
    found = forecast(everything=everything, members=members, measured=BY_PAGES, received=received)

    assert found == expected + USUAL_FEW


# The first page tells how many there are; a job is created, looked at five times, and deleted.
A_JOB = 1 + 1 + 5 + 1


@pytest.mark.parametrize(
    ("columns", "everything", "members", "expected"),
    [
        # Sets of 24 MB, as they are held in memory: at 11 columns of some 90,900 records.
        (11, True, 1_000_000, A_JOB + 12),
        (4, True, 1_000_000, A_JOB + 4),
        (11, True, 90_000, A_JOB + 1),
        (11, True, 18_000, 9),
        # Ids alone come in the largest sets there are.
        (11, False, 1_000_000, 5 + A_JOB + 4),
        (11, False, 4_000_000, A_JOB + 1 + A_JOB + 16),
    ],
)
def test_a_large_list_is_reckoned_by_jobs_before_any_was_made(
    columns: int, everything: bool, members: int, expected: int
) -> None:
    found = forecast(Source("", columns), everything=everything, members=members, measured=Measured())

    assert found == expected + USUAL_FEW


@pytest.mark.parametrize(
    ("source", "everything", "members", "received", "expected"),
    [
        # Five runs for the ids, five reads by id.
        (Source(BY_IDS), True, 10_000, 0, 5 + 5),
        (Source(BY_IDS, related=True), True, 10_000, 0, 5 + 20),
        # The runs again, and what is left.
        (Source(BY_IDS), True, 10_000, 8_000, 5 + 1),
        # A page of what changed in the object.
        (Source(BY_IDS), False, 10_000, 0, 5 + 1),
        (Source(REPORT_ONLY), True, 10_000, 0, 5),
        (Source(REPORT_ONLY), True, 10_000, 8_000, 5 + 5),
        (Source(REPORT_ONLY), False, 10_000, 0, 5 + 1),
        (Source(REPORT_ONLY), False, 0, 0, 1 + 1),
    ],
)
def test_a_report_is_reckoned_by_its_runs_and_reads_by_id(
    source: Source, everything: bool, members: int, received: int, expected: int
) -> None:
    found = forecast(source, everything=everything, members=members, measured=Measured(), received=received)

    assert found == expected + USUAL_FEW


def test_of_a_report_by_ids_reading_all_by_id_bounds_the_calls() -> None:
    """Where as much changes as there are members, the whole object need not be paged through."""
    busy = Measured(changes_share=1.0, read_page=200)

    found = forecast(Source(BY_IDS), everything=False, members=10_000, measured=busy)

    assert found == 5 + (1 + 5) + USUAL_FEW


@given(st.sampled_from([BY_IDS, REPORT_ONLY]), st.booleans(), st.integers(0, 100_000), st.integers(0, 40))
def test_what_a_report_took_beside_its_rows_is_measured(
    way: str, everything: bool, members: int, few: int
) -> None:
    source = Source(way)
    reading = forecast(
        source, everything=everything, members=members, measured=Measured(changes_share=0, few=0)
    )
    past = [
        Spent(everything, {"report_run": reading, "describe": few}, members if everything else 0, members)
    ]

    found = measured(past, source)

    assert found.few == few
    assert (
        forecast(source, everything=everything, members=members, measured=Measured(changes_share=0, few=few))
        == reading + few
    )


def test_a_report_that_was_read_in_another_way_is_described_all_the_same() -> None:
    alone = Spent(True, {"describe": 1, "report_describe": 1, "report_run": 2}, 3_000, 3_000)

    assert measured([alone], Source(BY_IDS)).few == 2


def test_mapped_fields_are_columns_and_say_whether_records_are_related() -> None:
    own = source_of(BY_IDS, ["FirstName", "", "MobilePhone", "MobilePhone"])
    related = source_of("", ["FirstName", "Owner.Email"])

    columns = source_of(REPORT_ONLY, ["LAST_NAME", "Contact.Program__c"])

    assert (own, related) == (Source(BY_IDS, 6), Source("", 6, related=True))
    assert not columns.related


def test_a_day_is_as_many_imports_of_changes_as_it_has_windows() -> None:
    once = forecast(everything=False, members=50_000, measured=Measured())

    days = [forecast_a_day(windows=windows, members=50_000, measured=Measured()) for windows in (0, 1, 3)]

    assert days == [0, once, 3 * once]


def test_what_may_go_stale_is_read_whole_once_a_day() -> None:
    whole, once = (
        forecast(everything=everything, members=12_000, measured=Measured()) for everything in (True, False)
    )

    days = [
        forecast_a_day(windows=windows, members=12_000, measured=Measured(), refreshed=True)
        for windows in (0, 1, 3)
    ]

    assert days == [0, whole, whole + 2 * once]


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


@pytest.mark.parametrize(
    ("calls_made", "does"),
    [
        ({"describe": 1, "bulk_create": 1, "bulk_poll": 4, "bulk_results": 2}, True),
        # Large, and read by pages all the same: the org refused.
        ({"describe": 1, "query": 1, "query_more": 149}, False),
    ],
)
def test_an_org_that_refuses_jobs_is_reckoned_by_pages(calls_made: dict[str, int], does: bool) -> None:
    found = measured([Spent(True, calls_made, 300_000, 300_000)], LIST_VIEW)

    calls = forecast(everything=True, members=1_000_000, measured=found)

    assert found.by_bulk == does
    assert calls == (A_JOB + 4 + 1 if does else 500 + 1)


def test_small_lists_say_nothing_about_jobs() -> None:
    past = [Spent(everything, {"query": 1, "query_more": 2}, 5_000, 5_000) for everything in (True, False)]

    assert measured(past).by_bulk
