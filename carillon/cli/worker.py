"""`carillon worker`: two child processes, one a queue, so that an import never takes the slot of something urgent."""

import sys

import click

from carillon.cli import runtime
from carillon.lib.processes import Child, Supervisor

QUEUES = ("urgent", "imports")
# A child gives its jobs 20 seconds to come to a point where they can stop; then it is killed.
GRACE_SECONDS = 25.0


@click.command()
@click.option("--queue", type=click.Choice(QUEUES), hidden=True, help="Run this queue in this very process.")
def worker(queue: str | None) -> None:
    """Run imports and other jobs until stopped. Start as many as you like, on as many machines as you like."""
    if queue:
        runtime.call("carillon.cli.worker_queue:run", queue)
        return
    runtime.ensure_database()
    with Supervisor(grace=GRACE_SECONDS, tell=click.echo) as supervisor:
        for name in QUEUES:
            command = [sys.executable, "-m", "carillon.cli.main", "worker", "--queue", name]
            supervisor.start(Child(f"the {name} queue", command, restart=True))
        click.echo("The worker runs.")
        supervisor.run()
