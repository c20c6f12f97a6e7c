"""Is a call of a webhook really the carrier's? Decided before anything else is done with it. What is not, is counted,
with the reason of the last, and changes nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.db import connection
from django.db.models import Sum
from django.http import QueryDict

from carillon.accounts.models import Workspace
from carillon.lib.clock import now
from carillon.messaging import credentials
from carillon.messaging.carriers import twilio
from carillon.messaging.models import RefusedCalls, Texting

INBOUND, STATUS, SELF_TEST = (f"/carriers/twilio/{name}/" for name in ("inbound", "status", "self-test"))
# A text has at most 1,600 characters; with all that Twilio adds to it a call stays far below this.
MOST_BYTES = 64 * 1024

_COUNT = """
insert into messaging_refusedcalls (workspace_id, hour, count, last_at, last_reason)
values (%(workspace)s, date_trunc('hour', %(now)s, 'UTC'), 1, %(now)s, %(reason)s)
on conflict (workspace_id, hour) do update set count = messaging_refusedcalls.count + 1,
    last_at = excluded.last_at, last_reason = excluded.last_reason
"""


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a webhook. `path` is what stands behind the host, the query included; `origin` where the request
    seems to have been sent to, as it arrived here."""

    path: str
    fields: QueryDict
    signature: str
    origin: str


@dataclass(frozen=True, slots=True)
class Refusals:
    """Calls of the last day that were refused; `last_at` None when there were none."""

    count: int
    last_at: datetime | None
    reason: str


def texting_of(path_token: str) -> Texting | None:
    return Texting.objects.select_related("workspace").filter(path_token=path_token).first()


def why_refused(texting: Texting, call: Call) -> str:
    """Empty for a call of the workspace's own carrier and account, else a sentence. Raises SealBroken."""
    tokens = list(credentials.signing_tokens(texting))
    if not call.signature:
        return "It was not signed."
    if not _is_signed(tokens, texting.public_url, call):
        return _why_not_signed(texting, call, tokens)
    if call.fields.get("AccountSid") != texting.account_sid:
        return "It is signed by the right account, and names another one as its account."
    return ""


def count_refused(texting: Texting, reason: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"workspace": texting.workspace_id, "now": now(), "reason": reason})


def refusals(workspace: Workspace, at: datetime) -> Refusals:
    """Of the last 24 hours, by whole hours."""
    recent = RefusedCalls.objects.filter(workspace=workspace, hour__gt=at - timedelta(hours=25))
    last = recent.order_by("-hour").first()
    if last is None:
        return Refusals(0, None, "")
    return Refusals(recent.aggregate(total=Sum("count"))["total"], last.last_at, last.last_reason)


def _is_signed(tokens: Sequence[str], origin: str, call: Call) -> bool:
    return any(twilio.is_signed(token, origin + call.path, call.fields, call.signature) for token in tokens)


def _why_not_signed(texting: Texting, call: Call, tokens: Sequence[str]) -> str:
    for origin in _other_origins(texting.public_url, call.origin):
        if _is_signed(tokens, origin, call):
            return (
                f"It is signed by your carrier for {origin}, but the public address here is {texting.public_url}:"
                f" {difference(origin, texting.public_url)}. Enter the same address in both places."
            )
    return "Its signature is wrong: somebody else sent it, or the auth token here is not the account's."


def _other_origins(public_url: str, seen: str) -> Iterator[str]:
    """Addresses the carrier may have been given in place of the public one."""
    for origin in (seen, public_url):
        host = urlsplit(origin).netloc
        for scheme in ("https", "http"):
            if (other := f"{scheme}://{host}") != public_url and host:
                yield other


def difference(one: str, other: str) -> str:
    """How two origins differ, in plain words; empty when they don't."""
    a, b = urlsplit(one), urlsplit(other)
    found = []
    if a.scheme != b.scheme:
        found.append(f"{a.scheme} instead of {b.scheme}")
    if a.hostname != b.hostname:
        found.append(f"the host {a.hostname} instead of {b.hostname}")
    if (port_a := _port(one)) != (port_b := _port(other)) and not (a.port is None and b.port is None):
        found.append(f"port {port_a} instead of {port_b}")
    return ", ".join(found)


def _port(origin: str) -> int:
    parts = urlsplit(origin)
    return parts.port or (443 if parts.scheme == "https" else 80)
