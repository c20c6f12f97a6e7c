"""Names the server answers to, and which of them stand for Salesforce's shared login host.

Beside loopback's own names these are `*.localhost` and `*.salesforce.com`: no page of another site can make a browser
send one of them to this server, so they are as safe, and a client may be led here by a hosts file or a proxy.
"""

from urllib.parse import urlsplit

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_LOGIN = frozenset({"login.salesforce.com", "test.salesforce.com", "login.localhost", "test.localhost"})
_OURS = (".localhost", ".salesforce.com")
MY_DOMAIN = "https://orgsim.my.salesforce.com"


def is_loopback(url: str) -> bool:
    return _hostname(url) in _LOOPBACK


def is_served(host: str) -> bool:
    """Whether requests with this Host header are answered."""
    name = _hostname(f"//{host}")
    return name in _LOOPBACK or name.endswith(_OURS)


def address(host: str) -> str:
    """The server's own address as the client wrote it: Salesforce's names are always https."""
    scheme = "https" if _hostname(f"//{host}").endswith(".salesforce.com") else "http"
    return f"{scheme}://{host}"


def is_login_host(server_address: str) -> bool:
    return _hostname(server_address) in _LOGIN


def org_address(server_address: str) -> str:
    """Where the org itself is: another host than the login host a client may have signed in at."""
    if not is_login_host(server_address):
        return server_address
    if server_address.startswith("https:"):
        return MY_DOMAIN
    port = urlsplit(server_address).port
    return f"http://127.0.0.1:{port}" if port else "http://127.0.0.1"


def _hostname(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
