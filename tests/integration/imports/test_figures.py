"""What an import of changes costs when nothing changed: the cheaper of pages and a job, and flat memory.

The same rule for a list of any size above the threshold; part of `make soak`.
"""

import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from carillon.accounts.models import Workspace
from carillon.imports.drafts import SetupDraft
from carillon.imports.models import ImportRun, ImportSetup, Mode, RunStatus
from carillon.imports.runner import Options, execute
from carillon.imports.runs import Request
from carillon.salesforce.bulk import routes
from carillon.salesforce.transport import Retry
from orgsim.testing import OrgSim
from tests.integration.commands import start
from tests.integration.imports.conftest import connected_setup

pytestmark = pytest.mark.django_db(transaction=True)

MOST_CALLS_OF_A_JOB = 20
# Beside the pages of ids: describe, list view, a page of changes, and room for three more.
CALLS_BESIDE_PAGES = 6
MOST_MIB = 250

SIZES = [pytest.param(20_000, marks=pytest.mark.soak), pytest.param(1_000_000, marks=pytest.mark.soak)]


@pytest.fixture(scope="module", params=SIZES)
def org(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrgSim]:
    file = tmp_path_factory.mktemp("org") / "org.db"
    with OrgSim(file, contacts=request.param, leads=0, seed=2) as running:
        yield running


def run_changes(setup: ImportSetup) -> ImportRun:
    retry = Retry(budget_seconds=60, read_timeout=60)
    return execute(Request(setup, Mode.CHANGES), Options(retry=retry))


def test_nothing_changed_costs_the_cheaper_of_both_ways(
    org: OrgSim, workspace: Workspace, draft: SetupDraft, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = connected_setup(workspace, org, draft)
    everything = run_changes(setup)
    assert everything.status == RunStatus.SUCCEEDED, everything.error
    people = everything.org_count or 0

    chosen = run_changes(setup)
    ImportSetup.objects.update(stamps_swept_at=None)
    with_stamps, peak_mib = measured_changes()
    monkeypatch.setattr(routes, "THRESHOLD", sys.maxsize)
    by_pages = run_changes(setup)

    pages = -(-people // routes.PAGE)
    assert people > 16_000
    assert [run.received for run in (chosen, by_pages)] == [0, 0]
    assert {run.org_count for run in (chosen, by_pages)} == {people}
    assert by_pages.api_calls <= pages + CALLS_BESIDE_PAGES
    assert max(chosen.api_calls, with_stamps["api_calls"]) <= MOST_CALLS_OF_A_JOB
    assert chosen.api_calls <= by_pages.api_calls
    assert with_stamps["received"] == 0
    assert peak_mib <= MOST_MIB


def measured_changes() -> tuple[dict[str, int], float]:
    """A run as a command of its own, and its peak of memory. What wait4 says would count the tests' own memory, which
    the child shares between fork and exec."""
    process = start("import", "contact", "--json")
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, peak_mib_of(process.pid))
        time.sleep(0.02)
    printed, _ = process.communicate()
    assert process.returncode == 0
    return json.loads(printed), peak


def peak_mib_of(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0
