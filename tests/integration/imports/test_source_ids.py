"""A list view or a report is found by its id as people type and paste it, in a file of the setup and on the page."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from carillon.accounts.models import Workspace
from carillon.connections.actions import save_connection
from carillon.imports.catalog import SourceUnusable, find_source
from carillon.imports.drafts import SetupDraft
from carillon.imports.report_catalog import find_report
from orgsim.testing import OrgSim
from tests.integration.imports.test_report_source import BY_IDS, set_up

pytestmark = pytest.mark.django_db(transaction=True)

SPELLINGS = {
    "as it is": lambda one: one,
    "15 characters": lambda one: one[:15],
    "blanks around": lambda one: f" {one}\t",
    "capitals lost": str.lower,
    "small letters lost": str.upper,
}
AS_TYPED = pytest.mark.parametrize("typed", SPELLINGS.values(), ids=SPELLINGS.keys())


@pytest.fixture
def connected(workspace: Workspace, org: OrgSim) -> Workspace:
    save_connection(
        workspace=workspace, host=org.url, client_id="orgsim-client", client_secret="orgsim-secret", by=None
    )
    return workspace


@AS_TYPED
def test_a_list_view_is_saved_by_its_id(
    connected: Workspace, draft: SetupDraft, typed: Callable[[str], str]
) -> None:
    view = find_source(connected, "Contact", "AllContacts")

    setup = set_up(connected, replace(draft, source=typed(view.id)))

    assert (setup.source_id, setup.source_name) == (view.id, "AllContacts")


@AS_TYPED
def test_a_report_is_saved_by_its_id(connected: Workspace, typed: Callable[[str], str]) -> None:
    report = find_report(connected, "All_Contacts")

    setup = set_up(connected, replace(BY_IDS, source=typed(report.id)))

    assert (setup.source_id, setup.source_name) == (report.id, "All_Contacts")


def test_the_case_of_15_characters_tells_ids_apart(connected: Workspace) -> None:
    view, report = find_source(connected, "Contact", "AllContacts"), find_report(connected, "All_Contacts")

    with pytest.raises(SourceUnusable, match="There is no list view"):
        find_source(connected, "Contact", view.id[:15].swapcase())
    with pytest.raises(SourceUnusable, match="There is no report"):
        find_report(connected, report.id[:15].swapcase())


def test_a_report_whose_name_is_as_long_as_an_id_is_found_by_it(connected: Workspace, org: OrgSim) -> None:
    name = "AlumniOfSpring2"
    org.add_report(name, ["CONTACT_ID"])

    assert len(name) == 15
    assert find_report(connected, name).label == name
