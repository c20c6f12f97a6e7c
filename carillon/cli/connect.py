"""`carillon connect`."""

import os

import click

from carillon.cli import runtime
from carillon.cli.options import WORKSPACE


@click.command()
@click.option("--host", required=True, metavar="URL", help="The org's My Domain host.")
@click.option("--client-id", required=True, metavar="ID", help="The app's consumer key.")
@WORKSPACE
def connect(host: str, client_id: str, workspace: str) -> None:
    """Test how to sign in to the Salesforce org, and save it. When the test fails, nothing is saved.

    The client secret comes from CARILLON_CLIENT_SECRET, or is asked for; it is never an argument, since arguments
    are visible to everybody on the machine.
    """
    secret = os.environ.get("CARILLON_CLIENT_SECRET") or click.prompt("Client secret", hide_input=True)
    for line in runtime.call("carillon.cli.connect_work:connect", workspace, host, client_id, secret):
        click.echo(line)
