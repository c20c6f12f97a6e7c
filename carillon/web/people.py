"""Erasing a person from everything: what imports know, what consent rests on, and the texts. One transaction, for the page and the command."""

from django.db import transaction

from carillon.accounts.models import Member, Workspace
from carillon.consent import erasing as consent
from carillon.imports import erasing as imports
from carillon.messaging import erasing as messaging


@transaction.atomic
def erase(*, workspace: Workspace, salesforce_id: str, by: Member | None) -> None:
    """Raises NobodyToErase, KeyLost; then nothing was erased."""
    found = imports.erasable(workspace, salesforce_id)
    imports.erase(workspace=workspace, salesforce_id=salesforce_id, by=by)
    number = found.contact.mobile_number if found.contact else ""
    consent.forget(workspace=workspace, salesforce_id=found.salesforce_id, number=number)
    messaging.forget(workspace, number)
