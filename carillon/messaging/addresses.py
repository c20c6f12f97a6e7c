"""Where a carrier reaches us: origins over https, and plain http to this machine only where an install allows it."""

import re
from urllib.parse import SplitResult, urlsplit

from carillon.lib.errors import CarillonError
from carillon.messaging.models import Texting
from carillon.messaging.webhooks import INBOUND, SELF_TEST, STATUS

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*", re.ASCII)
_LOOPBACK = ("127.0.0.1", "localhost")


def check_origin(text: str, *, allow_local: bool) -> str:
    """The origin, such as https://texts.example.org. Raises CarillonError."""
    try:
        parts = urlsplit(_plain(text))
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _not_an_address() from None
    if "@" in parts.netloc or parts.scheme not in ("https", "http") or not _HOST.fullmatch(host) or port == 0:
        raise _not_an_address()
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise CarillonError(
            "Only scheme and host are wanted here, without a path.", f"Enter {_origin(parts)}."
        )
    if parts.scheme == "https" or (allow_local and host in _LOOPBACK):
        return _origin(parts)
    raise CarillonError(
        "A carrier brings texts over https only, so that nobody reads them on the way.",
        f"Enter https://{host}, and put a certificate there (docs/operations.md).",
    )


def _plain(text: str) -> str:
    text = text.strip().lower()
    return text if "://" in text else f"https://{text}"


def _origin(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.netloc}"


def _not_an_address() -> CarillonError:
    return CarillonError("This is not an address.", "It looks like https://carillon.example.org.")


def inbound_url(texting: Texting) -> str:
    return f"{texting.public_url}{INBOUND}{texting.path_token}"


def status_url(texting: Texting) -> str:
    return f"{texting.public_url}{STATUS}{texting.path_token}"


def self_test_url(texting: Texting) -> str:
    return f"{texting.public_url}{SELF_TEST}{texting.path_token}"
