"""People as no app below sees them whole: what consent says of them, and how they are erased from everything."""

from django.db import transaction

from carillon.accounts.models import Member, Workspace
from carillon.consent.decide import Authority, Says
from carillon.consent.models import Cause, Kind
from carillon.consent.queries import standings, timeline
from carillon.contacts.models import Contact
from carillon.contacts.remembered import KeyLost
from carillon.imports import erasing as imports
from carillon.messaging import erasing as messaging

_ERASED = "Somebody with this number was erased here, and the number stays out of texting whoever has it."
_STOPPED = "The person opted out by text."
_LIKELY = "A text from this number was likely an opt-out. Until somebody decides, nothing is sent."
_BY_PERSON = {
    Cause.ERASED.value: _ERASED,
    Cause.CARRIER.value: "The person opted out with the carrier, which blocks texts to them.",
    Cause.REQUEST.value: "The person asked for it, by other means than a text.",
}
_BY_AUTHORITY = {
    Authority.STAFF: "Staff opted this number out, here or in Salesforce.",
    Authority.SILENCE: "Nobody opted this number in.",
}


def why_not_texted(contact: Contact) -> str:
    """A sentence when consent says that the contact's number is not to be texted, else empty."""
    number = contact.mobile_number
    try:
        standing = standings(contact.workspace, [number])[number] if number else None
    except KeyLost:
        return ""
    if standing is None or standing.may_be_texted:
        return ""
    if standing.status is Says.IN:
        return _LIKELY
    if standing.authority is Authority.PERSON:
        line = timeline(contact.workspace, number).filter(kind=Kind.PERSON_OUT).first()
        return _BY_PERSON.get(line.cause, _STOPPED) if line else _ERASED
    return _BY_AUTHORITY[standing.authority]


@transaction.atomic
def erase(*, workspace: Workspace, salesforce_id: str, by: Member | None) -> None:
    """What imports and consent know, and the texts. Raises NobodyToErase, KeyLost; then nothing was erased."""
    found = imports.erasable(workspace, salesforce_id)
    imports.erase(workspace=workspace, salesforce_id=salesforce_id, by=by)
    number = found.contact.mobile_number if found.contact else ""
    messaging.forget(workspace, number)
