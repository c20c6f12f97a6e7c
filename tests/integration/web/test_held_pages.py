"""The pages on which an admin decides about people who were held."""

import pytest
from django.test import Client
from django.urls import reverse

from carillon.accounts.models import AuditEntry, Member
from carillon.contacts.models import Contact
from carillon.imports import alerts
from carillon.imports.models import HeldIds, HeldLeavers
from tests.integration.web.conftest import Rows, SignedIn, add_contact

REASON = "600 of the 1,000 people who were in the list are no longer in it; it holds 400 now."


@pytest.fixture
def held(rows: Rows) -> HeldLeavers:
    found = HeldLeavers.objects.create(setup=rows.setup, run=rows.run, people=1, reason=REASON)
    HeldIds.objects.create(held=found, absence="deleted", ids=[rows.contact.salesforce_id])
    alerts.import_succeeded(rows.run, held=found)
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


@pytest.mark.parametrize("page", ["import_run", "decide_held"])
def test_the_page_that_a_notice_leads_to_does_not_say_it_twice(
    alice: Member, rows: Rows, held: HeldLeavers, signed_in: SignedIn, page: str
) -> None:
    more = ["apply"] if page == "decide_held" else []

    body = signed_in(alice).get(reverse(page, args=[rows.run.public_id, *more])).content.decode()

    assert body.count(REASON) == 1
    assert "See the import" not in body


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


def test_the_history_marks_who_is_held_until_it_is_decided(
    alice: Member, rows: Rows, held: HeldLeavers, signed_in: SignedIn
) -> None:
    client = signed_in(alice)
    pages = [reverse("import_history"), reverse("import_run", args=[rows.run.public_id])]

    def marked(sentence: str) -> list[bool]:
        return [sentence in client.get(page).content.decode() for page in pages]

    assert marked("Held: 1 person, waiting for an admin") == [True, True]
    decide(client, rows, "drop")
    assert marked("Held: 1 person, kept by an admin") == [True, True]
    assert marked("waiting for an admin") == [False, False]


def test_who_was_taken_off_is_counted_by_the_import_that_held_them(
    alice: Member, rows: Rows, held: HeldLeavers, signed_in: SignedIn
) -> None:
    client = signed_in(alice)

    decide(client, rows, "apply")

    rows.run.refresh_from_db()
    history = client.get(reverse("import_history"))
    assert (rows.run.left_source, rows.run.deleted, rows.run.hidden) == (1, 1, 0)
    assert "Held: " not in history.content.decode()
    assert history.context["charts"][0].changed == 1


def test_an_admin_sees_who_they_are_before_deciding(
    alice: Member, rows: Rows, held: HeldLeavers, signed_in: SignedIn
) -> None:
    more = [add_contact(rows.contact.workspace, number, "Ana", f"García{number}") for number in range(2, 30)]
    HeldIds.objects.create(held=held, absence="", ids=[one.salesforce_id for one in more])
    HeldLeavers.objects.update(people=29)
    client = signed_in(alice)

    body = client.get(reverse("decide_held", args=[rows.run.public_id, "apply"])).content.decode()

    assert "The first 20 of 29" in body
    assert reverse("contact", args=[more[0].salesforce_id]) in body
    assert reverse("contact", args=[more[-1].salesforce_id]) not in body
    assert reverse("held_csv", args=[rows.run.public_id]) in body


def test_everybody_held_is_downloaded_while_it_is_known(
    dana: Member, alice: Member, rows: Rows, held: HeldLeavers, signed_in: SignedIn
) -> None:
    Contact.objects.update(last_name="=Okafor")
    address = reverse("held_csv", args=[rows.run.public_id])

    response = signed_in(dana).get(address)

    text = response.getvalue().decode()
    assert text.startswith("\ufeffsalesforce_id,first_name,last_name,")
    assert "003000000000001AAA,Zoë,'=Okafor,+12125550001,,deleted" in text
    client = signed_in(alice)
    decide(client, rows, "apply")
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("decision", "sentence"),
    [("", "an admin has to decide"), ("drop", "an admin kept them"), ("apply", "Left the list on")],
)
def test_a_held_persons_page_says_why_they_are_still_here(
    bob: Member,
    alice: Member,
    rows: Rows,
    held: HeldLeavers,
    signed_in: SignedIn,
    decision: str,
    sentence: str,
) -> None:
    if decision:
        decide(signed_in(alice), rows, decision)

    body = signed_in(bob).get(reverse("contact", args=[rows.contact.salesforce_id])).content.decode()

    assert sentence in body
    assert "In the list</dt><dd>Yes" not in body


@pytest.mark.parametrize("decision", ["apply", "nonsense"])
def test_where_nothing_is_held_there_is_nothing_to_decide(
    alice: Member, rows: Rows, signed_in: SignedIn, decision: str
) -> None:
    assert (
        signed_in(alice).get(reverse("decide_held", args=[rows.run.public_id, decision])).status_code == 404
    )
