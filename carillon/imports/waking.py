"""Wakes a worker for an import. The run's row is the truth, the job only says look."""

from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from carillon.imports.models import ImportRun


def wake_worker(run: ImportRun) -> None:
    """Enqueues a job for the run unless one waits already."""
    try:
        app.configure_task(
            "carillon.execute_import", queue="imports", queueing_lock=f"import {run.public_id}"
        ).defer(run_id=run.pk)
    except AlreadyEnqueued:
        return
