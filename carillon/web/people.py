"""People as no app below sees them whole: what consent says of them, and how they are erased from everything."""

from django.db import transaction

from carillon.accounts.models import Member, Workspace
from carillon.imports import erasing as imports
from carillon.messaging import erasing as messaging


@transaction.atomic
def erase(*, workspace: Workspace, salesforce_id: str, by: Member | None) -> None:
    """What imports and consent know, and the texts. Raises NobodyToErase, KeyLost; then nothing was erased."""
    found = imports.erasable(workspace, salesforce_id)
    imports.erase(workspace=workspace, salesforce_id=salesforce_id, by=by)
    number = found.contact.mobile_number if found.contact else ""
    messaging.forget(workspace, number)
