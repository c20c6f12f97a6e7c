"""What becomes of tokens, and what they say about their holder."""

import httpx
import pytest

from orgsim.staff import API_USERNAME, CLIENT_ID, CLIENT_SECRET, REGISTRAR_USERNAME
from orgsim.testing import OrgSim
from tests.contract.conftest import V, signed_in, token_answer

_REFRESH = {"grant_type": "refresh_token", "refresh_token": "orgsim-refresh-token"}
_USER_INFO = {
    "sub",
    "user_id",
    "organization_id",
    "preferred_username",
    "nickname",
    "name",
    "email",
    "email_verified",
    "given_name",
    "family_name",
    "zoneinfo",
    "photos",
    "profile",
    "picture",
    "address",
    "is_salesforce_integration_user",
    "urls",
    "active",
    "user_type",
    "language",
    "locale",
    "utcOffset",
    "updated_at",
    "is_app_installed",
}


def _status(org: OrgSim, token: str) -> int:
    return httpx.get(f"{org.url}{V}/limits", headers={"Authorization": f"Bearer {token}"}).status_code


def _introspect(org: OrgSim, asked: str, **changed: str) -> httpx.Response:
    form = {"token": asked, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    return httpx.post(f"{org.url}/services/oauth2/introspect", data=form | changed)


class TestRevoke:
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_a_revoked_access_token_is_dead_at_once(self, shared_org: OrgSim, method: str) -> None:
        token, other = (token_answer(shared_org).json()["access_token"] for _ in range(2))
        url = f"{shared_org.url}/services/oauth2/revoke"
        sent = {"params": {"token": token}} if method == "GET" else {"data": {"token": token}}

        answer = httpx.request(method, url, **sent)  # type: ignore[arg-type]

        assert (answer.status_code, answer.content) == (200, b"")
        assert (_status(shared_org, token), _status(shared_org, other)) == (401, 200)

    def test_a_revoked_refresh_token_takes_its_sessions_along(self, org: OrgSim) -> None:
        refreshed = token_answer(org, **_REFRESH).json()["access_token"]
        other = token_answer(org).json()["access_token"]

        httpx.post(f"{org.url}/services/oauth2/revoke", data={"token": "orgsim-refresh-token"})

        assert (_status(org, refreshed), _status(org, other)) == (401, 200)
        assert token_answer(org, **_REFRESH).json()["error"] == "invalid_grant"

    def test_a_later_consent_does_not_bring_it_back(self, org: OrgSim) -> None:
        org.revoke("orgsim-refresh-token")
        asked = {"response_type": "code", "client_id": CLIENT_ID, "redirect_uri": "http://localhost/"}
        given = {"username": API_USERNAME, "password": "orgsim-password", "decision": "allow"}

        consent = httpx.post(f"{org.url}/services/oauth2/authorize", data=asked | given)

        assert consent.status_code == 302
        assert token_answer(org, **_REFRESH).json()["error"] == "invalid_grant"

    def test_an_unknown_token_is_an_error(self, shared_org: OrgSim) -> None:
        answer = httpx.post(f"{shared_org.url}/services/oauth2/revoke", data={"token": "nothing"})

        assert answer.status_code == 400
        assert answer.json() == {"error": "invalid_token", "error_description": "invalid token: nothing"}

    def test_the_scenario_verb_ends_all_tokens_of_the_api_user(self, org: OrgSim) -> None:
        mine = token_answer(org).json()["access_token"]
        with signed_in(org, REGISTRAR_USERNAME) as registrar:
            org.revoke()

            assert registrar.get(f"{V}/limits").status_code == 200
        assert _status(org, mine) == 401
        assert token_answer(org, **_REFRESH).status_code == 400
        org.approve()
        assert token_answer(org, **_REFRESH).status_code == 200

    def test_the_scenario_verb_ends_one_token(self, org: OrgSim) -> None:
        one, other = (token_answer(org).json()["access_token"] for _ in range(2))

        assert org.revoke(one)
        assert not org.revoke(one)
        assert (_status(org, one), _status(org, other)) == (401, 200)

    def test_a_user_can_take_the_approval_back(self, org: OrgSim) -> None:
        token = token_answer(org, **_REFRESH).json()["access_token"]

        org.unapprove(API_USERNAME)

        assert _status(org, token) == 401
        assert token_answer(org, **_REFRESH).json()["error_description"] == "expired access/refresh token"


class TestIntrospect:
    def test_an_open_session_is_active(self, shared_org: OrgSim) -> None:
        token = token_answer(shared_org).json()["access_token"]

        told = _introspect(shared_org, token).json()

        assert set(told) == {
            "active",
            "scope",
            "client_id",
            "username",
            "sub",
            "token_type",
            "exp",
            "iat",
            "nbf",
        }
        assert (told["active"], told["username"], told["token_type"]) == (True, API_USERNAME, "access_token")
        assert told["exp"] - told["iat"] == 7_200

    def test_a_refresh_token_is_active(self, shared_org: OrgSim) -> None:
        assert _introspect(shared_org, "orgsim-refresh-token").json()["token_type"] == "refresh_token"

    def test_a_dead_token_says_nothing_else(self, org: OrgSim) -> None:
        token = token_answer(org).json()["access_token"]
        org.expire_sessions()

        assert _introspect(org, token).json() == {"active": False}

    @pytest.mark.parametrize(
        ("changed", "error"),
        [
            ({"client_secret": "wrong"}, "invalid_client"),
            ({"client_id": "other"}, "invalid_client_id"),
            ({"token": ""}, "invalid_request"),
        ],
    )
    def test_the_client_has_to_show_itself(
        self, shared_org: OrgSim, changed: dict[str, str], error: str
    ) -> None:
        assert _introspect(shared_org, "x", **changed).json()["error"] == error


class TestIdentity:
    def test_user_info_has_the_recorded_keys(self, reader: httpx.Client) -> None:
        body = reader.get("/services/oauth2/userinfo").json()

        assert set(body) == _USER_INFO
        assert body["preferred_username"] == API_USERNAME
        assert body["zoneinfo"] == "America/New_York"
        assert body["utcOffset"] == -18_000_000
        assert body["organization_id"].startswith("00D")
        assert len(body["user_id"]) == 18
        assert "{version}" in body["urls"]["rest"]

    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_user_info_takes_the_token_as_a_parameter(self, shared_org: OrgSim, method: str) -> None:
        token = token_answer(shared_org).json()["access_token"]
        url = f"{shared_org.url}/services/oauth2/userinfo"

        answer = httpx.request(method, url, params={"access_token": token})

        assert answer.json()["preferred_username"] == API_USERNAME

    def test_the_id_of_a_token_answer_tells_who_it_is(self, shared_org: OrgSim) -> None:
        token = token_answer(shared_org).json()

        told = httpx.get(token["id"], headers={"Authorization": f"Bearer {token['access_token']}"}).json()

        assert told["id"] == token["id"]
        assert told["username"] == API_USERNAME
        assert {"asserted_user", "display_name", "nick_name", "timezone", "status", "urls"} <= set(told)
        assert {"last_modified_date", "mobile_phone", "addr_zip", "utcOffset", "active"} <= set(told)

    def test_the_versions_of_its_addresses_are_filled_in_when_asked(self, shared_org: OrgSim) -> None:
        token = token_answer(shared_org).json()
        query = {"oauth_token": token["access_token"], "version": "latest"}

        urls = httpx.get(token["id"], params=query).json()["urls"]

        assert urls["sobjects"] == f"{shared_org.url}/services/data/v68.0/sobjects/"

    @pytest.mark.parametrize("path", ["/services/oauth2/userinfo", "/id/00D/005"])
    def test_a_bad_token_is_named_in_plain_text(self, shared_org: OrgSim, path: str) -> None:
        bad = httpx.get(f"{shared_org.url}{path}", headers={"Authorization": "Bearer no"})
        missing = httpx.get(f"{shared_org.url}{path}")

        assert (bad.status_code, bad.text) == (403, "Bad_OAuth_Token")
        assert (missing.status_code, missing.text) == (403, "Missing_OAuth_Token")

    def test_another_org_or_user_is_not_told(self, shared_org: OrgSim) -> None:
        token = token_answer(shared_org).json()
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        base, org_id, user_id = token["id"].rsplit("/", 2)

        wrong_org = httpx.get(f"{base}/00Dxx0000001gPLEAY/{user_id}", headers=headers)
        wrong_user = httpx.get(f"{base}/{org_id}/005xx000001SwiUAAS", headers=headers)

        assert (wrong_org.status_code, wrong_org.text) == (403, "Wrong_Org")
        assert (wrong_user.status_code, wrong_user.text) == (404, "Bad_Id")

    def test_open_id_configuration_names_the_addresses(self, shared_org: OrgSim) -> None:
        told = httpx.get(f"{shared_org.url}/.well-known/openid-configuration").json()

        assert told["token_endpoint"] == f"{shared_org.url}/services/oauth2/token"
        assert told["code_challenge_methods_supported"] == ["S256"]
