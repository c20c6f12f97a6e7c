"""What a program signs in with: the client's and the API user's, all changeable when an org is started."""

import hmac
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from orgsim.staff import (
    API_USERNAME,
    CLIENT_ID,
    CLIENT_SECRET,
    PASSWORDS,
    REFRESH_TOKEN,
    SECURITY_TOKEN,
)

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SUCCESS_PAGE = "/services/oauth2/success"


def same(given: str, right: str) -> bool:
    """Compared in a time that says nothing about where they differ."""
    return hmac.compare_digest(given.encode(), right.encode())


@dataclass(frozen=True, slots=True)
class Credentials:
    """`callbacks` are the redirect addresses of the client besides loopback and Salesforce's own success page."""

    client_id: str = CLIENT_ID
    client_secret: str = CLIENT_SECRET
    username: str = API_USERNAME
    password: str = PASSWORDS[API_USERNAME]
    security_token: str = SECURITY_TOKEN
    refresh_token: str = REFRESH_TOKEN
    callbacks: tuple[str, ...] = field(default_factory=tuple)

    def accepts(self, username: str, password: str) -> bool:
        """Whether this is the user's password, alone or with the security token appended."""
        known = self.password_of(username)
        return known is not None and (same(password, known) or same(password, known + self.security_token))

    def password_of(self, username: str) -> str | None:
        if username.lower() == self.username.lower():
            return self.password
        return None if username.lower() == API_USERNAME else PASSWORDS.get(username.lower())

    def accepts_callback(self, address: str) -> bool:
        if address in self.callbacks:
            return True
        try:
            parts = urlsplit(address)
        except ValueError:
            return False
        if parts.fragment:
            return False
        if parts.scheme == "https" and parts.hostname in ("login.salesforce.com", "test.salesforce.com"):
            return parts.path == _SUCCESS_PAGE
        return parts.scheme == "http" and parts.hostname in _LOOPBACK
