"""Who may use the pages: who holds the admin token.

The cookie and the key in each form follow from the token without being it, so that a restart with the same token
keeps people signed in, and no page or cookie gives the token away.
"""

import hmac
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from orgsim.calls import Call

_DAYS = 30


class Access:
    def __init__(self, token: str) -> None:
        self._token = token
        self._cookie = self._derived("cookie")
        self.form_key = self._derived("form")

    def _derived(self, purpose: str) -> str:
        return hmac.digest(self._token.encode(), f"orgsim pages {purpose}".encode(), "sha256").hex()

    def opens(self, token: str) -> bool:
        return hmac.compare_digest(token.strip().encode(), self._token.encode())

    def knows(self, call: Call) -> bool:
        """Whether the request carries the cookie."""
        try:
            morsel = SimpleCookie(call.headers.get("cookie", "")).get(_name(call))
        except CookieError:
            return False
        return morsel is not None and hmac.compare_digest(morsel.value.encode(), self._cookie.encode())

    def is_own_form(self, form: dict[str, str]) -> bool:
        return hmac.compare_digest(form.get("key", "").encode(), self.form_key.encode())

    def cookie(self, call: Call) -> str:
        return f"{_name(call)}={self._cookie}; Path=/; Max-Age={_DAYS * 86_400}; HttpOnly; SameSite=Strict"

    def no_cookie(self, call: Call) -> str:
        return f"{_name(call)}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"


def _name(call: Call) -> str:
    # Cookies are shared by all ports of a host, and more than one org may run on this machine.
    return f"orgsim_{urlsplit(call.address).port or 80}"


def own_path(text: str) -> str:
    """Where to go after sign-in: a path of this server, the start page for anything else."""
    plain = text.startswith("/") and not text.startswith("//") and text.isprintable() and "\\" not in text
    return text if plain else "/"
