"""`carillon consent`, as others run it."""

import pytest

from carillon.accounts.models import Workspace
from carillon.consent import push
from orgsim.testing import OrgSim
from tests.integration.commands import carillon
from tests.integration.consent.org_people import FIELD, holds, stored, text

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def test_from_looking_up_to_the_proof(connected: Workspace, org: OrgSim) -> None:
    (contact,) = stored(connected, org)
    number = contact.mobile_number

    out = carillon("consent", "opt-out", number, "--reason", "asked at the desk")
    waiting = carillon("consent", "pending", "--json")
    push.deliver(connected.pk)
    shown = carillon("consent", "show", contact.salesforce_id, "--json")
    back = carillon("consent", "opt-in", number, "--reason", "was a mistake")
    in_words = carillon("consent", "show", number)

    assert (out.code, out.out) == (0, f"{number} is opted out. One record in Salesforce is being told.\n")
    assert [one["state"] for one in waiting.json["pushes"]] == ["waiting"]
    assert shown.json["status"] == "opted_out"
    assert shown.json["events"][0]["reason"] == "asked at the desk"
    assert shown.json["pushes"][0]["state"] == "acknowledged"
    assert back.out.startswith(f"{number} is opted in.")
    assert "A member opted the number back in (The command line)  was a mistake" in in_words.out
    assert in_words.out.index("What was said") < in_words.out.index("What Salesforce was to be told")
    told = shown.json["pushes"][0]["created_at"]
    assert f"  {told}  {contact.salesforce_id}: opted out, in Salesforce" in in_words.out
    assert carillon("consent", "verify").out.startswith("All numbers follow from the ledger's 2 lines.")


def test_a_request_of_an_earlier_day_is_shown_with_when_it_was_learnt(workspace: Workspace) -> None:
    carillon("consent", "opt-out", "+12125550123", "--reason", "wrote", "--asked-on", "2024-03-02")

    event = carillon("consent", "show", "+12125550123", "--json").json["events"][0]
    in_words = carillon("consent", "show", "+12125550123").out

    assert event["at"] < event["learnt_at"]
    line = f"  {event['at']}  The person asked not to be texted (The command line, learnt {event['learnt_at']})  wrote"
    assert line in in_words


def test_an_audit_lists_and_repairs(connected: Workspace, org: OrgSim) -> None:
    (contact,) = stored(connected, org)
    text(contact)
    push.deliver(connected.pk)
    org.set_clock_offset(5)
    org.edit(contact.salesforce_id, **{FIELD: False})

    listed = carillon("consent", "audit")
    repaired = carillon("consent", "audit", "--json", "--repair")
    push.deliver(connected.pk)

    assert listed.code == 1
    assert f"{contact.mobile_number} is opted out, {contact.salesforce_id} says opted in" in listed.out
    assert "1 record compared by 1 API call: 1 differ" in listed.out
    assert (repaired.code, repaired.json["repaired"]) == (0, 1)
    assert [one["salesforce_id"] for one in repaired.json["differences"]] == [contact.salesforce_id]
    assert carillon("consent", "audit", "--json").json["differences"] == []
    assert holds(org, contact.salesforce_id) == [True]


def test_an_audit_lists_what_salesforce_refuses_and_fails(connected: Workspace, org: OrgSim) -> None:
    (contact,) = stored(connected, org)
    org.lock_for_approval(contact.salesforce_id)
    text(contact)
    push.deliver(connected.pk)

    listed = carillon("consent", "audit", "--repair")
    as_json = carillon("consent", "audit", "--json")

    assert (listed.code, as_json.code) == (1, 1)
    assert f"{contact.salesforce_id} says opted in: refused: " in listed.out
    assert "1 differ. Of these 0 repaired, 0 on the way to Salesforce, 1 refused or put back" in listed.out
    (difference,) = as_json.json["differences"]
    assert (difference["state"], as_json.json["refused"], as_json.json["waiting"]) == ("refused", 1, 0)


def test_what_cannot_be_done_is_said_in_words(connected: Workspace) -> None:
    nobody = carillon("consent", "show", "12")
    not_out = carillon("consent", "opt-in", "+12125550123", "--reason", "x")
    no_reason = carillon("consent", "opt-out", "+12125550123", "--reason", " ")
    no_day = carillon("consent", "opt-out", "+12125550123", "--reason", "x", "--asked-on", "20.11.2026")

    assert (nobody.code, not_out.code, no_reason.code) == (1, 1, 2)
    assert "say why" in no_reason.err
    assert "as in 2026-11-20" in no_day.err
    assert "Give a number with its country code" in nobody.err
    assert "not opted out" in not_out.err
    assert carillon("consent", "pending").out.startswith("Nothing is pending")
