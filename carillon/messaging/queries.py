"""What pages show of texts."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, QuerySet

from carillon.accounts.models import Workspace
from carillon.messaging.models import Confirms, Direction, Message, Texting, UnusableNumber
from carillon.messaging.states import State

# Handed over, and after so long without a word from the carrier: nobody knows.
SILENT = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Outbox:
    """Answers of the last day: how many left, and those that somebody should look at."""

    sent: int
    waiting: int
    unknown: int
    failed: int
    not_sent: int


def texting_of(workspace: Workspace) -> Texting | None:
    return Texting.objects.select_related("workspace").filter(workspace=workspace).first()


def carrier_confirms(workspace: Workspace) -> bool:
    return Texting.objects.filter(workspace=workspace, confirms=Confirms.CARRIER).exists()


def conversation(workspace: Workspace, number: str) -> QuerySet[Message]:
    """Texts with a number, newest first."""
    return Message.objects.filter(workspace=workspace, number=number).order_by("-pk")


def unusable(workspace: Workspace, number: str) -> UnusableNumber | None:
    return UnusableNumber.objects.filter(workspace=workspace, number=number).first()


def outbox(workspace: Workspace, now: datetime) -> Outbox:
    recent = Message.objects.filter(
        workspace=workspace, direction=Direction.OUT, at__gt=now - timedelta(days=1)
    )
    counts = dict(recent.values_list("state").annotate(Count("pk")).order_by("state"))
    unknown = recent.filter(state=State.HANDED_OVER, handed_over_at__lt=now - SILENT).count()
    left = (State.ACCEPTED, State.SENDING, State.SENT, State.DELIVERED)
    return Outbox(
        sent=sum(counts.get(state, 0) for state in left),
        waiting=counts.get(State.QUEUED, 0) + counts.get(State.HANDED_OVER, 0) - unknown,
        unknown=unknown,
        failed=counts.get(State.FAILED, 0) + counts.get(State.UNDELIVERED, 0),
        not_sent=counts.get(State.NOT_SENT, 0),
    )
