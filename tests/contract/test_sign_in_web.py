"""Authorization code with PKCE, the page that asks for consent, and refresh tokens."""

import base64
import hashlib
import html
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from orgsim.signin.credentials import Credentials
from orgsim.staff import API_USERNAME, CLIENT_ID, CLIENT_SECRET
from orgsim.testing import OrgSim
from tests.contract.conftest import V, token_answer

CALLBACK = "http://127.0.0.1:5000/back?tenant=1"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}


def _ask(org: OrgSim, **changed: str) -> httpx.Response:
    asked = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": CALLBACK,
        "scope": "api refresh_token",
        "state": "a b&c",
    }
    return httpx.get(f"{org.url}/services/oauth2/authorize", params=asked | changed)


def _decide(org: OrgSim, page: httpx.Response, **given: str) -> httpx.Response:
    """The form of the page sent as a browser sends it."""
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    form = {name: html.unescape(value) for name, value in hidden.items()}
    form |= {"username": API_USERNAME, "password": "orgsim-password", "decision": "allow"}
    return httpx.post(f"{org.url}/services/oauth2/authorize", data=form | given, headers={"Origin": org.url})


def _told(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 302
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def _code(org: OrgSim, **asked: str) -> str:
    return _told(_decide(org, _ask(org, **asked)))["code"]


def _exchange(org: OrgSim, code: str, **form: str) -> httpx.Response:
    return token_answer(org, grant_type="authorization_code", code=code, redirect_uri=CALLBACK, **form)


def _works(org: OrgSim, token: str) -> bool:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{org.url}{V}/limits", headers=headers).status_code == 200


class TestConsent:
    def test_allowing_leads_back_with_a_code_and_the_state(self, shared_org: OrgSim) -> None:
        answer = _decide(shared_org, _ask(shared_org, **PKCE))

        assert answer.headers["Location"].startswith("http://127.0.0.1:5000/back?tenant=1&")
        assert set(_told(answer)) == {"tenant", "code", "state"}
        assert _told(answer)["state"] == "a b&c"

    def test_denying_leads_back_with_the_refusal(self, shared_org: OrgSim) -> None:
        answer = _decide(shared_org, _ask(shared_org), decision="deny", username="", password="")

        assert _told(answer)["error"] == "access_denied"
        assert _told(answer)["error_description"] == "end-user denied authorization"
        assert _told(answer)["state"] == "a b&c"

    def test_the_page_labels_its_fields_and_runs_nothing(self, shared_org: OrgSim) -> None:
        page = _ask(shared_org)

        fields = re.findall(r'<input id="(\w+)"', page.text)
        assert fields == re.findall(r'<label for="(\w+)"', page.text) == ["username", "password"]
        assert "<script" not in page.text
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert "form-action 'self' http://127.0.0.1:5000" in page.headers["Content-Security-Policy"]

    def test_what_was_asked_is_never_markup(self, shared_org: OrgSim) -> None:
        page = _ask(shared_org, state='"><script>alert(1)</script>', login_hint="<b>")

        assert "<script" not in page.text
        assert "<b>" not in page.text

    def test_a_wrong_password_asks_again(self, shared_org: OrgSim) -> None:
        answer = _decide(shared_org, _ask(shared_org, **PKCE), password="wrong")

        assert answer.status_code == 200
        assert 'role="alert"' in answer.text
        assert _told(_decide(shared_org, answer))["code"]

    def test_an_inactive_user_is_told(self, org: OrgSim) -> None:
        org.set_active(API_USERNAME, False)

        assert "switched off" in _decide(org, _ask(org)).text

    @pytest.mark.parametrize(
        "callback",
        [
            "https://evil.example/",
            "http://10.0.0.1/",
            "http://127.0.0.1/#here",
            "",
            "http://localhost@evil.example/",
        ],
    )
    def test_a_strange_address_gets_nothing(self, shared_org: OrgSim, callback: str) -> None:
        answer = _ask(shared_org, redirect_uri=callback)

        assert answer.status_code == 400
        assert "error=redirect_uri_mismatch" in answer.text

    def test_a_strange_client_gets_nothing(self, shared_org: OrgSim) -> None:
        assert "error=invalid_client_id" in _ask(shared_org, client_id="other").text

    @pytest.mark.parametrize(
        ("changed", "error"),
        [
            ({"response_type": "token"}, "unsupported_response_type"),
            ({"scope": "api everything"}, "invalid_scope"),
            ({"code_challenge": CHALLENGE, "code_challenge_method": "plain"}, "invalid_request"),
        ],
    )
    def test_a_request_that_can_not_be_met_is_told_to_the_program(
        self, shared_org: OrgSim, changed: dict[str, str], error: str
    ) -> None:
        assert _told(_ask(shared_org, **changed))["error"] == error

    def test_registered_and_salesforces_own_addresses_are_accepted(self) -> None:
        with OrgSim(contacts=1, leads=1, credentials=Credentials(callbacks=("app://done",))) as org:
            for callback in ("app://done", "https://login.salesforce.com/services/oauth2/success"):
                assert _decide(org, _ask(org, redirect_uri=callback)).headers["Location"].startswith(callback)
            assert "Access allowed" in httpx.get(f"{org.url}/services/oauth2/success").text


class TestCode:
    def test_a_code_and_its_verifier_are_worth_a_session_and_a_refresh_token(
        self, shared_org: OrgSim
    ) -> None:
        answer = _exchange(shared_org, _code(shared_org, **PKCE), code_verifier=VERIFIER).json()

        assert _works(shared_org, answer["access_token"])
        assert answer["scope"] == "api refresh_token"
        refreshed = token_answer(
            shared_org, grant_type="refresh_token", refresh_token=answer["refresh_token"]
        ).json()
        assert _works(shared_org, refreshed["access_token"])

    def test_it_goes_without_pkce(self, shared_org: OrgSim) -> None:
        assert _exchange(shared_org, _code(shared_org)).status_code == 200

    def test_a_code_is_used_once(self, shared_org: OrgSim) -> None:
        code = _code(shared_org)
        _exchange(shared_org, code)

        assert _exchange(shared_org, code).json() == {
            "error": "invalid_grant",
            "error_description": "expired authorization code",
        }

    def test_a_code_lives_for_fifteen_minutes(self, org: OrgSim) -> None:
        code = _code(org)
        org.set_clock_offset(15 * 60 + 1)

        assert _exchange(org, code).json()["error"] == "invalid_grant"

    @pytest.mark.parametrize(
        ("asked", "form", "error"),
        [
            (PKCE, {}, "invalid_grant"),
            (PKCE, {"code_verifier": "w" * 64}, "invalid_request"),
            ({}, {"code_verifier": VERIFIER}, "invalid_grant"),
            ({}, {"client_secret": "wrong"}, "invalid_client"),
        ],
    )
    def test_what_does_not_match_is_refused(
        self, shared_org: OrgSim, asked: dict[str, str], form: dict[str, str], error: str
    ) -> None:
        assert _exchange(shared_org, _code(shared_org, **asked), **form).json()["error"] == error

    def test_the_address_has_to_be_the_same_again(self, shared_org: OrgSim) -> None:
        form = {
            "grant_type": "authorization_code",
            "code": _code(shared_org),
            "redirect_uri": "http://localhost/",
        }

        assert token_answer(shared_org, **form).json()["error"] == "redirect_uri_mismatch"

    def test_without_a_lasting_scope_there_is_no_refresh_token(self, shared_org: OrgSim) -> None:
        answer = _exchange(shared_org, _code(shared_org, scope="api id")).json()

        assert "refresh_token" not in answer

    def test_a_session_without_api_scope_opens_no_data(self, shared_org: OrgSim) -> None:
        token = _exchange(shared_org, _code(shared_org, scope="id")).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}

        refused = httpx.get(f"{shared_org.url}{V}/limits", headers=headers)
        identity = httpx.get(f"{shared_org.url}/services/oauth2/userinfo", headers=headers)

        assert (refused.status_code, identity.status_code) == (401, 200)


class TestRefresh:
    def test_the_default_refresh_token_never_dies_by_use(self, shared_org: OrgSim) -> None:
        form = {"grant_type": "refresh_token", "refresh_token": "orgsim-refresh-token"}

        answers = [token_answer(shared_org, **form) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [200, 200, 200]
        assert all("refresh_token" not in answer.json() for answer in answers)
        assert len({answer.json()["access_token"] for answer in answers}) == 3

    def test_with_rotation_each_use_replaces_it(self, org: OrgSim) -> None:
        org.switch("refresh_token_rotation", "on")
        form = {"grant_type": "refresh_token", "refresh_token": "orgsim-refresh-token"}

        second = token_answer(org, **form).json()["refresh_token"]
        again = token_answer(org, **form)
        third = token_answer(org, **form | {"refresh_token": second}).json()["refresh_token"]

        assert len({"orgsim-refresh-token", second, third}) == 3
        assert again.json() == {
            "error": "invalid_grant",
            "error_description": "expired access/refresh token",
        }

    @pytest.mark.parametrize(
        ("form", "error"),
        [
            ({"refresh_token": "unknown"}, "invalid_grant"),
            ({"refresh_token": ""}, "invalid_request"),
            ({"refresh_token": "orgsim-refresh-token", "client_secret": "wrong"}, "invalid_client"),
        ],
    )
    def test_a_wrong_refresh_is_refused(self, shared_org: OrgSim, form: dict[str, str], error: str) -> None:
        assert token_answer(shared_org, grant_type="refresh_token", **form).json()["error"] == error

    def test_a_refresh_token_outlives_a_restart(self, tmp_path: Path) -> None:
        path = tmp_path / "org.db"
        with OrgSim(path, contacts=1, leads=1) as org:
            token = _exchange(org, _code(org)).json()["refresh_token"]
        with OrgSim(path) as org:
            answer = token_answer(org, grant_type="refresh_token", refresh_token=token)

        assert answer.status_code == 200

    def test_client_comes_by_http_basic_too(self, shared_org: OrgSim) -> None:
        form = {"grant_type": "refresh_token", "refresh_token": "orgsim-refresh-token"}
        url = f"{shared_org.url}/services/oauth2/token"

        assert httpx.post(url, data=form, auth=(CLIENT_ID, CLIENT_SECRET)).status_code == 200
