import base64
import hmac
import re

import httpx
import pytest

from orgsim.staff import API_USERNAME, CLIENT_ID, CLIENT_SECRET, REGISTRAR_USERNAME
from orgsim.testing import OrgSim
from tests.contract.conftest import V, signed_in, token_answer


def test_client_credentials_answer_has_the_documented_members(org: OrgSim) -> None:
    answer = token_answer(org)

    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {
        "access_token",
        "signature",
        "scope",
        "instance_url",
        "id",
        "token_type",
        "issued_at",
        "api_instance_url",
    }
    assert body["instance_url"] == org.url
    assert re.fullmatch(r".*/id/00D[0-9A-Za-z]{15}/005[0-9A-Za-z]{15}", body["id"])
    assert re.fullmatch(r"\d{13}", body["issued_at"])


def test_signature_verifies_with_the_client_secret(org: OrgSim) -> None:
    body = token_answer(org).json()

    digest = hmac.digest(CLIENT_SECRET.encode(), (body["id"] + body["issued_at"]).encode(), "sha256")

    assert base64.b64decode(body["signature"]) == digest


def test_client_may_come_by_http_basic(org: OrgSim) -> None:
    url = f"{org.url}/services/oauth2/token"

    answer = httpx.post(url, data={"grant_type": "client_credentials"}, auth=(CLIENT_ID, CLIENT_SECRET))

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_id": "other"}, "invalid_client_id"),
        ({"client_id": ""}, "invalid_request"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_secret": ""}, "invalid_request"),
        ({"grant_type": "device"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "unsupported_grant_type"),
        ({"grant_type": "password", "username": REGISTRAR_USERNAME, "password": "no"}, "invalid_grant"),
        ({"grant_type": "password", "username": "nobody@orgsim.example", "password": "x"}, "invalid_grant"),
        ({"grant_type": "password", "username": REGISTRAR_USERNAME}, "invalid_request"),
    ],
)
def test_a_wrong_token_request_is_refused_by_its_name(org: OrgSim, form: dict[str, str], error: str) -> None:
    answer = token_answer(org, **form)

    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.json()["error"] == error


def test_inactive_run_as_user_is_refused(org: OrgSim) -> None:
    org.set_active(API_USERNAME, False)

    assert token_answer(org).json()["error"] == "inactive_user"


def test_expired_session_answers_the_recorded_error(org: OrgSim, client: httpx.Client) -> None:
    assert client.get(f"{V}/limits").status_code == 200

    org.expire_sessions()

    answer = client.get(f"{V}/limits")
    assert answer.status_code == 401
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


def test_session_ends_when_its_time_is_over(org: OrgSim) -> None:
    org.set_session_lifetime(600)
    with signed_in(org) as client:
        org.set_clock_offset(601)

        assert client.get(f"{V}/limits").status_code == 401


def test_oauth_is_accepted_as_scheme(org: OrgSim) -> None:
    token = token_answer(org).json()["access_token"]

    answer = httpx.get(f"{org.url}{V}/limits", headers={"Authorization": f"OAuth {token}"})

    assert answer.status_code == 200


def test_user_info_names_user_and_org(reader: httpx.Client) -> None:
    body = reader.get("/services/oauth2/userinfo").json()

    assert body["preferred_username"] == API_USERNAME
    assert body["zoneinfo"] == "America/New_York"
    assert body["organization_id"].startswith("00D")
    assert len(body["user_id"]) == 18
    assert "{version}" in body["urls"]["rest"]


def test_a_refreshed_sandbox_is_another_org(org: OrgSim) -> None:
    before = token_answer(org).json()["id"].split("/")[-2]

    org.refresh_sandbox()

    after = token_answer(org).json()["id"].split("/")[-2]
    with signed_in(org) as client:
        [row] = client.get(f"{V}/query?q=SELECT+Id,IsSandbox+FROM+Organization").json()["records"]
    assert before != after == row["Id"]
    assert row["IsSandbox"] is True
