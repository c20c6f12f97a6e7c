"""Refused calls of the webhooks are told on every page and by mail, once when they begin and once when they are over."""

from datetime import datetime, timedelta

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from carillon.accounts import actions as accounts
from carillon.accounts.models import AuditEntry, Workspace
from carillon.lib.clock import now
from carillon.messaging import alerts
from carillon.messaging.carriers.twilio import SIGNATURE_HEADER
from carillon.messaging.models import Message
from tests.integration.messaging.conftest import Carrier

BEGINS = "Admissions: Calls that bring texts are refused (webhooks)"
ENDS = "Admissions: Calls that bring texts are no longer refused (webhooks)"


@pytest.fixture
def admin(workspace: Workspace, settings: Settings) -> Client:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    return member(workspace, "admin")


def member(workspace: Workspace, role: str) -> Client:
    found = accounts.add_member(
        workspace=workspace, email=f"{role}@campus.example", role=role, user_id="", by=None
    )
    client = Client()
    client.force_login(found, backend="django.contrib.auth.backends.ModelBackend")
    return client


def look(at: datetime) -> None:
    for workspace in alerts.workspaces_to_look_at(at):
        alerts.look(workspace, at)
    alerts.send_mails()


def says_it(client: Client, page: str = "contacts") -> bool:
    return alerts.TITLE in client.get(reverse(page)).content.decode()


def forge(carrier: Carrier) -> None:
    assert carrier.post(carrier.fields("STOP"), **{SIGNATURE_HEADER: "forged"}).status_code == 403


def test_forged_calls_are_told_on_every_page_and_mailed_once(
    carrier: Carrier, workspace: Workspace, admin: Client, mailoutbox: list[EmailMessage]
) -> None:
    look(now())
    before = says_it(admin)
    for _ in range(3):
        forge(carrier)
        look(now())

    body = admin.get(reverse("contacts")).content.decode()
    assert not before
    assert (
        "3 calls were refused in the last day, and changed nothing. The last one: its signature is wrong"
        in body
    )
    assert "replace the address for incoming texts" in body
    assert says_it(member(workspace, "auditor"))
    assert not says_it(member(workspace, "texter"))
    assert not says_it(admin, "texting")
    assert [mail.subject for mail in mailoutbox] == [BEGINS]


@pytest.mark.parametrize(
    ("text_came", "later", "is_over"),
    [
        (True, timedelta(minutes=30), False),
        (True, timedelta(hours=2), True),
        (False, timedelta(hours=20), False),
        (False, timedelta(hours=26), True),
    ],
)
def test_it_is_over_when_calls_are_right_again(
    carrier: Carrier,
    admin: Client,
    mailoutbox: list[EmailMessage],
    text_came: bool,
    later: timedelta,
    is_over: bool,
) -> None:
    forge(carrier)
    look(now())
    if text_came:
        carrier.text("Hello")
        assert Message.objects.filter(direction="in").count() == 1

    look(now() + later)

    assert says_it(admin) is not is_over
    assert [mail.subject for mail in mailoutbox] == ([BEGINS, ENDS] if is_over else [BEGINS])


def test_an_admin_who_saw_it_is_told_again_only_of_the_next_call(
    carrier: Carrier, workspace: Workspace, admin: Client, mailoutbox: list[EmailMessage]
) -> None:
    forge(carrier)
    look(now())
    assert member(workspace, "auditor").post(reverse("refusals_seen")).status_code == 403

    seen = admin.post(reverse("refusals_seen"), follow=True)
    look(now())
    quiet = says_it(admin)
    forge(carrier)
    look(now())

    assert "One call was" not in seen.content.decode()
    assert (quiet, says_it(admin)) == (False, True)
    assert [mail.subject for mail in mailoutbox] == [BEGINS, BEGINS]
    assert AuditEntry.objects.filter(action="refused calls seen").count() == 1
