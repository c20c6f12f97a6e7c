"""`carillon contacts`."""

import click

from carillon.cli import runtime
from carillon.cli.options import WORKSPACE

_WORK = "carillon.cli.contacts_work"


@click.group(invoke_without_command=True)
@click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True
)
@click.option("--query", default="", metavar="TEXT", help="A name, a number in any form, or a Salesforce id.")
@click.option("--all", "everyone", is_flag=True, help="Every row, not the first 25.")
@WORKSPACE
@click.pass_context
def contacts(ctx: click.Context, form: str, query: str, everyone: bool, workspace: str) -> None:
    """Search people, or write them all out, those who left the source too.

    CSV is data as it is: a cell that begins with = or + is not defused for spreadsheets.
    """
    if ctx.invoked_subcommand is None:
        runtime.call(f"{_WORK}:write", workspace, form, query, everyone=everyone)


@contacts.command()
@click.argument("id")
@click.option("--yes", is_flag=True, help="Don't ask, for scripts.")
@WORKSPACE
@click.pass_context
def erase(ctx: click.Context, id: str, yes: bool, workspace: str) -> None:  # noqa: A002
    """Erase the person with this Salesforce id, for good.

    Names, numbers, fields, issues and timeline go. Later imports leave the record out, and the number is not
    texted: both are remembered as keyed hashes only. Salesforce is not touched.
    """
    workspace = workspace or (ctx.parent.params["workspace"] if ctx.parent else "")
    told = runtime.call(f"{_WORK}:consequences", workspace, id)
    if not yes:
        click.confirm(f"{told}\nErase this person?", abort=True, err=True)
    runtime.call(f"{_WORK}:erase", workspace, id)
    click.echo("The person was erased.")
