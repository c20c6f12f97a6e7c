"""Options that several commands share."""

import click

WORKSPACE = click.option(
    "--workspace", default="", metavar="NAME", help="Which workspace, where there is more than one."
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
