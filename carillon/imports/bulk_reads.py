"""Reads by jobs of Bulk API 2.0, for one walk through a source.

A job counts as read when its rows are as many as it says it processed. One whose result can't be read to its end (it is
gone, or not whole) is replaced once by a new one, whose result comes from the beginning. What the org doesn't do as a job
at all is BulkUnusable: pages of the REST API read it.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from carillon.imports.parts import Part
from carillon.imports.watermark import JobPlace
from carillon.salesforce.bulk import routes
from carillon.salesforce.bulk.resource import BulkJob, Place, Polling
from carillon.salesforce.client import Client
from carillon.salesforce.errors import (
    BulkJobAborted,
    BulkJobFailed,
    BulkJobGone,
    BulkJobUnfinished,
    BulkShort,
    BulkVersionDiffers,
    Forbidden,
    LimitExceeded,
    MalformedAnswer,
    NotFound,
    QueryRejected,
    Refused,
    SalesforceError,
    Stopped,
)

log = logging.getLogger("carillon.imports")

# A job of a million records takes minutes: waits grow to a minute, so that ten looks are enough for five of them.
POLLING = Polling(first=1.0, longest=60.0)
# A job may wait its turn in a busy org; after this long pages are the better way.
PATIENCE_SECONDS = 1800.0
# The result can't be read (any more), but that of a new job may.
_LOST = (BulkJobGone, BulkJobAborted, BulkVersionDiffers, BulkShort, MalformedAnswer)
_UNUSABLE = (
    *_LOST,
    BulkJobFailed,
    BulkJobUnfinished,
    QueryRejected,
    LimitExceeded,
    Forbidden,
    NotFound,
    Refused,
)
_JOBS_A_READ = 2


class BulkUnusable(Exception):
    """The org doesn't give this result as a job; the text says why, in the org's words."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a job is asked for: a query of so many columns, into records of this type, each taken by `fit` on its way."""

    soql: str
    columns: int
    record: type[msgspec.Struct]
    fit: Callable[[list[Any]], None] = lambda records: None


class BulkReads:
    """The jobs of one walk. `likely` is how many records the source had when it was last counted, 0 when it never was;
    `place` is where the reading of records goes on.

    `refusal` says, once it is so, why this walk goes on without jobs; `began_again` that records were given out of a result
    that was then lost.
    """

    def __init__(self, client: Client) -> None:
        self._bulk = client.bulk
        self._open: dict[str, BulkJob] = {}
        self._closed = False
        self.likely = 0
        self.place: JobPlace | None = None
        self.refusal = ""
        self.began_again = False

    def suit(self, records: int, page: int = routes.PAGE) -> bool:
        """Whether a read of so many records costs fewer API calls as a job; `page` as in `routes.choose`."""
        return not self.refusal and routes.choose(records, page or routes.PAGE) is routes.Route.BULK

    def parts(self, result: Result, place: JobPlace | None) -> Iterator[Part]:
        """The records of a new job, or those after a place in an earlier one.

        A part without records comes before the wait for a job, with its place: who stores that, waits for the same job
        after an interruption. Raises BulkUnusable.
        """
        before, tries_left = 0, _JOBS_A_READ
        while True:
            given = 0
            try:
                for part in self._of_one_job(result, place, before):
                    given += len(part.records)
                    yield part
            except _UNUSABLE as error:
                tries_left -= 1
                self.began_again = self.began_again or given > 0
                if not (tries_left and isinstance(error, _LOST)):
                    self.refusal = str(error)
                    raise BulkUnusable(self.refusal) from None
                log.warning("the result of a bulk job was lost (%s); a new one is made", type(error).__name__)
            else:
                return
            self.discard()
            before, place = before + given, None

    def _of_one_job(self, result: Result, place: JobPlace | None, before: int) -> Iterator[Part]:
        if place is not None and place.is_whole:
            # Its job may be deleted by now, or not yet.
            self._open[place.job] = BulkJob(place.job, "JobComplete")
            return
        if self._closed:
            # Who reads ahead may not know yet that nobody wants it: its job was deleted for that.
            raise Stopped
        job = self._bulk.job(place.job) if place else self._bulk.create(result.soql)
        self._open[job.id] = job
        place = place or JobPlace(job.id)
        yield Part([], place, None, waits=True)
        job = self._open[job.id] = self._bulk.wait(job, seconds=PATIENCE_SECONDS, polling=POLLING)
        read, expected = place.read, before + job.processed - place.read
        start, most = Place(place.locator, place.done), routes.set_size(result.columns)
        for page in self._bulk.pages(job, result.record, start=start, max_records=most):
            read += len(page.records)
            if page.after is None and read != job.processed:
                raise BulkShort(job.processed, read)
            result.fit(page.records)
            yield Part(page.records, _place(job, page.after, read), expected)

    def close(self) -> None:
        """No more jobs from here on, and none left behind."""
        self._closed = True
        self.discard()

    def discard(self) -> None:
        """Leaves none of the jobs made so far behind, as far as the org lets us."""
        for job in list(self._open.values()):
            self._bulk.discard(job)
        self._open.clear()


def discard_jobs(client: Client, job_ids: Iterable[str]) -> None:
    """Leaves none of these jobs in the org, as far as it lets us."""
    for job_id in job_ids:
        try:
            client.bulk.discard(client.bulk.job(job_id))
        except SalesforceError as error:
            log.info("a bulk job of an earlier run is not there (%s)", type(error).__name__)


def _place(job: BulkJob, after: Place | None, read: int) -> JobPlace:
    if after is None:
        return JobPlace(job.id, read=read, is_whole=True)
    return JobPlace(job.id, after.locator, after.done, read)
