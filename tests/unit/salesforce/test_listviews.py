from typing import Any

import pytest

from carillon.salesforce import errors
from carillon.salesforce.client import Client, ListViewColumn, ListViewSummary
from tests.unit.salesforce.org import Reply, TinyOrg

BASE = "/services/data/v66.0"
VIEWS = f"{BASE}/sobjects/Contact/listviews"
VIEW = "00BD0000005WcBeMAK"


def summary(view_id: str, **values: Any) -> dict[str, Any]:
    return {
        "id": view_id,
        "label": "New",
        "developerName": "NewOnes",
        "soqlCompatible": True,
        "url": "/x",
        **values,
    }


def test_a_list_that_leads_in_a_circle_is_left(org: TinyOrg, client: Client) -> None:
    org.script(VIEWS, Reply({"done": False, "listviews": [], "nextRecordsUrl": VIEWS, "size": 2}))

    with pytest.raises(errors.MalformedAnswer, match="leads back"):
        client.list_views("Contact")


def test_all_pages_of_the_list_are_read_and_ids_have_18_characters(org: TinyOrg, client: Client) -> None:
    more = f"{VIEWS}/more"
    org.script(
        VIEWS, Reply({"done": False, "listviews": [summary(VIEW[:15])], "nextRecordsUrl": more, "size": 2})
    )
    second = summary("00BD0000005WcBpMAK", soqlCompatible=False, label=None)
    org.script(more, Reply({"done": True, "listviews": [second], "nextRecordsUrl": None}))

    assert client.list_views("Contact") == [
        ListViewSummary(VIEW, "New", "NewOnes", True),
        ListViewSummary("00BD0000005WcBpMAK", "NewOnes", "NewOnes", False),
    ]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"done": False, "listviews": []}, errors.MalformedAnswer),
        ({"done": True}, errors.MalformedAnswer),
        ({"done": True, "listviews": [{"id": "x"}]}, errors.MalformedAnswer),
        ({"done": False, "listviews": [], "nextRecordsUrl": "https://evil.example/"}, errors.RedirectRefused),
    ],
)
def test_a_list_of_list_views_in_another_form_is_an_error(
    org: TinyOrg, impatient: Client, body: Any, kind: type[Exception]
) -> None:
    org.script(VIEWS, Reply(body))

    with pytest.raises(kind):
        impatient.list_views("Contact")


def test_a_view_is_described_with_its_query_scope_and_columns(org: TinyOrg, client: Client) -> None:
    condition = {"field": "CreatedDate", "operator": "equals", "values": ["THIS_WEEK"]}
    columns = [
        {"fieldNameOrPath": "Name", "label": "Full Name", "type": "string", "hidden": False, "sortIndex": 0},
        {"fieldNameOrPath": "Id", "hidden": True},
    ]
    body = {"id": VIEW[:15], "query": "SELECT name FROM Contact", "scope": "mine", "columns": columns}
    org.script(f"{VIEWS}/{VIEW}/describe", Reply({**body, "whereCondition": condition, "orderBy": []}))

    view = client.list_view("Contact", VIEW[:15])

    assert (view.id, view.query, view.scope) == (VIEW, "SELECT name FROM Contact", "mine")
    assert view.columns == (
        ListViewColumn("Name", "Full Name", "string", False),
        ListViewColumn("Id", "Id", "string", True),
    )
    assert view.where_condition == condition


def test_a_view_that_is_gone_or_not_shared_is_not_found(org: TinyOrg, client: Client) -> None:
    with pytest.raises(errors.NotFound) as caught:
        client.list_view("Contact", VIEW)

    assert "shared" in caught.value.remedy


def test_ids_of_the_results_are_read_from_the_id_column(org: TinyOrg, client: Client) -> None:
    def row(record_id: str) -> dict[str, Any]:
        return {
            "columns": [
                {"fieldNameOrPath": "Name", "value": "x"},
                {"fieldNameOrPath": "Id", "value": record_id},
            ]
        }

    path = f"{VIEWS}/{VIEW}/results"
    org.script(
        path,
        Reply({"records": [row("003dM00001vWOXJ"), row("003dM00001vWOXJQA4")], "done": False, "size": 2}),
    )

    assert client.list_view_result_ids("Contact", VIEW) == (["003dM00001vWOXJQA4"] * 2, False)
    assert org.requests(path)[0].path.endswith("?limit=2000")


def test_a_result_row_without_an_id_is_malformed(org: TinyOrg, impatient: Client) -> None:
    org.script(f"{VIEWS}/{VIEW}/results", Reply({"records": [{"columns": []}], "done": True}))

    with pytest.raises(errors.MalformedAnswer):
        impatient.list_view_result_ids("Contact", VIEW)


def test_an_object_is_described_and_its_fields_found_in_any_case(org: TinyOrg, client: Client) -> None:
    program = {
        "name": "Program__c",
        "label": "Program",
        "type": "picklist",
        "custom": True,
        "updateable": True,
        "picklistValues": [{"active": True, "label": "Nursing School", "value": "Nursing", "validFor": None}],
    }
    owner = {
        "name": "OwnerId",
        "type": "reference",
        "relationshipName": "Owner",
        "referenceTo": ["Group", "User"],
    }
    street = {
        "name": "MailingStreet",
        "type": "textarea",
        "compoundFieldName": "MailingAddress",
        "length": 255,
    }
    body = {"name": "Contact", "label": "Person", "fields": [program, owner, street], "urls": {}}
    org.script(f"{BASE}/sobjects/Contact/describe", Reply(body))

    contact = client.describe("Contact")

    assert (contact.name, contact.label, len(contact.fields)) == ("Contact", "Person", 3)
    found = contact.field("program__C")
    assert found is not None
    assert (found.type, found.custom, found.updateable, found.filterable) == ("picklist", True, True, False)
    assert [(value.value, value.label) for value in found.picklist_values] == [("Nursing", "Nursing School")]
    assert contact.fields[1].reference_to == ("Group", "User")
    assert contact.fields[1].label == "OwnerId"
    assert contact.fields[2].compound_field_name == "MailingAddress"
    assert contact.field("DoNotCall") is None


def test_names_cannot_leave_their_place_in_the_path(org: TinyOrg, client: Client) -> None:
    with pytest.raises(errors.NotFound):
        client.describe("Contact/../../x?y")
    with pytest.raises(errors.InvalidId):
        client.list_view("Contact", "../x")

    assert org.seen[-1].path == f"{BASE}/sobjects/Contact%2F..%2F..%2Fx%3Fy/describe"
