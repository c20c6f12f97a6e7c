"""A read killed anywhere and resumed after its cursor misses no record, whatever is modified meanwhile.

The org here is a list of records; its clock and its stamps have the resolution Salesforce's have, one second.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from carillon.imports.watermark import Key, advance

BEGIN = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Modification:
    """After `wait` tenths of a second somebody saves a record; an index past the last makes a new one."""

    wait: int
    index: int


@dataclass(frozen=True, slots=True)
class Session:
    """What happens between the look at the clock and the query, then after each page until the kill."""

    before_query: list[Modification]
    after_pages: list[list[Modification]]


@dataclass(slots=True)
class Org:
    clock: datetime = BEGIN
    stamps: list[datetime] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)

    def save(self, modification: Modification) -> None:
        self.clock += timedelta(milliseconds=100 * modification.wait)
        if modification.index >= len(self.stamps):
            self.stamps.append(self.clock)
            self.versions.append(1)
        else:
            self.stamps[modification.index] = self.clock
            self.versions[modification.index] += 1

    def key(self, index: int) -> Key:
        return Key(self.stamps[index].strftime("%Y-%m-%dT%H:%M:%S.000+0000"), f"003{index:02}")

    def open_query(self, cursor: Key | None) -> list[int]:
        """Opening fixes which records come and their order; what they hold is looked up page by page."""
        found = (index for index in range(len(self.stamps)) if cursor is None or self.key(index) > cursor)
        return sorted(found, key=self.key)


def read(org: Org, session: Session, cursor: Key | None, stored: dict[int, int], size: int) -> Key | None:
    """Reads pages, each stored with the cursor, until the kill; returns the cursor that was stored last."""
    asked_at = org.clock
    for modification in session.before_query:
        org.save(modification)
    listed = org.open_query(cursor)
    for number, modifications in enumerate(session.after_pages):
        page = listed[number * size : (number + 1) * size]
        stored.update((index, org.versions[index]) for index in page)
        cursor = advance(cursor, [org.key(index) for index in page], asked_at)
        for modification in modifications:
            org.save(modification)
    return cursor


modifications = st.lists(
    st.builds(Modification, wait=st.integers(0, 12), index=st.integers(0, 12)), max_size=4
)
sessions = st.lists(
    st.builds(Session, modifications, st.lists(modifications, min_size=1, max_size=4)), min_size=1, max_size=3
)


@given(ages=st.lists(st.integers(0, 3), max_size=10), sessions=sessions, size=st.integers(1, 3))
@settings(max_examples=250)
def test_what_was_read_and_what_a_resumed_read_would_bring_is_every_record(
    ages: list[int], sessions: list[Session], size: int
) -> None:
    org = Org()
    org.stamps = [BEGIN - timedelta(seconds=age) for age in ages]
    org.versions = [1] * len(ages)
    stored: dict[int, int] = {}
    cursor: Key | None = None

    for session in sessions:
        cursor = read(org, session, cursor, stored, size)

        coming = set(org.open_query(cursor))
        missed = [
            index
            for index, version in enumerate(org.versions)
            if stored.get(index) != version and index not in coming
        ]
        assert missed == []
