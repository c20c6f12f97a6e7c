"""What moves which stamp, and when a change can be seen: late commits, formulas, rows that leave between pages."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from orgsim.clock import parse_stamp
from orgsim.testing import OrgSim
from tests.contract.conftest import V, signed_in, soql

Json = dict[str, Any]
STAMPS = ("LastModifiedDate", "SystemModstamp")


def _one(client: httpx.Client, fields: str, record_id: str) -> Json:
    sobject = {"003": "Contact", "001": "Account"}[record_id[:3]]
    found = soql(client, f"SELECT {fields} FROM {sobject} WHERE Id = '{record_id}'").json()
    record: Json = found["records"][0]
    return record


def _by_api(org: OrgSim, client: httpx.Client, contact: str) -> str:
    client.patch(f"{V}/sobjects/Contact/{contact}", json={"Title": "Late"}).raise_for_status()
    return contact


def _by_staff(org: OrgSim, client: httpx.Client, contact: str) -> str:
    org.edit(contact, Title="Late")
    return contact


def _new(org: OrgSim, client: httpx.Client, contact: str) -> str:
    answer = client.post(f"{V}/sobjects/Contact", json={"LastName": "Late"})
    return str(answer.json()["id"])


@pytest.mark.parametrize("write", [_by_api, _by_staff, _new])
def test_a_write_is_seen_as_much_later_as_the_org_is_told(
    org: OrgSim, client: httpx.Client, write: Any
) -> None:
    org.set_commit_delay(12)

    written = write(org, client, org.ids("Contact")[0])

    record = _one(client, "LastModifiedDate, SystemModstamp", written)
    for stamp in STAMPS:
        age = datetime.now(UTC) - parse_stamp(record[stamp])
        assert timedelta(minutes=12) <= age < timedelta(minutes=12, seconds=20)


def test_a_late_write_is_missed_by_who_asks_from_now_on_only(org: OrgSim, client: httpx.Client) -> None:
    since = datetime.now(UTC)
    org.set_commit_delay(5)
    contact = _by_staff(org, client, org.ids("Contact")[0])

    def changed(moment: datetime) -> list[str]:
        query = f"SELECT Id FROM Contact WHERE SystemModstamp >= {moment:%Y-%m-%dT%H:%M:%SZ}"
        return [record["Id"] for record in soql(client, query).json()["records"]]

    assert contact not in changed(since)
    assert contact in changed(since - timedelta(minutes=20))
    org.set_commit_delay(0)
    assert _by_staff(org, client, contact) in changed(since)


def test_a_formula_over_the_parent_follows_it_and_moves_no_stamp(org: OrgSim, client: httpx.Client) -> None:
    contact = next(i for i in org.ids("Contact") if _one(client, "AccountId", i)["AccountId"])
    before = _one(client, "AccountId, Institution__c, LastModifiedDate, SystemModstamp", contact)
    time.sleep(1)

    org.edit(before["AccountId"], Name="Renamed Academy")

    after = _one(client, "Institution__c, LastModifiedDate, SystemModstamp", contact)
    assert after["Institution__c"] == "Renamed Academy"
    assert before["Institution__c"] != "Renamed Academy"
    assert {name: after[name] for name in STAMPS} == {name: before[name] for name in STAMPS}
    filtered = soql(client, "SELECT Id FROM Contact WHERE Institution__c = 'Renamed Academy'").json()
    assert contact in {record["Id"] for record in filtered["records"]}


def test_a_formula_is_described_as_calculated(reader: httpx.Client) -> None:
    fields = reader.get(f"{V}/sobjects/Contact/describe").json()["fields"]

    (field,) = [field for field in fields if field["name"] == "Institution__c"]
    assert (field["calculated"], field["updateable"], field["createable"]) == (True, False, False)
    assert (field["calculatedFormula"], field["type"], field["length"]) == ("Account.Name", "string", 1_300)


def test_the_owners_address_follows_the_owner(org: OrgSim, client: httpx.Client) -> None:
    contact = org.ids("Contact")[0]
    users = soql(client, "SELECT Id, Email FROM User WHERE Email != null ORDER BY Id").json()["records"]

    for user in users[:2]:
        org.edit(contact, OwnerId=user["Id"])
        assert _one(client, "Owner_Email__c", contact)["Owner_Email__c"] == user["Email"]


def test_rows_that_leave_the_filter_between_pages_are_still_served() -> None:
    with OrgSim(contacts=450, leads=0) as busy, signed_in(busy) as client:
        for contact in busy.ids("Contact"):
            busy.edit(contact, Title="Student")
        query = "SELECT Id, Title FROM Contact WHERE Title = 'Student' ORDER BY Id"
        first = soql(client, query, **{"Sforce-Query-Options": "batchSize=200"}).json()
        ids = sorted(busy.ids("Contact"))
        busy.edit(ids[210], Title="Nurse")
        busy.delete(ids[211])

        second = client.get(first["nextRecordsUrl"]).json()

    assert (first["totalSize"], second["totalSize"]) == (450, 450)
    by_id = {record["Id"]: record["Title"] for record in second["records"]}
    assert by_id[ids[210]] == "Nurse"
    assert ids[211] not in by_id
    assert len(by_id) == 199


@pytest.mark.parametrize(
    ("zone", "locale", "met"),
    [
        ("America/New_York", "en_US", {"TODAY", "THIS_WEEK"}),
        ("Europe/London", "en_US", {"YESTERDAY", "THIS_WEEK"}),
        ("Europe/London", "en_GB", {"YESTERDAY", "LAST_WEEK"}),
    ],
)
def test_date_literals_are_of_the_users_zone_and_week(
    org: OrgSim, zone: str, locale: str, met: set[str]
) -> None:
    # Monday in London and still Sunday evening in New York; weeks begin on Sunday in one country, on Monday in another.
    moment = datetime(2026, 11, 9, 0, 30, tzinfo=UTC)
    org.set_clock_offset((moment - datetime.now(UTC)).total_seconds())
    org.set_user_region("api.user@orgsim.example", zone, locale)
    born = org.create("Contact", LastName="Sunday", Birthdate="2026-11-08")

    with signed_in(org) as client:
        found = {
            literal
            for literal in ("TODAY", "YESTERDAY", "THIS_WEEK", "LAST_WEEK")
            if soql(client, f"SELECT Id FROM Contact WHERE Id = '{born}' AND Birthdate = {literal}").json()[
                "totalSize"
            ]
        }

    assert found == met
