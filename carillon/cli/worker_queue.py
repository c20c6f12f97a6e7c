"""One queue's process: a Procrastinate worker on the database that Django uses."""

import asyncio

from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector

from carillon.cli import worker_tasks

CONCURRENCY = {"urgent": 4, "imports": 4}
GRACEFUL_SECONDS = 20.0


def run(queue: str) -> None:
    """Run until SIGTERM or Ctrl-C, or until the database goes away. Jobs then get 20 seconds to stop."""
    connector = app.connector
    if not isinstance(connector, DjangoConnector):
        raise TypeError("a worker runs already in this process")
    with app.replace_connector(connector.get_worker_connector()):
        asyncio.run(_work(queue))


async def _work(queue: str) -> None:
    async with app.open_async():
        await app.run_worker_async(
            queues=[queue],
            name=queue,
            concurrency=CONCURRENCY[queue],
            shutdown_graceful_timeout=GRACEFUL_SECONDS,
            update_heartbeat_interval=worker_tasks.HEARTBEAT_SECONDS,
            stalled_worker_timeout=worker_tasks.STALLED_SECONDS,
            delete_jobs="successful",
        )
