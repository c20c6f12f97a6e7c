"""`carillon connect`."""

import os
import sys

import click

from carillon.cli import runtime
from carillon.cli.options import WORKSPACE
from carillon.lib.errors import CarillonError

_WORK = "carillon.cli.connect_work"


@click.command()
@click.option("--host", required=True, metavar="URL", help="The org's My Domain host.")
@click.option("--client-id", required=True, metavar="ID", help="The app's consumer key.")
@WORKSPACE
def connect(host: str, client_id: str, workspace: str) -> None:
    """Test how to sign in to the Salesforce org, and save it. When the test fails, nothing is saved.

    The client secret comes from CARILLON_CLIENT_SECRET, or is asked for; it is never an argument, since arguments
    are visible to everybody on the machine.
    """
    runtime.call(f"{_WORK}:check", workspace, host)
    secret = os.environ.get("CARILLON_CLIENT_SECRET") or _ask_for_secret()
    for line in runtime.call(f"{_WORK}:connect", workspace, host, client_id, secret):
        click.echo(line)


def _ask_for_secret() -> str:
    if not sys.stdin.isatty():
        raise CarillonError(
            "There is no terminal on which to ask for the client secret.", "Set CARILLON_CLIENT_SECRET to it."
        )
    return str(click.prompt("Client secret", hide_input=True))
