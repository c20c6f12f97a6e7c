"""Whether a report was read to its end, proven by the org's own counts of its rows.

Pure. Every run counts all rows its filters let through, also those it does not give. While a report is read page by
page, each count must be the one before less what was taken in between. Where it is not, rows came or went meanwhile,
or were skipped; a count made after the last page tells whether any are missing.
"""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """PROVEN: every count agrees, so nobody who was in the report all the time is missing. CHANGED: rows came, left or
    may have moved, and as many were read as are there at the end, not surely the same. SHORT: at the end the org
    counted more rows than were read, or gave no count.
    """

    PROVEN = "proven"
    CHANGED = "changed"
    SHORT = "short"


@dataclass(frozen=True, slots=True)
class Completeness:
    """`rows` were read, with repeats; `records` are different ids among them; `counted` is the org's last count.

    `missing` are rows the org counted at the end and that were not read.
    """

    verdict: Verdict
    rows: int
    records: int
    without_id: int
    counted: int | None
    missing: int

    @property
    def sentence(self) -> str:
        read = f"{self.rows:,} rows with {self.records:,} different records were read"
        if self.verdict is Verdict.PROVEN:
            return f"{read}: exactly the rows that Salesforce counted, at every page."
        if self.verdict is Verdict.CHANGED:
            return (
                f"{read}, no fewer than the {self.counted:,} there at the end; the report changed meanwhile, or may"
                " have, so a single record may be missing."
            )
        if self.counted is None:
            return f"{read}, and Salesforce gave no count to compare them with."
        return f"{read}; {self.missing:,} more are there at the end: added behind the reading, or not given."


class Ledger:
    """Counts while a report is read; every page is counted by the org before its rows are taken."""

    def __init__(self, row_count: int | None, unique_count: int | None) -> None:
        self.first = row_count
        self.rows = 0
        self.without_id = 0
        self._unique = unique_count
        self._expected = row_count
        self._pages = 1
        self._agree = row_count is not None
        # By how much the count after the first page is less than what that page left over.
        self.gap = 0

    def count(self, row_count: int | None) -> None:
        """The org's count of all that comes after the rows taken so far."""
        if self._pages == 1 and row_count is not None and self._expected is not None:
            self.gap = self._expected - row_count
        else:
            self._agree = self._agree and row_count == self._expected
        self._pages += 1
        self._expected = row_count

    def take(self, rows: int, without_id: int) -> None:
        self.rows += rows
        self.without_id += without_id
        if self._expected is not None:
            self._expected -= rows

    @property
    def left(self) -> int:
        """How many rows the last count and the rows taken since leave over."""
        return self._expected or 0

    def doubt(self) -> None:
        """Something was seen that counts alone would not show."""
        self._agree = False

    def is_proven(self, records: int, *, unread: int = 0) -> bool:
        """Whether every count agrees, that of different ids among them; an empty id may count as one more.

        `unread` rows have no id: sorted last, none is on the first page, and a page after an id gives none.
        """
        known = (None, records, records + (self.without_id + unread > 0))
        return self._agree and self._expected == 0 and self.gap == unread and self._unique in known

    def closed(self, records: int, counted: int | None, *, unread: int = 0) -> Completeness:
        """`counted` is the org's count after the last page, `unread` how many of those have no id and were not given."""
        rows = self.rows + unread
        missing = 0
        if self.is_proven(records, unread=unread) and counted in (None, rows):
            verdict = Verdict.PROVEN
        elif counted is None or counted > rows:
            verdict, missing = Verdict.SHORT, (counted or rows) - rows
        else:
            verdict = Verdict.CHANGED
        return Completeness(verdict, self.rows, records, self.without_id, counted, missing)
