"""What a worker does for imports."""

from datetime import timedelta

from django.db import close_old_connections

from carillon.imports.models import ImportRun, Mode, RecordIssue, Trigger
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
    request = Request(run.setup, Mode(run.mode), Trigger(run.trigger), run.started_by)
    try:
        execute(request, Options(retry=WORKER_RETRY))
    except AlreadyRunning:
        return


def delete_old_issues() -> int:
    """Deletes record issues of runs that ended more than ninety days ago; the runs themselves stay."""
    old = ImportRun.objects.filter(finished_at__lt=now() - KEEP_ISSUES)
    deleted, _ = RecordIssue.objects.filter(run__in=old).delete()
    return deleted
