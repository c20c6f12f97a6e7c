"""What an import says about consent: a batch of records at once, in the transaction that stores them.

Most records of most imports say nothing new: they are sifted out by three queries a batch, and nothing is written. The
others are judged under the locks of their numbers. Opt-outs apply at once; what would opt a number back in is *staged*
until the run's end, where `apply_staged` judges it anew, unless there was too much of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from carillon.accounts.actions import audit
from carillon.accounts.models import Member, Workspace
from carillon.consent import ledger, pushes, store
from carillon.consent.decide import NOW, UNKNOWN, Authority, Current, Kind, Says, State, Statement, decide
from carillon.consent.ledger import Move, Room, Source, Told
from carillon.consent.models import Cause, OptOutMapping, StagedFlip
from carillon.consent.reading import Heard, Mapping, Seen, Speech, listen
from carillon.consent.store import HeldRow
from carillon.contacts.models import Contact

_LOOSENING = (Kind.STAFF_IN, Kind.SILENCE_IN)
_OPTED_OUT = """
select number from consent_consent where workspace_id = %s and number = any(%s) and is_opted_out
"""
_SUPPRESSED = """
select number from consent_consent where workspace_id = %s and number = any(%s) and is_suppressed
"""
_CHANGED_SINCE = """
select number from consent_consent where workspace_id = %s and last_learnt_at >= %s and is_opted_out
"""
_ARRIVED = """
select salesforce_id, mobile_number from contacts_contact
where workspace_id = %s and mobile_number = any(%s) and salesforce_id = any(%s)
"""
_HELD_OUT = """
select c.mobile_number from contacts_contact c
join consent_recordvalue r on r.workspace_id = c.workspace_id and r.salesforce_id = c.salesforce_id
join consent_optoutmapping m on m.workspace_id = c.workspace_id and m.object = c.object and m.version = r.mapping_version
where c.workspace_id = %s and c.mobile_number = any(%s) and r.says = 'opted_out'
"""
# Longer than a transaction that records something takes.
_MEANWHILE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Sighting:
    """One record as an import stored it. `number` is E.164 or empty; `number_before` the number that was stored before,
    None for a record that was not. `seen` is None where no opt-out field is mapped. `is_back`: it was out of the source
    when the opt-out field was mapped, so no import read it under this mapping."""

    salesforce_id: str
    number: str
    number_before: str | None
    seen: Seen | None = None
    is_back: bool = False

    @property
    def is_new_here(self) -> bool:
        return self.number_before != self.number


@dataclass(frozen=True, slots=True)
class Imported:
    """`unclear` are the ids of records whose value is neither of the picklist's two: record issues. `staged` flips wait
    for the end of the run. `opted_out` and `opted_in` are numbers whose status changed."""

    unclear: list[str]
    staged: int = 0
    told: int = 0
    pushes: int = 0
    opted_out: int = 0
    opted_in: int = 0


@dataclass(frozen=True, slots=True)
class _Judged:
    """A record with what it will be held to hold (None: as before), and what is said of numbers because of it."""

    sighting: Sighting
    holding: HeldRow | None
    told: tuple[Told, ...]
    is_fresh: bool = False


@dataclass(frozen=True, slots=True)
class _Batch:
    """What is the same for all records of a batch. `accepted_by` is who takes the records' word in spite of staff."""

    workspace: Workspace
    object_name: str
    mapping: Mapping | None
    run: UUID
    accepted_by: Source | None = None
    staging: bool = True


def import_batch(
    *,
    workspace: Workspace,
    object_name: str,
    rows: Sequence[Sighting],
    run: UUID,
    arrived: Sequence[str] = (),
) -> Imported:
    """Takes a batch of one object, after its contacts were written and in their transaction; each id once. `arrived` are
    records stored with a number that is new to them and left out of `rows` since they have nothing to tell. Raises
    KeyLost when it can't be known whether somebody was erased."""
    mapping = store.mappings_of(workspace.pk).get(object_name)
    batch = _Batch(workspace, object_name, mapping, run)
    with transaction.atomic(), connection.cursor() as cursor:
        new_here = {row.number: row for row in rows if row.number and row.number_before != row.number}
        if mapping and (new_here or arrived):
            begun = store.database_time(cursor)
            transaction.on_commit(partial(_look_again, batch, new_here, arrived, begun), robust=True)
        if not rows:
            return Imported([])
        sieve = _Sieve(cursor, workspace.pk, mapping)
        telling = sieve.telling(rows)
        taken = _take(cursor, batch, telling) if telling else Imported([])
        changed = {row.salesforce_id: row.seen.stamp for row in rows if row.seen and not row.seen.by_us}
        pushes.records_changed(workspace.pk, changed)
        return replace(taken, unclear=sieve.unclear)


@transaction.atomic
def apply_staged(
    *, workspace: Workspace, run: UUID, accepted_by: Member | None = None, reason: str = ""
) -> Imported:
    """Judges the run's staged flips anew and applies them. A STOP that came since stands. What staff opted out is not
    loosened by a new mapping, so such records are corrected in Salesforce; unless an admin, who found that the earlier
    mapping was wrong, accepts what they say now, for a written reason; but for numbers that another record opts out."""
    source = Source(reason=reason, member_id=accepted_by.pk, run=run) if accepted_by and reason else None
    told = pushes = opted_out = opted_in = 0
    mappings = store.mappings_of(workspace.pk)
    staged = _staged(workspace, run)
    with connection.cursor() as cursor:
        # All of them first and in their order: what follows locks them in parts.
        ledger.enter(cursor, workspace.pk, {row.number for rows in staged.values() for row in rows})
        for object_name, rows in staged.items():
            as_they_are = _Batch(workspace, object_name, mappings.get(object_name), run, staging=False)
            out = _held_out(cursor, workspace.pk, rows) if source else set()
            for batch, some in (
                (as_they_are, [row for row in rows if row.number in out or not source]),
                (
                    replace(as_they_are, accepted_by=source),
                    [row for row in rows if source and row.number not in out],
                ),
            ):
                done = _take(cursor, batch, some)
                told, pushes = told + done.told, pushes + done.pushes
                opted_out, opted_in = opted_out + done.opted_out, opted_in + done.opted_in
    drop_staged(workspace=workspace, run=run)
    if accepted_by:
        audit(workspace, accepted_by, "held opt-ins applied", str(run), {"lines": told, "reason": reason})
    return Imported([], 0, told, pushes, opted_out, opted_in)


def foresee(
    *, workspace: Workspace, object_name: str, rows: Sequence[Sighting], mapping: Mapping | None
) -> dict[str, Says]:
    """The records by which numbers would change their status, with what these would be; under a mapping that need not
    be saved. Nothing is locked or written. Raises KeyLost."""
    batch = _Batch(workspace, object_name, mapping, UUID(int=0))
    with connection.cursor() as cursor:
        telling = _Sieve(cursor, workspace.pk, mapping).telling(rows)
        numbers = {number for row in telling for number in (row.number, row.number_before) if number}
        room = Room(cursor, workspace.pk, store.read_numbers(cursor, workspace.pk, numbers))
        values, waiting = store.held(cursor, workspace.pk, [row.salesforce_id for row in telling])
    judged = [
        _judge(batch, room, row, values.get(row.salesforce_id), waiting.get(row.salesforce_id))
        for row in telling
    ]
    foreseen = dict.fromkeys(_flipping(room, judged), Says.IN)
    new = [number for number, known in room.numbers.items() if known.is_new]
    tightening = [said for one in judged for said in one.told if said.kind not in _LOOSENING]
    by_number: dict[str, list[Told]] = {}
    for said in (*tightening, *ledger.erased(workspace.pk, new)):
        by_number.setdefault(said.number, []).append(said)
    for one in judged:
        number = one.sighting.number
        state = room.numbers[number].state if number else State()
        if not state.is_opted_out and _trial(state, by_number.get(number, [])).is_opted_out:
            foreseen[one.sighting.salesforce_id] = Says.OUT
    return foreseen


def _held_out(cursor: CursorWrapper, workspace: int, rows: Sequence[Sighting]) -> set[str]:
    """The numbers that another record opts out, read under the mapping of now: of several the strictest counts."""
    cursor.execute(_HELD_OUT, [workspace, list({row.number for row in rows if row.number})])
    return {row[0] for row in cursor.fetchall()}


def count_staged(*, workspace: Workspace, run: UUID) -> int:
    """How many records wait to opt their number back in."""
    return StagedFlip.objects.filter(workspace=workspace, run=run).count()


def drop_staged(*, workspace: Workspace, run: UUID) -> None:
    """Forgets the run's flips: the records are still held to hold what they held, so the next import finds them again."""
    StagedFlip.objects.filter(workspace=workspace, run=run).delete()


def everything_was_read(*, workspace: Workspace, object_name: str, version: int) -> None:
    """A run that succeeded read every record under this version of the mapping. From now on a stored record of which
    nothing is known is one that was read as opted in."""
    mapped = OptOutMapping.objects.filter(workspace=workspace, object=object_name, version=version)
    mapped.update(read_version=version)


def _known(row: Sighting, value: HeldRow | None, mapping: Mapping | None) -> HeldRow | None:
    """What a record last held; None at its first sight."""
    if value is None and mapping and mapping.is_read and row.number_before is not None and not row.is_back:
        return HeldRow.never_read(row.salesforce_id, mapping)
    return value


class _Sieve:
    """Finds the records of a batch that have something to tell, without a lock. `unclear` as in Imported."""

    def __init__(self, cursor: CursorWrapper, workspace: int, mapping: Mapping | None) -> None:
        self._cursor = cursor
        self._workspace = workspace
        self._mapping = mapping
        self.unclear: list[str] = []

    def telling(self, rows: Sequence[Sighting]) -> list[Sighting]:
        numbers = {row.number for row in rows}
        left = {row.number_before for row in rows if row.number_before and row.is_new_here}
        out = self._numbers(_OPTED_OUT, numbers | left)
        burdened = out | self._numbers(_SUPPRESSED, left) if left else out
        new = sorted({row.number for row in rows if row.is_new_here and row.number} - out)
        stopped = {one.number for one in ledger.erased(self._workspace, new)}
        values, waiting = store.held(self._cursor, self._workspace, [row.salesforce_id for row in rows])
        telling = []
        for row in rows:
            value = values.get(row.salesforce_id)
            says = self._mapping.says(row.seen.value) if self._mapping and row.seen else Says.IN
            if says is Says.UNCLEAR:
                self.unclear.append(row.salesforce_id)
            moves = row.is_new_here and (row.number in stopped or row.number_before in burdened)
            # Most records: never anything but opted in, like their numbers.
            if value is None and says is Says.IN and row.number not in out and not moves:
                continue
            if moves or self._tells(row, value, waiting.get(row.salesforce_id), out):
                telling.append(row)
        return telling

    def _tells(self, row: Sighting, value: HeldRow | None, waiting: Says | None, out: set[str]) -> bool:
        if value and value.left_opted_out and row.number:
            return True
        mapping, seen = self._mapping, row.seen
        if mapping is None or seen is None:
            return False
        value = _known(row, value, mapping)
        speech = listen(value.held(waiting) if value else None, seen, mapping)
        if value is None:
            is_news = speech.says is not Says.IN
        elif speech.heard is Heard.SILENT:
            is_news = value.says != speech.says or (row.is_new_here and speech.says is Says.OUT)
        else:
            is_news = speech.heard is not Heard.STALE
        return is_news or self._is_owed(row, value, waiting, out)

    def _is_owed(self, row: Sighting, value: HeldRow | None, waiting: Says | None, out: set[str]) -> bool:
        """Whether the record neither holds nor is about to be told what its number is."""
        if not row.number or self._mapping is None:
            return False
        view = store.view(row.salesforce_id, value, waiting, self._mapping, fresh=False)
        says_nothing = view.assured in (Says.BLANK, Says.UNCLEAR)
        if row.number in out:
            # One that says nothing may agree with its number, and was told when it came to it otherwise.
            return view.assured is not Says.OUT and (row.is_new_here or not says_nothing)
        return not says_nothing and view.assured is not Says.IN

    def _numbers(self, query: str, numbers: Iterable[str]) -> set[str]:
        self._cursor.execute(query, [self._workspace, list(numbers)])
        return {row[0] for row in self._cursor.fetchall()}


def _take(cursor: CursorWrapper, batch: _Batch, rows: Sequence[Sighting]) -> Imported:
    """Judges and writes what the sieve left, under the locks of all numbers concerned."""
    making = {row.number for row in rows if row.number}
    before = {row.number_before or "" for row in rows}
    room = ledger.enter(cursor, batch.workspace.pk, before, making=making)
    values, waiting = store.held(cursor, batch.workspace.pk, [row.salesforce_id for row in rows], lock=True)
    judged = [
        _judge(batch, room, row, values.get(row.salesforce_id), waiting.get(row.salesforce_id))
        for row in rows
    ]
    staged = _flipping(room, judged) if batch.staging else set()
    if staged:
        flips = [_flip(batch, one.sighting) for one in judged if one.sighting.salesforce_id in staged]
        StagedFlip.objects.bulk_create(flips, ignore_conflicts=True)
        judged = [_without_flip(one) if one.sighting.salesforce_id in staged else one for one in judged]
    room.holdings = {one.holding.salesforce_id: one.holding for one in judged if one.holding}
    room.fresh = frozenset(one.sighting.salesforce_id for one in judged if one.is_fresh)
    room.untouched = frozenset(staged)
    before_that = {number: locked.state.status for number, locked in room.numbers.items()}
    settled = room.settle([told for one in judged for told in one.told]).values()
    flipped = [
        one.decision.state.status
        for one in settled
        if one.decision.state.status is not before_that[one.number]
    ]
    return Imported(
        [],
        len(staged),
        sum(len(one.decision.told) for one in settled),
        sum(len(one.decision.pushes) for one in settled),
        flipped.count(Says.OUT),
        flipped.count(Says.IN),
    )


def _judge(batch: _Batch, room: Room, row: Sighting, value: HeldRow | None, waiting: Says | None) -> _Judged:
    value = _known(row, value, batch.mapping)
    move = Move(row.salesforce_id, row.number_before or "", row.number, Cause.NUMBER_CHANGED)
    told = [replace(one, source=replace(one.source, run=batch.run)) for one in move.told(room.numbers, value)]
    holding, mapping, is_fresh = value, batch.mapping, row.is_new_here
    if mapping and row.seen:
        speech = listen(value.held(waiting) if value else None, row.seen, mapping)
        is_fresh = is_fresh or speech.heard in (Heard.FIRST_SIGHT, Heard.FIRST_SIGHT_AGAIN)
        if row.number and (said := _said(batch, row, speech, value, waiting)):
            told.append(said)
        if speech.heard is not Heard.STALE:
            holding = _holding(row.salesforce_id, row.seen, speech, mapping, value)
    left = move.leaves_opted_out(room.numbers, value)
    if left != bool(value and value.left_opted_out):
        holding = holding or HeldRow.never_read(row.salesforce_id, mapping)
        holding = holding._replace(left_opted_out=left)
    return _Judged(row, None if holding == value else holding, tuple(told), is_fresh)


def _said(
    batch: _Batch, row: Sighting, speech: Speech, value: HeldRow | None, waiting: Says | None
) -> Told | None:
    """What the record says of its number."""
    mapping, source = batch.mapping, Source(row.salesforce_id, run=batch.run)
    statement = speech.statement(mapping) if mapping else None
    if statement is None or mapping is None:
        own = waiting or (Says(value.says) if value else None)
        if row.is_new_here and own is Says.OUT:
            # Stricter than the number it joins.
            return Told(row.number, Kind.STAFF_OUT, Cause.FIRST_SIGHT, UNKNOWN, True, source=source)
        return None
    kind, when, weak = statement
    if kind in _LOOSENING and batch.accepted_by:
        accepted = replace(batch.accepted_by, salesforce_id=row.salesforce_id)
        return Told(row.number, Kind.STAFF_IN, Cause.MEMBER, NOW, source=accepted)
    cause = Cause.RECORD if speech.heard is Heard.SPOKE else Cause.FIRST_SIGHT
    return Told(row.number, kind, cause, when, weak, mapping.since, source)


def _without_flip(one: _Judged) -> _Judged:
    """What of a staged record applies at once: that its number changed, but nothing that it says."""
    return replace(one, holding=None, told=tuple(told for told in one.told if told.kind not in _LOOSENING))


def _holding(
    salesforce_id: str, seen: Seen, speech: Speech, mapping: Mapping, value: HeldRow | None
) -> HeldRow | None:
    """What the record is held to hold from now on, learnt now. One that was only ever read as opted in needs no row."""
    if value is None and speech.says is Says.IN:
        return None
    known = value or HeldRow.never_read(salesforce_id, mapping)
    if value and known.says == speech.says and known.mapping_version == mapping.version:
        return value
    return known._replace(
        says=speech.says.value, mapping_version=mapping.version, stamp=seen.stamp, answers=None
    )


def _flipping(room: Room, judged: Sequence[_Judged]) -> set[str]:
    """Records without whose word their numbers stay opted out, and with it don't. And those that would, but for staff,
    under a new mapping: whether the mapping before was wrong is for an admin to say."""
    told: dict[str, list[Told]] = {}
    for one in judged:
        for said in one.told:
            told.setdefault(said.number, []).append(said)
    flipped: set[str] = set()
    for number, of_number in told.items():
        loosening = {said.source.salesforce_id: said for said in of_number if said.kind in _LOOSENING}
        if loosening:
            state = room.numbers[number].state
            without = _trial(state, [said for said in of_number if said.kind not in _LOOSENING])
            anew = any(said.kind is Kind.SILENCE_IN for said in loosening.values())
            if without.is_opted_out and (
                not _trial(state, of_number).is_opted_out or (anew and without.authority is Authority.STAFF)
            ):
                flipped.update(loosening)
    return flipped


def _trial(state: State, said: Sequence[Told]) -> State:
    learnt_at = datetime.max.replace(tzinfo=UTC)
    statements = [
        Statement(one.kind, one.when.counted(one.kind, learnt_at), one.weak, one.renews) for one in said
    ]
    return decide(Current(state), statements).state


def _flip(batch: _Batch, row: Sighting) -> StagedFlip:
    seen = row.seen
    if seen is None:
        raise ValueError("a record without a value flips nothing")
    return StagedFlip(
        workspace=batch.workspace,
        run=batch.run,
        object=batch.object_name,
        salesforce_id=row.salesforce_id,
        value=seen.value,
        stamp=seen.stamp,
        modified_at=seen.modified_at,
        by_us=seen.by_us,
    )


def _staged(workspace: Workspace, run: UUID) -> dict[str, list[Sighting]]:
    """The run's staged flips by object, with the numbers that their contacts have now."""
    flips = list(StagedFlip.objects.filter(workspace=workspace, run=run).order_by("pk"))
    contacts = Contact.objects.filter(
        workspace=workspace, salesforce_id__in=[flip.salesforce_id for flip in flips]
    )
    numbers = dict(contacts.values_list("salesforce_id", "mobile_number"))
    staged: dict[str, list[Sighting]] = {}
    for flip in flips:
        number = numbers.get(flip.salesforce_id, "")
        seen = Seen(flip.value, flip.stamp, flip.modified_at, flip.by_us)
        staged.setdefault(flip.object, []).append(Sighting(flip.salesforce_id, number, number, seen))
    return staged


def _look_again(
    batch: _Batch, new_here: dict[str, Sighting], arrived: Sequence[str], begun: datetime
) -> None:
    """Whoever said STOP while the batch was being stored could not see its records, nor these the STOP."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CHANGED_SINCE, [batch.workspace.pk, begun - _MEANWHILE])
        changed = [row[0] for row in cursor.fetchall()]
        rows = [replace(new_here[one], number_before=one) for one in changed if one in new_here]
        if changed and arrived:
            cursor.execute(_ARRIVED, [batch.workspace.pk, changed, list(arrived)])
            rows += [Sighting(record, number, number) for record, number in cursor.fetchall()]
        if rows:
            _take(cursor, batch, rows)
