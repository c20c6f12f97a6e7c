"""SOAP login() and logout() as clients in the wild send them."""

import re
from xml.dom import minidom

import httpx
import pytest

from orgsim.staff import API_USERNAME
from orgsim.testing import OrgSim
from tests.contract.conftest import V

_PASSWORD = "orgsim-passwordORGSIMTOKEN"


def _envelope(body: str, header: str = "") -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/" xmlns:urn="urn:partner.soap.sforce.com">'
        f"<env:Header>{header}</env:Header><env:Body>{body}</env:Body></env:Envelope>"
    )


def _post(org: OrgSim, body: str, path: str = "u/59.0") -> httpx.Response:
    headers = {"Content-Type": "text/xml", "SOAPAction": "login"}
    return httpx.post(f"{org.url}/services/Soap/{path}", content=body, headers=headers)


def _login(org: OrgSim, path: str = "u/59.0", password: str = _PASSWORD) -> httpx.Response:
    call = (
        f'<n1:login xmlns:n1="urn:partner.soap.sforce.com"><n1:username>{API_USERNAME}</n1:username>'
        f"<n1:password>{password}</n1:password></n1:login>"
    )
    return _post(org, _envelope(call), path)


def _text(answer: httpx.Response, name: str) -> str:
    [element] = minidom.parseString(answer.content).getElementsByTagName(name)
    return "".join(child.data for child in element.childNodes if isinstance(child, minidom.Text))


@pytest.mark.parametrize("path", ["u/64.0", "u/20.0", "u/59.0/00Dxx0000001gPL", "c/59.0"])
def test_a_session_of_login_opens_the_rest_resources(shared_org: OrgSim, path: str) -> None:
    answer = _login(shared_org, path)

    assert answer.status_code == 200
    headers = {"Authorization": f"Bearer {_text(answer, 'sessionId')}"}
    assert httpx.get(f"{shared_org.url}{V}/limits", headers=headers).status_code == 200
    assert _text(answer, "serverUrl").startswith(f"{shared_org.url}/services/Soap/{path[:6]}/00D")
    assert _text(answer, "organizationId").startswith("00D")
    assert _text(answer, "userName") == API_USERNAME
    assert _text(answer, "sessionSecondsValid") == "7200"
    assert _text(answer, "sandbox") == "false"


@pytest.mark.parametrize("written", ["v59.0", "59"])
def test_the_version_may_be_written_as_some_clients_do(shared_org: OrgSim, written: str) -> None:
    answer = _login(shared_org, f"u/{written}")

    assert answer.status_code == 200
    assert "/services/Soap/u/59.0/00D" in _text(answer, "serverUrl")


def test_the_password_may_be_escaped_markup_and_is_taken_as_text(shared_org: OrgSim) -> None:
    assert _text(_login(shared_org, password="a&lt;b&amp;c"), "faultcode") == "sf:INVALID_LOGIN"


def test_a_wrong_password_is_the_recorded_fault(shared_org: OrgSim) -> None:
    answer = _login(shared_org, password="wrong")

    message = "Invalid username, password, security token; or user locked out."
    assert answer.status_code == 500
    assert _text(answer, "faultcode") == "sf:INVALID_LOGIN"
    assert _text(answer, "faultstring") == f"INVALID_LOGIN: {message}"
    assert _text(answer, "sf:exceptionCode") == "INVALID_LOGIN"
    assert _text(answer, "sf:exceptionMessage") == message


@pytest.mark.parametrize("version", ["65.0", "68.0"])
def test_newer_versions_have_no_login(shared_org: OrgSim, version: str) -> None:
    answer = _login(shared_org, f"u/{version}")

    assert answer.status_code == 500
    assert _text(answer, "faultstring") == (
        "INVALID_OPERATION: The SOAP Login operation is not available in the API version specified"
    )


def test_a_switch_turns_it_off_as_in_new_orgs(org: OrgSim) -> None:
    org.switch("password_sign_in", "off")

    fault = _text(_login(org), "faultstring")

    assert fault == "INVALID_OPERATION: SOAP API login() is disabled by default in this org"


def test_an_inactive_user_and_an_ordered_refusal_are_faults(org: OrgSim) -> None:
    org.refuse_sign_ins("rate_limit", times=1)
    refused = _login(org)
    org.set_active(API_USERNAME, False)

    assert _text(refused, "sf:exceptionCode") == "LOGIN_RATE_EXCEEDED"
    assert _text(_login(org), "sf:exceptionCode") == "INVALID_LOGIN"


def test_logout_ends_the_session(shared_org: OrgSim) -> None:
    session = _text(_login(shared_org), "sessionId")
    header = f"<urn:SessionHeader><urn:sessionId>{session}</urn:sessionId></urn:SessionHeader>"
    logout = _envelope("<urn:logout/>", header)

    first, second = _post(shared_org, logout), _post(shared_org, logout)

    assert (first.status_code, second.status_code) == (200, 500)
    assert _text(second, "sf:exceptionCode") == "INVALID_SESSION_ID"
    answer = httpx.get(f"{shared_org.url}{V}/limits", headers={"Authorization": f"Bearer {session}"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("body", "path", "says"),
    [
        ("not xml", "u/59.0", "no well-formed XML"),
        ("", "u/59.0", "no well-formed XML"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "u/59.0", "DOCTYPE is disallowed"),
        (_envelope("<urn:query/>"), "u/59.0", "No operation available for request"),
        (_envelope("<urn:retrieve/>"), "m/59.0", "{http://soap.sforce.com/2006/04/metadata}retrieve"),
        (_envelope("<urn:login/>"), "m/59.0", "No operation available for request"),
        (_envelope("<urn:login/>"), "u/59.0", "INVALID_LOGIN"),
        (_envelope("<urn:login/>"), "u/latest", "UNSUPPORTED_API_VERSION"),
    ],
)
def test_anything_else_is_a_fault(shared_org: OrgSim, body: str, path: str, says: str) -> None:
    answer = _post(shared_org, body, path)

    assert answer.status_code == 500
    assert says in _text(answer, "faultstring")


def test_other_soap_addresses_do_not_exist(shared_org: OrgSim) -> None:
    assert _post(shared_org, "", "x/59.0").status_code == 404
    assert re.search("NOT_FOUND", httpx.get(f"{shared_org.url}/services/Soap/u/59.0").text)
