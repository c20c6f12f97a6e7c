"""Seconds of the Contacts page's queries among a million contacts: the list, its pages, and searches."""

import json
import subprocess
import sys
import time
from typing import Any

from benchmarks import stage

_SEARCHES = ("", "smith", "jo", "garcia maria", "(212) 555-0123", "nguyen", "zzzz", "+1617")


def run(contacts: int) -> None:
    with stage.carillon_home() as env:
        with stage.orgsim(contacts) as org:
            stage.set_up(env, org)
            stage.measure(stage.step("benchmarks.steps", "import", "everything"), env)
        output = subprocess.run(
            [sys.executable, "-m", "benchmarks.pages"], env=env, check=True, stdout=subprocess.PIPE
        ).stdout
    stage.table(["search", "found on page", "first ms", "median ms"], json.loads(output))


def searches() -> list[list[str]]:
    """In a process with Django: each search as the page does it."""
    from carillon.cli import runtime

    runtime.prepare()
    from carillon.accounts.models import Workspace
    from carillon.contacts import queries

    workspace = Workspace.objects.get()
    rows = []
    for text in _SEARCHES:
        times, found = _timed(lambda text=text: queries.search(workspace, text))
        rows.append([text or "(nobody in particular)", str(len(found.contacts)), *times])
    page = queries.search(workspace)
    for _ in range(20):
        page = queries.search(workspace, after=page.next)
    times, page = _timed(lambda: queries.search(workspace, after=page.next))
    return [*rows, ["(page 22)", str(len(page.contacts)), *times]]


def _timed(call: Any) -> tuple[list[str], Any]:
    times = []
    for _ in range(7):
        started = time.perf_counter()
        result = call()
        times.append((time.perf_counter() - started) * 1000)
    return [f"{times[0]:.1f}", f"{sorted(times)[3]:.1f}"], result


if __name__ == "__main__":
    print(json.dumps(searches()))
