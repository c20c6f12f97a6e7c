"""Open sessions: every access token, who holds it, and until when.

A token answer has no lifetime in it, as documented; a session ends when its time is over, when its token or the
refresh token it came from is revoked, and when its user is deactivated.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from orgsim.clock import OrgClock
from orgsim.errors import ApiError
from orgsim.store import Store

SESSION_LIFETIME = timedelta(hours=2)
# Scopes that open the data resources; a session of a SOAP login has none and may do everything.
_API_SCOPES = frozenset({"api", "full", "web"})


@dataclass(frozen=True, slots=True)
class Session:
    """`grant` is the refresh token that the session came from, if any."""

    user_id: str
    username: str
    expires_at: datetime
    scope: str = ""
    started_at: datetime | None = None
    grant: str | None = None

    @property
    def opens_data(self) -> bool:
        return not self.scope or bool(_API_SCOPES & set(self.scope.split()))


def bearer_token(authorization: str | None) -> str:
    """The token of an Authorization header, with Bearer or OAuth in any case; nothing for another."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() in ("bearer", "oauth") else ""


class Sessions:
    def __init__(self, store: Store, clock: OrgClock) -> None:
        self._store = store
        self._clock = clock
        self._open: dict[str, Session] = {}
        self.lifetime = SESSION_LIFETIME

    def open(self, user_id: str, username: str, *, scope: str = "", grant: str | None = None) -> str:
        """A new session's access token."""
        now = self._clock.now()
        self._end(lambda session: session.expires_at <= now)
        token = f"{self._store.meta('org_id')[:15]}!AQ{secrets.token_urlsafe(69)}"
        self._open[token] = Session(user_id, username, now + self.lifetime, scope, now, grant)
        return token

    def find(self, token: str) -> Session | None:
        session = self._open.get(token)
        return session if session and session.expires_at > self._clock.now() else None

    def session_of(self, authorization: str | None) -> Session:
        """The session that may use the data resources; raises 401.

        A header without a token that could be one has a code of its own (public issue threads).
        """
        token = bearer_token(authorization)
        if authorization and not token:
            raise ApiError(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")
        session = self.find(token)
        if session is None:
            raise ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        if not session.opens_data:
            message = "This session is not valid for use with the REST API"
            raise ApiError(401, "INVALID_SESSION_ID", message)
        return session

    def end(self, token: str) -> bool:
        """False when there was no such session."""
        return self._open.pop(token, None) is not None

    def end_of_grant(self, grant: str) -> None:
        self._end(lambda session: session.grant == grant)

    def end_of_user(self, user_id: str) -> None:
        self._end(lambda session: session.user_id == user_id)

    def expire_all(self) -> None:
        self._open.clear()

    def _end(self, over: Callable[[Session], bool]) -> None:
        for token in [token for token, session in tuple(self._open.items()) if over(session)]:
            self._open.pop(token, None)
