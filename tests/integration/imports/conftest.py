"""A workspace connected to a simulated org with the README's mapping, ready to import."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from carillon.accounts.models import Workspace
from carillon.connections.actions import save_connection
from carillon.contacts.models import Contact
from carillon.imports.actions import save_setup, setup_for
from carillon.imports.drafts import AdditionalField, SetupDraft
from carillon.imports.models import ImportRun, ImportSetup, Mode
from carillon.imports.runner import Options, execute
from carillon.imports.runs import Request
from carillon.salesforce.transport import Retry
from orgsim.testing import OrgSim

# A fifth of them is more than the hundred below which no leavers are held.
CONTACTS = 700
LEADS = 100
# Three pages of 2,000.
LARGE = 4_100


@pytest.fixture(scope="session")
def org_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An org's file, made once; each test works on a copy."""
    return _made(tmp_path_factory, CONTACTS, LEADS)


@pytest.fixture(scope="session")
def large_org_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _made(tmp_path_factory, LARGE, 400)


def _made(folders: pytest.TempPathFactory, contacts: int, leads: int) -> Path:
    file = folders.mktemp("org") / "org.db"
    with OrgSim(file, contacts=contacts, leads=leads, seed=1):
        pass
    return file


@pytest.fixture
def org(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OrgSim]:
    """Small, but for tests marked `large_org`: those about pages, jobs, and what dies in the middle."""
    is_large = request.node.get_closest_marker("large_org") is not None
    file = tmp_path / "org.db"
    shutil.copy(request.getfixturevalue("large_org_template" if is_large else "org_template"), file)
    with OrgSim(file) as running:
        yield running


@pytest.fixture
def workspace(db: None) -> Workspace:
    return Workspace.objects.create(name="Admissions")


@pytest.fixture
def draft() -> SetupDraft:
    return SetupDraft(
        source="AllContacts",
        first_name="Preferred_Name__c",
        first_name_fallback="FirstName",
        last_name="LastName",
        mobile_number="MobilePhone",
        user_identification="OwnerId",
        additional_fields=(
            AdditionalField("Program__c", "program", "Program", "choice"),
            AdditionalField("Graduation_Year__c", "graduation_year", "Graduation year", "number"),
        ),
    )


@pytest.fixture
def setup(workspace: Workspace, org: OrgSim, draft: SetupDraft) -> ImportSetup:
    return connected_setup(workspace, org, draft)


def connected_setup(workspace: Workspace, org: OrgSim, draft: SetupDraft) -> ImportSetup:
    save_connection(
        workspace=workspace, host=org.url, client_id="orgsim-client", client_secret="orgsim-secret", by=None
    )
    return save_setup(setup=setup_for(workspace, "Contact"), draft=draft, by=None)


type_of_import = Callable[..., ImportRun]


@pytest.fixture
def import_now(setup: ImportSetup) -> type_of_import:
    """Runs an import as the command line does; `seconds` bounds how long it keeps trying."""

    def run(mode: Mode = Mode.CHANGES, seconds: float = 20) -> ImportRun:
        retry = Retry(budget_seconds=seconds, read_timeout=seconds, first_wait=0.05, longest_wait=0.5)
        return execute(Request(setup, mode), Options(retry=retry))

    return run


def stored_ids(**conditions: object) -> set[str]:
    return set(Contact.objects.filter(**conditions).values_list("salesforce_id", flat=True))


def org_ids(org: OrgSim, condition: str = "1 = 1") -> set[str]:
    """Ids of living Contacts in the org's own store, by plain SQL."""
    rows = org.store.reader().execute(f"SELECT Id FROM Contact WHERE IsDeleted = 0 AND {condition}")
    return {row[0] for row in rows}
