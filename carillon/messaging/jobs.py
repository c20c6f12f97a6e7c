"""What a worker does for texts."""

from datetime import timedelta

from django.db import close_old_connections

from carillon.accounts.models import Workspace
from carillon.lib.clock import now
from carillon.messaging import sending
from carillon.messaging.models import Message, RefusedCalls

# Counts of refused calls say nothing about people; a month shows a habit.
KEEP_REFUSED = timedelta(days=30)


def send_text(message_id: int) -> None:
    close_old_connections()
    sending.send(message_id)


def wake_workers_again() -> int:
    close_old_connections()
    return sending.wake_workers_again()


def keep_house() -> None:
    close_old_connections()
    for workspace in Workspace.objects.all():
        old = now() - timedelta(days=workspace.keep_texts_days)
        Message.objects.filter(workspace=workspace, at__lt=old).delete()
    RefusedCalls.objects.filter(hour__lt=now() - KEEP_REFUSED).delete()
