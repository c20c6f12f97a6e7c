"""Consent in words: how a number stands, and what each line of the ledger says."""

from collections.abc import Sequence

from carillon.accounts.models import Workspace
from carillon.consent.decide import Kind, Says
from carillon.consent.models import Cause, ConsentEvent
from carillon.consent.queries import Standing, standings
from carillon.contacts.models import Contact
from carillon.contacts.remembered import KeyLost

OPTED_IN, OPTED_OUT, SUPPRESSED, UNKNOWN, NO_NUMBER = "opted_in", "opted_out", "suppressed", "unknown", ""

_BY_CAUSE = {
    (Kind.PERSON_OUT, Cause.TEXT): "The person opted out by a text",
    (Kind.PERSON_OUT, Cause.CARRIER): "The carrier blocks texts to this number, as the person asked",
    (Kind.PERSON_OUT, Cause.REQUEST): "The person asked not to be texted",
    (Kind.PERSON_OUT, Cause.REVIEW): "A text that looked like an opt-out counts as one",
    (Kind.PERSON_OUT, Cause.ERASED): "Somebody with this number was erased here",
    (Kind.PERSON_OUT, Cause.MEMBER): "The person's opt-out stands again",
    (Kind.PERSON_IN, Cause.TEXT): "The person opted in by a text",
    (Kind.LIFTED, Cause.MEMBER): "An admin lifted the person's opt-out",
    (Kind.STAFF_OUT, Cause.MEMBER): "A member opted the number out",
    (Kind.STAFF_OUT, Cause.RECORD): "The Salesforce record was changed to opted out",
    (Kind.STAFF_OUT, Cause.FIRST_SIGHT): "The Salesforce record said opted out when it was first read",
    (Kind.STAFF_OUT, Cause.NUMBER_CHANGED): "Somebody came to this number from one that was opted out",
    (Kind.STAFF_OUT, Cause.MERGED): "A record of an opted-out number was merged into one with this number",
    (Kind.STAFF_IN, Cause.MEMBER): "A member opted the number back in",
    (Kind.STAFF_IN, Cause.RECORD): "The Salesforce record was changed to opted in",
    (Kind.SILENCE_OUT, Cause.FIRST_SIGHT): "The Salesforce record holds no consent",
    (Kind.SILENCE_OUT, Cause.RECORD): "The Salesforce record holds no consent",
    (Kind.SILENCE_IN, Cause.FIRST_SIGHT): "The Salesforce record, read anew, means opted in",
    (Kind.SILENCE_IN, Cause.RECORD): "The Salesforce record, read anew, means opted in",
    (Kind.LIKELY, Cause.TEXT): "A text looked like an opt-out",
    (Kind.LIKELY, Cause.NUMBER_CHANGED): "Somebody came from a number with a likely opt-out",
    (Kind.LIKELY, Cause.MERGED): "A record of a number with a likely opt-out was merged",
    (Kind.CLEARED, Cause.REVIEW): "A text that looked like an opt-out was found to be none",
}


def what(event: ConsentEvent) -> str:
    """One line of the ledger, as a sentence without a full stop."""
    kind, cause = Kind(event.kind), Cause(event.cause)
    return _BY_CAUSE.get((kind, cause)) or f"{event.get_kind_display()}: {event.get_cause_display()}"


def words_of(workspace: Workspace, contacts: Sequence[Contact]) -> list[str]:
    """One word for each of the contacts. Unknown: the key that recognises erased people is lost, so nobody may be
    texted."""
    numbers = [contact.mobile_number for contact in contacts if contact.mobile_number]
    try:
        known = standings(workspace, numbers)
    except KeyLost:
        return [UNKNOWN if contact.mobile_number else NO_NUMBER for contact in contacts]
    return [_word(known.get(contact.mobile_number)) for contact in contacts]


def _word(standing: Standing | None) -> str:
    if standing is None:
        return NO_NUMBER
    if standing.status is Says.OUT:
        return OPTED_OUT
    return SUPPRESSED if standing.is_suppressed else OPTED_IN
