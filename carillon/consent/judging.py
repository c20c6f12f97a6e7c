"""What each record of a batch says of which numbers, and what it is held to hold then. Pure, given what is known.

What a batch says of one number is judged together: several records may have it, come to it, and leave it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from carillon.accounts.models import Workspace
from carillon.consent.decide import (
    NOW,
    UNKNOWN,
    Authority,
    Current,
    Kind,
    Says,
    State,
    Statement,
    When,
    decide,
)
from carillon.consent.ledger import Move, Source, Told
from carillon.consent.models import Cause
from carillon.consent.reading import Heard, Mapping, Seen, Speech, listen
from carillon.consent.store import HeldRow, LockedNumber

# An org's clock and ours, by so much at most: for what counts at an org's time without anything of ours to go by.
CLOCKS_DIFFER = timedelta(minutes=5)
LOOSENING = (Kind.STAFF_IN, Kind.SILENCE_IN)


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
class Judged:
    """A record with what it will be held to hold (None: as before), and what is said of numbers because of it."""

    sighting: Sighting
    holding: HeldRow | None
    told: tuple[Told, ...]
    is_fresh: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What is the same for all records of a batch. `accepted_by` is who takes the records' word in spite of staff."""

    workspace: Workspace
    object_name: str
    mapping: Mapping | None
    run: UUID
    accepted_by: Source | None = None
    staging: bool = True


def judge_all(
    batch: Reading,
    numbers: dict[str, LockedNumber],
    rows: Sequence[Sighting],
    values: dict[str, HeldRow],
    waiting: dict[str, Says],
) -> list[Judged]:
    """Judges each row; who leaves a number that another who had it opts out with this batch takes that along."""

    def judge(row: Sighting, numbers: dict[str, LockedNumber]) -> Judged:
        return _judge(batch, numbers, row, values.get(row.salesforce_id), waiting.get(row.salesforce_id))

    judged = [judge(row, numbers) for row in rows]
    left = {row.number_before for row in rows if row.number_before and row.is_new_here}
    if not left:
        return judged
    told: dict[str, list[Told]] = {}
    for one in judged:
        if one.sighting.number in left and not one.sighting.is_new_here:
            told.setdefault(one.sighting.number, []).extend(one.told)
    then = {
        number: replace(numbers[number], state=trial(numbers[number].state, said))
        for number, said in told.items()
        if said and not numbers[number].state.is_opted_out
    }
    known = {**numbers, **then}
    return [judge(one.sighting, known) if one.sighting.number_before in then else one for one in judged]


def _judge(
    batch: Reading,
    numbers: dict[str, LockedNumber],
    row: Sighting,
    value: HeldRow | None,
    waiting: Says | None,
) -> Judged:
    value = known_of(row, value, batch.mapping)
    move = Move(row.salesforce_id, row.number_before or "", row.number, Cause.NUMBER_CHANGED)
    told = [replace(one, source=replace(one.source, run=batch.run)) for one in move.told(numbers, value)]
    holding, mapping, is_fresh = value, batch.mapping, row.is_new_here
    if mapping and row.seen:
        speech = listen(value.held(waiting) if value else None, row.seen, mapping)
        is_fresh = is_fresh or speech.heard in (Heard.FIRST_SIGHT, Heard.FIRST_SIGHT_AGAIN)
        if row.number and (said := _said(batch, row, speech, value, waiting)):
            told.append(said)
        if speech.heard is not Heard.STALE:
            holding = _holding(row.salesforce_id, row.seen, speech, mapping, value)
    unread = HeldRow.never_read(row.salesforce_id, mapping)
    left = move.leaving(numbers, value, holding or unread)
    if left != (holding or unread):
        holding = left
    return Judged(row, None if holding == value else holding, tuple(told), is_fresh)


def _said(
    batch: Reading, row: Sighting, speech: Speech, value: HeldRow | None, waiting: Says | None
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
    if kind in LOOSENING and batch.accepted_by:
        accepted = replace(batch.accepted_by, salesforce_id=row.salesforce_id)
        return Told(row.number, Kind.STAFF_IN, Cause.MEMBER, NOW, source=accepted)
    cause = Cause.RECORD if speech.heard is Heard.SPOKE else Cause.FIRST_SIGHT
    if kind is Kind.STAFF_OUT and cause is Cause.FIRST_SIGHT and row.seen and not row.is_new_here:
        # It has held this since it was changed last, and what that means was said with the mapping: whoever opted the
        # number in after both has the last word.
        when = When(latest=max(mapping.since, row.seen.stamp + CLOCKS_DIFFER))
    return Told(row.number, kind, cause, when, weak, mapping.since, source)


def without_flip(one: Judged) -> Judged:
    """What of a staged record applies at once: that its number changed, but nothing that it says."""
    return replace(one, holding=None, told=tuple(told for told in one.told if told.kind not in LOOSENING))


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


def flipping(numbers: dict[str, LockedNumber], judged: Sequence[Judged]) -> set[str]:
    """Records without whose word their numbers stay opted out, and with it don't. And those that would, but for staff,
    under a new mapping: whether the mapping before was wrong is for an admin to say."""
    told: dict[str, list[Told]] = {}
    for one in judged:
        for said in one.told:
            told.setdefault(said.number, []).append(said)
    flipped: set[str] = set()
    for number, of_number in told.items():
        loosening = {said.source.salesforce_id: said for said in of_number if said.kind in LOOSENING}
        if loosening:
            state = numbers[number].state
            without = trial(state, [said for said in of_number if said.kind not in LOOSENING])
            anew = any(said.kind is Kind.SILENCE_IN for said in loosening.values())
            if without.is_opted_out and (
                not trial(state, of_number).is_opted_out or (anew and without.authority is Authority.STAFF)
            ):
                flipped.update(loosening)
    return flipped


def trial(state: State, said: Sequence[Told]) -> State:
    return decide(Current(state), statements_of(said)).state


def statements_of(said: Sequence[Told]) -> list[Statement]:
    """As if learnt after everything."""
    learnt_at = datetime.max.replace(tzinfo=UTC)
    return [Statement(one.kind, one.when.counted(one.kind, learnt_at), one.weak, one.renews) for one in said]


def known_of(row: Sighting, value: HeldRow | None, mapping: Mapping | None) -> HeldRow | None:
    """What a record last held; None at its first sight."""
    if value is None and mapping and mapping.is_read and row.number_before is not None and not row.is_back:
        return HeldRow.never_read(row.salesforce_id, mapping)
    return value
