"""What a worker does for imports."""

from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta

import msgspec
from django.contrib.sessions.backends.db import SessionStore
from django.db import close_old_connections, connection, transaction
from django.db.models import OuterRef, Subquery

from carillon.accounts.models import Workspace
from carillon.connections import usage
from carillon.contacts import remembered
from carillon.contacts.models import FieldChange
from carillon.imports import alerts, dry_run, held_opt_ins, queries, runs, scheduler
from carillon.imports.dry_run import Progress, Trial, try_import
from carillon.imports.lock import LockHeld, setup_lock
from carillon.imports.models import (
    HELD_IN_FORCE,
    DryRun,
    HeldStatus,
    ImportAlert,
    ImportRun,
    ImportSetup,
    Mode,
    RecordIssue,
    RunStatus,
    Trigger,
)
from carillon.imports.runner import WORKER_RETRY, AlreadyRunning, Options, execute
from carillon.imports.runs import Request
from carillon.imports.tally import Flip
from carillon.imports.walk import Cancelled
from carillon.imports.watermark import CUT_RESUMABLE_FOR
from carillon.imports.windows import LOOK_BACK
from carillon.lib.clock import now

KEEP_DRY_RUNS = timedelta(days=1)


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
    request = Request(run.setup, Mode(run.mode), Trigger(run.trigger), run.started_by, run.past_cap)
    try:
        execute(request, Options(retry=WORKER_RETRY))
    except AlreadyRunning:
        return


def apply_opt_ins(setup_id: int) -> None:
    """While an import of the setup runs, the next look each minute does it."""
    close_old_connections()
    with suppress(LockHeld), setup_lock(setup_id):
        held_opt_ins.go_on(ImportSetup.objects.get(pk=setup_id))


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
    flips: list[Flip] = []
    found = try_import(trial, dry_run.Options(retry=WORKER_RETRY, look=look, keep=flips.extend))
    # A connection that broke on the way must not keep the findings from being written.
    if not connection.is_usable():
        connection.close()
    findings = msgspec.to_builtins(found)
    with transaction.atomic():
        # Nobody is written into it who is erased meanwhile.
        remembered.lock(asked.workspace_id, alone=False)
        erased = remembered.erased(asked.workspace_id, [one.salesforce_id for one in flips])
        kept = [one for one in flips if one.salesforce_id not in erased]
        row.update(status=found.status, findings=findings, flips=kept, finished_at=now())


def delete_old_dry_runs() -> int:
    """Deletes dry runs a day after they were asked for: what is stored and the list have moved on."""
    deleted, _ = DryRun.objects.filter(queued_at__lt=now() - KEEP_DRY_RUNS).delete()
    return deleted


def keep_house() -> None:
    """Each workspace's retention, sessions that ran out, and keys that an earlier master secret sealed."""
    for workspace in Workspace.objects.all():
        delete_what_is_old(workspace)
    SessionStore.clear_expired()
    usage.delete_old(now())
    remembered.reseal()


def delete_what_is_old(workspace: Workspace) -> None:
    """What the workspace no longer keeps. The last run of each setup that is over stays, however old, the last one that
    succeeded, one whose held people are not settled, and one that the budget cut and that may be continued; what became
    of a scheduled start is kept with its run, and without one as long as runs are."""
    over = ImportRun.objects.filter(workspace=workspace, finished_at__isnull=False)
    old_issues = over.filter(finished_at__lt=_days_ago(workspace.keep_issues_days))
    RecordIssue.objects.filter(run__in=old_issues).delete()
    newest = over.filter(setup=OuterRef("setup")).order_by("-queued_at", "-pk").values("pk")
    old = over.filter(finished_at__lt=_days_ago(workspace.keep_runs_days)).exclude(pk=Subquery(newest[:1]))
    old = old.exclude(pk__in=newest.filter(status=RunStatus.SUCCEEDED)[:1])
    old = old.exclude(held_opt_ins__status=HeldStatus.OPEN)
    # The next import goes on with it; those postponed meanwhile are newer.
    old = old.exclude(over_budget=True, finished_at__gte=now() - CUT_RESUMABLE_FOR)
    old.exclude(held_leavers__status__in=HELD_IN_FORCE).delete()
    # The scheduler must not find a start undecided again: it looks back so far.
    long_ago = min(_days_ago(workspace.keep_runs_days), now() - LOOK_BACK)
    queries.starts_left_out(workspace).filter(starts_at__lt=long_ago).delete()
    ended = ImportAlert.objects.filter(setup__workspace=workspace, over_at__isnull=False)
    ended.filter(over_at__lt=_days_ago(workspace.keep_runs_days)).delete()
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
