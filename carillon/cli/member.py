"""`carillon member`."""

import click

from carillon.cli import runtime
from carillon.cli.options import WORKSPACE

ROLE = click.Choice(["admin", "texter", "auditor"])
_WORK = "carillon.cli.member_work"


@click.group()
def member() -> None:
    """Add, change, deactivate or list the people who sign in."""


@member.command()
@click.argument("email")
@click.option("--role", required=True, type=ROLE, help="admin sets up, texter texts, auditor only reads.")
@click.option("--user-id", default="", metavar="ID", help="Matched with the mapped User Identification.")
@WORKSPACE
def add(email: str, role: str, user_id: str, workspace: str) -> None:
    """Add a member and print the link on which they set their password."""
    link = runtime.call(f"{_WORK}:add", workspace, email, role, user_id)
    click.echo(
        f"{email} is a member now. Give them this link to set a password; it works once, for seven days:"
    )
    click.echo(link)


@member.command(name="set")
@click.argument("email")
@click.option("--role", type=ROLE, default=None)
@click.option("--user-id", default=None, metavar="ID")
@WORKSPACE
def set_(email: str, role: str | None, user_id: str | None, workspace: str) -> None:
    """Change a member's role or User ID."""
    if role is None and user_id is None:
        raise click.UsageError("Say what to change, with --role or --user-id.")
    runtime.call(f"{_WORK}:change", workspace, email, role, user_id)
    click.echo(f"{email} was changed.")


@member.command()
@click.argument("email")
@WORKSPACE
def off(email: str, workspace: str) -> None:
    """Deactivate a member: they are signed out at once and can't sign in."""
    runtime.call(f"{_WORK}:off", workspace, email)
    click.echo(f"{email} can't sign in any more.")


@member.command()
@click.argument("email")
@WORKSPACE
def on(email: str, workspace: str) -> None:
    """Let a deactivated member sign in again, or a forgetful one set another password."""
    link = runtime.call(f"{_WORK}:on", workspace, email)
    click.echo(f"{email} can sign in. This link sets a new password; it works once, for seven days:")
    click.echo(link)


@member.command(name="list")
@WORKSPACE
def list_(workspace: str) -> None:
    """List members with role, User ID and state."""
    for row in runtime.call(f"{_WORK}:rows", workspace):
        click.echo("  ".join(row))
