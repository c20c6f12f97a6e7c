"""From a STOP at the webhook to its acknowledgement by the org: at a steady pace; a storm while everybody is imported, again
and again; an hour without the org. Web, worker, org and database are processes of their own, as in production; all on this
machine, and those who text as well. In the same run: the webhook's call that does nothing, and the org's call alone."""

import json
import os
import secrets
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import stage
from benchmarks.pushing_steps import RATE, STEADY_SECONDS, STORM, verb

HEADS = [
    *("what", "texts", "answered ms", "99th", "told ms", "99th", "worst s", "after the last s"),
    *("writes (records)", "lost"),
]


def run(contacts: int) -> None:
    """`contacts`: how many the imports beside the storm read."""
    people = max(contacts, 2 * STORM + RATE * STEADY_SECONDS)
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    # An org of its own: people in it will be opted out.
    with tempfile.TemporaryDirectory() as folder, stage.carillon_home() as env:
        file, token, port = Path(folder) / "org.db", secrets.token_hex(8), stage.free_port()
        env["CARILLON_PUBLIC_URL"] = f"http://127.0.0.1:{port}"
        with stage.orgsim(people, file=file, token=token) as org:
            org_port = int(org.rpartition(":")[2])
            # Contacts without an account are private: others may not edit them.
            verb(org_port, token, "grant", sobject="Contact", permission="Modify All")
            stage.set_up(env, org, more=_OPT_OUT)
            stage.run([str(stage.BIN / "carillon"), "import", "contact"], env)
            web = [str(stage.BIN / "carillon"), "web", "--port", str(port)]
            with stage.server(web, port, env):
                worker = subprocess.Popen(
                    [str(stage.BIN / "carillon"), "worker"], env=env, stdout=_QUIET, stderr=_QUIET
                )
                try:
                    rows = _step(env, "figures", port, file)
                finally:
                    worker.terminate()
                    worker.wait(60)
            down = _step(env, "outage", org_port, token, file)
    stage.table(HEADS, [[*row, *[""] * (len(HEADS) - len(row))] for row in rows])
    print("\nan hour without the org, of a clock that is moved on")
    stage.table(list(down), [[f"{figure:,}" for figure in down.values()]])


def _step(env: dict[str, str], *arguments: object) -> Any:
    command = stage.step("benchmarks.pushing_steps", *map(str, arguments))
    return json.loads(subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE).stdout)


_QUIET = subprocess.DEVNULL
_OPT_OUT = """
[contact.opt_out]
field = "SMS_Opt_Out__c"
type = "checkbox"
unchecked_means_opted_in = true
"""
