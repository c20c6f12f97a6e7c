"""Wakes a worker for pushes, and for audits. The pushes are the durable queue: a job only says *look*, and may come
twice, late or never, since a job each minute looks at all workspaces."""

from contextlib import suppress
from datetime import datetime
from functools import partial

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import AlreadyEnqueued

# Workers look so often for jobs whose time has come.
LATER_TOGETHER = 5


def wake_after_commit(workspace_id: int, *, at: datetime | None = None) -> None:
    """Now, or at a moment to come. Whatever is wrong with the queue must not touch what was said: robust, and outside
    its transaction, which a job that waits already would break."""
    transaction.on_commit(partial(_wake, workspace_id, at), robust=True)


def _wake(workspace_id: int, at: datetime | None) -> None:
    # What waits for later must not keep others from being woken before: one job for each few seconds to come.
    key = f"deliver consent {workspace_id}{f' later {at.timestamp() // LATER_TOGETHER:.0f}' if at else ''}"
    with suppress(AlreadyEnqueued):
        app.configure_task(
            "carillon.deliver_consent", queue="urgent", queueing_lock=key, schedule_at=at
        ).defer(workspace_id=workspace_id)


def audit_after_commit(workspace_id: int, *, asked: bool = False) -> None:
    """Imports go first; the lock keeps two audits of a workspace from running side by side. `asked`: by an admin, so
    whether it is due or not."""
    transaction.on_commit(partial(_audit, workspace_id, asked), robust=True)


def _audit(workspace_id: int, asked: bool) -> None:
    key = _audit_key(workspace_id)
    with suppress(AlreadyEnqueued):
        app.configure_task(
            "carillon.audit_consent", queue="imports", queueing_lock=key, lock=key, priority=-1
        ).defer(workspace_id=workspace_id, asked=asked)


def audit_under_way(workspace_id: int) -> str:
    """`doing` while a worker audits the workspace, `todo` while that waits for one, else empty."""
    jobs = ProcrastinateJob.objects.filter(lock=_audit_key(workspace_id), status__in=("todo", "doing"))
    return jobs.order_by("-status").values_list("status", flat=True).first() or ""


def _audit_key(workspace_id: int) -> str:
    return f"audit consent {workspace_id}"
