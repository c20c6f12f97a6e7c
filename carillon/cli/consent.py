"""`carillon consent`."""

import json
from datetime import date

import click

from carillon.cli import runtime
from carillon.cli.options import AS_JSON, WORKSPACE
from carillon.cli.tables import printable

_WORK = "carillon.cli.consent_work"


def _day(context: click.Context, option: click.Parameter, value: str | None) -> date | None:
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        raise click.BadParameter("write the day as in 2026-11-20", context, option) from None


def _given(context: click.Context, option: click.Parameter, value: str) -> str:
    if not value.strip():
        raise click.BadParameter("say why", context, option)
    return value


REASON = click.option("--reason", required=True, metavar="TEXT", help="Kept as evidence.", callback=_given)


@click.group()
def consent() -> None:
    """Who may be texted: look it up, change it, and prove that Salesforce knows."""


@consent.command()
@click.argument("number_or_id")
@AS_JSON
@WORKSPACE
def show(number_or_id: str, as_json: bool, workspace: str) -> None:
    """Show the consent of a mobile number, or of a person by Salesforce id: status, history, pushes."""
    shown = runtime.call(f"{_WORK}:show", workspace, number_or_id)
    if as_json:
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    for line in runtime.call(f"{_WORK}:in_words", shown):
        click.echo(line)


@consent.command(name="opt-out")
@click.argument("number")
@REASON
@click.option(
    "--asked-on",
    metavar="DAY",
    callback=_day,
    help="The person asked for it, on this day, e.g. 2026-11-20.",
)
@WORKSPACE
def opt_out(number: str, reason: str, asked_on: date | None, workspace: str) -> None:
    """Opt a mobile number out of texting; Salesforce is told at once."""
    click.echo(runtime.call(f"{_WORK}:opt_out", workspace, number, reason, asked_on))


@consent.command(name="opt-in")
@click.argument("number")
@REASON
@click.option("--although-erased", is_flag=True, help="Also where somebody with the number was erased.")
@WORKSPACE
def opt_in(number: str, reason: str, although_erased: bool, workspace: str) -> None:
    """Opt a mobile number back in, as an admin: it lifts a person's STOP, too."""
    click.echo(runtime.call(f"{_WORK}:opt_in", workspace, number, reason, although_erased=although_erased))


@consent.command()
@AS_JSON
@click.option("--retry", is_flag=True, help="Try all of them again now.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 100_000), metavar="N")
@WORKSPACE
def pending(as_json: bool, retry: bool, limit: int, workspace: str) -> None:
    """List the changes that Salesforce has not acknowledged yet, the oldest first, with the reason."""
    if retry:
        count = runtime.call(f"{_WORK}:retry", workspace)
        click.echo(f"{count:,} are tried again now.", err=True)
    found = runtime.call(f"{_WORK}:pending", workspace, limit)
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for line in runtime.call(f"{_WORK}:pending_in_words", found):
        click.echo(line)


@consent.command()
@WORKSPACE
def verify(workspace: str) -> int:
    """Replay the ledger and compare it with what is current. Exits with 1 when they differ."""
    lines, differing = runtime.call(f"{_WORK}:verify", workspace, click.echo)
    if differing:
        click.echo(f"carillon: {differing:,} numbers do not follow from the ledger.", err=True)
        return 1
    click.echo(f"All numbers follow from the ledger's {lines:,} lines.")
    return 0


@consent.command()
@AS_JSON
@click.option("--repair", is_flag=True, help="Correct what differs.")
@WORKSPACE
def audit(as_json: bool, repair: bool, workspace: str) -> int:
    """Compare every number's consent with its records in Salesforce. Exits with 1 when some differ and stay so, or could
    not be seen."""
    heard = 0

    def tell(one: dict[str, str]) -> None:
        nonlocal heard
        if as_json:
            click.echo("," if heard else '{"differences": [')
            click.echo(f"  {json.dumps(one)}", nl=False)
        else:
            click.echo(_in_words(one))
        heard += 1

    told = runtime.call(f"{_WORK}:audit", workspace, repair=repair, tell=tell)
    if as_json:
        click.echo("\n]," if heard else '{"differences": [],')
        click.echo(json.dumps(told, indent=2).removeprefix("{\n"))
    else:
        for line in runtime.call(f"{_WORK}:unseen_in_words", told):
            click.echo(line)
        click.echo(told["sentence"])
    return 1 if told["leaves_doubt"] else 0


def _in_words(difference: dict[str, str]) -> str:
    done = f": {difference['repair']}" if difference["repair"] else ""
    consent, says = (difference[name].replace("_", " ") for name in ("consent", "salesforce"))
    return printable(f"{difference['number']} is {consent}, {difference['salesforce_id']} says {says}{done}")
