"""`carillon web`: Granian serves the WSGI application; WhiteNoise, in it, the static files."""

import importlib
import os
from collections.abc import Callable
from functools import partial
from typing import Any

import click
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from carillon.cli import runtime
from carillon.lib.errors import CarillonError
from carillon.lib.processes import die_with_parent, free_port

THREADS = 4
STOP_SECONDS = 10


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on."
)
@click.option(
    "--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Number of processes."
)
def web(host: str, port: int, workers: int) -> None:
    """Serve the pages until stopped."""
    runtime.prepare()
    if free_port(port, host) != port:
        raise CarillonError(
            f"Port {port} is in use by another program.",
            f"End that program, or choose another: --port {port + 1}.",
        )
    # Loaded before the workers are forked off: what is wrong shows here, and they share its memory.
    importlib.import_module("carillon.wsgi")
    click.echo(f"Serving on http://{host}:{port}")
    server = Granian(
        "carillon.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=THREADS,
        websockets=False,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
    )
    server.serve(target_loader=partial(_application, os.getpid()), wrap_loader=False)


def _application(parent: int) -> Callable[..., Any]:
    """Runs in each worker process, which must not outlive the one that answers to signals."""
    die_with_parent(parent)
    application: Callable[..., Any] = importlib.import_module("carillon.wsgi").application
    return application
