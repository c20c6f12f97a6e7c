"""The Phone page and the conversation on a contact's page, with the simulated carrier over real HTTP."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from carillon.accounts import actions as accounts
from carillon.accounts.models import Workspace
from carillon.cli import contacts_work
from carillon.consent.models import Consent
from carillon.contacts.models import Contact
from carillon.messaging import sending
from carillon.messaging.models import Message, Texting
from tests.integration.messaging.conftest import PERSON
from tests.integration.web.conftest import add_contact

ADMIN = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def zoe(workspace: Workspace) -> Contact:
    return add_contact(workspace, 1, "Zoë", "Okafor")


@pytest.fixture
def alice(workspace: Workspace) -> Client:
    member = accounts.add_member(
        workspace=workspace, email="alice@campus.example", role="admin", user_id="", by=None
    )
    client = Client()
    client.force_login(member, backend=ADMIN)
    return client


def phone_of(contact: Contact) -> str:
    return reverse("phone", args=[contact.salesforce_id])


def test_a_text_typed_on_the_phone_goes_through_the_webhook(
    alice: Client, texting: Texting, zoe: Contact
) -> None:
    answer = alice.post(phone_of(zoe), {"body": "STOP"})
    sending.send(Message.objects.get(direction="out").pk)

    shown = alice.get(phone_of(zoe)).content.decode()
    assert answer.status_code == 302
    assert Consent.objects.get(number=PERSON).is_opted_out
    assert "STOP" in shown
    assert "Admissions: no more texts come." in shown
    assert "HELP is answered 5 times an hour at most" in shown
    assert "Delivered" in shown


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("STOP", "an opt-out"),
        ("please stop texting me", "likely an opt-out"),
        ("stop by my office", "says nothing about consent"),
        ("YES", "says nothing about consent"),
    ],
)
def test_the_phone_says_how_a_text_was_read(
    alice: Client, texting: Texting, zoe: Contact, body: str, words: str
) -> None:
    alice.post(phone_of(zoe), {"body": body})

    assert f"read as: {words}" in alice.get(phone_of(zoe)).content.decode()


@pytest.mark.parametrize(
    ("body", "words", "status"),
    [
        ("STOP", "The person opted out by a text", "Opted out"),
        ("please stop texting me", "A text looked like an opt-out", "likely an opt-out"),
    ],
)
def test_what_a_text_said_shows_wherever_the_person_does(
    alice: Client,
    texting: Texting,
    zoe: Contact,
    capsys: pytest.CaptureFixture[str],
    body: str,
    words: str,
    status: str,
) -> None:
    page = reverse("contact", args=[zoe.salesforce_id])
    assert "Opted in" in alice.get(page).content.decode()

    alice.post(phone_of(zoe), {"body": body})
    contacts_work.write("Admissions", "csv", "", everyone=True)

    assert words in alice.get(page).content.decode()
    assert status in alice.get(reverse("contacts")).content.decode()
    assert "opted_out" in capsys.readouterr().out
    alice.post(phone_of(zoe), {"body": "START"})
    assert status not in alice.get(reverse("contacts")).content.decode()


def test_the_conversation_stands_on_the_contacts_page(alice: Client, texting: Texting, zoe: Contact) -> None:
    page = reverse("contact", args=[zoe.salesforce_id])
    assert "No texts yet." in alice.get(page).content.decode()

    alice.post(phone_of(zoe), {"body": "<b>Hi</b>"})

    assert "&lt;b&gt;Hi&lt;/b&gt;" in alice.get(page).content.decode()


def test_a_webhook_that_does_not_take_it_is_told(alice: Client, texting: Texting, zoe: Contact) -> None:
    Texting.objects.update(public_url="http://127.0.0.1:9")

    body = alice.post(phone_of(zoe), {"body": "STOP"}).content.decode()

    assert "Nothing answers at http://127.0.0.1:9" in body
    assert texting.path_token not in body


def test_nobody_is_played_with_a_real_carrier(alice: Client, texting: Texting, zoe: Contact) -> None:
    Texting.objects.update(carrier="twilio")

    body = alice.post(phone_of(zoe), {"body": "STOP"}).content.decode()

    assert "nobody can be played here" in body
    assert not Message.objects.exists()


def test_a_real_install_has_no_phones(
    alice: Client, texting: Texting, zoe: Contact, settings: Settings
) -> None:
    settings.ALLOW_LOCAL_ORG = False

    assert alice.get(reverse("phones")).status_code == 404
    assert alice.get(phone_of(zoe)).status_code == 404
    assert alice.post(phone_of(zoe), {"body": "STOP"}).status_code == 404
    assert reverse("phones") not in alice.get(reverse("contacts")).content.decode()


def test_people_are_found_by_name_when_they_have_a_number(
    alice: Client, texting: Texting, zoe: Contact
) -> None:
    silent = add_contact(zoe.workspace, 2, "Zora", "Silent")
    Contact.objects.filter(pk=silent.pk).update(mobile_number="")

    body = alice.get(reverse("phones"), {"q": "zo"}).content.decode()

    assert phone_of(zoe) in body
    assert phone_of(silent) not in body


def test_the_self_test_button_tells_what_it_found(alice: Client, texting: Texting) -> None:
    assert "its signature is right" in alice.post(reverse("test_texting")).content.decode()

    Texting.objects.update(public_url="http://127.0.0.1:9")
    assert "Nothing answers at http://127.0.0.1:9" in alice.post(reverse("test_texting")).content.decode()
