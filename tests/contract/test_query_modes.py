"""Queries whose pages an org cuts and keeps in more than one way, and what a query tells beside its records."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from orgsim.testing import OrgSim
from tests.contract.conftest import V, signed_in, soql

Json = dict[str, Any]
COLUMN_KEYS = {
    "aggregate",
    "apexType",
    "booleanType",
    "columnName",
    "custom",
    "displayName",
    "foreignKeyName",
    "insertable",
    "joinColumns",
    "numberType",
    "textType",
    "updatable",
}


@pytest.fixture(scope="module")
def paging_org() -> Iterator[OrgSim]:
    with OrgSim(contacts=2_700, leads=0) as org:
        yield org


@pytest.fixture
def paging(paging_org: OrgSim) -> Iterator[httpx.Client]:
    with signed_in(paging_org) as client:
        yield client
    paging_org.switch("locators", "reread")
    paging_org.switch("page_sizes", "full")


def _pages(client: httpx.Client, query: str) -> list[Json]:
    pages = [soql(client, query).json()]
    while "nextRecordsUrl" in pages[-1]:
        pages.append(client.get(pages[-1]["nextRecordsUrl"]).json())
    return pages


def test_a_locator_may_be_followed_again_unless_the_org_says_once(
    paging_org: OrgSim, paging: httpx.Client
) -> None:
    query = "SELECT Id FROM Contact"
    again = soql(paging, query).json()["nextRecordsUrl"]
    assert paging.get(again).content == paging.get(again).content

    paging_org.switch("locators", "single_use")
    once = soql(paging, query).json()["nextRecordsUrl"]
    first, second = paging.get(once), paging.get(once)

    assert (first.status_code, second.status_code) == (200, 400)
    assert second.json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_a_page_that_was_dropped_is_lost_where_locators_serve_once(
    paging_org: OrgSim, paging: httpx.Client
) -> None:
    paging_org.switch("locators", "single_use")
    locator = soql(paging, "SELECT Id FROM Contact").json()["nextRecordsUrl"]
    paging_org.drop_connection(path_contains=locator)

    with pytest.raises(httpx.TransportError):
        paging.get(locator)

    assert paging.get(locator).status_code == 400


def test_shrinking_pages_still_hold_every_record_once(paging_org: OrgSim, paging: httpx.Client) -> None:
    paging_org.switch("page_sizes", "shrinking")
    # What is asked for is the first page; each later one is half as long.
    headers = {"Sforce-Query-Options": "batchSize=1000"}
    pages = [soql(paging, "SELECT Id FROM Contact ORDER BY Id", **headers).json()]
    while "nextRecordsUrl" in pages[-1]:
        pages.append(paging.get(pages[-1]["nextRecordsUrl"]).json())

    lengths = [len(page["records"]) for page in pages]
    assert lengths == [1_000, 500, 250, 125, *[100] * 8, 25]
    ids = [record["Id"] for page in pages for record in page["records"]]
    assert ids == sorted(set(ids))
    assert {page["totalSize"] for page in pages} == {2_700}
    assert [page["nextRecordsUrl"].rsplit("-", 1)[1] for page in pages[:2]] == ["1000", "1500"]


def test_two_long_texts_make_pages_of_200(paging: httpx.Client) -> None:
    one = soql(paging, "SELECT Id, Description FROM Contact").json()
    two = soql(paging, "SELECT Id, Description, Account.Description FROM Contact").json()

    assert (len(one["records"]), len(two["records"])) == (2_000, 200)
    assert two["nextRecordsUrl"].endswith("-200")


def test_children_are_a_result_of_their_own_with_pages(paging_org: OrgSim, paging: httpx.Client) -> None:
    account = paging_org.ids("Account")[0]
    moved = paging_org.ids("Contact")[:230]
    for contact in moved:
        paging_org.edit(contact, AccountId=account, Title="Moved")
    query = (
        "SELECT Name, (SELECT Id, Owner.Name FROM Contacts WHERE Title = 'Moved' ORDER BY Id) FROM Account "
        f"WHERE Id IN ('{account}', '{paging_org.ids('Account')[1]}') ORDER BY Id"
    )

    full, empty = soql(paging, query).json()["records"]

    children = full["Contacts"]
    assert (children["totalSize"], children["done"], len(children["records"])) == (230, False, 200)
    rest = paging.get(children["nextRecordsUrl"]).json()
    assert (rest["totalSize"], rest["done"], len(rest["records"])) == (230, True, 30)
    assert [r["Id"] for r in children["records"] + rest["records"]] == sorted(moved)
    assert children["records"][0]["attributes"]["type"] == "Contact"
    assert children["records"][0]["Owner"]["attributes"]["type"] == "User"
    assert empty["Contacts"] is None


def test_children_of_nobody_are_no_locator(paging: httpx.Client) -> None:
    soql(paging, "SELECT Id, (SELECT Id FROM Contacts) FROM Account").json()
    locator = soql(paging, "SELECT Id FROM Contact").json()["nextRecordsUrl"].rsplit("/", 1)[1]

    answer = paging.get(f"{V}/query/{locator.replace('-', '01-')}")

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


def test_hidden_fields_are_hidden_from_children_and_owners(org: OrgSim, client: httpx.Client) -> None:
    org.hide_field("Contact", "MobilePhone")
    org.hide_field("Contact", "AccountId")

    children = soql(client, "SELECT Id, (SELECT Id FROM Contacts) FROM Account").json()
    who = soql(client, "SELECT TYPEOF Who WHEN Contact THEN MobilePhone END FROM Task").json()

    assert children[0]["errorCode"] == "INVALID_TYPE"
    assert "Didn't understand relationship 'Contacts'" in children[0]["message"]
    assert who[0]["errorCode"] == "INVALID_FIELD"


def test_an_owner_of_several_kinds_is_a_name(reader: httpx.Client) -> None:
    query = "SELECT Id, Owner.Name, Owner.Type FROM Lead WHERE Owner.Type = '{}' LIMIT 1"
    (user,) = soql(reader, query.format("User")).json()["records"]
    (queue,) = soql(reader, query.format("Queue")).json()["records"]
    (contact,) = soql(reader, "SELECT Owner.Name FROM Contact LIMIT 1").json()["records"]

    assert user["Owner"]["attributes"]["type"] == queue["Owner"]["attributes"]["type"] == "Name"
    assert "/sobjects/User/005" in user["Owner"]["attributes"]["url"]
    assert "/sobjects/Group/00G" in queue["Owner"]["attributes"]["url"]
    assert (queue["Owner"]["Name"], queue["Owner"]["Type"]) == ("Inquiry Queue", "Queue")
    assert contact["Owner"]["attributes"]["type"] == "User"


def test_typeof_fetches_what_the_record_has(org: OrgSim, client: httpx.Client) -> None:
    contact, lead = org.ids("Contact")[0], org.ids("Lead")[0]
    for person in (contact, lead):
        client.post(f"{V}/sobjects/Task", json={"WhoId": person, "Subject": "Call"})
    client.post(f"{V}/sobjects/Task", json={"Subject": "Nobody"})

    query = "SELECT TYPEOF Who WHEN Contact THEN LastName WHEN Lead THEN Company ELSE Name END, Subject FROM Task ORDER BY Id"
    first, second, nobody = soql(client, query).json()["records"]

    assert set(first["Who"]) == {"attributes", "LastName"}
    assert first["Who"]["attributes"]["type"] == "Contact"
    assert set(second["Who"]) == {"attributes", "Company"}
    assert (nobody["Who"], nobody["Subject"]) == (None, "Nobody")


def test_the_columns_of_a_query_are_told_on_request(reader: httpx.Client) -> None:
    query = "SELECT Id, Name, Graduation_Year__c, Owner.Alias, SMS_Opt_Out__c FROM Contact"

    answer = reader.get(f"{V}/query", params={"columns": "true", "q": query}).json()

    assert set(answer) == {"columnMetadata", "entityName", "groupBy", "idSelected", "keyPrefix"}
    assert (answer["entityName"], answer["keyPrefix"]) == ("Contact", "003")
    assert (answer["groupBy"], answer["idSelected"]) == (False, True)
    columns = {column["columnName"]: column for column in answer["columnMetadata"]}
    assert list(columns) == ["Id", "Name", "Graduation_Year__c", "Owner", "SMS_Opt_Out__c"]
    assert all(set(column) == COLUMN_KEYS for column in columns.values())
    assert (columns["Name"]["textType"], columns["Name"]["updatable"]) == (True, False)
    assert (columns["Graduation_Year__c"]["numberType"], columns["Graduation_Year__c"]["custom"]) == (
        True,
        True,
    )
    assert (columns["SMS_Opt_Out__c"]["booleanType"], columns["SMS_Opt_Out__c"]["insertable"]) == (True, True)
    assert [column["columnName"] for column in columns["Owner"]["joinColumns"]] == ["Alias"]


def test_the_columns_of_groups_and_children_say_so(reader: httpx.Client) -> None:
    def columns(query: str) -> Json:
        answer: Json = reader.get(f"{V}/query", params={"columns": "true", "q": query}).json()
        return answer

    groups = columns("SELECT LeadSource, COUNT(Id) n FROM Contact GROUP BY LeadSource")
    children = columns("SELECT Name, (SELECT LastName FROM Contacts) FROM Account")["columnMetadata"]

    assert groups["groupBy"] is True
    assert [column["columnName"] for column in groups["columnMetadata"]] == ["LeadSource", "n"]
    assert (children[1]["columnName"], children[1]["aggregate"]) == ("Contacts", True)
    assert [column["columnName"] for column in children[1]["joinColumns"]] == ["LastName"]


def test_a_query_is_explained(reader: httpx.Client) -> None:
    def plan(query: str) -> Json:
        answer = reader.get(f"{V}/query", params={"explain": query}).json()
        assert set(answer) == {"plans", "sourceQuery"}
        found: Json = answer["plans"][0]
        return found

    by_index = plan("SELECT Id FROM Contact WHERE SystemModstamp > LAST_N_DAYS:1")
    scan = plan("SELECT Id FROM Contact WHERE Title = 'Nurse'")

    assert (by_index["leadingOperationType"], by_index["fields"]) == ("Index", ["SystemModstamp"])
    assert by_index["relativeCost"] < 1
    assert (scan["leadingOperationType"], scan["relativeCost"]) == ("TableScan", 1.0)
    assert (scan["sobjectCardinality"], scan["sobjectType"]) == (4_500, "Contact")
    assert set(scan["notes"][0]) == {"description", "fields", "tableEnumOrId"}


def test_a_list_view_is_explained_by_its_id(reader: httpx.Client) -> None:
    view = reader.get(f"{V}/sobjects/Contact/listviews").json()["listviews"][0]

    answer = reader.get(f"{V}/query", params={"explain": view["id"]}).json()

    assert answer["sourceQuery"] == reader.get(view["describeUrl"]).json()["query"]
    refused = reader.get(f"{V}/query", params={"explain": "SELECT Foo FROM Contact"})
    assert refused.json()[0]["errorCode"] == "INVALID_FIELD"


def test_more_groups_than_a_page_holds_are_refused(reader: httpx.Client) -> None:
    query = "SELECT Id, COUNT(Name) FROM Contact GROUP BY Id"

    answer = soql(reader, query)

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "EXCEEDED_ID_LIMIT")
    assert soql(reader, f"{query} LIMIT 2000").json()["totalSize"] == 2_000


def test_values_as_a_person_sees_them(reader: httpx.Client) -> None:
    query = "SELECT FORMAT(CreatedDate) seen, CreatedDate, toLabel(Program__c) program FROM Contact WHERE Program__c = 'MBA' LIMIT 1"

    (record,) = soql(reader, query).json()["records"]

    assert record["program"] == "Master of Business Administration"
    assert record["seen"].endswith((" AM", " PM"))


@pytest.mark.parametrize("ending", ["FOR VIEW", "FOR REFERENCE", "UPDATE TRACKING", "UPDATE VIEWSTAT"])
def test_endings_that_only_track_do_not_change_the_answer(reader: httpx.Client, ending: str) -> None:
    query = "SELECT Id FROM Contact ORDER BY Id LIMIT 3"

    assert soql(reader, f"{query} {ending}").json() == soql(reader, query).json()
