"""What members do on the pages beyond opting out and in: take their own last word back within a minute, keep a number
opted out whose record contradicts its person, and start an audit."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import connection, transaction

from carillon.accounts.actions import audit
from carillon.accounts.models import Member, Role, Workspace
from carillon.connections.clients import connection_for
from carillon.consent import actions, ledger, queries, store, waking
from carillon.consent.actions import MayNot, Outcome
from carillon.consent.audit import NoOptOutField
from carillon.consent.decide import Kind, Refusal, State, Statement, opting_in
from carillon.consent.ledger import Source
from carillon.consent.models import (
    Cause,
    ConflictState,
    Consent,
    ConsentConflict,
    ConsentEvent,
    Evidence,
)
from carillon.lib.errors import CarillonError

UNDO_WITHIN = timedelta(minutes=1)
_OPTED_OUT = (Kind.STAFF_OUT, Kind.PERSON_OUT)
_UNDONE = "Undone within a minute: entered by mistake"
_OPTED_IN = (Kind.STAFF_IN, Kind.LIFTED)


@dataclass(frozen=True, slots=True)
class Undoable:
    """A member's own last word about a number, which may be taken back until `until`."""

    version: int
    is_opt_out: bool
    until: datetime


class TooLate(CarillonError):
    def __init__(self) -> None:
        super().__init__(
            "This can't be undone any more: the minute is over, or something else was said of the number since.",
            "See below how the number stands now, and change it from there.",
        )


class AuditUnderWay(CarillonError):
    def __init__(self) -> None:
        super().__init__(
            "An audit is under way already.", "Wait until it is done; this page shows what it finds."
        )


def undoable(consent: Consent, by: Member, at: datetime) -> Undoable | None:
    """Whether the number's last line is the member's own, not a minute old, and taking it back is theirs to do and
    brings back what was before."""
    line = _last_line(consent)
    if line is None or line.member_id != by.pk or line.learnt_at + UNDO_WITHIN <= at:
        return None
    if Evidence.objects.filter(pk=line.pk, reason=_UNDONE).exists():
        return None
    before, kind = _state_before(line), Kind(line.kind)
    until = line.learnt_at + UNDO_WITHIN
    if kind in _OPTED_IN and before.is_opted_out:
        return Undoable(line.version, is_opt_out=False, until=until)
    if kind not in _OPTED_OUT or line.cause not in (Cause.MEMBER, Cause.REQUEST) or before.is_opted_out:
        return None
    lifts = opting_in(_after(before, line), is_admin=by.is_admin, reason=_UNDONE)
    # Lifting a person's word would also lift the suppression that was there before.
    if isinstance(lifts, Refusal) or (lifts is Kind.LIFTED and before.is_suppressed):
        return None
    return Undoable(line.version, is_opt_out=True, until=until)


@transaction.atomic
def undo(*, workspace: Workspace, number: str, version: int, by: Member) -> Outcome:
    """Takes the member's own word back, the line `version` of the number. Raises TooLate, MayNot."""
    if by.role == Role.AUDITOR:
        raise MayNot(Refusal.NEEDS_STAFF)
    with connection.cursor() as cursor:
        ledger.enter(cursor, workspace.pk, [number])
        at = store.database_time(cursor)
    consent = Consent.objects.filter(workspace=workspace, number=number).first()
    found = undoable(consent, by, at) if consent else None
    if consent and _is_undone(consent, version, by):
        # Asked twice, by a double click.
        state = queries.state_of(consent)
        return Outcome(state.status, state.is_suppressed, 0, None, was_known=True)
    if consent is None or found is None or found.version != version:
        raise TooLate
    if found.is_opt_out:
        return actions.opt_in(workspace=workspace, number=number, by=by, reason=_UNDONE)
    line = _last_line(consent)
    if line is None or line.kind != Kind.LIFTED:
        return actions.opt_out(workspace=workspace, number=number, by=by, reason=_UNDONE)
    # The person's own STOP stands again, with the person's authority.
    source = Source(reason=_UNDONE, member_id=by.pk)
    outcome = actions.record(
        workspace=workspace, number=number, kind=Kind.PERSON_OUT, cause=Cause.MEMBER, source=source
    )
    audit(workspace, by, "opt-in undone", "consent", {"event": outcome.event})
    return outcome


@transaction.atomic
def keep_conflict(*, conflict: ConsentConflict, by: Member) -> bool:
    """Takes the conflict off the list, with earlier ones of the number. Nothing else changes: Salesforce is corrected in any case. Returns whether the
    number is opted out, which it need not be any more. Raises MayNot, also when somebody decided before."""
    if by.role == Role.AUDITOR:
        raise MayNot(Refusal.NEEDS_STAFF)
    consent = actions.lock_open(conflict)
    actions.close_conflicts(conflict, ConflictState.KEPT)
    workspace = Workspace.objects.get(pk=conflict.workspace_id)
    audit(workspace, by, "conflict kept opted out", "consent", {"event": conflict.pk})
    return bool(consent.is_opted_out)


@transaction.atomic
def start_audit(*, workspace: Workspace, by: Member) -> None:
    """Has a worker compare the workspace with its org now, and repair what differs, as each night. Raises CarillonError
    where one is under way, or nothing could be compared."""
    if not store.fields_of(workspace.pk):
        raise NoOptOutField
    connection_for(workspace.pk)
    if waking.audit_under_way(workspace.pk):
        raise AuditUnderWay
    audit(workspace, by, "audit of consent started", "consent", {})
    waking.audit_after_commit(workspace.pk, asked=True)


def _is_undone(consent: Consent, version: int, by: Member) -> bool:
    """Whether the number's last line takes the member's line `version` back."""
    line = _last_line(consent)
    if line is None or line.version != version + 1 or line.member_id != by.pk:
        return False
    return Evidence.objects.filter(pk=line.pk, reason=_UNDONE).exists()


def _last_line(consent: Consent) -> ConsentEvent | None:
    return (
        ConsentEvent.objects.filter(workspace=consent.workspace_id, consent=consent)
        .order_by("-version")
        .first()
    )


def _state_before(line: ConsentEvent) -> State:
    """What the number was before this line: the lines replayed."""
    earlier = ConsentEvent.objects.filter(
        workspace=line.workspace_id, consent=line.consent_id, version__lt=line.version
    )
    latest: dict[str, datetime] = {}
    for kind, counts_at in earlier.values_list("kind", "counts_at").iterator():
        latest[kind] = max(counts_at, latest.get(kind, counts_at))
    return replace(State(), **latest)


def _after(state: State, line: ConsentEvent) -> State:
    return state.after(Statement(Kind(line.kind), line.counts_at))
