"""Stops an embedded PostgreSQL nobody has used for a while. Run by `postgres.ensure_running`, one per cluster.

Used means: a connection is open, one was opened since the last look, or a command asked for the server.
"""

import os
import sys
import time
from pathlib import Path

import psycopg

from carillon.lib import postgres, postgres_layout
from carillon.lib.files import Claim, locked
from carillon.lib.postgres_layout import Layout
from carillon.lib.postgres_process import server_of

LONGEST_PAUSE = 15.0

# The watchdog itself connects to the database named postgres, so that it does not count its own visits.
USE = """
    select (select count(*) from pg_stat_activity
             where backend_type = 'client backend' and pid <> pg_backend_pid()),
           (select coalesce(sum(sessions), 0) from pg_stat_database where datname <> 'postgres')
"""


def guard(layout: Layout, idle_seconds: float) -> None:
    """Return when the server has ended, or was stopped because it was idle."""
    idle_since = time.time()
    sessions = -1
    while server_of(layout.cluster) is not None:
        connected, sessions_now = _use(layout)
        if connected or sessions_now != sessions:
            idle_since = time.time()
        sessions = sessions_now
        if _idle(layout, idle_since) >= idle_seconds and _stop_if_still_idle(layout, idle_seconds):
            return
        time.sleep(min(LONGEST_PAUSE, idle_seconds / 4))


def _stop_if_still_idle(layout: Layout, idle_seconds: float) -> bool:
    with locked(layout.lock):
        connected, _ = _use(layout)
        if connected or _idle(layout, 0) < idle_seconds:
            return False
        postgres.stop_server(layout)
        return True


def _idle(layout: Layout, since: float) -> float:
    return time.time() - max(since, layout.last_used.stat().st_mtime)


def _use(layout: Layout) -> tuple[int, int]:
    """Open connections, and how many were ever opened."""
    try:
        with psycopg.connect(postgres_layout.url(layout, "postgres"), connect_timeout=10) as connection:
            row = connection.execute(USE).fetchone()
    except psycopg.OperationalError:
        # Starting, stopping, or full: none of these is idle.
        return 1, -1
    return (int(row[0]), int(row[1])) if row else (1, -1)


def main(data_dir: str, idle_seconds: str) -> None:
    """Go into the background holding the claim, so that whoever started this finds it taken."""
    layout = postgres_layout.find(Path(data_dir))
    claim = Claim(layout.watchdog_lock)
    if not claim.take() or os.fork():
        return
    claim.sign()
    os.setsid()
    silent = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silent, stream)
    guard(layout, float(idle_seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
