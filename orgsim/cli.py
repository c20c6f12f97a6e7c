"""The `orgsim` command."""

import functools
import secrets
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from orgsim import birth, server
from orgsim.claim import Claim, InUseError
from orgsim.org import Org
from orgsim.pages.site import link as pages_link
from orgsim.signin.credentials import Credentials
from orgsim.signin.options import SignInOptions, sign_in_options
from orgsim.staff import PASSWORDS, REGISTRAR_USERNAME
from orgsim.store import StoreError
from orgsim.switches import check as check_switch


def size_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options that say what a new org is like, which a command gets together as `size`."""

    @functools.wraps(command)
    def wrapped(*, contacts: int, leads: int, seed: int, person_accounts: bool, **given: Any) -> None:
        command(size=birth.Size(contacts, leads, seed, person_accounts), **given)

    count = click.IntRange(0)
    options = (
        click.option(
            "--contacts", default=10_000, show_default=True, type=count, help="Contacts of a new org."
        ),
        click.option("--leads", default=2_000, show_default=True, type=count, help="Leads of a new org."),
        click.option("--seed", default=1, show_default=True, help="The same seed makes the same people."),
        click.option(
            "--person-accounts",
            is_flag=True,
            help="Make one contact in five of a new org a Person Account.",
        ),
    )
    return functools.reduce(lambda made, option: option(made), reversed(options), wrapped)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """A Salesforce org in a box, for demos and tests."""


@main.command()
@click.option(
    "--port", default=8089, show_default=True, type=click.IntRange(0, 65535), help="0 takes any free port."
)
@click.option(
    "--data",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The org's file; made on the first start, kept afterwards.",
)
@size_options
@click.option(
    "--admin-token", envvar="ORGSIM_ADMIN_TOKEN", help="Token of the admin endpoint; random when not given."
)
@click.option(
    "--switch",
    "switches",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a switch (orgsim/switches.py), such as old_versions=off; kept in the org's file; repeatable.",
)
@sign_in_options
def serve(
    *,
    port: int,
    data: Path,
    size: birth.Size,
    admin_token: str | None,
    switches: tuple[str, ...],
    sign_in: SignInOptions,
) -> None:
    """Serve the org in FILE over HTTP on 127.0.0.1 until Ctrl-C."""
    chosen = [(name, value) for name, _, value in (switch.partition("=") for switch in switches)]
    try:
        # Before the org is made: nobody waits for a large one that then does not start.
        for name, value in chosen:
            check_switch(name, value)
        listener = server.bind(port)
        claim = Claim(data)
        if not data.exists():
            click.echo(f"Making {size.contacts:,} contacts and {size.leads:,} leads in {data} ...")
            birth.make(data, size, datetime.now(UTC))
        else:
            click.echo(f"Opening the org in {data} as it is; sizes and seed count for a new one only.")
        org = Org(data, sign_in.credentials)
        sign_in.apply(org)
        for name, value in chosen:
            org.switches.set(name, value)
    except (server.PortInUseError, InUseError, StoreError, ValueError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except OSError as error:
        click.echo(f"{data} can't be written ({error.strerror}): choose another --data.", err=True)
        sys.exit(1)
    token = admin_token or secrets.token_urlsafe(16)
    click.echo(f"Simulated org:  {server.address_of(listener)}")
    _say_credentials(sign_in.credentials)
    click.echo(f"X-Orgsim-Token: {token}")
    click.echo(f"Pages:          {pages_link(server.address_of(listener), token)}")
    sys.stdout.flush()
    try:
        with server.make_pool() as pool:
            server.make_server(org, token, pool).run(sockets=[listener])
    except KeyboardInterrupt:
        click.echo("Stopped.")
    finally:
        org.close()
        claim.release()


def _say_credentials(credentials: Credentials) -> None:
    click.echo(f"Client:         {credentials.client_id} / {credentials.client_secret}")
    click.echo(f"User:           {credentials.username} / {credentials.password}")
    click.echo(f"Security token: {credentials.security_token}")
    click.echo(f"Refresh token:  {credentials.refresh_token}")
    click.echo(f"User:           {REGISTRAR_USERNAME} / {PASSWORDS[REGISTRAR_USERNAME]}")
