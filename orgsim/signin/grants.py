"""What outlives a session: refresh tokens, and the codes a consent page hands out for one use.

The refresh token of the credentials is valid at every start; those of the web flow are kept in the org's file.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from orgsim.clock import OrgClock
from orgsim.store import Store

CODE_LIFETIME = timedelta(minutes=15)
_KEPT = "refresh_tokens"


class Grant(msgspec.Struct, frozen=True):
    user_id: str
    scope: str


class RefreshTokens:
    def __init__(self, store: Store, default: str, grant: Grant) -> None:
        self._store = store
        self._default = default
        self._default_grant = grant
        kept = store.meta(_KEPT, "{}")
        self._living: dict[str, Grant] = msgspec.json.decode(kept, type=dict[str, Grant])
        self.restore_default()

    def restore_default(self) -> None:
        """The default token is good again, whatever happened to it."""
        self._living[self._default] = self._default_grant

    def find(self, token: str) -> Grant | None:
        return self._living.get(token)

    def issue(self, grant: Grant) -> str:
        token = f"5Aep861{secrets.token_urlsafe(60)}"
        self._living[token] = grant
        self._keep()
        return token

    def revoke(self, token: str) -> bool:
        """False when there was no such token."""
        found = self._living.pop(token, None) is not None
        self._keep()
        return found

    def of_user(self, user_id: str) -> list[str]:
        return [token for token, grant in self._living.items() if grant.user_id == user_id]

    def _keep(self) -> None:
        kept = {token: grant for token, grant in self._living.items() if token != self._default}
        self._store.set_meta(_KEPT, msgspec.json.encode(kept).decode())


@dataclass(frozen=True, slots=True)
class Code:
    """`challenge` is the PKCE challenge of the request, empty when it sent none."""

    grant: Grant
    redirect_uri: str
    challenge: str
    expires_at: datetime


class Codes:
    def __init__(self, clock: OrgClock) -> None:
        self._clock = clock
        self._unused: dict[str, Code] = {}

    def issue(self, grant: Grant, *, redirect_uri: str, challenge: str) -> str:
        now = self._clock.now()
        self._unused = {text: code for text, code in self._unused.items() if code.expires_at > now}
        text = f"aPrx{secrets.token_urlsafe(54)}=="
        self._unused[text] = Code(grant, redirect_uri, challenge, now + CODE_LIFETIME)
        return text

    def find(self, text: str) -> Code | None:
        code = self._unused.get(text)
        return code if code and code.expires_at > self._clock.now() else None

    def use(self, text: str) -> bool:
        """False when another request was faster."""
        return self._unused.pop(text, None) is not None
