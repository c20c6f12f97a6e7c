"""What people and carriers say about texting, recorded: each call is one transaction, or part of the caller's. Imports
say theirs through `importing`, the worker that writes to Salesforce through `pushes`."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace

from django.db import connection, transaction

from carillon.accounts.actions import audit
from carillon.accounts.models import Member, Role, Workspace
from carillon.consent import ledger, store
from carillon.consent.decide import BEFORE_EVERYTHING, NOW, Kind, Refusal, Says, State, When, opting_in
from carillon.consent.keywords import Meaning
from carillon.consent.ledger import Move, Settled, Source, Told
from carillon.consent.models import (
    UNSENT,
    Cause,
    ConflictState,
    Consent,
    ConsentConflict,
    ConsentEvent,
    ConsentPush,
    OptOutMapping,
    PushState,
    RecordValue,
    Review,
)
from carillon.consent.queries import FIELD_CHANGED
from carillon.consent.reading import FieldKind
from carillon.consent.reading import OptOutField as OptOutField
from carillon.consent.store import HeldRow, LockedNumber
from carillon.contacts.models import Contact
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError


@dataclass(frozen=True, slots=True)
class Outcome:
    """`event` is the line that was written; None when nothing was. `is_news`: it changed the status, or it is
    the person's own first opt-out of a number that was opted out. `was_known`: the same key was recorded before, and nothing
    was changed now."""

    status: Says
    is_suppressed: bool
    pushes: int
    event: int | None
    was_known: bool = False
    is_news: bool = False


class MayNot(CarillonError):
    """Who asks may not change this consent, or not like this."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(*_REFUSALS[refusal])
        self.refusal = refusal


_REFUSALS = {
    Refusal.NOT_OPTED_OUT: ("This number is not opted out, so there is nothing to lift.", ""),
    Refusal.NEEDS_STAFF: ("Auditors read everything and change nothing.", "Ask a texter or an admin."),
    Refusal.NEEDS_ADMIN: (
        "Texters opt in only those whom staff opted out, and this number was opted out by the person, or never"
        " opted in by anybody.",
        "The person can text START; or an admin opts them in, with a written reason.",
    ),
    Refusal.NEEDS_REASON: (
        "The person opted out themselves. Only a written reason lifts that.",
        "Write down when and how the person asked to be texted again.",
    ),
    Refusal.REVIEWED: (
        "This was decided meanwhile, or the person texted a word that decides it. Nothing was changed now.",
        "See on the person's page how the number stands.",
    ),
    Refusal.WROTE_AGAIN: (
        "The person wrote again since you opened this page. Nothing was changed.",
        "Read what they wrote, then decide.",
    ),
    Refusal.KEPT: (
        "Somebody decided meanwhile that this number stays opted out. Nothing was changed now.",
        "To opt it in all the same, open the person's page.",
    ),
    Refusal.ACCEPTED: (
        "An admin accepted meanwhile what the record says, and the number was opted in. Nothing was changed now.",
        "To opt it out, open the person's page.",
    ),
    Refusal.OVERTAKEN: (
        "After the record was changed, the number was opted out again, or a text asked for that. So the record's word is"
        " no longer the last one, and nothing was changed.",
        "Keep the number opted out; or read on the person's page what was said since, and opt them in there.",
    ),
}
_BY_MEANING = {
    Meaning.STOP: Kind.PERSON_OUT,
    Meaning.START: Kind.PERSON_IN,
    Meaning.LIKELY_STOP: Kind.LIKELY,
}
# In the person's name: nobody texted them that it is done.
_ENTERED_BY_STAFF = (Cause.REQUEST, Cause.REVIEW)
_OPENING = (Kind.PERSON_IN, Kind.LIFTED, Kind.STAFF_IN)


def record(
    *,
    workspace: Workspace,
    number: str,
    kind: Kind,
    cause: Cause,
    when: When = NOW,
    source: Source | None = None,
) -> Outcome:
    """Records one thing that was said of a number (E.164), in one transaction. Raises KeyLost when a loosening can't be
    checked against erased people."""
    return _record(
        workspace, number, lambda state: Told(number, kind, cause, when, source=source or Source())
    )


def text_received(
    *, workspace: Workspace, number: str, words: str, meaning: Meaning, message_id: str
) -> Outcome:
    """What a text from the number says, once for each message id, however often the carrier delivers it. HELP and
    other texts change nothing."""
    kind = _BY_MEANING.get(meaning)
    if kind is None:
        return _standing(workspace, number)
    source = Source(words=words, key=message_id)
    return record(workspace=workspace, number=number, kind=kind, cause=Cause.TEXT, source=source)


def carrier_blocks(*, workspace: Workspace, number: str, key: str = "") -> Outcome:
    """The carrier refused a text because the person opted out there (Twilio's error 21610)."""
    return record(
        workspace=workspace, number=number, kind=Kind.PERSON_OUT, cause=Cause.CARRIER, source=Source(key=key)
    )


def opt_out(
    *, workspace: Workspace, number: str, by: Member | None, reason: str = "", requested: When | None = None
) -> Outcome:
    """A member (None is the command line) opts a number out. With `requested` it is the person's own request by
    e-mail, phone or in person, of that time, and has the person's authority. Raises MayNot."""
    _must_be_staff(by)
    kind, cause = (Kind.PERSON_OUT, Cause.REQUEST) if requested else (Kind.STAFF_OUT, Cause.MEMBER)
    source = Source(reason=reason.strip(), member_id=by.pk if by else None)

    def told(state: State) -> Told:
        return Told(number, kind, cause, requested or NOW, source=source)

    return _record(workspace, number, told, by=by, audited=f"opted out ({cause.label})")


def opt_in(*, workspace: Workspace, number: str, by: Member | None, reason: str = "") -> Outcome:
    """A member (None is the command line, an admin) opts a number back in: texters what staff opted out, admins with a
    written reason also a person's STOP. Raises MayNot, KeyLost."""
    _must_be_staff(by)
    source = Source(reason=reason.strip(), member_id=by.pk if by else None)

    def told(state: State) -> Told:
        kind = opting_in(state, is_admin=by is None or by.is_admin, reason=reason)
        if isinstance(kind, Refusal):
            raise MayNot(kind)
        return Told(number, kind, Cause.MEMBER, NOW, source=source)

    return _record(workspace, number, told, by=by, audited="opted in")


@transaction.atomic
def close_review(
    *, review: Review, is_opt_out: bool, by: Member | None, reason: str = "", seen: int | None = None
) -> Outcome:
    """A likely opt-out is one, or is none; `by` None and `is_opt_out` is how it ends by itself. `seen` is the version of
    the line that was read before. Raises MayNot."""
    _must_be_staff(by)
    number = Consent.objects.values_list("number", flat=True).get(pk=review.consent_id)
    source = Source(reason=reason.strip(), member_id=by.pk if by else None)

    def told(state: State) -> Told | None:
        is_open = Review.objects.filter(pk=review.pk, closed_at=None).exists()
        if by and not is_open:
            raise MayNot(Refusal.REVIEWED)
        if seen is not None and _was_said_after(seen, review, Kind.LIKELY):
            raise MayNot(Refusal.WROTE_AGAIN)
        if not is_open or state.likely is None:
            return None
        # It counts from the moment of the text, so that a START since then stands.
        kind, when = (Kind.PERSON_OUT, When.at(state.likely)) if is_opt_out else (Kind.CLEARED, NOW)
        return Told(number, kind, Cause.REVIEW, when, source=source)

    workspace = Workspace.objects.get(pk=review.workspace_id)
    what = "a likely opt-out confirmed" if is_opt_out else "a likely opt-out cleared"
    outcome = _record(workspace, number, told, by=by, audited=what if by else "")
    if not is_opt_out:
        # Nor does it go along with who left the number since and has none yet.
        likely = ConsentEvent.objects.filter(workspace=workspace, consent=review.consent_id, kind=Kind.LIKELY)
        left = RecordValue.objects.filter(workspace=workspace, left_likely__in=likely.values("counts_at"))
        left.update(left_likely=None)
    return outcome


@transaction.atomic
def accept_conflict(*, conflict: ConsentConflict, by: Member | None, reason: str) -> Outcome:
    """An admin takes the record's word against the person's STOP. Raises MayNot, also when somebody decided before, or
    the number was opted out again since the record spoke."""
    consent = lock_open(conflict)
    workspace = Workspace.objects.get(pk=conflict.workspace_id)
    spoke = ConsentEvent.objects.values_list("version", flat=True).get(pk=conflict.pk)
    if _was_said_after(spoke, conflict, Kind.PERSON_OUT, Kind.STAFF_OUT, Kind.LIKELY):
        raise MayNot(Refusal.OVERTAKEN)
    outcome = opt_in(workspace=workspace, number=consent.number, by=by, reason=reason)
    close_conflicts(conflict, ConflictState.ACCEPTED)
    return outcome


_DECIDED = {ConflictState.KEPT: Refusal.KEPT, ConflictState.ACCEPTED: Refusal.ACCEPTED}


def lock_open(conflict: ConsentConflict) -> Consent:
    """Locks the number of a conflict that waits to be decided, until the end of the transaction. Raises MayNot when it
    was decided."""
    consent = Consent.objects.select_for_update().get(pk=conflict.consent_id)
    state = ConsentConflict.objects.values_list("state", flat=True).get(pk=conflict.pk)
    if decided := _DECIDED.get(ConflictState(state)):
        raise MayNot(decided)
    return consent


def close_conflicts(upto: ConsentConflict, state: ConflictState) -> None:
    """This one and what was found of its number before: the decision is about the number."""
    conflicts = ConsentConflict.objects.filter(workspace=upto.workspace_id, consent=upto.consent_id)
    conflicts.filter(pk__lte=upto.pk, state=ConflictState.CORRECTED).update(state=state)


def _was_said_after(version: int, of: Review | ConsentConflict, *kinds: Kind) -> bool:
    lines = ConsentEvent.objects.filter(workspace=of.workspace_id, consent=of.consent_id)
    return lines.filter(version__gt=version, kind__in=[kind.value for kind in kinds]).exists()


@transaction.atomic
def number_changed(*, workspace: Workspace, salesforce_id: str, before: str, after: str) -> Outcome:
    """A stored contact has another number now (E.164, or empty). Opted-out travels: who leaves an opted-out number opts
    the new one out, too. Call it in the transaction that wrote the contact. Imports need not: `importing` does it."""
    return _arrive(workspace, salesforce_id, before, after, Cause.NUMBER_CHANGED)


def lock(*, workspace: Workspace, numbers: Iterable[str]) -> None:
    """Until the end of the transaction. Call it first in one that joins several records: who locks numbers one after the
    other can wait for somebody who waits for them."""
    with connection.cursor() as cursor:
        ledger.enter(cursor, workspace.pk, numbers)


@transaction.atomic
def join(*, workspace: Workspace, loser: str, loser_number: str, master: str, master_number: str) -> Outcome:
    """Record `loser` was merged into `master`, or converted to it. Two consents that meet tighten. The master's value may
    be the loser's now: an opted-out number is pushed to it again, and until it acknowledges a push it opts nobody in."""
    outcome = _arrive(workspace, master, loser_number, master_number, Cause.MERGED, loser=loser)
    if not Contact.objects.filter(workspace=workspace, salesforce_id=loser).exists():
        # The import that finds the record gone still needs to tell what is news of it.
        RecordValue.objects.filter(workspace=workspace, salesforce_id=loser).delete()
    gone = ConsentPush.objects.filter(workspace=workspace, salesforce_id=loser, state__in=UNSENT)
    gone.update(state=PushState.SUPERSEDED, settled_at=now())
    return outcome


def _arrive(
    workspace: Workspace, record: str, before: str, after: str, cause: Cause, *, loser: str = ""
) -> Outcome:
    """A record whose person had the number `before` has `after`; `loser` is the record that merged into it."""
    mappings = store.mappings_of(workspace.pk)
    mapping = mappings.get("Lead" if record.startswith("00Q") else "Contact")
    with connection.cursor() as cursor:
        numbers = [number for number in (before, after) if number]
        room = ledger.enter(cursor, workspace.pk, numbers, making=[after] if after else [])
        values, waiting = store.held(cursor, workspace.pk, [loser or record, record], lock=True)
        move = Move(record, before, after, cause)
        told = move.told(room.numbers, values.get(loser or record))
        held = values.get(record) or HeldRow.never_read(record, mapping)
        if loser:
            held = held._replace(says=Says.BLANK.value, is_merged=True)
        elif after != before and waiting.get(record, held.says) == Says.OUT and mapping:
            # Stricter than the number it joins.
            told.append(Told(after, Kind.STAFF_OUT, Cause.FIRST_SIGHT, weak=True, source=Source(record)))
        held = move.leaving(room.numbers, values.get(loser or record), held)
        if loser or record in values or held.left_opted_out or held.left_likely:
            room.holdings[record] = held
        # What the master of a merge holds is not known until it is read: an opt-in might be written over an opt-out.
        room.fresh = frozenset() if loser else frozenset({record})
        settled = room.settle([one for one in told if one.number])
    if after not in settled:
        return _standing(workspace, after)
    return _outcome(settled[after])


_NO_FIELD = OptOutField()


@transaction.atomic
def set_mapping(
    *, workspace: Workspace, object_name: str, field: OptOutField | None, by: Member | None
) -> OptOutMapping | None:
    """Maps the opt-out field of Contacts or Leads, or none. A change is first sight of every record: the next import
    reads all of them under the new mapping. Pushes that wait are left alone, since whoever texts at the moment has them
    locked, and makes new ones: those of an object without a field are soon withdrawn. Raises CarillonError."""
    after = field or _NO_FIELD
    if field and field.kind is FieldKind.PICKLIST and _values_are_unusable(field):
        raise CarillonError(
            "The opted-in value and the opted-out value must both be given, and differ.",
            "Choose two values of the picklist.",
        )
    known = OptOutMapping.objects.select_for_update().filter(workspace=workspace, object=object_name).first()
    before = OptOutField(**{name: getattr(known, name) for name in asdict(_NO_FIELD)}) if known else _NO_FIELD
    before = replace(before, kind=FieldKind(before.kind))
    if before == after:
        return known if field else None
    mapping = known or OptOutMapping(workspace=workspace, object=object_name, version=0)
    for name, value in asdict(after).items():
        setattr(mapping, name, value)
    mapping.version += 1
    with connection.cursor() as cursor:
        mapping.since = store.database_time(cursor)
    mapping.save()
    detail = {"before": asdict(before), "after": asdict(after)}
    audit(workspace, by, FIELD_CHANGED, object_name, detail)
    return mapping if field else None


def _values_are_unusable(field: OptOutField) -> bool:
    values = (field.opted_in_value, field.opted_out_value)
    return "" in values or values[0] == values[1]


def _must_be_staff(by: Member | None) -> None:
    if by is not None and by.role == Role.AUDITOR:
        raise MayNot(Refusal.NEEDS_STAFF)


def _record(
    workspace: Workspace,
    number: str,
    tell: Callable[[State], Told | None],
    *,
    by: Member | None = None,
    audited: str = "",
) -> Outcome:
    with transaction.atomic(), connection.cursor() as cursor:
        room = ledger.enter(cursor, workspace.pk, [], making=[number])
        if room.has_erased():
            # That comes first: what may be told depends on it.
            room.settle([])
            room = ledger.enter(cursor, workspace.pk, [number])
        told = tell(room.numbers[number].state)
        if told is None:
            return _of_state(room.numbers[number].state)
        if told.source.key_hash and _is_known(workspace, told.source.key_hash):
            return replace(_of_state(room.numbers[number].state), was_known=True)
        locked = room.numbers[number]
        before, is_own = locked.state.status, _is_first_own_opt_out(workspace, locked, told)
        if told.kind in _OPENING:
            # What a record not read under its mapping yet holds is not known: the next import might take it for news.
            room.unread = None
        outcome = _outcome(room.settle([told])[number])
        outcome = replace(outcome, is_news=is_own or outcome.status is not before)
        if audited:
            audit(workspace, by, audited, "consent", {"event": outcome.event})
        return outcome


def _is_first_own_opt_out(workspace: Workspace, number: LockedNumber, told: Told) -> bool:
    """Whether a text opts out somebody whose number staff, a record or silence opted out, but not the person."""
    state = number.state
    if told.cause != Cause.TEXT or told.kind is not Kind.PERSON_OUT:
        return False
    if not state.is_stopped_by_person:
        return True
    lines = ConsentEvent.objects.filter(workspace=workspace, consent=number.id, kind=Kind.PERSON_OUT)
    since = max((at for at in (state.person_in, state.lifted) if at), default=BEFORE_EVERYTHING)
    return not lines.filter(counts_at__gte=since).exclude(cause__in=_ENTERED_BY_STAFF).exists()


def _is_known(workspace: Workspace, key_hash: bytes) -> bool:
    return ConsentEvent.objects.filter(workspace=workspace, key_hash=key_hash).exists()


def _standing(workspace: Workspace, number: str) -> Outcome:
    found = Consent.objects.filter(workspace=workspace, number=number).first()
    if found is None:
        return _of_state(State())
    return Outcome(Says.OUT if found.is_opted_out else Says.IN, found.is_suppressed, 0, None)


def _of_state(state: State) -> Outcome:
    return Outcome(state.status, state.is_suppressed, 0, None)


def _outcome(settled: Settled) -> Outcome:
    decision = settled.decision
    return Outcome(decision.state.status, decision.state.is_suppressed, len(decision.pushes), settled.event)
