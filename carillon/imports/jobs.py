"""What a worker does for imports."""

from contextlib import suppress
from datetime import timedelta

from django.db import close_old_connections

from carillon.imports import alerts, runs, scheduler
from carillon.imports.lock import LockHeld, setup_lock
from carillon.imports.models import ImportRun, Mode, RecordIssue, RunStatus, Trigger
from carillon.imports.runner import WORKER_RETRY, AlreadyRunning, Options, execute
from carillon.imports.runs import Request
from carillon.lib.clock import now

KEEP_ISSUES = timedelta(days=90)


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


def delete_old_issues() -> int:
    """Deletes record issues of runs that ended more than ninety days ago; the runs themselves stay."""
    old = ImportRun.objects.filter(finished_at__lt=now() - KEEP_ISSUES)
    deleted, _ = RecordIssue.objects.filter(run__in=old).delete()
    return deleted
