"""What Carillon relies on when it reads an org, whichever it is."""

import re

import httpx
import msgspec
import pytest

from carillon.salesforce.client import Client, ClientCredentials
from carillon.salesforce.errors import FieldNotFound, NotFound, QueryRejected, SignInRefused
from carillon.salesforce.ids import to_18
from carillon.salesforce.soql import compose, parse_list_view_query
from tests.contract.any_org.conftest import Target, V

_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000")


class _Row(msgspec.Struct):
    Id: str


def _ids(client: Client, soql: str) -> list[str]:
    return [row.Id for page in client.query(soql, _Row) for row in page.records if isinstance(row, _Row)]


def test_a_session_names_its_org_and_user(any_org: Client) -> None:
    session = any_org.session

    assert session.org_id == any_org.organization().id
    assert session.user_id == any_org.user_info().user_id


@pytest.mark.parametrize(
    ("client_id", "error"), [(None, "invalid_client"), ("no-such-app", "invalid_client_id")]
)
def test_wrong_credentials_are_told_apart(target: Target, client_id: str | None, error: str) -> None:
    wrong = ClientCredentials(client_id or target.credentials.client_id, "wrong")
    with (
        target.client_with(wrong) as client,
        pytest.raises(SignInRefused) as refusal,
    ):
        client.sign_in()

    assert refusal.value.error == error


def test_versions_come_oldest_first_and_hold_ours(any_org: Client) -> None:
    versions = [float(version.version) for version in any_org.versions()]

    assert versions == sorted(versions)
    assert {31.0, 66.0} <= set(versions)


def test_the_usage_header_and_the_limits_agree(any_org: Client) -> None:
    limits = any_org.limits()

    usage = any_org.transport.usage
    assert usage is not None
    assert usage.limit == limits["DailyApiRequests"].max
    # Salesforce lets /limits lag by five minutes.
    assert 0 < usage.used <= usage.limit


def test_a_trailing_slash_makes_no_difference(plain: httpx.Client) -> None:
    with_slash, without = plain.get(f"{V}/sobjects/Contact/"), plain.get(f"{V}/sobjects/Contact")

    assert with_slash.status_code == without.status_code == 200


def test_describe_shows_the_fields_an_import_needs(any_org: Client) -> None:
    for sobject in ("Contact", "Lead"):
        fields = {field.name: field for field in any_org.describe(sobject).fields}

        assert {"Id", "LastName", "MobilePhone", "SystemModstamp", "LastModifiedDate"} <= fields.keys()
        assert (fields["MobilePhone"].type, fields["SystemModstamp"].type) == ("phone", "datetime")


def test_what_does_not_exist_is_refused_by_kind(any_org: Client) -> None:
    with pytest.raises(NotFound):
        any_org.describe("NoSuchThing__c")
    with pytest.raises(FieldNotFound) as refusal:
        any_org.count("SELECT COUNT() FROM Contact WHERE No_Such_Field__c = NULL")
    assert refusal.value.field == "No_Such_Field__c"
    with pytest.raises(QueryRejected) as rejection:
        any_org.count("SELECT COUNT() FROM NoSuchThing__c")
    assert rejection.value.code == "INVALID_TYPE"
    with pytest.raises(QueryRejected) as rejection:
        any_org.count("SELECT COUNT() FROM Contact WHERE")
    assert rejection.value.code == "MALFORMED_QUERY"


def test_the_errors_caret_stands_under_the_name(plain: httpx.Client) -> None:
    answer = plain.get(f"{V}/query/", params={"q": "select count() from XYZZY"})

    [error] = answer.json()
    query, caret, position, sentence = error["message"].strip("\n").split("\n")[-4:]
    assert query.index("XYZZY") == caret.index("^")
    assert position == f"ERROR at Row:1:Column:{caret.index('^') + 1}"
    assert sentence.startswith("sObject type 'XYZZY' is not supported.")


def test_records_have_18_character_ids_and_stamps_in_utc(plain: httpx.Client) -> None:
    soql = "SELECT Id, OwnerId, Owner.Name, CreatedDate, SystemModstamp FROM Contact LIMIT 50"

    records = plain.get(f"{V}/query", params={"q": soql}).json()["records"]

    for record in records:
        assert record["Id"] == to_18(record["Id"][:15])
        assert _STAMP.fullmatch(record["CreatedDate"])
        assert _STAMP.fullmatch(record["SystemModstamp"])
        assert record["Owner"]["attributes"]["type"] == "User"
        assert record["attributes"]["url"] == f"{V}/sobjects/Contact/{record['Id']}"


def test_pages_add_up_to_the_total(plain: httpx.Client) -> None:
    page = plain.get(
        f"{V}/query",
        params={"q": "SELECT Id FROM Contact LIMIT 900"},
        headers={"Sforce-Query-Options": "batchSize=200"},
    ).json()
    total, ids = page["totalSize"], [record["Id"] for record in page["records"]]

    while not page["done"]:
        page = plain.get(page["nextRecordsUrl"]).json()
        assert page["totalSize"] == total
        ids += [record["Id"] for record in page["records"]]

    assert len(set(ids)) == len(ids) == total
    assert "nextRecordsUrl" not in page


def test_a_count_has_no_records(plain: httpx.Client) -> None:
    answer = plain.get(f"{V}/query", params={"q": "SELECT COUNT() FROM Contact"}).json()

    assert answer.keys() == {"totalSize", "done", "records"}
    assert answer["records"] == []


def test_a_keyset_goes_on_where_it_stopped(any_org: Client) -> None:
    ordered = "SELECT Id FROM Contact ORDER BY Id LIMIT 60"
    ids = _ids(any_org, ordered)

    after = _ids(any_org, f"SELECT Id FROM Contact WHERE Id > '{ids[19]}' ORDER BY Id LIMIT 40")

    assert after == ids[20:]


def test_a_list_view_run_by_its_query_is_what_salesforce_shows(any_org: Client) -> None:
    views = [view for view in any_org.list_views("Contact") if view.soql_compatible]
    assert views

    for view in views[:6]:
        description = any_org.list_view("Contact", view.id)
        assert description.id == view.id
        hidden = {column.field for column in description.columns if column.hidden}
        assert {"Id", "CreatedDate", "LastModifiedDate", "SystemModstamp"} <= hidden
        shown, complete = any_org.list_view_result_ids("Contact", view.id)
        ours = _ids(any_org, compose(parse_list_view_query(description.query), ["Id"]))
        assert set(shown) <= set(ours)
        assert not complete or len(ours) == len(shown)


def test_a_list_view_that_is_not_there_is_not_found(any_org: Client) -> None:
    with pytest.raises(NotFound):
        any_org.list_view("Contact", "00B000000000000")
