"""What every page says is wrong now: with texts, pushes and imports."""

from datetime import datetime

from carillon.accounts import mailing
from carillon.accounts.models import Workspace
from carillon.imports import notices as imports
from carillon.imports.notices import Notice
from carillon.messaging import alerts as texting


def notices(workspace: Workspace, now: datetime) -> list[Notice]:
    """Each stays until it is over."""
    refused = texting.open_alert(workspace)
    shown = imports.notices(workspace, now)
    if refused is None:
        return shown
    mail = mailing.mail_trouble(refused)
    of_texting = Notice(
        texting.TITLE,
        refused.sentence,
        refused.remedy,
        refused.since,
        mail=mail,
        page="texting",
        seen="refusals_seen",
    )
    return [of_texting, *shown]
