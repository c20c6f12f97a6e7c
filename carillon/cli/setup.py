"""`carillon setup`."""

import json
from pathlib import Path

import click

from carillon.cli import runtime
from carillon.cli.options import AS_JSON, WORKSPACE

_WORK = "carillon.cli.setup_work"


@click.group()
def setup() -> None:
    """Show, apply or export the whole setup as one TOML file, for instance from a sandbox to production."""


@setup.command()
@AS_JSON
@WORKSPACE
def show(as_json: bool, workspace: str) -> None:
    """Show the setup and how to sign in, without secrets."""
    shown = runtime.call(f"{_WORK}:show", workspace)
    click.echo(
        json.dumps(shown, indent=2, ensure_ascii=False)
        if as_json
        else runtime.call(f"{_WORK}:as_toml", shown)
    )


@setup.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@WORKSPACE
def apply(file: Path, workspace: str) -> None:
    """Check FILE with the org and save it: all of it, or nothing when anything is wrong.

    A section that is absent is left untouched; one that is present replaces the whole of what was there.
    """
    applied = runtime.call(f"{_WORK}:apply", workspace, file)
    for line in applied.lines:
        click.echo(line)
    for warning in applied.warnings:
        click.echo(f"Warning: {warning}", err=True)


@setup.command()
@WORKSPACE
def export(workspace: str) -> None:
    """Print the setup as TOML that `carillon setup apply` takes; it holds no secrets."""
    click.echo(runtime.call(f"{_WORK}:export", workspace), nl=False)
