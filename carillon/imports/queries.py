"""What pages and commands read about imports."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from django.db.models import Count, Func, IntegerField, JSONField, Q, QuerySet

from carillon.accounts.models import Workspace
from carillon.connections.permissions import Uses
from carillon.consent.queries import opt_out_field
from carillon.contacts.models import Contact, FieldChange, SalesforceObject
from carillon.imports.drafts import SetupDraft, draft_of
from carillon.imports.dry_run import Findings
from carillon.imports.lock import is_locked
from carillon.imports.models import (
    OPEN_STATUSES,
    DryRun,
    HeldLeavers,
    HeldOptIns,
    HeldStatus,
    ImportRun,
    ImportSetup,
    Mode,
    RecordIssue,
    RunStatus,
    ScheduledStart,
    SourceType,
    StartOutcome,
    Trigger,
)
from carillon.imports.runs import SCHEDULE
from carillon.imports.tally import Flip
from carillon.imports.windows import EASTERN

SHOWN_ISSUES = 1000
FLIPS_AT_ONCE = 5_000
# A mapped field was left out of the whole run, which succeeds without it.
_LEFT_OUT = ("field_unreadable", "type_no_longer_fits")


def time_zone(workspace: Workspace) -> ZoneInfo:
    """In which a day begins: that of the imports, which is where the people are; of Contacts before Leads."""
    enabled = ImportSetup.objects.filter(workspace=workspace, enabled=True).order_by("object")
    return ZoneInfo(enabled.values_list("timezone", flat=True).first() or EASTERN)


def history(workspace: Workspace) -> QuerySet[ImportRun]:
    return ImportRun.objects.filter(workspace=workspace).order_by("-queued_at", "-pk")


def starts_left_out(workspace: Workspace) -> QuerySet[ScheduledStart]:
    """Starts by schedule that made no import: missed and skipped ones."""
    found = ScheduledStart.objects.filter(setup__workspace=workspace).exclude(outcome=StartOutcome.STARTED)
    return found.select_related("setup").order_by("-starts_at", "-pk")


def open_runs(workspace: Workspace) -> list[ImportRun]:
    return list(history(workspace).filter(status__in=OPEN_STATUSES))


def is_interrupted(run: ImportRun) -> bool:
    """The run is marked as running, but no process works on it any more."""
    return run.status == RunStatus.RUNNING and not is_locked(run.setup_id)


def progress(run: ImportRun) -> tuple[int, int | None]:
    """Records so far, and of how many as far as that is known."""
    if run.expected is None:
        return run.received, None
    return run.received, max(run.expected, run.received)


def issue_codes(run: ImportRun) -> list[tuple[str, int]]:
    counted = RecordIssue.objects.filter(run=run).values_list("code").annotate(n=Count("pk"))
    return sorted(((code, n) for code, n in counted), key=lambda pair: (-pair[1], pair[0]))


def issues(run: ImportRun, *, code: str = "", text: str = "") -> QuerySet[RecordIssue]:
    """Issues of a run in the order of their unique key, optionally of one code or holding a text."""
    found = RecordIssue.objects.filter(run=run)
    if code := code.replace("\x00", ""):
        found = found.filter(code=code)
    if text := text.strip().replace("\x00", ""):
        found = found.filter(
            Q(salesforce_id__startswith=text) | Q(field__icontains=text) | Q(value__icontains=text)
        )
    return found.order_by("salesforce_id", "field", "code")


def fields_left_out(runs: Iterable[ImportRun]) -> dict[int, list[RecordIssue]]:
    """What runs, by their keys, say of mapped fields that they could not import at all."""
    found = RecordIssue.objects.filter(run__in=list(runs), salesforce_id="", code__in=_LEFT_OUT)
    by_run: dict[int, list[RecordIssue]] = {}
    for issue in found.order_by("field", "code"):
        by_run.setdefault(issue.run_id, []).append(issue)
    return by_run


def contact_issues(contact: Contact) -> list[RecordIssue]:
    """What the latest run that had anything to say about this record said."""
    found = RecordIssue.objects.filter(
        run__workspace=contact.workspace_id, run__object=contact.object, salesforce_id=contact.salesforce_id
    )
    latest = found.order_by("-run_id").values_list("run_id", flat=True).first()
    return list(found.filter(run_id=latest).order_by("field", "code")) if latest else []


def held_by(run: ImportRun) -> HeldLeavers | None:
    """The people a run held, whatever was decided about them."""
    return HeldLeavers.objects.filter(run=run).first()


def opt_ins_held_by(run: ImportRun) -> HeldOptIns | None:
    """The opt-ins a run held, whatever was decided about them."""
    return HeldOptIns.objects.filter(run=run).first()


def open_opt_ins(workspace: Workspace) -> QuerySet[HeldOptIns]:
    """Opt-ins that wait for an admin, the oldest first."""
    found = HeldOptIns.objects.filter(setup__workspace=workspace, status=HeldStatus.OPEN)
    return found.select_related("run").order_by("found_at", "pk")


def kept_runs(contact: Contact, changes: Iterable[FieldChange]) -> set[UUID]:
    """The runs of these changes that are still kept."""
    runs = ImportRun.objects.filter(
        workspace=contact.workspace_id, public_id__in={change.run for change in changes}
    )
    return set(runs.values_list("public_id", flat=True))


def dry_run_of(setup: ImportSetup) -> DryRun | None:
    found = DryRun.objects.filter(workspace=setup.workspace_id, object=setup.object)
    # There may be many flips, and a page that follows its progress has no use for them.
    return found.defer("flips").first()


def dry_run_flips(asked: DryRun, *, most: int | None = None) -> Iterator[Flip]:
    """The records by which a number's consent would change, or the first of them: read in parts, since there may be as many
    as people."""
    row = DryRun.objects.filter(pk=asked.pk)
    for begin in itertools.count(0, FLIPS_AT_ONCE):
        end = begin + FLIPS_AT_ONCE if most is None else min(begin + FLIPS_AT_ONCE, most)
        part = f"jsonb_path_query_array(%(expressions)s, '$[{begin} to {end - 1}]')"
        found = (
            row.values_list(Func("flips", template=part, output_field=JSONField()), flat=True).first() or []
        )
        yield from (Flip(*line) for line in found)
        if len(found) < FLIPS_AT_ONCE or end == most:
            return


def count_flips(asked: DryRun) -> int:
    length = Func("flips", function="jsonb_array_length", output_field=IntegerField())
    return DryRun.objects.filter(pk=asked.pk).values_list(length, flat=True).first() or 0


def dry_run_draft(asked: DryRun) -> SetupDraft:
    return msgspec.convert(asked.draft, SetupDraft)


def dry_run_findings(asked: DryRun) -> Findings | None:
    """What a dry run found, once it is over."""
    return msgspec.convert(asked.findings, Findings) if asked.findings else None


def is_as_saved(asked: DryRun, setup: ImportSetup) -> bool:
    """Whether the setup reads and stores what the dry run tried; when it runs makes no difference."""
    return _what(dry_run_draft(asked)) == _what(draft_of(setup))


def import_runs(setup: ImportSetup) -> bool:
    return is_locked(setup.pk)


def uses_of(workspace: Workspace) -> Uses:
    """What the imports that are on want of the org, and what consent writes to it."""
    of_reports = ImportSetup.objects.filter(workspace=workspace, enabled=True, source_type=SourceType.REPORT)
    fields = {name: opt_out_field(workspace, name).field for name in SalesforceObject.values}
    return Uses(reports=of_reports.exists(), opt_out_fields=fields)


def _what(draft: SetupDraft) -> SetupDraft:
    return replace(draft, enabled=True, timezone="", windows=())


def next_run_is_everything(setup: ImportSetup) -> str:
    """Why the next import will read everything, as far as that is known without asking the org; else empty."""
    if setup.watermark is None:
        return "The next import reads everything: this setup has not been imported in full yet."
    if not setup.imported_fingerprint:
        return "The next import reads everything: the source or the mapping changed."
    return ""


def run_as_json(run: ImportRun) -> dict[str, Any]:
    """The run as `carillon import --json` prints it."""
    shown = issues(run)[:SHOWN_ISSUES]
    return {
        **summary_as_json(run),
        "issues": [
            {
                "salesforce_id": issue.salesforce_id,
                "field": issue.field,
                "value": issue.value,
                "code": issue.code,
                "message": issue.message,
            }
            for issue in shown
        ],
    }


def summary_as_json(run: ImportRun) -> dict[str, Any]:
    """The run without its issues, as `carillon history --json` lists it."""
    return {
        "id": str(run.public_id),
        "status": run.status,
        "object": run.object,
        "mode": run.mode,
        "trigger": run.trigger,
        "started_by": run.started_by_name,
        "org_count": run.org_count,
        "received": run.received,
        "created": run.created,
        "updated": run.updated,
        "unchanged": run.unchanged,
        "rejected": run.rejected,
        "left_source": run.left_source,
        "deleted": run.deleted,
        "hidden": run.hidden,
        "merged": run.merged,
        "converted": run.converted,
        "opted_out": run.opted_out,
        "opted_in": run.opted_in,
        "held": run.held,
        "issue_count": run.issue_count,
        "api_calls": run.api_calls,
        "api_calls_by_kind": run.calls,
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "error": f"{run.error} {run.remedy}".strip() or None,
    }


def history_as_json(workspace: Workspace, limit: int) -> list[dict[str, Any]]:
    """Runs and, between them, scheduled starts that made none, newest first, as `carillon history --json` lists
    them. Both have the same keys; `window` and `due_at` are null where an import was not due by schedule."""
    runs = history(workspace).select_related("scheduled_start")[:limit]
    starts = starts_left_out(workspace)[:limit]
    lines = [
        *(
            (run.queued_at, {**summary_as_json(run), **_due(getattr(run, "scheduled_start", None))})
            for run in runs
        ),
        *((start.starts_at, _left_out_as_json(start)) for start in starts),
    ]
    lines.sort(key=lambda line: line[0], reverse=True)
    return [line for _, line in lines[:limit]]


def _left_out_as_json(start: ScheduledStart) -> dict[str, Any]:
    nothing = ImportRun(
        object=start.setup.object,
        mode=Mode.CHANGES,
        trigger=Trigger.SCHEDULED,
        status=start.outcome,
        started_by_name=SCHEDULE,
        error=start.reason,
    )
    return {**summary_as_json(nothing), "id": None, **_due(start)}


def _due(start: ScheduledStart | None) -> dict[str, str | None]:
    return {
        "window": start.window if start else None,
        "due_at": start.starts_at.isoformat() if start else None,
    }
