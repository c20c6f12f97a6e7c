"""What the database knows for the rules of the budget: what past imports took, what was spent, what will be."""

from dataclasses import dataclass

from django.db.models import Q

from carillon.connections.actions import Allowance, allowance_of
from carillon.connections.models import SalesforceConnection
from carillon.connections.usage import ask_usage, day_of, fresh_usage
from carillon.imports import budget, expected
from carillon.imports.budget import Budget, Limit, Shortage
from carillon.imports.drafts import STANDARD_FIELDS, SetupDraft, draft_of
from carillon.imports.expected import Measured, Source, Spent
from carillon.imports.models import DryRun, ImportRun, ImportSetup, Mode, RunStatus
from carillon.imports.runs import unfinished_before
from carillon.salesforce.kinds import CallKind
from carillon.salesforce.transport import ApiUsage

# Of each mode; enough to even out a busy day.
_LOOKED_AT = 5
# Calls of runs from before they were told apart.
_NOT_TOLD_APART = "not_told_apart"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What an import would take now, and whether there is room."""

    calls: int
    budget: Budget
    shortage: Shortage | None


def source_of(draft: SetupDraft) -> Source:
    """What an import of a setup reads, as it is entered."""
    mapped = [getattr(draft, name) for name in STANDARD_FIELDS]
    return expected.source_of(
        draft.source_way, [*mapped, *(field.salesforce for field in draft.additional_fields)]
    )


def measured_of(setup: ImportSetup, source: Source) -> Measured:
    """What imports of such a source showed. A list view and a report have nothing to say about each other."""
    told = ImportRun.objects.filter(setup=setup, status=RunStatus.SUCCEEDED, resumed=False)
    told = told.exclude(calls={}).exclude(calls__has_key=_NOT_TOLD_APART).order_by("-queued_at", "-pk")
    of_report = Q(calls__has_key=CallKind.REPORT_DESCRIBE)
    told = told.filter(of_report) if source.way else told.exclude(of_report)
    past = [run for mode in Mode for run in told.filter(mode=mode)[:_LOOKED_AT]]
    spent = [
        Spent(run.mode == Mode.EVERYTHING, run.calls, run.received, run.org_count or run.received)
        for run in past
    ]
    return expected.measured(spent, source)


def members_of(setup: ImportSetup) -> int:
    """How many the list held when an import last counted it; 0 when none did, as of a source that was just chosen."""
    counted = ImportRun.objects.filter(setup=setup, source_label=setup.source_label).filter(
        Q(org_count__isnull=False) | Q(mode=Mode.EVERYTHING, expected__isnull=False)
    )
    last = counted.order_by("-queued_at", "-pk").first()
    return 0 if last is None else last.org_count or last.expected or 0


def forecast_of(run: ImportRun, mode: Mode) -> int:
    """The calls that a run of a mode has yet to make."""
    already = run if run.has_place else unfinished_before(run)
    received = already.received if already and already.mode == mode else 0
    source = source_of(draft_of(run.setup))
    return expected.forecast(
        source,
        everything=mode == Mode.EVERYTHING,
        members=members_of(run.setup),
        measured=measured_of(run.setup, source),
        received=received,
    )


def mode_now(setup: ImportSetup, asked: str) -> Mode:
    """What an import asked for in this mode comes to, as far as that is known without asking the org."""
    if asked == Mode.CHANGES and setup.watermark and setup.imported_fingerprint:
        return Mode.CHANGES
    return Mode.EVERYTHING


def under_way(workspace_id: int) -> int:
    """How many imports and dry runs of the workspace are being worked on."""
    running = Q(workspace=workspace_id, status=RunStatus.RUNNING)
    return ImportRun.objects.filter(running).count() + DryRun.objects.filter(running).count()


def budget_of(
    allowance: Allowance, *, used: int, usage: ApiUsage | None, limit: int | None, running: int = 0
) -> Budget:
    """`usage` is what the org said just now, if it did; `limit` what it said at any time."""
    return Budget(
        used=used,
        cap=budget.cap_in_calls(allowance.cap_percent, allowance.cap_calls, limit),
        org_left=usage.limit - usage.used if usage else None,
        reserve=allowance.reserve,
        beside=running,
    )


def asking_may_help(shortage: Shortage, allowance: Allowance) -> bool:
    """Whether the shortage hangs on what the org said of its limit and its count, which may have changed since."""
    return shortage.limit == Limit.RESERVE or allowance.cap_percent is not None


def budget_now(connection: SalesforceConnection, said: ApiUsage | None = None) -> Budget:
    """`said` is what the org says right now, where it was asked."""
    usage = said or fresh_usage(connection)
    return budget_of(
        allowance_of(connection),
        used=day_of(connection.workspace_id).capped,
        usage=usage,
        limit=usage.limit if usage else connection.org_calls_limit,
        running=under_way(connection.workspace_id),
    )


def outlook(
    setup: ImportSetup, asked: str, *, past_cap: bool = False, ask_org: bool = False
) -> Outlook | None:
    """What an import started now would meet; None without a connection. With `ask_org` there is no shortage by a count
    that is out of date; that may raise CarillonError."""
    connection = SalesforceConnection.objects.filter(workspace=setup.workspace_id).first()
    if connection is None:
        return None
    calls, now = forecast_of(ImportRun(setup=setup), mode_now(setup, asked)), budget_now(connection)
    shortage = budget.may_start(calls, now, past_cap=past_cap)
    if ask_org and shortage and asking_may_help(shortage, allowance_of(connection)):
        now = budget_now(connection, ask_usage(connection))
        shortage = budget.may_start(calls, now, past_cap=past_cap)
    return Outlook(calls, now, shortage)


def calls_a_day(setup: ImportSetup) -> int:
    """The calls of a day of the setup's schedule. Which of its own fields are formulas, the org would have to be asked;
    fields of related records are known by their names."""
    source = source_of(draft_of(setup))
    return expected.forecast_a_day(
        source,
        windows=len(setup.windows),
        members=members_of(setup),
        measured=measured_of(setup, source),
        refreshed=source.related,
    )
