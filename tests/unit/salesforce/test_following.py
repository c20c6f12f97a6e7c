from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.salesforce.client import Client
from carillon.salesforce.errors import MalformedAnswer
from carillon.salesforce.ids import to_18
from carillon.salesforce.records.fates import Fate, Whereabouts
from carillon.salesforce.records.following import (
    LONGEST_CHAIN,
    Link,
    Row,
    Sighting,
    follow,
    sighting_of,
)
from tests.unit.salesforce.org import Reply, TinyOrg

QUERY_ALL = "/services/data/v66.0/queryAll"
A, B, C = (to_18(f"00300000000000{n}") for n in range(3))
LEAD = to_18("00Q000000000001")
ALIVE, DELETED = Sighting(deleted=False), Sighting(deleted=True)


def merged_into(record_id: str) -> Sighting:
    return sighting_of("Contact", Row(A, IsDeleted=True, MasterRecordId=record_id))


@pytest.mark.parametrize(
    ("seen", "fate"),
    [
        ({A: ALIVE}, Fate(Whereabouts.LIVING, "Contact", A)),
        ({A: DELETED}, Fate(Whereabouts.DELETED, "Contact", A)),
        ({A: None}, Fate(Whereabouts.HIDDEN, "Contact", A)),
        ({A: merged_into(B), B: ALIVE}, Fate(Whereabouts.LIVING, "Contact", B, (A,))),
        ({A: merged_into(B), B: merged_into(C), C: ALIVE}, Fate(Whereabouts.LIVING, "Contact", C, (A, B))),
        ({A: merged_into(B), B: DELETED}, Fate(Whereabouts.DELETED, "Contact", B, (A,))),
        ({A: merged_into(B), B: None}, Fate(Whereabouts.HIDDEN, "Contact", B, (A,))),
        ({A: merged_into(B), B: merged_into(A)}, Fate(Whereabouts.ENDLESS, "Contact", A, (A, B))),
        ({A: merged_into(A)}, Fate(Whereabouts.ENDLESS, "Contact", A, (A,))),
    ],
)
def test_a_merged_record_is_followed_to_the_last_survivor(
    seen: Mapping[str, Sighting | None], fate: Fate
) -> None:
    assert follow(Link("Contact", A), {Link("Contact", k): v for k, v in seen.items()}) == fate
    assert fate.living == (fate.whereabouts is Whereabouts.LIVING)


def test_what_has_not_been_asked_for_is_asked_for_next() -> None:
    assert follow(Link("Contact", A), {}) == Link("Contact", A)
    assert follow(Link("Contact", A), {Link("Contact", A): merged_into(B)}) == Link("Contact", B)


@pytest.mark.parametrize("deleted", [False, True])
def test_a_converted_lead_is_its_contact_even_when_the_lead_was_deleted_since(deleted: bool) -> None:
    row = Row(LEAD, IsDeleted=deleted, IsConverted=True, ConvertedContactId=A[:15])

    assert sighting_of("Lead", row) == Sighting(deleted, Link("Contact", A))


def test_a_converted_lead_whose_contact_is_not_told_stays_what_it_is() -> None:
    assert sighting_of("Lead", Row(LEAD, IsDeleted=False, IsConverted=True)) == ALIVE


def test_a_living_record_keeps_no_master() -> None:
    assert sighting_of("Contact", Row(A, IsDeleted=False, MasterRecordId=B)) == ALIVE


@given(st.dictionaries(st.integers(0, 15), st.integers(0, 15)), st.integers(0, 15))
def test_any_web_of_merges_ends(links: dict[int, int], start: int) -> None:
    ids = [to_18(f"003{n:012d}") for n in range(16)]
    seen: dict[Link, Sighting | None] = {
        Link("Contact", record_id): merged_into(ids[links[n]]) if n in links else ALIVE
        for n, record_id in enumerate(ids)
    }

    fate = follow(Link("Contact", ids[start]), seen)

    assert isinstance(fate, Fate)
    assert len(fate.passed) <= LONGEST_CHAIN
    if fate.living:
        assert seen[Link("Contact", fate.id)] == ALIVE


def _page(*rows: Mapping[str, Any]) -> Reply:
    return Reply({"totalSize": len(rows), "done": True, "records": list(rows)})


def _row(record_id: str, master: str | None = None, **more: Any) -> dict[str, Any]:
    return {"Id": record_id, "IsDeleted": master is not None, "MasterRecordId": master, **more}


def test_the_client_asks_for_each_link_of_a_chain_once(org: TinyOrg, client: Client) -> None:
    lead = _row(LEAD, IsConverted=True, ConvertedContactId=A)
    org.script(QUERY_ALL, _page(lead), _page(_row(A, B)), _page(_row(B)))

    fates = client.living("Lead", [LEAD[:15], LEAD])

    assert fates == {LEAD: Fate(Whereabouts.LIVING, "Contact", B, (LEAD, A))}
    asked: Sequence[str] = [request.path for request in org.requests(QUERY_ALL)]
    assert ["ConvertedContactId" in path for path in asked] == [True, False, False]
    assert client.transport.calls["query"] == 3


def test_nothing_to_follow_costs_no_call(org: TinyOrg, client: Client) -> None:
    assert client.living("Contact", []) == {}
    assert org.seen == []


def test_more_ids_than_an_address_holds_come_in_several_calls(org: TinyOrg, client: Client) -> None:
    ids = [to_18(f"003{n:012d}") for n in range(1_000)]
    org.script(QUERY_ALL, _page(*map(_row, ids)))

    fates = client.living("Contact", ids)

    assert all(fate.living for fate in fates.values())
    assert len(fates) == 1_000
    assert len(org.requests(QUERY_ALL)) == 2


def test_a_row_that_does_not_say_whether_it_is_deleted_is_malformed(org: TinyOrg, impatient: Client) -> None:
    org.script(QUERY_ALL, _page({"Id": A}))

    with pytest.raises(MalformedAnswer):
        impatient.living("Contact", [A])
