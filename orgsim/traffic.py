"""The latest API calls of an org, for whoever watches a client at work. Paths only: a query may hold people's data."""

from collections import deque
from dataclasses import dataclass

from orgsim.clock import OrgClock

KEPT = 50


@dataclass(frozen=True, slots=True)
class Seen:
    at: str
    method: str
    path: str
    status: int
    milliseconds: int
    fault: bool


class Traffic:
    def __init__(self, clock: OrgClock) -> None:
        self._clock = clock
        self._seen: deque[Seen] = deque(maxlen=KEPT)

    def note(self, request: tuple[str, str], status: int, *, seconds: float, fault: bool) -> None:
        """`request` is method and path."""
        method, path = request
        self._seen.appendleft(Seen(self._clock.stamp(), method, path, status, round(seconds * 1000), fault))

    def latest(self) -> list[Seen]:
        """The newest first."""
        return list(self._seen)
