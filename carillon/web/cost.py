"""API calls as the pages tell them: what a schedule takes a day, what was used, what is left, and what an import took."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import available_timezones

from carillon.connections.actions import allowance_of
from carillon.connections.models import SalesforceConnection
from carillon.connections.usage import DayOfCalls, day_of
from carillon.imports import budget, budget_words, expected, forecasts
from carillon.imports.budget import Limit
from carillon.imports.catalog import SourceFields
from carillon.imports.drafts import SetupDraft
from carillon.imports.models import ImportSetup, Mode, ReportWay, SourceType
from carillon.imports.sources.choice import runs_of_an_import
from carillon.imports.windows import WINDOWS, Schedule, meet_within
from carillon.lib.clock import now
from carillon.salesforce.kinds import words_of

# The org counts report runs by the hour.
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Kind:
    label: str
    number: int


@dataclass(frozen=True, slots=True)
class Usage:
    """Calls of the last 24 hours beside the org's limit. What the org has not said yet is None."""

    limit: int | None
    used: int | None
    at: datetime | None
    day: DayOfCalls
    cap: int | None

    @property
    def left(self) -> int | None:
        return None if self.limit is None or self.used is None else max(0, self.limit - self.used)


@dataclass(frozen=True, slots=True)
class ReportRuns:
    """Runs of reports in the hour that takes most of them, `beside` of them by the other import of the workspace;
    `limit` is what the org allows in an hour, None where it doesn't say."""

    own: int
    beside: int
    limit: int | None

    @property
    def all(self) -> int:
        return self.own + self.beside

    @property
    def is_over(self) -> bool:
        return self.limit is not None and self.all > self.limit


@dataclass(frozen=True, slots=True)
class Cost:
    """What the chosen windows take. `calls` is of a day, or of one import when no window is chosen; None when nobody
    knows how long the list is. `together` adds the workspace's other imports, where there are any. `runs` is of a
    report whose rows were counted."""

    usage: Usage
    windows: int
    calls: int | None
    together: int | None
    first: int | None
    runs: ReportRuns | None = None

    @property
    def is_over(self) -> bool:
        most = self.together if self.together is not None else self.calls
        return self.usage.cap is not None and most is not None and most > self.usage.cap

    @property
    def first_is_over(self) -> bool:
        return self.usage.cap is not None and self.first is not None and self.first > self.usage.cap


@dataclass(frozen=True, slots=True)
class StartNote:
    """Why a start needs a word first, or can't be."""

    sentence: str
    needs_word: bool


def kinds_of(calls: Mapping[str, int]) -> list[Kind]:
    """The most frequent first."""
    kinds = [Kind(words_of(kind), number) for kind, number in calls.items()]
    return sorted(kinds, key=lambda kind: (-kind.number, kind.label))


def usage_of(connection: SalesforceConnection) -> Usage:
    allowance, limit = allowance_of(connection), connection.org_calls_limit
    return Usage(
        limit=limit,
        used=connection.org_calls_used,
        at=connection.org_calls_at,
        day=day_of(connection.workspace_id),
        cap=budget.cap_in_calls(allowance.cap_percent, allowance.cap_calls, limit),
    )


def cost_of(
    setup: ImportSetup,
    draft: SetupDraft,
    fields: SourceFields | None,
    connection: SalesforceConnection,
    *,
    refreshed: bool = False,
) -> Cost:
    """Of a setup as it was entered; `fields` is what the org says of the chosen source, if it does; `refreshed`: what
    may go stale is mapped, so that everything is read once a day."""
    usage, windows = usage_of(connection), len(draft.windows)
    members = _counted(fields)
    if members is None and draft.source == setup.source_id:
        members = forecasts.members_of(setup) or None
    if members is None:
        return Cost(usage, windows, None, None, None)
    source = forecasts.source_of(draft)
    measured = forecasts.measured_of(setup, source)
    reckoned = partial(expected.forecast, source, members=members, measured=measured)
    a_day = expected.forecast_a_day(
        source, windows=windows, members=members, measured=measured, refreshed=refreshed
    )
    others = ImportSetup.objects.filter(workspace=setup.workspace_id, enabled=True).exclude(pk=setup.pk)
    beside = sum(map(forecasts.calls_a_day, others))
    is_first = forecasts.mode_now(setup, Mode.CHANGES) == Mode.EVERYTHING
    return Cost(
        usage=usage,
        windows=windows,
        calls=a_day if windows else reckoned(everything=False),
        together=a_day + beside if beside and windows else None,
        first=reckoned(everything=True) if is_first else None,
        runs=_report_runs(setup, draft, fields),
    )


def _counted(fields: SourceFields | None) -> int | None:
    """How many the org counts in a source now."""
    if fields is None:
        return None
    return fields.report.rows if fields.report else fields.people


def _report_runs(setup: ImportSetup, draft: SetupDraft, fields: SourceFields | None) -> ReportRuns | None:
    offer = fields.report if fields else None
    if offer is None or offer.runs is None:
        return None
    # Whatever was sent stands in the draft, until it is saved.
    timezone = draft.timezone if draft.timezone in available_timezones() else setup.timezone
    windows = tuple(window for window in WINDOWS if window in draft.windows)
    schedule = Schedule(timezone, windows, setup.schedule.seed)
    others = ImportSetup.objects.filter(
        workspace=setup.workspace_id, enabled=True, source_type=SourceType.REPORT
    ).exclude(pk=setup.pk)
    beside = sum(_runs_of(other) for other in others if meet_within(HOUR, schedule, other.schedule, now()))
    return ReportRuns(offer.runs, beside, offer.hourly_runs)


def _runs_of(setup: ImportSetup) -> int:
    alone = setup.source_way == ReportWay.REPORT_ONLY
    return runs_of_an_import(forecasts.members_of(setup), alone=alone)


def start_note(setup: ImportSetup, mode: str) -> StartNote | None:
    """What stands beside a button that starts an import; None while there is room."""
    outlook = forecasts.outlook(setup, mode)
    if outlook is None or outlook.shortage is None:
        return None
    sentence = budget_words.too_little(outlook.calls, outlook.shortage, outlook.budget)
    with_leave = budget.may_start(outlook.calls, outlook.budget, past_cap=True)
    return StartNote(sentence, outlook.shortage.limit == Limit.CAP and with_leave is None)
