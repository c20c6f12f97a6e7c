"""What a worker does for imports."""

from dataclasses import asdict
from datetime import timedelta

import msgspec
from django.db import close_old_connections, connection

from carillon.imports import dry_run, queries
from carillon.imports.dry_run import Progress, Trial, try_import
from carillon.imports.models import DryRun, ImportRun, ImportSetup, Mode, RecordIssue, RunStatus, Trigger
from carillon.imports.runner import WORKER_RETRY, AlreadyRunning, Options, execute
from carillon.imports.runs import Request
from carillon.imports.walk import Cancelled
from carillon.lib.clock import now

KEEP_DRY_RUNS = timedelta(days=1)
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


def execute_dry_run(dry_run_id: int) -> None:
    close_old_connections()
    find_out(dry_run_id)


def find_out(dry_run_id: int) -> None:
    """Finds out what was asked for, from the beginning: nothing of an interrupted one is kept. One that was
    replaced meanwhile is gone, and nobody waits for it."""
    asked = DryRun.objects.select_related("workspace").filter(pk=dry_run_id).first()
    if asked is None or not asked.is_open:
        return
    row = DryRun.objects.filter(pk=dry_run_id)
    row.update(status=RunStatus.RUNNING, started_at=now())

    def look(progress: Progress) -> None:
        if not row.update(**asdict(progress)):
            raise Cancelled

    setup = ImportSetup.objects.get(workspace=asked.workspace_id, object=asked.object)
    trial = Trial(setup, queries.dry_run_draft(asked), asked.source_label, Mode(asked.mode))
    found = try_import(trial, dry_run.Options(retry=WORKER_RETRY, look=look))
    # A connection that broke on the way must not keep the findings from being written.
    if not connection.is_usable():
        connection.close()
    row.update(status=found.status, findings=msgspec.to_builtins(found), finished_at=now())


def delete_old_dry_runs() -> int:
    """Deletes dry runs a day after they were asked for: what is stored and the list have moved on."""
    deleted, _ = DryRun.objects.filter(queued_at__lt=now() - KEEP_DRY_RUNS).delete()
    return deleted


def delete_old_issues() -> int:
    """Deletes record issues of runs that ended more than ninety days ago; the runs themselves stay."""
    old = ImportRun.objects.filter(finished_at__lt=now() - KEEP_ISSUES)
    deleted, _ = RecordIssue.objects.filter(run__in=old).delete()
    return deleted
