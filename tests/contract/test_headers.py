"""What headers and addresses do to a request before any resource sees it, and what every answer carries."""

import gzip
import re
import zlib
from xml.etree import ElementTree as etree

import httpx
import pytest

from orgsim.testing import OrgSim
from tests.contract.conftest import V, signed_in, token_answer

_BODY = b'{"LastName": "Packed"}'
_JSON = {"Content-Type": "application/json"}


def _raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


def _create(client: httpx.Client, body: bytes, **headers: str) -> httpx.Response:
    return client.post(f"{V}/sobjects/Contact", content=body, headers=_JSON | headers)


class TestPackedBodies:
    @pytest.mark.parametrize(
        ("encoding", "body"),
        [
            ("gzip", gzip.compress(_BODY)),
            ("GZIP", gzip.compress(_BODY)),
            ("deflate", zlib.compress(_BODY)),
            ("deflate", _raw_deflate(_BODY)),
            ("identity", _BODY),
        ],
    )
    def test_they_are_unpacked(self, client: httpx.Client, encoding: str, body: bytes) -> None:
        assert _create(client, body, **{"Content-Encoding": encoding}).status_code == 201

    @pytest.mark.parametrize("body", [b"no gzip", gzip.compress(_BODY)[:-9]])
    def test_damaged_data_is_refused(self, client: httpx.Client, body: bytes) -> None:
        answer = _create(client, body, **{"Content-Encoding": "gzip"})

        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "BAD_REQUEST")

    def test_a_body_that_would_grow_without_end_is_refused(self, client: httpx.Client) -> None:
        bomb = gzip.compress(b" " * 20_000_000)

        assert _create(client, bomb, **{"Content-Encoding": "gzip"}).status_code == 413

    def test_a_body_too_large_is_refused(self, client: httpx.Client) -> None:
        assert _create(client, b" " * 10_000_001).status_code == 413

    def test_another_packing_is_refused(self, client: httpx.Client) -> None:
        assert _create(client, _BODY, **{"Content-Encoding": "br"}).status_code == 415

    def test_a_token_request_may_be_packed(self, shared_org: OrgSim) -> None:
        form = b"grant_type=client_credentials&client_id=orgsim-client&client_secret=orgsim-secret"
        url = f"{shared_org.url}/services/oauth2/token"

        answer = httpx.post(url, content=gzip.compress(form), headers={"Content-Encoding": "gzip"})

        assert answer.status_code == 200


class TestMediaType:
    @pytest.mark.parametrize(
        "given", ["application/json", "application/json; charset=UTF-8", "Application/JSON"]
    )
    def test_json_is_taken(self, client: httpx.Client, given: str) -> None:
        assert _create(client, _BODY, **{"Content-Type": given}).status_code == 201

    @pytest.mark.parametrize(
        "given", ["application/xml", "text/plain", "application/x-www-form-urlencoded", ""]
    )
    def test_anything_else_is_not(self, client: httpx.Client, given: str) -> None:
        answer = _create(client, _BODY, **{"Content-Type": given})

        assert (answer.status_code, answer.json()[0]["errorCode"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


class TestAddresses:
    def test_a_post_may_stand_for_a_patch(self, client: httpx.Client, org: OrgSim) -> None:
        path = f"{V}/sobjects/Contact/{org.ids('Contact')[0]}"

        answer = client.post(f"{path}?_HttpMethod=PATCH", json={"LastName": "Disguised"})

        assert answer.status_code == 204
        assert client.get(f"{path}?fields=LastName").json()["LastName"] == "Disguised"

    def test_only_a_post_may(self, client: httpx.Client, org: OrgSim) -> None:
        path = f"{V}/sobjects/Contact/{org.ids('Contact')[0]}"

        assert client.get(f"{path}?_HttpMethod=DELETE").status_code == 200

    @pytest.mark.parametrize(
        "path", ["/limits/", "/limits.json", "/sobjects/", "/sobjects/Contact/describe/", "/"]
    )
    def test_trailing_slashes_and_the_format_are_taken(self, reader: httpx.Client, path: str) -> None:
        assert reader.get(V + path).status_code == 200

    def test_head_answers_without_a_body(self, reader: httpx.Client) -> None:
        answer = reader.head(f"{V}/limits")

        assert (answer.status_code, answer.content) == (200, b"")

    def test_address_and_headers_share_a_limit(self, reader: httpx.Client) -> None:
        padding = "x" * 8_000

        long_address = reader.get(f"{V}/query", params={"q": "x" * 16_400})
        long_together = reader.get(f"{V}/limits", params={"q": padding}, headers={"X-Padding": padding * 2})

        assert (long_address.status_code, long_together.status_code) == (414, 431)


class TestLimitInfo:
    @pytest.mark.parametrize(
        "path", [f"{V}/limits", f"{V}/nothing", f"{V}/query?q=nonsense", "/services/data/v99.0/limits"]
    )
    def test_every_answer_carries_it_errors_included(self, reader: httpx.Client, path: str) -> None:
        assert re.fullmatch(r"api-usage=\d+/\d+", reader.get(path).headers["Sforce-Limit-Info"])

    @pytest.mark.parametrize("path", ["/services/data", "/services/oauth2/userinfo"])
    def test_but_not_what_costs_nothing(self, reader: httpx.Client, path: str) -> None:
        assert "sforce-limit-info" not in reader.get(path).headers

    def test_a_refused_session_costs_nothing(self, org: OrgSim, client: httpx.Client) -> None:
        before = client.get(f"{V}/limits").headers["Sforce-Limit-Info"]

        refused = httpx.get(f"{org.url}{V}/limits", headers={"Authorization": "Bearer no"})

        assert refused.headers["Sforce-Limit-Info"] == before

    @pytest.mark.parametrize(("setting", "carried"), [("on", True), ("off", False)])
    def test_an_empty_answer_carries_it_by_switch(
        self, org: OrgSim, client: httpx.Client, setting: str, carried: bool
    ) -> None:
        org.switch("limit_info_on_204", setting)
        path = f"{V}/sobjects/Contact/{org.ids('Contact')[0]}"

        answer = client.patch(path, json={"LastName": "Quiet"})

        assert answer.status_code == 204
        assert ("sforce-limit-info" in answer.headers) is carried


class TestHosts:
    def test_names_only_salesforce_or_this_machine_can_have_are_served(self, shared_org: OrgSim) -> None:
        url = f"{shared_org.url}/services/data"

        for host in ("acme.my.salesforce.com", "login.localhost:8089"):
            assert httpx.get(url, headers={"Host": host}).status_code == 200

    def test_an_org_reached_by_a_salesforce_name_calls_itself_so(self, shared_org: OrgSim) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_id": "orgsim-client",
            "client_secret": "orgsim-secret",
        }
        url, host = f"{shared_org.url}/services/oauth2/token", {"Host": "acme.my.salesforce.com"}

        answer = httpx.post(url, data=form, headers=host).json()

        assert answer["instance_url"] == "https://acme.my.salesforce.com"

    @pytest.mark.parametrize(
        "host",
        ["evil.example", "salesforce.com.evil.example", "evilsalesforce.com", "localhost.evil.example"],
    )
    def test_others_are_not(self, shared_org: OrgSim, host: str) -> None:
        assert httpx.get(f"{shared_org.url}/services/data", headers={"Host": host}).status_code == 421


def test_the_resources_of_a_version_name_who_asks(shared_org: OrgSim) -> None:
    with signed_in(shared_org) as client:
        told = client.get(V).json()

    assert told["identity"] == token_answer(shared_org).json()["id"]
    assert told["sobjects"] == f"{V}/sobjects"
    assert {"query", "queryAll", "limits", "composite", "jobs", "analytics", "tooling", "search"} <= set(told)


@pytest.mark.parametrize("path", ["/sobjects/Contact/describe", "/nothing"])
def test_no_cache_may_keep_an_answer(reader: httpx.Client, path: str) -> None:
    assert {"no-store", "private"} <= set(reader.get(V + path).headers["Cache-Control"].split(","))


def test_header_names_have_salesforces_capitals(reader: httpx.Client) -> None:
    names = {name for name, _ in reader.get(f"{V}/limits").headers.raw}

    assert {b"Content-Type", b"Sforce-Limit-Info", b"Date"} <= names


def _xml(answer: httpx.Response) -> etree.Element:
    assert answer.headers["content-type"] == "application/xml;charset=UTF-8"
    return etree.fromstring(answer.content)


@pytest.mark.parametrize("accept", ["application/xml", "text/xml, */*;q=0.1"])
def test_a_client_may_have_its_answers_in_xml(reader: httpx.Client, accept: str) -> None:
    headers = {"Accept": accept}
    text = "SELECT Id, Owner.Name, Fax FROM Contact WHERE LastName != 'a&b' AND Fax = null LIMIT 2"

    page = _xml(reader.get(f"{V}/query", params={"q": text}, headers=headers))
    first = page.findall("records")[0]
    record_id = first.findtext("Id")
    row = _xml(reader.get(f"{V}/sobjects/Contact/{record_id}", headers=headers))
    refused = _xml(reader.get(f"{V}/query", params={"q": "SELECT <"}, headers=headers))
    versions = _xml(reader.get("/services/data/", headers=headers))

    assert (page.tag, page.findtext("done"), page.findtext("totalSize")) == ("QueryResult", "true", "2")
    assert first.attrib == {"type": "Contact", "url": f"{V}/sobjects/Contact/{record_id}"}
    assert first.findtext("Owner/Name")
    assert first.find("Fax[@{http://www.w3.org/2001/XMLSchema-instance}nil='true']") is not None
    assert (row.tag, row.get("type"), row.findtext("IsDeleted")) == ("Contact", "Contact", "false")
    assert [part.tag for part in refused.findall("Error/*")] == ["errorCode", "message"]
    assert [part.tag for part in versions.findall("Version[1]/*")] == ["label", "url", "version"]


def test_json_comes_unless_xml_is_asked_for_first(reader: httpx.Client) -> None:
    for accept in ("*/*", "application/json, application/xml", "text/plain"):
        assert reader.get(f"{V}/sobjects/Contact", headers={"Accept": accept}).json()["objectDescribe"]
    assert _xml(reader.get(f"{V}/sobjects/Contact.xml")).findtext("objectDescribe/name") == "Contact"
    assert reader.get(f"{V}/limits", headers={"Accept": "application/xml"}).json()


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/limits", "HEAD,GET"),
        ("PUT", "/sobjects/Contact/003Hs0000000001IAA", "HEAD,GET,PATCH,DELETE"),
        ("POST", "/sobjects/Contact/Student_ID__c", "HEAD,GET,PATCH,DELETE"),
        ("PATCH", "/sobjects/Contact/Id/", "HEAD,GET,POST"),
        ("PATCH", "/sobjects/Contact/", "HEAD,GET,POST"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(
    reader: httpx.Client, method: str, path: str, allowed: str
) -> None:
    answer = reader.request(method, V + path, json={})

    message = f"HTTP Method '{method}' not allowed. Allowed are {allowed}"
    assert answer.json() == [{"message": message, "errorCode": "METHOD_NOT_ALLOWED"}]
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
