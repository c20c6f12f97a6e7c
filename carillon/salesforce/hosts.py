"""Which addresses may receive an org's credentials: My Domain hosts of Salesforce over https, nothing else.

Plain http is for a simulated org on this machine only, and only when the caller allows it. The same rule holds
for what an admin types and for the instance_url of a token.
"""

import re

from carillon.salesforce.errors import HostRefused

_BASES = (".my.salesforce.com", ".my.salesforce.mil", ".my.sfcrmproducts.cn")
# The kinds of org that carry their kind in the host, as in acme--uat.sandbox.my.salesforce.com.
_PARTITIONS = ("sandbox", "develop", "scratch", "trailblaze", "demo", "patch", "free")
_SUFFIXES = tuple(f".{kind}{base}" for base in _BASES for kind in _PARTITIONS) + _BASES
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_LOCAL = re.compile(r"(127\.0\.0\.1|localhost|\[::1\]):([1-9][0-9]{0,4})", re.ASCII)
_SHAPE = re.compile(r"(?:(https?)://)?([^/?#]+)(.*)", re.ASCII | re.DOTALL)
# Addresses people copy from the browser, and what stands in place of it on the API host.
_PAGES = ((".lightning.force.com", ".my.salesforce.com"), (".my.salesforce-setup.com", ".my.salesforce.com"))
_UNPRINTABLE = re.compile(r"[^\x21-\x7e]")


def check_host(url_or_host: str, *, allow_local: bool) -> str:
    """The origin to use, such as https://acme.my.salesforce.com; raises HostRefused with the reason.

    `allow_local` also admits plain http to loopback with a port.
    """
    text = url_or_host.strip().lower()
    shape = None if _UNPRINTABLE.search(text) else _SHAPE.fullmatch(text)
    if shape is None:
        raise HostRefused("This is not a host name of a Salesforce org, so nothing was sent to it.")
    scheme, host, rest = shape.groups()
    if _LOCAL.fullmatch(host):
        return _local_origin(scheme, host, rest, allowed=allow_local)
    if _is_my_domain(host):
        return _my_domain_origin(scheme, host, rest)
    raise HostRefused(_why_not(host))


def is_local(origin: str) -> bool:
    """Whether an origin that passed check_host is the simulated org on this machine."""
    return origin.startswith("http://")


def _is_my_domain(host: str) -> bool:
    for suffix in _SUFFIXES:
        label = host.removesuffix(suffix)
        if label != host and _LABEL.fullmatch(label):
            return label not in _PARTITIONS
    return False


def _my_domain_origin(scheme: str | None, host: str, rest: str) -> str:
    if scheme == "http":
        raise HostRefused(
            "Plain http would send the secret unprotected; Salesforce is reached by https only."
        )
    if rest.strip("/"):
        raise HostRefused(f"Only the host is wanted, without a path: {host}.", remedy=f"Enter {host}.")
    return f"https://{host}"


def _local_origin(scheme: str | None, host: str, rest: str, *, allowed: bool) -> str:
    if not allowed:
        raise HostRefused(
            "Addresses of this machine are not Salesforce orgs, so nothing was sent to it.",
            remedy=f"{HostRefused.remedy} To try a simulated org, set CARILLON_ALLOW_LOCAL_ORG=1 for web, worker and"
            " commands alike, on an install of its own.",
        )
    if scheme == "https" or rest.strip("/") or int(host.rpartition(":")[2]) > 65535:
        raise HostRefused("A simulated org on this machine is given as http://127.0.0.1:PORT.")
    return f"http://{host}"


def _why_not(host: str) -> str:
    for page, api in _PAGES:
        label = host.removesuffix(page)
        if label != host and _is_my_domain(label + api):
            return f"{host} is the address of the pages; the My Domain host of this org is {label + api}."
    if host in ("login.salesforce.com", "test.salesforce.com"):
        return f"Client credentials work only on an org's own My Domain host, not on {host}."
    if host.endswith((".force.com", ".salesforce-sites.com", ".site.com")):
        return "This is the address of a public site or an app, not the My Domain host of an org."
    if ":" in host:
        return "A port is not part of a My Domain host, so nothing was sent to it."
    if host.endswith(".salesforce.com"):
        return "This Salesforce address is not the My Domain host of an org."
    return "This is not a My Domain host of Salesforce, so nothing was sent to it."
