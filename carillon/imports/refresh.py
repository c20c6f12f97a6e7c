"""When an import of changes reads everything all the same, because something it maps may have gone stale. Pure.

A formula, a roll-up, or a field of a related record (Owner.Name) can change without its record being touched: no
import of changes sees that. So the first import of each day, whoever starts it, reads everything.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Freshness:
    """`full_import_at`: when an import that read everything began, by the org's clock; `timezone` is the setup's."""

    full_import_at: datetime | None
    timezone: str
    stale_fields: Collection[str]


@dataclass(frozen=True, slots=True)
class Refresh:
    """Whether everything is read today, and in a sentence why, or why not although it should be."""

    due: bool = False
    reason: str = ""


def refresh(known: Freshness, now: datetime, *, affordable: bool = True) -> Refresh:
    """Decides for an import of changes that starts at `now`; `affordable`: reading everything stays within the API
    budget."""
    zone = ZoneInfo(known.timezone)
    if not known.stale_fields or (
        known.full_import_at and known.full_import_at.astimezone(zone).date() >= now.astimezone(zone).date()
    ):
        return Refresh()
    names = sorted(known.stale_fields)
    named = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    why = f"{named} may go stale: formulas and fields of related records change without touching the record"
    if not affordable:
        return Refresh(
            False, f"Only changes are read: the API budget is too small to read everything, though {why}."
        )
    return Refresh(True, f"Everything is read, as once a day ({known.timezone}): {why}.")
