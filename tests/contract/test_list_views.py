import re
from typing import Any

import httpx
import pytest

from orgsim.ids import to18
from orgsim.testing import OrgSim
from orgsim.text import words
from orgsim.viewdef import leaf
from tests.contract.conftest import V, soql

Json = dict[str, Any]
GONE = [{"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}]
COLUMN_KEYS = set(
    words(
        "ascendingLabel descendingLabel fieldNameOrPath hidden label selectListItem sortDirection sortIndex sortable type"
    )
)
MOMENT = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d GMT \d{4}")


def _views(client: httpx.Client, sobject: str = "Contact") -> dict[str, Json]:
    answer = client.get(f"{V}/sobjects/{sobject}/listviews").json()
    return {view["developerName"]: view for view in answer["listviews"]}


def test_the_list_has_the_documented_shape(reader: httpx.Client) -> None:
    answer = reader.get(f"{V}/sobjects/Contact/listviews").json()

    assert set(answer) == {"done", "listviews", "nextRecordsUrl", "size", "sobjectType"}
    assert (answer["done"], answer["nextRecordsUrl"], answer["sobjectType"]) == (True, None, "Contact")
    assert answer["size"] == len(answer["listviews"]) > 20
    first = answer["listviews"][0]
    url = f"{V}/sobjects/Contact/listviews/{first['id']}"
    assert first == {
        "describeUrl": f"{url}/describe",
        "developerName": "AllContacts",
        "id": first["id"],
        "label": "All Contacts",
        "resultsUrl": f"{url}/results",
        "soqlCompatible": True,
        "url": url,
    }
    assert re.fullmatch(r"00B[0-9A-Za-z]{15}", first["id"])


def test_one_view_is_an_element_of_the_list(reader: httpx.Client) -> None:
    view = _views(reader)["TextingContacts"]

    assert reader.get(view["url"]).json() == view
    assert reader.get(f"{V}/sobjects/Contact/listviews/{view['id'][:15]}/").json() == view


def test_describe_has_the_documented_shape(reader: httpx.Client) -> None:
    view = _views(reader)["TextingContacts"]

    answer = reader.get(view["describeUrl"]).json()

    assert set(answer) == {"columns", "id", "orderBy", "query", "scope", "sobjectType", "whereCondition"}
    assert (len(answer["id"]), to18(answer["id"])) == (15, view["id"])
    assert all(set(column) == COLUMN_KEYS for column in answer["columns"])
    hidden = [column["fieldNameOrPath"] for column in answer["columns"] if column["hidden"]]
    assert hidden == ["Id", "CreatedDate", "LastModifiedDate", "SystemModstamp"]
    assert answer["columns"][0]["sortDirection"] == "ascending"
    assert answer["columns"][0]["sortIndex"] == 0
    assert answer["orderBy"] == [
        {"fieldNameOrPath": "Name", "nullsPosition": "first", "sortDirection": "ascending"},
        {"fieldNameOrPath": "Id", "nullsPosition": "first", "sortDirection": "ascending"},
    ]
    assert answer["whereCondition"] == {"field": "MobilePhone", "operator": "notEquals", "values": ["null"]}


def test_the_query_selects_the_columns_and_labels_of_picklists(reader: httpx.Client) -> None:
    answer = reader.get(_views(reader)["TextingContacts"]["describeUrl"]).json()

    items = ", ".join(column["selectListItem"] for column in answer["columns"])
    assert answer["query"] == (
        f"SELECT {items} FROM Contact WHERE MobilePhone != null ORDER BY Name ASC NULLS FIRST, Id ASC NULLS FIRST"
    )
    assert "toLabel(Program__c)" in items


def test_spring_admits_join_program_and_year_by_or(reader: httpx.Client) -> None:
    answer = reader.get(_views(reader)["SpringAdmits"]["describeUrl"]).json()

    assert answer["whereCondition"]["conjunction"] == "or"
    assert [node["conjunction"] for node in answer["whereCondition"]["conditions"]] == ["and", "and"]
    assert ") OR (" in answer["query"]


def test_my_contacts_has_the_scope_mine(reader: httpx.Client) -> None:
    answer = reader.get(_views(reader)["MyContacts"]["describeUrl"]).json()

    assert answer["scope"] == "mine"
    assert " FROM Contact USING SCOPE mine ORDER BY " in answer["query"]
    assert answer["whereCondition"] is None


@pytest.mark.parametrize("sobject", ["Contact", "Lead"])
def test_every_compatible_view_has_a_query_that_runs_and_agrees_with_its_results(
    reader: httpx.Client, sobject: str
) -> None:
    for name, view in _views(reader, sobject).items():
        if not view["soqlCompatible"]:
            continue
        query = reader.get(view["describeUrl"]).json()["query"]
        expected = soql(reader, f"{query} LIMIT 3").json()
        results = reader.get(view["resultsUrl"], params={"limit": 3}).json()
        ids = [
            c["value"] for row in results["records"] for c in row["columns"] if c["fieldNameOrPath"] == "Id"
        ]
        assert ids == [record["Id"] for record in expected["records"]], name


def test_leads_have_their_own_views_of_open_leads(reader: httpx.Client) -> None:
    views = _views(reader, "Lead")

    assert next(iter(views)) == "AllLeads"
    assert {"TextingLeads", "MyLeads"} <= set(views)
    assert "IsConverted = false" in reader.get(views["AllLeads"]["describeUrl"]).json()["query"]


def test_results_are_25_rows_of_texts_unless_asked(reader: httpx.Client) -> None:
    view = _views(reader)["TextingContacts"]

    answer = reader.get(view["resultsUrl"]).json()

    assert set(answer) == {"columns", "developerName", "done", "id", "label", "records", "size"}
    assert (answer["size"], len(answer["records"]), answer["done"]) == (25, 25, False)
    assert to18(answer["id"]) == view["id"]
    cells = {cell["fieldNameOrPath"]: cell["value"] for cell in answer["records"][0]["columns"]}
    assert all(value is None or isinstance(value, str) for value in cells.values())
    assert MOMENT.fullmatch(cells["SystemModstamp"])
    assert cells["SMS_Opt_Out__c"] in ("true", "false")


def test_results_page_by_limit_and_offset(reader: httpx.Client) -> None:
    url = _views(reader)["SpringAdmits"]["resultsUrl"]

    whole = reader.get(url, params={"limit": 2000}).json()
    tail = reader.get(url, params={"limit": 2000, "offset": 5}).json()

    assert whole["done"] is True
    assert whole["records"][5:] == tail["records"]


@pytest.mark.parametrize(
    "params", [{"limit": 0}, {"limit": 2001}, {"limit": "x"}, {"limit": "²"}, {"offset": 2001}]
)
def test_results_out_of_range_are_refused(reader: httpx.Client, params: dict[str, str]) -> None:
    answer = reader.get(_views(reader)["AllContacts"]["resultsUrl"], params=params)

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "NUMBER_OUTSIDE_VALID_RANGE")


def test_a_view_that_is_not_soql_compatible_says_so(reader: httpx.Client) -> None:
    view = _views(reader)["CampusTourByDistance"]

    assert view["soqlCompatible"] is False
    assert reader.get(view["describeUrl"]).status_code == 400


def test_an_unshared_view_is_not_listed_and_answers_404(org: OrgSim, client: httpx.Client) -> None:
    assert "DeansPrivateList" not in _views(client)
    view = _views(client)["TextingContacts"]

    org.unshare("TextingContacts")

    assert "TextingContacts" not in _views(client)
    for url in (view["url"], view["describeUrl"], view["resultsUrl"]):
        answer = client.get(url)
        assert (answer.status_code, answer.json()) == (404, GONE)
    rows = soql(client, "SELECT DeveloperName FROM ListView WHERE SobjectType = 'Contact'").json()["records"]
    names = {row["DeveloperName"] for row in rows}
    assert "AllContacts" in names
    assert not {"TextingContacts", "DeansPrivateList"} & names


def test_views_are_data_that_can_be_added_changed_and_deleted(org: OrgSim, client: httpx.Client) -> None:
    org.add_list_view("Contact", "Nurses", where=leaf("Program__c", "equals", "'Nursing'"))
    view = _views(client)["Nurses"]
    assert "Program__c = 'Nursing'" in client.get(view["describeUrl"]).json()["query"]

    org.set_list_view_filter("Nurses", leaf("Program__c", "equals", "'Biology'"))
    assert "Program__c = 'Biology'" in client.get(view["describeUrl"]).json()["query"]

    org.delete_list_view("Nurses")
    assert client.get(view["describeUrl"]).status_code == 404


def test_a_hidden_column_leaves_the_view(org: OrgSim, client: httpx.Client) -> None:
    org.hide_field("Contact", "Preferred_Name__c")

    answer = client.get(_views(client)["TextingContacts"]["describeUrl"]).json()

    assert "Preferred_Name__c" not in answer["query"]
