"""The life of a run's row: claimed under the setup's lock, moved with each committed batch, closed once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from carillon.accounts.models import Member
from carillon.connections.models import Purpose
from carillon.connections.usage import record
from carillon.consent.models import StagedFlip
from carillon.contacts import remembered
from carillon.imports.mapping import Issue
from carillon.imports.models import (
    OPEN_STATUSES,
    HeldOptIns,
    HeldStatus,
    ImportRun,
    ImportSetup,
    Mode,
    Phase,
    RecordIssue,
    RunBatch,
    RunStatus,
    Trigger,
)
from carillon.imports.sweep import stored_in_source
from carillon.imports.watermark import BEFORE_ALL_IDS, CUT_RESUMABLE_FOR, RESUMABLE_FOR, Cursor, JobPlace
from carillon.lib.clock import now
from carillon.salesforce.transport import ApiUsage

COMMAND_LINE = "command line"
SCHEDULE = "schedule"
_CONTINUED = (
    "org_clock",
    "watermark",
    "cursor_stamp",
    "cursor_id",
    "job_place",
    "expected",
    "received",
    "created",
    "updated",
    "unchanged",
    "rejected",
    "issue_count",
    "opted_out",
)
# Only these: somebody may ask to cancel the run while it signs in and plans.
_BEGUN = ("mode", "mode_reason", "fingerprint", "stored_before", "resumed", "continues", *_CONTINUED)


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for: which setup, how, and by whom; `past_cap` when it may use more calls than the cap."""

    setup: ImportSetup
    mode: Mode
    trigger: Trigger = Trigger.MANUAL
    by: Member | None = None
    past_cap: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run will read, decided from plan and setup: its mode and why, from where, and the fingerprint. `likely` is
    how many records the source had at the last import, 0 when it was another source; `with_stamps`: the day's sweep."""

    mode: Mode
    reason: str
    fingerprint: str
    org_clock: datetime
    watermark: datetime | None
    likely: int = 0
    with_stamps: bool = False


def new_run(request: Request, status: RunStatus) -> ImportRun:
    setup = request.setup
    nobody = SCHEDULE if request.trigger == Trigger.SCHEDULED else COMMAND_LINE
    return ImportRun.objects.create(
        workspace_id=setup.workspace_id,
        setup=setup,
        object=setup.object,
        source_label=setup.source_label,
        trigger=request.trigger,
        mode=request.mode,
        status=status,
        started_at=now() if status == RunStatus.RUNNING else None,
        started_by=request.by,
        started_by_name=request.by.email if request.by else nobody,
        past_cap=request.past_cap,
    )


@transaction.atomic
def claim(request: Request) -> ImportRun:
    """The row this process works on, running: the one that waits, the one that was interrupted, or a new one.
    Call it with the setup's lock held."""
    waiting = _open_run(request.setup)
    if waiting is None:
        try:
            with transaction.atomic():
                return new_run(request, RunStatus.RUNNING)
        except IntegrityError:
            # A page queued one in this moment: the lock is ours, so it is ours to do.
            waiting = _open_run(request.setup)
            if waiting is None:
                raise
    if waiting.status == RunStatus.QUEUED:
        # Asked for twice, as changes and as everything: everything covers both.
        if request.mode == Mode.EVERYTHING:
            waiting.mode = Mode.EVERYTHING
        waiting.status, waiting.started_at = RunStatus.RUNNING, now()
        # Another source may have been chosen since.
        waiting.source_label = request.setup.source_label
        waiting.save(update_fields=["mode", "status", "started_at", "source_label"])
    elif not waiting.has_place:
        # Interrupted before it stored anything: there is nothing to resume, so it simply starts anew.
        waiting.mode, waiting.source_label = request.mode, request.setup.source_label
        waiting.save(update_fields=["mode", "source_label"])
    if request.past_cap and not waiting.past_cap:
        waiting.past_cap = True
        waiting.save(update_fields=["past_cap"])
    return waiting


def _open_run(setup: ImportSetup) -> ImportRun | None:
    return ImportRun.objects.filter(setup=setup, status__in=OPEN_STATUSES).first()


@transaction.atomic
def begin(run: ImportRun, request: Request, scope: Scope) -> ImportRun:
    """Settles what `run` reads: it goes on where it was interrupted, continues a failed run, or starts anew.
    Returns the row to work on, which is another one when the interrupted run can't be resumed."""
    # What it takes over of another run must not bring back the name of somebody who is erased meanwhile.
    remembered.lock(run.workspace_id, alone=False)
    if run.has_place:
        if _resumable(run, scope):
            run.resumed = True
            run.save(update_fields=["resumed"])
            return run
        close(
            run,
            RunStatus.FAILED,
            error="The process that worked on this import ended, and it could not be resumed: the setup changed,"
            " another kind of import was asked for, or more than a day went by.",
            remedy="A new import was started in its place.",
        )
        run = new_run(request, RunStatus.RUNNING)
    run.mode, run.mode_reason = scope.mode, scope.reason
    run.fingerprint, run.org_clock, run.watermark = scope.fingerprint, scope.org_clock, scope.watermark
    run.stored_before = stored_before(run)
    # What a killed process stored of it without coming to a place: it is read again, and may have left by then.
    RunBatch.objects.filter(run=run).delete()
    run.received = run.created = run.updated = run.unchanged = run.rejected = 0
    earlier = unfinished_before(run)
    if earlier and _resumable(earlier, scope):
        _continue(run, earlier)
    # Only the run under way can still need its proof.
    RunBatch.objects.filter(run__setup=run.setup_id).exclude(run=run).delete()
    _forget_staged(run)
    # From its first batch on stored people are those of neither plan, whatever becomes of it.
    ImportSetup.objects.filter(pk=run.setup_id).exclude(imported_fingerprint=run.fingerprint).update(
        imported_fingerprint=""
    )
    run.save(update_fields=_BEGUN)
    return run


def stored_before(run: ImportRun) -> int:
    """How many are in the source before the run, which may be one that is only thought of; what runs before it stored
    without coming to their end is none of that."""
    stored = stored_in_source(run.workspace_id, run.object)
    begun = ImportRun.objects.filter(setup=run.setup_id, stored_before__isnull=False).exclude(pk=run.pk)
    earlier = begun.order_by("-queued_at", "-pk").first()
    if earlier and earlier.stored_before is not None and earlier.status != RunStatus.SUCCEEDED:
        return min(stored, earlier.stored_before)
    return stored


def unfinished_before(run: ImportRun) -> ImportRun | None:
    """The run before this one, if it stopped in the middle and can be continued: it failed, or its budget was spent.
    Runs that ended before they began to read, as postponed ones, are passed over."""
    begun = ImportRun.objects.filter(setup=run.setup_id, org_clock__isnull=False).exclude(pk=run.pk)
    earlier = begun.select_related("continues").order_by("-queued_at", "-pk").first()
    if earlier is None or not earlier.has_place:
        return None
    return earlier if earlier.status == RunStatus.FAILED or earlier.over_budget else None


def _resumable(run: ImportRun, scope: Scope) -> bool:
    return (
        run.mode == scope.mode
        and run.fingerprint == scope.fingerprint
        and run.org_clock is not None
        and scope.org_clock - run.org_clock < _patience(run)
    )


def _patience(run: ImportRun) -> timedelta:
    """A read that the budget cuts into days has days."""
    part: ImportRun | None = run
    while part and not part.over_budget:
        part = part.continues
    return CUT_RESUMABLE_FOR if part else RESUMABLE_FOR


def _continue(run: ImportRun, earlier: ImportRun) -> None:
    """Takes over what a failed run had stored: its place, its counts, its proof and a copy of its issues."""
    for name in _CONTINUED:
        setattr(run, name, getattr(earlier, name))
    run.resumed, run.continues = True, earlier
    # The job is the run's now.
    ImportRun.objects.filter(pk=earlier.pk).update(job_place=None)
    RunBatch.objects.filter(run=earlier).update(run=run)
    StagedFlip.objects.filter(workspace=run.workspace_id, run=earlier.public_id).update(run=run.public_id)
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into imports_recordissue (run_id, salesforce_id, field, value, code, message)"
            " select %s, salesforce_id, field, value, code, message from imports_recordissue where run_id = %s"
            " on conflict do nothing",
            [run.pk, earlier.pk],
        )


def _forget_staged(run: ImportRun) -> None:
    """What runs of the setup staged that nobody goes on with, but for what waits for an admin: it is found again."""
    staged = StagedFlip.objects.filter(workspace=run.workspace_id, object=run.object)
    waiting = HeldOptIns.objects.filter(setup=run.setup_id, status=HeldStatus.OPEN)
    staged.exclude(run=run.public_id).exclude(run__in=waiting.values("run__public_id")).delete()


def last_count(setup: ImportSetup, fingerprint: str) -> int:
    """How many records the source of this fingerprint had when an import last succeeded; 0 when none did."""
    succeeded = ImportRun.objects.filter(setup=setup.pk, status=RunStatus.SUCCEEDED, fingerprint=fingerprint)
    return succeeded.order_by("-queued_at", "-pk").values_list("org_count", flat=True).first() or 0


def move(run: ImportRun, cursor: Cursor) -> None:
    """Sets how far the run got; it is saved with what it covers, with nobody erasing. A job's place holds as far as its
    result reaches, a key from then on; of somebody who was erased the stamp alone."""
    if isinstance(cursor, JobPlace):
        run.job_place = msgspec.to_builtins(cursor)
        return
    run.job_place = None
    erased = remembered.erased(run.workspace_id, [cursor.id])
    run.cursor_stamp, run.cursor_id = cursor.stamp, BEFORE_ALL_IDS if erased else cursor.id


def job_place(run: ImportRun) -> JobPlace | None:
    return msgspec.convert(run.job_place, JobPlace) if run.job_place else None


def abandoned_jobs(run: ImportRun) -> list[str]:
    """The bulk jobs that other runs of this setup left and nobody goes on with; they are handed out once."""
    left = ImportRun.objects.filter(setup=run.setup_id, job_place__isnull=False).exclude(pk=run.pk)
    jobs = [place.job for other in left if (place := job_place(other))]
    left.update(job_place=None)
    return jobs


@transaction.atomic
def add_issues(run: ImportRun, issues: Sequence[Issue]) -> None:
    """Warnings of the run as a whole and issues of records that were not read, once each however often it is resumed.
    Nothing is said of somebody who was erased meanwhile."""
    remembered.lock(run.workspace_id, alone=False)
    erased = remembered.erased(run.workspace_id, [one.salesforce_id for one in issues if one.salesforce_id])
    told = [RecordIssue(run=run, **one._asdict()) for one in issues if one.salesforce_id not in erased]
    RecordIssue.objects.bulk_create(told, ignore_conflicts=True)
    run.issue_count = RecordIssue.objects.filter(run=run).count()
    run.save(update_fields=["issue_count"])


def set_phase(run: ImportRun, phase: Phase) -> None:
    run.phase = phase
    ImportRun.objects.filter(pk=run.pk).update(phase=phase)


def cancel_requested(run: ImportRun) -> bool:
    return ImportRun.objects.filter(pk=run.pk, cancel_requested_at__isnull=False).exists()


def count_calls(run: ImportRun, calls: Mapping[str, int], usage: ApiUsage | None) -> None:
    """Adds API calls by kind that were made since the last time, to the run and to its workspace's hour.
    Only the process that holds the setup's lock counts, so the row's own numbers are the ones in memory."""
    total = Counter(run.calls) + Counter(calls)
    run.calls, run.api_calls = dict(total), total.total()
    with transaction.atomic():
        ImportRun.objects.filter(pk=run.pk).update(calls=run.calls, api_calls=run.api_calls)
        record(run.workspace_id, Purpose.IMPORT, sum(calls.values()), usage)


def count_followed(run: ImportRun, *, merged: int, converted: int) -> None:
    """Adds people who were followed. Call it in the transaction that joins them: it may be a killed process's last."""
    if merged or converted:
        ImportRun.objects.filter(pk=run.pk).update(
            merged=F("merged") + merged, converted=F("converted") + converted
        )
        run.merged, run.converted = run.merged + merged, run.converted + converted


def close(
    run: ImportRun, status: RunStatus, *, error: str = "", remedy: str = "", over_budget: bool = False
) -> bool:
    """Ends an open run; False when it was over already. The watermark is moved by the caller, on success only."""
    closed = ImportRun.objects.filter(pk=run.pk, status__in=OPEN_STATUSES).update(
        status=status,
        phase=Phase.FINISHING,
        error=error,
        remedy=remedy,
        over_budget=over_budget,
        finished_at=now(),
    )
    run.refresh_from_db()
    return bool(closed)
