import base64
import hmac
import re

import httpx
import pytest

from orgsim.signin.credentials import Credentials
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


def test_the_password_is_accepted_alone_or_with_the_security_token(shared_org: OrgSim) -> None:
    form = {"grant_type": "password", "username": API_USERNAME}

    statuses = [
        token_answer(shared_org, **form, password=password).status_code
        for password in ("orgsim-password", "orgsim-passwordORGSIMTOKEN", "ORGSIMTOKEN", "orgsim-passwordX")
    ]

    assert statuses == [200, 200, 400, 400]


def test_a_username_is_compared_without_case(shared_org: OrgSim) -> None:
    form = {"grant_type": "password", "username": API_USERNAME.upper(), "password": "orgsim-password"}

    assert token_answer(shared_org, **form).status_code == 200


def test_a_switch_turns_the_password_grant_off(org: OrgSim) -> None:
    org.switch("password_sign_in", "off")
    form = {"grant_type": "password", "username": API_USERNAME, "password": "orgsim-password"}

    assert token_answer(org, **form).json() == {
        "error": "invalid_grant",
        "error_description": "authentication failure",
    }


def test_other_credentials_replace_the_defaults() -> None:
    changed = Credentials(client_id="c", client_secret="s", username="bot@example.org", password="p")
    with OrgSim(contacts=1, leads=1, credentials=changed) as org:
        form = {"client_id": "c", "client_secret": "s"}
        token = token_answer(org, **form).json()["access_token"]
        default = token_answer(org)
        by_password = {"grant_type": "password", "username": "bot@example.org", "password": "p"}
        old_name = {"grant_type": "password", "username": API_USERNAME, "password": "p"}
        statuses = [token_answer(org, **form, **other).status_code for other in (by_password, old_name)]
        rows = httpx.get(
            f"{org.url}{V}/query",
            params={"q": "SELECT Name FROM User WHERE Username = 'bot@example.org'"},
            headers={"Authorization": f"Bearer {token}"},
        ).json()

    assert default.json()["error"] == "invalid_client_id"
    assert statuses == [200, 400]
    assert [row["Name"] for row in rows["records"]] == ["Integration User"]


@pytest.mark.parametrize("host", ["login.localhost", "login.salesforce.com", "test.salesforce.com"])
def test_client_credentials_work_on_the_orgs_own_host_only(shared_org: OrgSim, host: str) -> None:
    port = shared_org.url.rpartition(":")[2]
    address = f"{host}:{port}" if host.endswith("localhost") else host
    url, headers = f"{shared_org.url}/services/oauth2/token", {"Host": address}
    client = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    by_password = {"grant_type": "password", "username": API_USERNAME, "password": "orgsim-password"}

    refused = httpx.post(url, data={"grant_type": "client_credentials", **client}, headers=headers)
    accepted = httpx.post(url, data={**by_password, **client}, headers=headers)

    assert refused.json() == {
        "error": "invalid_grant",
        "error_description": "request not supported on this domain",
    }
    assert accepted.json()["instance_url"] in (shared_org.url, "https://orgsim.my.salesforce.com")


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("inactive_org", {"error": "inactive_org", "error_description": "organization is not active"}),
        ("ip_restricted", {"error": "invalid_grant", "error_description": "ip restricted"}),
        (
            "no_run_as_user",
            {"error": "invalid_grant", "error_description": "no client credentials user enabled"},
        ),
        (
            "rate_limit",
            {"error": "rate_limit_exceeded", "error_description": "number of login attempts exceeded"},
        ),
    ],
)
def test_sign_ins_are_refused_by_order_as_documented(org: OrgSim, reason: str, error: dict[str, str]) -> None:
    org.refuse_sign_ins(reason, times=1)

    assert token_answer(org).json() == error
    assert token_answer(org).status_code == 200


def test_refusals_go_on_until_sign_ins_are_allowed(org: OrgSim) -> None:
    org.refuse_sign_ins("inactive_org")
    refused = [token_answer(org).status_code for _ in range(3)]

    org.allow_sign_ins()

    assert refused == [400, 400, 400]
    assert token_answer(org).status_code == 200
    with pytest.raises(ValueError, match="no refusal weather"):
        org.refuse_sign_ins("weather")


def test_the_token_endpoint_takes_posts_only(shared_org: OrgSim) -> None:
    answer = httpx.get(f"{shared_org.url}/services/oauth2/token")

    assert answer.status_code == 400
    assert answer.json() == {"error": "invalid_request", "error_description": "must use HTTP POST"}


def test_parameters_may_stand_in_the_address(shared_org: OrgSim) -> None:
    form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}

    assert httpx.post(f"{shared_org.url}/services/oauth2/token", params=form).status_code == 200


def test_tokens_are_not_to_be_cached_and_cost_no_request(shared_org: OrgSim) -> None:
    answer = token_answer(shared_org)

    assert "no-store" in answer.headers["Cache-Control"]
    assert "sforce-limit-info" not in answer.headers


def test_a_deactivated_user_loses_every_session(org: OrgSim, client: httpx.Client) -> None:
    org.set_active(API_USERNAME, False)

    assert client.get(f"{V}/limits").status_code == 401


def test_a_user_without_api_enabled_is_refused(org: OrgSim, client: httpx.Client) -> None:
    org.set_api_enabled(False)

    answer = client.get(f"{V}/limits")

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (403, "API_DISABLED_FOR_ORG")
    org.set_api_enabled(True)
    assert client.get(f"{V}/limits").status_code == 200


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


@pytest.mark.parametrize("scheme", ["OAuth", "oauth", "bearer", "BEARER"])
def test_oauth_and_bearer_are_accepted_in_any_case(shared_org: OrgSim, scheme: str) -> None:
    token = token_answer(shared_org).json()["access_token"]

    answer = httpx.get(f"{shared_org.url}{V}/limits", headers={"Authorization": f"{scheme} {token}"})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ("", "INVALID_SESSION_ID"),
        ("Bearer no", "INVALID_SESSION_ID"),
        ("OAuth", "INVALID_AUTH_HEADER"),
        ("Basic dXNlcjpwYXNz", "INVALID_AUTH_HEADER"),
    ],
)
def test_anything_else_is_refused(shared_org: OrgSim, authorization: str, code: str) -> None:
    answer = httpx.get(f"{shared_org.url}{V}/limits", headers={"Authorization": authorization})

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (401, code)


def test_a_refreshed_sandbox_is_another_org(org: OrgSim) -> None:
    before = token_answer(org).json()["id"].split("/")[-2]

    org.refresh_sandbox()

    after = token_answer(org).json()["id"].split("/")[-2]
    with signed_in(org) as client:
        [row] = client.get(f"{V}/query?q=SELECT+Id,IsSandbox+FROM+Organization").json()["records"]
    assert before != after == row["Id"]
    assert row["IsSandbox"] is True
