"""One way through the source of a plan: read, sweep, read again what is missing, explain the rest.

It decides what there is to take; what becomes of it is the taker's part. An import stores it, a dry run compares
it with what is stored and counts.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from django.db import DataError

from carillon.connections.clients import OtherOrg
from carillon.imports import runs
from carillon.imports.batches import Mapped, batches
from carillon.imports.bulk_reads import BulkReads
from carillon.imports.mapping import BadEnvelope, Issue, Mapper
from carillon.imports.models import ImportSetup, Mode, Phase, RunStatus
from carillon.imports.parts import Part
from carillon.imports.plan import ImportPlan
from carillon.imports.purse import Postponed
from carillon.imports.reading import Reader, ShortRead
from carillon.imports.refresh import Freshness, refresh
from carillon.imports.runs import Scope
from carillon.imports.sources.membership import NotProven
from carillon.imports.sources.readers import reader_of
from carillon.imports.sweep import Members
from carillon.imports.watermark import JobPlace, Key, effective_start, stamps_due
from carillon.lib.errors import CarillonError
from carillon.lib.pipeline import prefetch
from carillon.salesforce.client import Client
from carillon.salesforce.errors import BudgetSpent, LimitExceeded, SalesforceError, Stopped

log = logging.getLogger("carillon.imports")

_LEFT_MEANWHILE = ("left_meanwhile", "This record left the list while the import was reading it.")
_GONE_OR_HIDDEN = (
    "gone_or_hidden",
    "This record was deleted, or hidden from the API user, while the import was reading the list.",
)


class Cancelled(Exception):
    """Somebody asked the run to stop."""


class Unexplained(CarillonError):
    """Some of the source's ids are neither stored nor accounted for."""

    def __init__(self, unexplained: int, org_count: int) -> None:
        super().__init__(
            f"{unexplained:,} of the {org_count:,} people of the list could be neither stored nor explained, so the"
            " import is not complete.",
            "Nothing was taken off the list. Import everything again; if it stays so, report it.",
        )


@dataclass(frozen=True, slots=True)
class Start:
    """Where a walk begins. `received` were taken before, by a process that was interrupted; `is_whole` says that
    every record of the list is read, so that no sweep is needed. `place` is in the job that reads what comes after
    `cursor`; `likely` as in Reader; `with_stamps`: a sweep compares stamps too."""

    watermark: datetime | None
    cursor: Key | None = None
    received: int = 0
    is_whole: bool = False
    place: JobPlace | None = None
    likely: int = 0
    with_stamps: bool = False


class Taker(Protocol):
    """Takes what a walk finds. `look_for_cancel` raises Cancelled when somebody asked to stop."""

    def enter(self, phase: Phase) -> None: ...
    def take(self, page: Mapped) -> None: ...
    def take_issues(self, issues: list[Issue]) -> None: ...
    def take_count(self, org_count: int) -> None: ...
    def look_for_cancel(self) -> None: ...


class Walk:
    """One walk of one client; `org_id` is the org it must stay in."""

    def __init__(self, client: Client, plan: ImportPlan, org_id: str, taker: Taker) -> None:
        self._client = client
        self._org_id = org_id
        self._taker = taker
        self._mapper = Mapper(plan)
        self._jobs = BulkReads(client)
        self._reader = reader_of(client, plan, self._mapper.record, self._jobs)
        # Whether every member was seen with its stamp, once the walk is at its end.
        self.saw_stamps = False

    @property
    def was_short(self) -> bool:
        """Whether a query came out short at first, so that it was read again in parts."""
        return self._reader.was_short

    def to_end(self, start: Start, members: Members) -> None:
        """Afterwards `members` holds the ids of the list, each of which was taken or explained.
        Raises ShortRead, NotProven, Unexplained, BadEnvelope, OtherOrg, Cancelled, SalesforceError."""
        self._jobs.likely, self._jobs.place = start.likely, start.place
        self._read(start)
        # What its job held is stored by now. Where the read broke off, a later run may go on in the job.
        self._jobs.discard()
        self._tell_refusal()
        is_own_sweep = start.is_whole and self._reader.is_own_sweep and not self.was_short
        # What a report shows is not the stamp of the record.
        with_stamps = start.with_stamps and isinstance(self._reader, Reader)
        if is_own_sweep:
            members.add_all_read()
            self._taker.take_count(members.count())
        else:
            try:
                self._sweep(members, with_stamps=with_stamps)
            finally:
                self._jobs.discard()
            self._tell_refusal()
        self.saw_stamps = with_stamps or is_own_sweep

    def abandon(self) -> None:
        """Leaves no bulk job of this walk in the org; it can't go on."""
        self._jobs.close()

    def _tell_refusal(self) -> None:
        """Why pages were read where a job would have cost less; told twice, it stands there once."""
        if self._jobs.refusal:
            message = f"{self._jobs.refusal} The records were read page by page instead, which takes more API calls."
            self._taker.take_issues([Issue("", "", "", "bulk_not_used", message)])

    def _read(self, start: Start) -> None:
        parts = prefetch(self._reader.records(start.watermark, start.cursor))
        mapped = prefetch(
            (self._mapped(part, start.received) for part in parts), while_waiting=self._taker.look_for_cancel
        )
        phase = Phase.READING
        self._taker.enter(phase)
        for page in batches(mapped):
            self._take(page)
            found = Phase.PREPARING if page.waits else Phase.READING
            if found != phase:
                phase = found
                self._taker.enter(phase)

    def _mapped(self, part: Part, received: int) -> Mapped:
        expected = None if part.expected is None else received + part.expected
        return Mapped(self._mapper.page(part.records), part.cursor, expected, waits=part.waits)

    def _sweep(self, members: Members, *, with_stamps: bool) -> None:
        """Who is in the source now; whoever is not accounted for is read by id, or explained."""
        self._taker.enter(Phase.SWEEPING)
        for add in prefetch(self._swept(members, with_stamps), while_waiting=self._taker.look_for_cancel):
            self._check_org()
            add()
            self._taker.look_for_cancel()
        org_count = members.count()
        self._taker.take_count(org_count)
        self._taker.enter(Phase.REREADING)
        for missing in members.to_read():
            unseen = set(missing)
            for records in prefetch(self._reader.members(missing), while_waiting=self._taker.look_for_cancel):
                batch = self._mapper.page(records)
                unseen.difference_update((row.salesforce_id for row in batch.rows), batch.rejected)
                self._take(Mapped(batch, None, None, by_id=True))
            self._explain(sorted(unseen), members)
        unexplained = sum(len(ids) for ids in members.missing())
        if unexplained:
            raise Unexplained(unexplained, org_count)

    def _swept(self, members: Members, with_stamps: bool) -> Iterator[Callable[[], None]]:
        """What adds the members, some at a time."""
        if with_stamps and isinstance(self._reader, Reader):
            yield from (partial(members.add_with_stamps, found) for found in self._reader.stamps())
        else:
            yield from (partial(members.add, ids) for ids in self._reader.ids())

    def _explain(self, ids: list[str], members: Members) -> None:
        """Swept ids that the source no longer holds when asked for them by id."""
        if not ids:
            return
        existing = self._reader.existing(ids)
        issues = [
            Issue(record_id, "", "", *(_LEFT_MEANWHILE if record_id in existing else _GONE_OR_HIDDEN))
            for record_id in ids
        ]
        self._taker.take_issues(issues)
        members.drop(ids)

    def _take(self, page: Mapped) -> None:
        self._check_org()
        self._taker.take(page)

    def _check_org(self) -> None:
        """A session renewed on the way may be another org's: a sandbox refreshed in the middle of a run."""
        found = self._client.session.org_id
        if found != self._org_id:
            raise OtherOrg(self._org_id, found)


def scope_of(
    client: Client, plan: ImportPlan, setup: ImportSetup, *, org_id: str, asked: str, affordable: bool = True
) -> Scope:
    """What an import of this plan asked for in the mode `asked` reads now, from where, and why. `affordable`: to read
    everything stays within the API budget."""
    org_clock = client.transport.org_time
    if org_clock is None:
        raise CarillonError(
            "Salesforce's answers carry no Date header, so nothing can be said about what changed since.",
            "A proxy between here and Salesforce may strip it.",
        )
    fingerprint = plan.fingerprint(org_id)
    watermark, reason = effective_start(asked, setup.watermark, setup.imported_fingerprint, fingerprint)
    if watermark:
        today = refresh(
            Freshness(setup.full_import_at, setup.timezone, plan.stale), org_clock, affordable=affordable
        )
        watermark, reason = (None if today.due else watermark), today.reason
    mode = Mode.CHANGES if watermark else Mode.EVERYTHING
    stamps = stamps_due(setup.stamps_swept_at, org_clock, setup.timezone)
    return Scope(mode, reason, fingerprint, org_clock, watermark, runs.last_count(setup, fingerprint), stamps)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a walk ended that did not succeed, in a person's words."""

    status: RunStatus
    error: str = ""
    remedy: str = ""
    over_budget: bool = False


def ending_of(error: BaseException, what: str) -> Ending:
    """What an error makes of a run; `what` names the run in the log when the error is one nobody expected."""
    match error:
        case Cancelled() | Stopped() | KeyboardInterrupt():
            return Ending(RunStatus.CANCELLED)
        case ShortRead() | NotProven() | Unexplained():
            return Ending(RunStatus.INCOMPLETE, error.sentence, error.remedy)
        case BudgetSpent():
            return Ending(RunStatus.INCOMPLETE, str(error), error.remedy, over_budget=True)
        case Postponed():
            return Ending(RunStatus.POSTPONED, error.sentence, error.remedy)
        case LimitExceeded():
            # The org's own count is used up: as if the reserve had been met.
            return Ending(RunStatus.POSTPONED, str(error), error.remedy)
        case CarillonError():
            return Ending(RunStatus.FAILED, error.sentence, error.remedy)
        case SalesforceError():
            return Ending(RunStatus.FAILED, str(error), error.remedy)
        case BadEnvelope() | DataError():
            return Ending(
                RunStatus.FAILED,
                f"Salesforce sent records in a form that can't be trusted: {str(error).splitlines()[0]}",
                "What was stored before stays. Import again; if it fails the same way, report it with this text.",
            )
        case _:
            log.error("%s failed unexpectedly", what, exc_info=error)
            return Ending(
                RunStatus.FAILED,
                f"The import stopped on an unexpected error ({type(error).__name__}).",
                "What was stored before stays. The log of the process that ran it has the details.",
            )
