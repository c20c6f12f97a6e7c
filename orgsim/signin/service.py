"""Who may sign in to the org, with what, and what stands in the way of it just now."""

from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from orgsim.clock import OrgClock
from orgsim.errors import OAuthError
from orgsim.signin.assertion import public_key
from orgsim.signin.credentials import Credentials
from orgsim.signin.grants import Codes, Grant, RefreshTokens
from orgsim.signin.sessions import Sessions
from orgsim.staff import API_USER_ID
from orgsim.store import Store

CERTIFICATE = "jwt_certificate"
_UNAPPROVED = "unapproved_users"
# What an app of this org may be given; all of it is what an authorization gets that asks for nothing.
APP_SCOPES = ("api", "id", "refresh_token")
KNOWN_SCOPES = frozenset(
    {*APP_SCOPES, "web", "full", "offline_access", "openid", "profile", "email", "address", "phone"}
    | {"chatter_api", "custom_permissions", "visualforce", "lightning", "content", "wave_api"}
)
LASTING_SCOPES = frozenset({"refresh_token", "offline_access"})

# Refusals that an admin's settings or Salesforce itself bring about, by the name the scenario verb takes.
REFUSALS = {
    "inactive_org": ("inactive_org", "organization is not active"),
    "ip_restricted": ("invalid_grant", "ip restricted"),
    "no_run_as_user": ("invalid_grant", "no client credentials user enabled"),
    "rate_limit": ("rate_limit_exceeded", "number of login attempts exceeded"),
}


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    username: str
    active: bool


class SignIn:
    """`org.signin`."""

    def __init__(self, store: Store, clock: OrgClock, credentials: Credentials) -> None:
        self._store = store
        self.credentials = credentials
        self.sessions = Sessions(store, clock)
        self.refresh_tokens = RefreshTokens(
            store, credentials.refresh_token, Grant(API_USER_ID, " ".join(APP_SCOPES))
        )
        self.codes = Codes(clock)
        self._clock = clock
        self._refusal: str | None = None
        self._refusals_left: int | None = None
        self._rename_api_user()

    def _rename_api_user(self) -> None:
        name = self.credentials.username
        user = self.user(API_USER_ID)
        if user is not None and user.username != name:
            with self._store.writing() as connection:
                connection.execute("UPDATE User SET Username = ? WHERE Id = ?", (name, API_USER_ID))

    @property
    def now(self) -> datetime:
        return self._clock.now()

    @property
    def jwt_key(self) -> RSAPublicKey | None:
        """The key that assertions of the client are checked with, if one was registered."""
        pem = self._store.meta(CERTIFICATE)
        return public_key(pem) if pem else None

    def register_certificate(self, pem: str) -> None:
        """Raises ValueError when there is no usable key in it."""
        public_key(pem)
        self._store.set_meta(CERTIFICATE, pem)

    def user(self, user_id: str) -> Person | None:
        return self._person("SELECT Id, Username, IsActive FROM User WHERE Id = ?", user_id)

    def user_named(self, username: str) -> Person | None:
        sql = "SELECT Id, Username, IsActive FROM User WHERE Username = ? COLLATE NOCASE"
        return self._person(sql, username)

    def _person(self, sql: str, key: str) -> Person | None:
        row = self._store.reader().execute(sql, (key,)).fetchone()
        return Person(row[0], row[1], bool(row[2])) if row else None

    def checked(self, username: str, password: str) -> Person | None:
        """The user of this name and password, active or not."""
        return self.user_named(username) if self.credentials.accepts(username, password) else None

    # The client's approval by a user, which JWT sign-ins and refresh tokens need

    def is_approved(self, user_id: str) -> bool:
        return user_id not in self._store.meta(_UNAPPROVED).split()

    def set_approved(self, user_id: str, *, approved: bool) -> None:
        unapproved = set(self._store.meta(_UNAPPROVED).split()) - {user_id}
        if not approved:
            unapproved.add(user_id)
        self._store.set_meta(_UNAPPROVED, " ".join(sorted(unapproved)))

    def revoke(self, token: str) -> bool:
        """End an access token, or a refresh token with the sessions that came from it; False for neither."""
        if self.sessions.end(token):
            return True
        self.sessions.end_of_grant(token)
        return self.refresh_tokens.revoke(token)

    def revoke_user(self, user_id: str) -> None:
        self.sessions.end_of_user(user_id)
        for token in self.refresh_tokens.of_user(user_id):
            self.refresh_tokens.revoke(token)

    # Refusals by order

    def refuse(self, reason: str | None, times: int | None) -> None:
        """Let the next `times` sign-ins fail so (all when None); no reason ends it. ValueError for no such reason."""
        if reason is not None and reason not in REFUSALS:
            raise ValueError(f"there is no refusal {reason}; there are: {', '.join(REFUSALS)}")
        self._refusal, self._refusals_left = reason, times

    def refusal(self) -> OAuthError | None:
        """What this sign-in is refused with by order."""
        if self._refusal is None or self._refusals_left == 0:
            return None
        if self._refusals_left is not None:
            self._refusals_left -= 1
        return OAuthError(*REFUSALS[self._refusal])
