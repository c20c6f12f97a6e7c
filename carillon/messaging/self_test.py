"""The self-test: calls our own webhook by its public address, signed as the carrier signs, and says in plain words what
the call met. Nothing but that one address is called, redirects are not followed, and of what answers nothing is shown."""

import hmac
import secrets
from dataclasses import dataclass

import httpx

from carillon.lib import tls
from carillon.messaging import addresses, credentials
from carillon.messaging.carriers import twilio
from carillon.messaging.models import Texting
from carillon.messaging.webhooks import difference

SECONDS = 8.0
MOST_ANSWER = 2000


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


def run(texting: Texting) -> Found:
    """Raises SealBroken."""
    auth_token, challenge = credentials.auth_token(texting), secrets.token_hex(16)
    url = addresses.self_test_url(texting)
    fields = {"AccountSid": texting.account_sid, "Challenge": challenge}
    headers = {twilio.SIGNATURE_HEADER: twilio.sign(auth_token, url, fields)}
    try:
        with (
            httpx.Client(
                timeout=SECONDS, trust_env=False, follow_redirects=False, verify=tls.context(trust_env=False)
            ) as client,
            client.stream("POST", url, data=fields, headers=headers) as answer,
        ):
            status, said = answer.status_code, _beginning(answer)
    except httpx.HTTPError as error:
        return _unreachable(texting, error)
    proved, _, origin = said.partition(" ")
    if status == httpx.codes.OK and hmac.compare_digest(
        proved.encode(), proof(auth_token, challenge).encode()
    ):
        return _arrived(texting, origin)
    return _wrong(texting, status)


def _beginning(answer: httpx.Response) -> str:
    said = b""
    for some in answer.iter_bytes():
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


def _unreachable(texting: Texting, error: httpx.HTTPError) -> Found:
    url = texting.public_url
    if isinstance(error, httpx.TimeoutException):
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
