"""Delivers a workspace's pushes to its org: claims, writes, reads back, concludes, until nothing is due.

One process at a time delivers for a workspace, by a session advisory lock of PostgreSQL that goes with the process; so a
record's pushes are written in their order. Many workspaces are served side by side. Whoever finds the lock held may go:
the holder looks once more after it let go.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Min

from carillon.connections.models import SalesforceConnection
from carillon.consent import asking, delivery, lines, moved, pushes, store, waking, writing
from carillon.consent.delivery import Turn
from carillon.consent.models import UNSENT, ConsentPush, Delivery, PushState
from carillon.consent.pushes import Claimed, Ending, Gone, PutOff
from carillon.contacts.models import Absence, Contact
from carillon.lib.errors import CarillonError
from carillon.salesforce.errors import SalesforceError, Unreachable
from carillon.salesforce.transport import Retry

# Sets our locks apart from those of other software in the same database.
_NAMESPACE = 0x0CA7
LARGEST_CLAIM = 200
# A job goes on for so long, then leaves the rest to the next one: others want the slot, and a worker to stop.
SLICE_SECONDS = 10.0
LOCKED_FOR = 0.1
# So many of a worker's four slots at most wait for orgs that are known to fail: one that hangs must not keep the others'
# pushes from theirs.
SLOTS_FOR_FAILING = 2
SLOT_TAKEN_FOR = timedelta(seconds=5)
# Nearer than this a wake-up is worth a job of its own; what is due later, the job of each minute finds.
SOON_SECONDS = 60.0


def database_now() -> datetime:
    with connection.cursor() as cursor:
        return store.database_time(cursor)


@dataclass(frozen=True, slots=True)
class Means:
    """What time is, and how an org is called."""

    clock: Callable[[], datetime] = database_now
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    patience: Callable[[int, bool], Retry] = lines.patience

    def turn(self) -> Turn:
        return Turn(self.clock(), self.jitter())


WORKING = Means()
_slots_for_failing = threading.BoundedSemaphore(SLOTS_FOR_FAILING)


def deliver(workspace_id: int, means: Means = WORKING) -> int:
    """Delivers what is due; how many attempts that took. Returns at once when another process is at it."""
    attempts = 0
    while is_due(workspace_id, means.clock()):
        with _alone(workspace_id) as is_ours:
            if not is_ours:
                return attempts
            done, more = _deliver_alone(workspace_id, means)
        attempts += done
        if more:
            waking.wake_after_commit(workspace_id)
            break
        if not done:
            break
    _wake_when_due(workspace_id, means.clock())
    return attempts


def is_due(workspace_id: int, now: datetime) -> bool:
    """Whether there is something to deliver, or to put back, and the org is not left alone."""
    if _is_paused(workspace_id, now):
        return False
    return pushes.are_due(workspace_id, now) or pushes.abandoned(workspace_id, now).exists()


def workspaces_due(now: datetime) -> list[int]:
    waiting = ConsentPush.objects.filter(state__in=[*UNSENT, PushState.SENT]).order_by()
    ids = waiting.values_list("workspace_id", flat=True).distinct()
    return [workspace_id for workspace_id in ids if is_due(workspace_id, now)]


def _is_paused(workspace_id: int, now: datetime) -> bool:
    """A connection that was saved since is another one."""
    paused = Delivery.objects.filter(workspace=workspace_id, paused_until__gt=now).first()
    if paused is None:
        return False
    changed = SalesforceConnection.objects.filter(workspace=workspace_id, updated_at__gt=paused.failed_at)
    return not changed.exists()


@contextmanager
def _alone(workspace_id: int) -> Iterator[bool]:
    """In the connection that everything else uses: when it breaks, nothing more can be claimed with it."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s, %s)", [_NAMESPACE, workspace_id])
        is_ours = bool(cursor.fetchone()[0])
    try:
        yield is_ours
    finally:
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute("select pg_advisory_unlock(%s, %s)", [_NAMESPACE, workspace_id])


@contextmanager
def _slot(*, is_failing: bool) -> Iterator[bool]:
    """Whether there is one to call the org in."""
    is_ours = not is_failing or _slots_for_failing.acquire(blocking=False)
    try:
        yield is_ours
    finally:
        if is_failing and is_ours:
            _slots_for_failing.release()


def _deliver_alone(workspace_id: int, means: Means) -> tuple[int, bool]:
    """How many attempts were made, and whether there is more to do at once."""
    is_failing = Delivery.objects.filter(workspace=workspace_id, failures__gt=0).exists()
    with _slot(is_failing=is_failing) as is_ours:
        if not is_ours:
            waking.wake_after_commit(workspace_id, at=means.clock() + SLOT_TAKEN_FOR)
            return 0, False
        try:
            line = lines.open_line(workspace_id, means.patience(1, is_failing))
        except (CarillonError, SalesforceError) as error:
            _leave_alone(workspace_id, error, means.turn())
            return 0, False
        try:
            return _drain(workspace_id, line, means, is_failing=is_failing)
        finally:
            line.settle()


def _drain(workspace_id: int, line: lines.Line, means: Means, *, is_failing: bool) -> tuple[int, bool]:
    begun = time.monotonic()
    attempts, is_full, heard = 0, False, set[str]()
    while time.monotonic() - begun < SLICE_SECONDS:
        # Also when this is a new job: a storm that trickles in must not take a call for each few.
        waited = delivery.gathering(line.taken_since(means.clock() - delivery.LATELY))
        if waited and not is_full:
            means.sleep(waited)
        now, limit = means.clock(), 1 if is_failing else LARGEST_CLAIM
        unheard = _hear(line, workspace_id, now, limit, heard)
        if isinstance(unheard, Unreachable):
            return _broken_off(workspace_id, unheard, means, attempts)
        # Not to be read keeps late opt-ins back, and nothing else.
        claimed = pushes.claim(workspace_id=workspace_id, now=now, limit=limit, heard=heard)
        if not claimed:
            if unheard:
                return _broken_off(workspace_id, unheard, means, attempts)
            if not pushes.are_due(workspace_id, means.clock()):
                return attempts, False
            # Somebody, an import perhaps, holds their numbers for a moment.
            means.sleep(LOCKED_FOR)
            continue
        line.took(now, len(claimed))
        line.client.transport.retry = means.patience(len(claimed), is_failing)
        attempts += len(claimed)
        error = _carry_out(workspace_id, line, claimed, means)
        if error is not None:
            return _broken_off(workspace_id, error, means, attempts)
        if is_failing:
            # The others follow outside of the slots for orgs that fail.
            _works_again(workspace_id)
            return attempts, False
        is_full = len(claimed) == LARGEST_CLAIM
    return attempts, True


def _hear(
    line: lines.Line, workspace_id: int, now: datetime, most: int, heard: set[str]
) -> SalesforceError | None:
    try:
        asking.hear_before_late_opt_ins(line.client, workspace_id, now=now, most=most, heard=heard)
    except SalesforceError as error:
        return error
    return None


def _broken_off(workspace_id: int, error: SalesforceError, means: Means, attempts: int) -> tuple[int, bool]:
    lines.hang_up(workspace_id)
    _leave_alone(workspace_id, error, means.turn())
    return attempts, False


def _carry_out(
    workspace_id: int, line: lines.Line, claimed: list[Claimed], means: Means
) -> SalesforceError | None:
    """Writes the pushes and concludes each; what kept the org as a whole from answering, if something did."""
    carried = writing.carry_out(line.client, claimed, means.turn())
    endings = [*carried.endings, *_of_hidden(workspace_id, carried.hidden, means.turn())]
    followed = {push.id for push, _ in carried.moved}
    ended = {ending.push_id for ending in endings}
    reason = str(carried.error) if carried.error else ""
    now = means.clock()
    left = [PutOff(one.id, now, reason) for one in claimed if one.id not in ended and one.id not in followed]
    pushes.conclude(workspace_id=workspace_id, endings=[*endings, *left], now=now)
    for push, fate in carried.moved:
        moved.follow(
            workspace_id=workspace_id, push=push, sobject=fate.sobject, salesforce_id=fate.id, now=now
        )
    return carried.error


def _of_hidden(workspace_id: int, hidden: Sequence[Claimed], turn: Turn) -> list[Ending]:
    """What an import found in the recycle bin was purged since; of others nobody knows whether they are only hidden."""
    if not hidden:
        return []
    deleted = Contact.objects.filter(workspace=workspace_id, absence=Absence.DELETED)
    ids = [push.salesforce_id for push in hidden]
    purged = set(deleted.filter(salesforce_id__in=ids).values_list("salesforce_id", flat=True))
    return [
        Gone(push.id) if push.salesforce_id in purged else writing.ended_hidden(push, turn) for push in hidden
    ]


def _leave_alone(workspace_id: int, error: CarillonError | SalesforceError, turn: Turn) -> None:
    """The org can't be written to at all: one attempt at a time, further and further apart."""
    sentence = error.sentence if isinstance(error, CarillonError) else str(error)
    known, _ = Delivery.objects.get_or_create(workspace_id=workspace_id)
    failures = known.failures + 1
    passes = isinstance(error, SalesforceError) and error.retriable
    Delivery.objects.filter(pk=workspace_id).update(
        failures=failures,
        failing_since=known.failing_since or turn.now,
        failed_at=turn.now,
        paused_until=delivery.pause_after(failures, turn, passes=passes),
        error=sentence,
        remedy=error.remedy,
    )


def _works_again(workspace_id: int) -> None:
    Delivery.objects.filter(pk=workspace_id).update(
        failures=0, failing_since=None, failed_at=None, paused_until=None, error="", remedy=""
    )


def _wake_when_due(workspace_id: int, now: datetime) -> None:
    """For what is due before the job of each minute would look again."""
    next_due = ConsentPush.objects.filter(workspace=workspace_id, state__in=UNSENT).aggregate(
        at=Min("next_try_at")
    )["at"]
    if next_due is None:
        return
    paused = Delivery.objects.filter(workspace=workspace_id).values_list("paused_until", flat=True).first()
    moment = max(next_due, paused or next_due)
    if now < moment and (moment - now).total_seconds() <= SOON_SECONDS:
        waking.wake_after_commit(workspace_id, at=moment)
