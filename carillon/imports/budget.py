"""What imports may spend of an org's API calls, and what one will take. Pure.

Two limits hold over the last 24 hours: the *cap*, what all imports of a workspace together may use, and the *reserve*,
what they leave of the org's own calls to opt-outs. An admin may start an import past the cap, nobody past the reserve.
What is not known (an org that never told its limit) does not restrict.

Calls of an import: the pages of what it reads, the pages of the ids of the whole list (an import of everything that is
not interrupted is its own sweep), and a few more. How large pages are is the org's choice; it is measured.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from carillon.salesforce.bulk import routes
from carillon.salesforce.kinds import CallKind

# Pages that another import under way may have asked for and not counted yet: as many as it reads ahead.
AHEAD = 8
# Of a list that was not imported yet.
USUAL_SHARE = 0.01
USUAL_FEW = 3
_BULK = frozenset(kind for kind in CallKind if kind.startswith("bulk_"))


class Limit(StrEnum):
    CAP = "cap"
    RESERVE = "reserve"


@dataclass(frozen=True, slots=True)
class Spent:
    """A finished import that was never interrupted: its calls by kind, what it read, and how many the list held."""

    everything: bool
    calls: Mapping[str, int]
    received: int
    listed: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What the last imports of a setup showed: records a page when everything is read, and ids a page of the sweep;
    the share of the list that changes between two imports; calls besides pages; whether bulk jobs are used."""

    read_page: int = routes.PAGE
    sweep_page: int = routes.PAGE
    changes_share: float = USUAL_SHARE
    few: int = USUAL_FEW
    by_bulk: bool = False


@dataclass(frozen=True, slots=True)
class Budget:
    """The calls of one moment. `used` by imports in the last 24 hours; `org_left` of the org's own, by everyone;
    `beside` other imports of the workspace are under way. None is not known."""

    used: int
    cap: int | None
    org_left: int | None
    reserve: int
    beside: int = 0

    def room(self, *, past_cap: bool = False) -> int | None:
        """Calls that may still be made, 0 or more; None when nothing limits them."""
        rooms = [room for limit, room in self._rooms() if not (past_cap and limit == Limit.CAP)]
        return max(0, min(rooms)) if rooms else None

    def tightest(self, *, past_cap: bool = False) -> Limit | None:
        rooms = [(room, limit) for limit, room in self._rooms() if not (past_cap and limit == Limit.CAP)]
        return min(rooms)[1] if rooms else None

    def _rooms(self) -> list[tuple[Limit, int]]:
        ahead = AHEAD * self.beside
        found = []
        if self.cap is not None:
            found.append((Limit.CAP, self.cap - self.used - ahead))
        if self.org_left is not None:
            found.append((Limit.RESERVE, self.org_left - self.reserve - ahead))
        return found


@dataclass(frozen=True, slots=True)
class Shortage:
    """Why calls can't be made: which limit there is no room under, and how much room there is."""

    limit: Limit
    room: int


def cap_in_calls(percent: int | None, calls: int | None, org_limit: int | None) -> int | None:
    """The cap as a number; None while it is a share of a limit nobody knows."""
    if calls is not None:
        return calls
    return None if percent is None or org_limit is None else org_limit * percent // 100


def may_start(calls: int, budget: Budget, *, past_cap: bool = False) -> Shortage | None:
    """None when an import of so many calls has room, else what it lacks."""
    room, limit = budget.room(past_cap=past_cap), budget.tightest(past_cap=past_cap)
    if room is None or limit is None or calls <= room:
        return None
    return Shortage(limit, room)


def may_go_on(budget: Budget, *, past_cap: bool = False) -> Shortage | None:
    """None when one more call has room."""
    return may_start(1, budget, past_cap=past_cap)


def affordable(calls: int, budget: Budget, *, kept: int = 0) -> bool:
    """Whether calls that nobody asked for have room beside `kept`, those of the imports still to come."""
    return may_start(calls + kept, budget) is None


def forecast(*, everything: bool, members: int, measured: Measured, received: int = 0) -> int:
    """The calls of an import of a list with so many members, of which `received` are stored already by an import that
    this one continues."""
    if not everything:
        changed = round(members * measured.changes_share)
        return _read(changed, measured.read_page, measured) + _sweep(members, measured) + measured.few
    read = _read(max(0, members - received), measured.read_page, measured)
    return read + (_sweep(members, measured) if received else 0) + measured.few


def forecast_a_day(windows: int, members: int, measured: Measured) -> int:
    """The calls of a day whose windows each start an import of changes."""
    return windows * forecast(everything=False, members=members, measured=measured)


def measured(past: Sequence[Spent]) -> Measured:
    """What finished imports show, newest or oldest first; the documented sizes where they show nothing."""
    whole = [one for one in past if one.everything]
    changes = [one for one in past if not one.everything]
    listed = sum(one.listed for one in changes)
    besides = [_besides(one) for one in past]
    return Measured(
        read_page=_page(whole),
        sweep_page=_page(changes),
        changes_share=min(1.0, sum(one.received for one in changes) / listed) if listed else USUAL_SHARE,
        few=-(-sum(besides) // len(besides)) if besides else USUAL_FEW,
        by_bulk=any(_by_bulk(one) for one in past),
    )


def _read(count: int, page: int, measured: Measured) -> int:
    if measured.by_bulk and routes.choose(count) == routes.Route.BULK:
        return routes.bulk_calls(count)
    return max(1, -(-count // page))


def _sweep(members: int, measured: Measured) -> int:
    return _read(members, measured.sweep_page, measured)


def _by_bulk(spent: Spent) -> bool:
    return any(kind in _BULK for kind in spent.calls)


def _page(past: Sequence[Spent]) -> int:
    """Records a page. The last page of a query is not full: half of it, for want of knowing."""
    paged = [one for one in past if not _by_bulk(one) and one.calls.get(CallKind.QUERY_MORE)]
    records = sum(one.received + (0 if one.everything else one.listed) for one in paged)
    pages = sum(one.calls.get(CallKind.QUERY_MORE, 0) + _queries(one) / 2 for one in paged)
    return max(1, min(routes.PAGE, round(records / pages))) if pages else routes.PAGE


def _queries(spent: Spent) -> int:
    """Those that read: one, and one of the sweep."""
    return 1 if spent.everything else 2


def _besides(spent: Spent) -> int:
    """Calls that are no pages: descriptions, and people read again by id."""
    pages = spent.calls.get(CallKind.QUERY_MORE, 0)
    pages += sum(number for kind, number in spent.calls.items() if kind in _BULK)
    reading = 0 if _by_bulk(spent) else _queries(spent)
    return max(0, sum(spent.calls.values()) - pages - reading)
