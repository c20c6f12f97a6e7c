"""What pages and the command line say of people whose records left, moved, or share a number."""

import pytest
from django.urls import reverse

from carillon.accounts.models import Member, Workspace
from carillon.contacts.models import Contact, FormerId
from carillon.lib.clock import now
from tests.integration.commands import carillon
from tests.integration.web.conftest import Rows, SignedIn, add_contact

FORMER = "003000000000009AAA"


def former_id(contact: Contact, salesforce_id: str = FORMER) -> None:
    FormerId.objects.create(
        workspace=contact.workspace, contact=contact, salesforce_id=salesforce_id, object="Contact"
    )


def leave(contact: Contact, absence: str = "") -> None:
    contact.in_source, contact.left_source_at = False, now()
    contact.absence, contact.absent_since = absence, now() if absence else None
    contact.save()


@pytest.mark.parametrize(
    ("absence", "words"),
    [("deleted", "Deleted in Salesforce"), ("hidden", "Gone or hidden"), ("", "Left the list")],
)
def test_a_page_and_the_list_say_what_became_of_somebody(
    bob: Member, rows: Rows, signed_in: SignedIn, absence: str, words: str
) -> None:
    leave(rows.contact, absence)
    client = signed_in(bob)

    page = client.get(reverse("contact", args=[rows.contact.salesforce_id])).content.decode()
    people = client.get(reverse("contacts")).content.decode()

    assert words in page
    assert words.removesuffix(" the list") in people


@pytest.mark.parametrize("typed", [FORMER, FORMER[:15]])
def test_a_former_id_leads_to_the_person(bob: Member, rows: Rows, signed_in: SignedIn, typed: str) -> None:
    former_id(rows.contact)
    client = signed_in(bob)

    answer = client.get(reverse("contact", args=[typed]), follow=True)
    found = client.get(reverse("contacts"), {"q": typed})

    assert answer.redirect_chain == [(reverse("contact", args=[rows.contact.salesforce_id]), 302)]
    assert FORMER in answer.content.decode()
    assert [person.contact for person in found.context["people"]] == [rows.contact]


@pytest.mark.parametrize("typed", ["003DM00001VWOXJQA4", "003dm00001vwoxjqa4", " 003dM00001vWOXJ "])
def test_an_id_is_found_however_it_is_cased(bob: Member, rows: Rows, signed_in: SignedIn, typed: str) -> None:
    Contact.objects.filter(pk=rows.contact.pk).update(salesforce_id="003dM00001vWOXJQA4")

    found = signed_in(bob).get(reverse("contacts"), {"q": typed})

    assert [person.contact for person in found.context["people"]] == [rows.contact]


def test_a_former_id_is_of_its_workspace_only(charlie: Member, rows: Rows, signed_in: SignedIn) -> None:
    former_id(rows.contact)

    assert signed_in(charlie).get(reverse("contact", args=[FORMER])).status_code == 404


def test_others_with_the_number_are_named_and_not_merged(
    alice: Member, workspace: Workspace, rows: Rows, signed_in: SignedIn
) -> None:
    lead = add_contact(workspace, 2, "Zoe", "Okafor-Lead")
    Contact.objects.filter(pk=lead.pk).update(
        object="Lead", salesforce_id="00Q000000000002AAA", mobile_number=rows.contact.mobile_number
    )
    for number in range(3, 15):
        other = add_contact(workspace, number, "Kin", f"Household{number}")
        Contact.objects.filter(pk=other.pk).update(mobile_number=rows.contact.mobile_number)
    stranger = Workspace.objects.create(name="Elsewhere")
    foreign = add_contact(stranger, 1, "Not", "Ours")
    assert foreign.mobile_number == rows.contact.mobile_number

    body = signed_in(alice).get(reverse("contact", args=[rows.contact.salesforce_id])).content.decode()

    assert "Also with this number" in body
    assert "Household3<" in body
    assert "and 3 more" in body
    assert "Not Ours" not in body


def test_nobody_else_with_the_number_is_not_spoken_of(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    body = signed_in(alice).get(reverse("contact", args=[rows.contact.salesforce_id])).content.decode()

    assert "Also with this number" not in body


@pytest.mark.django_db(transaction=True)
def test_the_command_line_finds_by_a_former_id(rows: Rows) -> None:
    former_id(rows.contact)
    leave(rows.contact, "deleted")

    found = carillon("contacts", "--query", FORMER[:15], "--format", "json").json

    assert [one["salesforce_id"] for one in found] == [rows.contact.salesforce_id]
    assert (found[0]["absence"], found[0]["former_ids"]) == ("deleted", [FORMER])
