"""A *changes* run over many members, with nothing changed and with one in a hundred changed: calls and seconds,
the fetch and write part apart from the sweep of ids."""

import sqlite3
from datetime import UTC, datetime

from benchmarks import stage


def run(contacts: int) -> None:
    with stage.carillon_home() as env:
        with stage.orgsim(contacts) as org:
            stage.set_up(env, org)
            stage.measure(stage.step("benchmarks.steps", "import", "everything"), env)
            nothing = stage.measure(stage.step("benchmarks.steps", "import", "changes"), env).output
        _change_one_in_a_hundred(contacts)
        with stage.orgsim(contacts) as org:
            stage.run(
                [str(stage.BIN / "carillon"), "connect", "--host", org, "--client-id", "orgsim-client"], env
            )
            some = stage.measure(stage.step("benchmarks.steps", "import", "changes"), env).output
    rows = [_row("0 %", nothing), _row("1 %", some)]
    stage.table(
        ["changed", "received", "updated", "API calls", "read s", "sweep s", "finish s", "all s", "peak MiB"],
        rows,
    )


def _row(name: str, measured: dict[str, float]) -> list[str]:
    phases: dict[str, float] = measured["phases"]  # type: ignore[assignment]
    return [
        name,
        f"{measured['received']:,}",
        f"{measured['updated']:,}",
        f"{measured['api_calls']:,}",
        f"{phases.get('reading', 0):.1f}",
        f"{phases.get('sweeping', 0):.1f}",
        f"{phases.get('rereading', 0) + phases.get('finishing', 0):.1f}",
        f"{measured['seconds']:.1f}",
        f"{measured['peak_mib']:.0f}",
    ]


def _change_one_in_a_hundred(contacts: int) -> None:
    """Straight into the org's file, as a bulk load would: one stamp for all, another last name for each."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    with sqlite3.connect(stage.org_file(contacts)) as connection:
        connection.execute(
            "UPDATE Contact SET LastName = LastName || '-Bench', LastModifiedDate = ?, SystemModstamp = ?"
            " WHERE pk % 100 = 0",
            (stamp, stamp),
        )
