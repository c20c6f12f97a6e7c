"""Scenario verbs about signing in: sessions end, users leave, sign-ins are refused."""

from datetime import timedelta

from orgsim.org import Org
from orgsim.signin.service import Person
from orgsim.staff import API_USER_ID


class SignInVerbs:
    org: Org

    def expire_sessions(self) -> None:
        self.org.sessions.expire_all()

    def set_session_lifetime(self, seconds: float) -> None:
        """How long the sessions live that are opened from now on."""
        self.org.sessions.lifetime = timedelta(seconds=seconds)

    def revoke(self, token: str | None = None) -> bool:
        """End one access or refresh token, or all of the API user; whether there was one."""
        if token is not None:
            return self.org.signin.revoke(token)
        self.org.signin.revoke_user(API_USER_ID)
        return True

    def approve(self, username: str | None = None) -> None:
        """The user (the API user when not said) lets the client act for them: JWT sign-ins work again, and the API
        user's first refresh token."""
        user = self._user(username)
        self.org.signin.set_approved(user.id, approved=True)
        if user.id == API_USER_ID:
            self.org.signin.refresh_tokens.restore_default()

    def unapprove(self, username: str | None = None) -> None:
        """The user takes that back: JWT sign-ins are refused, tokens given to the client are dead."""
        user = self._user(username)
        self.org.signin.set_approved(user.id, approved=False)
        self.org.signin.revoke_user(user.id)

    def set_active(self, username: str, active: bool) -> None:
        """Deactivate a user, which ends the sessions, or bring one back."""
        with self.org.store.writing() as connection:
            connection.execute("UPDATE User SET IsActive = ? WHERE Username = ?", (int(active), username))
        if not active:
            self.org.sessions.end_of_user(self._user(username).id)

    def refuse_sign_ins(self, reason: str, times: int | None = None) -> None:
        """Refuse the next `times` sign-ins, or all: inactive_org, ip_restricted, no_run_as_user, rate_limit."""
        self.org.signin.refuse(reason, times)

    def allow_sign_ins(self) -> None:
        self.org.signin.refuse(None, None)

    def set_jwt_certificate(self, pem: str) -> None:
        """Register the certificate or public key, in PEM, that JWT sign-ins of the client are checked with."""
        self.org.signin.register_certificate(pem)

    def set_api_enabled(self, enabled: bool) -> None:
        """Whether the API user's profile has the permission API Enabled."""
        self.org.set_api_enabled(enabled=enabled)

    def _user(self, username: str | None) -> Person:
        signin = self.org.signin
        found = signin.user_named(username) if username else signin.user(API_USER_ID)
        if found is None:
            raise LookupError(f"the org has no user {username}")
        return found
