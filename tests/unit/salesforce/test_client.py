import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest

from carillon.salesforce import errors
from carillon.salesforce.client import Client, ClientCredentials, Limit, Version
from carillon.salesforce.transport import ApiUsage
from tests.unit.salesforce.conftest import QUICK, SECRET
from tests.unit.salesforce.org import ORG_ID, TOKEN_PATH, USER_ID, Reply, TinyOrg

BASE = "/services/data/v66.0"
QUERY = f"{BASE}/query"
EXPIRED = Reply([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}], status=401)


class Person(msgspec.Struct):
    Id: str
    LastName: str | None = None


def person(number: int, **values: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Contact"}, "Id": f"00300000000000{number}", "LastName": "Ng", **values}


def page(*records: Any, total: int | None = None, more: str | None = None) -> dict[str, Any]:
    body = {"totalSize": len(records) if total is None else total, "done": more is None, "records": records}
    return body if more is None else {**body, "nextRecordsUrl": more}


def read(client: Client, soql: str = "SELECT Id FROM Contact") -> list[Any]:
    return [record for page in client.query(soql, Person) for record in page.records]


def test_signing_in_posts_the_credentials_as_a_form_and_keeps_whose_session_it_is(
    org: TinyOrg, client: Client
) -> None:
    session = client.sign_in()

    (request,) = org.requests(TOKEN_PATH)
    assert request.form == {
        "grant_type": ["client_credentials"],
        "client_id": ["the-app"],
        "client_secret": [SECRET],
    }
    assert (session.org_id, session.user_id) == (ORG_ID, USER_ID)
    assert session.issued_at == datetime(2010, 7, 6, 20, 40, 32, 702000, UTC)
    assert client.transport.total_calls == 0


def test_ids_of_15_characters_in_a_token_become_18(org: TinyOrg, client: Client) -> None:
    identity = f"https://login.salesforce.com/id/{ORG_ID[:15]}/{USER_ID[:15]}"
    org.script(TOKEN_PATH, Reply(org.token(id=identity)))

    session = client.sign_in()

    assert (session.org_id, session.user_id) == (ORG_ID, USER_ID)


@pytest.mark.parametrize(
    "instance", ["https://evil.example", "https://my.salesforce.com.evil.org", "https://x.force.com", ""]
)
def test_a_token_for_a_foreign_host_is_refused_and_nothing_is_sent_there(
    org: TinyOrg, client: Client, instance: str
) -> None:
    org.script(TOKEN_PATH, Reply(org.token(instance_url=instance)))

    with pytest.raises(errors.HostRefused, match="token names an address"):
        client.limits()

    assert {request.path for request in org.seen} == {TOKEN_PATH}


def test_a_token_of_a_real_org_may_not_send_calls_to_this_machine(
    org: TinyOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[httpx.URL] = []

    def answered(http: httpx.Client, request: httpx.Request, **_: object) -> httpx.Response:
        sent.append(request.url)
        return httpx.Response(200, json=org.token(), request=request)

    monkeypatch.setattr(httpx.Client, "send", answered)
    credentials = ClientCredentials("a", "b")
    with (
        Client(host="acme.my.salesforce.com", credentials=credentials, allow_local=True) as client,
        pytest.raises(errors.HostRefused),
    ):
        client.limits()

    assert [str(url) for url in sent] == [f"https://acme.my.salesforce.com{TOKEN_PATH}"]


@pytest.mark.parametrize("identity", ["", "https://login.salesforce.com/id/", "no ids/here"])
def test_a_token_without_readable_ids_is_malformed(org: TinyOrg, impatient: Client, identity: str) -> None:
    org.script(TOKEN_PATH, Reply(org.token(id=identity)))

    with pytest.raises(errors.MalformedAnswer):
        impatient.sign_in()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": "invalid_client", "error_description": "invalid client credentials"}, "secret"),
        (
            400,
            {"error": "invalid_grant", "error_description": "no client credentials user enabled"},
            "run as",
        ),
        (401, b"<html>", "sign-in"),
    ],
)
def test_a_refused_sign_in_says_why_in_words(
    org: TinyOrg, client: Client, status: int, body: Any, kind: str
) -> None:
    org.script(TOKEN_PATH, Reply(body, status=status))

    with pytest.raises(errors.SignInRefused, match=kind) as caught:
        client.sign_in()

    assert caught.value.remedy
    assert len(org.seen) == 1


def test_a_host_without_an_org_is_said_to_be_that(org: TinyOrg, client: Client) -> None:
    org.script(TOKEN_PATH, Reply(b"<html>", status=404))

    with pytest.raises(errors.NotFound, match="no Salesforce org") as caught:
        client.sign_in()

    assert "My Domain" in caught.value.remedy


def test_an_expired_session_is_renewed_once_and_the_same_request_repeated(
    org: TinyOrg, client: Client
) -> None:
    org.script(QUERY, EXPIRED, Reply(page(person(1))))

    records = read(client)

    assert len(records) == 1
    first, second = org.requests(QUERY)
    assert first.path == second.path
    assert first.headers["Authorization"] != second.headers["Authorization"]
    assert len(org.requests(TOKEN_PATH)) == 2


def test_a_second_401_ends_it(org: TinyOrg, client: Client) -> None:
    org.script(QUERY, EXPIRED)

    with pytest.raises(errors.SessionLost):
        read(client)

    assert len(org.requests(QUERY)) == 2
    assert len(org.requests(TOKEN_PATH)) == 2


def test_a_session_that_expires_between_pages_is_renewed(org: TinyOrg, client: Client) -> None:
    org.script(QUERY, Reply(page(person(1), total=2, more=f"{QUERY}/0r8-1")))
    org.script(f"{QUERY}/0r8-1", EXPIRED, Reply(page(person(2), total=2)))

    assert [record.Id[-1] for record in read(client)] == ["1", "2"]


def test_redirects_are_refused_and_not_followed(org: TinyOrg, client: Client) -> None:
    org.script(QUERY, Reply(status=302, headers={"Location": f"{org.origin}/elsewhere"}))

    with pytest.raises(errors.RedirectRefused):
        read(client)

    assert not org.requests("/elsewhere")


def test_pages_are_followed_numbered_and_stamped_with_the_orgs_clock(org: TinyOrg, client: Client) -> None:
    org.script(QUERY, Reply(page(person(1), person(2), total=3, more=f"{QUERY}/0r8-2")))
    org.script(f"{QUERY}/0r8-2", Reply(page(person(3), total=3)))

    pages = list(client.query("SELECT Id FROM Contact WHERE LastName = 'O\\'Neil & Söhne+'", Person))

    assert [(one.number, one.done, one.total_size, len(one.records)) for one in pages] == [
        (1, False, 3, 2),
        (2, True, 3, 1),
    ]
    assert {one.answered_at for one in pages} == {datetime(2026, 5, 1, 7, 25, 37, tzinfo=UTC)}
    assert all(one.bytes > 50 for one in pages)
    assert pages[0].records[0] == Person("003000000000001", "Ng")


@pytest.mark.parametrize("name", ["O'Neil", "a+b & c=d", "Çelik 東京", "50%", "line\nbreak"])
def test_a_query_arrives_as_it_was_written(org: TinyOrg, client: Client, name: str) -> None:
    org.script(QUERY, Reply(page()))
    soql = f"SELECT Id FROM Contact WHERE LastName = '{name}'"

    list(client.query(soql, Person))

    (request,) = org.requests(QUERY)
    assert parse_qs(urlsplit(request.path).query) == {"q": [soql]}


def test_query_all_asks_for_deleted_records_too(org: TinyOrg, client: Client) -> None:
    org.script(f"{BASE}/queryAll", Reply(page(person(1))))

    pages = list(client.query_all("SELECT Id FROM Contact", Person))

    assert len(pages) == 1


def test_a_record_of_wrong_types_comes_raw_while_its_neighbours_decode(org: TinyOrg, client: Client) -> None:
    org.script(QUERY, Reply(page(person(1), person(2, LastName=7), person(3, LastName=None))))

    first, second, third = read(client)

    assert first == Person("003000000000001", "Ng")
    assert isinstance(second, msgspec.Raw)
    assert msgspec.json.decode(second)["LastName"] == 7
    assert third == Person("003000000000003", None)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>gateway</html>",
        b'{"totalSize":1,"done":true,"records":[{"Id":"\xff"}]}',
        b'{"totalSize":1,"done":true,"records":[{"Id":"0030',
        b"",
        b"[]",
        {"totalSize": 1, "done": True},
        {"done": True, "records": []},
        {"totalSize": 1, "done": True, "records": None},
        {"totalSize": -1, "done": True, "records": []},
        {"totalSize": 5, "done": False, "records": []},
        {"totalSize": 5, "done": False, "records": [], "nextRecordsUrl": ""},
        {"totalSize": 1, "done": True, "records": [{"LastName": "No id"}]},
        {"totalSize": 1, "done": True, "records": [{"Id": None, "LastName": "No id"}]},
        {"totalSize": 1, "done": True, "records": [None]},
    ],
)
def test_a_broken_envelope_is_asked_for_again_and_then_fails(
    org: TinyOrg, client: Client, impatient: Client, body: Any
) -> None:
    org.script(QUERY, Reply(body), Reply(body), Reply(page(person(1))))

    assert len(read(client)) == 1
    assert len(org.requests(QUERY)) == 3

    org.script(QUERY, Reply(body))
    with pytest.raises(errors.MalformedAnswer):
        read(impatient)


def test_a_page_without_a_clock_is_malformed(org: TinyOrg, impatient: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr("tests.unit.salesforce.org.DATE", "yesterday")
    org.script(QUERY, Reply(page(person(1))))

    with pytest.raises(errors.MalformedAnswer):
        read(impatient)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/services/data/v66.0/query/0r8-2000",
        "//evil.example/services/data/v66.0/query/0r8-2000",
        "/services/data/../../evil",
        "@evil.example/services/data/",
        "/elsewhere",
    ],
)
def test_a_next_page_at_another_address_is_refused(org: TinyOrg, client: Client, url: str) -> None:
    org.script(QUERY, Reply(page(person(1), total=2, more=url)))

    with pytest.raises(errors.RedirectRefused):
        read(client)

    assert len(org.requests(QUERY)) == 1


def test_pages_that_lead_in_a_circle_are_left(org: TinyOrg, client: Client) -> None:
    more = f"{QUERY}/0r8-2000"
    org.script(QUERY, Reply(page(person(1), total=3, more=more)))
    org.script(more, Reply(page(person(2), total=3, more=more)))

    with pytest.raises(errors.MalformedAnswer, match="leads back"):
        read(client)


def test_a_dropped_connection_is_tried_again(org: TinyOrg, client: Client) -> None:
    org.script(QUERY, Reply(page(person(1)), drop=True), Reply(page(person(1))))

    assert len(read(client)) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_unavailable_org_is_tried_again(org: TinyOrg, client: Client, status: int) -> None:
    org.script(QUERY, Reply(status=status), Reply(status=status), Reply(page(person(1))))

    assert len(read(client)) == 1
    assert len(org.requests(QUERY)) == 3


def test_the_share_of_one_app_is_not_taken_for_the_usage_of_the_org(org: TinyOrg, client: Client) -> None:
    usage = {"Sforce-Limit-Info": "per-app-api-usage=17/250(appName=My App); api-usage=24/15000"}
    org.script(QUERY, Reply(page(person(1)), headers=usage))

    read(client)

    assert client.transport.usage == ApiUsage(24, 15_000)


def test_answered_requests_are_counted_by_kind_and_usage_is_kept(org: TinyOrg, client: Client) -> None:
    usage = {"Sforce-Limit-Info": "api-usage=24/15000; per-app-api-usage=17/250(appName=My App)"}
    org.script(QUERY, Reply(status=503), Reply(page(person(1)), headers=usage))
    org.script("/services/data/", Reply([{"version": "66.0", "label": "Spring '26", "url": "/x"}]))

    read(client)
    versions = client.versions()

    assert client.transport.calls == {"query": 2}
    assert client.transport.total_calls == 2
    assert client.transport.usage is not None
    assert (client.transport.usage.used, client.transport.usage.limit) == (24, 15000)
    assert client.transport.org_time == datetime(2026, 5, 1, 7, 25, 37, tzinfo=UTC)
    assert versions == [Version("Spring '26", "66.0")]


def test_a_query_too_long_for_an_address_is_refused_before_it_is_sent(org: TinyOrg, client: Client) -> None:
    with pytest.raises(errors.QueryRejected, match="longer than"):
        read(client, "SELECT Id FROM Contact WHERE LastName = '" + "x" * 20_000 + "'")

    assert not org.requests(QUERY)


def test_the_count_of_a_count_query_is_its_total_size(org: TinyOrg, client: Client) -> None:
    org.script(QUERY, Reply(page(total=17)))

    assert client.count("SELECT COUNT() FROM Contact") == 17


def test_limits_of_unknown_shape_are_left_out(org: TinyOrg, client: Client) -> None:
    body = {
        "DailyApiRequests": {"Max": 15000, "Remaining": 14976, "Apps": {"Max": 1}},
        "Odd": {"Max": 1},
        "X": 3,
    }
    org.script(f"{BASE}/limits", Reply(body))

    assert client.limits() == {"DailyApiRequests": Limit(15000, 14976)}


def test_the_api_user_is_read_from_userinfo_which_is_no_api_call(org: TinyOrg, client: Client) -> None:
    said = {"user_id": USER_ID, "organization_id": ORG_ID, "preferred_username": "api@x", "zoneinfo": "UTC"}
    org.script("/services/oauth2/userinfo", Reply(said))

    user = client.user_info()

    assert (user.user_id, user.org_id, user.username, user.zone) == (USER_ID, ORG_ID, "api@x", "UTC")
    assert client.transport.total_calls == 0


def test_the_organization_is_read_with_the_fields_the_api_user_may_see(org: TinyOrg, client: Client) -> None:
    hidden = Reply([{"errorCode": "INVALID_FIELD", "message": "No such column 'TimeZoneSidKey'"}], status=400)
    org.script(QUERY, hidden, Reply(page({"Id": ORG_ID, "Name": "Acme", "IsSandbox": True})))

    organization = client.organization()

    assert (organization.id, organization.name, organization.is_sandbox) == (ORG_ID, "Acme", True)
    assert organization.time_zone is None


def test_an_organization_with_few_fields_visible_still_has_id_and_name(org: TinyOrg, client: Client) -> None:
    hidden = Reply([{"errorCode": "INVALID_FIELD", "message": "No such column 'IsSandbox'"}], status=400)
    org.script(QUERY, hidden, hidden, Reply(page({"Id": ORG_ID, "Name": "Acme"})))

    organization = client.organization()

    assert (organization.name, organization.is_sandbox) == ("Acme", None)


def test_an_org_that_does_not_say_which_it_is_is_malformed(org: TinyOrg, client: Client) -> None:
    org.script(QUERY, Reply(page()))

    with pytest.raises(errors.MalformedAnswer, match="which org"):
        client.organization()


def test_threads_that_lose_a_session_together_sign_in_once(org: TinyOrg, client: Client) -> None:
    client.sign_in()
    org.script(QUERY, *[Reply(EXPIRED.body, status=401, delay=0.2)] * 4, Reply(page(person(1))))

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: len(read(client)), range(4)))

    assert found == [1, 1, 1, 1]
    assert len(org.requests(TOKEN_PATH)) == 2


def test_an_org_unavailable_at_sign_in_is_tried_again(org: TinyOrg, client: Client) -> None:
    org.script(TOKEN_PATH, Reply(status=503), Reply(org.token(issued_at="")))

    assert client.sign_in().issued_at is None


def test_a_field_that_is_gone_is_named(org: TinyOrg, client: Client) -> None:
    message = (
        "\nSELECT Id, Foo__c FROM Contact WHERE LastName = 'Secret'\n           ^\nERROR at Row:1:Column:12\n"
        "No such column 'Foo__c' on entity 'Contact'. If you are attempting to use a custom field, append '__c'."
    )
    org.script(QUERY, Reply([{"errorCode": "INVALID_FIELD", "message": message}], status=400))

    with pytest.raises(errors.FieldNotFound) as caught:
        read(client)

    assert caught.value.field == "Foo__c"
    assert "Foo__c" in str(caught.value)
    assert "Secret" not in str(caught.value) + caught.value.detail


def test_no_secret_and_no_address_ever_shows(
    org: TinyOrg, impatient: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    org.script(QUERY, Reply(status=503), Reply(SECRET.encode(), drop=True), EXPIRED, Reply(SECRET.encode()))
    shown = [repr(ClientCredentials("the-app", SECRET)), repr(impatient.sign_in())]

    with pytest.raises(errors.SalesforceError) as caught:
        read(impatient, "SELECT Id FROM Contact WHERE LastName = 'Zyx'")

    shown += [str(caught.value), repr(caught.value), caught.value.remedy, caplog.text, repr(impatient)]
    assert "query failed (Unavailable)" in caplog.text
    for text in shown:
        assert SECRET not in text
        assert "token-" not in text
        assert "Zyx" not in text


def test_no_httpx_type_hides_behind_an_error(org: TinyOrg, impatient: Client) -> None:
    org.script(QUERY, Reply(b"{", drop=True))

    with pytest.raises(errors.Unreachable) as caught:
        read(impatient)

    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_an_api_version_must_look_like_one(org: TinyOrg) -> None:
    with pytest.raises(ValueError, match=r"66\.0"):
        Client(host=org.origin, credentials=ClientCredentials("a", "b"), allow_local=True, api_version="../x")


def test_a_host_that_is_no_org_is_refused_before_anything_is_made() -> None:
    with pytest.raises(errors.HostRefused):
        Client(host="evil.example", credentials=ClientCredentials("a", "b"), retry=QUICK)
