"""What reading the opt-out field costs an import: the consent step's share of the whole, in one and the same run. With
nobody opted out at first, and with three in ten; then nothing changed, and one in twenty changed their mind."""

import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import stage

_FIELD = """
[contact.opt_out]
field = "SMS_Opt_Out__c"
type = "checkbox"
unchecked_means_opted_in = true
"""
# Out of ten people those of whom so many are opted out at first.
_SHARES = (0, 3)


def run(contacts: int) -> None:
    with stage.orgsim(contacts):
        pass
    rows, file = [], stage.ORGS / f"{contacts}-opt-outs.db"
    for tenths in _SHARES:
        shutil.copy(stage.org_file(contacts), file)
        _write(file, f"UPDATE Contact SET SMS_Opt_Out__c = pk % 10 < {tenths}")
        with stage.carillon_home() as env:
            rows += _imports(env, contacts, file, f"{tenths * 10} %")
    file.unlink()
    heads = ["import", "received", "opted out", "opted in", "seconds", "consent s", "share"]
    stage.table(heads, rows)


def _imports(env: dict[str, str], contacts: int, file: Path, out: str) -> list[list[str]]:
    with stage.orgsim(contacts, file=file) as org:
        stage.set_up(env, org, more=_FIELD)
        first = _import(env, "everything")
        again = _import(env, "everything")
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    change = (
        "UPDATE Contact SET SMS_Opt_Out__c = 1 - SMS_Opt_Out__c, LastModifiedDate = ?, SystemModstamp = ?"
    )
    _write(file, f"{change} WHERE pk / 10 % 20 = 0", stamp, stamp)
    with stage.orgsim(contacts, file=file) as org:
        stage.set_up(env, org, more=_FIELD)
        changes = _import(env, "changes")
    return [
        _row(f"first, {out} opted out", first),
        _row("everything, nothing changed", again),
        _row("changes, 5 % changed their mind", changes),
    ]


def _import(env: dict[str, str], mode: str) -> Any:
    return stage.measure(stage.step("benchmarks.steps", "import", mode), env).output


def _row(name: str, measured: Any) -> list[str]:
    if measured["status"] != "succeeded":
        raise RuntimeError(measured["error"])
    return [
        name,
        f"{measured['received']:,}",
        f"{measured['opted_out']:,}",
        f"{measured['opted_in']:,}",
        f"{measured['seconds']:.1f}",
        f"{measured['consent']:.2f}",
        f"{measured['consent'] / measured['seconds']:.1%}",
    ]


def _write(file: Path, statement: str, *values: str) -> None:
    """Straight into the org's file, as a bulk load would."""
    with sqlite3.connect(file) as connection:
        connection.execute(statement, values)
