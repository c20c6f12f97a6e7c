"""Person Accounts: an org made with them says so everywhere, any other doesn't know the words."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from orgsim.testing import OrgSim
from tests.contract.conftest import V, signed_in, soql

Json = dict[str, Any]
PERSONS = (
    "SELECT Id, AccountId, Title, LastModifiedDate FROM Contact WHERE IsPersonAccount = true ORDER BY Id"
)


@pytest.fixture
def person_org() -> Iterator[OrgSim]:
    with OrgSim(contacts=40, leads=0, person_accounts=True) as org:
        yield org


@pytest.fixture
def persons(person_org: OrgSim) -> Iterator[httpx.Client]:
    with signed_in(person_org) as client:
        yield client


def _fields(client: httpx.Client, sobject: str) -> dict[str, Json]:
    fields = client.get(f"{V}/sobjects/{sobject}/describe").json()["fields"]
    return {field["name"]: field for field in fields}


def test_the_objects_describe_the_flag_and_the_mirrored_fields(persons: httpx.Client) -> None:
    contact, account = _fields(persons, "Contact"), _fields(persons, "Account")

    assert (contact["IsPersonAccount"]["type"], contact["IsPersonAccount"]["updateable"]) == (
        "boolean",
        False,
    )
    assert {"IsPersonAccount", "PersonContactId", "PersonEmail", "PersonMobilePhone"} <= set(account)
    custom = {name.removesuffix("__c") for name, field in contact.items() if field["custom"]}
    assert custom == {name.removesuffix("__pc") for name in account if name.endswith("__pc")}
    assert account["SMS_Opt_Out__pc"]["custom"] is True


def test_some_contacts_are_persons_and_their_accounts_say_the_same(persons: httpx.Client) -> None:
    contacts = soql(persons, PERSONS).json()["records"]
    query = (
        "SELECT Id, PersonContactId, PersonMobilePhone, PersonContact.MobilePhone, SMS_Opt_Out__pc, "
        "PersonContact.SMS_Opt_Out__c FROM Account WHERE IsPersonAccount = true ORDER BY PersonContactId"
    )

    accounts = soql(persons, query).json()["records"]

    assert len(contacts) == 8
    assert [c["AccountId"] for c in contacts] == [a["Id"] for a in accounts]
    assert [c["Id"] for c in contacts] == [a["PersonContactId"] for a in accounts]
    for account in accounts:
        assert account["PersonMobilePhone"] == account["PersonContact"]["MobilePhone"]
        assert account["SMS_Opt_Out__pc"] == account["PersonContact"]["SMS_Opt_Out__c"]
    others = soql(persons, "SELECT COUNT() FROM Contact WHERE IsPersonAccount = false").json()
    assert others["totalSize"] == 32


def test_an_edit_of_the_account_moves_the_persons_stamps(person_org: OrgSim, persons: httpx.Client) -> None:
    before = soql(persons, PERSONS).json()["records"]
    time.sleep(1)

    persons.patch(f"{V}/sobjects/Account/{before[0]['AccountId']}", json={"Site": "North"}).raise_for_status()

    after = soql(persons, PERSONS).json()["records"]
    assert after[0]["LastModifiedDate"] > before[0]["LastModifiedDate"]
    assert [r["LastModifiedDate"] for r in after[1:]] == [r["LastModifiedDate"] for r in before[1:]]


def test_what_lives_on_the_account_is_not_written_through_the_contact(
    person_org: OrgSim, persons: httpx.Client
) -> None:
    person = soql(persons, PERSONS).json()["records"][0]["Id"]
    query = "SELECT Id FROM Contact WHERE IsPersonAccount = false LIMIT 1"
    other = soql(persons, query).json()["records"][0]["Id"]

    refused = persons.patch(f"{V}/sobjects/Contact/{person}", json={"SMS_Opt_Out__c": True})
    allowed = persons.patch(f"{V}/sobjects/Contact/{other}", json={"SMS_Opt_Out__c": True})

    assert (refused.status_code, allowed.status_code) == (403, 204)
    assert refused.json()[0]["errorCode"] == "INSUFFICIENT_ACCESS_OR_READONLY"


def test_a_person_is_written_through_the_account(persons: httpx.Client) -> None:
    person = soql(persons, PERSONS).json()["records"][0]
    other = persons.post(f"{V}/sobjects/Account", json={"Name": "Hill School"}).json()["id"]

    written = persons.patch(f"{V}/sobjects/Account/{person['AccountId']}", json={"SMS_Opt_Out__pc": True})
    refused = persons.patch(f"{V}/sobjects/Account/{other}", json={"SMS_Opt_Out__pc": True})

    assert (written.status_code, refused.status_code) == (204, 400)
    contact = persons.get(f"{V}/sobjects/Contact/{person['Id']}?fields=SMS_Opt_Out__c").json()
    assert contact["SMS_Opt_Out__c"] is True


def test_new_accounts_and_contacts_are_no_persons(persons: httpx.Client) -> None:
    account = persons.post(f"{V}/sobjects/Account", json={"Name": "Hill School"}).json()["id"]
    contact = persons.post(f"{V}/sobjects/Contact", json={"LastName": "Hill", "AccountId": account}).json()[
        "id"
    ]

    for sobject, record_id in (("Account", account), ("Contact", contact)):
        answer = soql(persons, f"SELECT IsPersonAccount FROM {sobject} WHERE Id = '{record_id}'").json()
        assert answer["records"][0]["IsPersonAccount"] is False


def test_an_org_without_them_does_not_know_the_field(reader: httpx.Client) -> None:
    answer = soql(reader, "SELECT IsPersonAccount FROM Contact")

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_FIELD")
    assert "IsPersonAccount" not in _fields(reader, "Contact")
    assert not [name for name in _fields(reader, "Account") if "Person" in name or name.endswith("__pc")]
