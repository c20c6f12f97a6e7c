"""What a worker does for texts."""

from datetime import timedelta

from django.db import close_old_connections

from carillon.accounts.models import Workspace
from carillon.contacts import remembered
from carillon.lib.clock import now
from carillon.messaging import alerts, sending
from carillon.messaging.models import Message, RefusedCalls

# Counts of refused calls say nothing about people; a month shows a habit.
KEEP_REFUSED = timedelta(days=30)


def send_text(message_id: int) -> None:
    close_old_connections()
    sending.send(message_id)


def wake_workers_again() -> int:
    close_old_connections()
    return sending.wake_workers_again()


def tell_of_refused_calls() -> None:
    close_old_connections()
    for workspace in alerts.workspaces_to_look_at(now()):
        alerts.look(workspace, now())
    alerts.send_mails()


def keep_house() -> None:
    close_old_connections()
    for workspace in Workspace.objects.all():
        old = now() - timedelta(days=workspace.keep_texts_days)
        Message.objects.filter(workspace=workspace, at__lt=old).delete()
        _forget_erased(workspace)
    RefusedCalls.objects.filter(hour__lt=now() - KEEP_REFUSED).delete()


def _forget_erased(workspace: Workspace) -> None:
    """Texts from before somebody with the number was erased: an import that follows a merge into an erased record
    erases without asking us."""
    numbers = (
        Message.objects.filter(workspace=workspace).order_by().values_list("number", flat=True).distinct()
    )
    try:
        erased = remembered.suppressed_since(workspace.pk, numbers)
    except remembered.KeyLost:
        # The next import says so, to somebody who can act on it.
        return
    for number, since in erased.items():
        Message.objects.filter(workspace=workspace, number=number, at__lt=since).delete()
