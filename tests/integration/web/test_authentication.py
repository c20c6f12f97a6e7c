import pytest
from django.urls import reverse

from carillon.accounts.models import AuditEntry, Member
from carillon.connections.models import SalesforceConnection
from tests.integration.web.conftest import Rows, SignedIn

ENTERED = {"host": "http://127.0.0.1:9", "client_id": "another-app", "client_secret": ""}


def test_the_secret_is_never_shown_again(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    body = signed_in(alice).get(reverse("authentication")).content.decode()

    assert "hush-hush" not in body
    assert rows.connection.client_secret_sealed not in body
    assert "Leave this blank to keep it" in body


def test_a_refused_form_does_not_echo_the_secret(charlie: Member, signed_in: SignedIn) -> None:
    entered = {"host": "https://evil.example", "client_id": "app", "client_secret": "do-not-echo"}

    body = signed_in(charlie).post(reverse("authentication"), entered).content.decode()

    assert "do-not-echo" not in body
    assert "https://evil.example" in body
    assert 'id="id_host_error"' in body


def test_a_blank_secret_keeps_the_stored_one(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    signed_in(alice).post(reverse("authentication"), ENTERED)

    kept = SalesforceConnection.objects.get()
    assert kept.client_id == "another-app"
    assert kept.client_secret_sealed == rows.connection.client_secret_sealed


def test_the_first_save_needs_a_secret(charlie: Member, signed_in: SignedIn) -> None:
    response = signed_in(charlie).post(reverse("authentication"), ENTERED)

    assert 'id="id_client_secret_error"' in response.content.decode()
    assert not SalesforceConnection.objects.filter(workspace=charlie.workspace).exists()


@pytest.mark.slow
def test_an_unreachable_org_is_told_in_plain_words(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    data = {"host": rows.connection.host, "client_id": rows.connection.client_id, "test": "1"}

    response = signed_in(alice).post(reverse("authentication"), data)

    report = response.context["report"]
    assert not report.ok
    assert report.error in response.content.decode().replace("&#x27;", "'")
    assert report.remedy
    assert "Traceback" not in response.content.decode()


def test_another_org_waits_for_an_admin(alice: Member, dana: Member, rows: Rows, signed_in: SignedIn) -> None:
    SalesforceConnection.objects.update(
        state="other_org", org_id="00D000000000001AAA", other_org_id="00D000000000002AAA"
    )
    client, page = signed_in(alice), reverse("confirm_org")

    assert "Another org answers" in client.get(reverse("authentication")).content.decode()
    assert page not in signed_in(dana).get(reverse("authentication")).content.decode()
    assert "00D000000000002AAA" in client.get(page).content.decode()
    client.post(page)

    connection = SalesforceConnection.objects.get()
    assert (connection.org_id, connection.other_org_id) == ("00D000000000002AAA", "")
    assert AuditEntry.objects.filter(action="org confirmed").exists()


def test_there_is_nothing_to_confirm_otherwise(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    assert signed_in(alice).get(reverse("confirm_org")).headers["Location"] == reverse("authentication")


def test_what_is_tested_is_what_was_entered(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    """A report about the old values under new ones would approve what nobody tested."""
    data = {"host": "evil.example.com", "client_id": "x", "test": "1"}

    response = signed_in(alice).post(reverse("authentication"), data)

    assert response.context["report"] is None
    assert 'id="id_host_error"' in response.content.decode()
    assert "evil.example.com" in response.content.decode()
