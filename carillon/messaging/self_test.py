"""The self-test: calls our own webhook by its public address, signed as the carrier signs, and says in plain words what
the call met. Nothing but that one address is called, redirects are not followed, and of what answers nothing is shown.

An admin of a workspace enters that address, whoever runs Carillon its CARILLON_PUBLIC_URL: only the latter may lead into
a private network."""

import asyncio
import hmac
import secrets
import socket
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Network, ip_address
from urllib.parse import urlsplit

import httpx
from django.conf import settings

from carillon.lib import tls
from carillon.lib.sealing import SealBroken
from carillon.messaging import addresses, credentials, error_codes
from carillon.messaging.carriers import twilio
from carillon.messaging.models import CarrierKind, Texting
from carillon.messaging.webhooks import difference

SECONDS = 8.0
MOST_ANSWER = 2000
# How networks without IPv4 reach it (RFC 6052).
_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Found:
    """`note` says what works and is not as it should be."""

    ok: bool
    sentence: str
    remedy: str = ""
    note: str = ""


def proof(auth_token: str, challenge: str) -> str:
    """What only this Carillon can answer to a challenge."""
    return hmac.new(auth_token.encode(), f"self-test\0{challenge}".encode(), "sha256").hexdigest()


class _Private(Exception):
    """The address leads into a private network."""


def run(texting: Texting) -> Found:
    try:
        auth_token, challenge = credentials.auth_token(texting), secrets.token_hex(16)
    except SealBroken as error:
        return Found(False, error.sentence, error.remedy)
    url = addresses.self_test_url(texting)
    fields = {"AccountSid": texting.account_sid, "Challenge": challenge}
    headers = {
        twilio.SIGNATURE_HEADER: twilio.sign(auth_token, url, fields),
        "Accept-Encoding": "identity",
    }
    try:
        status, said = asyncio.run(_call(url, fields, headers))
    except (httpx.HTTPError, OSError) as error:
        return _unreachable(texting, error)
    except _Private:
        return _inside(texting)
    proved, _, origin = said.partition(" ")
    if status == httpx.codes.OK and hmac.compare_digest(
        proved.encode(), proof(auth_token, challenge).encode()
    ):
        found = _arrived(texting, origin)
        return _asked(texting, auth_token, found) if texting.carrier == CarrierKind.TWILIO else found
    return _wrong(texting, status)


async def _call(url: str, fields: dict[str, str], headers: dict[str, str]) -> tuple[int, str]:
    """Bounded as a whole, however slowly the pieces of an answer come. Raises TimeoutError, _Private."""
    parts = urlsplit(url)
    async with asyncio.timeout(SECONDS):
        # The address that was looked at is the one that is called.
        at = await _address(parts.hostname or "", parts.port or 443)
        async with (
            httpx.AsyncClient(
                timeout=SECONDS, trust_env=False, follow_redirects=False, verify=tls.context(trust_env=False)
            ) as client,
            client.stream(
                "POST",
                url if at is None else httpx.URL(url).copy_with(host=at),
                data=fields,
                headers={**headers, "Host": parts.netloc},
                extensions={"sni_hostname": parts.hostname},
            ) as answer,
        ):
            return answer.status_code, await _beginning(answer)


async def _address(host: str, port: int) -> str | None:
    """Of a host outside; None for our own, which may be anywhere. Raises _Private, OSError."""
    if settings.ALLOW_LOCAL_ORG or host == urlsplit(settings.PUBLIC_URL).hostname:
        return None
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    numbers = sorted({str(address[0]) for *_, address in found}, key=lambda number: ":" in number)
    if not all(is_outside(number) for number in numbers):
        raise _Private
    return numbers[0]


def is_outside(number: str) -> bool:
    """Whether an IP address belongs to the public network, and so does the IPv4 address that it wraps, if one."""
    address = ip_address(number)
    if isinstance(address, IPv4Address):
        return address.is_global
    wrapped = address.ipv4_mapped or address.sixtofour
    if wrapped is None and address in _NAT64:
        wrapped = IPv4Address(int(address) & 0xFFFFFFFF)
    return wrapped.is_global if wrapped else address.is_global


async def _beginning(answer: httpx.Response) -> str:
    said = b""
    async for some in answer.aiter_raw():
        said += some
        if len(said) > MOST_ANSWER:
            break
    return said[:MOST_ANSWER].decode("ascii", "replace")


def _arrived(texting: Texting, origin: str) -> Found:
    sentence = (
        f"A call as the carrier makes it arrived from {texting.public_url}, and its signature is right."
    )
    if not (other := difference(origin, texting.public_url)):
        return Found(True, sentence)
    return Found(
        True,
        sentence,
        note=f"It arrived here with {other}. Texts come in all the same, since signatures are checked against the"
        " address above; but the proxy should pass on Host and X-Forwarded-Proto (docs/operations.md).",
    )


def _asked(texting: Texting, auth_token: str, found: Found) -> Found:
    """The call was signed with the token that is stored here: whether it is the account's, only the carrier knows."""
    try:
        code = twilio.why_refused(texting.account_sid, auth_token)
    except httpx.HTTPError:
        note = f"{found.note} Twilio could not be asked whether it accepts the account and its auth token."
        return replace(found, note=note.strip())
    if code is not None:
        return Found(False, error_codes.words(code), error_codes.REMEDIES[code])
    return replace(found, sentence=f"{found.sentence} Twilio accepts the account and its auth token.")


def _inside(texting: Texting) -> Found:
    return Found(
        False,
        f"{texting.public_url} leads into a private network, where no carrier can call, so nothing was called.",
        "Enter the address that is reached from outside. Where that name leads elsewhere inside your network,"
        " CARILLON_PUBLIC_URL must be this address.",
    )


def _unreachable(texting: Texting, error: Exception) -> Found:
    url = texting.public_url
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return Found(False, f"{url} did not answer within {SECONDS:.0f} seconds.", "Is the proxy running?")
    if "CERTIFICATE" in str(error).upper() or "SSL" in str(error).upper():
        return Found(
            False,
            f"{url} has no https that can be trusted: its certificate is wrong, or it speaks plain http.",
            "A carrier refuses it too. Mend the certificate of the proxy, or the scheme or port of the address.",
        )
    return Found(
        False,
        f"Nothing answers at {url}.",
        "Check host and port for typing errors, and that this machine can reach its own public address.",
    )


def _wrong(texting: Texting, status: int) -> Found:
    url = texting.public_url
    if httpx.codes.is_redirect(status):
        return Found(
            False,
            f"{url} sends callers on to another address (answer {status}), and carriers' texts get lost on the way.",
            "Enter the address it leads to: https instead of http, or another host.",
        )
    if status == httpx.codes.BAD_REQUEST:
        return Found(
            False,
            f"{url} leads here, but under a host name that Carillon does not serve (answer 400).",
            "Let the proxy pass on the Host of CARILLON_PUBLIC_URL.",
        )
    if status == httpx.codes.FORBIDDEN:
        return Found(
            False,
            f"Something at {url} refused the call (answer 403).",
            "Is there a firewall or another sign-in before Carillon? The carrier's calls must pass it.",
        )
    return Found(
        False,
        f"Something answers at {url} (answer {status}), but it is not this Carillon.",
        "Check host and port; the proxy must pass on /carriers/ to Carillon.",
    )
