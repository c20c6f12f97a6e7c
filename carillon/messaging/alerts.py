"""Tells admins when calls of the webhooks are refused, and when that is over: once per change of state. Then texts of real
people don't come in, or somebody else knows the address. A job looks each minute; pages show the open alerts, and they
are mailed (accounts.mailing)."""

from datetime import datetime, timedelta

from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.urls import reverse

from carillon.accounts import mailing
from carillon.accounts.actions import audit
from carillon.accounts.models import Member, Workspace
from carillon.messaging.models import Direction, Message, RefusalAlert, RefusedCalls
from carillon.messaging.webhooks import Refusals, refusals

TITLE = "Calls that bring texts are refused (webhooks)"
# A text that came in as it should, so long after the last refused call, shows that it is over.
CALM_AFTER = timedelta(hours=1)
_REMEDY = (
    "When texts of real people are missing, see that the auth token and the public address are right, with the self-test of"
    " page Texting. When all is right there, somebody else calls, in vain: replace the address for incoming texts."
)


def look(workspace: Workspace, at: datetime) -> None:
    """Opens and ends the workspace's alert by what was refused in the last day, and since an admin saw it."""
    found = refusals(workspace, at)
    known = open_alert(workspace)
    if _is_over(workspace, found, at):
        RefusalAlert.objects.filter(workspace=workspace, over_at=None).update(over_at=at, recovered=True)
    elif known is None and not _is_seen(workspace, found):
        _open(workspace, _sentence(found), at)
    elif known and known.sentence != _sentence(found):
        RefusalAlert.objects.filter(pk=known.pk).update(sentence=_sentence(found))


def open_alert(workspace: Workspace) -> RefusalAlert | None:
    return RefusalAlert.objects.filter(workspace=workspace, over_at=None).first()


@transaction.atomic
def seen(*, workspace: Workspace, at: datetime, by: Member) -> None:
    """Ends the alert until another call is refused; nobody is mailed that it is over."""
    found = RefusalAlert.objects.filter(workspace=workspace, over_at=None)
    if found.update(over_at=at):
        audit(workspace, by, "refused calls seen", TITLE)


def is_seen(workspace: Workspace, at: datetime) -> bool:
    """Whether an alert ended since the last call was refused."""
    return _is_seen(workspace, refusals(workspace, at))


def _is_seen(workspace: Workspace, found: Refusals) -> bool:
    if found.last_at is None:
        return False
    return RefusalAlert.objects.filter(workspace=workspace, over_at__gte=found.last_at).exists()


def workspaces_to_look_at(at: datetime) -> list[Workspace]:
    """Those with calls that were refused lately, or with an open alert."""
    refused = RefusedCalls.objects.filter(hour__gt=at - timedelta(hours=25)).order_by()
    alerted = RefusalAlert.objects.filter(over_at=None)
    ids = {
        *refused.values_list("workspace_id", flat=True).distinct(),
        *alerted.values_list("workspace_id", flat=True),
    }
    return list(Workspace.objects.filter(pk__in=ids).order_by("pk"))


def send_mails() -> int:
    """Sends what is to be told and was not yet; how many mails went out."""
    return mailing.send_waiting(RefusalAlert.objects.select_related("workspace"), begun=_begun, ended=_ended)


def _is_over(workspace: Workspace, found: Refusals, at: datetime) -> bool:
    if found.last_at is None or found.last_at > at - CALM_AFTER:
        return found.last_at is None
    texts = Message.objects.filter(workspace=workspace, direction=Direction.IN, at__gt=found.last_at)
    return texts.exists()


def _sentence(found: Refusals) -> str:
    reason = found.reason[:1].lower() + found.reason[1:]
    calls = "One call was" if found.count == 1 else f"{found.count:,} calls were"
    return f"{calls} refused in the last day, and changed nothing. The last one: {reason}"


def _open(workspace: Workspace, sentence: str, at: datetime) -> None:
    try:
        with transaction.atomic():
            RefusalAlert.objects.create(workspace=workspace, sentence=sentence, remedy=_REMEDY, since=at)
    except IntegrityError:
        # Another worker saw it in the same moment.
        return


def _begun(alert: RefusalAlert) -> EmailMessage:
    text = f"{alert.sentence}\n\n{alert.remedy}\n\nYou get no other mail about this until it is over."
    return mailing.message(alert.workspace, TITLE, text, reverse("texting"))


def _ended(alert: RefusalAlert) -> EmailMessage:
    text = f"Since {alert.since:%Y-%m-%d %H:%M} UTC calls that bring texts were refused. That is over."
    return mailing.message(
        alert.workspace, "Calls that bring texts are no longer refused (webhooks)", text, reverse("texting")
    )
