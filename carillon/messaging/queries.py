"""What pages show of texts."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet

from carillon.accounts.models import Workspace
from carillon.contacts.models import Contact
from carillon.lib.sealing import SealBroken
from carillon.messaging import credentials, error_codes
from carillon.messaging.models import AnswersHelp, Confirms, Direction, Message, Texting, UnusableNumber
from carillon.messaging.replies import CarrierAnswers
from carillon.messaging.states import State

LEFT = (State.ACCEPTED, State.SENDING, State.SENT, State.DELIVERED)
# Handed over, and after so long without a word from the carrier: nobody knows.
SILENT = timedelta(minutes=2)
LOOKED_AT, SHOWN = 1000, 20


@dataclass(frozen=True, slots=True)
class Outbox:
    """Texts of the last day: how many left, and those that somebody should look at. `trouble`: why none leaves now, and
    what to do; empty when they do."""

    sent: int
    waiting: int
    unknown: int
    failed: int
    not_sent: int
    trouble: str


def texting_of(workspace: Workspace) -> Texting | None:
    return Texting.objects.select_related("workspace").filter(workspace=workspace).first()


def carrier_answers(texting: Texting) -> CarrierAnswers:
    return CarrierAnswers(
        stop=texting.confirms == Confirms.CARRIER, help=texting.answers_help == AnswersHelp.CARRIER
    )


def conversation(workspace: Workspace, number: str) -> QuerySet[Message]:
    """Texts with a number, newest first."""
    return Message.objects.filter(workspace=workspace, number=number).order_by("-pk")


def from_nobody(workspace: Workspace, now: datetime) -> list[Message]:
    """The newest text of each number that texted in the last month and that no contact has, newest first: a few of the
    newest."""
    since = now - timedelta(days=30)
    recent = Message.objects.filter(workspace=workspace, direction=Direction.IN, at__gt=since)
    newest: dict[str, Message] = {}
    for text in recent.order_by("-at", "-pk")[:LOOKED_AT]:
        newest.setdefault(text.number, text)
    known = Contact.objects.filter(workspace=workspace, mobile_number__in=list(newest))
    for number in known.values_list("mobile_number", flat=True):
        newest.pop(number, None)
    return list(newest.values())[:SHOWN]


def unusable(workspace: Workspace, number: str) -> UnusableNumber | None:
    return UnusableNumber.objects.filter(workspace=workspace, number=number).first()


def outbox(workspace: Workspace, now: datetime) -> Outbox:
    recent = Message.objects.filter(
        workspace=workspace, direction=Direction.OUT, at__gt=now - timedelta(days=1)
    )
    counts = dict(recent.values_list("state").annotate(Count("pk")).order_by("state"))
    unknown = recent.filter(state=State.HANDED_OVER, handed_over_at__lt=now - SILENT).count()
    return Outbox(
        sent=sum(counts.get(state, 0) for state in LEFT),
        waiting=counts.get(State.QUEUED, 0) + counts.get(State.HANDED_OVER, 0) - unknown,
        unknown=unknown,
        failed=counts.get(State.FAILED, 0) + counts.get(State.UNDELIVERED, 0),
        not_sent=counts.get(State.NOT_SENT, 0),
        trouble=_trouble(workspace, recent),
    )


def _trouble(workspace: Workspace, recent: QuerySet[Message]) -> str:
    """Nothing that concerns one number only. What left since shows that it is over; what ended before the page was last
    saved says nothing of how it is now."""
    texting = texting_of(workspace)
    if texting is None:
        return ""
    try:
        credentials.auth_token(texting)
    except SealBroken as error:
        return str(error)
    is_of_now = Q(state=State.QUEUED) | Q(at__gt=texting.updated_at)
    troubled = Q(error_code__in=error_codes.REMEDIES) & is_of_now
    told = recent.filter(Q(state__in=LEFT) | troubled).order_by("-pk").first()
    if told is None or told.state in LEFT:
        return ""
    return f"{error_codes.words(told.error_code)} {error_codes.REMEDIES[told.error_code or 0]}"
