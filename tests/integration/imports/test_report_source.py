"""Imports from a report, in both ways: ids from the report and fields by query, and the report alone."""

from collections.abc import Callable

import pytest

from carillon.accounts.models import Workspace
from carillon.connections.actions import save_connection
from carillon.contacts.models import Contact
from carillon.imports.actions import save_setup, setup_for
from carillon.imports.drafts import AdditionalField, SetupDraft
from carillon.imports.models import ImportRun, ImportSetup, Mode, RecordIssue, RunStatus
from carillon.imports.runner import Options, execute
from carillon.imports.runs import Request
from carillon.salesforce.transport import Retry
from orgsim.testing import OrgSim
from tests.integration.imports.conftest import org_ids, stored_ids

pytestmark = pytest.mark.django_db(transaction=True)

BY_IDS = SetupDraft(
    source="All_Contacts",
    source_type="report",
    source_way="by_ids",
    first_name="Preferred_Name__c",
    first_name_fallback="FirstName",
    last_name="LastName",
    mobile_number="MobilePhone",
    user_identification="OwnerId",
    additional_fields=(
        AdditionalField("Program__c", "program", "Program", "choice"),
        AdditionalField("Birthdate", "birthdate", "Birthdate", "date"),
    ),
)
ALONE = SetupDraft(
    source="All_Contacts",
    source_type="report",
    source_way="report_only",
    contact_identification="CONTACT_ID",
    last_modified="Contact.Last_Modified_Date_Time__c",
    first_name="Contact.Preferred_Name__c",
    first_name_fallback="FIRST_NAME",
    last_name="LAST_NAME",
    mobile_number="PHONE3",
    user_identification="CONTACT_OWNER_EMAIL",
    additional_fields=(
        AdditionalField("Contact.Program__c", "program", "Program", "choice"),
        AdditionalField("Contact.Graduation_Year__c", "graduation_year", "Class of", "number"),
    ),
)
BOTH_WAYS = pytest.mark.parametrize("draft", [BY_IDS, ALONE], ids=["by ids", "report only"])

Import = Callable[..., ImportRun]


@pytest.fixture
def connected(workspace: Workspace, org: OrgSim) -> Workspace:
    save_connection(
        workspace=workspace, host=org.url, client_id="orgsim-client", client_secret="orgsim-secret", by=None
    )
    return workspace


def set_up(workspace: Workspace, draft: SetupDraft, sobject: str = "Contact") -> ImportSetup:
    return save_setup(setup=setup_for(workspace, sobject), draft=draft, by=None)


def run(setup: ImportSetup, mode: Mode = Mode.CHANGES) -> ImportRun:
    retry = Retry(budget_seconds=5, read_timeout=20, first_wait=0.05, longest_wait=0.5)
    return execute(Request(setup, mode), Options(retry=retry))


def succeeded(setup: ImportSetup, mode: Mode = Mode.CHANGES) -> ImportRun:
    done = run(setup, mode)
    assert done.status == RunStatus.SUCCEEDED, done.error
    return done


@BOTH_WAYS
def test_more_than_two_thousand_rows_are_imported_whole(
    org: OrgSim, connected: Workspace, draft: SetupDraft
) -> None:
    done = succeeded(set_up(connected, draft))

    everybody = org_ids(org)
    assert len(everybody) > 4000
    assert stored_ids(in_source=True) == everybody
    assert (done.received, done.created, done.org_count) == (len(everybody),) * 3
    assert (done.updated, done.unchanged, done.rejected, done.left_source) == (0, 0, 0, 0)
