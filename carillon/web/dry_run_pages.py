"""A dry run as its page shows it: words, numbers and the way on worked out once."""

from dataclasses import dataclass
from datetime import timedelta

from carillon.imports import queries
from carillon.imports.dry_run import Findings
from carillon.imports.flips import are_held
from carillon.imports.forecasts import mode_now
from carillon.imports.models import DryRun, ImportSetup, Mode, RunStatus
from carillon.imports.tally import Flip
from carillon.lib.clock import now
from carillon.web.cost import Kind, kinds_of
from carillon.web.run_pages import LOOKS, Count

# Of those whose consent would change; the CSV has all.
SHOWN = 20
_STANDARD = {
    "first_name": "First Name",
    "last_name": "Last Name",
    "mobile_number": "Mobile Number",
    "user_identification": "User Identification",
}


@dataclass(frozen=True, slots=True)
class Blanked:
    label: str
    number: int


@dataclass(frozen=True, slots=True)
class DryRunView:
    """`as_saved`: an import started now would do this; else the setup was not saved, or changed since."""

    row: DryRun
    found: Findings | None
    icon: str
    tone: str
    of: int | None
    elapsed: timedelta
    counts: tuple[Count, ...]
    blanked: tuple[Blanked, ...]
    first_flips: tuple[Flip, ...]
    flip_count: int
    as_saved: bool
    import_runs: bool
    foreseen: Mode

    @classmethod
    def of_row(cls, row: DryRun, setup: ImportSetup) -> "DryRunView":
        icon, tone = LOOKS[RunStatus(row.status)]
        found = queries.dry_run_findings(row)
        of = None if row.expected is None else max(row.expected, row.received)
        as_saved = queries.is_as_saved(row, setup)
        return cls(
            row,
            found,
            icon,
            tone,
            of,
            (row.finished_at or now()) - (row.started_at or row.queued_at),
            _counts(found) if found else (),
            _blanked(row, found) if found else (),
            tuple(queries.dry_run_flips(row, most=SHOWN)) if found else (),
            queries.count_flips(row) if found else 0,
            as_saved,
            queries.import_runs(setup),
            mode_now(setup, row.mode) if as_saved else Mode.EVERYTHING,
        )

    @property
    def mode(self) -> str:
        """What it reads, as far as that is known without asking the org; once it is over, what it read."""
        return Mode(self.found.mode if self.found else self.foreseen).label

    @property
    def calls(self) -> list[Kind]:
        """Its API calls by kind."""
        return kinds_of(self.found.calls) if self.found else []

    @property
    def opts_out_many(self) -> bool:
        """Of people stored before, more than of opt-ins would be held: opt-outs never wait, so it is said here."""
        found = self.found
        return found is not None and are_held(found.opted_out - found.created, found.org_count or 0)

    @property
    def percent(self) -> int | None:
        return min(100, self.row.received * 100 // self.of) if self.of else None

    @property
    def spoken(self) -> str:
        """For screen readers: changes every tenth, not every second."""
        if not self.row.is_open:
            return f"Dry run: {self.row.get_status_display()}"
        phase = self.row.get_phase_display()
        return f"{phase}: about {self.percent // 10 * 10} percent done" if self.percent is not None else phase


def _counts(found: Findings) -> tuple[Count, ...]:
    read = (
        "in the list"
        if found.mode == Mode.EVERYTHING
        else "changed since the last import, or new in the list"
    )
    counts = [
        Count("Received", found.received, f"Records read from Salesforce: {read}. Each counts once."),
        Count("New", found.created, "People who would be stored for the first time."),
        Count("Changed", found.updated, "People with a mapped value that differs from what is stored."),
        Count("Unchanged", found.unchanged, "People whose mapped values are the same as what is stored."),
        Count("Rejected", found.rejected, "Records that could not be stored at all."),
        Count("Issues", found.issue_count, "Values that could not be taken as they are."),
        Count("API calls", found.api_calls, "Calls the dry run took; the import takes about as many again."),
    ]
    if found.opted_out or found.opted_in or found.held_opt_ins:
        counts.insert(
            5,
            Count("Opted out", found.opted_out, "Numbers that would be opted out, those of new people too."),
        )
        counts.insert(6, Count("Opted in", found.opted_in, "Numbers that would be opted back in."))
    if found.held_opt_ins:
        sentence = "People who would be opted back in, but held first: an admin looks at so many."
        counts.insert(7, Count("Opt-ins held", found.held_opt_ins, sentence))
    unclear = sum(kind.count for kind in found.issue_kinds if kind.code == "opt_out_unclear")
    if unclear:
        sentence = "Records whose opt-out field says neither opted in nor opted out."
        counts.insert(7, Count("Consent unclear", unclear, sentence))
    if found.left_source is not None:
        leaving = Count(
            "Leaving the list",
            found.left_source,
            "People stored and no longer in the list. They would be kept, and marked"
            + (", but held first: an admin looks at so many." if found.held_reason else "."),
        )
        counts.insert(5, leaving)
    return tuple(counts)


def _blanked(row: DryRun, found: Findings) -> tuple[Blanked, ...]:
    draft = queries.dry_run_draft(row)
    labels = {**_STANDARD, **{field.contact_field: field.label for field in draft.additional_fields}}
    return tuple(Blanked(labels.get(name, name), number) for name, number in found.blanked.items() if number)
