"""Admins hear once when pushes don't arrive, and once when they do again."""

from datetime import datetime, timedelta

import pytest
from django.core.mail import EmailMessage
from pytest_django.fixtures import Settings

from carillon.accounts.models import Role, Workspace
from carillon.consent import alerts, pushes
from carillon.consent.actions import opt_in, opt_out
from carillon.consent.models import ConsentPush, Delivery, PushAlert
from carillon.imports.notices import notices
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from tests.integration.consent.people import ANN, a_contact, a_member, acknowledge, day, put_off, refuse
from tests.integration.consent.test_pushes import claimed

LATER = timedelta(minutes=6)


@pytest.fixture(autouse=True)
def mails(settings: Settings, workspace: Workspace) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    a_member(workspace, Role.ADMIN)


def look(workspace: Workspace, at: datetime) -> list[str]:
    alerts.look(workspace.pk, at)
    alerts.send_mails()
    return [notice.title for notice in notices(workspace, at)]


def test_a_push_that_waits_for_five_minutes_is_told_with_the_orgs_reason(
    workspace: Workspace, mailoutbox: list[EmailMessage]
) -> None:
    a_contact(workspace, ANN)
    opt_out(workspace=workspace, number=ANN, by=None)
    moment = now()
    Delivery.objects.create(
        workspace=workspace,
        failures=3,
        failing_since=moment,
        failed_at=moment,
        paused_until=moment,
        error="It is down.",
    )

    early = look(workspace, moment)
    late = look(workspace, moment + LATER)

    assert (early, late) == ([], ["Opt-outs and opt-ins do not reach Salesforce"])
    assert "It is down." in str(mailoutbox[0].body)

    # Overtaken by one that is not late yet, and the org is still down.
    opt_in(workspace=workspace, number=ANN, by=None)
    ConsentPush.objects.filter(state="waiting").update(created_at=moment + LATER)
    assert look(workspace, moment + LATER) == late
    Delivery.objects.all().delete()
    assert look(workspace, moment + LATER) == []
    assert len(mailoutbox) == 2


def test_what_the_org_says_is_one_line_of_a_mail_and_has_an_end(
    workspace: Workspace, mailoutbox: list[EmailMessage]
) -> None:
    a_contact(workspace, ANN)
    opt_out(workspace=workspace, number=ANN, by=None)
    (push,) = claimed(workspace)
    refuse(
        push.id, CarillonError("A rule says:\r\nBcc: all@example.org\n\n" + "no " * 10_000, "Ask the admin.")
    )

    look(workspace, now())

    (mail,) = mailoutbox
    assert "A rule says: Bcc: all@example.org no no" in str(mail.body)
    assert mail.recipients() == mail.to
    assert max(len(line) for line in str(mail.body).splitlines()) < 700
    assert mail.message()["Bcc"] is None


def test_each_change_of_state_is_told_once(workspace: Workspace, mailoutbox: list[EmailMessage]) -> None:
    a_contact(workspace, ANN)
    opt_out(workspace=workspace, number=ANN, by=None)
    for _ in range(2):
        (push,) = claimed(workspace)
        refuse(push.id, CarillonError("A rule says no.", "Ask the admin."))
        assert look(workspace, now()) == ["Salesforce refuses opt-outs and opt-ins"]
    assert "A rule says no." in str(mailoutbox[0].body)
    (push,) = claimed(workspace)
    acknowledge(push.id, True, day(1))

    assert look(workspace, now()) == []

    subjects = [mail.subject for mail in mailoutbox]
    assert subjects == [
        "Admissions: Salesforce refuses opt-outs and opt-ins",
        "Admissions: Opt-outs and opt-ins reach Salesforce again",
    ]


def test_while_a_refused_one_is_tried_again_nobody_is_told_that_it_is_over(
    workspace: Workspace, mailoutbox: list[EmailMessage]
) -> None:
    a_contact(workspace, ANN)
    opt_out(workspace=workspace, number=ANN, by=None)
    (push,) = claimed(workspace)
    refuse(push.id, CarillonError("A rule says no.", "Ask the admin."))
    look(workspace, now())
    (push,) = claimed(workspace)

    under_way = look(workspace, now())
    put_off(push.id, now() + LATER)
    waiting = look(workspace, now())

    assert under_way == waiting == ["Salesforce refuses opt-outs and opt-ins"]
    assert len(mailoutbox) == 1


def test_pages_stop_telling_of_refusals_as_soon_as_nothing_is_refused(workspace: Workspace) -> None:
    a_contact(workspace, ANN)
    opt_out(workspace=workspace, number=ANN, by=None)
    (push,) = claimed(workspace)
    refuse(push.id, CarillonError("A rule says no.", "Ask the admin."))
    look(workspace, now())
    claimed(workspace)
    acknowledge(push.id, True, now())

    assert notices(workspace, now()) == []


def test_one_that_was_put_back_and_is_never_tried_again_is_late(workspace: Workspace) -> None:
    a_contact(workspace, ANN)
    opt_out(workspace=workspace, number=ANN, by=None)
    (push,) = claimed(workspace)
    acknowledge(push.id, False, day(1))

    assert look(workspace, now() + LATER) == ["Opt-outs and opt-ins do not reach Salesforce"]


def test_one_that_is_put_back_again_and_again_is_told_and_is_not_over_while_it_is_retried(
    workspace: Workspace, mailoutbox: list[EmailMessage]
) -> None:
    told = ["Automation in Salesforce puts back opt-outs or opt-ins"]
    a_contact(workspace, ANN)
    opt_out(workspace=workspace, number=ANN, by=None)
    (push,) = claimed(workspace)
    acknowledge(push.id, False, day(1))
    assert look(workspace, now()) == []

    ConsentPush.objects.update(next_try_at=None)

    assert look(workspace, now()) == told
    assert alerts.workspaces_to_look_at() == [workspace.pk]
    assert PushAlert.objects.get().recovered is False

    pushes.retry_all(workspace_id=workspace.pk, now=now())
    assert look(workspace, now()) == told
    (push,) = claimed(workspace)
    acknowledge(push.id, False, day(1))
    assert look(workspace, now()) == told
    assert len(mailoutbox) == 1
    (push,) = claimed(workspace)
    acknowledge(push.id, True, day(1))
    assert look(workspace, now()) == []
