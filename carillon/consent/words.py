"""Consent in words, the same on pages, in files and on the command line: how a number stands, what each line of the ledger
says, and who said it. What becomes of a push is said by the labels of PushState."""

from collections.abc import Sequence
from datetime import tzinfo

from django.db.models import TextChoices

from carillon.accounts.models import Workspace
from carillon.consent import person
from carillon.consent.decide import Says
from carillon.consent.models import Cause, ConsentEvent, Evidence, Kind
from carillon.consent.queries import Standing, standings
from carillon.contacts.models import Contact
from carillon.contacts.remembered import KeyLost


class Word(TextChoices):
    """How a number stands. Unknown: the key that recognises erased people is lost, so nobody may be texted."""

    OPTED_IN = "opted_in", "Opted in"
    OPTED_OUT = "opted_out", "Opted out"
    SUPPRESSED = "suppressed", "May not be texted: likely an opt-out"
    UNKNOWN = "unknown", "Not known: a key is missing"
    NO_NUMBER = "", "No valid number"


_SENTENCES: dict[tuple[str, str], str] = {
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
    (Kind.STAFF_OUT, Cause.FIRST_SIGHT): "When first read as mapped, the Salesforce record said opted out",
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


def sentence(kind: str, cause: str) -> str:
    """What a line of the ledger says, without a full stop."""
    return _SENTENCES.get((kind, cause)) or f"{Kind(kind).label}: {Cause(cause).label}"


def status_then(kind: str, status: str) -> Word:
    """How the number stood after a line: one that was opted in waits for a decision since a likely opt-out."""
    is_likely = kind == Kind.LIKELY and status == Word.OPTED_IN
    return Word.SUPPRESSED if is_likely else Word(status)


def why_still_in(workspace: Workspace, number: str, zone: tzinfo) -> str:
    """Of a number that a person's earlier request left opted in: what was said later, without a full stop."""
    consent = person.consent_of(workspace, number)
    line = person.lifting_line(consent) if consent else None
    if line is None:
        return "Something else was said later"
    return f"{sentence(line.kind, line.cause)} later, on {line.counts_at.astimezone(zone):%b %-d, %Y}"


def by_whom(event: ConsentEvent) -> str:
    """A member's e-mail, a record's id, or a word."""
    if event.member:
        return event.member.email
    if event.cause in (Cause.TEXT, Cause.CARRIER):
        return "The person"
    found = evidence(event)
    if found and found.salesforce_id:
        return found.salesforce_id
    if event.cause in (Cause.MEMBER, Cause.REQUEST):
        return "The command line"
    return "Nobody, when ten business days were over" if event.cause == Cause.REVIEW else "Nobody"


def evidence(event: ConsentEvent | None) -> Evidence | None:
    """None also when it was erased."""
    try:
        return event.evidence if event else None
    except Evidence.DoesNotExist:
        return None


def words_of(workspace: Workspace, contacts: Sequence[Contact]) -> list[Word]:
    """One word for each of the contacts."""
    known = of_numbers(workspace, [contact.mobile_number for contact in contacts if contact.mobile_number])
    return [known.get(contact.mobile_number, Word.NO_NUMBER) for contact in contacts]


def of_numbers(workspace: Workspace, numbers: Sequence[str]) -> dict[str, Word]:
    try:
        known = standings(workspace, numbers)
    except KeyLost:
        return dict.fromkeys(numbers, Word.UNKNOWN)
    return {number: _word(standing) for number, standing in known.items()}


def for_programs(contacts: Sequence[Contact]) -> list[str]:
    """As `words_of`, of contacts of one workspace, for those who only ask whom to text: while a likely opt-out is
    undecided it is opted_out."""
    found = words_of(contacts[0].workspace, contacts) if contacts else []
    return [(Word.OPTED_OUT if word is Word.SUPPRESSED else word).value for word in found]


def _word(standing: Standing) -> Word:
    if standing.status is Says.OUT:
        return Word.OPTED_OUT
    return Word.SUPPRESSED if standing.is_suppressed else Word.OPTED_IN
