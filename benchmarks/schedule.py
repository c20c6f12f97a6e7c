"""Two hundred workspaces due in the same window, and four workers: how long it takes, and whether a worker idles while
work waits."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks import stage

WORKSPACES = 200
WORKERS = 4
PEOPLE = 100


def run(contacts: int) -> None:
    """The size of the org is its own: the schedule is measured, not the reading."""
    with stage.carillon_home() as env, stage.orgsim(PEOPLE) as org, ExitStack() as workers:
        stage.set_up(env, org)
        stage.run(stage.step("benchmarks.schedule_steps", "prepare", str(WORKSPACES)), env)
        for _ in range(WORKERS):
            workers.enter_context(_worker(env))
        found = stage.measure(stage.step("benchmarks.schedule_steps", "watch", str(WORKERS)), env).output
    stage.table(
        ["workspaces", "workers", "runs", "ended as", "seconds", "API calls", "idle %", "longest idle s"],
        [
            [
                str(WORKSPACES),
                str(WORKERS),
                str(found["runs"]),
                ", ".join(found["statuses"]),
                f"{found['seconds']:.1f}",
                f"{found['api_calls']:,}",
                f"{found['idle_percent']:.1f}",
                f"{found['longest_idle']:.2f}",
            ]
        ],
    )
    print(f"jobs done at once, at most: {found['most_at_once']}; runs a worker: {found['runs_a_worker']}")


@contextmanager
def _worker(env: dict[str, str]) -> Iterator[None]:
    command = [str(stage.BIN / "carillon"), "worker", "--queue", "imports"]
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()
