"""Admins hear once when imports stop doing what they should, and once when they do again."""

import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.mail import EmailMessage
from pytest_django.fixtures import Settings

from carillon.accounts import mailing
from carillon.accounts.actions import add_member, deactivate_member
from carillon.accounts.models import Workspace
from carillon.imports import alerts, held_opt_ins, scheduler
from carillon.imports.actions import save_setup
from carillon.imports.drafts import draft_of
from carillon.imports.models import (
    HeldLeavers,
    HeldOptIns,
    ImportAlert,
    ImportRun,
    ImportSetup,
    Mode,
    RunStatus,
    Trigger,
)
from carillon.imports.notices import notices, stale
from carillon.imports.runner import Options, execute
from carillon.imports.runs import Request
from carillon.lib.clock import now
from carillon.salesforce.transport import Retry
from orgsim.testing import OrgSim
from tests.integration.imports.schedules import EVENING, MIDNIGHT, MORNING, NOON, scheduled, start_at

pytestmark = [pytest.mark.django_db]

LOCMEM = "django.core.mail.backends.locmem.EmailBackend"
Import = Callable[[], ImportRun]


@pytest.fixture
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrgSim]:
    with OrgSim(tmp_path_factory.mktemp("org") / "org.db", contacts=20, leads=0, seed=2) as running:
        yield running


@pytest.fixture(autouse=True)
def admins(workspace: Workspace) -> None:
    for email, role in (("alice", "admin"), ("al", "admin"), ("bob", "texter"), ("dana", "auditor")):
        add_member(workspace=workspace, email=f"{email}@campus.example", role=role, user_id="", by=None)
    gone = add_member(workspace=workspace, email="gone@campus.example", role="admin", user_id="", by=None)
    deactivate_member(member=gone, by=None)
    other = Workspace.objects.create(name="Other College")
    add_member(workspace=other, email="charlie@other.example", role="admin", user_id="", by=None)


@pytest.fixture
def succeed(org: OrgSim, setup: ImportSetup) -> Import:
    def run() -> ImportRun:
        org.clear_faults()
        done = execute(Request(setup, Mode.CHANGES, Trigger.SCHEDULED))
        assert done.status == RunStatus.SUCCEEDED
        return done

    return run


@pytest.fixture
def fail(org: OrgSim, setup: ImportSetup) -> Import:
    def run() -> ImportRun:
        org.fail_next(503, times=1000)
        retry = Retry(most_attempts=1)
        done = execute(Request(setup, Mode.CHANGES, Trigger.SCHEDULED), Options(retry=retry))
        assert done.status == RunStatus.FAILED
        return done

    return run


def subjects(outbox: list[EmailMessage]) -> list[str]:
    return [str(mail.subject) for mail in outbox]


def test_the_first_failure_is_mailed_to_the_admins_of_the_workspace(
    fail: Import, mailoutbox: list[EmailMessage]
) -> None:
    run = fail()

    sent = alerts.send_mails()

    (mail,) = mailoutbox
    assert sent == 1
    assert mail.subject == "Admissions: The import of Contacts fails"
    assert sorted(mail.to) == ["al@campus.example", "alice@campus.example"]
    assert run.error in mail.body
    assert run.remedy in mail.body
    assert f"http://127.0.0.1:8000/import-history/{run.public_id}/" in mail.body


def test_once_per_change_of_state_and_once_when_it_is_over(
    fail: Import, succeed: Import, mailoutbox: list[EmailMessage]
) -> None:
    for run in (succeed, fail, fail, fail, succeed, succeed, fail):
        run()
        alerts.send_mails()
        alerts.send_mails()

    assert subjects(mailoutbox) == [
        "Admissions: The import of Contacts fails",
        "Admissions: The import of Contacts works again",
        "Admissions: The import of Contacts fails",
    ]


def test_a_failure_that_was_over_before_the_mail_went_out_is_told_in_order(
    fail: Import, succeed: Import, mailoutbox: list[EmailMessage]
) -> None:
    fail()
    succeed()

    alerts.send_mails()

    assert [subject.split()[-1] for subject in subjects(mailoutbox)] == ["fails", "again"]


def test_missed_windows_are_mailed_and_recover_with_the_import_that_catches_up(
    setup: ImportSetup, succeed: Import, mailoutbox: list[EmailMessage]
) -> None:
    scheduled(setup)
    scheduler.start_due(start_at(setup, NOON))
    alerts.send_mails()
    succeed()
    alerts.send_mails()

    assert subjects(mailoutbox) == [
        "Admissions: The import of Contacts was missed",
        "Admissions: The import of Contacts works again",
    ]
    assert "One import of Contacts by schedule was missed" in mailoutbox[0].body
    assert ImportRun.objects.get().trigger == Trigger.SCHEDULED


def test_from_missed_to_failing_is_a_change_of_state_without_recovery(
    setup: ImportSetup, fail: Import, mailoutbox: list[EmailMessage]
) -> None:
    scheduled(setup)
    scheduler.start_due(start_at(setup, NOON))
    alerts.send_mails()
    fail()
    alerts.send_mails()

    assert [subject.split()[-1] for subject in subjects(mailoutbox)] == ["missed", "fails"]


def test_a_mail_server_that_is_down_delays_a_mail_and_loses_none(
    setup: ImportSetup, fail: Import, mailoutbox: list[EmailMessage], settings: Settings
) -> None:
    fail()
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1"
    settings.EMAIL_PORT = 9

    refused = alerts.send_mails()
    (notice,) = notices(setup.workspace, now())
    settings.EMAIL_BACKEND = LOCMEM
    sent = alerts.send_mails()

    assert (refused, sent) == (0, 1)
    assert "could not be sent: ConnectionRefusedError" in notice.mail
    assert len(mailoutbox) == 1
    assert ImportAlert.objects.get().mail_error == ""


def test_without_a_mail_server_the_page_says_so(setup: ImportSetup, fail: Import, settings: Settings) -> None:
    settings.EMAIL_BACKEND = mailing.NO_MAIL
    run = fail()

    sent = alerts.send_mails()

    (notice,) = notices(setup.workspace, now())
    assert sent == 0
    assert notice.run == run
    assert "CARILLON_SMTP_HOST" in notice.mail


def test_a_mail_server_named_later_is_not_told_what_is_long_over(
    fail: Import, succeed: Import, mailoutbox: list[EmailMessage]
) -> None:
    fail()
    succeed()
    ImportAlert.objects.update(over_at=now() - timedelta(days=2))

    assert alerts.send_mails() == 0


def hold(setup: ImportSetup, run: ImportRun) -> tuple[HeldLeavers, HeldOptIns]:
    held = HeldLeavers.objects.create(setup=setup, run=run, people=150, reason="150 left.")
    opt_ins = HeldOptIns.objects.create(
        setup=setup, run=run, people=30, reason="30 are back.", mapping_is_new=False, mapping_version=0
    )
    alerts.import_succeeded(run, held=held, opt_ins=opt_ins)
    return held, opt_ins


def test_each_that_waits_for_an_admin_is_told_in_its_own_words_until_it_is_decided(
    setup: ImportSetup, succeed: Import
) -> None:
    run = succeed()
    _, opt_ins = hold(setup, run)

    left, back = notices(setup.workspace, now())
    held_opt_ins.drop(held=opt_ins, by=None)
    after = notices(setup.workspace, now())

    assert (left.sentence, left.title) == (
        "150 left.",
        "The import of Contacts found many who left and holds them",
    )
    assert "Opt-Out Field" not in left.remedy
    assert (back.sentence, back.title) == (
        "30 are back.",
        "The import of Contacts would opt many back in and holds them",
    )
    assert "Opt-Out Field" in back.remedy
    assert after == [left]


def test_who_waits_is_told_of_beside_whatever_befell_the_imports_after(
    setup: ImportSetup, succeed: Import, fail: Import, mailoutbox: list[EmailMessage]
) -> None:
    waiting = {one.reason for one in hold(setup, succeed())}
    alerts.send_mails()

    fail()
    told = notices(setup.workspace, now())
    save_setup(setup=setup, draft=replace(draft_of(setup), enabled=False), by=None)
    switched_off = notices(setup.workspace, now())
    alerts.send_mails()

    assert [notice.title.split()[-1] for notice in told] == ["them", "them", "fails"]
    assert {notice.sentence for notice in switched_off} == waiting
    assert [subject.split()[-1] for subject in subjects(mailoutbox)] == ["them", "them", "fails"]


def test_switching_the_import_off_ends_its_alert(
    setup: ImportSetup, fail: Import, mailoutbox: list[EmailMessage]
) -> None:
    fail()
    alerts.send_mails()

    save_setup(setup=setup, draft=replace(draft_of(setup), enabled=False), by=None)
    alerts.send_mails()

    assert notices(setup.workspace, now()) == []
    assert len(mailoutbox) == 1


def test_a_start_that_nobody_took_is_told_on_the_page(setup: ImportSetup) -> None:
    """No worker runs: then none can send mail either."""
    due = start_at(scheduled(setup, MORNING), MORNING)

    soon = notices(setup.workspace, due + timedelta(minutes=9))
    later = notices(setup.workspace, due + timedelta(minutes=11))
    scheduler.start_due(due + timedelta(minutes=12))

    assert soon == []
    assert [notice.title for notice in later] == ["The import of Contacts did not start"]
    assert notices(setup.workspace, due + timedelta(minutes=13)) == []


def test_people_are_as_of_the_last_success_once_an_import_is_overdue(
    setup: ImportSetup, succeed: Import, fail: Import
) -> None:
    scheduled(setup, MORNING, EVENING)
    run = succeed()
    monday_morning = start_at(setup, MORNING)
    ImportRun.objects.filter(pk=run.pk).update(
        started_at=monday_morning, finished_at=monday_morning + timedelta(minutes=3)
    )
    evening = start_at(setup, EVENING)
    fail()

    in_time = stale(setup.workspace, evening + timedelta(minutes=119))
    (late,) = stale(setup.workspace, evening + timedelta(minutes=120))

    assert in_time == []
    assert (late.as_of, late.promised) == (monday_morning, evening)


def test_people_imported_by_hand_alone_are_never_out_of_date(setup: ImportSetup, succeed: Import) -> None:
    succeed()
    ImportRun.objects.update(started_at=MIDNIGHT, finished_at=MIDNIGHT)

    assert stale(setup.workspace, now() + timedelta(days=300)) == []


class _MailServer(socketserver.StreamRequestHandler):
    """As much of SMTP as sending one mail takes."""

    received: bytes = b""

    def handle(self) -> None:
        self.wfile.write(b"220 ready\r\n")
        while line := self.rfile.readline():
            if line.upper().startswith(b"DATA"):
                self.wfile.write(b"354 go on\r\n")
                while (text := self.rfile.readline()) != b".\r\n":
                    type(self).received += text
            self.wfile.write(b"221 bye\r\n" if line.upper().startswith(b"QUIT") else b"250 fine\r\n")


def test_the_environment_names_the_mail_server() -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _MailServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        program = (
            "import django; django.setup(); from django.core.mail import send_mail;"
            "send_mail('An alert', 'text', None, ['alice@campus.example'])"
        )
        subprocess.run(
            [sys.executable, "-c", program],
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "carillon.settings",
                "CARILLON_DATABASE_URL": "postgresql:///none",
                "CARILLON_SMTP_HOST": "127.0.0.1",
                "CARILLON_SMTP_PORT": str(server.server_address[1]),
                "CARILLON_SMTP_SECURITY": "none",
                "CARILLON_PUBLIC_URL": "https://carillon.example.org",
            },
            check=True,
            timeout=60,
        )
        server.shutdown()

    assert b"From: carillon@carillon.example.org" in _MailServer.received
    assert b"Subject: An alert" in _MailServer.received
