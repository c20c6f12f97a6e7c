"""What an import would change about consent, batch by batch as it would store them. Nothing is locked or written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from uuid import UUID

from django.db import connection

from carillon.accounts.models import Workspace
from carillon.consent import ledger, reading, store
from carillon.consent.decide import Current, State, Statement, decide
from carillon.consent.importing import Sieve
from carillon.consent.judging import LOOSENING, Reading, Sighting, flipping, judge_all, statements_of, trial
from carillon.consent.ledger import Room, Told

_NOTHING: Mapping[str, State] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What becomes of a number by what is read of a record: whether it `opts_out` at once; and the `word` that would opt it
    in, when the run's flips are applied."""

    number: str
    opts_out: bool
    word: Statement | None = None


@dataclass(frozen=True, slots=True)
class Foresight:
    """The records by which numbers would change their status, by id; and how each number would be, of which something
    is said, until the run's flips are applied."""

    flips: dict[str, Foreseen]
    states: dict[str, State]


def foresee(
    *,
    workspace: Workspace,
    object_name: str,
    rows: Sequence[Sighting],
    mapping: reading.Mapping | None,
    known: Mapping[str, State] = _NOTHING,
) -> Foresight:
    """Of one batch; under a mapping that need not be saved. `known` are the states of numbers after batches before it.
    Raises KeyLost."""
    batch = Reading(workspace, object_name, mapping, UUID(int=0))
    with connection.cursor() as cursor:
        telling = Sieve(cursor, workspace.pk, mapping, known).telling(rows)
        numbers = {number for row in telling for number in (row.number, row.number_before) if number}
        found = store.read_numbers(cursor, workspace.pk, numbers)
        room = Room(
            cursor,
            workspace.pk,
            {number: replace(one, state=known.get(number, one.state)) for number, one in found.items()},
        )
        values, waiting = store.held(cursor, workspace.pk, [row.salesforce_id for row in telling])
    judged = judge_all(batch, room.numbers, telling, values, waiting)
    staged = flipping(room.numbers, judged)
    new = [number for number, one in room.numbers.items() if one.is_new]
    applied = [
        said
        for one in judged
        for said in one.told
        if said.kind not in LOOSENING or one.sighting.salesforce_id not in staged
    ]
    told = _by_number([*applied, *ledger.erased(workspace.pk, new)])
    states = {number: trial(room.numbers[number].state, said) for number, said in told.items()}
    flips = {}
    for one in judged:
        record, number = one.sighting.salesforce_id, one.sighting.number
        before = room.numbers[number].state if number else State()
        opts_out = not before.is_opted_out and states.get(number, before).is_opted_out
        words = statements_of([said for said in one.told if said.kind in LOOSENING and record in staged])
        if opts_out or words:
            flips[record] = Foreseen(number, opts_out, words[0] if words else None)
    return Foresight(flips, states)


def staying_out(
    *, workspace: Workspace, words: Mapping[str, Sequence[Statement]], known: Mapping[str, State]
) -> set[str]:
    """Numbers that would be opted out still when the run's flips were applied, of those with `words` for opting them in;
    unless an admin accepts these against staff's. `known` as in `foresee`, after the last batch. Raises KeyLost."""
    with connection.cursor() as cursor:
        found = store.read_numbers(cursor, workspace.pk, words)
    states = {number: known.get(number, one.state) for number, one in found.items()}
    asked = [number for number, state in states.items() if state.person_out is None]
    erased = _by_number(ledger.erased(workspace.pk, asked))
    return {
        number
        for number, state in states.items()
        if decide(Current(trial(state, erased.get(number, []))), words[number]).state.is_opted_out
    }


def _by_number(told: Iterable[Told]) -> dict[str, list[Told]]:
    found: dict[str, list[Told]] = {}
    for said in told:
        found.setdefault(said.number, []).append(said)
    return found
