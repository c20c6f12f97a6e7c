"""The Contact Import page against an org that answers over HTTP."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse

from carillon.accounts.models import Member, Workspace
from carillon.connections import actions as connections
from carillon.contacts.models import ContactField
from carillon.imports import catalog, report_catalog, windows
from carillon.imports.models import FieldMapping, ImportSetup
from orgsim.testing import OrgSim
from tests.integration.web.conftest import SignedIn, add_contact

PAGE = "/contact-import/contact/"
STANDARD = {
    "enabled": "on",
    "first_name": "Preferred_Name__c",
    "first_name_fallback": "FirstName",
    "last_name": "LastName",
    "mobile_number": "MobilePhone",
    "user_identification": "",
}


@pytest.fixture(scope="module")
def org() -> Iterator[OrgSim]:
    with OrgSim(contacts=50, leads=10) as running:
        yield running


@pytest.fixture
def admin(alice: Member, workspace: Workspace, org: OrgSim, signed_in: SignedIn) -> Client:
    """Alice's browser, with her workspace connected to the org."""
    org.clear_faults()
    connections.save_connection(
        workspace=workspace, host=org.url, client_id="orgsim-client", client_secret="orgsim-secret", by=alice
    )
    return signed_in(alice)


def source_called(workspace: Workspace, api_name: str, sobject: str = "Contact") -> str:
    return next(one.id for one in catalog.list_views(workspace, sobject) if one.api_name == api_name)


def entered(source: str, *additional: dict[str, str], **changes: str) -> dict[str, str]:
    values = {**STANDARD, "source": source, "additional_fields-count": str(len(additional)), **changes}
    for number, row in enumerate(additional):
        values |= {f"additional_fields-{number}-{part}": value for part, value in row.items()}
    return values


def row(salesforce: str, contact_field: str = "", label: str = "", kind: str = "") -> dict[str, str]:
    return {"salesforce": salesforce, "contact_field": contact_field, "label": label, "type": kind}


def test_without_a_connection_the_page_leads_to_authentication(alice: Member, signed_in: SignedIn) -> None:
    body = signed_in(alice).get(PAGE).content.decode()

    assert "Connect Salesforce first" in body


def test_only_list_views_the_api_user_sees_are_offered(admin: Client) -> None:
    body = admin.get(PAGE).content.decode()

    assert "AllContacts" in body
    assert "TextingContacts" in body
    assert "DeansPrivateList" not in body


def test_list_views_are_found_without_javascript(admin: Client) -> None:
    sources = admin.get(PAGE, {"q": "textingc"}).context["sources"]

    assert [source.api_name for source in sources] == ["TextingContacts"]


def test_a_chosen_view_brings_suggestions_with_its_columns_first(admin: Client, workspace: Workspace) -> None:
    source = source_called(workspace, "TextingContacts")

    context = admin.get(PAGE, {"source": source}).context

    form = context["form"]
    values = {name: form.standard[name].value() for name in STANDARD}
    options = form.standard.fields["last_name"].widget.choices
    assert values["last_name"] == "LastName"
    assert values["mobile_number"] == "MobilePhone"
    assert [heading for heading, _ in options] == ["", "In this list view", "Other fields", "Related records"]
    assert not ImportSetup.objects.get(object="Contact").source_id


def test_a_view_of_the_own_records_warns(admin: Client, workspace: Workspace) -> None:
    body = admin.get(PAGE, {"source": source_called(workspace, "MyContacts")}).content.decode()

    assert "scope mine" in body


def test_saving_keeps_the_whole_setup(admin: Client, workspace: Workspace) -> None:
    source = source_called(workspace, "TextingContacts")
    data = entered(source, row("Program__c"), row("Graduation_Year__c", label="Class of", kind="number"))

    response = admin.post(PAGE, data, follow=True)

    setup = ImportSetup.objects.get(object="Contact")
    fields = (
        ContactField.objects.filter(workspace=workspace).order_by("pk").values_list("name", "label", "type")
    )
    assert (setup.enabled, setup.source_id, setup.first_name) == (True, source, "Preferred_Name__c")
    assert list(fields) == [("program", "Program", "choice"), ("class_of", "Class of", "number")]
    assert list(setup.mappings.order_by("position").values_list("salesforce_field", flat=True)) == [
        "Program__c",
        "Graduation_Year__c",
    ]
    assert "Import now" in response.content.decode()
    assert "reads everything" in response.content.decode()


def test_an_existing_contact_field_is_mapped_again(admin: Client, workspace: Workspace) -> None:
    program = ContactField.objects.create(workspace=workspace, name="program", label="Program", type="text")

    admin.post(PAGE, entered(source_called(workspace, "AllContacts"), row("Program__c", "program")))

    assert FieldMapping.objects.get().contact_field == program


def test_errors_stand_beside_their_fields_and_nothing_is_lost(admin: Client, workspace: Workspace) -> None:
    source = source_called(workspace, "TextingContacts")
    data = entered(source, row("", label="Nickname"), last_name="", mobile_number="Nonsense__c")

    response = admin.post(PAGE, data)

    form = response.context["form"]
    assert set(form.standard.errors) == {"last_name", "mobile_number"}
    assert "salesforce" in form.rows[0].errors
    assert form.standard["first_name"].value() == "Preferred_Name__c"
    assert form.rows[0]["label"].value() == "Nickname"
    body = response.content.decode()
    assert 'id="id_last_name_error"' in body
    assert 'aria-describedby="id_last_name_error"' in body
    assert 'value="Nonsense__c" selected' in body
    assert not ImportSetup.objects.get(object="Contact").source_id


def test_an_error_finds_its_row_behind_one_left_blank(admin: Client, workspace: Workspace) -> None:
    data = entered(source_called(workspace, "AllContacts"), row(""), row("Nonsense__c"))

    rows = admin.post(PAGE, data).context["form"].rows

    assert not rows[0].errors
    assert "salesforce" in rows[1].errors


def test_what_somebody_else_saved_meanwhile_is_not_written_over_silently(
    admin: Client, workspace: Workspace
) -> None:
    source = source_called(workspace, "AllContacts")

    def post(seen: str, fallback: str) -> str:
        given = entered(source, seen=seen, first_name_fallback=fallback)
        page: str = admin.post(PAGE, given, follow=True).content.decode()
        return page

    def mark(page: str) -> str:
        found: str = re.findall(r'name="seen" value="(\w+)"', page)[0]
        return found

    ours = mark(admin.get(f"{PAGE}?kind=list_view&source={source}").content.decode())
    theirs = post(ours, "FirstName")
    refused = post(ours, "")

    assert "is saved." in theirs
    assert "Somebody saved this import since you opened the page" in refused
    assert ImportSetup.objects.get(workspace=workspace).first_name_fallback == "FirstName"
    assert "is saved." in post(mark(refused), "")
    assert ImportSetup.objects.get(workspace=workspace).first_name_fallback == ""


def test_a_row_is_added_and_removed_without_saving(admin: Client, workspace: Workspace) -> None:
    data = entered(source_called(workspace, "AllContacts"), row("Program__c"), row("Email"))

    added = admin.post(PAGE, {**data, "add_field": "1"}).context["form"]
    removed = admin.post(PAGE, {**data, "remove_field": "0"}).context["form"]

    assert [one["salesforce"].value() for one in added.rows] == ["Program__c", "Email", ""]
    assert [one["salesforce"].value() for one in removed.rows] == ["Email"]
    assert not ImportSetup.objects.get(object="Contact").source_id


@pytest.mark.parametrize("count", ["", "x", "-3", "999999999"])
def test_a_made_up_row_count_does_no_harm(admin: Client, workspace: Workspace, count: str) -> None:
    data = entered(source_called(workspace, "AllContacts")) | {"additional_fields-count": count}

    assert admin.post(PAGE, data).status_code == 302


def test_choosing_another_view_keeps_the_mapping_and_says_it_is_not_saved(
    admin: Client, workspace: Workspace
) -> None:
    admin.post(PAGE, entered(source_called(workspace, "AllContacts"), row("Program__c")))

    response = admin.get(PAGE, {"source": source_called(workspace, "TextingContacts")})

    assert "Not saved yet" in response.content.decode()
    assert response.context["form"].rows[0]["salesforce"].value() == "Program__c"


def test_the_page_says_what_a_blank_user_identification_switches_off(
    admin: Client, workspace: Workspace
) -> None:
    admin.post(PAGE, entered(source_called(workspace, "AllContacts")))

    body = admin.get(PAGE).content.decode()

    assert "Send as assigned user" in body
    assert "Send to my assigned contacts only" in body


def test_an_org_that_refuses_us_leaves_the_stored_setup_readable(
    admin: Client, alice: Member, workspace: Workspace, org: OrgSim
) -> None:
    admin.post(PAGE, entered(source_called(workspace, "TextingContacts")))
    connections.save_connection(
        workspace=workspace, host=org.url, client_id="orgsim-client", client_secret="outdated", by=alice
    )

    response = admin.get(PAGE)

    body = response.content.decode()
    assert response.context["answers"].trouble in body.replace("&#x27;", "'")
    assert response.context["answers"].remedy
    assert "TextingContacts" in body
    assert 'value="MobilePhone" selected' in body


def test_leads_have_the_same_page(admin: Client, workspace: Workspace) -> None:
    page = reverse("contact_import", args=["lead"])
    source = source_called(workspace, "AllLeads", "Lead")

    first = admin.get(page).content.decode()
    admin.post(page, entered(source, first_name="FirstName", first_name_fallback=""))

    assert "Leads are not imported now" in first
    assert ImportSetup.objects.get(object="Lead").enabled
    assert "Import Leads" in admin.get(page).content.decode()


def test_auditors_read_the_setup(
    admin: Client, dana: Member, workspace: Workspace, signed_in: SignedIn
) -> None:
    admin.post(PAGE, entered(source_called(workspace, "AllContacts")))

    body = signed_in(dana).get(PAGE).content.decode()

    assert "AllContacts" in body
    assert "Add a field" not in body
    assert "Import now" not in body


def test_charlie_sees_no_setup_and_no_org_of_another_workspace(
    admin: Client, charlie: Member, workspace: Workspace, signed_in: SignedIn
) -> None:
    admin.post(PAGE, entered(source_called(workspace, "AllContacts"), row("Program__c")))
    add_contact(workspace, 1, "Ana", "García")

    body = signed_in(charlie).get(PAGE, {"source": source_called(workspace, "AllContacts")}).content.decode()

    assert "AllContacts" not in body
    assert "Program" not in body


def test_a_wrong_secret_is_told_and_not_shown(
    alice: Member, workspace: Workspace, org: OrgSim, signed_in: SignedIn
) -> None:
    client = signed_in(alice)
    data = {"host": org.url, "client_id": "orgsim-client", "client_secret": "not-the-secret"}

    response = client.post(reverse("authentication"), {**data, "test": "1"})

    assert response.context["report"].ok is False
    assert "not-the-secret" not in response.content.decode()


def test_a_good_connection_reports_the_org(admin: Client, org: OrgSim) -> None:
    data = {"host": org.url, "client_id": "orgsim-client", "test": "1"}

    report = admin.post(reverse("authentication"), data).context["report"]

    assert report.ok
    assert report.org_name
    assert report.calls_limit > report.calls_used > 0


def test_another_source_is_chosen_without_losing_what_was_entered(
    admin: Client, workspace: Workspace
) -> None:
    """As the links of the pickers send it with JavaScript, by way of the choice of the kind of source."""
    first, second = source_called(workspace, "TextingContacts"), source_called(workspace, "AllContacts")
    report = report_catalog.find_report(workspace, "All_Contacts").id
    admin.post(PAGE, entered(first))
    data = entered(
        first,
        row("Program__c", label="Course"),
        kind="list_view",
        first_name="FirstName",
        first_name_fallback="",
        timezone="America/Denver",
        windows=windows.WINDOWS[1],
    )
    del data["enabled"]

    other_view = admin.post(PAGE, {**data, "kind_to": "list_view", "source_to": second})
    between = admin.post(PAGE, {**data, "kind_to": "report"})
    carried = dict(
        re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', between.content.decode())
    )
    of_report = admin.post(PAGE, {**carried, "kind_to": "report", "source_to": report})

    assert 'id="setup-form"' not in between.content.decode()
    for response, source in ((other_view, second), (of_report, report)):
        form = response.context["form"]
        draft = form.entered()
        assert (response.context["chosen"], draft.source) == (source, source)
        assert (draft.first_name, draft.first_name_fallback, draft.enabled) == ("FirstName", "", False)
        assert (draft.timezone, draft.windows) == ("America/Denver", (windows.WINDOWS[1],))
        assert [(one.salesforce, one.label) for one in draft.additional_fields] == [("Program__c", "Course")]
        assert "Not saved yet" in response.content.decode()
    assert of_report.context["form"].report["contact_identification"].value() == "CONTACT_ID"
    assert ImportSetup.objects.get(object="Contact").source_id == first


def test_a_first_source_is_chosen_with_suggestions_when_nothing_was_entered(
    admin: Client, workspace: Workspace
) -> None:
    source = source_called(workspace, "TextingContacts")

    form = admin.post(PAGE, {"kind_to": "list_view", "source_to": source}).context["form"]

    assert form.standard["mobile_number"].value() == "MobilePhone"


def test_a_source_that_can_not_be_read_keeps_what_was_entered_for_the_next_choice(
    admin: Client, workspace: Workspace
) -> None:
    first = source_called(workspace, "TextingContacts")
    refused = report_catalog.find_report(workspace, "Contacts_by_Owner").id
    data = entered(first, last_name="Title")

    body = admin.post(PAGE, {**data, "kind_to": "report", "source_to": refused}).content.decode()

    assert "summary report" in body
    assert 'id="setup-form"' not in body
    assert '<input type="hidden" name="last_name" value="Title">' in body
