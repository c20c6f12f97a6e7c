"""`carillon contacts`."""

import click

from carillon.cli import runtime
from carillon.cli.options import WORKSPACE


@click.command()
@click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True
)
@click.option("--query", default="", metavar="TEXT", help="A name, a number in any form, or a Salesforce id.")
@click.option("--all", "everyone", is_flag=True, help="Every row, not the first 25.")
@WORKSPACE
def contacts(form: str, query: str, everyone: bool, workspace: str) -> None:
    """Search people, or write them all out, those who left the source too.

    CSV is data as it is: a cell that begins with = or + is not defused for spreadsheets.
    """
    runtime.call("carillon.cli.contacts_work:write", workspace, form, query, everyone=everyone)
