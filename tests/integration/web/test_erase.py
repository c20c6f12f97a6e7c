"""Erasing from a contact's page: asked first, admins only, and nothing afterwards says who it was."""

import pytest
from django.urls import reverse

from carillon.accounts.models import AuditEntry, Member
from carillon.contacts.models import Contact, RecogniserKey
from tests.integration.web.conftest import Rows, SignedIn, add_contact, add_issue


def page_of(contact: Contact) -> str:
    return reverse("erase", args=[contact.salesforce_id])


def test_an_admin_erases_a_person_after_a_tick(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    add_issue(rows.run, 1, "odd number")
    client = signed_in(alice)
    asked = client.get(page_of(rows.contact)).content.decode()

    answer = client.post(page_of(rows.contact), {"understood": "on"}, follow=True)

    body = answer.content.decode()
    entry = AuditEntry.objects.latest("pk")
    assert "Zoë Okafor" in asked
    assert "can&#x27;t be undone" in asked
    assert answer.redirect_chain == [(reverse("contacts"), 302)]
    assert "The person was erased." in body
    assert "Okafor" not in body
    assert not Contact.objects.exists()
    assert not rows.run.issues.exists()
    assert (entry.actor, entry.action) == (alice.email, "person erased")
    assert client.get(page_of(rows.contact)).status_code == 404


def test_without_the_tick_nobody_is_erased(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    answer = signed_in(alice).post(page_of(rows.contact))

    assert "Tick this first" in answer.content.decode()
    assert Contact.objects.exists()


def test_asking_changes_nothing(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    signed_in(alice).get(page_of(rows.contact))

    assert Contact.objects.exists()
    assert not AuditEntry.objects.filter(action="person erased").exists()


@pytest.mark.parametrize("role", ["texter", "auditor"])
def test_others_may_not_erase_and_are_not_offered_it(
    bob: Member, dana: Member, rows: Rows, signed_in: SignedIn, role: str
) -> None:
    client = signed_in(bob if role == "texter" else dana)

    contact_page = client.get(reverse("contact", args=[rows.contact.salesforce_id])).content.decode()

    assert "Erase" not in contact_page
    assert client.get(page_of(rows.contact)).status_code == 403
    assert client.post(page_of(rows.contact), {"understood": "on"}).status_code == 403
    assert Contact.objects.exists()


def test_others_with_the_number_are_named_before_and_not_texted_after(
    alice: Member, rows: Rows, signed_in: SignedIn
) -> None:
    sister = add_contact(rows.contact.workspace, 2, "Ada", "Okafor")
    Contact.objects.filter(pk=sister.pk).update(mobile_number=rows.contact.mobile_number)
    client = signed_in(alice)
    asked = client.get(page_of(rows.contact)).content.decode()

    client.post(page_of(rows.contact), {"understood": "on"})

    page = client.get(reverse("contact", args=[sister.salesforce_id])).content.decode()
    assert "1 other here has the same number" in asked
    assert "somebody with this number was erased here" in page
    assert "Opted in" not in page
    assert "Opted out" in client.get(reverse("contacts")).content.decode()


def test_without_the_key_pages_open_and_nobody_counts_as_opted_in(
    alice: Member, rows: Rows, signed_in: SignedIn
) -> None:
    sister = add_contact(rows.contact.workspace, 2, "Ada", "Okafor")
    client = signed_in(alice)
    client.post(page_of(rows.contact), {"understood": "on"})
    RecogniserKey.objects.update(sealed_key="sealed with another key")

    body = client.get(reverse("contacts")).content.decode()
    refused = client.post(page_of(sister), {"understood": "on"}).content.decode()

    assert "Not known" in body
    assert "Opted in" not in body
    assert "CARILLON_SECRET_KEY" in refused
    assert Contact.objects.get() == sister
