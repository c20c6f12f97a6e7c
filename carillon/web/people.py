"""People as no app below sees them whole: what consent says of them, and how they are erased from everything."""

from collections.abc import Sequence

from django.db import transaction

from carillon.accounts.models import Member, Workspace
from carillon.consent import erasing as consent
from carillon.consent.decide import Authority, Says
from carillon.consent.models import Cause, Kind
from carillon.consent.queries import Standing, standings, timeline
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


def consent_words(contacts: Sequence[Contact]) -> list[str]:
    """Consent belongs to a mobile number: without a valid one there is none, and the word is empty. A likely opt-out
    that nobody decided about counts as opted out. Unknown: the key that tells whether somebody with the number was erased is
    lost, so nobody may be texted. The contacts are of one workspace."""
    numbers = [contact.mobile_number for contact in contacts]
    try:
        known = standings(contacts[0].workspace, [one for one in numbers if one]) if contacts else {}
    except KeyLost:
        return ["unknown" if number else "" for number in numbers]
    return [_word(known[number]) if number else "" for number in numbers]


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


def _word(standing: Standing) -> str:
    return "opted_in" if standing.may_be_texted else "opted_out"


@transaction.atomic
def erase(*, workspace: Workspace, salesforce_id: str, by: Member | None) -> None:
    """What imports know, what consent rests on, and the texts. Raises NobodyToErase, KeyLost; then nothing was erased."""
    found = imports.erasable(workspace, salesforce_id)
    imports.erase(workspace=workspace, salesforce_id=salesforce_id, by=by)
    number = found.contact.mobile_number if found.contact else ""
    consent.forget(workspace=workspace, salesforce_id=found.salesforce_id, number=number)
    messaging.forget(workspace, number)
