import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from orgsim.staff import REGISTRAR_USERNAME
from orgsim.testing import OrgSim
from tests.contract.conftest import V, signed_in, soql

GRANTED = """
SELECT SobjectType, PermissionsRead, PermissionsCreate, PermissionsEdit, PermissionsDelete,
PermissionsViewAllRecords, PermissionsModifyAllRecords FROM ObjectPermissions WHERE ParentId IN
(SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = '{user}') ORDER BY SobjectType
"""
PERMISSION_OBJECTS = ("ObjectPermissions", "PermissionSet", "PermissionSetAssignment")


@pytest.fixture
def org() -> Iterator[OrgSim]:
    """Large enough to hold private contacts of several owners."""
    with OrgSim(contacts=600, leads=40) as org:
        yield org


@pytest.fixture
def registrar(org: OrgSim) -> Iterator[httpx.Client]:
    with signed_in(org, REGISTRAR_USERNAME) as client:
        yield client


def _me(client: httpx.Client) -> str:
    return str(client.get("/services/oauth2/userinfo").json()["user_id"])


def _granted(client: httpx.Client) -> dict[str, str]:
    """The permissions of each object as the rows tell them, in the order asked for: `r` read to `m` modify all."""
    records = soql(client, GRANTED.format(user=_me(client))).json()["records"]
    flags = {r.pop("SobjectType"): [v for k, v in r.items() if k != "attributes"] for r in records}
    return {
        name: "".join(c for c, on in zip("rcedvm", held, strict=True) if on) for name, held in flags.items()
    }


def _ids(client: httpx.Client, condition: str = "Id != null", sobject: str = "Contact") -> set[str]:
    answer = soql(client, f"SELECT Id FROM {sobject} WHERE {condition}").json()
    return {record["Id"] for record in answer["records"]}


def _private(org: OrgSim, client: httpx.Client) -> tuple[set[str], set[str]]:
    """Contacts without an account, before any is hidden: of other owners, and the API user's own."""
    org.edit(org.ids("Contact")[0], AccountId=None, OwnerId=_me(client))
    nobody = "AccountId = null"
    return _ids(client, f"{nobody} AND OwnerId != '{_me(client)}'"), _ids(
        client, f"{nobody} AND OwnerId = '{_me(client)}'"
    )


def test_the_api_user_may_do_everyday_work_and_see_all_contacts_and_leads(client: httpx.Client) -> None:
    assert _granted(client) == {"Account": "rced", "Contact": "rcedv", "Lead": "rcedv"}


def test_the_permission_set_belongs_to_no_profile(client: httpx.Client) -> None:
    query = (
        "SELECT Id, PermissionSetId, AssigneeId, PermissionSet.Label, PermissionSet.IsOwnedByProfile"
        " FROM PermissionSetAssignment"
    )

    [assignment] = soql(client, query).json()["records"]

    assert assignment["PermissionSet"]["Label"] == "Carillon API"
    assert assignment["PermissionSet"]["IsOwnedByProfile"] is False
    assert (assignment["Id"][:3], assignment["PermissionSetId"][:3]) == ("0Pa", "0PS")
    assert assignment["AssigneeId"] == _me(client)
    assert {permission[:3] for permission in _ids(client, sobject="ObjectPermissions")} == {"110"}


def test_a_permission_brings_what_it_needs_and_takes_what_needs_it(org: OrgSim, client: httpx.Client) -> None:
    org.ungrant("Account", "Read")
    org.grant("Account", "Modify All")
    org.ungrant("Contact", "Edit")
    org.ungrant("Lead", "Read")

    assert _granted(client) == {"Account": "redvm", "Contact": "rcv"}
    org.grant("Lead", "View All")
    assert _granted(client)["Lead"] == "rv"


@pytest.mark.parametrize(("sobject", "permission"), [("Contact", "Fly"), ("User", "Read")])
def test_what_can_not_be_granted_is_said(org: OrgSim, sobject: str, permission: str) -> None:
    with pytest.raises(ValueError, match=f"{permission} of {sobject} can't be granted"):
        org.grant(sobject, permission)


def test_an_object_without_read_does_not_exist_for_the_api_user(org: OrgSim, client: httpx.Client) -> None:
    org.ungrant("Lead", "Read")

    for path in ("", "/describe", "/listviews", f"/{org.ids('Lead')[0]}"):
        answer = client.get(f"{V}/sobjects/Lead{path}")
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")
    assert "Lead" not in {s["name"] for s in client.get(f"{V}/sobjects").json()["sobjects"]}
    refused = soql(client, "SELECT Id FROM Lead")
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "INVALID_TYPE")
    assert soql(client, "SELECT Id FROM Contact").status_code == 200


def test_what_points_at_an_unreadable_object_leads_nowhere(org: OrgSim, client: httpx.Client) -> None:
    org.ungrant("Account", "Read")

    fields = client.get(f"{V}/sobjects/Contact/describe").json()["fields"]
    account = next(field for field in fields if field["name"] == "AccountId")
    assert (account["referenceTo"], account["relationshipName"]) == ([], None)
    [error] = soql(client, "SELECT Account.Name FROM Contact").json()
    assert error["errorCode"] == "INVALID_FIELD"
    assert "Didn't understand relationship 'Account'" in error["message"]


def test_staff_keep_what_the_api_user_loses(org: OrgSim, registrar: httpx.Client) -> None:
    org.ungrant("Lead", "Read")
    org.ungrant("Contact", "View All")
    org.block_permission_queries()

    assert len(_ids(registrar, sobject="Lead")) == 40
    assert len(_ids(registrar)) == 600
    assert soql(registrar, "SELECT Id FROM PermissionSet").status_code == 200


def test_writing_needs_its_permission(org: OrgSim, client: httpx.Client) -> None:
    contact = f"{V}/sobjects/Contact/{org.ids('Contact')[0]}"
    org.ungrant("Contact", "Edit")
    org.ungrant("Contact", "Create")

    edited = client.patch(contact, json={"Title": "Dean"})
    made = client.post(f"{V}/sobjects/Contact", json={"LastName": "Ünal"})
    deleted = client.delete(contact)

    assert (edited.status_code, edited.json()[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS_OR_READONLY")
    assert made.json()[0]["errorCode"] == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    assert deleted.status_code == 403
    describe = client.get(f"{V}/sobjects/Contact/describe").json()
    assert not any(describe[flag] for flag in ("createable", "updateable", "deletable"))


def test_a_few_contacts_are_private(reader: httpx.Client) -> None:
    [row] = soql(reader, "SELECT COUNT(Id) people, COUNT(AccountId) assigned FROM Contact").json()["records"]

    assert 0.01 < 1 - row["assigned"] / row["people"] < 0.03


def test_without_view_all_private_contacts_of_others_vanish(org: OrgSim, client: httpx.Client) -> None:
    everybody = _ids(client)
    others, own = _private(org, client)
    assert others
    assert own

    org.ungrant("Contact", "View All")

    assert _ids(client) == everybody - others
    assert _ids(client, "AccountId = null") == own
    assert soql(client, "SELECT COUNT() FROM Contact").json()["totalSize"] == len(everybody - others)
    [row] = soql(client, "SELECT COUNT(Id) n FROM Contact").json()["records"]
    assert row["n"] == len(everybody - others)
    some = sorted(others)[0]
    assert client.get(f"{V}/sobjects/Contact/{some}").status_code == 404
    assert client.patch(f"{V}/sobjects/Contact/{some}", json={"Title": "x"}).status_code == 404
    assert client.get(f"{V}/sobjects/Contact/{sorted(own)[0]}").status_code == 200
    org.grant("Contact", "View All")
    assert _ids(client) == everybody


def test_without_view_all_list_views_and_deleted_rows_leave_them_out(
    org: OrgSim, client: httpx.Client
) -> None:
    others, _ = _private(org, client)
    gone = sorted(others)[0]
    org.delete(gone)
    view = org.add_list_view("Contact", "Everybody", columns=("Name",))
    org.ungrant("Contact", "View All")

    answer = client.get(f"{V}/sobjects/Contact/listviews/{view}/results", params={"limit": 2000}).json()
    columns = [{c["fieldNameOrPath"]: c["value"] for c in r["columns"]} for r in answer["records"]]
    assert answer["size"] == 600 - len(others)
    assert not others & {row["Id"] for row in columns}
    every = client.get(f"{V}/queryAll", params={"q": "SELECT Id FROM Contact"}).json()
    assert gone not in {record["Id"] for record in every["records"]}


def test_a_private_contact_is_not_reached_through_another_record(org: OrgSim, client: httpx.Client) -> None:
    others, _ = _private(org, client)
    lead = org.ids("Lead")[0]
    with org.store.writing() as connection:
        connection.execute("UPDATE Lead SET ConvertedContactId = ? WHERE Id = ?", (sorted(others)[0], lead))
    query = f"SELECT ConvertedContact.LastName FROM Lead WHERE Id = '{lead}'"
    assert soql(client, query).json()["records"][0]["ConvertedContact"] is not None

    org.ungrant("Contact", "View All")

    assert soql(client, query).json()["records"][0]["ConvertedContact"] is None


def test_leads_are_public_also_without_view_all(org: OrgSim, client: httpx.Client) -> None:
    org.ungrant("Lead", "View All")

    assert len(_ids(client, sobject="Lead")) == 40


def test_permission_queries_can_be_blocked(org: OrgSim, client: httpx.Client) -> None:
    org.block_permission_queries()

    for name in PERMISSION_OBJECTS:
        assert soql(client, f"SELECT Id FROM {name}").json()[0]["errorCode"] == "INVALID_TYPE"
    org.allow_permission_queries()
    for name in PERMISSION_OBJECTS:
        assert soql(client, f"SELECT Id FROM {name}").status_code == 200


def test_permissions_outlive_a_restart(tmp_path: Path) -> None:
    with OrgSim(tmp_path / "org.db", contacts=5, leads=5) as org:
        org.ungrant("Lead", "Read")
        org.block_permission_queries()

    with OrgSim(tmp_path / "org.db") as org, signed_in(org) as client:
        assert client.get(f"{V}/sobjects/Lead/describe").status_code == 404
        assert soql(client, "SELECT Id FROM PermissionSet").status_code == 400


def test_a_file_from_before_permissions_gets_those_of_a_new_org(tmp_path: Path) -> None:
    file = tmp_path / "org.db"
    with OrgSim(file, contacts=5, leads=5):
        pass
    with sqlite3.connect(file) as connection:
        for name in PERMISSION_OBJECTS:
            connection.execute(f'DROP TABLE "{name}"')
    connection.close()

    with OrgSim(file) as org, signed_in(org) as client:
        assert _granted(client) == {"Account": "rced", "Contact": "rcedv", "Lead": "rcedv"}
        assert len(_ids(client)) == 5
        org.ungrant("Contact", "Read")

    with OrgSim(file) as org, signed_in(org) as client:
        assert _granted(client) == {"Account": "rced", "Lead": "rcedv"}
