"""Whose address a request comes from, for the throttling of sign-ins."""

import re
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest

_WITH_PORT = re.compile(r"\[([^\]]+)\](?::\d+)?|([^:]+):\d+")


def client_ip(request: HttpRequest) -> str:
    """The peer's address, or behind proxies of ours the one the outermost of them saw. An X-Forwarded-For that
    nobody of ours wrote is never believed: anybody can send one."""
    proxies: int = settings.TRUSTED_PROXIES
    forwarded = [
        part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()
    ]
    seen = _plain(forwarded[-proxies]) if proxies and len(forwarded) >= proxies else ""
    return seen or str(request.META.get("REMOTE_ADDR", ""))


def _plain(address: str) -> str:
    """Without the port and brackets that some proxies write with it; empty when it is no address."""
    if found := _WITH_PORT.fullmatch(address):
        address = found[1] or found[2]
    try:
        return str(ip_address(address))
    except ValueError:
        return ""
