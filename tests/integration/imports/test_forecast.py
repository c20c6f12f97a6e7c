"""What an import is forecast to take, beside what it then takes: of lists and reports, before any import and after."""

import pytest

from carillon.accounts.models import Workspace
from carillon.connections.actions import save_connection
from carillon.imports import bulk_reads, expected, forecasts
from carillon.imports.drafts import SetupDraft
from carillon.imports.expected import Measured
from carillon.imports.models import ImportRun, ImportSetup, Mode, RunStatus
from carillon.imports.runner import Options, execute
from carillon.imports.runs import Request
from carillon.salesforce.bulk import routes
from carillon.salesforce.bulk.resource import Polling
from carillon.salesforce.transport import Retry
from orgsim.testing import OrgSim
from tests.integration.imports.conftest import LARGE
from tests.integration.imports.test_report_cost import long_past
from tests.integration.imports.test_report_source import ALONE, BY_IDS, set_up

pytestmark = [pytest.mark.large_org, pytest.mark.django_db(transaction=True)]

LIST = SetupDraft(
    source="AllContacts", first_name="FirstName", last_name="LastName", mobile_number="MobilePhone"
)
# A job is forecast to be looked at five times; that of a small simulated org is done at the first look.
LOOKS_SAVED = 4


@pytest.fixture
def connected(workspace: Workspace, org: OrgSim) -> Workspace:
    save_connection(
        workspace=workspace, host=org.url, client_id="orgsim-client", client_secret="orgsim-secret", by=None
    )
    return workspace


def succeeded(setup: ImportSetup, mode: Mode) -> ImportRun:
    retry = Retry(budget_seconds=20, read_timeout=20, first_wait=0.05, longest_wait=0.5)
    run = execute(Request(setup, mode), Options(retry=retry))
    assert (run.status, run.mode) == (RunStatus.SUCCEEDED, mode), run.error
    return run


def first_forecast(draft: SetupDraft, mode: Mode) -> int:
    """As the page makes it, which asks the org how many there are."""
    return expected.forecast(
        forecasts.source_of(draft),
        everything=mode == Mode.EVERYTHING,
        members=LARGE,
        measured=Measured(),
    )


@pytest.mark.parametrize(
    ("draft", "jobs"),
    [(LIST, False), (LIST, True), (BY_IDS, False), (ALONE, False)],
    ids=["list by pages", "list by jobs", "report by ids", "report only"],
)
def test_imports_take_about_as_many_calls_as_forecast(
    connected: Workspace, monkeypatch: pytest.MonkeyPatch, draft: SetupDraft, jobs: bool
) -> None:
    if jobs:
        monkeypatch.setattr(routes, "THRESHOLD", 1_000)
        monkeypatch.setattr(bulk_reads, "POLLING", Polling(0.4, 0.4))
    setup = set_up(connected, draft)
    few = LOOKS_SAVED if jobs else 0

    first = succeeded(setup, Mode.EVERYTHING)
    long_past(setup)
    second = succeeded(setup, Mode.CHANGES)

    assert any(kind.startswith("bulk_") for kind in first.calls) == jobs
    assert 0 <= first_forecast(draft, Mode.EVERYTHING) - first.api_calls - few <= 2
    assert 0 <= first_forecast(draft, Mode.CHANGES) - second.api_calls - few <= 2

    # Now by what these two showed.
    for mode in Mode:
        told = forecasts.forecast_of(ImportRun(setup=setup), mode)
        assert abs(told - succeeded(setup, mode).api_calls - few) <= 2
