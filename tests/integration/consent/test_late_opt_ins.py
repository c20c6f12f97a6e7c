"""An opt-in that reaches the org late never writes over an opt-out that staff set there meanwhile."""

import pytest

from carillon.accounts.models import Workspace
from carillon.consent import lines, push
from carillon.consent.actions import set_mapping
from carillon.consent.models import ConsentEvent
from carillon.consent.push import Means
from carillon.consent.reading import FieldKind, OptOutField
from carillon.contacts.models import Contact
from orgsim.testing import OrgSim
from tests.integration.consent.org_people import FIELD, Clock, holds, states, stored, text
from tests.integration.consent.people import status

OUT = {FIELD: True}


@pytest.fixture
def workspace(connected: Workspace) -> Workspace:
    return connected


@pytest.fixture
def down(workspace: Workspace, org: OrgSim, means: Means) -> list[Contact]:
    """People who texted START while the org was down. What their records hold was not read since the field was mapped."""
    people = stored(workspace, org, count=3)
    for field in (None, OptOutField(FIELD, FieldKind.CHECKBOX)):
        set_mapping(workspace=workspace, object_name="Contact", field=field, by=None)
    org.fail_next(503, times=10_000)
    for contact in people:
        text(contact, "START")
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
    for contact in (first, third):
        org.edit(contact.salesforce_id, **OUT)

    comes_back(workspace, org, means, clock)

    assert holds(org, first.salesforce_id, second.salesforce_id, third.salesforce_id) == [True, False, True]
    assert [status(workspace, one.mobile_number) for one in down] == ["opted_out", "opted_in", "opted_out"]
    assert states(workspace).count("superseded") == 2
    assert ConsentEvent.objects.filter(cause="first_sight", kind="staff_out").count() == 2


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
