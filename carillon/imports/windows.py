"""When imports start by schedule. Pure.

A window is a span of local time such as 06:00-08:00. Each workspace has its own place inside every window, the same
each day, so that many workspaces don't all start at once. Starts are wall-clock times: one that a clock change skips
moves on by the change, one that comes twice is the first of the two, and a day that a zone left out has none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

WINDOWS = ("06:00-08:00", "12:00-14:00", "18:00-20:00")
EASTERN = "America/New_York"
# A start is never in a window's last minutes: the look that finds it due may come a little late.
LAST_MINUTES = 5
# Windows that passed longer ago than this are not even recorded as missed.
LOOK_BACK = timedelta(days=31)
# How long an import may take before what it should have brought counts as late.
TIME_TO_IMPORT = timedelta(hours=2)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """`seed` decides the place inside the windows: the same seed, the same place."""

    timezone: str
    windows: tuple[str, ...]
    seed: str


@dataclass(frozen=True, slots=True)
class Start:
    """The start of one window on one local day; `at` is in UTC."""

    window: str
    day: date
    at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of the starts that are due: at most one starts an import, the others were missed."""

    start: Start | None
    missed: tuple[Start, ...]


def start_of(schedule: Schedule, window: str, day: date) -> Start | None:
    """The start of a window on a local day; None when the zone left that day out (Samoa, December 30, 2011)."""
    begins, minutes = span(window)
    zone = ZoneInfo(schedule.timezone)
    wall = datetime.combine(day, begins) + timedelta(minutes=_place(schedule.seed, minutes))
    at = wall.replace(tzinfo=zone).astimezone(UTC)
    return Start(window, day, at) if at.astimezone(zone).date() == day else None


def starts_between(schedule: Schedule, after: datetime, until: datetime) -> list[Start]:
    """Every start later than `after` and not later than `until`, the earliest first."""
    zone = ZoneInfo(schedule.timezone)
    day, last = after.astimezone(zone).date(), until.astimezone(zone).date()
    found = []
    while day <= last:
        for window in schedule.windows:
            start = start_of(schedule, window, day)
            if start and after < start.at <= until:
                found.append(start)
        day += _DAY
    return sorted(found, key=lambda start: (start.at, start.window))


def next_start(schedule: Schedule, window: str, now: datetime) -> Start:
    """The first start of one window after `now`."""
    day = now.astimezone(ZoneInfo(schedule.timezone)).date()
    while True:
        start = start_of(schedule, window, day)
        if start and start.at > now:
            return start
        day += _DAY


def meet_within(span_of_time: timedelta, one: Schedule, other: Schedule, now: datetime) -> bool:
    """Whether starts of both come so close to each other, in the week after `now`."""
    until = now + 7 * _DAY
    theirs = [start.at for start in starts_between(other, now - _DAY, until)]
    return any(
        abs(start.at - at) < span_of_time for start in starts_between(one, now, until) for at in theirs
    )


def due(schedule: Schedule, decided_until: datetime, now: datetime) -> list[Start]:
    """The starts that nothing was decided about yet, the earliest first."""
    return starts_between(schedule, max(decided_until, now - LOOK_BACK), now)


def decide(due: Sequence[Start], timezone: str, now: datetime) -> Decision:
    """The latest due start starts an import if it is of today, however late; what came before it was missed."""
    if due and due[-1].day == now.astimezone(ZoneInfo(timezone)).date():
        return Decision(due[-1], tuple(due[:-1]))
    return Decision(None, tuple(due))


def promised(schedule: Schedule, since: datetime, now: datetime) -> datetime | None:
    """The latest start whose import should have ended by now; None when the schedule, which holds since `since`,
    has promised nothing yet."""
    latest_end = now - TIME_TO_IMPORT
    starts = starts_between(schedule, max(since, latest_end - 3 * _DAY), latest_end)
    return starts[-1].at if starts else None


def end_of(start: Start, timezone: str) -> datetime:
    """When the window that a start belongs to closes, in UTC."""
    begins, minutes = span(start.window)
    wall = datetime.combine(start.day, begins) + timedelta(minutes=minutes)
    return wall.replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)


def span(window: str) -> tuple[time, int]:
    """When a window such as 06:00-08:00 begins, and how many minutes it lasts."""
    begins, ends = map(time.fromisoformat, window.split("-"))
    return begins, (ends.hour - begins.hour) * 60 + ends.minute - begins.minute


def _place(seed: str, minutes: int) -> int:
    """A minute inside a window of so many, always the same for one seed."""
    return int.from_bytes(sha256(seed.encode()).digest()[:8], "big") % (minutes - LAST_MINUTES)
