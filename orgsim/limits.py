"""What an org may use: daily API requests, hourly report runs and the rest, shown by header and by /limits.

`Hourly...` and `Daily...` allowances are counted over a rolling hour or day, monthly ones over thirty days; all the
others (concurrent runs, storage) are levels: what is taken is in use until it is given back.
"""

import threading
from collections import Counter, defaultdict
from dataclasses import dataclass

from orgsim.clock import OrgClock
from orgsim.errors import ApiError
from orgsim.limits_table import API_REQUESTS, MOST, NESTED

# How an allowance's name begins, the seconds of one bucket, and how many of them it looks back on.
_WINDOWS = (("Hourly", 60, 60), ("Daily", 3_600, 24), ("Monthly", 86_400, 30))


@dataclass(frozen=True, slots=True)
class _Window:
    seconds: int
    buckets: int


def _window_of(name: str) -> _Window | None:
    for start, seconds, buckets in _WINDOWS:
        if name.startswith(start):
            return _Window(seconds, buckets)
    return None


class Allowances:
    """`org.usage`. Names are those of /limits; LookupError for another."""

    def __init__(self, clock: OrgClock) -> None:
        self._clock = clock
        self._most = dict(MOST)
        self._taken: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self._lock = threading.RLock()

    def most(self, name: str) -> int:
        if name not in self._most:
            raise LookupError(f"there is no limit {name}; there are: {', '.join(sorted(self._most))}")
        return self._most[name]

    def used(self, name: str) -> int:
        self.most(name)
        window = _window_of(name)
        with self._lock:
            taken = self._taken[name]
            oldest = self._bucket(window) - window.buckets + 1 if window else 0
            for bucket in [bucket for bucket in taken if bucket < oldest]:
                del taken[bucket]
            return taken.total()

    def remaining(self, name: str) -> int:
        return max(0, self.most(name) - self.used(name))

    def take(self, name: str, amount: int = 1) -> bool:
        """Take some of an allowance: False, and nothing taken, when less than that is left."""
        with self._lock:
            if self.remaining(name) < amount:
                return False
            window = _window_of(name)
            self._taken[name][self._bucket(window) if window else 0] += amount
            return True

    def give_back(self, name: str, amount: int = 1) -> None:
        """What was taken of a level (a concurrent run, storage) is free again."""
        with self._lock:
            self._taken[name][0] = max(0, self._taken[name][0] - amount)

    def set_limit(self, name: str, most: int) -> None:
        self.most(name)
        self._most[name] = most

    def _bucket(self, window: _Window) -> int:
        return int(self._clock.now().timestamp()) // window.seconds

    def count(self) -> None:
        """Take one API request of the day; raises 403 when there is none left."""
        if not self.take(API_REQUESTS):
            raise ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")

    def header(self) -> str:
        """The value of Sforce-Limit-Info."""
        return f"api-usage={self.used(API_REQUESTS)}/{self.most(API_REQUESTS)}"

    def answer(self) -> dict[str, dict[str, object]]:
        """The body of /limits."""
        with self._lock:
            return {
                name: {"Max": self.most(name), "Remaining": self.remaining(name), **NESTED.get(name, {})}
                for name in sorted(self._most)
            }
