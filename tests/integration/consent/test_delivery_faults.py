"""What goes wrong with one push, or in the middle of one, holds up nobody else and is never taken for success."""

import json

import pytest

from carillon.accounts.models import Workspace
from carillon.connections.models import ConnectionState, SalesforceConnection
from carillon.consent import moved, push
from carillon.consent.actions import OptOutField, opt_out, set_mapping
from carillon.consent.models import ConsentPush, Delivery
from carillon.consent.push import Means
from carillon.consent.pushes import claim
from carillon.consent.reading import FieldKind
from carillon.lib.clock import now
from orgsim.testing import OrgSim
from tests.integration.consent.org_people import Clock, holds, states, stored, text
from tests.integration.consent.people import ANN, LONG_AGO, a_contact, acknowledge, pushes
from tests.integration.consent.test_pushes import claimed


def test_an_org_exchanged_under_an_open_session_is_not_written_to(
    connected: Workspace, org: OrgSim, means: Means
) -> None:
    first, second = stored(connected, org, count=2)
    text(first)
    push.deliver(connected.pk, means)
    org.refresh_sandbox()
    text(second)

    push.deliver(connected.pk, means)

    assert holds(org, second.salesforce_id) == [False]
    assert states(connected) == ["acknowledged", "waiting"]
    assert "Another Salesforce org" in Delivery.objects.get(workspace=connected).error


def test_an_exchanged_org_waits_for_an_admin(
    connected: Workspace, org: OrgSim, means: Means, clock: Clock
) -> None:
    first, second = stored(connected, org, count=2)
    text(first)
    push.deliver(connected.pk, means)
    org.refresh_sandbox()
    text(second)
    for _ in range(3):
        push.deliver(connected.pk, means)
        clock.sleep(3600)

    assert holds(org, second.salesforce_id) == [False]
    assert SalesforceConnection.objects.get(workspace=connected).state == ConnectionState.OTHER_ORG


@pytest.mark.parametrize("count", [1, 3])
def test_a_lead_whose_contact_cannot_be_looked_up_fails_alone(
    connected: Workspace, org: OrgSim, means: Means, count: int
) -> None:
    leads = stored(connected, org, "Lead", count=count)
    org.convert(leads[0].salesforce_id)
    org.hide_field("Lead", "ConvertedContactId")
    for lead in leads:
        text(lead)

    push.deliver(connected.pk, means)

    assert states(connected) == ["failed"] + ["acknowledged"] * (count - 1)
    assert "ConvertedContactId" in ConsentPush.objects.earliest("pk").error
    assert not Delivery.objects.filter(workspace=connected, failures__gt=0).exists()


def test_an_internal_error_of_one_record_does_not_pause_the_others(
    connected: Workspace, org: OrgSim, means: Means, clock: Clock
) -> None:
    poison, other = stored(connected, org, count=2)
    text(poison)

    def fault(path: str, body: bytes) -> bytes:
        if not path.endswith("/composite"):
            return body
        answer = json.loads(body)
        if answer["compositeResponse"][1]["body"].get("Id") == poison.salesforce_id:
            answer["compositeResponse"][0] |= {
                "httpStatusCode": 500,
                "body": [
                    {"errorCode": "UNKNOWN_EXCEPTION", "message": "An unexpected error occurred. 123-45"}
                ],
            }
        return json.dumps(answer).encode()

    org.mangle(fault)
    push.deliver(connected.pk, means)
    text(other)

    push.deliver(connected.pk, means)

    assert states(connected) == ["waiting", "acknowledged"]
    assert not Delivery.objects.filter(workspace=connected, failures__gt=0).exists()


def test_a_field_mapped_anew_while_a_push_is_under_way_is_written_too(workspace: Workspace) -> None:
    contact = a_contact(workspace, ANN)
    opt_out(workspace=workspace, number=ANN, by=None)
    (under_way,) = claim(workspace_id=workspace.pk, now=now())
    other = OptOutField("Other_Opt_Out__c", FieldKind.CHECKBOX)
    set_mapping(workspace=workspace, object_name="Contact", field=other, by=None)

    state = acknowledge(under_way.id, True, LONG_AGO)

    assert state == "waiting"
    assert [one.field for one in claimed(workspace)] == ["Other_Opt_Out__c"]
    assert pushes(contact) == ["opted_out"]


def test_a_push_whose_person_was_erased_meanwhile_is_followed_nowhere(workspace: Workspace) -> None:
    contact = a_contact(workspace, ANN)
    opt_out(workspace=workspace, number=ANN, by=None)
    (under_way,) = claimed(workspace)
    ConsentPush.objects.all().delete()

    went_on = moved.follow(
        workspace_id=workspace.pk,
        push=under_way,
        sobject="Contact",
        salesforce_id=contact.salesforce_id,
        now=LONG_AGO,
    )

    assert went_on is False
