"""The tables of consent as the engine reads and writes them: for any number of numbers in a fixed number of queries.

Locks are taken in one order: consents by number, then what records hold, then pushes. Whoever changes what a record
holds, or its pushes, has locked the consent of a number of the record before.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple

from django.db.backends.utils import CursorWrapper

from carillon.consent.decide import BEFORE_EVERYTHING, RecordView, Says, State
from carillon.consent.delivery import MOST_CORRECTIONS, PUT_BACK, Earlier, put_backs
from carillon.consent.models import UNSENT, UNSETTLED, OptOutMapping, PushState
from carillon.consent.reading import Held, Mapping

# In the order of the statements below.
STAMPS = tuple(field.name for field in fields(State))

_INSERT_NUMBERS = """
insert into consent_consent (workspace_id, number, version)
select %s, number, 0 from unnest(%s::text[]) number
on conflict (workspace_id, number) do nothing returning number
"""
_LOCK_NUMBERS = """
select number, id, version, last_learnt_at, person_out, person_in, lifted, staff_out, staff_in, silence_out, silence_in,
    likely, cleared
from consent_consent where workspace_id = %s and number = any(%s) order by number for update
"""
_UPDATE_NUMBERS = """
update consent_consent c set version = n.version, last_learnt_at = n.last_learnt_at, person_out = n.person_out,
    person_in = n.person_in, lifted = n.lifted, staff_out = n.staff_out, staff_in = n.staff_in,
    silence_out = n.silence_out, silence_in = n.silence_in, likely = n.likely, cleared = n.cleared
from unnest(%s::bigint[], %s::integer[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[],
    %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[])
    n (id, version, last_learnt_at, person_out, person_in, lifted, staff_out, staff_in, silence_out, silence_in,
        likely, cleared)
where c.id = n.id
"""
_HELD = """
select r.salesforce_id, r.says, r.mapping_version, r.stamp, r.acknowledged_at, r.answers, r.sent, r.is_merged,
    r.left_opted_out, r.left_likely
from consent_recordvalue r where r.workspace_id = %s and r.salesforce_id = any(%s)
"""
_WAITING = """
select distinct on (salesforce_id) salesforce_id, wanted from consent_consentpush
where workspace_id = %s and salesforce_id = any(%s) and state = any(%s) order by salesforce_id, id desc
"""
_RECORDS = """
select mobile_number, salesforce_id, object from contacts_contact
where workspace_id = %s and mobile_number = any(%s) and mobile_number <> '' order by salesforce_id
"""
_INSERT_EVENTS = """
insert into consent_consentevent (workspace_id, consent_id, version, kind, cause, counts_at, happened_from, happened_to,
    learnt_at, status, member_id, run, key_hash)
select %s, * from unnest(%s::bigint[], %s::integer[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[],
    %s::timestamptz[], %s::timestamptz[], %s::text[], %s::bigint[], %s::uuid[], %s::bytea[])
returning consent_id, version, id
"""
_INSERT_EVIDENCE = """
insert into consent_evidence (workspace_id, event_id, consent_id, salesforce_id, words, reason)
select %s, * from unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[])
"""
_UPSERT_HELD = """
insert into consent_recordvalue (workspace_id, salesforce_id, says, mapping_version, stamp, acknowledged_at, answers,
    sent, is_merged, left_opted_out, left_likely)
select %s, * from unnest(%s::text[], %s::text[], %s::integer[], %s::timestamptz[], %s::timestamptz[],
    %s::timestamptz[], %s::text[], %s::boolean[], %s::boolean[], %s::timestamptz[])
on conflict (workspace_id, salesforce_id) do update set says = excluded.says,
    mapping_version = excluded.mapping_version, stamp = excluded.stamp,
    acknowledged_at = excluded.acknowledged_at, answers = excluded.answers, sent = excluded.sent,
    is_merged = excluded.is_merged, left_opted_out = excluded.left_opted_out, left_likely = excluded.left_likely
"""
_SUPERSEDE = """
update consent_consentpush set state = %s, settled_at = %s
where workspace_id = %s and salesforce_id = any(%s) and state = any(%s)
"""
_INSERT_PUSHES = """
insert into consent_consentpush (workspace_id, attempts, consent_id, object, salesforce_id, wanted, answers, created_at,
    next_try_at, state, reverts, error, remedy)
select %s, 0, * from unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[],
    %s::timestamptz[], %s::text[], %s::integer[], %s::text[], %s::text[])
"""
_EARLIER = """
select distinct on (salesforce_id) salesforce_id, answers, reverts from consent_consentpush
where workspace_id = %s and consent_id = any(%s) and salesforce_id = any(%s) and wanted = 'opted_out'
order by salesforce_id, id desc
"""
_TRY_ANEW = """
update consent_consentpush set next_try_at = %s, reverts = 0
where workspace_id = %s and consent_id = any(%s) and state = 'reverted' and wanted = 'opted_out'
"""
_INSERT_CONFLICTS = """
insert into consent_consentconflict (event_id, workspace_id, consent_id, salesforce_id, state, found_at)
select event_id, %s, consent_id, salesforce_id, 'corrected', found_at
from unnest(%s::bigint[], %s::bigint[], %s::text[], %s::timestamptz[])
    c (event_id, consent_id, salesforce_id, found_at)
"""
_OPEN_REVIEWS = """
insert into consent_review (workspace_id, consent_id, opened_at, due_at, outcome)
select %s, *, '' from unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[])
on conflict (workspace_id, consent_id) where closed_at is null do nothing
"""
_CLOSE_REVIEWS = """
update consent_review r set closed_at = n.closed_at, outcome = n.outcome
from unnest(%s::bigint[], %s::timestamptz[], %s::text[]) n (consent_id, closed_at, outcome)
where r.workspace_id = %s and r.consent_id = n.consent_id and r.closed_at is null
"""


class HeldRow(NamedTuple):
    """One row of RecordValue; `sent` is empty or a status."""

    salesforce_id: str
    says: str
    mapping_version: int
    stamp: datetime
    acknowledged_at: datetime | None = None
    answers: datetime | None = None
    sent: str = ""
    is_merged: bool = False
    left_opted_out: bool = False
    left_likely: datetime | None = None

    @classmethod
    def never_read(cls, salesforce_id: str, mapping: Mapping | None) -> "HeldRow":
        """What having no row means."""
        return cls(salesforce_id, Says.IN.value, mapping.version if mapping else 0, BEFORE_EVERYTHING)

    def held(self, waiting: Says | None) -> Held:
        return Held(
            Says(self.says),
            self.mapping_version,
            self.stamp,
            self.acknowledged_at,
            self.answers,
            waiting,
            Says(self.sent) if self.sent else None,
            self.is_merged,
        )


@dataclass(frozen=True, slots=True)
class LockedNumber:
    """A number whose row is locked until the end of the transaction; `is_new` when this transaction made it."""

    number: str
    id: int
    version: int
    last_learnt_at: datetime | None
    state: State
    is_new: bool


class EventRow(NamedTuple):
    consent_id: int
    version: int
    kind: str
    cause: str
    counts_at: datetime
    happened_from: datetime | None
    happened_to: datetime | None
    learnt_at: datetime
    status: str
    member_id: int | None
    run: object
    key_hash: bytes | None


class PushRow(NamedTuple):
    consent_id: int
    object: str
    salesforce_id: str
    wanted: str
    answers: datetime
    created_at: datetime
    next_try_at: datetime | None
    state: str = PushState.WAITING
    reverts: int = 0
    error: str = ""
    remedy: str = ""

    def put_back(self, reverts: int) -> "PushRow":
        """The same, after the record was put back so often."""
        if reverts <= MOST_CORRECTIONS:
            return self._replace(reverts=reverts)
        sentence, remedy = PUT_BACK
        return self._replace(
            next_try_at=None, state=PushState.REVERTED, reverts=reverts, error=sentence, remedy=remedy
        )


def lock_numbers(
    cursor: CursorWrapper, workspace: int, numbers: Iterable[str], *, making: Iterable[str] = ()
) -> dict[str, LockedNumber]:
    """The rows of those numbers that have one, after those of `making` were made where they were missing."""
    missing, made, locked = sorted(set(making)), set[str](), dict[str, LockedNumber]()
    while True:
        if missing:
            cursor.execute(_INSERT_NUMBERS, [workspace, missing])
            made |= {row[0] for row in cursor.fetchall()}
        cursor.execute(_LOCK_NUMBERS, [workspace, sorted({*numbers, *missing})])
        locked |= {
            number: LockedNumber(number, pk, version, last, State(*stamps), number in made)
            for number, pk, version, last, *stamps in cursor.fetchall()
        }
        missing = [number for number in missing if number not in locked]
        if not missing:
            return locked
        # Whom we waited for erased the last one who had it: the row is not the number's any more.
        numbers = ()


def read_numbers(cursor: CursorWrapper, workspace: int, numbers: Iterable[str]) -> dict[str, LockedNumber]:
    """As `lock_numbers`, only to look at; those without a row come as new ones."""
    wanted = sorted(set(numbers))
    cursor.execute(_LOCK_NUMBERS.removesuffix("for update\n"), [workspace, wanted])
    known = {
        number: LockedNumber(number, pk, version, last, State(*stamps), is_new=False)
        for number, pk, version, last, *stamps in cursor.fetchall()
    }
    return {
        number: known.get(number) or LockedNumber(number, 0, 0, None, State(), is_new=True)
        for number in wanted
    }


def database_time(cursor: CursorWrapper) -> datetime:
    """One clock for all machines. Asked after the numbers are locked, so what is learnt later has a later time."""
    cursor.execute("select clock_timestamp()")
    moment: datetime = cursor.fetchone()[0]
    return moment


def fields_of(workspace: int) -> dict[str, tuple[str, Mapping]]:
    """The opt-out fields by object, with what their values mean; an object that has none is not in it."""
    mapped = OptOutMapping.objects.filter(workspace=workspace).exclude(field="")
    return {found.object: (found.field, found.rules) for found in mapped}


def mappings_of(workspace: int) -> dict[str, Mapping]:
    """What values of opt-out fields mean, by object."""
    return {name: rules for name, (_, rules) in fields_of(workspace).items()}


def held(
    cursor: CursorWrapper, workspace: int, salesforce_ids: list[str], *, lock: bool = False
) -> tuple[dict[str, HeldRow], dict[str, Says]]:
    """What of the records is known, and what their newest unsettled pushes want."""
    locking = " order by r.salesforce_id for update" if lock else ""
    cursor.execute(_HELD + locking, [workspace, salesforce_ids])
    values = {row[0]: HeldRow(*row) for row in cursor.fetchall()}
    cursor.execute(_WAITING, [workspace, salesforce_ids, list(UNSETTLED)])
    return values, {record: Says(wanted) for record, wanted in cursor.fetchall()}


def hold(cursor: CursorWrapper, workspace: int, rows: Sequence[HeldRow]) -> None:
    """What records are held to hold from now on; their consents are locked."""
    if rows:
        cursor.execute(_UPSERT_HELD, [workspace, *_columns(sorted(rows))])


def records_of(cursor: CursorWrapper, workspace: int, numbers: list[str]) -> list[tuple[str, str, str]]:
    """Number, record and object of all contacts with one of the numbers."""
    cursor.execute(_RECORDS, [workspace, numbers])
    return list(cursor.fetchall())


def view(
    record: str,
    value: HeldRow | None,
    waiting: Says | None,
    mapping: Mapping,
    *,
    fresh: bool,
    unread: Says | None = Says.IN,
    before: HeldRow | None = None,
) -> RecordView:
    """A mapped record for a decision, which held `before` until it was read now. One not read under this mapping yet
    counts as `unread`: opted in, which is what most are, so it is pushed an opt-out and nothing else; None, and it is
    told whatever the number is."""
    if value is None or value.mapping_version != mapping.version:
        is_read = value is None and mapping.is_read
        return RecordView(record, Says.IN if is_read else unread, waiting, None, fresh)
    says, sent = Says(value.says), Says(value.sent) if value.sent else None
    was_out = before and (before.says, before.mapping_version) == (Says.OUT, mapping.version)
    is_put_back = bool(was_out and says is not Says.OUT and not value.is_merged)
    return RecordView(record, says, waiting, sent, fresh, is_put_back)


class Writes:
    """What a decision about many numbers writes, gathered and then written in one go."""

    def __init__(self, workspace: int) -> None:
        self.workspace = workspace
        self.numbers: list[tuple[Any, ...]] = []
        self.events: list[EventRow] = []
        # Keyed by consent and version, since ids come with the insert.
        self.evidence: dict[tuple[int, int], tuple[str, str, str]] = {}
        self.conflicts: dict[tuple[int, int], tuple[str, datetime]] = {}
        self.held: list[HeldRow] = []
        self.pushes: list[PushRow] = []
        # Records that others put back, with when the person or staff last said something of their number.
        self.put_back: dict[str, datetime | None] = {}
        # Numbers whose opt-out was said anew: what was put back too often is corrected again.
        self.said_anew: list[int] = []
        self.opened: list[tuple[int, datetime, datetime]] = []
        self.closed: list[tuple[int, datetime, str]] = []

    def write(self, cursor: CursorWrapper, at: datetime) -> dict[tuple[int, int], int]:
        """Returns the ids of the lines by consent and version."""
        ids = self._write_events(cursor)
        if self.numbers:
            cursor.execute(_UPDATE_NUMBERS, _columns(self.numbers))
        hold(cursor, self.workspace, self.held)
        if self.pushes:
            self._fight_not_for_ever(cursor)
            records = sorted(push.salesforce_id for push in self.pushes)
            cursor.execute(_SUPERSEDE, [PushState.SUPERSEDED, at, self.workspace, records, list(UNSENT)])
            cursor.execute(_INSERT_PUSHES, [self.workspace, *_columns(self.pushes)])
        if self.said_anew:
            cursor.execute(_TRY_ANEW, [at, self.workspace, self.said_anew])
        if self.opened:
            cursor.execute(_OPEN_REVIEWS, [self.workspace, *_columns(self.opened)])
        if self.closed:
            cursor.execute(_CLOSE_REVIEWS, [*_columns(self.closed), self.workspace])
        return ids

    def _fight_not_for_ever(self, cursor: CursorWrapper) -> None:
        """What others put back too often is not pushed once more, but shown."""
        fought = [push for push in self.pushes if push.salesforce_id in self.put_back]
        if not fought:
            return
        names = [push.consent_id for push in fought], [push.salesforce_id for push in fought]
        cursor.execute(_EARLIER, [self.workspace, *names])
        earlier = {record: Earlier(answers, reverts) for record, answers, reverts in cursor.fetchall()}
        weighed = {}
        for push in fought:
            record = push.salesforce_id
            reverts = put_backs(earlier.get(record), self.put_back[record], push.answers)
            weighed[record] = push.put_back(reverts)
        self.pushes = [weighed.get(push.salesforce_id, push) for push in self.pushes]

    def _write_events(self, cursor: CursorWrapper) -> dict[tuple[int, int], int]:
        if not self.events:
            return {}
        cursor.execute(_INSERT_EVENTS, [self.workspace, *_columns(self.events)])
        ids = {(consent, version): pk for consent, version, pk in cursor.fetchall()}
        if self.evidence:
            rows = [(ids[key], key[0], *told) for key, told in self.evidence.items()]
            cursor.execute(_INSERT_EVIDENCE, [self.workspace, *_columns(rows)])
        if self.conflicts:
            found = [(ids[key], key[0], *record) for key, record in self.conflicts.items()]
            cursor.execute(_INSERT_CONFLICTS, [self.workspace, *_columns(found)])
        return ids


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
