"""Signing in by client credentials: no person's password is involved and no refresh token exists.

A token carries no lifetime; a 401 is the only sign of its end. Its `instance_url` must obey the rule for hosts.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from carillon.salesforce.answers import error_of
from carillon.salesforce.errors import (
    HostRefused,
    InvalidId,
    MalformedAnswer,
    NotFound,
    SalesforceError,
    SignInRefused,
)
from carillon.salesforce.hosts import check_host
from carillon.salesforce.ids import to_18
from carillon.salesforce.kinds import CallKind
from carillon.salesforce.transport import Answer, Call, Transport

SIGN_IN_PATH = "/services/oauth2/token"


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Session:
    """An access token and whose it is: `org_id` and `user_id` have 18 characters."""

    access_token: str = field(repr=False)
    instance_url: str
    org_id: str
    user_id: str
    issued_at: datetime | None


class _Token(msgspec.Struct):
    access_token: str
    instance_url: str
    id: str
    issued_at: str = ""


class _TokenError(msgspec.Struct):
    error: str = ""
    error_description: str = ""


def sign_in(transport: Transport, credentials: ClientCredentials, *, allow_local: bool) -> Session:
    """A new session; raises SignInRefused, HostRefused, or what the transport raises."""
    call = Call(
        kind=CallKind.SIGN_IN,
        method="POST",
        path=SIGN_IN_PATH,
        form={
            "grant_type": "client_credentials",
            "client_id": credentials.client_id,
            "client_secret": credentials.client_secret,
        },
        refuse=_refusal,
    )
    token = transport.send(call, _token_of)
    try:
        origin = check_host(token.instance_url, allow_local=allow_local)
    except HostRefused:
        origin = ""
    if not origin:
        raise HostRefused(
            "The token names an address for the API that is no Salesforce org; it was not used."
        )
    return _session_of(token, origin)


def _refusal(status: int, body: bytes) -> SalesforceError:
    if status == 404:
        return NotFound("There is no Salesforce org at this host.", remedy=HostRefused.remedy)
    if status not in (400, 401, 403):
        return error_of(status, body)
    try:
        said = msgspec.json.decode(body, type=_TokenError)
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = _TokenError()
    return SignInRefused(said.error, said.error_description)


def _token_of(answer: Answer) -> _Token:
    try:
        token = msgspec.json.decode(answer.body, type=_Token)
        for record_id in _ids_in(token.id):
            to_18(record_id)
    except (msgspec.DecodeError, UnicodeDecodeError, InvalidId):
        token = None
    if token is None or not token.access_token:
        raise MalformedAnswer("Salesforce's answer to the sign-in was not in the agreed form.")
    return token


def _session_of(token: _Token, origin: str) -> Session:
    org_id, user_id = _ids_in(token.id)
    return Session(
        access_token=token.access_token,
        instance_url=origin,
        org_id=to_18(org_id),
        user_id=to_18(user_id),
        issued_at=_moment(token.issued_at),
    )


def _ids_in(identity_url: str) -> tuple[str, str]:
    # https://login.salesforce.com/id/ORG/USER
    parts = identity_url.rstrip("/").split("/")
    return (parts[-2], parts[-1]) if len(parts) > 1 else ("", "")


def _moment(milliseconds: str) -> datetime | None:
    if not (milliseconds.isascii() and milliseconds.isdigit() and len(milliseconds) < 15):
        return None
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
