"""A report of 25,000 rows read whole, though a run gives 2,000: by the record id, and by slices of it."""

from collections.abc import Iterator

import httpx
import pytest

from orgsim.testing import OrgSim
from tests.contract.conftest import signed_in
from tests.contract.report_calls import BY_ID, a_filter, cells, row_count, run

CONTACTS = 25_000


@pytest.fixture(scope="module")
def large() -> Iterator[tuple[OrgSim, httpx.Client]]:
    with OrgSim(contacts=CONTACTS, leads=0) as org, signed_in(org) as client:
        yield org, client


def pages(client: httpx.Client, *filters: dict[str, object]) -> Iterator[dict[str, object]]:
    """Runs one after the other, each from the last id of the one before."""
    after: list[dict[str, object]] = []
    while True:
        body = run(client, detailColumns=["CONTACT_ID"], sortBy=BY_ID, reportFilters=[*filters, *after])
        yield body
        if body["allData"]:
            return
        after = [a_filter("CONTACT_ID", "greaterThan", cells(body)[-1])]


def test_keyset_reads_every_row_once(large: tuple[OrgSim, httpx.Client]) -> None:
    org, client = large

    read = list(pages(client))

    ids = [value for body in read for value in cells(body)]
    assert ids == sorted(org.ids("Contact"))
    assert [len(cells(body)) for body in read] == [2_000] * 12 + [1_000]
    assert [row_count(body) for body in read] == [CONTACTS - 2_000 * n for n in range(13)]


def test_keyset_goes_on_over_changes(large: tuple[OrgSim, httpx.Client]) -> None:
    org, client = large
    everyone = sorted(org.ids("Contact"))
    seen: list[str] = []
    late = ""

    for body in pages(client):
        seen += cells(body)
        if not late:
            org.delete(everyone[10])
            org.delete(everyone[1_999])
            org.delete(everyone[9_000])
            late = org.create("Contact", LastName="Late")

    assert len(seen) == len(set(seen))
    assert set(seen) == set(everyone) - {everyone[9_000]} | {late}


def test_prefixes_read_what_comparison_reads(large: tuple[OrgSim, httpx.Client]) -> None:
    org, client = large
    everyone = sorted(org.ids("Contact"))
    org.switch("report_id_comparison", "refused")

    found, slices = [], [everyone[0][:12]]
    while slices:
        prefix = slices.pop()
        body = run(
            client, detailColumns=["CONTACT_ID"], reportFilters=[a_filter("CONTACT_ID", "startsWith", prefix)]
        )
        if body["allData"]:
            found += cells(body)
        else:
            slices += [prefix + character for character in sorted({i[len(prefix)] for i in everyone})]
    org.switch("report_id_comparison", "accepted")

    assert sorted(found) == everyone


def test_a_row_limit_can_not_be_paged(large: tuple[OrgSim, httpx.Client]) -> None:
    _, client = large

    body = run(client, "Newest Hundred Contacts", topRows={"rowLimit": 3_000, "direction": "Desc"})

    assert (row_count(body), len(cells(body)), body["allData"]) == (3_000, 2_000, False)
