"""Additional fields on the Contact Import page: related fields, paths, what a blank does, what may go stale."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from carillon.accounts.models import Member, Workspace
from carillon.contacts.models import ContactField
from carillon.imports import catalog
from carillon.imports.models import FieldMapping, ImportSetup
from carillon.web.setup_form import BY_PATH
from tests.integration.web.conftest import Rows, SignedIn
from tests.integration.web.test_contact_import import PAGE, admin, entered, org, row, source_called

__all__ = ["admin", "org"]


def shown(client: Client, workspace: Workspace) -> str:
    return client.get(PAGE, {"source": source_called(workspace, "AllContacts")}).content.decode()


def test_fields_of_related_records_are_offered_and_marked(admin: Client, workspace: Workspace) -> None:
    fields = catalog.source_fields(workspace, "Contact", source_called(workspace, "AllContacts"))

    offered = {field.name: field for field in fields.choices}
    assert {"Owner.Name", "Owner.Email", "Account.Name", "Account.Owner.Name", "ReportsTo.Name"} <= set(
        offered
    )
    assert all(offered[name].may_go_stale for name in ("Owner.Email", "Institution__c"))
    assert not any(offered[name].may_go_stale for name in ("Email", "OwnerId", "Program__c"))
    assert ">Owner: Email (Owner.Email), may go stale</option>" in shown(admin, workspace)


def test_what_can_not_be_mapped_is_said_with_the_reason(admin: Client, workspace: Workspace) -> None:
    body = shown(admin, workspace)

    # The opt-out field says of each why it can't be chosen; additional fields have a list of those.
    assert body.count('value="MailingAddress"') == body.count('value="MailingAddress" disabled>') == 1
    assert "an address has several parts" in body


@pytest.mark.parametrize(("blank", "stored"), [("keep", "keep"), ("clear", "clear"), ("", "clear")])
def test_what_a_blank_does_is_kept_with_the_field(
    admin: Client, workspace: Workspace, blank: str, stored: str
) -> None:
    source = source_called(workspace, "AllContacts")

    admin.post(PAGE, entered(source, {**row("Program__c"), "blank": blank}))

    assert FieldMapping.objects.get().blank == stored
    assert admin.get(PAGE).context["form"].rows[0]["blank"].value() == stored


def test_an_unknown_rule_for_blanks_is_refused_beside_its_control(
    admin: Client, workspace: Workspace
) -> None:
    data = entered(source_called(workspace, "AllContacts"), {**row("Program__c"), "blank": "maybe"})

    assert "blank" in admin.post(PAGE, data).context["form"].rows[0].errors


def test_a_field_is_mapped_by_its_path(admin: Client, workspace: Workspace) -> None:
    source = source_called(workspace, "AllContacts")
    entry = {**row(BY_PATH), "path": "account.owner.employeenumber"}

    admin.post(PAGE, entered(source, entry, {**row(BY_PATH), "path": "Account.NumberOfEmployees"}))

    first, second = FieldMapping.objects.select_related("contact_field").order_by("position")
    assert (first.salesforce_field, first.contact_field.type) == ("Account.Owner.EmployeeNumber", "text")
    assert (second.salesforce_field, second.contact_field.type) == ("Account.NumberOfEmployees", "number")
    body = admin.get(PAGE).content.decode()
    assert '<option value="Account.Owner.EmployeeNumber" selected>' in body
    assert "not offered by the org now" not in body
    assert "Imports go on without it" not in body


def test_a_mapped_field_the_api_user_cant_see_is_marked_with_what_follows(
    admin: Client, workspace: Workspace
) -> None:
    admin.post(PAGE, entered(source_called(workspace, "AllContacts"), row("Program__c"), row("Email")))
    FieldMapping.objects.filter(salesforce_field="Program__c").update(salesforce_field="Gone__c")
    ImportSetup.objects.update(user_identification="Gone_Too__c", last_name="Required__c")

    body = admin.get(PAGE).content.decode()

    assert body.count("not offered by the org now") == 3
    assert body.count("Imports go on without it") == 2


@pytest.mark.parametrize("path", ["", "Account.Nothing", "Nonsense"])
def test_a_path_that_leads_nowhere_is_refused(admin: Client, workspace: Workspace, path: str) -> None:
    data = entered(source_called(workspace, "AllContacts"), {**row(BY_PATH), "path": path})

    response = admin.post(PAGE, data)

    assert response.status_code == 200
    assert response.context["form"].has_faults
    assert not FieldMapping.objects.exists()


def test_what_may_go_stale_is_said_where_it_is_mapped(admin: Client, workspace: Workspace) -> None:
    source = source_called(workspace, "AllContacts")
    admin.post(PAGE, entered(source, row("Program__c")))
    before = admin.get(PAGE).content.decode()

    admin.post(
        PAGE, entered(source, row("Program__c"), row("Institution__c"), user_identification="Owner.Email")
    )

    response = admin.get(PAGE)
    assert 'id="stale-fields"' not in before
    assert response.context["form"].stale_fields == ["Owner.Email", "Institution__c"]
    assert "The first import of each day (America/New_York)" in response.content.decode()


def test_values_are_shown_by_their_type(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    kinds = {"several": "choices", "gift": "number", "member": "yes_no", "born": "date"}
    for name, kind in kinds.items():
        ContactField.objects.create(workspace=alice.workspace, name=name, label=name.title(), type=kind)
    values = (
        '{"several": ["Art", "Music"], "gift": 12345678901234567.89, "member": false, "born": "2001-02-28"}'
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "update contacts_contact set fields = %s::jsonb where id = %s", [values, rows.contact.pk]
        )

    body = signed_in(alice).get(reverse("contact", args=[rows.contact.salesforce_id])).content.decode()

    rows.contact.refresh_from_db()
    assert rows.contact.fields["gift"] == Decimal("12345678901234567.89")
    for text in ("Art, Music", "12345678901234567.89", "<dd>No</dd>", "Feb 28, 2001"):
        assert text in body
