"""The simulated org seen by jsforce, the client of Salesforce's own command line. Needs Node and npm."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from orgsim.testing import OrgSim

FOLDER = Path(__file__).parent / "jsforce"
_CONTACTS = 2_300


def _installed() -> str:
    """Why jsforce can't be run, or nothing; it is installed from its lock file the first time."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return "Node and npm are not on this machine"
    if (FOLDER / "node_modules" / "jsforce").is_dir():
        return ""
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False, timeout=300)
    return "" if done.returncode == 0 else f"npm ci failed: {done.stderr.strip()[-300:]}"


@pytest.mark.slow
def test_jsforce_finds_nothing_strange() -> None:
    reason = _installed()
    if reason:
        pytest.skip(reason)
    with OrgSim(contacts=_CONTACTS, leads=20) as org:
        environment = {**os.environ, "ORGSIM_URL": org.url, "ORGSIM_CONTACTS": str(_CONTACTS)}

        done = subprocess.run(
            ["node", "--test", "exercise.test.mjs"],
            cwd=FOLDER,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
