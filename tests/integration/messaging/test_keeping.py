"""Texts are kept as long as the workspace wants them, and go with the person who is erased."""

from datetime import timedelta

import pytest

from carillon.accounts.models import Workspace
from carillon.cli import contacts_work
from carillon.consent import actions as consent
from carillon.consent.models import Consent, Evidence
from carillon.contacts.models import Contact
from carillon.imports.erasing import NobodyToErase
from carillon.imports.erasing import erase as imports_erase
from carillon.lib.clock import now
from carillon.messaging.jobs import keep_house
from carillon.messaging.models import Message, RefusedCalls, UnusableNumber
from carillon.web.people import erase
from tests.integration.web.conftest import add_contact

OTHER = "+12125550002"


def add_text(workspace: Workspace, number: str, days: int = 0) -> Message:
    return Message.objects.create(
        workspace=workspace,
        direction="in",
        sid=f"SM{Message.objects.count()}",
        number=number,
        state="received",
        at=now() - timedelta(days=days),
    )


@pytest.fixture
def zoe(workspace: Workspace) -> Contact:
    return add_contact(workspace, 1, "Zoë", "Okafor")


def test_erasing_a_person_takes_the_texts_of_the_number(workspace: Workspace, zoe: Contact) -> None:
    add_text(workspace, zoe.mobile_number)
    kept = [add_text(workspace, OTHER), add_text(Workspace.objects.create(name="Alumni"), zoe.mobile_number)]
    UnusableNumber.objects.create(workspace=workspace, number=zoe.mobile_number, error_code=30006)

    erase(workspace=workspace, salesforce_id=zoe.salesforce_id, by=None)

    assert list(Message.objects.order_by("pk")) == kept
    assert not UnusableNumber.objects.exists()


def test_what_consent_rests_on_goes_too_and_the_number_stays_opted_out(
    workspace: Workspace, zoe: Contact
) -> None:
    consent.opt_out(workspace=workspace, number=zoe.mobile_number, by=None, reason="asked by phone")

    contacts_work.erase("Admissions", zoe.salesforce_id)

    row = Consent.objects.get()
    assert row.is_opted_out
    assert zoe.mobile_number not in row.number
    assert not Evidence.objects.exists()


def test_an_erasure_that_fails_takes_nothing(workspace: Workspace, zoe: Contact) -> None:
    add_text(workspace, zoe.mobile_number)

    with pytest.raises(NobodyToErase):
        erase(workspace=workspace, salesforce_id="003000000999999AAA", by=None)

    assert Message.objects.count() == 1


def test_each_night_texts_that_are_too_old_go(workspace: Workspace) -> None:
    young, _ = add_text(workspace, OTHER, 29), add_text(workspace, OTHER, 31)
    Workspace.objects.filter(pk=workspace.pk).update(keep_texts_days=30)
    for days in (29, 31):
        at = now() - timedelta(days=days)
        RefusedCalls.objects.create(workspace=workspace, hour=at, last_at=at, count=1)

    keep_house()

    assert list(Message.objects.all()) == [young]
    assert RefusedCalls.objects.count() == 1


def test_each_night_texts_of_people_erased_by_an_import_go(workspace: Workspace, zoe: Contact) -> None:
    before = add_text(workspace, zoe.mobile_number)
    imports_erase(workspace=workspace, salesforce_id=zoe.salesforce_id, by=None)
    after, other = add_text(workspace, zoe.mobile_number), add_text(workspace, OTHER)

    keep_house()

    assert set(Message.objects.all()) == {after, other}
    assert before not in Message.objects.all()
