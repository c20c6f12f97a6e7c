"""What became of a record, as records.following finds it."""

from dataclasses import dataclass
from enum import StrEnum


class Whereabouts(StrEnum):
    LIVING = "LIVING"
    DELETED = "DELETED"
    HIDDEN = "HIDDEN"
    ENDLESS = "ENDLESS"


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a record. LIVING: `sobject` and `id` are the record to use, which `passed` led to (empty when
    it is the same record). Otherwise they are the last one known: DELETED in the recycle bin, HIDDEN gone for good
    or not visible, ENDLESS in a chain that turns back on itself or is too long to be true."""

    whereabouts: Whereabouts
    sobject: str
    id: str
    passed: tuple[str, ...] = ()

    @property
    def living(self) -> bool:
        return self.whereabouts is Whereabouts.LIVING
