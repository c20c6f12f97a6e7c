"""Queries as jobs of Bulk API 2.0: create, wait, read the result by locator or in parallel, delete.

A result is read in sets, each with a locator that serves again as long as the job exists; one set's body is held at
a time (parallel reading: one a thread). A set counts as read when it held as many records as its header says, a job
when its sets held as many as it says it processed.
"""

import logging
import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlencode

import msgspec

from carillon.salesforce.bulk.answers import BulkJob as BulkJob
from carillon.salesforce.bulk.answers import ResultSet, job_of, links_of, refusal, set_of
from carillon.salesforce.bulk.csv_records import batches
from carillon.salesforce.caller import JSON, Caller
from carillon.salesforce.errors import (
    BulkJobAborted,
    BulkJobFailed,
    BulkJobGone,
    BulkJobUnfinished,
    BulkShort,
    MalformedAnswer,
    QueryRejected,
    SalesforceError,
)
from carillon.salesforce.ids import to_18
from carillon.salesforce.kinds import CallKind
from carillon.salesforce.pages import check_new
from carillon.salesforce.transport import Answer, Call

log = logging.getLogger("carillon.salesforce")

# Records a set may have at most; the org may send fewer. A quarter of a million are some 40 to 80 MB.
MAX_RECORDS = 250_000
_TRIES = 3
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Polling:
    """Seconds before the first look at a job; each wait is twice the one before, give or take a quarter."""

    first: float = 1.0
    longest: float = 30.0


@dataclass(frozen=True, slots=True)
class Place:
    """How far a result was read: `done` records of the set at `locator`, "" being the first one."""

    locator: str = ""
    done: int = 0


@dataclass(frozen=True, slots=True)
class BulkPage(Generic[T]):
    """Some records in the order of the result; `after` is the place to go on from, None when these are the last."""

    records: list[T | msgspec.Raw]
    after: Place | None


class Bulk:
    """`client.bulk`."""

    def __init__(
        self,
        caller: Caller,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._caller = caller
        self._clock, self._jitter = clock, jitter
        self._jobs = f"{caller.base}/jobs/query"

    def create(self, soql: str, *, all_rows: bool = False) -> BulkJob:
        """A new job; `all_rows` includes deleted records. The query may be longer than an address.

        Raises QueryRejected (FieldNotFound) for a query that is wrong, BulkRefused for one that only the REST API
        runs, LimitExceeded when the org's jobs of the day are used up.
        """
        body = {
            "operation": "queryAll" if all_rows else "query",
            "query": soql,
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        }
        # Sent again after a lost answer it leaves a job nobody reads; that costs the org a job and no more.
        return self._send(CallKind.BULK_CREATE, self._jobs, job_of, method="POST", body=body)

    def job(self, job_id: str) -> BulkJob:
        """The job as it is now. Raises BulkJobGone."""
        return self._send(CallKind.BULK_POLL, self._path(job_id), job_of)

    def wait(self, job: BulkJob, *, seconds: float, polling: Polling | None = None) -> BulkJob:
        """The job once it is complete.

        Raises BulkJobFailed, BulkJobAborted, BulkJobUnfinished after so many seconds, or Stopped when the caller
        asks to stop; the job then goes on in the org.
        """
        polling = polling or Polling()
        deadline = self._clock() + seconds
        nap = polling.first
        while job.running:
            left = deadline - self._clock()
            if left <= 0:
                raise BulkJobUnfinished(seconds)
            # Jitter: what started together must not poll together.
            self._caller.transport.pause(min(left, nap * (0.75 + self._jitter() / 2)))
            nap = min(polling.longest, nap * 2)
            job = self.job(job.id)
        if job.state == "Failed":
            raise BulkJobFailed(job.error)
        if job.state == "Aborted":
            raise BulkJobAborted
        return job

    def pages(
        self, job: BulkJob, record: type[T], *, start: Place | None = None, max_records: int = MAX_RECORDS
    ) -> Iterator[BulkPage[T]]:
        """The records of a complete job, a set after the other, from the beginning or on from where a read got to
        (with the same `max_records`).

        `record` is a msgspec.Struct type; records that do not fit it come as msgspec.Raw. Raises BulkJobGone when
        the job was deleted or is older than seven days, BulkVersionDiffers, and, when read from the beginning,
        BulkShort at the end of a result that is not whole.
        """
        place: Place | None = start or Place()
        read, seen = 0, set[str]()
        while place is not None:
            locator, done = place.locator, place.done
            check_new(locator, seen)
            for piece in self._pieces(self._results_path(job.id, locator, max_records), record, done):
                read += len(piece.records)
                place = piece.after(locator)
                yield BulkPage(piece.records, place)
        if start in (None, Place()):
            _check_whole(job, read)

    def pages_in_parallel(
        self, job: BulkJob, record: type[T], *, threads: int = 3
    ) -> Iterator[list[T | msgspec.Raw]]:
        """The same records in the same order, with several sets on their way at once (from API version 58.0 on).

        Raises what `pages` raises.
        """
        read = 0
        for path, fetched in self._fetched_ahead(self._set_paths(job.id), threads):
            for piece in self._pieces(path, record, 0, fetched):
                read += len(piece.records)
                yield piece.records
        _check_whole(job, read)

    def read(
        self,
        soql: str,
        record: type[T],
        *,
        seconds: float,
        all_rows: bool = False,
        polling: Polling | None = None,
    ) -> Iterator[BulkPage[T]]:
        """The whole result of a query in one go; the job is not left behind. `seconds` bounds the wait for it."""
        job = self.create(soql, all_rows=all_rows)
        try:
            job = self.wait(job, seconds=seconds, polling=polling)
            yield from self.pages(job, record)
        finally:
            self.discard(job)

    def abort(self, job_id: str) -> BulkJob:
        """Ends a job that still runs; one that is over stays as it is."""
        try:
            return self._send(
                CallKind.BULK_ABORT, self._path(job_id), job_of, method="PATCH", body={"state": "Aborted"}
            )
        except QueryRejected as error:
            if error.code != "INVALIDJOBSTATE":
                raise
        return self.job(job_id)

    def delete(self, job_id: str) -> None:
        """Deletes a job that is over, and its result; fine when it is gone already."""
        try:
            self._send(CallKind.BULK_DELETE, self._path(job_id), lambda answer: None, method="DELETE")
        except BulkJobGone:
            return

    def discard(self, job: BulkJob) -> None:
        """Ends and deletes a job, or leaves it for the org to delete after seven days: raises no SalesforceError, since
        what went wrong before matters more."""
        try:
            if job.running:
                self.abort(job.id)
            self.delete(job.id)
        except SalesforceError as error:
            log.warning("a bulk job was left behind (%s)", type(error).__name__)

    def _set_paths(self, job_id: str) -> Iterator[str]:
        path, seen = f"{self._path(job_id)}/resultPages", set[str]()
        while path:
            check_new(path, seen)
            paths, path = self._send(CallKind.BULK_PAGES, path, links_of)
            yield from paths

    def _fetched_ahead(self, paths: Iterator[str], threads: int) -> Iterator[tuple[str, ResultSet]]:
        """Each path with its set, in order; no more than `threads` of them are under way or wait to be taken."""
        with ThreadPoolExecutor(threads, thread_name_prefix="bulk") as pool:
            ahead: deque[tuple[str, Future[ResultSet]]] = deque()
            try:
                for path in paths:
                    if len(ahead) == threads:
                        yield _taken(ahead)
                    ahead.append((path, pool.submit(self._fetch, path)))
                while ahead:
                    yield _taken(ahead)
            finally:
                pool.shutdown(cancel_futures=True)

    def _pieces(
        self, path: str, record: type[T], done: int, fetched: ResultSet | None = None
    ) -> "Iterator[_Piece[T]]":
        """The records of one set after the first `done`; asked for again where it comes damaged."""
        for tries_left in reversed(range(_TRIES)):
            fetched = fetched or self._fetch(path)
            try:
                for records in _whole(fetched, record, done):
                    done += len(records)
                    yield _Piece(records, done, fetched.count - done, fetched.following)
            except MalformedAnswer:
                if not tries_left:
                    raise
                log.warning("bulk_results came damaged; again from where it broke")
                fetched = None
            else:
                return

    def _fetch(self, path: str) -> ResultSet:
        return self._send(CallKind.BULK_RESULTS, path, set_of, headers={"Accept": "text/csv"})

    def _send(
        self,
        kind: str,
        path: str,
        decode: Callable[[Answer], T],
        *,
        method: str = "GET",
        body: dict[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        typed = {} if body is None else {"Content-Type": JSON}
        call = Call(
            kind=kind,
            path=path,
            method=method,
            headers={**typed, **(headers or {})},
            content=None if body is None else msgspec.json.encode(body),
            refuse=refusal,
        )
        return self._caller.send(call, decode)

    def _path(self, job_id: str) -> str:
        return f"{self._jobs}/{to_18(job_id)}"

    def _results_path(self, job_id: str, locator: str, max_records: int) -> str:
        parameters = {"maxRecords": str(max_records)} | ({"locator": locator} if locator else {})
        return f"{self._path(job_id)}/results?{urlencode(parameters)}"


@dataclass(frozen=True, slots=True)
class _Piece(Generic[T]):
    """Some records of a set, which has `left` more; `done` counts those given out, `following` is the next set's
    locator."""

    records: list[T | msgspec.Raw]
    done: int
    left: int
    following: str

    def after(self, locator: str) -> Place | None:
        if self.left:
            return Place(locator, self.done)
        return Place(self.following) if self.following else None


def _whole(fetched: ResultSet, record: type[T], done: int) -> Iterator[list[T | msgspec.Raw]]:
    """Always one list or more. The last records are given out only when the count of all of them is right."""
    read = done
    held: list[T | msgspec.Raw] = []
    for records in batches(fetched.body, record, skip=done):
        if held:
            yield held
        held = records
        read += len(records)
    if read != fetched.count:
        raise MalformedAnswer("Salesforce's result of a bulk query holds other records than it says.")
    yield held


def _taken(ahead: "deque[tuple[str, Future[ResultSet]]]") -> tuple[str, ResultSet]:
    path, future = ahead.popleft()
    return path, future.result()


def _check_whole(job: BulkJob, read: int) -> None:
    if read != job.processed:
        raise BulkShort(job.processed, read)
