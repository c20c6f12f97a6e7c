"""Executes one import run, from the setup's lock to its end. Decisions are made in plan, mapping, watermark, reading
and walk; this module acts on them: it stores each batch with the run's cursor, and finishes."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection, transaction

from carillon.connections.clients import client_for, connection_for, sign_in
from carillon.connections.models import SalesforceConnection
from carillon.imports import alerts, held_opt_ins, runs
from carillon.imports.batches import Mapped
from carillon.imports.bulk_reads import discard_jobs
from carillon.imports.catalog import forget
from carillon.imports.consents import Hearing, ask_who_changed
from carillon.imports.following import Following, read_by_id
from carillon.imports.forecasts import forecast_of, mode_now
from carillon.imports.hearing import hear_leavers
from carillon.imports.held import settle
from carillon.imports.joining import forget_ids_in_use_again
from carillon.imports.leavers import Leavers
from carillon.imports.loader import load
from carillon.imports.lock import LockHeld, SetupLock, setup_lock
from carillon.imports.mapping import Issue
from carillon.imports.models import (
    OPEN_STATUSES,
    AlertKind,
    ImportRun,
    ImportSetup,
    Mode,
    Phase,
    RunBatch,
    RunStatus,
)
from carillon.imports.plan import ImportPlan
from carillon.imports.planning import SetupOutdated, make_plan
from carillon.imports.purse import Purse
from carillon.imports.reading import ShortRead
from carillon.imports.runs import Request, Scope
from carillon.imports.sweep import Members, distinct_counts, proof_of
from carillon.imports.walk import Cancelled, Ending, Start, Unexplained, Walk, ending_of, scope_of
from carillon.imports.watermark import Key, next_watermark
from carillon.lib.errors import CarillonError
from carillon.salesforce.errors import Stopped
from carillon.salesforce.transport import ApiUsage, Retry

COUNTS = ("received", "created", "updated", "unchanged", "rejected")
PLACE = ("cursor_stamp", "cursor_id", "job_place")
STORED_WITH_A_BATCH = (*COUNTS, "issue_count", "opted_out", "expected")
SETTLED_AT_THE_END = (*COUNTS, *PLACE, "left_source", "deleted", "hidden", "held", "opted_out", "opted_in")
# A worker waits out an outage of ten minutes; a person at a command line is not kept that long.
WORKER_RETRY = Retry(budget_seconds=600, read_timeout=150)


class AlreadyRunning(CarillonError):
    """The setup is being imported by another process."""

    def __init__(self, run: ImportRun | None) -> None:
        which = (
            f"started {run.started_at:%Y-%m-%d %H:%M} UTC by {run.started_by_name}"
            if run and run.started_at
            else ""
        )
        super().__init__(
            f"An import of this setup is running already{f' ({which}, run {run.public_id})' if run and which else ''}.",
            "Wait for its end, or cancel it on the Import History page.",
        )


@dataclass(frozen=True, slots=True)
class Options:
    """`on_progress` is called with the run after each commit and at each new phase."""

    retry: Retry = field(default_factory=Retry)
    on_progress: Callable[[ImportRun], None] = lambda run: None


def execute(request: Request, options: Options | None = None) -> ImportRun:
    """Runs an import here and now and returns its finished row. Raises AlreadyRunning, or CarillonError when
    the setup can't be imported at all; every other trouble ends the run as failed, with its reason."""
    setup = request.setup
    if not setup.enabled:
        raise CarillonError(
            f"The import of {setup.object}s is not set up, or switched off.",
            "Choose a source, map the fields and enable it on the Contact Import page.",
        )
    try:
        with setup_lock(setup.pk) as lock:
            setup.refresh_from_db()
            return _Execution(request, options or Options(), lock).run_to_end()
    except LockHeld:
        open_run = ImportRun.objects.filter(setup=setup, status__in=OPEN_STATUSES).first()
        raise AlreadyRunning(open_run) from None


class _Execution:
    """Takes what a walk finds into the run's row and the contacts."""

    def __init__(self, request: Request, options: Options, lock: SetupLock) -> None:
        self.request = request
        self.setup: ImportSetup = request.setup
        self.options = options
        self.lock = lock
        self.run = runs.claim(request)
        self.stop = threading.Event()

    def run_to_end(self) -> ImportRun:
        try:
            held_opt_ins.go_on(self.setup)
            known = connection_for(self.setup.workspace_id)
            self.purse = Purse(known, self._note, run=self.run)
            client = client_for(
                known, retry=self.options.retry, should_stop=self._should_stop, permit=self.purse.permit
            )
            with client:
                self.client = client
                self.purse.open(client.transport)
                try:
                    self._import(known)
                finally:
                    # Ends what still waits or reads ahead after a trouble.
                    self.stop.set()
                    self.purse.settle()
        except (Exception, KeyboardInterrupt) as error:
            self._end(ending_of(error, f"import run {self.run.public_id}"))
        self.run.refresh_from_db()
        self.options.on_progress(self.run)
        return self.run

    def _end(self, ending: Ending) -> None:
        # A broken connection must not keep the reason from being written.
        if not connection.is_usable():
            connection.close()
        status, over_budget = ending.status, ending.over_budget
        if status == RunStatus.POSTPONED and self.run.has_place:
            # An interrupted run that may not be taken up now is not one that never began.
            status, over_budget = RunStatus.INCOMPLETE, True
        with transaction.atomic():
            over = runs.close(
                self.run, status, error=ending.error, remedy=ending.remedy, over_budget=over_budget
            )
            if over and status != RunStatus.CANCELLED:
                alerts.run_failed(self.run)

    def _import(self, known: SalesforceConnection) -> None:
        # Before the first call, from what is known; and once the org has said more.
        self.purse.must_afford(forecast_of(self.run, mode_now(self.setup, self.run.mode)))
        sign_in(self.client, known)
        try:
            plan, warnings = make_plan(self.client, self.setup)
        except SetupOutdated:
            # Pages would go on showing what the org offered before.
            forget(known)
            raise
        # An interrupted run is resumed only by a request that comes to the same mode.
        asked = self.request.mode if self.run.has_place else self.run.mode
        # What may go stale is not worth a postponed import: changes are read then.
        affordable = not plan.stale or self.purse.can_afford(forecast_of(self.run, Mode.EVERYTHING))
        scope = scope_of(
            self.client, plan, self.setup, org_id=known.org_id, asked=asked, affordable=affordable
        )
        self.purse.must_afford(forecast_of(self.run, scope.mode))
        self.run = runs.begin(self.run, self.request, scope)
        self.hearing = Hearing(plan.meaning, self.client.session.user_id)
        self.take_issues(warnings)
        discard_jobs(self.client, runs.abandoned_jobs(self.run))
        members = Members(self.run.workspace_id, self.run.object, proof_of(self.run))
        walk = Walk(self.client, plan, known.org_id, self)
        try:
            walk.to_end(self._start(scope), members)
        except (Cancelled, Stopped, ShortRead, Unexplained, KeyboardInterrupt):
            # No run continues such a one, so nobody would go on with its job.
            walk.abandon()
            raise
        leavers = self._follow(plan, known.org_id)
        if plan.reads_rows:
            ask_who_changed(self.client, self.run, self.client.session.user_id)
        self._finish(
            members,
            leavers,
            self.run.org_clock or scope.org_clock,
            scope.org_clock if walk.saw_stamps else None,
        )

    def _follow(self, plan: ImportPlan, org_id: str) -> Leavers:
        """What became of those who are no longer in the list, and of some who left before."""
        run = self.run
        self.enter(Phase.FOLLOWING)
        leavers = Leavers(run.workspace_id, run.object)
        following = Following(self.client, run, org_id, self.look_for_cancel)
        taken_over = following.leavers(leavers)
        taken_over += following.earlier_leavers(leavers)
        for page in read_by_id(self.client, plan, taken_over):
            self.take(page)
        hear_leavers(self.client, run, self.hearing, leavers)
        return leavers

    def _start(self, scope: Scope) -> Start:
        run = self.run
        return Start(
            run.watermark,
            cursor=Key(run.cursor_stamp, run.cursor_id) if run.cursor_stamp else None,
            received=run.received,
            is_whole=run.mode == Mode.EVERYTHING and not run.resumed,
            place=runs.job_place(run),
            likely=scope.likely,
            with_stamps=scope.with_stamps,
        )

    def enter(self, phase: Phase) -> None:
        runs.set_phase(self.run, phase)
        self.purse.settle()
        self.options.on_progress(self.run)

    def take(self, page: Mapped) -> None:
        """One batch: rows, issues, proof, counts and cursor in one transaction."""
        run = self.run
        with transaction.atomic():
            written = load(run, page.batch, by_id=page.by_id, hearing=self.hearing)
            run.created += written.created
            run.updated += written.updated
            run.unchanged += written.unchanged
            run.rejected += written.rejected
            run.received = run.created + run.updated + run.unchanged + run.rejected
            run.issue_count += written.issues
            run.opted_out += written.opted_out
            if page.expected is not None:
                run.expected = page.expected
            if page.cursor:
                runs.move(run, page.cursor)
            # A place that stays as it was may name somebody who was erased meanwhile: it is not written again.
            run.save(update_fields=(*STORED_WITH_A_BATCH, *(PLACE if page.cursor else ())))
        self.options.on_progress(run)
        self.look_for_cancel()

    def take_issues(self, issues: list[Issue]) -> None:
        runs.add_issues(self.run, issues)

    def take_count(self, org_count: int) -> None:
        self.run.org_count = org_count
        self.run.save(update_fields=["org_count"])

    def look_for_cancel(self) -> None:
        """Also counts the calls that were made meanwhile, so that waiting shows what it costs."""
        self.lock.check()
        self.purse.settle()
        if runs.cancel_requested(self.run):
            self.stop.set()
            raise Cancelled

    def _should_stop(self) -> bool:
        """Asked by a call that waits to be tried again. Only the run's own thread may ask the database."""
        if self.purse.is_own_thread:
            self.purse.settle()
            if runs.cancel_requested(self.run):
                self.stop.set()
        return self.stop.is_set()

    def _finish(
        self, members: Members, leavers: Leavers, org_clock: datetime, swept_at: datetime | None
    ) -> None:
        """Leavers, exact counts, watermark and the end of the run: all of it or nothing."""
        run = self.run
        self.enter(Phase.FINISHING)
        held_opt_ins.apply_unheld(run, self.hearing.version)
        with transaction.atomic():
            # Whoever saves the setup locks it first, then its opt-out field.
            ImportSetup.objects.select_for_update().filter(pk=run.setup_id).first()
            opt_ins = held_opt_ins.settle(run, self.hearing.meaning)
            held = settle(run, leavers)
            forget_ids_in_use_again(run.workspace_id)
            if erased := members.erased():
                self.take_issues(erased)
            for name, count in distinct_counts(proof_of(run)).items():
                setattr(run, name, count)
            run.cursor_stamp, run.cursor_id, run.job_place = "", "", None
            run.save(update_fields=SETTLED_AT_THE_END)
            setup = ImportSetup.objects.filter(pk=run.setup_id)
            if swept_at:
                setup.update(stamps_swept_at=swept_at)
            setup.update(
                watermark=next_watermark(org_clock, run.watermark), imported_fingerprint=run.fingerprint
            )
            if run.mode == Mode.EVERYTHING:
                setup.update(full_import_at=org_clock)
            RunBatch.objects.filter(run=run).delete()
            runs.close(run, RunStatus.SUCCEEDED)
            if opt_ins:
                reasons = " ".join(one.reason for one in (opt_ins, held) if one)
                alerts.people_held(opt_ins.run, reasons, AlertKind.OPT_INS)
            elif held:
                alerts.people_held(run, held.reason)
            else:
                alerts.import_succeeded(run)

    def _note(self, calls: Counter[str], usage: ApiUsage | None) -> None:
        runs.count_calls(self.run, calls, usage)
