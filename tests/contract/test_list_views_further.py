"""List views beyond the plain ones: further conditions and scopes, recent ones, and the answers that orgs differ in."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from carillon.salesforce.client import Client, ClientCredentials
from carillon.salesforce.errors import NotFound
from orgsim.ids import to18
from orgsim.staff import CLIENT_ID, CLIENT_SECRET
from orgsim.testing import OrgSim
from orgsim.viewdef import leaf
from tests.contract.conftest import V, signed_in, soql

Json = dict[str, Any]
CAMPAIGN = "701Hs0000000001IAA"


def _views(client: httpx.Client, sobject: str = "Contact") -> dict[str, Json]:
    answer = client.get(f"{V}/sobjects/{sobject}/listviews").json()
    return {view["developerName"]: view for view in answer["listviews"]}


def _describe(client: httpx.Client, name: str, sobject: str = "Contact") -> Json:
    answer: Json = client.get(_views(client, sobject)[name]["describeUrl"]).json()
    return answer


def test_a_negation_is_one_condition_in_a_node_of_its_own(reader: httpx.Client) -> None:
    described = _describe(reader, "NotFromPartnerSchools")

    conditions = described["whereCondition"]["conditions"]
    assert conditions == [
        {"field": "Account.Name", "operator": "notLike", "values": ["'%High School%'"]},
        {"condition": {"field": "Title", "operator": "equals", "values": ["'Parent'"]}},
    ]
    where = "(NOT Account.Name LIKE '%High School%') AND (NOT Title = 'Parent')"
    assert f" WHERE {where} ORDER BY " in described["query"]


def test_a_sub_query_is_a_node_with_its_text(reader: httpx.Client) -> None:
    described = _describe(reader, "CalledThisYear")

    assert described["whereCondition"] == {
        "field": "Id",
        "operator": "in",
        "subQuery": "SELECT WhoId FROM Task WHERE CreatedDate = THIS_YEAR",
    }
    assert described["whereCondition"]["subQuery"] in described["query"]


def test_operators_are_spelled_as_documented(reader: httpx.Client) -> None:
    spring = _describe(reader, "SpringAdmits")["whereCondition"]["conditions"][1]
    arts = _describe(reader, "InterestedInTheArts")["whereCondition"]

    assert spring["conditions"][1]["operator"] == "greaterThenOrEqualTo"
    assert arts == {"field": "Interests__c", "operator": "includes", "values": ["'Arts'"]}


def test_choices_included_are_found_among_others(reader: httpx.Client) -> None:
    query = _describe(reader, "InterestedInTheArts")["query"]

    found = soql(reader, "SELECT Interests__c FROM Contact WHERE Interests__c INCLUDES ('Arts')").json()
    assert {record["Interests__c"] for record in found["records"]} == {"Arts", "Arts;Study Abroad"}
    assert soql(reader, f"{query} LIMIT 1").json()["totalSize"] == 1


def test_the_view_of_a_queue_names_it(reader: httpx.Client) -> None:
    described = _describe(reader, "InquiryQueue", "Lead")

    queue = soql(reader, "SELECT Id FROM Group WHERE DeveloperName = 'Inquiry_Queue'").json()["records"][0][
        "Id"
    ]
    assert (described["scope"], described["scopeEntityId"]) == ("queue_owned", queue)
    filtered = f" USING SCOPE queue_owned WHERE OwnerId = '{queue}' AND IsConverted = false ORDER BY "
    assert filtered in described["query"]
    owners = soql(reader, "SELECT Owner.Name, Owner.Type FROM Lead WHERE Owner.Type = 'Queue'").json()
    assert owners["totalSize"] > 0
    assert {record["Owner"]["Name"] for record in owners["records"]} == {"Inquiry Queue"}
    assert soql(reader, described["query"]).json()["totalSize"] > 0


def test_only_what_is_scoped_to_a_record_says_so(org: OrgSim, client: httpx.Client) -> None:
    plain = _describe(client, "TextingContacts")
    org.relate_list_view("TextingContacts", CAMPAIGN)

    related = _describe(client, "TextingContacts")

    assert not {"scopeEntityId", "relatedEntityId"} & set(plain)
    assert related == plain | {"relatedEntityId": CAMPAIGN}


def test_a_teams_view_has_its_scope_and_runs(reader: httpx.Client) -> None:
    for sobject, name in (("Contact", "MyTeamsContacts"), ("Lead", "MyTeamsLeads")):
        described = _describe(reader, name, sobject)

        assert described["scope"] == "team"
        assert soql(reader, described["query"]).status_code == 200


def test_recent_views_are_those_whose_results_were_asked_for(org: OrgSim, client: httpx.Client) -> None:
    recent = f"{V}/sobjects/Contact/listviews/recent"
    assert client.get(recent).json()["listviews"] == []
    views = _views(client)

    client.get(views["NoEmail"]["resultsUrl"])
    answer = client.get(recent).json()

    assert answer["listviews"] == [views["NoEmail"]]
    assert (answer["size"], answer["done"], answer["sobjectType"]) == (1, True, "Contact")
    seen = soql(client, "SELECT DeveloperName FROM ListView WHERE LastViewedDate != null").json()["records"]
    assert [row["DeveloperName"] for row in seen] == ["NoEmail"]
    org.unshare("NoEmail")
    assert client.get(recent).json()["size"] == 0


def test_very_many_views_come_in_pages_where_the_org_does_so(org: OrgSim, client: httpx.Client) -> None:
    whole = client.get(f"{V}/sobjects/Contact/listviews").json()["listviews"]
    org.switch("list_views_paging", "paged")

    pages = list(_pages(client))

    assert len(pages) == -(-len(whole) // 10)
    assert [view for page in pages for view in page["listviews"]] == whole
    assert [page["done"] for page in pages] == [False] * (len(pages) - 1) + [True]
    assert all(page["size"] == len(page["listviews"]) for page in pages)


def _pages(client: httpx.Client) -> Iterator[Json]:
    url: str | None = f"{V}/sobjects/Contact/listviews"
    while url:
        page = client.get(url).json()
        yield page
        url = page["nextRecordsUrl"]


@pytest.mark.parametrize(("switched", "code"), [("404", "NOT_FOUND"), ("403", "INSUFFICIENT_ACCESS")])
def test_an_unshared_view_answers_as_the_org_does(
    org: OrgSim, client: httpx.Client, switched: str, code: str
) -> None:
    view = _views(client)["NoEmail"]
    org.unshare("NoEmail")
    org.switch("unshared_list_view", switched)

    for url in (view["url"], view["describeUrl"], view["resultsUrl"]):
        answer = client.get(url)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (int(switched), code)
    nobodys = client.get(f"{V}/sobjects/Contact/listviews/{to18('00BHs0000009999')}")
    assert (nobodys.status_code, nobodys.json()[0]["errorCode"]) == (404, "NOT_FOUND")


@pytest.fixture
def carillon(org: OrgSim) -> Iterator[Client]:
    credentials = ClientCredentials(CLIENT_ID, CLIENT_SECRET)
    with Client(host=org.url, credentials=credentials, allow_local=True) as made:
        yield made


@pytest.mark.parametrize("switched", ["404", "403"])
def test_the_client_takes_an_unshared_view_for_one_that_is_not_there(
    org: OrgSim, carillon: Client, switched: str
) -> None:
    view = next(view for view in carillon.list_views("Contact") if view.developer_name == "NoEmail")
    org.unshare("NoEmail")
    org.switch("unshared_list_view", switched)

    with pytest.raises(NotFound, match="API user"):
        carillon.list_view("Contact", view.id)
    with pytest.raises(NotFound, match="API user"):
        carillon.list_view_result_ids("Contact", view.id)


@pytest.mark.parametrize("switched", ["whole", "paged"])
def test_the_client_lists_every_view_in_either_way(org: OrgSim, carillon: Client, switched: str) -> None:
    org.switch("list_views_paging", switched)

    views = carillon.list_views("Contact")

    assert len({view.id for view in views}) == len(views) > 30


def test_a_view_that_was_never_shared_is_known_to_staff_only(org: OrgSim, client: httpx.Client) -> None:
    org.add_list_view("Contact", "Secret", where=leaf("Title", "equals", "'Nurse'"), shared=False)

    with signed_in(org, "registrar@orgsim.example") as registrar:
        assert "Secret" in _views(registrar)
    assert "Secret" not in _views(client)


def test_the_results_of_a_view_end_at_the_furthest_offset(reader: httpx.Client) -> None:
    url = _views(reader)["AllContacts"]["resultsUrl"]

    last = reader.get(url, params={"limit": 2_000, "offset": 2_000}).json()

    assert (last["size"], last["done"]) == (2_000, False)
