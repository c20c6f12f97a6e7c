"""The Contact Import page with a report as its source, without JavaScript."""

import re
from collections.abc import Iterator
from typing import Protocol

import pytest
from django.test import Client

from carillon.accounts.models import Member, Workspace
from carillon.connections import actions as connections
from carillon.imports import report_catalog
from carillon.imports.models import DryRun, ImportSetup, Mode
from carillon.imports.runner import execute
from carillon.imports.runs import Request
from orgsim.testing import OrgSim
from tests.integration.web.conftest import SignedIn
from tests.integration.web.test_contact_import import PAGE, entered, row

MODIFIED = "Contact.Last_Modified_Date_Time__c"
COLUMNS = {
    "kind": "report",
    "way": "report_only",
    "contact_identification": "CONTACT_ID",
    "last_modified": MODIFIED,
    "first_name": "FIRST_NAME",
    "first_name_fallback": "",
    "last_name": "LAST_NAME",
    "mobile_number": "PHONE3",
    "user_identification": "",
}


@pytest.fixture
def org() -> Iterator[OrgSim]:
    with OrgSim(contacts=60, leads=10) as running:
        yield running


@pytest.fixture
def admin(alice: Member, workspace: Workspace, org: OrgSim, signed_in: SignedIn) -> Client:
    connections.save_connection(
        workspace=workspace, host=org.url, client_id="orgsim-client", client_secret="orgsim-secret", by=alice
    )
    return signed_in(alice)


def report_called(workspace: Workspace, api_name: str) -> str:
    return report_catalog.find_report(workspace, api_name).id


class Answer(Protocol):
    content: bytes


def body_of(response: Answer) -> str:
    return response.content.decode()


def test_reports_are_listed_by_folder_with_the_remedy_of_those_that_do_not_fit(admin: Client) -> None:
    response = admin.get(PAGE, {"kind": "report"})

    names = [source.label for source in response.context["sources"]]
    body = body_of(response)
    assert "All Contacts" in names
    assert "Dean's List" not in names
    assert "Can't be imported: The report is a summary report" in body
    assert "remove all row and column groups" in body
    assert "joined report" in body
    folders = [source.folder for source in response.context["sources"]]
    assert folders == sorted(folders)


def test_reports_are_found_by_name_and_by_folder(admin: Client) -> None:
    by_name = admin.get(PAGE, {"kind": "report", "q": "PREFERRED"}).context["sources"]
    by_folder = admin.get(PAGE, {"kind": "report", "folder": "Admissions Reports"}).context["sources"]

    assert [source.label for source in by_name] == ["Contacts with Preferred Name"]
    assert {source.folder for source in by_folder} == {"Admissions Reports"}
    assert len(by_folder) > 3


def test_of_very_many_reports_the_first_are_listed_and_the_rest_is_said(org: OrgSim, admin: Client) -> None:
    for number in range(report_catalog.MOST_SHOWN):
        org.add_report(f"Another {number:04}", ["CONTACT_ID"])

    response = admin.get(PAGE, {"kind": "report"})

    assert len(response.context["sources"]) == report_catalog.MOST_SHOWN
    assert "Only the first 100 are shown" in body_of(response)
    assert [
        one.label for one in admin.get(PAGE, {"kind": "report", "q": "another 0099"}).context["sources"]
    ] == ["Another 0099"]


@pytest.mark.parametrize(("most", "said"), [(1, True), (2, False)])
def test_folders_beyond_the_first_are_said(
    admin: Client, monkeypatch: pytest.MonkeyPatch, most: int, said: bool
) -> None:
    monkeypatch.setattr(report_catalog, "MOST_FOLDERS", most)

    response = admin.get(PAGE, {"kind": "report"})

    assert response.context["answers"].folders == ("Admissions Reports", "Texting Reports")[:most]
    assert (f"more folders than the first {most}" in body_of(response)) is said


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ("Partner_Schools", "The report Partner Schools has no column with the id of the Contact"),
        ("Leads_for_Texting", "The report Leads for Texting is a report of Leads"),
        ("Newest_Hundred_Contacts", "row limit"),
        ("Contacts_by_Owner", "summary report"),
        ("Deans_List", "There is no report"),
    ],
)
def test_a_report_that_can_not_be_imported_is_refused_with_the_remedy(
    org: OrgSim, admin: Client, report: str, said: str
) -> None:
    report_id = (
        org.org.store.reader()
        .execute("SELECT Id FROM Report WHERE DeveloperName LIKE ?", [report.replace("Deans", "%")])
        .fetchone()[0]
    )

    body = body_of(admin.get(PAGE, {"kind": "report", "source": report_id}))

    assert said in body
    assert "is shown below" not in body
    assert 'id="setup-form"' not in body


def test_a_chosen_report_maps_fields_of_the_person_its_columns_first(
    admin: Client, workspace: Workspace
) -> None:
    response = admin.get(PAGE, {"kind": "report", "source": report_called(workspace, "All_Contacts")})

    form = response.context["form"]
    options = dict(form.standard.fields["last_name"].widget.choices)
    assert list(options) == ["", "In this report", "Other fields", "Related records"]
    assert ("MobilePhone", "Mobile Phone (MobilePhone)") in options["In this report"]
    assert ("Owner.Email", "Owner: Email (Owner.Email), may go stale") in options["In this report"]
    assert form.standard["mobile_number"].value() == "MobilePhone"
    assert form.report["contact_identification"].value() == "CONTACT_ID"
    body = body_of(response)
    assert "60 rows now. An import takes about 1 report run." in body
    assert "<strong>1 of the 500 report runs</strong> that your org allows everybody in an hour" in body
    assert "is not needed" in body


def test_a_setup_by_ids_is_saved(admin: Client, workspace: Workspace) -> None:
    source = report_called(workspace, "All_Contacts")
    data = entered(source, row("Birthdate"), kind="report", way="by_ids", contact_identification="CONTACT_ID")

    response = admin.post(PAGE, data, follow=True)

    setup = ImportSetup.objects.get(object="Contact")
    assert "is saved" in body_of(response)
    assert (setup.source_type, setup.source_way, setup.source_id) == ("report", "by_ids", source)
    assert (setup.source_name, setup.contact_identification, setup.last_modified) == (
        "All_Contacts",
        "CONTACT_ID",
        "",
    )


def test_switching_the_way_keeps_what_was_entered_under_its_other_names(
    admin: Client, workspace: Workspace
) -> None:
    source = report_called(workspace, "All_Contacts")
    data = entered(source, row("Program__c"), row("Birthdate"), kind="report", way="by_ids")

    form = admin.post(PAGE, {**data, "way_to": "report_only"}).context["form"]

    assert form.standard["first_name"].value() == "Contact.Preferred_Name__c"
    assert form.standard["mobile_number"].value() == "PHONE3"
    assert form.report["last_modified"].value() == MODIFIED
    kept = [line["salesforce"].value() for line in form.rows]
    assert kept == ["Contact.Program__c", "Birthdate"]
    assert ("Birthdate", "Birthdate (not a column of the report)") in form.rows[1].fields[
        "salesforce"
    ].widget.choices


def test_a_setup_of_the_report_alone_is_saved_and_previewed(admin: Client, workspace: Workspace) -> None:
    source = report_called(workspace, "All_Contacts")
    data = entered(source, row("Contact.Program__c"), **COLUMNS)

    preview = admin.post(PAGE, {**data, "preview": "1"}).context["preview"]
    admin.post(PAGE, data)

    setup = ImportSetup.objects.get(object="Contact")
    assert len(preview.people) == 20
    assert all(person.name and person.cells for person in preview.people)
    assert (setup.source_way, setup.last_modified, setup.mobile_number) == ("report_only", MODIFIED, "PHONE3")


def test_only_columns_of_the_report_can_be_mapped_when_it_is_read_alone(
    admin: Client, workspace: Workspace
) -> None:
    source = report_called(workspace, "All_Contacts")
    data = entered(source, row("Birthdate"), **{**COLUMNS, "contact_identification": "ACCOUNT_ID"})

    body = body_of(admin.post(PAGE, data))

    assert "Birthdate is no column of the report" in body
    assert "ACCOUNT_ID does not hold the ids of the people. Choose Contact ID (CONTACT_ID)." in body
    assert not ImportSetup.objects.get(object="Contact").source_id


def test_a_date_only_last_modified_is_refused_with_the_guide(admin: Client, workspace: Workspace) -> None:
    source = report_called(workspace, "Contacts_with_Date_only_Last_Modified")

    shown = body_of(admin.get(PAGE, {"kind": "report", "source": source, "way": "report_only"}))
    refused = body_of(admin.post(PAGE, entered(source, **{**COLUMNS, "last_modified": "LAST_UPDATE"})))

    for body in (shown, refused):
        assert "In Lightning Experience" in body
        assert "In Salesforce Classic" in body
        assert "Check again" in body
    assert "LAST_UPDATE shows the day only" in refused
    assert "Add one, as &#x27;How to get Last Modified with its time&#x27; says" in refused
    assert "by_ids&quot;" not in refused
    assert not ImportSetup.objects.get(object="Contact").source_id


def test_check_again_asks_the_org_and_finds_the_new_column(
    org: OrgSim, admin: Client, workspace: Workspace
) -> None:
    name = "Contacts_with_Date_only_Last_Modified"
    data = entered(report_called(workspace, name), **{**COLUMNS, "last_modified": ""})
    admin.get(PAGE, {"kind": "report", "source": data["source"], "way": "report_only"})

    still = body_of(admin.post(PAGE, {**data, "check_again": "1"}))
    org.set_report(name, {"detail_columns": ["CONTACT_ID", "FIRST_NAME", "LAST_NAME", "PHONE3", MODIFIED]})
    found = admin.post(PAGE, {**data, "check_again": "1"})

    assert "Salesforce was asked just now" in still
    assert "In Lightning Experience" not in body_of(found)
    assert found.context["form"].report["last_modified"].value() == MODIFIED
    assert admin.post(PAGE, {**data, "last_modified": MODIFIED}).status_code == 302


def test_a_report_of_more_than_a_hundred_thousand_rows_recommends_a_list_view(
    org: OrgSim, admin: Client, workspace: Workspace
) -> None:
    source = report_called(workspace, "All_Contacts")

    def huge(path: str, body: bytes) -> bytes:
        if "/analytics/reports/" in path and "includeDetails=false" in path:
            return re.sub(rb'"value":\s*60\b', b'"value": 100001', body)
        return body

    org.mangle(huge)

    body = body_of(admin.get(PAGE, {"kind": "report", "source": source}))

    assert "The report has 100,001 rows" in body
    assert "choose a list view" in body


def test_what_an_import_found_of_the_report_shows_at_once(
    org: OrgSim, admin: Client, workspace: Workspace
) -> None:
    source = report_called(workspace, "All_Contacts")
    admin.post(PAGE, entered(source, kind="report", way="by_ids", contact_identification="CONTACT_ID"))
    before = body_of(admin.get(PAGE))
    org.delete_report("All_Contacts")

    execute(Request(ImportSetup.objects.get(object="Contact"), Mode.CHANGES))
    after = body_of(admin.get(PAGE))

    assert "60 rows now" in before
    assert "is set up and on" in before
    assert "There is no report" in after
    assert "is shown below" in after
    assert "rows now" not in after
    assert "is set up and on" not in after


def test_a_dry_run_of_a_report_is_asked_for(admin: Client, workspace: Workspace) -> None:
    source = report_called(workspace, "All_Contacts")

    admin.post(PAGE, {**entered(source, **COLUMNS), "try": "1"})

    asked = DryRun.objects.get()
    assert (asked.draft["source_way"], asked.source_label) == ("report_only", "All Contacts")


def test_leads_have_their_own_report(admin: Client, workspace: Workspace) -> None:
    source = report_called(workspace, "Leads_for_Texting")
    data = entered(source, kind="report", way="by_ids", first_name="FirstName", first_name_fallback="")

    page = "/contact-import/lead/"
    shown = admin.get(page, {"kind": "report", "source": source})
    admin.post(page, data)

    setup = ImportSetup.objects.get(object="Lead")
    assert shown.context["form"].standard["mobile_number"].value() == "MobilePhone"
    assert (setup.source_type, setup.contact_identification) == ("report", "LEAD_ID")


def test_the_kind_can_be_browsed_without_leaving_what_is_saved(admin: Client, workspace: Workspace) -> None:
    source = report_called(workspace, "All_Contacts")
    admin.post(PAGE, entered(source, kind="report", way="by_ids"))

    views = body_of(admin.get(PAGE, {"kind": "list_view"}))
    saved = admin.get(PAGE)

    assert "the import goes on with report All Contacts" in views
    assert 'id="setup-form"' not in views
    assert saved.context["wanted"].is_report
