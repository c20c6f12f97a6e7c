"""The token endpoint: each grant type, and the answer all of them give.

Failures are named as documented; a wording marked *inferred* at its place is not.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from orgsim.calls import Call
from orgsim.errors import OAuthError
from orgsim.org import Org
from orgsim.signin import assertion
from orgsim.signin.credentials import same
from orgsim.signin.grants import Code, Grant
from orgsim.signin.hosts import is_login_host, org_address
from orgsim.signin.service import LASTING_SCOPES, Person
from orgsim.staff import API_USER_ID

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_API = "api"


@dataclass(frozen=True, slots=True)
class Form:
    """The parameters of a call to an OAuth endpoint, of its address and of its body, and its Authorization header."""

    values: Mapping[str, str]
    authorization: str
    address: str

    @classmethod
    def of(cls, call: Call) -> "Form":
        sent = parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True)
        return cls({**call.query, **dict(sent)}, call.headers.get("authorization", ""), call.address)

    def get(self, name: str) -> str:
        return self.values.get(name, "")

    def needed(self, name: str) -> str:
        """Raises OAuthError when it is missing (wording inferred)."""
        value = self.get(name)
        if not value:
            raise OAuthError("invalid_request", f"must provide {name} parameter")
        return value

    def client(self) -> tuple[str, str]:
        """Client id and secret, from HTTP Basic or the form."""
        scheme, _, value = self.authorization.partition(" ")
        if scheme.lower() != "basic":
            return self.get("client_id"), self.get("client_secret")
        try:
            text = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            text = ""
        client_id, _, secret = text.partition(":")
        return client_id, secret


@dataclass(frozen=True, slots=True)
class _Granted:
    """`refresh_token` is the one the session belongs to, `told` whether the answer says it."""

    user: Person
    scope: str = _API
    refresh_token: str | None = None
    told: bool = False


def check_client(org: Org, form: Form) -> None:
    """Raises OAuthError when the client or its secret is not that of the org."""
    credentials = org.signin.credentials
    client_id, secret = form.client()
    if not client_id:
        raise OAuthError("invalid_request", "must provide client_id parameter")
    if client_id != credentials.client_id:
        raise OAuthError("invalid_client_id", "client identifier invalid")
    if not secret:
        raise OAuthError("invalid_request", "must provide client_secret parameter")
    if not same(secret, credentials.client_secret):
        raise OAuthError("invalid_client", "invalid client credentials")


def grant(org: Org, call: Call) -> dict[str, str]:
    """The answer to a token request; raises OAuthError."""
    form = Form.of(call)
    handler = _GRANTS.get(form.get("grant_type"))
    if handler is None:
        raise OAuthError("unsupported_grant_type", "grant type not supported")
    refusal = org.signin.refusal()
    if refusal is not None:
        raise refusal
    granted = handler(org, form)
    if not granted.user.active:
        raise OAuthError("inactive_user", "user is inactive")
    return _answer(org, granted, org_address(call.address))


def _client_credentials(org: Org, form: Form) -> _Granted:
    if is_login_host(form.address):
        raise OAuthError("invalid_grant", "request not supported on this domain")
    check_client(org, form)
    user = org.signin.user(API_USER_ID)
    if user is None:
        raise OAuthError("invalid_grant", "no client credentials user enabled")
    return _Granted(user)


def _password(org: Org, form: Form) -> _Granted:
    check_client(org, form)
    username, password = form.get("username"), form.get("password")
    if not username or not password:
        raise OAuthError("invalid_request", "must provide username and password parameters")
    user = org.signin.checked(username, password) if org.switches.is_on("password_sign_in") else None
    if user is None:
        raise OAuthError("invalid_grant", "authentication failure")
    return _Granted(user)


def _jwt_bearer(org: Org, form: Form) -> _Granted:
    signin = org.signin
    client = assertion.Client(signin.credentials.client_id, signin.jwt_key)
    username = assertion.username_of(form.needed("assertion"), client, address=form.address, now=signin.now)
    user = signin.user_named(username)
    if user is None or not signin.is_approved(user.id):
        raise OAuthError("invalid_grant", "user hasn't approved this consumer")
    return _Granted(user)


def _authorization_code(org: Org, form: Form) -> _Granted:
    check_client(org, form)
    text = form.needed("code")
    code = org.signin.codes.find(text)
    if code is None:
        raise OAuthError("invalid_grant", "expired authorization code")
    if form.get("redirect_uri") != code.redirect_uri:
        raise OAuthError("redirect_uri_mismatch", "redirect_uri must match configuration")
    _check_verifier(code, form.get("code_verifier"))
    user = org.signin.user(code.grant.user_id)
    if user is None or not org.signin.codes.use(text):
        raise OAuthError("invalid_grant", "expired authorization code")
    if not LASTING_SCOPES & set(code.grant.scope.split()):
        return _Granted(user, code.grant.scope)
    return _Granted(user, code.grant.scope, org.signin.refresh_tokens.issue(code.grant), told=True)


def _check_verifier(code: Code, verifier: str) -> None:
    """A verifier without a challenge, and the other way round, is invalid_grant; a wrong one invalid_request."""
    if bool(verifier) != bool(code.challenge):
        raise OAuthError("invalid_grant", "invalid code verifier")
    digest = hashlib.sha256(verifier.encode()).digest()
    if code.challenge and not same(base64.urlsafe_b64encode(digest).decode().rstrip("="), code.challenge):
        raise OAuthError("invalid_request", "invalid code verifier")


def _refresh_token(org: Org, form: Form) -> _Granted:
    check_client(org, form)
    tokens, token = org.signin.refresh_tokens, form.needed("refresh_token")
    found = tokens.find(token)
    user = org.signin.user(found.user_id) if found else None
    if found is None or user is None or not org.signin.is_approved(user.id):
        raise OAuthError("invalid_grant", "expired access/refresh token")
    if not org.switches.is_on("refresh_token_rotation"):
        return _Granted(user, found.scope, token)
    if not tokens.revoke(token):
        raise OAuthError("invalid_grant", "expired access/refresh token")
    return _Granted(user, found.scope, tokens.issue(Grant(user.id, found.scope)), told=True)


_GRANTS: dict[str, Callable[[Org, Form], _Granted]] = {
    "client_credentials": _client_credentials,
    "password": _password,
    JWT_BEARER: _jwt_bearer,
    "authorization_code": _authorization_code,
    "refresh_token": _refresh_token,
}


def _answer(org: Org, granted: _Granted, address: str) -> dict[str, str]:
    user = granted.user
    token = org.sessions.open(user.id, user.username, scope=granted.scope, grant=granted.refresh_token)
    identity = f"{address}/id/{org.store.meta('org_id')}/{user.id}"
    issued_at = str(int(org.clock.now().timestamp() * 1000))
    secret = org.signin.credentials.client_secret
    signature = hmac.digest(secret.encode(), (identity + issued_at).encode(), "sha256")
    answer = {"access_token": token}
    if granted.refresh_token and granted.told:
        answer["refresh_token"] = granted.refresh_token
    return answer | {
        "signature": base64.b64encode(signature).decode(),
        "scope": granted.scope,
        "instance_url": address,
        "id": identity,
        "token_type": "Bearer",
        "issued_at": issued_at,
        "api_instance_url": address,
    }
