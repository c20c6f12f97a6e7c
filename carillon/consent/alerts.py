"""Tells admins when pushes don't reach Salesforce, and when they do again: once per change of state. A job looks each
minute; pages show the open alerts, and they are mailed (accounts.mailing)."""

import textwrap
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.db.models import Count, Min, Q
from django.urls import reverse

from carillon.accounts import mailing
from carillon.accounts.models import Workspace
from carillon.consent.models import UNSENT, ConsentPush, Delivery, PushAlert, PushState, Trouble

LATE_AFTER = timedelta(minutes=5)
LONGEST_REASON = 500


def look(workspace_id: int, now: datetime) -> None:
    """Opens and ends the workspace's alerts by what its pushes are now."""
    found = _troubles(workspace_id, now)
    known = {alert.kind: alert for alert in PushAlert.objects.filter(workspace=workspace_id, over_at=None)}
    for kind, (sentence, remedy) in found.items():
        alert = known.get(kind)
        if alert is None:
            _open(workspace_id, kind, sentence, remedy, now)
        elif (alert.sentence, alert.remedy) != (sentence, remedy):
            # The same state goes on: the page tells how it is now, and nobody is mailed again.
            PushAlert.objects.filter(pk=alert.pk).update(sentence=sentence, remedy=remedy)
    over = [alert.pk for kind, alert in known.items() if _is_over(workspace_id, kind, found)]
    PushAlert.objects.filter(pk__in=over, over_at=None).update(over_at=now, recovered=True)


def open_alerts(workspace: Workspace, now: datetime) -> list[PushAlert]:
    """Those that are not over, each as it is by now: the job that writes it down looks once a minute."""
    opened = list(PushAlert.objects.filter(workspace=workspace, over_at=None).order_by("since", "pk"))
    found = _troubles(workspace.pk, now) if opened else {}
    for alert in opened:
        alert.sentence, alert.remedy = found.get(alert.kind, (alert.sentence, alert.remedy))
    return [alert for alert in opened if not _is_over(workspace.pk, alert.kind, found)]


def workspaces_to_look_at() -> list[int]:
    """Those with pushes that are not settled, or with an open alert."""
    unsettled = ConsentPush.objects.filter(state__in=[*UNSENT, PushState.SENT]).order_by()
    alerted = PushAlert.objects.filter(over_at=None).order_by()
    ids = {
        *unsettled.values_list("workspace_id", flat=True).distinct(),
        *alerted.values_list("workspace_id", flat=True),
    }
    return sorted(ids)


def send_mails() -> int:
    """Sends what is to be told and was not yet; how many mails went out."""
    return mailing.send_waiting(PushAlert.objects.select_related("workspace"), begun=_begun, ended=_ended)


def _is_over(workspace_id: int, kind: str, found: Mapping[str, tuple[str, str]]) -> bool:
    goes_on = _is_held_up if kind == Trouble.LATE else _is_tried_again
    return kind not in found and not goes_on(workspace_id)


def _is_held_up(workspace_id: int) -> bool:
    """What was late may have been overtaken by what is not late yet, and the org takes neither."""
    under_way = ConsentPush.objects.filter(
        workspace=workspace_id, state__in=[PushState.WAITING, PushState.SENT]
    )
    failing = Delivery.objects.filter(workspace=workspace_id, failures__gt=0)
    return failing.exists() and under_way.exists()


def _is_tried_again(workspace_id: int) -> bool:
    """What was refused or put back is not over while it is on its way again."""
    under_way = Q(state__in=[PushState.WAITING, PushState.SENT], attempts__gt=1)
    corrected = Q(state=PushState.REVERTED, next_try_at__isnull=False)
    return ConsentPush.objects.filter(under_way | corrected, workspace=workspace_id).exists()


def _troubles(workspace_id: int, now: datetime) -> dict[str, tuple[str, str]]:
    stopped = Q(state=PushState.REVERTED, next_try_at=None)
    settles = Q(state__in=[PushState.WAITING, PushState.SENT]) | Q(
        state=PushState.REVERTED, next_try_at__isnull=False
    )
    late = settles & Q(created_at__lt=now - LATE_AFTER)
    unsettled = ConsentPush.objects.filter(workspace=workspace_id, state__in=[*UNSENT, PushState.SENT])
    counted = unsettled.aggregate(
        refused=Count("pk", filter=Q(state=PushState.FAILED)),
        reverted=Count("pk", filter=stopped),
        late=Count("pk", filter=late),
        oldest=Min("created_at", filter=late),
    )
    troubles = {}
    # Looked for after they were counted: they may be on their way again.
    failed, given_up = unsettled.filter(state=PushState.FAILED), unsettled.filter(stopped)
    if counted["refused"] and (latest := failed.order_by("sent_at").last()):
        sentence = (
            f"Salesforce refuses {_changes(counted['refused'])}. The last reason: {_quoted(latest.error)}"
        )
        troubles[Trouble.REFUSED.value] = (sentence, latest.remedy)
    if counted["reverted"] and (latest := given_up.order_by("sent_at").last()):
        changes = _changes(counted["reverted"]).capitalize()
        sentence = f"{changes} came back three times or more: {_quoted(latest.error)}"
        troubles[Trouble.REVERTED.value] = (sentence, latest.remedy)
    if counted["late"]:
        since = f"{_changes(counted['late']).capitalize()} waited for more than five minutes, the first since"
        sentence = f"{since} {counted['oldest']:%Y-%m-%d %H:%M} UTC."
        troubles[Trouble.LATE.value] = _with_reason(workspace_id, sentence)
    return troubles


def _with_reason(workspace_id: int, sentence: str) -> tuple[str, str]:
    delivery = Delivery.objects.filter(workspace=workspace_id, failures__gt=0).first()
    if delivery:
        return f"{sentence} {_quoted(delivery.error)}", delivery.remedy
    return (
        sentence,
        "See that a worker runs (carillon worker), and which pushes wait: carillon consent pending.",
    )


def _quoted(reason: str) -> str:
    """It may hold words of the org, as long as the org likes: one line of a mail, and an end."""
    return textwrap.shorten(reason, LONGEST_REASON, placeholder=" …")


def _changes(count: int) -> str:
    return "one change of consent" if count == 1 else f"{count:,} changes of consent"


def _open(workspace_id: int, kind: str, sentence: str, remedy: str, now: datetime) -> None:
    try:
        with transaction.atomic():
            PushAlert.objects.create(
                workspace_id=workspace_id, kind=kind, sentence=sentence, remedy=remedy, since=now
            )
    except IntegrityError:
        # Another worker saw it in the same moment.
        return


def _begun(alert: PushAlert) -> EmailMessage:
    text = (
        f"{alert.sentence}\n\n{alert.remedy}\n\nNobody who is opted out is texted in the meantime. You get no other"
        " mail about this until it is over."
    )
    return mailing.message(alert.workspace, Trouble(alert.kind).label, text, reverse("consent"))


def _ended(alert: PushAlert) -> EmailMessage:
    text = (
        f"What was wrong since {alert.since:%Y-%m-%d %H:%M} UTC is over: {Trouble(alert.kind).label.lower()}."
    )
    return mailing.message(
        alert.workspace, "Opt-outs and opt-ins reach Salesforce again", text, reverse("consent")
    )
