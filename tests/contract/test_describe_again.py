"""Describes that a client has already: 304 by ETag and by date, until what the user may see changes."""

import httpx
import pytest

from orgsim.testing import OrgSim
from tests.contract.conftest import V

PATHS = [f"{V}/sobjects", f"{V}/sobjects/Contact/describe", f"{V}/sobjects/Contact"]
HIDDEN_LATER = "Title"


@pytest.mark.parametrize("path", PATHS)
def test_a_describe_carries_its_validators(reader: httpx.Client, path: str) -> None:
    answer = reader.get(path)

    assert answer.headers["Last-Modified"].endswith(" GMT")
    assert answer.headers["ETag"].startswith('"')
    assert reader.get(path).headers["ETag"] == answer.headers["ETag"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("header", "of", "form"),
    [
        ("If-None-Match", "ETag", "{}"),
        ("If-None-Match", "ETag", 'W/{}, "other"'),
        ("If-Modified-Since", "Last-Modified", "{}"),
    ],
)
def test_what_the_client_knows_is_not_sent_again(
    reader: httpx.Client, path: str, header: str, of: str, form: str
) -> None:
    known = reader.get(path)

    again = reader.get(path, headers={header: form.format(known.headers[of])})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == known.headers["ETag"]
    assert "Sforce-Limit-Info" in again.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"If-None-Match": '"00000000"'},
        {"If-Modified-Since": "Thu, 01 Jan 2015 00:00:00 GMT"},
        {"If-Modified-Since": "yesterday"},
        {"If-None-Match": '"00000000"', "If-Modified-Since": "Thu, 01 Jan 2099 00:00:00 GMT"},
    ],
)
def test_what_the_client_does_not_know_is_sent(reader: httpx.Client, headers: dict[str, str]) -> None:
    assert reader.get(PATHS[1], headers=headers).status_code == 200


def test_a_hidden_field_makes_the_describe_new(org: OrgSim, client: httpx.Client) -> None:
    known = client.get(PATHS[1])
    headers = {"If-Modified-Since": known.headers["Last-Modified"]}
    org.hide_field("Contact", HIDDEN_LATER)

    again = client.get(PATHS[1], headers=headers)

    assert again.status_code == 200
    assert again.headers["ETag"] != known.headers["ETag"]
    assert HIDDEN_LATER not in {field["name"] for field in again.json()["fields"]}


def test_records_are_counted_by_object(reader: httpx.Client) -> None:
    answer = reader.get(f"{V}/limits/recordCount", params={"sObjects": "Contact,Lead,Nonsense"}).json()

    assert answer == {"sObjects": [{"count": 4_500, "name": "Contact"}, {"count": 300, "name": "Lead"}]}


def test_layouts_of_an_org_without_any(reader: httpx.Client) -> None:
    layouts = reader.get(f"{V}/sobjects/Contact/describe/layouts").json()
    compact = reader.get(f"{V}/sobjects/Contact/describe/compactLayouts").json()

    assert set(layouts) == {"layouts", "recordTypeMappings", "recordTypeSelectorRequired"}
    assert set(compact) == {
        "compactLayouts",
        "defaultCompactLayoutId",
        "recordTypeCompactLayoutMappings",
    }
    approval = reader.get(f"{V}/sobjects/Contact/describe/approvalLayouts/").json()
    assert approval == {"approvalLayouts": []}
    assert reader.get(f"{V}/sobjects/Nonsense/describe/layouts").status_code == 404


def test_recent_are_the_records_that_calls_named(org: OrgSim, client: httpx.Client) -> None:
    read, gone = org.ids("Lead")[0], org.ids("Contact")[0]
    client.get(f"{V}/query", params={"q": "SELECT Id, Name FROM Account"})
    client.get(f"{V}/sobjects/Lead/{read}")
    client.get(f"{V}/sobjects/Contact/{gone}")
    client.delete(f"{V}/sobjects/Contact/{gone}")
    made = client.post(f"{V}/sobjects/Contact", json={"LastName": "New"}).json()["id"]

    listed = client.get(f"{V}/recent").json()

    assert [item["Id"] for item in listed] == [made, read]
    url = f"{V}/sobjects/Contact/{made}"
    assert listed[0] == {"attributes": {"type": "Contact", "url": url}, "Id": made, "Name": "New"}
    assert client.get(f"{V}/recent", params={"limit": "1"}).json() == listed[:1]
    assert client.get(f"{V}/sobjects/Contact").json()["recentItems"] == listed[:1]


def test_children_are_related_by_the_names_sub_queries_use(reader: httpx.Client) -> None:
    children = reader.get(f"{V}/sobjects/Account/describe").json()["childRelationships"]

    named = {(c["childSObject"], c["field"]): c["relationshipName"] for c in children}
    assert named["Contact", "AccountId"] == "Contacts"
    assert named["Account", "ParentId"] == "ChildAccounts"
    assert named["Task", "WhatId"] == "Tasks"
    assert named["Lead", "ConvertedAccountId"] is None
