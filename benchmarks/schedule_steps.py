"""The steps of the schedule's benchmark: many workspaces made ready, and their one window watched to its end."""

import json
import sys
import threading
import time
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from carillon.cli import runtime

runtime.prepare()

from django.db import connection  # noqa: E402

from carillon.accounts.models import Workspace  # noqa: E402
from carillon.connections.models import SalesforceConnection  # noqa: E402
from carillon.imports import scheduler  # noqa: E402
from carillon.imports.models import ImportRun, ImportSetup  # noqa: E402

ZONE = "America/New_York"
SIX = datetime(2026, 11, 2, 6, tzinfo=ZoneInfo(ZONE))
LOOK_SECONDS = 0.02
# Jobs of each worker that are being done, while some of its queue wait.
_WORKERS = """
select w.id, count(j.id) from procrastinate_workers w
left join procrastinate_jobs j on j.worker_id = w.id and j.status = 'doing' and j.queue_name = 'imports'
group by w.id
"""
_WAITING = "select count(*) from procrastinate_jobs where queue_name = 'imports' and status = 'todo'"


def prepare(workspaces: int) -> dict[str, Any]:
    """Copies of the one workspace that is set up, each with the same window."""
    setup, known = ImportSetup.objects.get(), SalesforceConnection.objects.get()
    for number in range(workspaces):
        workspace = Workspace.objects.create(name=f"College {number}")
        for row in (known, setup):
            row.pk, row.workspace = None, workspace
        setup.windows, setup.timezone = ["06:00-08:00"], ZONE
        setup.scheduled_since = SIX - timedelta(hours=1)
        known.save(force_insert=True)
        setup.save(force_insert=True)
    return {"workspaces": workspaces}


def watch(workers: int) -> dict[str, Any]:
    """Starts all that is due in the window at once, and looks until it is done."""
    while len(_busy()) < workers:
        time.sleep(0.1)
    began = time.monotonic()
    starting = threading.Thread(target=_start)
    starting.start()
    looks, idle_looks, most, worker_of = 0, 0, 0, dict[int, int]()
    idle_since: dict[int, float] = {}
    longest = 0.0
    while starting.is_alive() or ImportRun.objects.filter(finished_at__isnull=True).exists():
        waiting, busy, at = _waiting(), _busy(), time.monotonic()
        most = max(most, sum(busy.values()))
        for worker, jobs in busy.items():
            looks += 1
            if waiting and not jobs:
                idle_looks += 1
                longest = max(longest, at - idle_since.setdefault(worker, at))
            else:
                idle_since.pop(worker, None)
            worker_of[worker] = worker_of.get(worker, 0) + jobs
        time.sleep(LOOK_SECONDS)
    seconds = time.monotonic() - began
    runs = list(ImportRun.objects.values_list("status", "api_calls", "setup"))
    return {
        "seconds": seconds,
        "runs": len(runs),
        "statuses": sorted(Counter(status for status, _, _ in runs)),
        "one_each": len({setup for _, _, setup in runs}) == len(runs),
        "api_calls": sum(calls for _, calls, _ in runs),
        "idle_percent": 100 * idle_looks / max(1, looks),
        "longest_idle": longest,
        "most_at_once": most,
        "runs_a_worker": _shares(worker_of, len(runs)),
    }


def _start() -> None:
    try:
        scheduler.start_due(SIX + timedelta(hours=2))
    finally:
        connection.close()


def _busy() -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(_WORKERS)
        return dict(cursor.fetchall())


def _waiting() -> int:
    with connection.cursor() as cursor:
        cursor.execute(_WAITING)
        return int(cursor.fetchone()[0])


def _shares(seen: dict[int, int], runs: int) -> list[int]:
    """About how many runs each worker did, from how often it was seen at work."""
    total = max(1, sum(seen.values()))
    return sorted(round(runs * jobs / total) for jobs in seen.values())


if __name__ == "__main__":
    print(json.dumps({"prepare": prepare, "watch": watch}[sys.argv[1]](int(sys.argv[2]))))
