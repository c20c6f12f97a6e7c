"""Twilio: how its calls are signed, and how a text is handed over. Signatures are checked by the vendor's own library;
the one call that sends is made here, because the vendor's client does not tell *surely not sent* from *perhaps sent*,
which decides whether a text may be tried again.

The signature is base64 HMAC-SHA1 by the auth token over the public address and every field, sorted by name."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx
from django.conf import settings
from django.http import QueryDict
from twilio.request_validator import RequestValidator

from carillon.lib import tls
from carillon.messaging import states
from carillon.messaging.carriers.outcomes import Accepted, NotReached, Outcome, Outgoing, Refused, Unclear
from carillon.messaging.states import State

ACCOUNT_SID = re.compile(r"AC[0-9a-f]{32}")
SERVICE_SID = re.compile(r"MG[0-9a-f]{32}")
_SID = re.compile(r"[A-Za-z0-9]{1,64}", re.ASCII)
_MEANS: dict[int, int] = {HTTPStatus.UNAUTHORIZED: 20003, HTTPStatus.TOO_MANY_REQUESTS: 20429}
SIGNATURE_HEADER = "X-Twilio-Signature"
# Somebody may opt out while a text is on its way to the carrier: it must not be on its way for long.
TIMEOUT = httpx.Timeout(10.0, connect=3.0)


def sign(auth_token: str, url: str, fields: Mapping[str, str]) -> str:
    return str(RequestValidator(auth_token).compute_signature(url, dict(fields)))


def is_signed(auth_token: str, url: str, fields: QueryDict, signature: str) -> bool:
    """With the port in the address or without: Twilio does either."""
    return bool(RequestValidator(auth_token).validate(url, fields, signature))


def send(account_sid: str, auth_token: str, text: Outgoing) -> Outcome:
    """Creates the message: POST /2010-04-01/Accounts/SID/Messages.json."""
    form = {"To": text.to, "Body": text.body, "StatusCallback": text.status_url}
    form |= {"MessagingServiceSid": text.service_sid} if text.service_sid else {"From": text.sender}
    url = f"{settings.TWILIO_API}/2010-04-01/Accounts/{account_sid}/Messages.json"
    try:
        with _client() as client:
            answer = client.post(url, data=form, auth=(account_sid, auth_token))
    except (httpx.ConnectError, httpx.ConnectTimeout):
        return NotReached()
    except httpx.HTTPError:
        return Unclear()
    return _outcome(answer)


def why_refused(account_sid: str, auth_token: str) -> int | None:
    """The error with which Twilio turns the account away, None when it knows it: GET /2010-04-01/Accounts/SID.json.
    Raises httpx.HTTPError when it can't be asked."""
    with _client() as client:
        url = f"{settings.TWILIO_API}/2010-04-01/Accounts/{account_sid}.json"
        answer = client.get(url, auth=(account_sid, auth_token))
    if answer.is_server_error or answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        raise httpx.HTTPStatusError("busy", request=answer.request, response=answer)
    if answer.is_success:
        return None if _json(answer).get("status", "active") == "active" else 20005
    return 20003


def _client() -> httpx.Client:
    return httpx.Client(
        timeout=TIMEOUT, trust_env=False, follow_redirects=False, verify=tls.context(trust_env=False)
    )


def _outcome(answer: httpx.Response) -> Outcome:
    said = _json(answer)
    code = _number(said.get("code"))
    if answer.status_code in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.UNAUTHORIZED):
        return NotReached(code or _MEANS[answer.status_code])
    if answer.is_client_error:
        return Refused(code)
    sid = said.get("sid")
    if not answer.is_success or not isinstance(sid, str) or not _SID.fullmatch(sid):
        return Unclear()
    return Accepted(sid, states.of_twilio(str(said.get("status", ""))) or State.ACCEPTED)


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _number(code: object) -> int | None:
    return code if type(code) is int and 0 < code < 1_000_000 else None
