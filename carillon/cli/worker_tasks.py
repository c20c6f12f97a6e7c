"""Housekeeping of the job queue itself.

A killed worker's job stays *doing*, with its lock, until its heartbeat is stale and this puts it back. It then
starts from the beginning, so whatever a job does must bear being done again.
"""

from procrastinate import exceptions
from procrastinate.contrib.django import app
from procrastinate.jobs import Job, Status

HEARTBEAT_SECONDS = 10.0
STALLED_SECONDS = 30.0
# A job that took its worker down so many times is the cause, not the victim.
MOST_ATTEMPTS = 20
KEEP_FAILED_HOURS = 7 * 24


def may_try_again(attempts: int) -> bool:
    """A task's own limit of attempts does not count kills: this one does."""
    return attempts < MOST_ATTEMPTS


@app.periodic(cron="* * * * *")
@app.task(name="carillon.rescue_stalled_jobs", queue="urgent", queueing_lock="rescue_stalled_jobs")
async def rescue_stalled_jobs(timestamp: int) -> None:
    """`timestamp`: the minute this run is for, which says nothing here."""
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
        await _rescue(job)


@app.periodic(cron="17 3 * * *")
@app.task(name="carillon.delete_old_jobs", queue="urgent", queueing_lock="delete_old_jobs")
async def delete_old_jobs(timestamp: int) -> None:
    await app.job_manager.delete_old_jobs(
        KEEP_FAILED_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )


async def _rescue(job: Job) -> None:
    if may_try_again(job.attempts):
        try:
            await app.job_manager.retry_job(job)
        except exceptions.UniqueViolation:
            # Another job with the same queueing lock waits already and will do the work.
            await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
    else:
        await app.job_manager.finish_job(job, Status.FAILED, delete_job=False)
