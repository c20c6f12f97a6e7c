"""What becomes of pushes: claimed, read back, put off, refused, reverted. Whoever talks to Salesforce calls these, each
a transaction of its own. A claimed push is *sent* until one of them says how it ended; one whose worker died is
claimed again, since writing the same status twice does no harm."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from carillon.consent import store
from carillon.consent.decide import Says
from carillon.consent.models import UNSENT, ConsentPush, PushState
from carillon.consent.store import HeldRow
from carillon.lib.errors import CarillonError

# Longer than a call of Salesforce with its repetitions takes.
WORKER_DIED = timedelta(minutes=10)

_CANDIDATES = """
select p.id, p.consent_id from consent_consentpush p
where p.workspace_id = %s and p.state = any(%s) and p.next_try_at <= %s and not exists (
    select 1 from consent_consentpush s where s.workspace_id = p.workspace_id
    and s.salesforce_id = p.salesforce_id and s.state = 'sent')
order by p.next_try_at, p.id limit %s
"""
_LOCK = "select id from consent_consent where id = any(%s) order by id for update skip locked"
_CLAIM = """
update consent_consentpush p set state = 'sent', sent_at = %s, attempts = attempts + 1, error = '', remedy = ''
where p.id = any(%s) and p.consent_id = any(%s) and p.state = any(%s) and not exists (
    select 1 from consent_consentpush s where s.workspace_id = p.workspace_id
    and s.salesforce_id = p.salesforce_id and s.state = 'sent')
returning p.id, p.object, p.salesforce_id, p.wanted, p.attempts
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A push to be written to Salesforce now: `value` into `field` of the record."""

    id: int
    object: str
    salesforce_id: str
    field: str
    value: str | bool
    attempts: int


def claim(*, workspace_id: int, now: datetime, limit: int = 200) -> list[Claimed]:
    """Due pushes in the order in which they are due, at most one of a record, for this caller alone."""
    _put_back_abandoned(workspace_id, now)
    with transaction.atomic(), connection.cursor() as cursor:
        mappings = store.fields_of(workspace_id)
        cursor.execute(_CANDIDATES, [workspace_id, list(UNSENT), now, limit])
        found = cursor.fetchall()
        cursor.execute(_LOCK, [sorted({consent for _, consent in found})])
        locked = [row[0] for row in cursor.fetchall()]
        cursor.execute(_CLAIM, [now, [pk for pk, _ in found], locked, list(UNSENT)])
        claimed = [row for row in cursor.fetchall() if row[1] in mappings]
        values, _ = store.held(cursor, workspace_id, [row[2] for row in claimed], lock=True)
        held = []
        for _, kind_of, record, wanted, _ in claimed:
            rules = mappings[kind_of][1]
            held.append((values.get(record) or HeldRow.never_read(record, rules))._replace(sent=wanted))
        store.hold(cursor, workspace_id, held)
    return [
        Claimed(
            pk, kind_of, record, mappings[kind_of][0], mappings[kind_of][1].value_for(Says(wanted)), attempts
        )
        for pk, kind_of, record, wanted, attempts in sorted(claimed)
    ]


def acknowledge(*, push_id: int, value: str | bool | None, org_time: datetime, now: datetime) -> bool:
    """The record was read back after the write and holds `value`; `org_time` is its SystemModstamp then. False when that
    is not what was written: the push is *reverted*, and tried again when `put_off` says so."""
    with transaction.atomic(), connection.cursor() as cursor:
        push, held = _sent(cursor, push_id)
        rules = store.mappings_of(push.workspace_id)[push.object]
        says = rules.says(value)
        is_equal = says == push.wanted
        held = held._replace(
            says=says.value, mapping_version=rules.version, stamp=org_time, acknowledged_at=org_time, sent=""
        )
        if is_equal:
            held = held._replace(answers=push.answers, is_merged=False)
            _end(push, PushState.ACKNOWLEDGED, settled_at=now)
        else:
            sentence = "Salesforce took the change, and something in the org put the field back at once."
            remedy = "Look for a flow, trigger or formula that writes to the opt-out field."
            _end(push, PushState.REVERTED, error=sentence, remedy=remedy)
        store.hold(cursor, push.workspace_id, [held])
    return is_equal


def put_off(*, push_id: int, next_try_at: datetime, error: str = "") -> None:
    """Whether it was written is not known, or it certainly was not: it waits again. Never given up."""
    with transaction.atomic(), connection.cursor() as cursor:
        push, _ = _sent(cursor, push_id)
        _end(push, PushState.WAITING, next_try_at=next_try_at, error=error)


def refuse(*, push_id: int, error: CarillonError, next_try_at: datetime) -> None:
    """Salesforce said no, and will until somebody changes something: it is shown, and tried again at `next_try_at`."""
    with transaction.atomic(), connection.cursor() as cursor:
        push, held = _sent(cursor, push_id)
        # A refusal is an answer: nothing was written.
        store.hold(cursor, push.workspace_id, [held._replace(sent="")])
        _end(push, PushState.FAILED, error=error.sentence, remedy=error.remedy, next_try_at=next_try_at)


def retry(*, push_id: int, now: datetime) -> bool:
    """Somebody pressed *retry*; False when it is not waiting any more."""
    return bool(ConsentPush.objects.filter(pk=push_id, state__in=UNSENT).update(next_try_at=now))


class NotUnderWay(CarillonError):
    """The push ended otherwise meanwhile: another process took it over."""


def _sent(cursor: CursorWrapper, push_id: int) -> tuple[ConsentPush, HeldRow]:
    """The push, with its number and what its record holds locked."""
    consent = ConsentPush.objects.values_list("consent_id", flat=True).get(pk=push_id)
    cursor.execute("select id from consent_consent where id = %s for update", [consent])
    push = ConsentPush.objects.get(pk=push_id)
    if push.state != PushState.SENT:
        raise NotUnderWay(
            "This push is not under way any more.", "Nothing to do: another worker looks after it."
        )
    values, _ = store.held(cursor, push.workspace_id, [push.salesforce_id], lock=True)
    mapping = store.mappings_of(push.workspace_id).get(push.object)
    return push, values.get(push.salesforce_id) or HeldRow.never_read(push.salesforce_id, mapping)


def _end(push: ConsentPush, state: PushState, **changes: object) -> None:
    """Ends the attempt. An unsent one that was overtaken while it was under way never goes out again."""
    same_record = ConsentPush.objects.filter(workspace=push.workspace_id, salesforce_id=push.salesforce_id)
    if state in UNSENT and same_record.filter(state__in=UNSENT).exists():
        state, changes = PushState.SUPERSEDED, {"settled_at": push.sent_at}
    ConsentPush.objects.filter(pk=push.pk, state=PushState.SENT).update(state=state, **changes)


def _put_back_abandoned(workspace_id: int, now: datetime) -> None:
    abandoned = ConsentPush.objects.filter(
        workspace=workspace_id, state=PushState.SENT, sent_at__lt=now - WORKER_DIED
    )
    for push_id in abandoned.values_list("pk", flat=True)[:1000]:
        put_off(push_id=push_id, next_try_at=now)
