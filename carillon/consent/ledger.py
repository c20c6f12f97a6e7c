"""The one place that acts on decisions about consent: lines of the ledger, what follows from them, pushes, conflicts
and reviews, in the caller's transaction. Everybody who has something to say comes through here: texts, members,
imports, merges.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db.backends.utils import CursorWrapper

from carillon.consent import store, waking
from carillon.consent.decide import (
    NOW,
    TIGHTENING,
    Current,
    Decision,
    Kind,
    RecordView,
    Says,
    Statement,
    When,
    decide,
    review_due,
)
from carillon.consent.models import Cause, ReviewOutcome
from carillon.consent.store import EventRow, HeldRow, LockedNumber, PushRow, Writes
from carillon.contacts import remembered

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Source:
    """Where something said comes from. `key` is what it is called outside, such as a carrier's message id: the same is
    taken once. `words`, `reason` and `salesforce_id` become evidence, which an erasure deletes."""

    salesforce_id: str = ""
    words: str = ""
    reason: str = ""
    key: str = ""
    member_id: int | None = None
    run: UUID | None = None

    @property
    def key_hash(self) -> bytes | None:
        return hash_of(self.key) if self.key else None


@dataclass(frozen=True, slots=True)
class Told:
    """Something said of a number. `weak` and `renews` as in decide.Statement."""

    number: str
    kind: Kind
    cause: Cause
    when: When = NOW
    weak: bool = False
    renews: datetime | None = None
    source: Source = Source()


@dataclass(frozen=True, slots=True)
class Move:
    """A record whose person had the number `before` and has `after` now; either may be empty. Opted-out travels, and so
    does a likely opt-out."""

    salesforce_id: str
    before: str
    after: str
    cause: Cause

    def leaving(self, numbers: Mapping[str, LockedNumber], left: HeldRow | None, held: HeldRow) -> HeldRow:
        """What is `held` of the record, with what must be remembered until there is a number again; `left` is what was
        held of the one that had the number before."""
        if self.after:
            return held._replace(left_opted_out=False, left_likely=None)
        return held._replace(
            left_opted_out=held.left_opted_out or self._is_out(numbers, left),
            left_likely=self._likely(numbers, left) or held.left_likely,
        )

    def told(self, numbers: Mapping[str, LockedNumber], held: HeldRow | None) -> list[Told]:
        if not self.after or self.before == self.after:
            return []
        source, told = Source(self.salesforce_id), []
        if self._is_out(numbers, held):
            told.append(Told(self.after, Kind.STAFF_OUT, self.cause, source=source))
        if likely := self._likely(numbers, held):
            told.append(Told(self.after, Kind.LIKELY, self.cause, When.at(likely), source=source))
        return told

    def _is_out(self, numbers: Mapping[str, LockedNumber], held: HeldRow | None) -> bool:
        left = numbers.get(self.before)
        return bool((left and left.state.is_opted_out) or (held and held.left_opted_out))

    def _likely(self, numbers: Mapping[str, LockedNumber], held: HeldRow | None) -> datetime | None:
        left = numbers.get(self.before)
        if left and left.state.is_suppressed:
            return left.state.likely
        return held.left_likely if held else None


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of it for one number; `event` is the last line written, None when nothing was."""

    number: str
    decision: Decision
    event: int | None


@dataclass(slots=True)
class Room:
    """A transaction's hold on some numbers, and what was read of their records in it: `holdings` is what records
    hold from now on, `fresh` those that are seen with their number for the first time, `untouched` those that are not
    to be pushed now. `unread` as in store.view."""

    cursor: CursorWrapper
    workspace: int
    numbers: dict[str, LockedNumber]
    holdings: dict[str, HeldRow] = field(default_factory=dict)
    fresh: frozenset[str] = frozenset()
    untouched: frozenset[str] = frozenset()
    unread: Says | None = Says.IN

    def settle(self, told: Iterable[Told]) -> dict[str, Settled]:
        """Decides about every locked number and writes what follows. Each told number is locked."""
        said = list(told)
        by_number: dict[str, list[Told]] = {number: [] for number in self.numbers}
        for one in (*said, *self._of_erased(said)):
            by_number[one.number].append(one)
        learnt_at = store.database_time(self.cursor)
        views = self._views()
        writes = Writes(self.workspace)
        # What a record says next, it says after what was learnt now.
        writes.held = [
            held if held.answers else held._replace(answers=learnt_at) for held in self.holdings.values()
        ]
        decisions = {
            number: _settle_one(writes, self.numbers[number], said, views.get(number, {}), learnt_at)
            for number, said in by_number.items()
        }
        ids = writes.write(self.cursor, learnt_at)
        if writes.pushes or writes.said_anew:
            waking.wake_after_commit(self.workspace)
        return {
            number: Settled(number, decision, ids.get((self.numbers[number].id, version)))
            for number, (decision, version) in decisions.items()
        }

    def has_erased(self) -> bool:
        """Whether people were erased who had a number that is here for the first time."""
        return bool(self._of_erased([]))

    def _of_erased(self, told: Sequence[Told]) -> list[Told]:
        """Whose people were erased counts as opted out by the person since then: asked at a number's first sight, and
        again before anybody but the person loosens it. Raises KeyLost then, but never for an opt-out."""
        loosened = {one.number for one in told if one.kind in (Kind.STAFF_IN, Kind.SILENCE_IN)}
        asked = [
            one.number
            for one in self.numbers.values()
            if one.is_new or (one.number in loosened and one.state.person_out is None)
        ]
        try:
            return erased(self.workspace, asked)
        except remembered.KeyLost:
            if loosened:
                raise
            return []

    def _views(self) -> dict[str, dict[str, tuple[str, RecordView]]]:
        """The mapped records of each number, with their objects."""
        mappings = store.mappings_of(self.workspace)
        records = store.records_of(self.cursor, self.workspace, list(self.numbers)) if mappings else []
        mapped = [one for one in records if one[2] in mappings and one[1] not in self.untouched]
        ids = [record for _, record, _ in mapped]
        values, waiting = store.held(self.cursor, self.workspace, ids) if ids else ({}, {})
        now = {**values, **{record: self.holdings[record] for record in ids if record in self.holdings}}
        views: dict[str, dict[str, tuple[str, RecordView]]] = {}
        for number, record, kind_of in mapped:
            seen = store.view(
                record,
                now.get(record),
                waiting.get(record),
                mappings[kind_of],
                fresh=record in self.fresh,
                before=values.get(record),
                unread=self.unread,
            )
            views.setdefault(number, {})[record] = (kind_of, seen)
        return views


def enter(
    cursor: CursorWrapper, workspace: int, numbers: Iterable[str], *, making: Iterable[str] = ()
) -> Room:
    """Locks the numbers until the end of the transaction, making rows for `making` where there is none."""
    return Room(cursor, workspace, store.lock_numbers(cursor, workspace, numbers, making=making))


def erased(workspace: int, numbers: Sequence[str]) -> list[Told]:
    """What is said of those of the numbers whose people were erased. Raises KeyLost when that can't be known."""
    stopped = remembered.suppressed_since(workspace, numbers) if numbers else {}
    return [
        Told(number, Kind.PERSON_OUT, Cause.ERASED, When.at(since))
        for number, since in sorted(stopped.items())
    ]


def hash_of(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def _settle_one(
    writes: Writes,
    number: LockedNumber,
    said: Sequence[Told],
    views: Mapping[str, tuple[str, RecordView]],
    now: datetime,
) -> tuple[Decision, int]:
    """One number's decision into `writes`; returns it with the version that the number has afterwards."""
    # Moments only grow, also when the clock was set back.
    learnt_at = max(now, number.last_learnt_at + _TICK) if number.last_learnt_at else now
    statements = [
        Statement(one.kind, one.when.counted(one.kind, learnt_at), one.weak, one.renews) for one in said
    ]
    # By identity: two records may say the same, and each is a line.
    sources = {id(statement): one for statement, one in zip(statements, said, strict=True)}
    decision = decide(Current(number.state, [view for _, view in views.values()]), statements)
    version, state = number.version, number.state
    for statement in decision.told:
        version, state = version + 1, state.after(statement)
        one = sources[id(statement)]
        _add_line(writes, number.id, version, one, statement, state.status, learnt_at)
        if (
            decision.state.is_stopped_by_person
            and statement.kind is Kind.STAFF_IN
            and one.source.salesforce_id
        ):
            writes.conflicts[number.id, version] = (one.source.salesforce_id, learnt_at)
    if decision.told:
        stamps = (getattr(decision.state, name) for name in store.STAMPS)
        writes.numbers.append((number.id, version, learnt_at, *stamps))
        _review(writes, number, decision, [sources[id(one)] for one in decision.told], learnt_at)
    if number.state.is_opted_out and any(one.kind in TIGHTENING for one in decision.told):
        writes.said_anew.append(number.id)
    for record in decision.pushes:
        kind_of, seen = views[record]
        wanted = decision.state.status.value
        writes.pushes.append(PushRow(number.id, kind_of, record, wanted, learnt_at, learnt_at, learnt_at))
        if seen.is_put_back:
            writes.put_back[record] = decision.state.spoken_at
    return decision, version


def _add_line(
    writes: Writes,
    consent: int,
    version: int,
    one: Told,
    statement: Statement,
    status: Says,
    learnt_at: datetime,
) -> None:
    source = one.source
    happened = (learnt_at, learnt_at) if one.when.is_now else (one.when.earliest, one.when.latest)
    writes.events.append(
        EventRow(
            consent,
            version,
            one.kind.value,
            one.cause.value,
            statement.counts_at,
            *happened,
            learnt_at,
            status.value,
            source.member_id,
            source.run,
            source.key_hash,
        )
    )
    if source.salesforce_id or source.words or source.reason:
        writes.evidence[consent, version] = (source.salesforce_id, source.words, source.reason)


def _review(
    writes: Writes, number: LockedNumber, decision: Decision, told: Sequence[Told], learnt_at: datetime
) -> None:
    """A review is open exactly while the number is suppressed."""
    before, after = number.state.is_suppressed, decision.state.is_suppressed
    if after and not before:
        likely = decision.state.likely or learnt_at
        writes.opened.append((number.id, learnt_at, review_due(likely)))
    if before and not after:
        outcome = ReviewOutcome.OVERTAKEN
        if any(one.kind is Kind.CLEARED for one in told):
            outcome = ReviewOutcome.CLEARED
        elif any(one.cause == Cause.REVIEW for one in told):
            outcome = ReviewOutcome.CONFIRMED
        writes.closed.append((number.id, learnt_at, outcome.value))
