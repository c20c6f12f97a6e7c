"""`carillon migrate`."""

import click

from carillon.cli import runtime


@click.command()
def migrate() -> None:
    """Create or update the database.

    On an empty database this also makes the first workspace. Safe to run at every start: when there is nothing to
    do, nothing is done.
    """
    click.echo("Bringing the database up to date; making it, the first time, takes up to a minute.", err=True)
    workspace = runtime.call("carillon.cli.migrate_work:bring_up_to_date")
    click.echo(f"The database is up to date; its first workspace is {workspace}.")
