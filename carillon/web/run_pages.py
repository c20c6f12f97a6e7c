"""An import run, and a scheduled start that made none, as the pages show them: words, icon, progress and duration
worked out once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from carillon.imports import queries
from carillon.imports.models import (
    HeldLeavers,
    HeldOptIns,
    HeldStatus,
    ImportRun,
    Mode,
    RecordIssue,
    RunStatus,
    ScheduledStart,
    StartOutcome,
    Trigger,
)
from carillon.imports.runs import COMMAND_LINE
from carillon.imports.windows import Start, end_of
from carillon.lib.clock import now
from carillon.web.cost import Kind, kinds_of

# htmx: stop polling.
STOP_POLLING = 286
# Icon and colour of a status; the word always stands beside them.
LOOKS = {
    RunStatus.QUEUED: ("clock", "secondary"),
    RunStatus.RUNNING: ("running", "info"),
    RunStatus.SUCCEEDED: ("check", "success"),
    RunStatus.INCOMPLETE: ("warning", "warning"),
    RunStatus.FAILED: ("cross", "danger"),
    RunStatus.CANCELLED: ("stop", "secondary"),
    RunStatus.POSTPONED: ("clock", "warning"),
}

# As many fields as a row has room for.
_NAMED = 2
_LEAVERS = {
    HeldStatus.OPEN: "waiting for an admin",
    HeldStatus.DROPPED: "kept by an admin",
    HeldStatus.OVER: "settled by a later import",
}
_OPT_INS = {**_LEAVERS, HeldStatus.DROPPED: "left opted out by an admin", HeldStatus.OVER: "settled later"}


@dataclass(frozen=True, slots=True)
class Count:
    """`sentence` explains the number to somebody who sees it for the first time."""

    label: str
    number: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Held:
    """In words, and where the page of the run says more. `waits`: for an admin."""

    words: str
    anchor: str
    waits: bool


@dataclass(frozen=True, slots=True)
class RunView:
    row: ImportRun
    icon: str
    tone: str
    done: int
    of: int | None
    elapsed: timedelta | None
    counts: tuple[Count, ...]
    interrupted: bool
    # The issues of mapped fields it could not import at all.
    left_out: Sequence[RecordIssue] = ()

    @classmethod
    def of_run(cls, run: ImportRun, left_out: Sequence[RecordIssue] = ()) -> "RunView":
        icon, tone = LOOKS[RunStatus(run.status)]
        done, of = queries.progress(run)
        began = run.started_at
        elapsed = (run.finished_at or now()) - began if began else None
        return cls(run, icon, tone, done, of, elapsed, _counts(run), queries.is_interrupted(run), left_out)

    @property
    def at(self) -> datetime:
        return self.row.queued_at

    @property
    def asked(self) -> str:
        """Who or what asked for the run."""
        start = getattr(self.row, "scheduled_start", None) if self.row.trigger == Trigger.SCHEDULED else None
        if start is None:
            return self.row.started_by_name or str(self.row.get_trigger_display())
        return f"Schedule {start.window}{', caught up' if _caught_up(start) else ''}"

    @property
    def begun(self) -> str:
        """The same for a line of text."""
        name = self.row.started_by_name
        if self.row.trigger == Trigger.SCHEDULED or not name:
            return self.asked
        return "started on the command line" if name == COMMAND_LINE else f"started by {name}"

    @property
    def held(self) -> tuple[Held, ...]:
        """What became of what it held; not of what was applied, which is counted."""
        leavers = _held(getattr(self.row, "held_leavers", None), "Held", _LEAVERS, "held")
        opt_ins = _held(getattr(self.row, "held_opt_ins", None), "Opt-ins held", _OPT_INS, "opt-ins")
        return tuple(filter(None, (leavers, opt_ins)))

    @property
    def consent(self) -> str:
        """How many numbers' texting consent it changed, in a few words."""
        changed = ((self.row.opted_out, "opted out"), (self.row.opted_in, "opted in"))
        return ", ".join(f"{number:,} {what}" for number, what in changed if number)

    @property
    def not_imported(self) -> str:
        """The mapped fields it went on without, in a few words."""
        names = [one.field for one in self.left_out]
        if len(names) > _NAMED:
            return f"{len(names)} mapped fields not imported"
        return f"{' and '.join(names)} not imported" if names else ""

    @property
    def calls(self) -> list[Kind]:
        """Its API calls by kind."""
        return kinds_of(self.row.calls)

    @property
    def percent(self) -> int | None:
        return min(100, self.done * 100 // self.of) if self.of else None

    @property
    def spoken(self) -> str:
        """For screen readers: changes every tenth, not every second."""
        phase = self.row.get_phase_display() if self.row.is_open else self.row.get_status_display()
        if not self.row.is_open or self.percent is None:
            return str(phase)
        return f"{phase}: about {self.percent // 10 * 10} percent done"

    @property
    def proof(self) -> str:
        """What the run proves about completeness, when it counted the org's list."""
        run = self.row
        if run.org_count is None:
            return ""
        listed = f"{run.org_count:,} {'person' if run.org_count == 1 else 'people'}"
        if run.status == RunStatus.SUCCEEDED:
            return (
                f"The org's list holds {listed}. Each of them is stored here, has an issue below, "
                "or was read again and found to have left meanwhile."
            )
        return f"The org's list held {listed} when it was counted; this run did not account for all of them."


@dataclass(frozen=True, slots=True)
class StartView:
    """A scheduled start that was missed or skipped."""

    start: ScheduledStart

    @property
    def at(self) -> datetime:
        return self.start.starts_at

    @property
    def icon(self) -> str:
        return "warning" if self.start.outcome == StartOutcome.MISSED else "next"

    @property
    def tone(self) -> str:
        return "warning" if self.start.outcome == StartOutcome.MISSED else "secondary"


def _caught_up(start: ScheduledStart) -> bool:
    """Whether its window had closed before anything looked at the schedule."""
    return start.decided_at >= end_of(Start(start.window, start.day, start.starts_at), start.timezone)


def _held(
    found: HeldLeavers | HeldOptIns | None, words: str, ends: dict[HeldStatus, str], anchor: str
) -> Held | None:
    if found is None or found.status == HeldStatus.APPLIED:
        return None
    status = HeldStatus(found.status)
    people = f"{found.people:,} {'person' if found.people == 1 else 'people'}"
    return Held(f"{words}: {people}, {ends[status]}", anchor, status is HeldStatus.OPEN)


def _counts(run: ImportRun) -> tuple[Count, ...]:
    read = (
        "in the list" if run.mode == Mode.EVERYTHING else "changed since the last import, or new in the list"
    )
    counts = [
        Count("Received", run.received, f"Records read from Salesforce: {read}. Each counts once."),
        Count("New", run.created, "People stored here for the first time."),
        Count("Updated", run.updated, "People with a mapped value that differs from what was stored."),
        Count("Unchanged", run.unchanged, "People read again whose mapped values are the same as before."),
        Count("Rejected", run.rejected, "Records that could not be stored at all. Each has an issue."),
        Count("Left the list", run.left_source, _left(run)),
        Count(
            "Issues",
            run.issue_count,
            "Values that could not be taken as they were. The record may be stored.",
        ),
        Count("API calls", run.api_calls, "Calls this run took from the org's daily limit."),
    ]
    if run.opted_out or run.opted_in:
        words = "Numbers whose texting consent changed, because records in Salesforce say"
        counts.insert(6, Count("Opted out", run.opted_out, f"{words} opted out."))
        counts.insert(7, Count("Opted in", run.opted_in, f"{words} opted in."))
    if followed := run.merged + run.converted:
        sentence = (
            "People whose record was merged into another, or a Lead converted: one person, one history."
        )
        counts.insert(6, Count("Followed", followed, sentence))
    return tuple(counts)


def _left(run: ImportRun) -> str:
    found = [
        f"{number:,} {what}"
        for number, what in ((run.deleted, "deleted in Salesforce"), (run.hidden, "gone or hidden"))
        if number
    ]
    of_them = f" Of them {' and '.join(found)}." if found else ""
    return f"People no longer in the list. They are kept, not offered for texting.{of_them}"
