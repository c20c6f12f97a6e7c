"""The changes on a contact's page."""

from uuid import uuid4

from django.urls import reverse

from carillon.accounts.models import Member
from carillon.contacts.models import ContactField, FieldChange
from tests.integration.web.conftest import Rows, SignedIn


def add_change(rows: Rows, field: str, before: object, after: object, *, kept: bool = True) -> None:
    FieldChange.objects.create(
        workspace=rows.contact.workspace,
        contact=rows.contact,
        field=field,
        before=before,
        after=after,
        run=rows.run.public_id if kept else uuid4(),
    )


def test_changes_are_listed_newest_first_a_page_at_a_time(
    alice: Member, rows: Rows, signed_in: SignedIn
) -> None:
    for number in range(60):
        add_change(rows, "last_name", f"Name{number:02d}", f"Name{number + 1:02d}")
    client = signed_in(alice)
    page = reverse("contact", args=[rows.contact.salesforce_id])

    first = client.get(page)
    second = client.get(page, {"older": first.context["next"]})
    third = client.get(page, {"older": second.context["next"]})

    shown = [line.change.after for answer in (first, second, third) for line in answer.context["changes"]]
    assert shown == [f"Name{number:02d}" for number in range(60, 0, -1)]
    assert third.context["next"] == ""


def test_what_became_of_the_record_is_told_in_words(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    add_change(rows, "record:absence", "", "deleted")
    add_change(rows, "record:merged", "003000000000002AAA", rows.contact.salesforce_id)

    body = signed_in(alice).get(reverse("contact", args=[rows.contact.salesforce_id])).content.decode()

    assert "Record in Salesforce" in body
    assert "There" in body
    assert "Deleted in Salesforce" in body
    assert "Merged in Salesforce" in body
    assert "003000000000002AAA" in body


def test_a_change_is_shown_as_its_field_is_read(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    ContactField.objects.create(
        workspace=rows.contact.workspace, name="starts", label="Starts on", type="date"
    )
    add_change(rows, "starts", None, "2026-09-01")
    add_change(rows, "in_source", True, False)
    add_change(rows, "no_longer_a_field", "<b>old</b>", 7, kept=False)

    body = signed_in(alice).get(reverse("contact", args=[rows.contact.salesforce_id])).content.decode()

    assert "Starts on" in body
    assert "Sep 1, 2026" in body
    assert "In the list" in body
    assert "no_longer_a_field" in body
    assert "&lt;b&gt;old&lt;/b&gt;" in body
    assert "No longer kept" in body
    assert reverse("import_run", args=[rows.run.public_id]) in body


def test_texters_see_changes_but_no_way_to_the_import(bob: Member, rows: Rows, signed_in: SignedIn) -> None:
    add_change(rows, "last_name", "Okafor-Lee", "Okafor")

    body = signed_in(bob).get(reverse("contact", args=[rows.contact.salesforce_id])).content.decode()

    assert "Okafor-Lee" in body
    assert "import-history" not in body


def test_a_typed_page_address_is_not_found(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    page = reverse("contact", args=[rows.contact.salesforce_id])

    assert signed_in(alice).get(page, {"older": "rubbish"}).status_code == 404
