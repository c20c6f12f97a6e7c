"""One number's consent as a page shows it: what it rests on, and its lines with what they sent to Salesforce."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q

from carillon.accounts.models import Workspace
from carillon.consent.decide import Authority, Kind, State
from carillon.consent.models import (
    UNSENT,
    ConflictState,
    Consent,
    ConsentConflict,
    ConsentEvent,
    ConsentPush,
    Review,
)
from carillon.consent.queries import state_of

# A number of a household has a few records; a switchboard's may have hundreds.
MOST_PUSHES = 200

_OUT = {
    Authority.PERSON: (Kind.PERSON_OUT,),
    Authority.STAFF: (Kind.STAFF_OUT,),
    Authority.SILENCE: (Kind.SILENCE_OUT,),
}
_IN = (Kind.PERSON_IN, Kind.LIFTED, Kind.STAFF_IN, Kind.SILENCE_IN)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the ledger with the pushes that followed from it, newest first."""

    event: ConsentEvent
    pushes: list[ConsentPush] = field(default_factory=list)


def consent_of(workspace: Workspace, number: str) -> Consent | None:
    return Consent.objects.filter(workspace=workspace, number=number).first() if number else None


def deciding_line(consent: Consent, state: State) -> ConsentEvent | None:
    """The line that the status rests on; None when nobody ever said anything, or the number's people were erased before
    it had lines."""
    kinds = _OUT[state.authority] if state.is_opted_out else _IN
    standing = [kind for kind in kinds if state.since and getattr(state, kind.value) == state.since]
    return _latest(consent, Q(kind__in=standing, counts_at=state.since)) if standing else None


def lifting_line(consent: Consent) -> ConsentEvent | None:
    """The line that lifts what the person said before: their own opt-in, or an admin's lift."""
    state = state_of(consent)
    moments = {kind: getattr(state, kind.value) for kind in (Kind.PERSON_IN, Kind.LIFTED)}
    latest = max((at for at in moments.values() if at), default=None)
    standing = [kind for kind, at in moments.items() if at and at == latest]
    return _latest(consent, Q(kind__in=standing, counts_at=latest)) if standing else None


def likely_line(consent: Consent) -> ConsentEvent | None:
    """The likely opt-out for which the number is suppressed."""
    return _latest(consent, Q(kind=Kind.LIKELY, counts_at=state_of(consent).likely))


def open_review(consent: Consent) -> Review | None:
    return Review.objects.filter(
        workspace=consent.workspace_id, consent=consent, closed_at__isnull=True
    ).first()


def open_conflict(consent: Consent) -> ConsentConflict | None:
    """The latest that nobody decided about."""
    found = ConsentConflict.objects.filter(workspace=consent.workspace_id, consent=consent)
    return found.filter(state=ConflictState.CORRECTED).order_by("-pk").first()


def unsent_push(workspace: Workspace, salesforce_id: str) -> ConsentPush | None:
    """The one push of the record that waits, was refused or was put back."""
    return ConsentPush.objects.filter(
        workspace=workspace, salesforce_id=salesforce_id, state__in=UNSENT
    ).first()


def with_pushes(consent: Consent, events: Sequence[ConsentEvent]) -> list[Line]:
    """Lines of a number in a row, newest first, each with the pushes from then until the line after it: that is what
    Salesforce was told because of it."""
    lines = [Line(event) for event in events]
    if not lines:
        return []
    following = ConsentEvent.objects.filter(
        workspace=consent.workspace_id, consent=consent, version=events[0].version + 1
    )
    until: datetime | None = following.values_list("learnt_at", flat=True).first()
    pushes = ConsentPush.objects.filter(
        workspace=consent.workspace_id, consent=consent, answers__gte=events[-1].learnt_at
    )
    if until:
        pushes = pushes.filter(answers__lt=until)
    for push in pushes.order_by("-pk")[:MOST_PUSHES]:
        cause = next((line for line in lines if line.event.learnt_at <= push.answers), lines[-1])
        cause.pushes.append(push)
    return lines


def _latest(consent: Consent, which: Q) -> ConsentEvent | None:
    found = ConsentEvent.objects.filter(which, workspace=consent.workspace_id, consent=consent)
    return found.select_related("evidence", "member").order_by("-version").first()
