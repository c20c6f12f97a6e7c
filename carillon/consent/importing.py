"""What an import says about consent: a batch of records at once, in the transaction that stores them.

Most records of most imports say nothing new: they are sifted out by three queries a batch, and nothing is written. The
others are judged under the locks of their numbers. Opt-outs apply at once; what would opt a number back in is *staged*
until the run's end, where `apply_staged` judges it anew, unless there was too much of it.
"""

from collections import abc
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Exists, OuterRef

from carillon.accounts.models import Member, Workspace
from carillon.consent import ledger, pushes, store
from carillon.consent.decide import BEFORE_EVERYTHING, Says, State
from carillon.consent.judging import Reading, flipping, judge_all, known_of, without_flip
from carillon.consent.judging import Sighting as Sighting
from carillon.consent.ledger import Source
from carillon.consent.models import OptOutMapping, RecordValue, StagedFlip
from carillon.consent.reading import Heard, Mapping, Seen, listen
from carillon.consent.store import HeldRow
from carillon.contacts.models import Contact

_THAT_ARE = """
select number from consent_consent where workspace_id = %s and number = any(%s) and {flag}
"""
_BURDENED_SINCE = """
select number, person_out is null and staff_out is null, is_suppressed from consent_consent
where workspace_id = %s and number = any(%s) and last_learnt_at >= %s and (is_opted_out or is_suppressed)
"""
# The statistics of tables that an import fills lag behind; only the indexes are right.
_BY_INDEX = "; ".join(f"set local enable_{way} = off" for way in ("seqscan", "hashjoin", "mergejoin"))
_HELD_OUT = """
select c.mobile_number from contacts_contact c
join consent_recordvalue r on r.workspace_id = c.workspace_id and r.salesforce_id = c.salesforce_id
join consent_optoutmapping m on m.workspace_id = c.workspace_id and m.object = c.object and m.version = r.mapping_version
where c.workspace_id = %s and c.mobile_number = any(%s) and r.says = 'opted_out'
"""
_NOTHING: abc.Mapping[str, State] = MappingProxyType({})
# Longer than a transaction that records something takes.
_MEANWHILE = timedelta(minutes=1)
# Staged flips that are applied in one transaction: some tenths of a second.
MOST_AT_ONCE = 500


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


def import_batch(
    *,
    workspace: Workspace,
    object_name: str,
    rows: Sequence[Sighting],
    run: UUID,
    arrived: Sequence[str] = (),
) -> Imported:
    """Takes a batch of one object, after its contacts were written and in their transaction; each id once. `rows` holds
    everybody whose number changed; `arrived` are numbers that may be new to other records of the batch, which have
    nothing to tell. Raises KeyLost when it can't be known whether somebody was erased."""
    mapping = store.mappings_of(workspace.pk).get(object_name)
    batch = Reading(workspace, object_name, mapping, run)
    with transaction.atomic(), connection.cursor() as cursor:
        begun = store.database_time(cursor)
        sieve = Sieve(cursor, workspace.pk, mapping)
        telling = sieve.telling(rows) if rows else []
        judged = {row.salesforce_id for row in telling}
        moved = [
            replace(row, seen=None)
            for row in rows
            if row.is_new_here and row.number_before and row.salesforce_id not in judged
        ]
        numbers = {*arrived, *(row.number for row in rows if row.is_new_here or row.salesforce_id in judged)}
        if moved or (mapping and numbers):
            transaction.on_commit(partial(_look_again, batch, moved, numbers, begun), robust=True)
        taken = _take(cursor, batch, telling) if telling else Imported([])
        changed = {row.salesforce_id: row.seen.stamp for row in rows if row.seen and not row.seen.by_us}
        pushes.records_changed(workspace.pk, changed)
        return replace(taken, unclear=sieve.unclear)


@transaction.atomic
def apply_staged(
    *,
    workspace: Workspace,
    run: UUID,
    accepted_by: Member | None = None,
    reason: str = "",
    most: int = MOST_AT_ONCE,
) -> Imported:
    """Judges `most` of the run's staged flips anew, with all that share their numbers, and applies them: until a part is
    committed, nobody hears a STOP of these numbers. A STOP that came since stands. What staff opted out is not
    loosened by a new mapping, so such records are corrected in Salesforce; unless an admin, who found that the earlier
    mapping was wrong, accepts what they say now, for a written reason; but for numbers that another record opts out, or
    that staff opted out since the mapping was saved."""
    source = Source(reason=reason, member_id=accepted_by.pk, run=run) if accepted_by and reason else None
    told = pushes = opted_out = opted_in = 0
    mappings = store.mappings_of(workspace.pk)
    staged = _staged(workspace, run, most)
    with connection.cursor() as cursor:
        # All of them first and in their order: what follows locks them in parts.
        numbers = {row.number for rows in staged.values() for row in rows if row.number}
        room = ledger.enter(cursor, workspace.pk, [], making=numbers)
        for object_name, rows in staged.items():
            mapping = mappings.get(object_name)
            as_they_are = Reading(workspace, object_name, mapping, run, staging=False)
            out = _stay_out(room, rows, mapping) if source and mapping else set()
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
    taken = [row.salesforce_id for rows in staged.values() for row in rows]
    StagedFlip.objects.filter(workspace=workspace, run=run, salesforce_id__in=taken).delete()
    return Imported([], 0, told, pushes, opted_out, opted_in)


def _stay_out(room: ledger.Room, rows: Sequence[Sighting], mapping: Mapping) -> set[str]:
    """The numbers that another record opts out, read under the mapping of now: of several the strictest counts. And those
    that staff opted out since: that is not by the mapping before."""
    room.cursor.execute(_HELD_OUT, [room.workspace, list({row.number for row in rows if row.number})])
    held_out = {row[0] for row in room.cursor.fetchall()}
    said = {one.number: one.state.staff_out or BEFORE_EVERYTHING for one in room.numbers.values()}
    return held_out | {number for number, at in said.items() if at > mapping.since}


def count_staged(*, workspace: Workspace, run: UUID) -> int:
    """How many records wait to opt their number back in."""
    return StagedFlip.objects.filter(workspace=workspace, run=run).count()


def count_read_anew(*, workspace: Workspace, run: UUID, version: int) -> int:
    """Of how many of them the record was last taken under another mapping than this version."""
    taken = RecordValue.objects.filter(workspace=workspace, salesforce_id=OuterRef("salesforce_id"))
    staged = StagedFlip.objects.filter(workspace=workspace, run=run)
    return staged.filter(Exists(taken.exclude(mapping_version=version))).count()


def drop_staged(*, workspace: Workspace, run: UUID) -> None:
    """Forgets the run's flips: the records are still held to hold what they held, so the next import finds them again."""
    StagedFlip.objects.filter(workspace=workspace, run=run).delete()


def leave_staged(*, workspace: Workspace, run: UUID, to: Sequence[UUID]) -> None:
    """What the run staged and one of these other runs, too, waits with that one for its decision, as it was read last."""
    staged = StagedFlip.objects.filter(workspace=workspace, run=run)
    waiting = StagedFlip.objects.filter(workspace=workspace, run__in=to)
    known = dict(
        waiting.filter(salesforce_id__in=staged.values("salesforce_id")).values_list("salesforce_id", "run")
    )
    for other in to:
        ids = [record for record, found in known.items() if found == other]
        waiting.filter(run=other, salesforce_id__in=ids).delete()
        staged.filter(salesforce_id__in=ids).update(run=other)


def everything_was_read(
    *, workspace: Workspace, object_name: str, version: int, but: Sequence[str] = ()
) -> None:
    """A run that succeeded read every record under this version of the mapping, `but` these: when they come, they are
    seen for the first time. From now on any other stored record of which nothing is known is one that was read as opted
    in."""
    unread = [HeldRow.never_read(record, None) for record in but]
    rows = [RecordValue(workspace=workspace, **row._asdict()) for row in unread]
    RecordValue.objects.bulk_create(rows, batch_size=5_000, ignore_conflicts=True)
    mapped = OptOutMapping.objects.filter(workspace=workspace, object=object_name, version=version)
    mapped.update(read_version=version)


class Sieve:
    """Finds the records of a batch that have something to tell, without a lock. `unclear` as in Imported; `known` are
    states of numbers that count in place of what is stored."""

    def __init__(
        self,
        cursor: CursorWrapper,
        workspace: int,
        mapping: Mapping | None,
        known: abc.Mapping[str, State] = _NOTHING,
    ) -> None:
        self._cursor = cursor
        self._workspace = workspace
        self._mapping = mapping
        self._known = known
        self.unclear: list[str] = []

    def telling(self, rows: Sequence[Sighting]) -> list[Sighting]:
        numbers = {row.number for row in rows}
        left = {row.number_before for row in rows if row.number_before and row.is_new_here}
        out = self._that_are("is_opted_out", numbers | left)
        burdened = out | self._that_are("is_suppressed", left) if left else out
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
        return telling + _leaving(rows, telling) if left else telling

    def _tells(self, row: Sighting, value: HeldRow | None, waiting: Says | None, out: set[str]) -> bool:
        if value and (value.left_opted_out or value.left_likely) and row.number:
            return True
        mapping, seen = self._mapping, row.seen
        if mapping is None or seen is None:
            return False
        value = known_of(row, value, mapping)
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

    def _that_are(self, flag: str, numbers: set[str]) -> set[str]:
        self._cursor.execute(_THAT_ARE.format(flag=flag), [self._workspace, list(numbers)])
        stored = {row[0] for row in self._cursor.fetchall()} - self._known.keys()
        return stored | {one for one in numbers & self._known.keys() if getattr(self._known[one], flag)}


def _leaving(rows: Sequence[Sighting], telling: Sequence[Sighting]) -> list[Sighting]:
    """Others who leave a number of which somebody else who had it says something now."""
    told = {one.number for one in telling if not one.is_new_here}
    named = {one.salesforce_id for one in telling}
    leaving = [one for one in rows if one.is_new_here and one.number_before in told]
    return [one for one in leaving if one.salesforce_id not in named]


def _take(
    cursor: CursorWrapper, batch: Reading, rows: Sequence[Sighting], silent: Set[str] = frozenset()
) -> Imported:
    """Judges and writes what the sieve left, under the locks of all numbers concerned. Who left a `silent` one takes no
    silence along."""
    making = {row.number for row in rows if row.number}
    before = {row.number_before or "" for row in rows}
    room = ledger.enter(cursor, batch.workspace.pk, before, making=making)
    values, waiting = store.held(cursor, batch.workspace.pk, [row.salesforce_id for row in rows], lock=True)
    heard = {
        number: replace(one, state=replace(one.state, silence_out=None)) if number in silent else one
        for number, one in room.numbers.items()
    }
    judged = judge_all(batch, heard, rows, values, waiting)
    staged = flipping(room.numbers, judged) if batch.staging else set()
    if staged:
        flips = [_flip(batch, one.sighting) for one in judged if one.sighting.salesforce_id in staged]
        StagedFlip.objects.bulk_create(flips, ignore_conflicts=True)
        judged = [without_flip(one) if one.sighting.salesforce_id in staged else one for one in judged]
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


def _flip(batch: Reading, row: Sighting) -> StagedFlip:
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


def _staged(workspace: Workspace, run: UUID, most: int) -> dict[str, list[Sighting]]:
    """The first of the run's staged flips, and those that share their numbers, by object: with the numbers that their
    contacts have now."""
    flips = StagedFlip.objects.filter(workspace=workspace, run=run)
    first = list(flips.order_by("salesforce_id").values_list("salesforce_id", flat=True)[:most])
    contacts = Contact.objects.filter(workspace=workspace)
    numbers = dict(contacts.filter(salesforce_id__in=first).values_list("salesforce_id", "mobile_number"))
    sharing = contacts.filter(mobile_number__in={number for number in numbers.values() if number})
    numbers.update(sharing.values_list("salesforce_id", "mobile_number"))
    staged: dict[str, list[Sighting]] = {}
    for flip in flips.filter(salesforce_id__in={*first, *numbers}).order_by("pk"):
        number = numbers.get(flip.salesforce_id, "")
        seen = Seen(flip.value, flip.stamp, flip.modified_at, flip.by_us)
        staged.setdefault(flip.object, []).append(Sighting(flip.salesforce_id, number, number, seen))
    return staged


def _look_again(batch: Reading, moved: Sequence[Sighting], numbers: Set[str], begun: datetime) -> None:
    """Whoever opted a number out while the batch was being stored could not see its records, nor these the opt-out. So
    who left such a number takes it along, and every record of one is told, another import's that runs beside this, too."""
    workspace, named = batch.workspace.pk, {*numbers, *(row.number_before for row in moved)}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_BY_INDEX)
        cursor.execute(_BURDENED_SINCE, [workspace, list(named), begun - _MEANWHILE])
        found = cursor.fetchall()
        # Silence that somebody else brought to the number is not theirs to take along.
        along = {number for number, is_silence, is_suppressed in found if is_suppressed or not is_silence}
        burdened = {number: is_silence for number, is_silence, _ in found}
        rows = [row for row in moved if row.number_before in along]
        taken = {row.salesforce_id for row in rows}
        rows += [row for row in _untold(cursor, batch, burdened) if row.salesforce_id not in taken]
        if rows:
            _take(cursor, batch, rows, {number for number, is_silence in burdened.items() if is_silence})


def _untold(cursor: CursorWrapper, batch: Reading, numbers: dict[str, bool]) -> list[Sighting]:
    """Records that have one of the numbers and may not know what it is: of one that is so by silence alone those that
    say something. What the run staged waits for its end."""
    mapped = store.mappings_of(batch.workspace.pk)
    records = store.records_of(cursor, batch.workspace.pk, list(numbers)) if numbers and mapped else []
    ids = [record for _, record, kind_of in records if kind_of in mapped]
    values, waiting = store.held(cursor, batch.workspace.pk, ids) if ids else ({}, {})
    told = {record for record, value in values.items() if value.says == Says.OUT} | waiting.keys()
    mute = {record for record, value in values.items() if value.says != Says.IN}
    untold = [
        row
        for row in records
        if row[2] in mapped and row[1] not in told and not (numbers[row[0]] and row[1] in mute)
    ]
    if untold:
        staged = StagedFlip.objects.filter(workspace=batch.workspace, run=batch.run)
        told |= set(staged.values_list("salesforce_id", flat=True))
    return [Sighting(record, number, number) for number, record, _ in untold if record not in told]
