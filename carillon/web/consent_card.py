"""Consent on a contact's page: how the number stands and why, what the member may do about it, and its lines."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from carillon.accounts.models import Member, Role
from carillon.consent import actions, person, queries, staff
from carillon.consent.decide import Authority, Refusal, State, opting_in
from carillon.consent.models import Cause, Consent, ConsentConflict, ConsentEvent, Review
from carillon.consent.person import Line
from carillon.consent.words import Word
from carillon.contacts.models import Contact
from carillon.contacts.queries import number_changes
from carillon.contacts.remembered import KeyLost, suppressed_since
from carillon.web import keyset
from carillon.web.consent_people import runs_to_show

LINES = 10
CHANGES_LOOKED_AT, FORMER_SHOWN = 20, 3
_ORDER = ("-version",)
# What a texter would be told who may do all that texters may.
_ANY_REASON = "-"


@dataclass(frozen=True, slots=True)
class May:
    """What the member may do: opt out, enter a request of somebody who is opted out already, opt back in, or why not."""

    opt_out: bool = False
    enter_request: bool = False
    opt_in: bool = False
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Former:
    """A number that the person had until then, and how it stands now. `travelled`: its opt-out came along."""

    number: str
    until: datetime
    word: Word
    since: datetime | None
    travelled: bool


@dataclass(frozen=True, slots=True)
class Card:
    """`line` is what the status rests on. `runs` are the imports to be linked; `next` is the cursor of older lines.
    `former` are earlier numbers of whom something was said."""

    word: Word
    state: State
    may: May
    is_erased: bool = False
    consent: Consent | None = None
    line: ConsentEvent | None = None
    likely: ConsentEvent | None = None
    review: Review | None = None
    lines: tuple[Line, ...] = ()
    runs: frozenset[UUID] = frozenset()
    next: str = ""
    undo: staff.Undoable | None = None
    former: tuple[Former, ...] = ()
    conflict: ConsentConflict | None = None

    @property
    def since(self) -> datetime | None:
        """When it was said that the number stands as it does."""
        return self.state.likely if self.word is Word.SUPPRESSED else self.state.since


def card(contact: Contact, member: Member, older: str, at: datetime) -> Card:
    """At most a page of lines, however many there are."""
    return replace(_card(contact, member, older, at), former=_former(contact))


def _former(contact: Contact) -> tuple[Former, ...]:
    until: dict[str, datetime] = {}
    for change in number_changes(contact)[:CHANGES_LOOKED_AT]:
        if change.before and change.before != contact.mobile_number:
            until.setdefault(str(change.before), change.at)
    if not until:
        return ()
    known = Consent.objects.filter(workspace=contact.workspace_id, number__in=until)
    states = {consent.number: queries.state_of(consent) for consent in known}
    found = [
        Former(
            number,
            left,
            _word(states[number]),
            states[number].since,
            travelled=bool(states[number].is_opted_out and (states[number].since or left) <= left),
        )
        for number, left in until.items()
        if number in states
    ]
    return tuple(found[:FORMER_SHOWN])


def _card(contact: Contact, member: Member, older: str, at: datetime) -> Card:
    number, workspace = contact.mobile_number, member.workspace
    if not number:
        return Card(Word.NO_NUMBER, State(), May())
    consent = person.consent_of(workspace, number)
    if consent is None:
        try:
            erased = suppressed_since(workspace.pk, [number]).get(number)
        except KeyLost:
            return Card(Word.UNKNOWN, State(), May(opt_out=member.role != Role.AUDITOR))
        state = State(person_out=erased)
        return Card(_word(state), state, _may(state, member), is_erased=erased is not None)
    state = queries.state_of(consent)
    word = _word(state)
    page = keyset.page(queries.timeline(workspace, number), _ORDER, cursor=older, size=LINES)
    may_decide = state.is_opted_out and member.role != Role.AUDITOR
    line = None if word is Word.SUPPRESSED else person.deciding_line(consent, state)
    return Card(
        word,
        state,
        _may(state, member),
        is_erased=bool(state.is_opted_out and line and line.cause == Cause.ERASED),
        consent=consent,
        line=line,
        likely=person.likely_line(consent) if state.is_suppressed else None,
        review=person.open_review(consent) if state.is_suppressed else None,
        lines=tuple(person.with_pushes(consent, page.rows)),
        runs=runs_to_show(member, page.rows),
        next=page.next,
        undo=staff.undoable(consent, member, at),
        conflict=person.open_conflict(consent) if may_decide else None,
    )


def _word(state: State) -> Word:
    if state.is_opted_out:
        return Word.OPTED_OUT
    return Word.SUPPRESSED if state.is_suppressed else Word.OPTED_IN


def _may(state: State, member: Member) -> May:
    if member.role == Role.AUDITOR:
        return May(why_not=str(actions.MayNot(Refusal.NEEDS_STAFF)))
    if not state.is_opted_out:
        return May(opt_out=True)
    found = opting_in(state, is_admin=member.is_admin, reason=_ANY_REASON)
    by_person = state.authority is Authority.PERSON
    if isinstance(found, Refusal):
        return May(enter_request=not by_person, why_not=str(actions.MayNot(found)))
    return May(enter_request=not by_person, opt_in=True)
