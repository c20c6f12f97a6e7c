"""A dry run: an import that counts what it would do and stores nothing. It walks as an import does, with the same
plan, mapping and comparison; only what becomes of a batch differs. It needs no lock, so it may run beside an
import; it then compares with what that has stored so far."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import transaction

from carillon.connections.clients import client_for, connection_for, sign_in
from carillon.connections.models import Purpose, SalesforceConnection
from carillon.connections.usage import record
from carillon.consent.asking import sightings
from carillon.consent.queries import meaning_of
from carillon.imports import flips
from carillon.imports.batches import Mapped
from carillon.imports.consents import Hearing
from carillon.imports.drafts import SetupDraft, unsaved
from carillon.imports.flips import are_held
from carillon.imports.forecasts import forecast_of, mode_now
from carillon.imports.hearing import foresee_leavers
from carillon.imports.leavers import Leavers
from carillon.imports.leaving import Leaving, is_held, likely_reason
from carillon.imports.mapping import Issue
from carillon.imports.models import ImportRun, ImportSetup, Mode, Phase, RunStatus
from carillon.imports.plan import ImportPlan
from carillon.imports.planning import make_plan
from carillon.imports.purse import Purse
from carillon.imports.runs import Scope, stored_before
from carillon.imports.sweep import Members, distinct_counts
from carillon.imports.tally import PROOF, Flip, Tally
from carillon.imports.walk import Cancelled, Start, Walk, ending_of, scope_of
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from carillon.salesforce.client import Client
from carillon.salesforce.transport import ApiUsage, Retry

_SHORT = (
    "A query of Salesforce came out short at first and was read again in parts; every person of the list is"
    " accounted for all the same."
)


class NotSetUp(CarillonError):
    """There is nothing to try."""

    def __init__(self, object: str) -> None:  # noqa: A002
        super().__init__(
            f"The import of {object}s is not set up.",
            "Choose a source and map the fields on the Contact Import page.",
        )


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried: a draft, complete and checked, in the place of what `setup` has saved."""

    setup: ImportSetup
    draft: SetupDraft
    source_label: str
    mode: Mode


@dataclass(frozen=True, slots=True)
class Progress:
    phase: Phase = Phase.STARTING
    received: int = 0
    expected: int | None = None
    api_calls: int = 0

    @property
    def of(self) -> int | None:
        """How many records there are to read, as far as that is known."""
        return None if self.expected is None else max(self.expected, self.received)


@dataclass(frozen=True, slots=True)
class IssueKind:
    code: str
    count: int
    message: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What the import would do; the names are those of an import's counts. What was not counted is None.

    `rejected_by_reason` counts records by the code of the issue, `blanked` people by the contact field that holds
    a value now and would hold none. Every mapped field is in `blanked`. `left_source` are all who are no longer in the
    list, merged and converted ones too; `held_reason` says why they would be held for an admin, if they would.
    `opted_out` and `opted_in` are numbers whose consent would change, those of new people among them; `held_opt_ins`
    people whose records would opt them back in and wait for an admin, and why.
    """

    status: RunStatus
    mode: Mode
    mode_reason: str = ""
    org_count: int | None = None
    received: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    left_source: int | None = None
    held_reason: str = ""
    opted_out: int = 0
    opted_in: int = 0
    held_opt_ins: int = 0
    held_opt_ins_reason: str = ""
    issue_count: int = 0
    rejected_by_reason: dict[str, int] = field(default_factory=dict)
    issue_kinds: list[IssueKind] = field(default_factory=list)
    blanked: dict[str, int] = field(default_factory=dict)
    api_calls: int = 0
    calls: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    started_at: str = ""
    finished_at: str = ""
    note: str = ""
    error: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """`look` is called with the progress at each step and twice a second while waiting; it may raise Cancelled. `keep`
    is given every flip of consent, once, at the end."""

    retry: Retry = field(default_factory=Retry)
    look: Callable[[Progress], None] = lambda progress: None
    keep: Callable[[list[Flip]], None] = lambda flips: None


def try_import(trial: Trial, options: Options | None = None) -> Findings:
    """Runs here and now. Raises NotSetUp when the draft is not complete; every other trouble is in
    the findings, with what was counted until then."""
    draft = trial.draft
    if not (draft.source and draft.first_name and draft.last_name and draft.mobile_number):
        raise NotSetUp(trial.setup.object)
    return _DryRun(trial, options or Options()).to_end()


class _DryRun:
    """Takes what a walk finds into a tally."""

    client: Client
    tally: Tally

    def __init__(self, trial: Trial, options: Options) -> None:
        self.trial = trial
        self.options = options
        self.setup, self.mappings = unsaved(trial.setup, trial.draft, trial.source_label)
        self.stop = threading.Event()
        self.calls: Counter[str] = Counter()
        self.progress = Progress()
        self.found = Findings(RunStatus.FAILED, trial.mode, started_at=now().isoformat())

    def to_end(self) -> Findings:
        began = time.monotonic()
        try:
            known = connection_for(self.setup.workspace_id)
            self.purse = Purse(known, self._note)
            client = client_for(
                known, retry=self.options.retry, should_stop=self._should_stop, permit=self.purse.permit
            )
            with client:
                self.client = client
                self.purse.open(client.transport)
                try:
                    self._walk(known)
                finally:
                    # Ends what still reads ahead after a trouble.
                    self.stop.set()
                    self.purse.settle()
        except (Exception, KeyboardInterrupt) as error:
            ending = ending_of(error, f"dry run of {self.setup.object}s")
            self._find(status=ending.status, error=ending.error, remedy=ending.remedy)
        self._find(
            api_calls=self.progress.api_calls,
            calls=dict(self.calls),
            seconds=round(time.monotonic() - began, 3),
            finished_at=now().isoformat(),
        )
        return self.found

    def _walk(self, known: SalesforceConnection) -> None:
        self.purse.must_afford(self._forecast(mode_now(self.trial.setup, self.trial.mode)))
        sign_in(self.client, known)
        plan, warnings = make_plan(self.client, self.setup, self.mappings, self.trial.draft.opt_out)
        affordable = not plan.stale or self.purse.can_afford(self._forecast(Mode.EVERYTHING))
        scope = scope_of(
            self.client, plan, self.setup, org_id=known.org_id, asked=self.trial.mode, affordable=affordable
        )
        self.purse.must_afford(self._forecast(scope.mode))
        everything = scope.mode == Mode.EVERYTHING
        self._find(mode=scope.mode, mode_reason=scope.reason)
        hearing = Hearing(plan.meaning, self.client.session.user_id)
        with closing(Tally(self.setup, hearing, everything=everything)) as self.tally:
            self.take_issues(warnings)
            proof = replace(PROOF, is_whole=everything)
            members = Members(self.setup.workspace_id, self.setup.object, proof)
            walk = Walk(self.client, plan, known.org_id, self)
            try:
                walk.to_end(
                    Start(
                        scope.watermark,
                        is_whole=everything,
                        likely=scope.likely,
                        with_stamps=scope.with_stamps,
                    ),
                    members,
                )
                self.enter(Phase.FINISHING)
                self.take_issues(members.erased())
                self._find_leavers(members.count_leavers(), scope)
                self._hear_leavers(plan, hearing)
                self._find_flips()
                self._find(note=_SHORT if walk.was_short else "")
                self._find(status=RunStatus.SUCCEEDED)
            finally:
                # Also what a walk that broke off had taken until then. Nobody goes on with its job.
                walk.abandon()
                self._find(**self._counts())
                self.options.keep(self.tally.flipping(held=bool(self.found.held_opt_ins)))

    def _find_leavers(self, leaving: int, scope: Scope) -> None:
        stored = stored_before(self._thought_of())
        reason = ""
        if is_held(leaving, stored):
            reason = likely_reason(
                Leaving(not_asked=leaving),
                stored=stored,
                listed=self.found.org_count or 0,
                setup_changed=scope.fingerprint != self.setup.imported_fingerprint,
            )
        self._find(left_source=leaving, held_reason=reason)

    def _hear_leavers(self, plan: ImportPlan, hearing: Hearing) -> None:
        workspace, sobject = self.setup.workspace_id, self.setup.object
        field, _ = meaning_of(self.setup.workspace, sobject, self.trial.draft.opt_out)
        if plan.meaning:
            leavers = Leavers(workspace, sobject)
            for seen in foresee_leavers(self.client, sobject, field.field, hearing, leavers):
                self.tally.hear(sightings(workspace, seen))

    def _find_flips(self) -> None:
        _, _, opting_in, read_anew = self.tally.flips()
        stored = stored_before(self._thought_of())
        if are_held(opting_in, stored):
            reason = flips.likely_reason(opting_in, stored=stored, read_anew=read_anew)
            self._find(held_opt_ins=opting_in, held_opt_ins_reason=reason)

    def _counts(self) -> dict[str, Any]:
        kinds = [IssueKind(*line) for line in self.tally.issues()]
        blanked, (opted_out, opted_in, *_) = self.tally.blanked(), self.tally.flips()
        return {
            **distinct_counts(PROOF),
            "issue_count": sum(kind.count for kind in kinds),
            "issue_kinds": kinds,
            "rejected_by_reason": self.tally.rejected(),
            "opted_out": opted_out,
            "opted_in": 0 if self.found.held_opt_ins else opted_in,
            "blanked": {name: blanked.get(name, 0) for name in self._contact_fields()},
        }

    def _contact_fields(self) -> list[str]:
        names = ["first_name", "last_name", "mobile_number"]
        if self.setup.user_identification:
            names.append("user_identification")
        return [*names, *(mapping.contact_field.name for mapping in self.mappings)]

    def enter(self, phase: Phase) -> None:
        self._move(phase=phase)

    def take(self, page: Mapped) -> None:
        received = self.progress.received + self.tally.take(page.batch, by_id=page.by_id)
        expected = self.progress.expected if page.expected is None else page.expected
        self._move(received=received, expected=expected)

    def take_issues(self, issues: list[Issue]) -> None:
        self.tally.add_issues(issues)

    def take_count(self, org_count: int) -> None:
        self._find(org_count=org_count)

    def look_for_cancel(self) -> None:
        self._move()

    def _move(self, **changes: Any) -> None:
        self.purse.settle()
        self.progress = replace(self.progress, **changes)
        self.options.look(self.progress)

    def _should_stop(self) -> bool:
        """As an import's: asked by a call that waits to be tried again."""
        if self.purse.is_own_thread and not self.stop.is_set():
            try:
                self._move()
            except Cancelled:
                self.stop.set()
        return self.stop.is_set()

    def _note(self, calls: Counter[str], usage: ApiUsage | None) -> None:
        self.calls += calls
        self.progress = replace(self.progress, api_calls=self.calls.total())
        with transaction.atomic():
            record(self.setup.workspace_id, Purpose.DRY_RUN, calls.total(), usage)

    def _forecast(self, mode: Mode) -> int:
        """As of a new run of the saved setup: the size of a list that no import counted is not known."""
        return forecast_of(self._thought_of(), mode)

    def _thought_of(self) -> ImportRun:
        setup = self.trial.setup
        return ImportRun(workspace_id=setup.workspace_id, setup=setup, object=setup.object)

    def _find(self, **changes: Any) -> None:
        self.found = replace(self.found, **changes)
