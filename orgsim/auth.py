"""Sign-in of the simulated org: client credentials and username-password grants, and the sessions they open.

A token answer has no lifetime in it, as documented; a session ends when its time is over or by `expire_all`.
"""

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qs

from orgsim.clock import OrgClock
from orgsim.errors import ApiError, OAuthError
from orgsim.staff import API_USERNAME, CLIENT_ID, CLIENT_SECRET, PASSWORDS
from orgsim.store import Store

SESSION_LIFETIME = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Session:
    user_id: str
    username: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """The form of a token request and its Authorization header, if any."""

    form: dict[str, str]
    authorization: str | None = None

    @classmethod
    def parse(cls, body: bytes, authorization: str | None) -> "TokenRequest":
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
        return cls({key: values[0] for key, values in fields.items()}, authorization)

    def client(self) -> tuple[str, str]:
        """Client id and secret, from the form or from HTTP Basic."""
        scheme, _, value = (self.authorization or "").partition(" ")
        if scheme.lower() == "basic":
            try:
                text = base64.b64decode(value, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                text = ""
            client_id, _, secret = text.partition(":")
            return client_id, secret
        return self.form.get("client_id", ""), self.form.get("client_secret", "")


class Sessions:
    def __init__(self, store: Store, clock: OrgClock) -> None:
        self._store = store
        self._clock = clock
        self._open: dict[str, Session] = {}
        self.lifetime = SESSION_LIFETIME

    def grant(self, request: TokenRequest, instance_url: str) -> dict[str, str]:
        """The answer to a token request; raises OAuthError."""
        grant_type = request.form.get("grant_type")
        if not grant_type:
            raise OAuthError("unsupported_grant_type", "grant type not supported")
        if grant_type not in ("client_credentials", "password"):
            raise OAuthError("unsupported_grant_type", "grant type not supported")
        self._check_client(request)
        username = API_USERNAME if grant_type == "client_credentials" else self._check_password(request)
        user_id, active = self._user(username)
        if not active:
            raise OAuthError("inactive_user", "user is inactive")
        return self._answer(user_id, username, instance_url)

    def _check_client(self, request: TokenRequest) -> None:
        client_id, secret = request.client()
        if not client_id:
            raise OAuthError("invalid_request", "must provide client_id parameter")
        if client_id != CLIENT_ID:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if not secret:
            raise OAuthError("invalid_request", "must provide client_secret parameter")
        if not hmac.compare_digest(secret.encode(), CLIENT_SECRET.encode()):
            raise OAuthError("invalid_client", "invalid client credentials")

    def _check_password(self, request: TokenRequest) -> str:
        username = request.form.get("username", "").lower()
        password = request.form.get("password", "")
        if not username or not password:
            raise OAuthError("invalid_request", "must provide username and password parameters")
        if not hmac.compare_digest(PASSWORDS.get(username, "").encode(), password.encode()):
            raise OAuthError("invalid_grant", "authentication failure")
        return username

    def _user(self, username: str) -> tuple[str, bool]:
        sql = "SELECT Id, IsActive FROM User WHERE Username = ?"
        user_id, active = self._store.reader().execute(sql, (username,)).fetchone()
        return user_id, bool(active)

    def _answer(self, user_id: str, username: str, instance_url: str) -> dict[str, str]:
        org_id = self._store.meta("org_id")
        token = f"{org_id[:15]}!AQ{secrets.token_urlsafe(69)}"
        self._open[token] = Session(user_id, username, self._clock.now() + self.lifetime)
        identity = f"{instance_url}/id/{org_id}/{user_id}"
        issued_at = str(int(self._clock.now().timestamp() * 1000))
        signature = hmac.digest(CLIENT_SECRET.encode(), (identity + issued_at).encode(), "sha256")
        return {
            "access_token": token,
            "signature": base64.b64encode(signature).decode(),
            "scope": "api",
            "instance_url": instance_url,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued_at,
            "api_instance_url": instance_url,
        }

    def session_of(self, authorization: str | None) -> Session:
        """The open session of an Authorization header; raises 401 INVALID_SESSION_ID."""
        scheme, _, token = (authorization or "").partition(" ")
        session = self._open.get(token.strip()) if scheme.lower() in ("bearer", "oauth") else None
        if session is None or session.expires_at <= self._clock.now():
            raise ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        return session

    def revoke(self, token: str) -> None:
        self._open.pop(token, None)

    def expire_all(self) -> None:
        self._open.clear()
