"""A bulk read killed anywhere, and resumed at its stored place, misses no record and gives none out twice.

The org here keeps jobs with their results in sets. It loses jobs when it likes; each read is told by the importer's own
code what to store, and a kill may come between any two parts.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carillon.imports.bulk_reads import BulkReads, BulkUnusable, Result
from carillon.imports.watermark import JobPlace
from carillon.salesforce.bulk.resource import BulkJob, BulkPage, Place
from carillon.salesforce.errors import BulkJobFailed, BulkJobGone, QueryRejected, Stopped


class Record(msgspec.Struct):
    Id: str


RESULT = Result("SELECT Id FROM Contact", 1, Record)


@dataclass(slots=True)
class Org:
    """Its people, and its jobs by id: each the ids it found, in an order of its own, in sets of `size`."""

    people: list[str]
    size: int = 3
    piece: int = 2
    jobs: dict[str, list[str]] = field(default_factory=dict)
    made: int = 0
    fails: int = 0
    # How many records each of the next jobs counts that its sets don't hold.
    short: list[int] = field(default_factory=list)
    counted: dict[str, int] = field(default_factory=dict)

    def create(self, soql: str) -> BulkJob:
        self.made += 1
        job = f"job {self.made}"
        self.jobs[job] = self.people[self.made % 3 :] + self.people[: self.made % 3]
        self.counted[job] = len(self.people) + (self.short.pop(0) if self.short else 0)
        return BulkJob(job, "InProgress")

    def job(self, job_id: str) -> BulkJob:
        if job_id not in self.jobs:
            raise BulkJobGone
        return BulkJob(job_id, "JobComplete", self.counted[job_id])

    def wait(self, job: BulkJob, **patience: object) -> BulkJob:
        if self.fails:
            self.fails -= 1
            raise BulkJobFailed("QUERY_TIMEOUT")
        return self.job(job.id)

    def pages(self, job: BulkJob, record: type, *, start: Place, max_records: int) -> Iterator[BulkPage[Any]]:
        place: Place | None = start
        while place is not None:
            begin = int(place.locator or 0)
            found = self.jobs.get(job.id)
            if found is None:
                raise BulkJobGone
            rows = found[begin : begin + self.size]
            at = place.done
            while True:
                some = rows[at : at + self.piece]
                at += len(some)
                if at < len(rows):
                    yield BulkPage([Record(one) for one in some], Place(place.locator, at))
                    continue
                following = begin + self.size
                place = Place(str(following)) if following < len(found) else None
                yield BulkPage([Record(one) for one in some], place)
                break

    def discard(self, job: BulkJob) -> None:
        self.jobs.pop(job.id, None)


class Client:
    def __init__(self, org: Org) -> None:
        self.bulk = org


def reads(org: Org) -> BulkReads:
    return BulkReads(Client(org))  # type: ignore[arg-type]  # the org here stands where its client's jobs would


@dataclass(frozen=True, slots=True)
class Session:
    """So many parts are stored until the kill; the job is gone before it, or after so many of them."""

    parts: int
    gone_before: bool
    gone_after: int


def read(
    org: Org, session: Session, place: JobPlace | None, stored: list[str]
) -> tuple[JobPlace | None, bool]:
    """Stores parts, each with its place, until the kill; whether the read came to its end."""
    if session.gone_before:
        org.jobs.clear()
    for number, part in enumerate(reads(org).parts(RESULT, place), 1):
        if number > session.parts:
            return place, False
        assert isinstance(part.cursor, JobPlace)
        if place and part.cursor.job != place.job:
            # Another result, from its beginning: what was stored is stored again.
            stored.clear()
        stored += [record.Id for record in part.records]
        place = part.cursor
        if number == session.gone_after:
            org.jobs.clear()
    return place, True


sessions = st.lists(
    st.builds(Session, st.integers(0, 8), st.booleans(), st.sampled_from([-1, -1, -1, 1, 2, 3])), max_size=4
)


@given(people=st.integers(0, 14), size=st.integers(1, 5), piece=st.integers(1, 3), sessions=sessions)
@settings(max_examples=300, deadline=None)
def test_whatever_was_killed_every_record_is_stored_once(
    people: int, size: int, piece: int, sessions: list[Session]
) -> None:
    org = Org([f"003{number:02}" for number in range(people)], size, piece)
    stored: list[str] = []
    place: JobPlace | None = None
    is_over = False
    for session in sessions:
        try:
            place, is_over = read(org, session, place, stored)
        except BulkUnusable:
            # Two results were lost in one session: pages read everything from the beginning.
            return
        if is_over:
            break

    if not is_over:
        place, is_over = read(org, Session(1_000, False, -1), place, stored)

    assert is_over
    assert place is not None
    assert place.is_whole
    assert place.read == people
    assert sorted(stored) == org.people


@given(people=st.integers(1, 14), size=st.integers(1, 5), parts=st.integers(1, 6))
def test_a_resumed_read_goes_on_in_the_same_job(people: int, size: int, parts: int) -> None:
    org = Org([f"003{number:02}" for number in range(people)], size)
    stored: list[str] = []
    place, _ = read(org, Session(parts, False, -1), None, stored)

    read(org, Session(1_000, False, -1), place, stored)

    assert org.made == 1
    assert sorted(stored) == org.people


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_result_that_is_whole_is_not_read_again(is_gone: bool) -> None:
    org = Org(["a", "b"])
    place = JobPlace(org.create("").id, read=2, is_whole=True)
    jobs = reads(org)
    if is_gone:
        org.jobs.clear()

    assert list(jobs.parts(RESULT, place)) == []
    jobs.discard()
    assert (org.made, org.jobs) == (1, {})


def test_a_short_result_is_never_called_whole() -> None:
    org = Org(["a", "b", "c", "d"], short=[1, 1])
    jobs = reads(org)
    places: list[object] = []

    with pytest.raises(BulkUnusable, match="but its result held"):
        places.extend(part.cursor for part in jobs.parts(RESULT, None))

    assert org.made == 2
    assert not any(place.is_whole for place in places if isinstance(place, JobPlace))
    assert jobs.began_again


def test_a_short_result_followed_by_a_whole_one_is_read() -> None:
    org = Org(["a", "b", "c", "d"], short=[1])
    jobs = reads(org)

    parts = list(jobs.parts(RESULT, None))

    assert parts[-1].cursor == JobPlace("job 2", read=4, is_whole=True)
    # What came of the first result counts as expected, too: a progress never goes back.
    assert parts[-1].expected == 3 + 4
    assert jobs.refusal == ""


def test_a_job_that_failed_leaves_the_read_to_pages_for_the_rest_of_the_walk() -> None:
    org = Org(["a"], fails=1)
    jobs = reads(org)
    assert jobs.suit(1_000_000)

    with pytest.raises(BulkUnusable, match="QUERY_TIMEOUT"):
        list(jobs.parts(RESULT, None))

    assert not jobs.suit(1_000_000)
    assert not jobs.began_again
    jobs.discard()
    assert org.jobs == {}


def test_who_reads_ahead_of_a_cancelled_walk_makes_no_new_job() -> None:
    """Its job is deleted under its hands, which looks like one that is gone."""
    org = Org(["a", "b", "c", "d"])
    jobs = reads(org)
    parts = jobs.parts(RESULT, None)
    next(parts)
    jobs.close()

    with pytest.raises(Stopped):
        list(parts)

    assert (org.made, org.jobs) == (1, {})


def test_a_query_that_only_pages_run_is_refused_at_once() -> None:
    class Refusing(Org):
        def create(self, soql: str) -> BulkJob:
            raise QueryRejected("API_ERROR", "not supported in Bulk")

    jobs = reads(Refusing([]))

    with pytest.raises(BulkUnusable, match="not supported in Bulk"):
        list(jobs.parts(RESULT, None))


def test_a_part_without_records_comes_before_the_wait() -> None:
    """Its place is stored, so that a killed process leaves its job to the next."""
    first, *rest = reads(Org(["a", "b"])).parts(RESULT, None)

    assert (first.records, first.cursor, first.waits) == ([], JobPlace("job 1"), True)
    assert not any(part.waits for part in rest)
