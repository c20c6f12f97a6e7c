"""The only place that opens the sealed auth token.

One that was replaced goes on being accepted for some days: Twilio signs with its primary token, and a new one, which may
be used to send at once, signs from the moment somebody promotes it there."""

import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings

from carillon.lib.clock import now
from carillon.lib.sealing import SealBroken, Sealer
from carillon.messaging.models import Texting

GRACE = timedelta(days=3)


def sealer() -> Sealer:
    return Sealer(settings.MASTER_SECRET)


def auth_token(texting: Texting) -> str:
    """Raises SealBroken."""
    return sealer().open(texting.auth_token_sealed)


def signing_tokens(texting: Texting) -> Iterator[str]:
    """Those by which a call may be signed, the current one first. Raises SealBroken."""
    yield auth_token(texting)
    for sealed, _ in _in_grace(texting):
        with suppress(SealBroken):
            yield sealer().open(sealed)


def replace_auth_token(texting: Texting, token: str, *, is_rotated: bool) -> None:
    """`is_rotated`: of the same account, so the one before may sign for a while."""
    before = [(texting.auth_token_sealed, now() + GRACE), *_in_grace(texting)] if is_rotated else []
    texting.earlier_tokens = [[sealed, until.isoformat()] for sealed, until in before]
    texting.auth_token_sealed = sealer().seal(token)


def grace_until(texting: Texting) -> datetime | None:
    """Until when calls signed by an earlier token are taken; None when there is none."""
    return max((until for _, until in _in_grace(texting)), default=None)


def _in_grace(texting: Texting) -> list[tuple[str, datetime]]:
    found = [(sealed, datetime.fromisoformat(until)) for sealed, until in texting.earlier_tokens]
    return [(sealed, until) for sealed, until in found if until > now()]


def new_path_token() -> str:
    return secrets.token_urlsafe(24)
