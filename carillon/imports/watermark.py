"""Where a read stands and where the next one starts. Pure.

A read is ordered by (SystemModstamp, Id). Its cursor says: everything at or before this key is stored. A page
may hold a record that was modified after the query was opened: it shows its new, later stamp at its old place.
Such a stamp must never become the cursor, or a resumed read would skip all that lies between.
The result of a bulk job is fixed once the job is complete, in no order: there the place is the job's own.
Watermarks are the org's clock, never ours.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from carillon.salesforce.soql import datetime_literal, parse_datetime, string_literal

# A transaction may run ten minutes, so a record can become visible that long after its stamp; twice that.
OVERLAP = timedelta(minutes=20)
RESUMABLE_FOR = timedelta(hours=24)
# For a read that the API budget cuts into several days. The order by stamp makes it safe at any age: whatever changes
# meanwhile comes again behind the cursor. It only must not go on for ever.
CUT_RESUMABLE_FOR = timedelta(days=7)
# Stands in a cursor for the id of somebody who was erased: records with that stamp are read again.
BEFORE_ALL_IDS = ""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """A place in the order of a read. Stamps compare as text: Salesforce writes them in one fixed UTC form."""

    stamp: str
    id: str

    @property
    def after(self) -> str:
        """SOQL for everything after this place."""
        at = datetime_literal(parse_datetime(self.stamp))
        if self.id == BEFORE_ALL_IDS:
            return f"SystemModstamp >= {at}"
        return f"(SystemModstamp > {at} OR (SystemModstamp = {at} AND Id > {string_literal(self.id)}))"


@dataclass(frozen=True, slots=True)
class JobPlace:
    """How far the result of a bulk job is stored: `done` records of the set at `locator` ("" is the first), `read` of
    all its sets. `is_whole` says that these are all."""

    job: str
    locator: str = ""
    done: int = 0
    read: int = 0
    is_whole: bool = False


Cursor = Key | JobPlace


def advance(cursor: Key | None, page: Iterable[Key], asked_at: datetime) -> Key | None:
    """The cursor once a page is stored: the last of its keys that is older than the query itself.

    `asked_at` is the org's clock before the query was sent. Stamps have a resolution of one second, so one in
    the second of the query may already be a later change.
    """
    limit = asked_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    settled = [key for key in page if key.stamp < limit]
    if cursor is not None:
        settled.append(cursor)
    return max(settled, default=None)


def next_watermark(org_clock: datetime, previous: datetime | None) -> datetime:
    """Start of the next *changes* run after one that began at `org_clock`; never before the previous one."""
    watermark = org_clock - OVERLAP
    return max(watermark, previous) if previous else watermark


def since(watermark: datetime) -> str:
    """SOQL for the records of a *changes* run; no upper bound, so nothing falls between two runs."""
    return f"SystemModstamp >= {datetime_literal(watermark)}"


def stamps_due(swept_at: datetime | None, org_clock: datetime, timezone: str) -> bool:
    """Whether a sweep carries stamps besides ids: the first of each local day does. `swept_at` is the org's clock at
    the beginning of the last run that did."""
    if swept_at is None:
        return True
    zone = ZoneInfo(timezone)
    return swept_at.astimezone(zone).date() != org_clock.astimezone(zone).date()


def effective_start(
    mode: str, watermark: datetime | None, imported_fingerprint: str, fingerprint: str
) -> tuple[datetime | None, str]:
    """Where a run asked for in `mode` really starts (None: everything) and, when that is another mode, why."""
    if mode != "changes":
        return None, ""
    if watermark is None:
        return None, "Everything is read, because this setup has not been imported in full yet."
    if fingerprint != imported_fingerprint:
        return None, (
            "Everything is read, because the source, its filter, the mapping or the connected org changed since"
            " the last import."
        )
    return watermark, ""
