"""`make bench`: all benchmarks, or one: `make bench ARGS="import --contacts 100000"`."""

import importlib

import click

BENCHMARKS = {
    "import": "benchmarks.importing",
    "changes": "benchmarks.changes",
    "pages": "benchmarks.pages",
    "orgsim": "benchmarks.orgsim_pages",
    "bulk": "benchmarks.bulk",
    "texts": "benchmarks.texts",
    "consent": "benchmarks.consent",
    "opt-outs": "benchmarks.opt_outs",
    "pushing": "benchmarks.pushing",
    "schedule": "benchmarks.schedule",
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)))
@click.option("--contacts", default=1_000_000, show_default=True, help="Size of the org.")
@click.option("--lines", default=2_000_000, show_default=True, help="Size of the ledger, for `consent`.")
def main(names: tuple[str, ...], contacts: int, lines: int) -> None:
    for name in names or BENCHMARKS:
        click.echo(f"\n== {name}, {contacts:,} contacts ==")
        sizes = (contacts, lines) if name == "consent" else (contacts,)
        importlib.import_module(BENCHMARKS[name]).run(*sizes)


if __name__ == "__main__":
    main()
