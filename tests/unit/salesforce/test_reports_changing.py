"""Readings of a report that changes between any two runs: what stays in it throughout is read, once."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carillon.salesforce.reports.describes import ReportColumn
from carillon.salesforce.reports.errors import TooManyRuns, WindowTooFull
from carillon.salesforce.reports.proof import Verdict
from carillon.salesforce.reports.reading import ReadOrder, ReportReading, Way
from tests.unit.salesforce.paper_report import (
    CREATED,
    DAY_ONE,
    ID,
    MODIFIED,
    Line,
    PaperReport,
    contact_id,
    described,
    ids_of,
)

PEOPLE = st.integers(1, 40)
HOURS = st.integers(0, 400)
# (before which run, whom, where to): None takes the person out, a number puts them in or moves them to that hour.
EDITS = st.lists(st.tuples(st.integers(2, 14), PEOPLE, st.none() | HOURS), max_size=14)


def at(hours: int) -> datetime:
    return DAY_ONE + timedelta(hours=hours)


class Living:
    """A report of people, edited before its runs; `throughout` are those in it at every moment.

    A person's Created Date stays what it was; the other date moves with each edit.
    """

    def __init__(
        self, people: dict[int, int], edits: list[tuple[int, int, int | None]], *, repeats: int = 1
    ) -> None:
        self.created = {person: at(hours) for person, hours in people.items()}
        self.moved = dict(self.created)
        self.inside = set(people)
        self.throughout = set(people)
        self.ever = set(people)
        self.edits = sorted(edits, key=lambda edit: edit[0])
        self.repeats = repeats
        self.counts: list[int] = []
        self.paper = PaperReport([], modified=lambda person: self.moved[person], before_run=self.edit)
        self.edit(0)

    def edit(self, run: int) -> None:
        while self.edits and self.edits[0][0] <= run:
            _, person, hours = self.edits.pop(0)
            if hours is None:
                self.inside.discard(person)
                self.throughout.discard(person)
                continue
            self.created.setdefault(person, at(hours))
            self.moved[person] = at(hours)
            self.inside.add(person)
            self.ever.add(person)
        self.paper.lines = [
            Line(contact_id(person), self.created[person])
            for person in sorted(self.inside)
            for _ in range(1 + person % self.repeats)
        ]
        self.counts.append(len(self.paper.lines))

    def reading(self, way: Way, column: ReportColumn = CREATED) -> ReportReading:
        report = described(addable={"CREATED_DATE": CREATED, "MODIFIED": MODIFIED})
        order = ReadOrder("Contact", (), ID, window_columns=(column,), way=way)
        return ReportReading(self.paper, report, order)

    def check(self, read: ReportReading, found: list[str]) -> None:
        assert len(found) == len(set(found))
        assert set(found) <= {contact_id(person) for person in self.ever}
        assert read.completeness is not None
        said = read.completeness
        if said.verdict is Verdict.PROVEN:
            return
        # The org's last count, which one more run may have followed.
        assert said.counted in self.counts[-2:]
        # By id, who comes and who goes around that count can look like rows without an id, which no page gives.
        if said.verdict is Verdict.SHORT:
            assert 0 < said.missing <= said.counted - said.rows
        elif read.way is Way.BY_WINDOW:
            assert said.counted <= said.rows

    @property
    def stayed(self) -> set[str]:
        return {contact_id(person) for person in self.throughout}


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(PEOPLE, HOURS, max_size=30), EDITS, st.sampled_from([1, 3]), st.booleans())
@pytest.mark.parametrize("way", [Way.BY_ID, Way.BY_WINDOW])
def test_who_stays_in_the_report_is_read_once_whoever_comes_and_goes(
    way: Way,
    people: dict[int, int],
    edits: list[tuple[int, int, int | None]],
    repeats: int,
    counts_unique: bool,
) -> None:
    report = Living(people, edits, repeats=repeats)
    report.paper.counts_unique = counts_unique
    read = report.reading(way)

    try:
        found = ids_of(read)
    except (WindowTooFull, TooManyRuns):
        return

    assert set(found) >= report.stayed
    report.check(read, found)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(PEOPLE, HOURS, max_size=30), EDITS, st.booleans())
def test_no_proof_is_claimed_where_people_moved_past_the_reading(
    people: dict[int, int], edits: list[tuple[int, int, int | None]], counts_unique: bool
) -> None:
    report = Living(people, edits)
    report.paper.counts_unique = counts_unique
    read = report.reading(Way.BY_WINDOW, MODIFIED)

    try:
        found = ids_of(read)
    except (WindowTooFull, TooManyRuns):
        return

    report.check(read, found)
    assert read.completeness is not None
    if read.completeness.verdict is Verdict.PROVEN:
        assert set(found) >= report.stayed


@settings(max_examples=400, deadline=None)
@given(
    st.dictionaries(st.integers(1, 9), st.sampled_from([0, 1, 30]), min_size=5),
    st.lists(st.tuples(st.integers(2, 12), st.integers(1, 9)), max_size=8),
)
def test_windows_of_a_stamp_that_only_grows_lose_nobody(
    people: dict[int, int], edits: list[tuple[int, int]]
) -> None:
    report = Living(people, [(run, person, 500 + run) for run, person in edits if person in people])
    read = report.reading(Way.BY_WINDOW, replace(MODIFIED, entity_field="Contact.LastModifiedDate"))

    try:
        found = ids_of(read)
    except (WindowTooFull, TooManyRuns):
        return

    assert set(found) >= report.stayed
    report.check(read, found)
