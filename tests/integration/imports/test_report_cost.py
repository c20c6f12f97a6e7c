"""What an import from a report costs in calls."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from carillon.accounts.models import Workspace
from carillon.connections.actions import save_connection
from carillon.imports.drafts import SetupDraft
from carillon.imports.models import ImportSetup, Mode
from orgsim.testing import OrgSim
from tests.integration.imports.conftest import org_ids, stored_ids
from tests.integration.imports.test_report_source import ALONE, BY_IDS, MOMENT, set_up, succeeded

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

ROWS = 10_000


@pytest.fixture(scope="module")
def long_org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrgSim]:
    with OrgSim(tmp_path_factory.mktemp("org") / "org.db", contacts=ROWS + 200, leads=0, seed=5) as running:
        with running.store.writing() as connection:
            spare = "SELECT Id FROM Contact WHERE IsDeleted = 0 ORDER BY Id LIMIT -1 OFFSET ?"
            connection.execute(f"UPDATE Contact SET IsDeleted = 1 WHERE Id IN ({spare})", [ROWS])
        yield running


@pytest.fixture
def connected(workspace: Workspace, long_org: OrgSim) -> Workspace:
    save_connection(
        workspace=workspace,
        host=long_org.url,
        client_id="orgsim-client",
        client_secret="orgsim-secret",
        by=None,
    )
    return workspace


@pytest.mark.parametrize(("draft", "most"), [(BY_IDS, 8), (ALONE, 8)], ids=["by ids", "report only"])
def test_ten_thousand_rows_without_a_change_take_few_calls(
    long_org: OrgSim, connected: Workspace, draft: SetupDraft, most: int
) -> None:
    setup = set_up(connected, draft)
    succeeded(setup)
    long_past(setup)

    done = succeeded(setup)

    assert len(org_ids(long_org)) == ROWS
    assert done.mode == Mode.CHANGES
    assert (done.org_count, done.received) == (ROWS, 0)
    assert done.api_calls <= most


def test_few_people_of_an_object_that_changes_much_are_read_by_id(
    long_org: OrgSim, connected: Workspace
) -> None:
    columns = ["CONTACT_ID", "LAST_NAME"]
    some = sorted(org_ids(long_org))[:30]
    quoted = ",".join(some)
    long_org.add_report(
        "A Few",
        columns,
        settings={"filters": [{"column": "CONTACT_ID", "operator": "equals", "value": quoted}]},
    )
    setup = set_up(connected, replace(BY_IDS, source="A_Few"))
    succeeded(setup)
    with long_org.store.writing() as connection:
        connection.execute("UPDATE Contact SET LastName = 'Renamed', SystemModstamp = ?", [MOMENT])

    done = succeeded(setup)

    assert stored_ids(last_name="Renamed") == set(some)
    assert (done.mode, done.updated) == (Mode.CHANGES, 30)
    # Two descriptions, a run of the report, a page of what changed in the object, one read by id.
    assert done.api_calls == 5


def long_past(setup: ImportSetup) -> None:
    """The org's records are younger than the overlap of 20 minutes; a real one has been quiet for longer."""
    ImportSetup.objects.filter(pk=setup.pk).update(watermark="2029-01-01T00:00:00Z")
    setup.refresh_from_db()
