"""The only place that opens the sealed auth token."""

import secrets

from django.conf import settings

from carillon.lib.sealing import Sealer
from carillon.messaging.models import Texting


def sealer() -> Sealer:
    return Sealer(settings.MASTER_SECRET)


def auth_token(texting: Texting) -> str:
    """Raises SealBroken."""
    return sealer().open(texting.auth_token_sealed)


def new_path_token() -> str:
    return secrets.token_urlsafe(24)
