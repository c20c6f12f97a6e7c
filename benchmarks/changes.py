"""A *changes* run over many members: calls and seconds, the fetch and write part apart from the sweep. With nothing changed
by pages and by a bulk job, each with ids and with the day's stamps; with one in a hundred changed by the way it chooses."""

import sqlite3
from datetime import UTC, datetime
from typing import Any

from benchmarks import stage

_NOTHING_CHANGED = (
    ("0 %, ids by pages", ("pages",)),
    ("0 %, ids by job", ("job",)),
    ("0 %, stamps by pages", ("pages", "stamps")),
    ("0 %, stamps by job", ("job", "stamps")),
)


def run(contacts: int) -> None:
    with stage.carillon_home() as env:
        with stage.orgsim(contacts) as org:
            stage.set_up(env, org)
            _import(env, "everything")
            rows = [_row(name, _import(env, "changes", *how)) for name, how in _NOTHING_CHANGED]
        _change_one_in_a_hundred(contacts)
        with stage.orgsim(contacts) as org:
            stage.run(
                [str(stage.BIN / "carillon"), "connect", "--host", org, "--client-id", "orgsim-client"], env
            )
            rows.append(_row("1 %, as chosen", _import(env, "changes")))
    stage.table(
        ["changed", "received", "updated", "API calls", "read s", "sweep s", "finish s", "all s", "peak MiB"],
        rows,
    )


def _import(env: dict[str, str], *how: str) -> Any:
    return stage.measure(stage.step("benchmarks.steps", "import", *how), env).output


def _row(name: str, measured: Any) -> list[str]:
    phases: dict[str, float] = measured["phases"]
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
