"""What one import or dry run may still spend: each API call is counted, and asked for before it is made.

Counting writes to the database and happens in the thread that opened the purse; the threads that read ahead only
compare numbers. Between two countings an import beside this one may spend too: the budget keeps that much room free.
"""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from carillon.connections.actions import Allowance, allowance_of
from carillon.connections.models import SalesforceConnection
from carillon.connections.usage import ask_usage, day_of, fresh_usage
from carillon.imports import budget_words
from carillon.imports.budget import Budget, Shortage, may_go_on, may_start
from carillon.imports.forecasts import asking_may_help, budget_of, under_way
from carillon.imports.models import ImportRun
from carillon.lib.errors import CarillonError
from carillon.salesforce.errors import BudgetSpent
from carillon.salesforce.transport import ApiUsage, Transport

Note = Callable[[Counter[str], ApiUsage | None], None]


class Postponed(CarillonError):
    """There is no room in the API budget for what an import would take."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the database said when it was last asked. In one piece, since other threads read it at any moment."""

    allowance: Allowance
    used: int
    # The calls of this purse that are among them.
    noted: int
    beside: int


class Purse:
    """`note` stores calls that were made since it was called last; `run` is the import it is for, None for a dry run."""

    def __init__(self, connection: SalesforceConnection, note: Note, *, run: ImportRun | None = None) -> None:
        self._connection = connection
        self._note = note
        self._is_import = run is not None
        self._past_cap = run is not None and run.past_cap
        self._is_scheduled = run is not None and bool(run.setup.windows)
        self._thread = threading.get_ident()
        self._transport: Transport | None = None
        self._noted: Counter[str] = Counter()
        self._known = fresh_usage(connection)
        self._was_asked = False
        self._seen = self._look()

    def open(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def is_own_thread(self) -> bool:
        return threading.get_ident() == self._thread

    def settle(self) -> None:
        """Stores what was spent, and looks at what others spent. In the purse's own thread."""
        if self._transport is not None:
            counted = self._transport.counted()
            spent = counted - self._noted
            if spent:
                self._note(spent, self._transport.usage)
                self._noted = counted
        self._seen = self._look()

    def permit(self) -> None:
        """For a transport: raises BudgetSpent where one more call has no room."""
        if self.is_own_thread:
            self.settle()
        budget = self._budget()
        if shortage := may_go_on(budget, past_cap=self._past_cap):
            remedy = budget_words.remedy_after if self._is_import else budget_words.remedy_by_hand
            raise BudgetSpent(budget_words.spent(shortage, budget), remedy=remedy(shortage))

    def can_afford(self, calls: int) -> bool:
        """Whether `must_afford` would let so many calls pass."""
        try:
            self.must_afford(calls)
        except Postponed:
            return False
        return True

    def must_afford(self, calls: int) -> None:
        """Raises Postponed when what is left of so many calls, the ones already made among them, has no room."""
        self.settle()
        calls = max(1, calls - self._noted.total())
        if (shortage := self._shortage(calls)) and self._asks_anew(shortage):
            shortage = self._shortage(calls)
        if shortage:
            budget = self._budget()
            raise Postponed(
                budget_words.too_little(calls, shortage, budget), self._remedy(calls, shortage, budget)
            )

    def _shortage(self, calls: int) -> Shortage | None:
        return may_start(calls, self._budget(), past_cap=self._past_cap)

    def _remedy(self, calls: int, shortage: Shortage, budget: Budget) -> str:
        if self._is_import:
            return budget_words.remedy_before(calls, shortage, budget, is_scheduled=self._is_scheduled)
        return budget_words.remedy_by_hand(shortage)

    def _asks_anew(self, shortage: Shortage) -> bool:
        """Whether the org told its count and limit again, where those that are stored leave no room."""
        heard = self._transport is not None and self._transport.usage is not None
        if heard or self._was_asked or not asking_may_help(shortage, self._seen.allowance):
            return False
        self._was_asked = True
        said = ask_usage(self._connection)
        self._known = said or self._known
        return said is not None

    def _look(self) -> _Seen:
        workspace = self._connection.workspace_id
        # It is one of those under way itself.
        beside = max(0, under_way(workspace) - 1)
        current = SalesforceConnection.objects.get(pk=self._connection.pk)
        return _Seen(allowance_of(current), day_of(workspace).capped, self._noted.total(), beside)

    def _budget(self) -> Budget:
        seen, made = self._seen, self._transport.total_calls if self._transport else 0
        usage = self._usage(made)
        return budget_of(
            seen.allowance,
            used=seen.used + made - seen.noted,
            usage=usage,
            limit=usage.limit if usage else self._connection.org_calls_limit,
            running=seen.beside,
        )

    def _usage(self, made: int) -> ApiUsage | None:
        """What the org said last, and the calls made since."""
        said = self._transport.usage if self._transport else None
        if said is not None and self._transport is not None:
            return ApiUsage(said.used + self._transport.unreported, said.limit)
        return self._known and ApiUsage(self._known.used + made, self._known.limit)
