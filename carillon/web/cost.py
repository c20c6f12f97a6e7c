"""API calls as the pages tell them: what a schedule takes a day, what was used, what is left, and what an import took."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from carillon.connections.actions import allowance_of
from carillon.connections.models import SalesforceConnection
from carillon.connections.usage import DayOfCalls, day_of
from carillon.imports import budget, budget_words, forecasts
from carillon.imports.budget import Limit
from carillon.imports.models import ImportSetup, Mode
from carillon.salesforce.kinds import words_of


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
class Cost:
    """What the chosen windows take. `calls` is of a day, or of one import when no window is chosen; None when nobody
    knows how long the list is. `together` adds the workspace's other imports, where there are any."""

    usage: Usage
    windows: int
    calls: int | None
    together: int | None
    first: int | None

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
    windows: Collection[str],
    people: int | None,
    connection: SalesforceConnection,
) -> Cost:
    """Of a schedule as it was entered; `people` is how many the org counts in the chosen source, if it does."""
    usage = usage_of(connection)
    members = people if people is not None else forecasts.members_of(setup) or None
    if members is None:
        return Cost(usage, len(windows), None, None, None)
    measured = forecasts.measured_of(setup)
    once = budget.forecast(everything=False, members=members, measured=measured)
    others = ImportSetup.objects.filter(workspace=setup.workspace_id, enabled=True).exclude(pk=setup.pk)
    beside = sum(map(forecasts.calls_a_day, others))
    is_first = forecasts.mode_now(setup, Mode.CHANGES) == Mode.EVERYTHING
    return Cost(
        usage=usage,
        windows=len(windows),
        calls=len(windows) * once if windows else once,
        together=len(windows) * once + beside if beside and windows else None,
        first=budget.forecast(everything=True, members=members, measured=measured) if is_first else None,
    )


def start_note(setup: ImportSetup, mode: str) -> StartNote | None:
    """What stands beside a button that starts an import; None while there is room."""
    outlook = forecasts.outlook(setup, mode)
    if outlook is None or outlook.shortage is None:
        return None
    sentence = budget_words.too_little(outlook.calls, outlook.shortage, outlook.budget)
    with_leave = budget.may_start(outlook.calls, outlook.budget, past_cap=True)
    return StartNote(sentence, outlook.shortage.limit == Limit.CAP and with_leave is None)
