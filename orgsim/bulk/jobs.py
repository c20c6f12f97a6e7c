"""The query jobs of an org: kept in memory for seven days, gone when the simulated org stops.

A job runs when its delay has passed and anyone looks at it: that moment decides which rows it holds.
"""

import threading
import time
from array import array
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import SystemRandom

from orgsim import query
from orgsim.bulk import results
from orgsim.bulk.checks import DELIMITERS, LINE_ENDINGS, Asked
from orgsim.clock import OrgClock, stamp
from orgsim.errors import ApiError, not_found
from orgsim.ids import normalise, serial_id
from orgsim.limits import Allowances
from orgsim.soql import Plan
from orgsim.store import Store

RETENTION = timedelta(days=7)
DELAY_SECONDS = 0.1
JOBS_A_DAY = "DailyBulkV2QueryJobs"
STORED_A_DAY = "DailyBulkV2QueryFileStorageMB"
UPLOADED, RUNNING, COMPLETE, FAILED, ABORTED = (
    "UploadComplete",
    "InProgress",
    "JobComplete",
    "Failed",
    "Aborted",
)
# Together the results keep at most this many ids (48 MB); the oldest job goes first, as if seven days had passed.
KEPT_IDS = 6_000_000
_OLDEST_COLUMN_ORDER = 50
_RANDOM = SystemRandom()


@dataclass(slots=True)
class Job:
    """`version` is that of the path it was created by, such as 66; `ends` holds once `state` is a last one."""

    id: str
    user_id: str
    asked: Asked
    plan: Plan
    version: int
    created_at: datetime
    due: float
    waiting: float
    modified_at: datetime
    state: str = UPLOADED
    pks: "array[int]" = field(default_factory=lambda: array("q"))
    page_rows: int = 1
    milliseconds: int = 0
    error: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def over(self) -> bool:
        return self.state in (COMPLETE, FAILED, ABORTED)

    def format(self, *, bare: bool) -> results.Format:
        return results.Format(
            DELIMITERS[self.asked.delimiter],
            LINE_ENDINGS[self.asked.line_ending],
            bare,
            self.version < _OLDEST_COLUMN_ORDER,
        )

    def created(self) -> dict[str, object]:
        """The answer to the create call, key for key as recorded."""
        return self.aborted() | {
            "lineEnding": self.asked.line_ending,
            "columnDelimiter": self.asked.delimiter,
        }

    def aborted(self) -> dict[str, object]:
        """The answer to the abort call, key for key as documented."""
        return {
            "id": self.id,
            "operation": self.asked.operation,
            "object": self.plan.sobject.name,
            "createdById": self.user_id,
            "createdDate": stamp(self.created_at),
            "systemModstamp": stamp(self.modified_at),
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(self.version),
        }

    def listed(self) -> dict[str, object]:
        """One record of the list of jobs, as documented."""
        return self.aborted() | {
            "jobType": "V2Query",
            "lineEnding": self.asked.line_ending,
            "columnDelimiter": self.asked.delimiter,
        }

    def info(self) -> dict[str, object]:
        """The answer to the info call, key for key as recorded; a failed job says why."""
        info = self.listed() | {
            "numberRecordsProcessed": len(self.pks),
            "retries": 0,
            "totalProcessingTime": self.milliseconds,
        }
        return info | {"errorMessage": self.error} if self.state == FAILED else info


class Jobs:
    """`org.bulk`. `delay` is how many seconds a new job takes."""

    def __init__(self, store: Store, clock: OrgClock, usage: Allowances) -> None:
        self._store, self._clock, self._usage = store, clock, usage
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        # Ids of an earlier process must not lead to jobs of this one.
        self._serial = _RANDOM.randrange(62**5)
        self.delay = DELAY_SECONDS
        self.failures: deque[str] = deque()

    def create(self, asked: Asked, plan: Plan, user_id: str, version: int) -> Job:
        """Raises LIMIT_EXCEEDED when the day's jobs are used up."""
        if not self._usage.take(JOBS_A_DAY):
            most = self._usage.most(JOBS_A_DAY)
            message = f"Max bulk v2 query jobs ({most}) per 24 hrs has been reached ({most})"
            raise ApiError(400, "LIMIT_EXCEEDED", message)
        now = self._clock.now()
        with self._lock:
            self._serial += 1
            job_id = serial_id("750", self._serial)
            due = time.monotonic() + self.delay
            job = Job(job_id, user_id, asked, plan, version, now, due, self.delay, now)
            self._jobs[job_id] = job
        return job

    def find(self, job_id: str, user_id: str) -> Job:
        """A job as it is now, run if it is due; raises 404 for another user's and for one past its seven days."""
        job = self._jobs.get(normalise(job_id) or "")
        if job is None or job.user_id != user_id or self._is_past(job):
            raise not_found()
        self._settle(job)
        return job

    def of_user(self, user_id: str) -> list[Job]:
        with self._lock:
            self._jobs = {key: job for key, job in self._jobs.items() if not self._is_past(job)}
            own = [job for job in self._jobs.values() if job.user_id == user_id]
        for job in own:
            self._settle(job)
        return own

    def abort(self, job: Job) -> None:
        with job.lock:
            if job.over:
                ended = "Completed" if job.state == COMPLETE else job.state
                message = f"Aborting already {ended} Job not allowed"
                raise ApiError(400, "INVALIDJOBSTATE", message)
            self._end(job, ABORTED)

    def delete(self, job: Job) -> None:
        if not job.over:
            message = "Error encountered when deleting the job because the job is not terminated"
            raise ApiError(400, "API_ERROR", message)
        with self._lock:
            self._jobs.pop(job.id, None)

    def clear(self) -> None:
        with self._lock:
            self._jobs.clear()

    def _is_past(self, job: Job) -> bool:
        return self._clock.now() - job.created_at >= RETENTION

    def _settle(self, job: Job) -> None:
        with job.lock:
            left = job.due - time.monotonic()
            if job.over or left > job.waiting / 2:
                return
            if left > 0:
                job.state = RUNNING
                return
            if self.failures:
                job.error = self.failures.popleft()
                self._end(job, FAILED)
                return
            self._run(job)
        self._forget_oldest()

    def _run(self, job: Job) -> None:
        begun = time.monotonic()
        connection = self._store.reader()
        pks = query.read_pks(connection, job.plan)
        size = results.row_bytes(connection, job.plan, pks, job.format(bare=False))
        if not self._usage.take(STORED_A_DAY, size * len(pks) // 1_000_000):
            kilobytes = self._usage.most(STORED_A_DAY) * 1_024
            job.error = f"Max bulk v2 query result size stored ({kilobytes}) kb per 24 hrs has been exceeded"
            self._end(job, FAILED)
            return
        job.pks, job.page_rows = pks, results.rows_of_a_page(size)
        job.milliseconds = int((time.monotonic() - begun) * 1000) + 1
        self._end(job, COMPLETE)

    def _end(self, job: Job, state: str) -> None:
        job.state, job.modified_at = state, self._clock.now()

    def _forget_oldest(self) -> None:
        with self._lock:
            kept = sum(len(job.pks) for job in self._jobs.values())
            for job in list(self._jobs.values())[:-1]:
                if kept <= KEPT_IDS:
                    return
                kept -= len(job.pks)
                del self._jobs[job.id]
