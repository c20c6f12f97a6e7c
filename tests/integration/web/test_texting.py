"""The Texting page: what is saved, what is refused, what is shown and what never is."""

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from pytest_django.fixtures import Settings

from carillon.accounts.models import AuditEntry, Member, Workspace
from carillon.connections.models import SalesforceConnection
from carillon.contacts.models import Contact
from carillon.messaging import credentials, webhooks
from carillon.messaging.models import Message, Texting
from tests.integration.web.conftest import SignedIn, add_contact

ACCOUNT = "AC" + "0123456789abcdef" * 2
WANTED = {
    "carrier": "twilio",
    "account_sid": ACCOUNT,
    "auth_token": "hush-hush",
    "messaging_service_sid": "",
    "numbers": "(202) 555-0100\r\n55555",
    "public_url": "https://texts.campus.example/",
    "confirms": "carrier",
    "answers_help": "carrier",
    "confirmation_text": "No more texts from us.",
    "help_text": "Ask help@campus.example.",
    "quiet_until": "9",
    "quiet_from": "20",
}
SIMULATED = {**WANTED, "carrier": "simulated", "account_sid": "", "auth_token": "", "numbers": ""}


@pytest.fixture
def page(alice: Member, signed_in: SignedIn) -> str:
    return reverse("texting")


def kept() -> Texting:
    return Texting.objects.get()


def test_an_admin_saves_how_texts_come_and_go(alice: Member, page: str, signed_in: SignedIn) -> None:
    answer = signed_in(alice).post(page, WANTED, follow=True)

    texting = kept()
    body = answer.content.decode()
    assert texting.workspace == alice.workspace
    assert texting.numbers == ["+12025550100", "55555"]
    assert texting.public_url == "https://texts.campus.example"
    assert (texting.quiet_until, texting.quiet_from) == (9, 20)
    assert (texting.confirms, texting.answers_help) == ("carrier", "carrier")
    assert credentials.auth_token(texting) == "hush-hush"
    assert f"https://texts.campus.example/carriers/twilio/inbound/{texting.path_token}" in body
    assert "Run the self-test" in body


def test_what_a_stop_ends_is_said_and_nothing_to_choose(
    alice: Member, page: str, signed_in: SignedIn
) -> None:
    answer = signed_in(alice).get(page)

    assert "One STOP ends all texts of this workspace to that number." in answer.content.decode()
    assert "scope" not in answer.context["form"].fields


def test_the_auth_token_is_stored_sealed_and_never_shown(
    alice: Member, page: str, signed_in: SignedIn
) -> None:
    client = signed_in(alice)
    saved = client.post(page, WANTED, follow=True).content.decode()
    again = client.post(page, {**WANTED, "auth_token": "", "help_text": ""}).content.decode()
    wrong = client.post(page, {**WANTED, "account_sid": "x"}).content.decode()
    entries = "".join(str(entry.detail) for entry in AuditEntry.objects.all())

    for shown in (saved, again, wrong, entries, kept().auth_token_sealed):
        assert "hush-hush" not in shown
    assert kept().path_token not in entries


def test_the_audit_says_what_was_changed(alice: Member, page: str, signed_in: SignedIn) -> None:
    client = signed_in(alice)
    client.post(page, WANTED)
    client.post(page, {**WANTED, "auth_token": ""})
    client.post(page, {**WANTED, "auth_token": "", "quiet_from": "21"})

    first, second = AuditEntry.objects.filter(action="texting saved").order_by("pk")
    assert (first.actor, first.detail["before"], first.detail["auth_token"]) == (
        alice.email,
        None,
        "replaced",
    )
    assert second.detail["auth_token"] == "kept"
    assert (second.detail["before"]["quiet_from"], second.detail["after"]["quiet_from"]) == (20, 21)


def test_a_blank_token_keeps_the_one_stored(alice: Member, page: str, signed_in: SignedIn) -> None:
    client = signed_in(alice)
    client.post(page, WANTED)
    client.post(page, {**WANTED, "auth_token": "", "help_text": "Another text."})

    assert credentials.auth_token(kept()) == "hush-hush"
    assert kept().help_text == "Another text."


def test_the_page_says_until_when_the_earlier_token_is_taken(
    alice: Member, page: str, signed_in: SignedIn
) -> None:
    client = signed_in(alice)
    first = client.post(page, WANTED, follow=True).content.decode()
    second = client.post(page, {**WANTED, "auth_token": "another"}, follow=True).content.decode()

    assert "Calls signed by the earlier one" not in first
    assert "Calls signed by the earlier one are taken, too, until" in second


def test_the_token_of_one_account_is_not_used_for_another(
    alice: Member, page: str, signed_in: SignedIn
) -> None:
    client = signed_in(alice)
    client.post(page, WANTED)

    other = {**WANTED, "auth_token": "", "account_sid": ACCOUNT[:-1] + "0"}
    answer = client.post(page, other).content.decode()

    assert "The auth token is missing" in answer
    assert kept().account_sid == ACCOUNT


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"account_sid": "AC12"}, "no account SID"),
        ({"auth_token": ""}, "The auth token is missing"),
        ({"messaging_service_sid": "XX"}, "no messaging service SID"),
        ({"numbers": "call me"}, "is no phone number"),
        ({"numbers": ""}, "Nothing says whom texts come from"),
        ({"public_url": "http://texts.campus.example"}, "over https only"),
        ({"public_url": "https://texts.campus.example/x"}, "without a path"),
        ({"public_url": "file:///etc/passwd"}, "not an address"),
        ({"help_text": " "}, "required"),
        ({"confirmation_text": "a" * 307}, "has 3 parts"),
        ({"quiet_until": "20", "quiet_from": "20"}, "no time to text in"),
        ({"quiet_from": "25"}, "valid choice"),
        ({"confirms": "nobody"}, "valid choice"),
        ({"carrier": "pigeon"}, "valid choice"),
    ],
)
def test_what_makes_no_sense_is_refused(
    alice: Member, page: str, signed_in: SignedIn, changed: dict[str, str], words: str
) -> None:
    answer = signed_in(alice).post(page, {**WANTED, **changed})

    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not Texting.objects.exists()


def test_answers_suggested_name_the_org_and_whom_to_ask(
    alice: Member, page: str, signed_in: SignedIn
) -> None:
    before = signed_in(alice).get(page).content.decode()
    SalesforceConnection.objects.create(
        workspace=alice.workspace, host="https://org.example", client_id="id", org_name="Elm College"
    )

    after = signed_in(alice).get(page).content.decode()

    assert f"{alice.workspace.name}: you get no more texts" in before
    assert "Elm College: you get no more texts" in after
    assert f"Elm College: ask {alice.email}." in after


def test_all_that_is_wrong_is_told_at_once(alice: Member, page: str, signed_in: SignedIn) -> None:
    wrong = {
        "account_sid": "AC12",
        "messaging_service_sid": "XX",
        "numbers": "call me",
        "public_url": "http://texts.campus.example",
        "confirmation_text": "a" * 307,
        "help_text": "b" * 500,
        "quiet_until": "20",
    }

    body = signed_in(alice).post(page, {**WANTED, **wrong}).content.decode()

    for words in (
        "no account SID",
        "no messaging service SID",
        "is no phone number",
        "over https only",
        "has 3 parts",
        "has 4 parts",
        "no time to text in",
        "Not saved, and not shown: type it again.",
    ):
        assert words in body
    assert "hush-hush" not in body


def test_the_simulated_carriers_token_is_not_said_to_be_kept(
    alice: Member, page: str, signed_in: SignedIn
) -> None:
    client = signed_in(alice)
    client.post(page, SIMULATED)

    body = client.post(page, {**WANTED, "auth_token": ""}).content.decode()

    assert "The auth token is missing" in body
    assert "A token is stored" not in body


def test_a_messaging_service_needs_no_number(alice: Member, page: str, signed_in: SignedIn) -> None:
    signed_in(alice).post(page, {**WANTED, "numbers": "", "messaging_service_sid": "MG" + "0" * 32})

    assert kept().numbers == []


def test_the_simulated_carrier_makes_its_own_account(alice: Member, page: str, signed_in: SignedIn) -> None:
    signed_in(alice).post(page, SIMULATED)

    assert kept().account_sid.startswith("AC")
    assert len(credentials.auth_token(kept())) == 32


def test_a_real_install_has_no_simulated_carrier(
    alice: Member, page: str, signed_in: SignedIn, settings: Settings
) -> None:
    settings.ALLOW_LOCAL_ORG = False
    client = signed_in(alice)

    answer = client.post(page, SIMULATED).content.decode()

    assert "Select a valid choice" in answer
    assert "Simulated" not in client.get(page).content.decode()
    assert not Texting.objects.exists()


def test_parts_are_counted_while_one_types(alice: Member, page: str, signed_in: SignedIn) -> None:
    body = signed_in(alice).post(page, {**WANTED, "count": "1", "help_text": "Don’t" + "a" * 70})

    assert "2 parts, 75 characters<" in body.content.decode()
    assert "’" in body.content.decode()
    assert not Texting.objects.exists()


def test_refused_calls_raise_an_alarm_on_the_page(alice: Member, page: str, signed_in: SignedIn) -> None:
    client = signed_in(alice)
    client.post(page, WANTED)
    assert "refused" not in client.get(page).content.decode()

    webhooks.count_refused(kept(), "It was not signed.")
    webhooks.count_refused(kept(), "It was not signed.")

    body = client.get(page).content.decode()
    assert "2 calls to the addresses for texts (webhooks) refused" in body
    assert "The last one: it was not signed." in body


def test_texts_of_numbers_nobody_has_are_listed_until_somebody_has_them(
    alice: Member, page: str, signed_in: SignedIn
) -> None:
    client = signed_in(alice)
    zoe = add_contact(alice.workspace, 1, "Zoë", "Okafor")
    said = [(zoe.mobile_number, "I am Zoë"), ("+447911123456", "First"), ("+447911123456", "STOP")]
    for sid, (number, body) in enumerate(said):
        Message.objects.create(
            workspace=alice.workspace,
            direction="in",
            sid=f"SM{sid}",
            number=number,
            body=body,
            state="received",
        )

    shown = client.get(page).content.decode()
    assert "+44 7911 123456" in shown
    assert "STOP</dd>" in shown
    assert "First" not in shown
    assert "I am Zoë" not in shown
    # Whatever the text said: nothing was said of consent, or it was lifted since.
    assert "Opted in" in shown
    Contact.objects.update(mobile_number="+447911123456")

    assert "I am Zoë" in client.get(page).content.decode()
    assert "+44 7911 123456" not in client.get(page).content.decode()


@pytest.mark.parametrize(("code", "words"), [(20003, "does not accept the account SID"), (30003, "")])
def test_what_keeps_all_texts_back_is_said(
    alice: Member, page: str, signed_in: SignedIn, code: int, words: str
) -> None:
    client = signed_in(alice)
    client.post(page, WANTED)
    Message.objects.create(
        workspace=alice.workspace,
        direction="out",
        number="+12125550001",
        state="queued",
        purpose="help",
        error_code=code,
    )

    shown = client.get(page).content.decode()

    assert words in shown
    assert ("Texts don't leave" in shown) is bool(words)
    Message.objects.update(state="not_sent")
    client.post(page, {**WANTED, "auth_token": "another"})
    assert "Texts don't leave" not in client.get(page).content.decode()


def test_the_address_of_the_webhook_is_replaced_after_a_question(
    alice: Member, page: str, signed_in: SignedIn
) -> None:
    client = signed_in(alice)
    client.post(page, WANTED)
    before = kept().path_token

    asked = client.get(reverse("replace_webhooks")).content.decode()
    assert kept().path_token == before
    client.post(reverse("replace_webhooks"))

    assert "get lost until the new address" in asked
    assert kept().path_token != before
    assert AuditEntry.objects.filter(action="webhook addresses replaced").exists()


def test_only_admins_see_the_address_of_the_webhook(
    alice: Member, dana: Member, page: str, signed_in: SignedIn
) -> None:
    signed_in(alice).post(page, WANTED)

    assert kept().path_token not in signed_in(dana).get(page).content.decode()


def test_charlie_has_a_texting_page_of_his_own(
    alice: Member, charlie: Member, page: str, signed_in: SignedIn
) -> None:
    signed_in(alice).post(page, WANTED)
    client = signed_in(charlie)

    assert ACCOUNT not in client.get(page).content.decode()
    assert client.post(reverse("test_texting")).status_code == 404
    assert client.post(reverse("replace_webhooks")).status_code == 404


def test_the_database_keeps_an_hour_to_text_in(alice: Member, page: str, signed_in: SignedIn) -> None:
    signed_in(alice).post(page, WANTED)

    with pytest.raises(IntegrityError), transaction.atomic():
        Texting.objects.update(quiet_until=21)


def test_one_token_names_one_workspace(alice: Member, page: str, signed_in: SignedIn) -> None:
    signed_in(alice).post(page, WANTED)
    other = kept()
    other.pk, other.workspace = None, Workspace.objects.create(name="Alumni")

    with pytest.raises(IntegrityError), transaction.atomic():
        other.save()
