"""Rows that another transaction is said to hold, for some seconds or for some attempts to write them."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class _Hold:
    times: int | None
    until: datetime | None


class RowLocks:
    def __init__(self) -> None:
        self._held: dict[str, _Hold] = {}
        self._lock = threading.Lock()

    def hold(self, record_id: str, *, times: int | None = None, until: datetime | None = None) -> None:
        """Both None holds it until `release`."""
        with self._lock:
            self._held[record_id] = _Hold(times, until)

    def release(self, record_id: str) -> None:
        with self._lock:
            self._held.pop(record_id, None)

    def is_held(self, record_id: str, now: datetime) -> bool:
        """Whether the next attempt on this row would fail; nothing is used up by asking."""
        hold = self._held.get(record_id)
        return hold is not None and (hold.until is None or hold.until > now)

    def first_held(self, record_ids: Iterable[str], now: datetime) -> str | None:
        """The first of these rows that is held; an attempt is used up by that."""
        if not self._held:
            return None
        with self._lock:
            return next((record_id for record_id in record_ids if self._holds(record_id, now)), None)

    def _holds(self, record_id: str, now: datetime) -> bool:
        hold = self._held.get(record_id)
        if hold is None:
            return False
        if hold.until is not None and hold.until <= now:
            del self._held[record_id]
            return False
        if hold.times is not None:
            hold.times -= 1
            if hold.times <= 0:
                del self._held[record_id]
        return True
