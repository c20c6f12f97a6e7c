"""What is made of people who are no longer in the list: what became of each record, and whether so many left at once
that an admin must look first. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from carillon.salesforce.records.fates import Fate, Whereabouts

# Leavers are held when they are more than both.
HELD_ABOVE_SHARE = 0.20
HELD_ABOVE_PEOPLE = 100

# As contacts store it: "" for a record like any other.
LIVING, DELETED, HIDDEN = "", "deleted", "hidden"
# Among those who leave: not asked about one by one.
NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True)
class Move:
    """A record that lives on as another: `passed` led to it, the first is where it began. `absence` is the last one's."""

    passed: tuple[str, ...]
    object: str
    salesforce_id: str
    absence: str


@dataclass(frozen=True, slots=True)
class Verdicts:
    """`absences` by the id of each record that stayed itself; `moves` of all others."""

    absences: dict[str, str]
    moves: list[Move]


def verdicts_of(fates: Mapping[str, Fate]) -> Verdicts:
    """`fates` by the id that was asked for. A chain without an end says nothing of its record: it is hidden."""
    found = Verdicts({}, [])
    for record_id, fate in fates.items():
        if fate.passed and fate.whereabouts != Whereabouts.ENDLESS:
            found.moves.append(Move(fate.passed, fate.sobject, fate.id, _ABSENCES[fate.whereabouts]))
        else:
            found.absences[record_id] = _ABSENCES[fate.whereabouts]
    return found


_ABSENCES = {
    Whereabouts.LIVING: LIVING,
    Whereabouts.DELETED: DELETED,
    Whereabouts.HIDDEN: HIDDEN,
    Whereabouts.ENDLESS: HIDDEN,
}


def is_held(leaving: int, stored: int) -> bool:
    """Whether so many leave of those stored in the source that an admin must look first."""
    return leaving > HELD_ABOVE_PEOPLE and leaving > stored * HELD_ABOVE_SHARE


@dataclass(frozen=True, slots=True)
class Leaving:
    """How many leave, by what became of their records; `not_asked` are so many that nobody looked one by one."""

    living: int = 0
    deleted: int = 0
    hidden: int = 0
    not_asked: int = 0

    @property
    def people(self) -> int:
        return self.living + self.deleted + self.hidden + self.not_asked


def likely_reason(leaving: Leaving, *, stored: int, listed: int, setup_changed: bool) -> str:
    """Two sentences for an admin: what was found, and what is probably behind it."""
    found = (
        f"{leaving.people:,} of the {stored:,} people who were in the list are no longer in it; it holds"
        f" {listed:,} now."
    )
    return f"{found} {_cause(leaving, setup_changed=setup_changed)}"


def leavers_held(people: int, reason: str) -> dict[str, str | int]:
    """What a run or a dry run says of a held set to programs."""
    return {"kind": "leavers", "count": people, "reason": reason}


def _cause(leaving: Leaving, *, setup_changed: bool) -> str:
    half = leaving.people / 2
    if leaving.deleted > half:
        return (
            f"{leaving.deleted:,} of them were deleted in Salesforce. If that was not meant, they can be taken back from"
            " its recycle bin for 15 days."
        )
    if leaving.hidden > half:
        return (
            f"Of {leaving.hidden:,} the API user can't see the records any more: sharing or its permissions were probably"
            " changed."
        )
    if setup_changed:
        return "This setup, or the filter of the list, was changed since the last import."
    if leaving.living > half:
        return (
            f"The records of {leaving.living:,} are still in Salesforce, outside the list: what its filter looks at was"
            " probably changed."
        )
    return "So many at once usually means that the list's filter was changed."
