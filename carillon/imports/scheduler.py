"""Starts imports by schedule. Any number of workers may look at the schedule at once, at any time, as often as they
like: the unique row of each window's start makes that one run a window. What became of a start is written in the
transaction that makes its run."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet

from carillon.imports import alerts, runs, windows
from carillon.imports.models import (
    OPEN_STATUSES,
    ImportRun,
    ImportSetup,
    Mode,
    RunStatus,
    ScheduledStart,
    StartOutcome,
    Trigger,
)
from carillon.imports.queries import is_interrupted
from carillon.imports.waking import wake_worker
from carillon.imports.windows import Start

log = logging.getLogger("carillon.scheduler")

# The unique constraint of imports_scheduledstart.
ONCE = "start_once_per_window"
NOTHING_LOOKED = "Nothing looked at the schedule then: no worker ran, or the database was down."
KEEP_A_WORKER = "Keep carillon worker running at all times; it starts imports by schedule."


@dataclass(frozen=True, slots=True)
class Begun:
    """The run that a start made, or why it made none."""

    run: ImportRun | None
    reason: str = ""


def scheduled_setups() -> QuerySet[ImportSetup]:
    """Setups whose imports start by themselves."""
    return ImportSetup.objects.filter(enabled=True).exclude(windows=[]).select_related("workspace")


def undecided(setup: ImportSetup, now: datetime) -> list[Start]:
    """The starts of a setup that are due at `now` and were not acted on."""
    decided = setup.starts.aggregate(latest=Max("starts_at"))["latest"]
    since = max(setup.scheduled_since, decided) if decided else setup.scheduled_since
    due = windows.due(setup.schedule, since, now)
    if not due:
        return []
    # A window whose place moved later on the day of an upgrade has had its start already.
    known = set(
        setup.starts.filter(timezone=setup.timezone, day__gte=due[0].day).values_list("day", "window")
    )
    return [start for start in due if (start.day, start.window) not in known]


def start_due(now: datetime) -> int:
    """Decides about every start that is due; how many runs were made."""
    made = 0
    for setup in scheduled_setups().order_by("pk"):
        try:
            if undecided(setup, now):
                made += _decide(setup.pk, now)
        except Exception as error:
            if isinstance(error, IntegrityError) and ONCE in str(error):
                # Another process has decided about the same window: its row is there.
                continue
            # One setup in trouble must not keep the others from starting.
            log.exception("setup %s could not be started by schedule", setup.pk)
    return made


def decide_by(setup_id: int, now: datetime) -> None:
    """Decides about what the saved schedule owes, before another takes its place. Call it with the setup's row locked."""
    # A zone that is known no longer must not keep an admin from choosing another.
    with suppress(ZoneInfoNotFoundError):
        _decide(setup_id, now)


@transaction.atomic
def _decide(setup_id: int, now: datetime) -> int:
    # Locked: it is being saved, or another process decides. The next look is a minute away.
    locking = scheduled_setups().select_for_update(of=("self",), no_key=True, skip_locked=True)
    setup = locking.filter(pk=setup_id).first()
    due = undecided(setup, now) if setup else []
    if setup is None or not due:
        return 0
    decision = windows.decide(due, setup.timezone, now)
    for start in decision.missed:
        _record(setup, start, StartOutcome.MISSED, now, reason=NOTHING_LOOKED)
    begun = Begun(None)
    if decision.start:
        begun = _begin(setup)
        outcome = StartOutcome.STARTED if begun.run else StartOutcome.SKIPPED
        _record(setup, decision.start, outcome, now, run=begun.run, reason=begun.reason)
    if decision.missed:
        _tell(setup, decision.missed, begun.run)
    return 1 if begun.run else 0


def _record(
    setup: ImportSetup,
    start: Start,
    outcome: StartOutcome,
    now: datetime,
    *,
    run: ImportRun | None = None,
    reason: str = "",
) -> None:
    ScheduledStart.objects.create(
        setup=setup,
        timezone=setup.timezone,
        day=start.day,
        window=start.window,
        starts_at=start.at,
        outcome=outcome,
        reason=reason,
        run=run,
        decided_at=now,
    )


def _begin(setup: ImportSetup) -> Begun:
    """Queues a run, unless one of the setup is open: that one is left to end, or taken up again."""
    open_run = ImportRun.objects.filter(setup=setup, status__in=OPEN_STATUSES).first()
    if open_run:
        return Begun(None, _why_not_beside(open_run))
    request = runs.Request(setup, Mode.CHANGES, Trigger.SCHEDULED)
    try:
        with transaction.atomic():
            run = runs.new_run(request, RunStatus.QUEUED)
    except IntegrityError:
        return Begun(None, "Somebody started an import in the same moment.")
    transaction.on_commit(lambda: wake_worker(run))
    return Begun(run)


def _why_not_beside(open_run: ImportRun) -> str:
    asked = f"The import that {open_run.started_by_name} started at {open_run.queued_at:%Y-%m-%d %H:%M} UTC"
    if is_interrupted(open_run):
        transaction.on_commit(lambda: wake_worker(open_run))
        return f"{asked} had been interrupted: it was taken up again instead."
    still = "was still waiting for a worker" if open_run.status == RunStatus.QUEUED else "was still going"
    return f"{asked} {still}, so none was started beside it."


def _tell(setup: ImportSetup, missed: Sequence[Start], catching_up: ImportRun | None) -> None:
    latest = missed[-1].at.astimezone(ZoneInfo(setup.timezone))
    number = "One import" if len(missed) == 1 else f"{len(missed)} imports"
    sentence = (
        f"{number} of {setup.object}s by schedule {'was' if len(missed) == 1 else 'were'} missed, the latest at"
        f" {latest:%Y-%m-%d %H:%M} ({setup.timezone}). {NOTHING_LOOKED}"
    )
    then = " An import that catches up was started." if catching_up else ""
    alerts.starts_missed(setup, sentence + then, KEEP_A_WORKER)
