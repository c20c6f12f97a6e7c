"""What a worker does for imports."""

from contextlib import suppress
from datetime import datetime, timedelta

from django.db import close_old_connections
from django.db.models import OuterRef, Subquery

from carillon.accounts.models import Workspace
from carillon.contacts import remembered
from carillon.contacts.models import FieldChange
from carillon.imports import alerts, runs, scheduler
from carillon.imports.lock import LockHeld, setup_lock
from carillon.imports.models import ImportRun, Mode, RecordIssue, RunStatus, Trigger
from carillon.imports.runner import WORKER_RETRY, AlreadyRunning, Options, execute
from carillon.imports.runs import Request
from carillon.lib.clock import now


def execute_queued(run_id: int) -> None:
    """Executes a run that waits or was interrupted. One that is over, or that another process works on, is
    left alone: a job may come twice."""
    # The worker's threads live on between jobs; a connection that broke meanwhile must not fail this one.
    close_old_connections()
    run = ImportRun.objects.select_related("setup__workspace", "started_by").get(pk=run_id)
    if not run.is_open:
        return
    if not run.setup.enabled:
        _drop(run)
        return
    request = Request(run.setup, Mode(run.mode), Trigger(run.trigger), run.started_by)
    try:
        execute(request, Options(retry=WORKER_RETRY))
    except AlreadyRunning:
        return


def keep_house() -> None:
    """Each workspace's retention, and keys that an earlier master secret sealed."""
    for workspace in Workspace.objects.all():
        delete_what_is_old(workspace)
    remembered.reseal()


def delete_what_is_old(workspace: Workspace) -> None:
    """What the workspace no longer keeps. The last run of each setup that is over stays, however old."""
    over = ImportRun.objects.filter(workspace=workspace, finished_at__isnull=False)
    old_issues = over.filter(finished_at__lt=_days_ago(workspace.keep_issues_days))
    RecordIssue.objects.filter(run__in=old_issues).delete()
    last = over.filter(setup=OuterRef("setup")).order_by("-queued_at", "-pk").values("pk")[:1]
    old = over.filter(finished_at__lt=_days_ago(workspace.keep_runs_days)).exclude(pk=Subquery(last))
    old.delete()
    FieldChange.objects.filter(workspace=workspace, at__lt=_days_ago(workspace.keep_changes_days)).delete()


def _days_ago(days: int) -> datetime:
    return now() - timedelta(days=days)


def _drop(run: ImportRun) -> None:
    """Ends a run whose import was switched off while it waited, unless a process works on it still."""
    with suppress(LockHeld), setup_lock(run.setup_id):
        runs.close(run, RunStatus.CANCELLED, error="The import was switched off while this run waited.")


def start_scheduled_imports() -> int:
    """Starts what is due by schedule; how many runs that were."""
    close_old_connections()
    return scheduler.start_due(now())


def send_alerts() -> int:
    close_old_connections()
    return alerts.send_mails()
