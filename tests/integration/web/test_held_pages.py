"""The pages on which an admin decides about people who were held."""

import pytest
from django.test import Client
from django.urls import reverse

from carillon.accounts.models import AuditEntry, Member
from carillon.contacts.models import Contact
from carillon.imports import alerts
from carillon.imports.models import HeldIds, HeldLeavers
from tests.integration.web.conftest import Rows, SignedIn

REASON = "600 of the 1,000 people who were in the list are no longer in it; it holds 400 now."


@pytest.fixture
def held(rows: Rows) -> HeldLeavers:
    found = HeldLeavers.objects.create(setup=rows.setup, run=rows.run, people=1, reason=REASON)
    HeldIds.objects.create(held=found, absence="deleted", ids=[rows.contact.salesforce_id])
    alerts.people_held(rows.run, REASON)
    return found


def decide(client: Client, rows: Rows, decision: str) -> str:
    address = reverse("decide_held", args=[rows.run.public_id, decision])
    asked = client.get(address).content.decode()
    assert REASON in asked
    assert Contact.objects.get().in_source
    return str(client.post(address, follow=True).content.decode())


def test_what_is_held_is_told_on_the_run_and_on_every_page(
    alice: Member, rows: Rows, held: HeldLeavers, signed_in: SignedIn
) -> None:
    client = signed_in(alice)

    run = client.get(reverse("import_run", args=[rows.run.public_id])).content.decode()
    others = client.get(reverse("import_history")).content.decode()

    assert "1 person held" in run
    assert REASON in run
    assert REASON in others
    assert reverse("import_run", args=[rows.run.public_id]) in others


def test_an_admin_applies(alice: Member, rows: Rows, held: HeldLeavers, signed_in: SignedIn) -> None:
    body = decide(signed_in(alice), rows, "apply")

    contact = Contact.objects.get()
    entry = AuditEntry.objects.latest("pk")
    assert (contact.in_source, contact.absence) == (False, "deleted")
    assert "They were taken off by alice@campus.example" in body
    assert (entry.actor, entry.action) == (alice.email, "held people applied")
    assert "found many who left" not in body


def test_an_admin_drops(alice: Member, rows: Rows, held: HeldLeavers, signed_in: SignedIn) -> None:
    body = decide(signed_in(alice), rows, "drop")

    assert Contact.objects.get().in_source
    assert "They stay as if they were in the list, by alice@campus.example" in body
    assert AuditEntry.objects.latest("pk").action == "held people dropped"


def test_what_was_decided_is_not_asked_again(
    alice: Member, rows: Rows, held: HeldLeavers, signed_in: SignedIn
) -> None:
    client = signed_in(alice)
    decide(client, rows, "drop")
    address = reverse("decide_held", args=[rows.run.public_id, "apply"])

    asked = client.get(address)
    done = client.post(address, follow=True)

    assert asked.status_code == 302
    assert "Nothing is held any more" in done.content.decode()
    assert Contact.objects.get().in_source


@pytest.mark.parametrize("who", ["bob", "dana", "charlie"])
def test_nobody_else_decides(
    bob: Member, dana: Member, charlie: Member, rows: Rows, held: HeldLeavers, signed_in: SignedIn, who: str
) -> None:
    client = signed_in({"bob": bob, "dana": dana, "charlie": charlie}[who])
    address = reverse("decide_held", args=[rows.run.public_id, "apply"])

    codes = {client.get(address).status_code, client.post(address).status_code}

    assert codes == {404 if who == "charlie" else 403}
    assert Contact.objects.get().in_source


def test_an_auditor_reads_what_is_held_and_is_offered_nothing(
    dana: Member, rows: Rows, held: HeldLeavers, signed_in: SignedIn
) -> None:
    body = signed_in(dana).get(reverse("import_run", args=[rows.run.public_id])).content.decode()

    assert REASON in body
    assert "Apply: take them off" not in body


@pytest.mark.parametrize("decision", ["apply", "nonsense"])
def test_where_nothing_is_held_there_is_nothing_to_decide(
    alice: Member, rows: Rows, signed_in: SignedIn, decision: str
) -> None:
    assert (
        signed_in(alice).get(reverse("decide_held", args=[rows.run.public_id, decision])).status_code == 404
    )
