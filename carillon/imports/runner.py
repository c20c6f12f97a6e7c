"""Executes one import run, from the setup's lock to its end. Decisions are made in plan, mapping, watermark and
reading; this module acts on them in order: plan, read, sweep, read again what is missing, finish."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import DataError, connection, transaction

from carillon.connections.clients import OtherOrg, client_for, sign_in
from carillon.connections.models import SalesforceConnection
from carillon.imports import alerts, runs
from carillon.imports.batches import Mapped, batches
from carillon.imports.loader import load
from carillon.imports.lock import LockHeld, SetupLock, setup_lock
from carillon.imports.mapping import BadEnvelope, Mapper
from carillon.imports.models import (
    OPEN_STATUSES,
    ImportRun,
    ImportSetup,
    Mode,
    Phase,
    RecordIssue,
    RunBatch,
    RunStatus,
)
from carillon.imports.plan import ImportPlan
from carillon.imports.planning import make_plan
from carillon.imports.reading import Reader, ShortRead
from carillon.imports.runs import Request, Scope
from carillon.imports.sweep import Members, distinct_counts
from carillon.imports.watermark import BEFORE_ALL_IDS, Key, effective_start, next_watermark, since
from carillon.lib.errors import CarillonError
from carillon.lib.pipeline import prefetch
from carillon.salesforce.client import Client
from carillon.salesforce.errors import SalesforceError, Stopped
from carillon.salesforce.transport import Retry

log = logging.getLogger("carillon.imports")

COUNTS = ("received", "created", "updated", "unchanged", "rejected")
STORED_WITH_A_BATCH = (*COUNTS, "issue_count", "cursor_stamp", "cursor_id", "expected")
LEFT_MEANWHILE = ("left_meanwhile", "This record left the list while the import was reading it.")
GONE_OR_HIDDEN = (
    "gone_or_hidden",
    "This record was deleted, or hidden from the API user, while the import was reading the list.",
)
# A worker waits out an outage of ten minutes; a person at a command line is not kept that long.
WORKER_RETRY = Retry(budget_seconds=600, read_timeout=150)


class Cancelled(Exception):
    """Somebody asked the run to stop."""


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


class Unexplained(CarillonError):
    """Some of the source's ids are neither stored nor accounted for."""

    def __init__(self, unexplained: int, org_count: int) -> None:
        super().__init__(
            f"{unexplained:,} of the {org_count:,} people of the list could be neither stored nor explained, so the"
            " import is not complete.",
            "Nothing was taken off the list. Import everything again; if it stays so, report it.",
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
    def __init__(self, request: Request, options: Options, lock: SetupLock) -> None:
        self.request = request
        self.setup: ImportSetup = request.setup
        self.options = options
        self.lock = lock
        self.run = runs.claim(request)
        self.stop = threading.Event()
        self.counted_calls = 0

    def run_to_end(self) -> ImportRun:
        try:
            with self._client() as client:
                try:
                    self._import(client)
                finally:
                    self._count_calls(client)
        except (Cancelled, Stopped, KeyboardInterrupt):
            runs.close(self.run, RunStatus.CANCELLED)
        except (ShortRead, Unexplained) as error:
            self._end(RunStatus.INCOMPLETE, error.sentence, error.remedy)
        except CarillonError as error:
            self._end(RunStatus.FAILED, error.sentence, error.remedy)
        except SalesforceError as error:
            self._end(RunStatus.FAILED, str(error), error.remedy)
        except (BadEnvelope, DataError) as error:
            self._end(
                RunStatus.FAILED,
                f"Salesforce sent records in a form that can't be trusted: {str(error).splitlines()[0]}",
                "What was stored before stays. Import again; if it fails the same way, report it with this text.",
            )
        except Exception as error:
            log.exception("import run %s failed unexpectedly", self.run.public_id)
            self._end(
                RunStatus.FAILED,
                f"The import stopped on an unexpected error ({type(error).__name__}).",
                "What was stored before stays. The log of the process that ran it has the details.",
            )
        self.run.refresh_from_db()
        self.options.on_progress(self.run)
        return self.run

    def _end(self, status: RunStatus, error: str, remedy: str) -> None:
        # A broken connection must not keep the reason from being written.
        if not connection.is_usable():
            connection.close()
        with transaction.atomic():
            if runs.close(self.run, status, error=error, remedy=remedy):
                alerts.run_failed(self.run)

    def _client(self) -> Client:
        known = SalesforceConnection.objects.filter(workspace=self.setup.workspace_id).first()
        if known is None:
            raise CarillonError(
                "No Salesforce org is connected.",
                "Connect one on the Authentication page, or with carillon connect.",
            )
        self.connection = known
        return client_for(known, retry=self.options.retry, should_stop=self.stop.is_set)

    def _import(self, client: Client) -> None:
        sign_in(client, self.connection)
        plan, warnings = make_plan(client, self.setup)
        scope = self._scope(client, plan)
        self.run = runs.begin(self.run, self.request, scope)
        runs.add_issues(self.run, [RecordIssue(run=self.run, **issue._asdict()) for issue in warnings])
        mapper = Mapper(plan)
        reader = Reader(client, plan, mapper.record)
        self._enter(Phase.READING)
        self._read(client, reader, mapper)
        members = Members(self.run)
        if self.run.mode == Mode.EVERYTHING and not self.run.resumed and not reader.was_short:
            members.add_all_read()
        else:
            self._sweep(client, reader, mapper, members)
        self._finish(members, self.run.org_clock or scope.org_clock)

    def _scope(self, client: Client, plan: ImportPlan) -> Scope:
        org_clock = client.transport.org_time
        if org_clock is None:
            raise CarillonError(
                "Salesforce's answers carry no Date header, so nothing can be said about what changed since.",
                "A proxy between here and Salesforce may strip it.",
            )
        fingerprint = plan.fingerprint(self.connection.org_id)
        # An interrupted run is resumed only by a request that comes to the same mode.
        asked = self.request.mode if self.run.cursor_stamp else self.run.mode
        watermark, reason = effective_start(
            asked, self.setup.watermark, self.setup.imported_fingerprint, fingerprint
        )
        mode = Mode.CHANGES if watermark else Mode.EVERYTHING
        return Scope(mode, reason, fingerprint, org_clock, watermark)

    def _read(self, client: Client, reader: Reader, mapper: Mapper) -> None:
        run = self.run
        conditions = [since(run.watermark)] if run.watermark else []
        cursor = Key(run.cursor_stamp, run.cursor_id) if run.cursor_stamp else None
        before = run.received
        pages = prefetch(reader.records(conditions, cursor))
        mapped = prefetch(
            (Mapped(mapper.page(part.records), part.cursor, before + part.expected) for part in pages),
            while_waiting=self._look_for_cancel,
        )
        for page in batches(mapped):
            self._store(client, page)

    def _sweep(self, client: Client, reader: Reader, mapper: Mapper, members: Members) -> None:
        """Who is in the source now; whoever is not stored is read by id, or explained."""
        self._enter(Phase.SWEEPING)
        for ids in prefetch(reader.ids(), while_waiting=self._look_for_cancel):
            self._check_org(client)
            members.add(ids)
            self._look_for_cancel()
        self.run.org_count = members.count()
        self.run.save(update_fields=["org_count"])
        self._enter(Phase.REREADING)
        for missing in members.missing():
            unseen = set(missing)
            for records in prefetch(reader.members(missing), while_waiting=self._look_for_cancel):
                batch = mapper.page(records)
                unseen.difference_update((row.salesforce_id for row in batch.rows), batch.rejected)
                self._store(client, Mapped(batch, None, None))
            self._explain(reader, sorted(unseen), members)
        unexplained = sum(len(ids) for ids in members.missing())
        if unexplained:
            raise Unexplained(unexplained, self.run.org_count)

    def _explain(self, reader: Reader, ids: list[str], members: Members) -> None:
        """Swept ids that the source no longer holds when asked for them by id."""
        if not ids:
            return
        existing = reader.existing(ids)
        issues = [LEFT_MEANWHILE if record_id in existing else GONE_OR_HIDDEN for record_id in ids]
        runs.add_issues(
            self.run,
            [
                RecordIssue(run=self.run, salesforce_id=record_id, code=code, message=message)
                for record_id, (code, message) in zip(ids, issues, strict=True)
            ],
        )
        members.drop(ids)

    def _store(self, client: Client, page: Mapped) -> None:
        """One batch: rows, issues, proof, counts and cursor in one transaction."""
        run = self.run
        self._check_org(client)
        with transaction.atomic():
            written = load(run, page.batch)
            run.created += written.created
            run.updated += written.updated
            run.unchanged += written.unchanged
            run.rejected += written.rejected
            run.received = run.created + run.updated + run.unchanged + run.rejected
            run.issue_count += written.issues
            if page.cursor:
                known = page.cursor.id not in written.erased
                run.cursor_stamp, run.cursor_id = (
                    page.cursor.stamp,
                    page.cursor.id if known else BEFORE_ALL_IDS,
                )
            if page.expected is not None:
                run.expected = page.expected
            run.save(update_fields=STORED_WITH_A_BATCH)
        self._count_calls(client)
        self.options.on_progress(run)
        self.lock.check()
        self._look_for_cancel()

    def _finish(self, members: Members, org_clock: datetime) -> None:
        """Leavers, exact counts, watermark and the end of the run: all of it or nothing."""
        run = self.run
        if run.org_count is None:
            run.org_count = members.count()
        self._enter(Phase.FINISHING)
        with transaction.atomic():
            run.left_source = members.mark_leavers()
            self._tell_erased(members.count_erased())
            for name, count in distinct_counts(run).items():
                setattr(run, name, count)
            run.cursor_stamp = run.cursor_id = ""
            run.save(update_fields=["org_count", "left_source", "cursor_stamp", "cursor_id", *COUNTS])
            ImportSetup.objects.filter(pk=run.setup_id).update(
                watermark=next_watermark(org_clock, run.watermark), imported_fingerprint=run.fingerprint
            )
            RunBatch.objects.filter(run=run).delete()
            runs.close(run, RunStatus.SUCCEEDED)
            alerts.import_succeeded(run)

    def _tell_erased(self, people: int) -> None:
        """One issue for all of them, since nothing may say who they are."""
        if people:
            message = f"People of the list who were erased here, and so were not imported again: {people:,}."
            issue = RecordIssue(run=self.run, value=str(people), code="erased", message=message)
            runs.add_issues(self.run, [issue])

    def _check_org(self, client: Client) -> None:
        """A session renewed on the way may be another org's: a sandbox refreshed in the middle of a run."""
        found = client.session.org_id
        if found != self.connection.org_id:
            raise OtherOrg(self.connection.org_id, found)

    def _enter(self, phase: Phase) -> None:
        runs.set_phase(self.run, phase)
        self.options.on_progress(self.run)

    def _count_calls(self, client: Client) -> None:
        total = client.transport.total_calls
        runs.count_calls(self.run, total - self.counted_calls)
        self.counted_calls = total

    def _look_for_cancel(self) -> None:
        if runs.cancel_requested(self.run):
            self.stop.set()
            raise Cancelled
