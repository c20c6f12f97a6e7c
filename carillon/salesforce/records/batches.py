"""In which batches records are written, and how to go on after each: rules, without any call of their own.

A collection holds 200 records at the most, and as many runs of one object as ten; its results come in its own order.
Records of one object stand together, in the order given; the same record comes twice only in different batches, the
earlier change first.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Protocol

from carillon.salesforce.errors import SalesforceError
from carillon.salesforce.records.refusals import Kind, WriteRefusal, WriteRefused
from carillon.salesforce.records.writing import Outcome, Unanswered

LARGEST = 200
MOST_OBJECTS = 10


class Shaped(Protocol):
    """What the rule needs to know of a record to be written: `identity` is None for a new one."""

    @property
    def sobject(self) -> str: ...
    @property
    def identity(self) -> Hashable | None: ...
    @property
    def field_names(self) -> frozenset[str]: ...


def write_in_batches(
    records: Sequence[Shaped], send: Callable[[list[int]], Sequence[Outcome]], *, all_or_none: bool = False
) -> list[Outcome]:
    """The outcome of each record, in the order given, when `send` writes the records at some places.

    `send` gives their outcomes, or raises WriteRefused for a batch refused as a whole, or another SalesforceError:
    then nothing more is sent. Batches that are too much for the org are sent again in parts.
    """
    waiting = list(batches(records))[::-1]
    if all_or_none and len(waiting) > 1:
        raise ValueError(f"all or none works for at most {LARGEST} different records")
    outcomes: dict[int, Outcome] = {}
    while waiting:
        places = waiting.pop()
        try:
            results = send(places)
            again = _limited(places, results)
        except WriteRefused as error:
            results = [error.refusal] * len(places)
            again = after_refusal_of_all(places, records, error.refusal)
        except SalesforceError as error:
            rest = [place for batch in waiting for place in batch]
            outcomes.update((place, Unanswered(error, sent=not error.untouched)) for place in places)
            outcomes.update((place, Unanswered(error, sent=False)) for place in rest)
            break
        outcomes.update(zip(places, results, strict=True))
        if not all_or_none:
            # Before the others: a later change of the same record must not overtake this one.
            waiting.extend(reversed(again))
    return [outcomes[place] for place in range(len(records))]


def batches(records: Sequence[Shaped], *, largest: int = LARGEST) -> Iterator[list[int]]:
    """The places of the records in each batch, batch after batch; every place exactly once."""
    for round_of_records in _rounds(records):
        batch: list[int] = []
        objects: set[str] = set()
        for place in round_of_records:
            objects.add(records[place].sobject)
            if len(batch) == largest or len(objects) > MOST_OBJECTS:
                yield batch
                batch, objects = [], {records[place].sobject}
            batch.append(place)
        yield batch


def _rounds(records: Sequence[Shaped]) -> list[list[int]]:
    # The n-th change of a record belongs to round n.
    seen: Counter[Hashable] = Counter()
    rounds: list[list[int]] = []
    for place, record in enumerate(records):
        identity = record.identity
        turn = seen[identity] if identity is not None else 0
        if identity is not None:
            seen[identity] += 1
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(place)
    order = {name: index for index, name in enumerate(dict.fromkeys(record.sobject for record in records))}
    return [sorted(places, key=lambda place: order[records[place].sobject]) for places in rounds]


def after_limit(refused: Sequence[int], *, of: int) -> list[list[int]]:
    """Smaller batches of the places refused for a limit in a batch `of` so many; none when it was one alone."""
    return _cut(refused, of // 2) if of > 1 else []


def after_refusal_of_all(
    places: Sequence[int], records: Sequence[Shaped], refusal: WriteRefusal
) -> list[list[int]]:
    """How to go on when the batch was refused as a whole: an empty list when the refusal is each record's own.

    What is wrong with a field's name is wrong with every record of that object and those fields; any other reason
    is found by halving.
    """
    if refusal.kind is not Kind.FIELD:
        return after_limit(places, of=len(places))
    shapes: dict[tuple[str, frozenset[str]], list[int]] = {}
    for place in places:
        record = records[place]
        shapes.setdefault((record.sobject, record.field_names), []).append(place)
    return list(shapes.values()) if len(shapes) > 1 else []


def _limited(places: Sequence[int], results: Sequence[Outcome]) -> list[list[int]]:
    refused = [
        place
        for place, result in zip(places, results, strict=True)
        if isinstance(result, WriteRefusal) and result.kind is Kind.LIMIT
    ]
    return after_limit(refused, of=len(places))


def _cut(places: Sequence[int], size: int) -> list[list[int]]:
    return [list(places[start : start + size]) for start in range(0, len(places), size)]
