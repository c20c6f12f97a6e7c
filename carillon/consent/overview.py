"""How consent stands in a workspace: what is on its way to Salesforce, what Salesforce refused, and what waits for people
to decide. Each query is bounded by an index over what it asks for."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Exists, Min, OuterRef, QuerySet, Subquery

from carillon.accounts.models import Workspace
from carillon.consent.models import (
    UNSENT,
    ConflictState,
    ConsentConflict,
    ConsentEvent,
    ConsentPush,
    Delivery,
    Kind,
    OptOutMapping,
    PushState,
    Review,
    StagedFlip,
)
from carillon.consent.queries import open_reviews

_TROUBLED = (PushState.FAILED, PushState.REVERTED)


@dataclass(frozen=True, slots=True)
class Outbox:
    """Pushes that Salesforce has not acknowledged. `oldest` is when the earliest of those was said that wait or are sent."""

    waiting: int
    sent: int
    failed: int
    reverted: int
    oldest: datetime | None

    @property
    def is_empty(self) -> bool:
        return not (self.waiting or self.sent or self.failed or self.reverted)


def outbox(workspace: Workspace) -> Outbox:
    pushes = ConsentPush.objects.filter(workspace=workspace)
    found: dict[str, int] = {}
    oldest: list[datetime] = []
    # Asked apart: each is served by the partial index over just these.
    for some in (pushes.filter(state__in=UNSENT), pushes.filter(state=PushState.SENT)):
        for state, number, since in some.values_list("state").annotate(Count("pk"), Min("answers")):
            found[state] = number
            if state not in _TROUBLED:
                oldest.append(since)
    return Outbox(
        waiting=found.get(PushState.WAITING, 0),
        sent=found.get(PushState.SENT, 0),
        failed=found.get(PushState.FAILED, 0),
        reverted=found.get(PushState.REVERTED, 0),
        oldest=min(oldest, default=None),
    )


def is_told(workspace: Workspace) -> bool:
    """Whether any object has an opt-out field for Salesforce to be told by."""
    return OptOutMapping.objects.filter(workspace=workspace).exclude(field="").exists()


def stopped(workspace: Workspace) -> Delivery | None:
    """Why nothing at all is told at present; None when that is not so."""
    return Delivery.objects.filter(workspace=workspace, failures__gt=0).first()


def troubled(workspace: Workspace) -> QuerySet[ConsentPush]:
    """What Salesforce refused, or put back; the oldest first."""
    found = ConsentPush.objects.filter(workspace=workspace, state__in=_TROUBLED)
    return found.select_related("consent").order_by("pk")


def has_due(workspace: Workspace, now: datetime) -> bool:
    """Whether anything is to be told just now, and is not held up."""
    due = ConsentPush.objects.filter(workspace=workspace, state__in=UNSENT, next_try_at__lte=now)
    held_up = Delivery.objects.filter(workspace=workspace, failures__gt=0, paused_until__gt=now)
    return due.exists() and not held_up.exists()


def waiting(workspace: Workspace) -> QuerySet[ConsentPush]:
    """What has not been answered yet, first what is tried next."""
    found = ConsentPush.objects.filter(workspace=workspace, state=PushState.WAITING)
    return found.select_related("consent").order_by("next_try_at", "pk")


def reviews(workspace: Workspace) -> QuerySet[Review]:
    """Open reviews, those that are due first, each with the `words` of the latest likely opt-out."""
    likely = ConsentEvent.objects.filter(
        workspace=workspace, consent=OuterRef("consent"), kind=Kind.LIKELY
    ).order_by("-version")
    found = open_reviews(workspace).select_related("consent")
    return found.annotate(words=Subquery(likely.values("evidence__words")[:1]))


def open_conflicts(workspace: Workspace) -> QuerySet[ConsentConflict]:
    """Newest first, the latest of each record, each with `push_state`, that of the newest push to the record."""
    push = ConsentPush.objects.filter(workspace=workspace, salesforce_id=OuterRef("salesforce_id"))
    found = ConsentConflict.objects.filter(workspace=workspace, state=ConflictState.CORRECTED)
    later = found.filter(
        consent=OuterRef("consent"), salesforce_id=OuterRef("salesforce_id"), pk__gt=OuterRef("pk")
    )
    newest = push.order_by("-pk").values("state")[:1]
    return (
        found.filter(~Exists(later))
        .select_related("event", "consent")
        .annotate(push_state=Subquery(newest))
        .order_by("-found_at", "-pk")
    )


def conflicts_of(workspace: Workspace, run: UUID) -> int:
    """How many a run found and that wait for a decision."""
    return open_conflicts(workspace).filter(event__run=run).count()


def first_staged(workspace: Workspace, run: UUID, limit: int) -> list[str]:
    """Records that a run would opt back in, the first it read."""
    staged = StagedFlip.objects.filter(workspace=workspace, run=run).order_by("pk")
    return list(staged.values_list("salesforce_id", flat=True)[:limit])
