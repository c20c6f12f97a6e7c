"""One page of a report read by its record ids, ascending: what of it to take and where to go on.

Pure. A report may repeat a record, and its rows may lie on both sides of the 2,000-row cut. So the last record of a
cut page is left for the next one, unless the org's own counts say that nothing repeats. Where the org sorts and
filters ids differently (letter case), a page brings ids that were read already: they are found by the set of ids
read, never by comparing ids here.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from carillon.salesforce.reports.errors import FilterIgnored, RecordRepeatsTooOften

# Below every id there is: what comes after it are all rows that have an id.
BEFORE_ALL_IDS = "0" * 15 + "AAA"


@dataclass(frozen=True, slots=True)
class KeysetStep:
    """`taken` are places of rows of the page; `cursor` is None after the last page.

    `taken` counts towards completeness, rows without an id among them; `fresh` are the first rows of new records;
    `stale` is how many further rows are of records read on an earlier page.
    """

    taken: tuple[int, ...]
    fresh: tuple[int, ...]
    stale: int
    cursor: str | None


def keyset_step(
    ids: Sequence[str | None],
    seen: AbstractSet[str],
    *,
    cursor: str | None,
    cut: bool,
    may_repeat: bool,
) -> KeysetStep:
    """`ids` are the record ids of the page's rows, `cursor` the id this page was asked to come after.

    Raises FilterIgnored when a cut page brings nothing new, RecordRepeatsTooOften when one record fills it.
    """
    last = next((item for item in reversed(ids) if item), None)
    left_out = last if cut and may_repeat else None
    taken: list[int] = []
    fresh: dict[str, int] = {}
    stale = 0
    for place, record in enumerate(ids):
        if record is not None:
            if record == left_out:
                continue
            if record in seen:
                stale += 1
                continue
            fresh.setdefault(record, place)
        taken.append(place)
    step = KeysetStep(tuple(taken), tuple(fresh.values()), stale, None)
    return _going_on(step, ids, cursor, left_out) if cut else step


def _going_on(
    step: KeysetStep, ids: Sequence[str | None], cursor: str | None, left_out: str | None
) -> KeysetStep:
    if left_out and all(item == left_out for item in ids):
        raise RecordRepeatsTooOften(left_out)
    if not step.fresh and cursor is not None:
        raise FilterIgnored
    last = next((item for item in reversed(ids) if item and item != left_out), BEFORE_ALL_IDS)
    return KeysetStep(step.taken, step.fresh, step.stale, last)
