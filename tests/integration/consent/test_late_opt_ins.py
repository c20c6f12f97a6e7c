"""An opt-in that reaches the org late never writes over an opt-out that staff set there meanwhile."""

import uuid
from dataclasses import replace

import pytest

from carillon.accounts.models import Workspace
from carillon.consent import importing, lines, push, pushes
from carillon.consent.actions import set_mapping
from carillon.consent.models import ConsentEvent, Delivery
from carillon.consent.push import Means
from carillon.consent.reading import FieldKind, OptOutField
from carillon.contacts.models import Contact
from orgsim.testing import OrgSim
from tests.integration.consent.org_people import FIELD, Clock, holds, states, stored, text
from tests.integration.consent.people import PICKLIST, a_mapping, day, read, status

OUT = {FIELD: True}


@pytest.fixture
def workspace(connected: Workspace) -> Workspace:
    return connected


@pytest.fixture
def people(workspace: Workspace, org: OrgSim) -> list[Contact]:
    """They texted START. What their records hold was not read since the field was mapped."""
    people = stored(workspace, org, count=3)
    for field in (None, OptOutField(FIELD, FieldKind.CHECKBOX)):
        set_mapping(workspace=workspace, object_name="Contact", field=field, by=None)
    for contact in people:
        text(contact, "START")
    return people


@pytest.fixture
def down(workspace: Workspace, org: OrgSim, means: Means, people: list[Contact]) -> list[Contact]:
    """The org is."""
    org.fail_next(503, times=10_000)
    push.deliver(workspace.pk, means)
    assert set(states(workspace)) == {"waiting"}
    return people


def comes_back(workspace: Workspace, org: OrgSim, means: Means, clock: Clock) -> None:
    org.clear_faults()
    for _ in range(3):
        clock.sleep(60)
        push.deliver(workspace.pk, means)


def test_whom_staff_opted_out_meanwhile_stays_opted_out(
    workspace: Workspace, org: OrgSim, means: Means, clock: Clock, down: list[Contact]
) -> None:
    first, second, third = down
    org.set_clock_offset(600)
    for contact in (first, second):
        org.edit(contact.salesforce_id, **OUT)

    comes_back(workspace, org, means, clock)

    assert holds(org, first.salesforce_id, second.salesforce_id, third.salesforce_id) == [True, True, False]
    assert [status(workspace, one.mobile_number) for one in down] == ["opted_out", "opted_out", "opted_in"]
    assert states(workspace).count("superseded") == 2
    assert ConsentEvent.objects.filter(cause="first_sight", kind="staff_out").count() == 2


def test_whose_opt_in_a_killed_worker_left_stays_opted_out_too(
    workspace: Workspace, org: OrgSim, means: Means, clock: Clock, people: list[Contact]
) -> None:
    pushes.claim(workspace_id=workspace.pk, now=clock())
    org.set_clock_offset(600)
    org.edit(people[0].salesforce_id, **OUT)
    clock.sleep(100)

    push.deliver(workspace.pk, means)

    assert holds(org, *(one.salesforce_id for one in people)) == [True, False, False]


def test_who_was_being_edited_at_the_first_try_is_read_before_the_next(
    workspace: Workspace, org: OrgSim, means: Means, clock: Clock, people: list[Contact]
) -> None:
    record = people[0].salesforce_id
    org.lock_row(record)
    push.deliver(workspace.pk, means)
    org.unlock_row(record)
    org.set_clock_offset(600)
    org.edit(record, **OUT)
    clock.sleep(3)

    push.deliver(workspace.pk, means)

    assert holds(org, record) == [True]
    assert status(workspace, people[0].mobile_number) == "opted_out"


def test_where_records_cannot_be_read_late_opt_ins_wait_and_stops_go(
    workspace: Workspace, org: OrgSim, means: Means, clock: Clock, people: list[Contact]
) -> None:
    org.fail_next(500, times=10_000, path_contains="composite/sobjects/Contact")
    clock.sleep(60)
    text(people[1])

    push.deliver(workspace.pk, means)

    assert holds(org, people[1].salesforce_id) == [True]
    assert sorted(states(workspace)) == ["acknowledged", "superseded", "waiting", "waiting"]
    assert Delivery.objects.get().failures == 1


def test_a_record_is_read_before_a_late_opt_in_only(
    workspace: Workspace, org: OrgSim, means: Means, clock: Clock
) -> None:
    (contact,) = stored(workspace, org)
    for words in ("STOP", "START"):
        text(contact, words)
        push.deliver(workspace.pk, means)
    counted = lines.open_line(workspace.pk).client.transport.counted
    assert counted() == {"update_and_read": 2}
    text(contact)
    push.deliver(workspace.pk, means)
    text(contact, "START")
    clock.sleep(60)

    push.deliver(workspace.pk, means)

    assert counted() == {"update_and_read": 4, "read_many": 1}
    assert holds(org, contact.salesforce_id) == [False]
    assert status(workspace, contact.mobile_number) == "opted_in"


def test_what_an_import_opts_in_is_read_first_since_pages_are_older(
    workspace: Workspace, org: OrgSim, means: Means
) -> None:
    """Two records of one number, both without a value: staff opt one in, and the other out after it was read."""
    a_mapping(workspace, replace(PICKLIST, field="Texting_Preference__c"))
    first, second = stored(workspace, org, count=2)
    second.mobile_number = first.mobile_number
    second.save()
    for contact in (first, second):
        read(contact, None, at=day(1), before=None)
    run = uuid.uuid4()
    read(first, "Yes", at=day(2), run=run)
    org.edit(second.salesforce_id, Texting_Preference__c="No")

    importing.apply_staged(workspace=workspace, run=run)
    push.deliver(workspace.pk, means)

    preferences = org.store.reader().execute(
        "SELECT Texting_Preference__c FROM Contact WHERE Id = ?", [second.salesforce_id]
    )
    assert preferences.fetchall() == [("No",)]
    assert status(workspace, first.mobile_number) == "opted_out"
