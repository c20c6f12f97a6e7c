"""What becomes of pushes: claimed, then concluded. Whoever talks to Salesforce calls these, each a transaction of its
own, for one push or hundreds in a fixed number of queries. A claimed push is *sent* until it is concluded; one whose
worker died is claimed again, since writing the same status twice does no harm."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet

from carillon.consent import store, waking
from carillon.consent.decide import Says
from carillon.consent.models import UNSENT, ConsentPush, Delivery, PushState
from carillon.consent.reading import Mapping as Rules
from carillon.consent.store import HeldRow

# Longer than a call of Salesforce with its repetitions takes.
WORKER_DIED = timedelta(seconds=90)
REVERTED = "Salesforce took the change, and something in the org put the field back at once."
LOOK_FOR_AUTOMATION = "Look for a flow, trigger or formula that writes to the opt-out field, then try again."

# Longer than a push takes where nothing is wrong.
LATE_AFTER = timedelta(seconds=5)
# Of an opt-in, with LATE_AFTER before now. What an import says is late from the beginning: its pages are older.
_IS_LATE = """p.wanted = 'opted_in' and (p.attempts > 0 or p.created_at < %s or not exists (
    select 1 from consent_consentevent e where e.workspace_id = p.workspace_id and e.consent_id = p.consent_id
    and e.learnt_at = p.answers and e.cause in ('text', 'member') and e.kind in ('person_in', 'lifted', 'staff_in')))"""
# A record's pushes go one after the other.
_CANDIDATES = """
select p.id, p.consent_id from consent_consentpush p
where p.workspace_id = %s and p.state = any(%s) and p.next_try_at <= %s and p.object = any(%s) and not exists (
    select 1 from consent_consentpush s where s.workspace_id = p.workspace_id
    and s.salesforce_id = p.salesforce_id and s.state = 'sent')
{unless}
order by p.next_try_at, p.id limit %s
"""
_DUE = _CANDIDATES.format(unless="")
_DUE_AND_HEARD = _CANDIDATES.format(unless=f"and not ({_IS_LATE} and p.salesforce_id <> all(%s))")
_LATE_OPT_INS = """
select p.object, p.salesforce_id from consent_consentpush p
where p.workspace_id = %s and p.state = any(%s) and p.next_try_at <= %s and p.object = any(%s) and {is_late}
    and p.salesforce_id <> all(%s)
order by p.next_try_at, p.id limit %s
"""
_LOCK = "select id from consent_consent where id = any(%s) order by number for update"
_CLAIM = """
update consent_consentpush p set state = 'sent', sent_at = %s, attempts = attempts + 1, error = '', remedy = ''
where p.id = any(%s) and p.consent_id = any(%s) and p.state = any(%s) and not exists (
    select 1 from consent_consentpush s where s.workspace_id = p.workspace_id
    and s.salesforce_id = p.salesforce_id and s.state = 'sent')
returning p.id, p.object, p.salesforce_id, p.wanted, p.attempts, p.reverts
"""
_CONSENTS = "select distinct consent_id from consent_consentpush where workspace_id = %s and id = any(%s)"
_UNDER_WAY = """
select id, object, salesforce_id, wanted, answers, next_try_at, sent_at from consent_consentpush
where workspace_id = %s and id = any(%s) and state = 'sent' order by id
"""
_NEWEST = """
select salesforce_id, max(id) from consent_consentpush
where workspace_id = %s and salesforce_id = any(%s) group by salesforce_id
"""
_CONCLUDE = """
update consent_consentpush p set state = n.state, next_try_at = n.next_try_at, settled_at = n.settled_at,
    error = n.error, remedy = n.remedy, reverts = p.reverts + n.reverts
from unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::text[], %s::integer[])
    n (id, state, next_try_at, settled_at, error, remedy, reverts)
where p.id = n.id and p.state = 'sent'
"""
# What we wrote ourselves was read back with its stamp, by the org's clock. What is reverted and was never sent is no
# longer corrected by itself.
_RECORDS_CHANGED = """
update consent_consentpush set next_try_at = now() where id in (
    select p.id from consent_consentpush p
    join unnest(%s::text[], %s::timestamptz[]) n (salesforce_id, stamp) on p.salesforce_id = n.salesforce_id
    left join consent_recordvalue r on r.workspace_id = p.workspace_id and r.salesforce_id = p.salesforce_id
    where p.workspace_id = %s and (p.state = 'failed' and p.sent_at < n.stamp
        or p.state = 'reverted' and p.sent_at is not null and r.stamp < n.stamp)
    for update of p skip locked)
"""
_WITHDRAW = """
update consent_consentpush set state = 'superseded', settled_at = %s where id in (
    select p.id from consent_consentpush p where p.state = any(%s) and not exists (
        select 1 from consent_optoutmapping m
        where m.workspace_id = p.workspace_id and m.object = p.object and m.field <> '')
    for update of p skip locked)
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A push to be written to Salesforce now: `value` into `field` of the record. `attempts` counts this one."""

    id: int
    object: str
    salesforce_id: str
    field: str
    value: str | bool
    attempts: int
    reverts: int


@dataclass(frozen=True, slots=True)
class ReadBack:
    """The record was read back after the write and holds `value`; `stamp` is its SystemModstamp then. Where that is not
    what was written, the push is *reverted*, and tried again at `again_at`; None: not by itself."""

    push_id: int
    value: str | bool | None
    stamp: datetime
    again_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PutOff:
    """Whether it was written is not known, or it certainly was not: it waits again. Never given up."""

    push_id: int
    next_try_at: datetime
    error: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """Salesforce said no, and will until somebody changes something: it is shown, and tried again."""

    push_id: int
    sentence: str
    remedy: str
    next_try_at: datetime


@dataclass(frozen=True, slots=True)
class Gone:
    """The record was deleted: there is nothing to tell."""

    push_id: int


Ending: TypeAlias = ReadBack | PutOff | Refused | Gone


def claim(
    *, workspace_id: int, now: datetime, limit: int = 200, heard: Collection[str] | None = None
) -> list[Claimed]:
    """Due pushes in the order in which they are due, at most one of a record, for this caller alone. Late opt-ins go to
    records that were `heard` before, None: to any."""
    _put_back_abandoned(workspace_id, now)
    with transaction.atomic(), connection.cursor() as cursor:
        fields = store.fields_of(workspace_id)
        due = (workspace_id, list(UNSENT), now, list(fields))
        if heard is None:
            cursor.execute(_DUE, [*due, limit])
        else:
            cursor.execute(_DUE_AND_HEARD, [*due, now - LATE_AFTER, list(heard), limit])
        found = cursor.fetchall()
        if not found:
            return []
        cursor.execute(_LOCK + " skip locked", [sorted({consent for _, consent in found})])
        locked = [row[0] for row in cursor.fetchall()]
        cursor.execute(_CLAIM, [now, [pk for pk, _ in found], locked, list(UNSENT)])
        claimed = sorted(cursor.fetchall())
        values, _ = store.held(cursor, workspace_id, [row[2] for row in claimed], lock=True)
        held = []
        for _, kind_of, record, wanted, *_ in claimed:
            known = values.get(record) or HeldRow.never_read(record, fields[kind_of][1])
            held.append(known._replace(sent=wanted))
        store.hold(cursor, workspace_id, held)
    places = {pk: place for place, (pk, _) in enumerate(found)}
    return [
        Claimed(pk, kind_of, record, *_written(fields[kind_of], wanted), attempts, reverts)
        for pk, kind_of, record, wanted, attempts, reverts in sorted(claimed, key=lambda row: places[row[0]])
    ]


def are_due(workspace_id: int, now: datetime) -> bool:
    """Whether there is one to claim, were its number not locked."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, [workspace_id, list(UNSENT), now, list(store.fields_of(workspace_id)), 1])
        return cursor.fetchone() is not None


def late_opt_ins(
    workspace_id: int, objects: list[str], *, now: datetime, most: int, but: Collection[str]
) -> list[tuple[str, str]]:
    """Objects and records of those that are due, the next `most` of them but to the records `but`."""
    due = (workspace_id, list(UNSENT), now, objects)
    with connection.cursor() as cursor:
        cursor.execute(_LATE_OPT_INS.format(is_late=_IS_LATE), [*due, now - LATE_AFTER, list(but), most])
        return list(cursor.fetchall())


def abandoned(workspace_id: int, now: datetime) -> QuerySet[ConsentPush]:
    """Those whose worker died."""
    under_way = ConsentPush.objects.filter(workspace=workspace_id, state=PushState.SENT)
    return under_way.filter(sent_at__lt=now - WORKER_DIED)


def conclude(*, workspace_id: int, endings: Sequence[Ending], now: datetime) -> dict[int, PushState]:
    """How each of the pushes ended, once: the states that they have now, by id. One that is not in it ended otherwise
    meanwhile: another process took it over, or its person was erased."""
    by_push = {ending.push_id: ending for ending in endings}
    with transaction.atomic(), connection.cursor() as cursor:
        sent = _under_way(cursor, workspace_id, list(by_push))
        records = [push.salesforce_id for push in sent]
        values, _ = store.held(cursor, workspace_id, records, lock=True)
        cursor.execute(_NEWEST, [workspace_id, records])
        newest = dict(cursor.fetchall())
        mappings = store.mappings_of(workspace_id)
        ends, held = [], []
        for push in sent:
            known = values.get(push.salesforce_id)
            rules = mappings.get(push.object)
            end, holds = _concluded(push, by_push[push.id], rules, known, now)
            if end.state in UNSENT and (newest[push.salesforce_id] > push.id or rules is None):
                # One that was overtaken while it was under way never goes out again, whatever became of the newer one.
                end = end._replace(state=PushState.SUPERSEDED, settled_at=now)
            ends.append(end)
            if holds and holds != known:
                held.append(holds)
        if ends:
            store.hold(cursor, workspace_id, held)
            cursor.execute(_CONCLUDE, [list(column) for column in zip(*ends, strict=True)])
    return {end.id: PushState(end.state) for end in ends}


def retry(*, push_id: int, now: datetime) -> bool:
    """Somebody pressed *retry*; False when it is not waiting any more."""
    workspace = ConsentPush.objects.filter(pk=push_id).values_list("workspace_id", flat=True).first()
    return workspace is not None and bool(_try_now(workspace, now, pk=push_id))


def retry_all(*, workspace_id: int, now: datetime) -> int:
    """Everything that was refused or put back, and whatever waits for its turn; how many."""
    return _try_now(workspace_id, now)


def _try_now(workspace_id: int, now: datetime, **which: object) -> int:
    waiting = ConsentPush.objects.filter(workspace=workspace_id, state__in=UNSENT, **which)
    with transaction.atomic():
        # Those that somebody else has now are claimed or overtaken: a STOP must never wait for a click.
        ours = list(waiting.select_for_update(skip_locked=True).values_list("pk", flat=True))
        done = waiting.filter(pk__in=ours).update(next_try_at=now, reverts=0)
    if done:
        Delivery.objects.filter(workspace=workspace_id, failures__gt=0).update(paused_until=now)
        waking.wake_after_commit(workspace_id)
    return done


def records_changed(workspace_id: int, changed: Mapping[str, datetime]) -> None:
    """Records that others changed, with their SystemModstamp: what was refused or put back may go now."""
    if not changed:
        return
    with connection.cursor() as cursor:
        cursor.execute(_RECORDS_CHANGED, [list(changed), list(changed.values()), workspace_id])
        if cursor.rowcount:
            waking.wake_after_commit(workspace_id)


def withdraw_unmapped(now: datetime) -> None:
    """Of all workspaces: pushes of objects whose opt-out field was taken off the mapping go nowhere."""
    with connection.cursor() as cursor:
        cursor.execute(_WITHDRAW, [now, list(UNSENT)])


class _Sent(NamedTuple):
    id: int
    object: str
    salesforce_id: str
    wanted: str
    answers: datetime
    next_try_at: datetime | None
    sent_at: datetime


class _End(NamedTuple):
    id: int
    state: str
    next_try_at: datetime | None
    settled_at: datetime | None = None
    error: str = ""
    remedy: str = ""
    reverts: int = 0


def _under_way(cursor: CursorWrapper, workspace_id: int, push_ids: list[int]) -> list[_Sent]:
    """Those of the pushes that are under way, with their numbers locked."""
    cursor.execute(_CONSENTS, [workspace_id, push_ids])
    cursor.execute(_LOCK, [[row[0] for row in cursor.fetchall()]])
    cursor.execute(_UNDER_WAY, [workspace_id, push_ids])
    return [_Sent(*row) for row in cursor.fetchall()]


def _concluded(
    push: _Sent, ending: Ending, rules: Rules | None, known: HeldRow | None, now: datetime
) -> tuple[_End, HeldRow | None]:
    """How the attempt ends, and what the record is held to hold from now on."""
    held = known or HeldRow.never_read(push.salesforce_id, rules)
    if rules and rules.since > push.sent_at:
        # What was written means something else by now, or stands in another field.
        return _End(push.id, PushState.WAITING, now), None
    match ending:
        case PutOff():
            return _End(push.id, PushState.WAITING, ending.next_try_at, error=ending.error), None
        case Refused():
            end = _End(push.id, PushState.FAILED, ending.next_try_at, None, ending.sentence, ending.remedy)
            # A refusal is an answer: nothing was written.
            return end, held._replace(sent="")
        case ReadBack() if rules:
            return _read_back(push, ending, rules, held, now)
        case Gone():
            return _End(push.id, PushState.GONE, push.next_try_at, now), held._replace(sent="")
        case _:
            # No field is mapped any more: nobody knows what its value says.
            return _End(push.id, PushState.SUPERSEDED, push.next_try_at, now), held._replace(sent="")


def _read_back(
    push: _Sent, ending: ReadBack, rules: Rules, held: HeldRow, now: datetime
) -> tuple[_End, HeldRow]:
    says = rules.says(ending.value)
    held = held._replace(
        says=says.value,
        mapping_version=rules.version,
        stamp=ending.stamp,
        acknowledged_at=ending.stamp,
        sent="",
    )
    if says.value == push.wanted:
        end = _End(push.id, PushState.ACKNOWLEDGED, push.next_try_at, now)
        return end, held._replace(answers=push.answers, is_merged=False)
    return _End(
        push.id, PushState.REVERTED, ending.again_at, None, REVERTED, LOOK_FOR_AUTOMATION, reverts=1
    ), held


def _written(field: tuple[str, Rules], wanted: str) -> tuple[str, str | bool]:
    """The field, and the value that says it."""
    name, rules = field
    return name, rules.value_for(Says(wanted))


def _put_back_abandoned(workspace_id: int, now: datetime) -> None:
    endings = [PutOff(pk, now) for pk in abandoned(workspace_id, now).values_list("pk", flat=True)[:1000]]
    if endings:
        conclude(workspace_id=workspace_id, endings=endings, now=now)
