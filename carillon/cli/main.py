"""The `carillon` command. Commands are imported only when they run, so that help is instant.

Exit codes: 0 succeeded, 1 any other outcome, 2 wrong usage.
"""

import importlib
import sys
from collections.abc import Sequence
from typing import NamedTuple

import click

from carillon.cli import failures


class Entry(NamedTuple):
    """`target`: module and attribute of a click command or group; `summary`: its line in `carillon --help`."""

    target: str
    summary: str


# To add a command, add a line; the order here is the order of `carillon --help`.
COMMANDS = {
    "demo": Entry(
        "carillon.cli.demo:demo", "Run everything on this machine with a simulated Salesforce org."
    ),
    "migrate": Entry("carillon.cli.migrate:migrate", "Create or update the database."),
    "connect": Entry("carillon.cli.connect:connect", "Test and save how to sign in to the Salesforce org."),
    "setup": Entry("carillon.cli.setup:setup", "Show, apply or export the whole setup as one TOML file."),
    "import": Entry("carillon.cli.imports:import_", "Import Contacts or Leads, here and now."),
    "history": Entry("carillon.cli.imports:history", "List import runs, newest first."),
    "contacts": Entry("carillon.cli.contacts:contacts", "Search people, or write them all out."),
    "consent": Entry("carillon.cli.consent:consent", "Who may be texted: look up, change, audit."),
    "member": Entry("carillon.cli.member:member", "Add, change, deactivate or list members."),
    "web": Entry("carillon.cli.web:web", "Serve the pages."),
    "worker": Entry("carillon.cli.worker:worker", "Run imports and other jobs."),
}


class LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{entry.target} is not a command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="carillon", prog_name="carillon", message="%(prog)s %(version)s")
def carillon() -> None:
    """Brings the people you keep in Salesforce into your texting platform, and keeps them current."""


def main(arguments: Sequence[str] | None = None) -> None:
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code; whatever fails is told in one sentence on stderr."""
    try:
        outcome = carillon.main(args=arguments, prog_name="carillon", standalone_mode=False)
    except BaseException as error:
        return failures.report(error)
    return outcome if isinstance(outcome, int) else 0


if __name__ == "__main__":
    main()
