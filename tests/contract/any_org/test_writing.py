"""What a write to any org does. A real one is written to only when it is allowed, and left as it was."""

import uuid
from collections.abc import Iterator
from datetime import timedelta

import httpx
import msgspec
import pytest

from carillon.salesforce.client import Client, Session
from carillon.salesforce.records.fates import Whereabouts
from carillon.salesforce.records.refusals import WriteRefusal
from carillon.salesforce.records.writing import NewRecord, RecordUpdate, Written
from carillon.salesforce.soql import string_literal
from tests.contract.any_org.conftest import Target, V


class _Row(msgspec.Struct):
    Id: str
    SystemModstamp: str
    LastModifiedDate: str


@pytest.fixture
def writing(writable_target: Target) -> Iterator[Client]:
    with writable_target.client() as client:
        yield client


@pytest.fixture
def people(writing: Client) -> Iterator[list[str]]:
    """Three contacts of a name that nothing else has; they are deleted again."""
    name = f"Contract {uuid.uuid4()}"
    made = writing.records.create_many(
        [NewRecord("Contact", {"LastName": name, "FirstName": str(number)}) for number in range(3)]
    )
    ids = [outcome.id for outcome in made if isinstance(outcome, Written)]
    try:
        assert len(ids) == 3, made
        yield ids
    finally:
        _delete_all(writing, name)


def _delete_all(client: Client, name: str) -> None:
    soql = f"SELECT Id, SystemModstamp, LastModifiedDate FROM Contact WHERE LastName = {string_literal(name)}"
    for page in client.query(soql, _Row):
        for row in page.records:
            if isinstance(row, _Row):
                _delete(client, row.Id)


def _delete(client: Client, record_id: str) -> None:
    """Carillon deletes nothing, so its client has no call for it."""
    session = client.session
    httpx.delete(
        f"{session.instance_url}{V}/sobjects/Contact/{record_id}",
        headers={"Authorization": f"Bearer {session.access_token}"},
        timeout=60,
    ).raise_for_status()


def test_a_change_is_read_back(writing: Client, people: list[str]) -> None:
    outcome = writing.records.update(
        "Contact", people[0], {"Title": "Dean", "MobilePhone": "+1 212 555 0147"}
    )

    assert isinstance(outcome, Written)
    read = writing.records.read("Contact", people[0], ["Title", "MobilePhone"])
    assert read is not None
    assert (read.values["Title"], read.values["MobilePhone"]) == ("Dean", "+1 212 555 0147")


def test_a_collection_answers_in_order_and_item_by_item(writing: Client, people: list[str]) -> None:
    outcomes = writing.records.update_many(
        [
            RecordUpdate("Contact", people[2], {"Title": "Two"}),
            RecordUpdate("Contact", people[0], {"No_Such_Field__c": True}),
            RecordUpdate("Contact", people[1], {"Title": "One"}),
        ]
    )

    first, second, third = outcomes
    assert isinstance(first, Written)
    assert isinstance(third, Written)
    assert (first.id, third.id) == (people[2], people[1])
    assert isinstance(second, WriteRefusal)
    assert second.code == "INVALID_FIELD"


def test_many_are_read_in_the_order_asked_for(writing: Client, people: list[str]) -> None:
    missing = "003000000000000AAA"

    read = writing.records.read_many("Contact", [people[1], missing, people[0]], ["FirstName"])

    assert [record and record.values["FirstName"] for record in read] == ["1", None, "0"]


def test_a_deleted_record_is_found_by_the_log_and_by_following(writing: Client, people: list[str]) -> None:
    _delete(writing, people[1])

    now = writing.transport.org_time
    assert now is not None
    log = writing.records.deleted("Contact", now - timedelta(hours=1), now + timedelta(minutes=2))
    assert people[1] in {deletion.id for deletion in log.deleted}
    fate = writing.living("Contact", [people[1]])[people[1]]
    assert fate.whereabouts is Whereabouts.DELETED
    assert isinstance(writing.records.update("Contact", people[1], {"Title": "Gone"}), WriteRefusal)


def test_an_ended_session_is_renewed_wherever_it_shows(writable_target: Target) -> None:
    with writable_target.client() as client:
        before = client.session
        _end(before)
        assert client.user_info().user_id == before.user_id
        _end(client.session)
        assert client.count("SELECT COUNT() FROM Contact") >= 0
        assert client.session.access_token != before.access_token


def _end(session: Session) -> None:
    httpx.post(
        f"{session.instance_url}/services/oauth2/revoke", data={"token": session.access_token}
    ).raise_for_status()
