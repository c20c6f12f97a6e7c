"""`carillon import` and `carillon history`."""

import json
import sys

import click

from carillon.cli import runtime
from carillon.cli.options import AS_JSON, WORKSPACE

_WORK = "carillon.cli.imports_work"


@click.command(name="import")
@click.argument("object", type=click.Choice(["contact", "lead"]))
@click.option("--everything", is_flag=True, help="Read every record, not only what changed.")
@click.option("--dry-run", is_flag=True, help="Count what an import would do; store nothing.")
@click.option(
    "--past-cap", is_flag=True, help="Let it use more API calls than the cap of imports; never the reserve."
)
@AS_JSON
@WORKSPACE
def import_(
    object: str,  # noqa: A002
    everything: bool,
    dry_run: bool,
    past_cap: bool,
    as_json: bool,
    workspace: str,
) -> int:
    """Import Contacts or Leads, here and now.

    Exits with 0 when the import succeeded and with 1 on any other outcome. An interrupted import of the
    same kind (changes, everything) is resumed. With --dry-run nothing is stored, and it may run beside an
    import.
    """
    work = "carillon.cli.dry_run_work:run" if dry_run else f"{_WORK}:run"
    if dry_run and past_cap:
        raise click.UsageError("--past-cap is for imports: a dry run keeps to the cap.")
    more = {} if dry_run else {"past_cap": past_cap}
    outcome = runtime.call(work, workspace, object, everything=everything, **more)
    if as_json:
        click.echo(json.dumps(outcome.as_json, indent=2, ensure_ascii=False))
    else:
        click.echo(outcome.sentence, err=not outcome.succeeded)
    if as_json and outcome.as_json["error"]:
        click.echo(f"carillon: {outcome.as_json['error']}", err=True)
    return 0 if outcome.succeeded else 1


@click.command()
@AS_JSON
@click.option("--limit", default=25, show_default=True, type=click.IntRange(1, 10_000), metavar="N")
@WORKSPACE
def history(as_json: bool, limit: int, workspace: str) -> None:
    """List imports, newest first, with those that were due by schedule and did not start."""
    runs = runtime.call(f"{_WORK}:history", workspace, limit)
    if as_json:
        json.dump(runs, sys.stdout, indent=2, ensure_ascii=False)
        click.echo()
        return
    for row in runtime.call(f"{_WORK}:history_rows", runs):
        click.echo("  ".join(row).rstrip())
