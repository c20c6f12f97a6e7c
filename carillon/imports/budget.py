"""What imports may spend of an org's API calls. Pure.

Two limits hold over the last 24 hours: the *cap*, what all imports of a workspace together may use, and the *reserve*,
what they leave of the org's own calls to opt-outs. An admin may start an import past the cap, nobody past the reserve.
What is not known (an org that never told its limit) does not restrict.
"""

from dataclasses import dataclass
from enum import StrEnum

# Pages that another import under way may have asked for and not counted yet: as many as it reads ahead.
AHEAD = 8


class Limit(StrEnum):
    CAP = "cap"
    RESERVE = "reserve"


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
