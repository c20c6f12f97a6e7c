"""A killed worker's jobs are put back, and a stopped worker lets its jobs come to an end."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector

from carillon.cli import worker_tasks

STALE = worker_tasks.STALLED_SECONDS + 5


def _query(text: str, *values: Any) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(text, values)
        return cursor.fetchall() if cursor.description else []


def _add_worker(*, silent_for: float) -> object:
    text = (
        "insert into procrastinate_workers (last_heartbeat) values (now() - %s * interval '1 s') returning id"
    )
    return _query(text, silent_for)[0][0]


def _add_job(
    *, worker: object, attempts: int = 1, status: str = "doing", queueing_lock: str | None = None
) -> object:
    text = """
        insert into procrastinate_jobs (queue_name, task_name, args, status, attempts, worker_id, lock, queueing_lock)
        values ('imports', 'a.task', '{}', %s::procrastinate_job_status, %s, %s, null, %s) returning id
    """
    return _query(text, status, attempts, worker, queueing_lock)[0][0]


def _status(job: object) -> object:
    rows = _query("select status::text from procrastinate_jobs where id = %s", job)
    return rows[0][0] if rows else "deleted"


async def _rescue() -> None:
    async with app.open_async():
        await worker_tasks.rescue_stalled_jobs(timestamp=0)


pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rescue(transactional_db: None) -> Iterator[None]:
    """The app as a worker has it."""
    connector = app.connector
    assert isinstance(connector, DjangoConnector)
    with app.replace_connector(connector.get_worker_connector()):
        yield


@pytest.mark.usefixtures("rescue")
class TestRescue:
    def test_the_job_of_a_killed_worker_is_put_back(self) -> None:
        job = _add_job(worker=_add_worker(silent_for=STALE))

        asyncio.run(_rescue())

        assert _status(job) == "todo"

    def test_the_job_of_a_living_worker_is_left_alone(self) -> None:
        job = _add_job(worker=_add_worker(silent_for=5))

        asyncio.run(_rescue())

        assert _status(job) == "doing"

    def test_a_job_that_keeps_killing_its_worker_is_given_up(self) -> None:
        worker = _add_worker(silent_for=STALE)
        job = _add_job(worker=worker, attempts=worker_tasks.MOST_ATTEMPTS)

        asyncio.run(_rescue())

        assert _status(job) == "failed"

    def test_a_job_whose_successor_waits_already_is_dropped(self) -> None:
        worker = _add_worker(silent_for=STALE)
        stalled = _add_job(worker=worker, queueing_lock="one")
        waiting = _add_job(worker=None, attempts=0, status="todo", queueing_lock="one")
        other = _add_job(worker=worker)

        asyncio.run(_rescue())

        assert [_status(job) for job in (stalled, waiting, other)] == ["deleted", "todo", "todo"]


def _worker_environment() -> dict[str, str]:
    settings = connection.settings_dict
    url = f"postgresql:///{settings['NAME']}?host={settings['HOST']}&user={settings['USER']}"
    if settings["PORT"]:
        url += f"&port={settings['PORT']}"
    secrets = {"PGPASSWORD": str(settings["PASSWORD"])} if settings["PASSWORD"] else {}
    return {**os.environ, **secrets, "CARILLON_DATABASE_URL": url, "CARILLON_SECRET_KEY": "test"}


def _living_workers() -> int:
    return int(str(_query("select count(*) from procrastinate_workers")[0][0]))


@pytest.mark.slow
def test_the_worker_runs_both_queues_restarts_one_and_stops_in_order() -> None:
    command = [sys.executable, "-m", "carillon.cli.main", "worker"]
    worker = subprocess.Popen(command, env=_worker_environment(), stdout=subprocess.PIPE, text=True)
    try:
        assert _eventually_equal(2)
        queues = _children(worker.pid)
        os.kill(queues[0], signal.SIGKILL)
        assert _eventually_equal(3), "the killed one's row stays until it is stale; a new one comes"

        worker.terminate()
        output, _ = worker.communicate(timeout=40)
    finally:
        worker.kill()

    assert worker.returncode == 0
    assert "has ended (ended by SIGKILL); it starts again in 1 s." in output
    assert _living_workers() == 1


def _children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as listing:
        return [int(child) for child in listing.read().split()]


def _eventually_equal(workers: int, seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while _living_workers() != workers:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
