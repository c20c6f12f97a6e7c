"""Asynchronous runs: asked for, New, Running, then Success or Error after a settable delay; kept for a day.

The rows are those of the moment the run ends, which is when its result is first asked for after the delay. Kept in
memory, packed: an org that is started again has none.
"""

import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from orgsim.ids import normalise, serial_id
from orgsim.reports.definition import Json

KEPT = timedelta(hours=24)
MOST_LISTED = 2_000
NEW, RUNNING, SUCCESS, ERROR = "New", "Running", "Success", "Error"


@dataclass(slots=True)
class Instance:
    """`execute` gives the body of the finished run; `packed` keeps it."""

    id: str
    report_id: str
    owner_id: str
    requested: datetime
    ends: datetime
    fails: bool
    details: bool
    execute: Callable[[], Json]
    packed: bytes = b""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def status(self, now: datetime) -> str:
        if now >= self.ends:
            return ERROR if self.fails else SUCCESS
        return NEW if now < self.requested + (self.ends - self.requested) / 4 else RUNNING

    def result(self) -> Json:
        """What the run found; it runs once."""
        with self.lock:
            if not self.packed:
                self.packed = zlib.compress(msgspec.json.encode(self.execute()), 1)
            body: Json = msgspec.json.decode(zlib.decompress(self.packed))
            return body


class Instances:
    """`delay` is how long a run takes, in seconds; `failing` is how many of the next ones end in Error."""

    def __init__(self) -> None:
        self.delay = 0.0
        self.failing = 0
        self.timing_out = 0
        self._kept: dict[str, Instance] = {}
        self._made = 0
        self._lock = threading.Lock()

    def add(
        self, *, report_id: str, owner_id: str, now: datetime, details: bool, execute: Callable[[], Json]
    ) -> Instance:
        with self._lock:
            self._forget(now)
            self._made += 1
            fails = self.failing > 0
            self.failing -= fails
            instance = Instance(
                id=serial_id("0LG", self._made),
                report_id=report_id,
                owner_id=owner_id,
                requested=now,
                ends=now + timedelta(seconds=self.delay),
                fails=fails,
                details=details,
                execute=execute,
            )
            self._kept[instance.id] = instance
            return instance

    def _forget(self, now: datetime) -> None:
        for old in [i.id for i in self._kept.values() if i.requested + KEPT <= now]:
            del self._kept[old]

    def find(self, report_id: str, instance_id: str, now: datetime) -> Instance | None:
        with self._lock:
            self._forget(now)
            instance = self._kept.get(normalise(instance_id) or "")
            return instance if instance and instance.report_id == report_id else None

    def of(self, report_id: str, now: datetime) -> list[Instance]:
        """Newest first."""
        with self._lock:
            self._forget(now)
            found = [i for i in self._kept.values() if i.report_id == report_id]
            return found[::-1][:MOST_LISTED]

    def drop(self, instance: Instance) -> None:
        with self._lock:
            self._kept.pop(instance.id, None)

    def takes_too_long(self) -> bool:
        """Whether the next synchronous run was ordered to pass the two minutes it may take."""
        with self._lock:
            due = self.timing_out > 0
            self.timing_out -= due
            return due
