"""The Opt-Out Field section of the Contact Import page."""

import re
from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse

from carillon.accounts.models import Member, Workspace
from carillon.consent.actions import set_mapping
from carillon.consent.models import OptOutMapping
from carillon.consent.reading import FieldKind, OptOutField
from carillon.imports import opt_out_readings
from carillon.imports.actions import setup_for
from carillon.imports.drafts import draft_of
from carillon.imports.models import HeldOptIns, ImportRun, Mode, RunStatus
from carillon.lib.clock import now
from orgsim.testing import OrgSim
from tests.integration.web.conftest import SignedIn
from tests.integration.web.test_contact_import import PAGE, admin, entered, org, source_called
from tests.integration.web.test_report_source import report_called

__all__ = ["admin", "org"]

PICKLIST = {
    "opt_out-field": "Texting_Preference__c",
    "opt_out-opted_in_value": "Yes",
    "opt_out-opted_out_value": "No",
}
BOX = {"opt_out-field": "SMS_Opt_Out__c"}


def mapped(workspace: Workspace) -> OptOutField:
    return draft_of(setup_for(workspace, "Contact")).opt_out


def section(body: str) -> str:
    found = re.search(r'<section class="card" id="opt-out-field".*?</section>', body, re.DOTALL)
    assert found
    return " ".join(re.sub(r"<[^>]+>", "", found[0]).split())


def test_checkboxes_and_picklists_are_offered_and_the_rest_is_greyed(
    admin: Client, workspace: Workspace
) -> None:
    body = admin.get(PAGE, {"source": source_called(workspace, "AllContacts")}).content.decode()

    assert '<option value="SMS_Opt_Out__c">SMS Opt Out (SMS_Opt_Out__c)</option>' in body
    assert '<option value="LastName" disabled>' in body
    assert "not a checkbox or a picklist" in body


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({**BOX, "opt_out-unchecked_means_opted_in": "on"}, OptOutField("SMS_Opt_Out__c")),
        (BOX, OptOutField("SMS_Opt_Out__c", unchecked_means_opted_in=False)),
        (
            {**PICKLIST, "opt_out-empty_means_opted_in": "on"},
            OptOutField("Texting_Preference__c", FieldKind.PICKLIST, True, "Yes", "No", True),
        ),
        ({}, OptOutField()),
    ],
)
def test_what_is_entered_is_kept(
    admin: Client, workspace: Workspace, given: dict[str, str], kept: OptOutField
) -> None:
    response = admin.post(PAGE, entered(source_called(workspace, "AllContacts"), **given))

    assert response.status_code == 302
    assert mapped(workspace) == kept
    assert OptOutMapping.objects.filter(workspace=workspace).exists() == bool(given)


@pytest.mark.parametrize("is_mapped", [True, False])
def test_saving_without_a_field_says_that_salesforce_is_not_told(
    admin: Client, workspace: Workspace, is_mapped: bool
) -> None:
    given = PICKLIST if is_mapped else {}

    saved = admin.post(PAGE, entered(source_called(workspace, "AllContacts"), **given), follow=True)

    assert ("Salesforce is not told when a Contact opts out" in saved.content.decode()) is not is_mapped
    assert ("everybody counts as opted in" in section(saved.content.decode())) is not is_mapped
    assert "Unchecked means opted in" not in section(saved.content.decode())


def test_faults_stand_beside_their_control(admin: Client, workspace: Workspace) -> None:
    data = entered(source_called(workspace, "AllContacts"), **{**PICKLIST, "opt_out-opted_out_value": "Yes"})

    body = admin.post(PAGE, data).content.decode()

    assert "Choose another value than the one that means opted in." in section(body)
    assert not OptOutMapping.objects.exists()


def test_a_value_that_the_org_retired_stays_is_told_and_keeps_nothing_else_from_being_saved(
    admin: Client, workspace: Workspace
) -> None:
    kept = OptOutField("Texting_Preference__c", FieldKind.PICKLIST, True, "Yes", "Never")
    set_mapping(workspace=workspace, object_name="Contact", field=kept, by=None)
    source = source_called(workspace, "AllContacts")
    data = entered(source, **{**PICKLIST, "opt_out-opted_out_value": "Never"})

    saved = admin.post(PAGE, data)
    shown = section(admin.get(PAGE).content.decode())
    others = admin.post(PAGE, {**data, "opt_out-opted_in_value": "Never", "opt_out-opted_out_value": "No"})

    assert saved.status_code == 302
    assert mapped(workspace) == kept
    assert "Never, which means opted out, is no active value of Texting Preference any more" in shown
    assert "Never is no value of Texting Preference" in section(others.content.decode())


@pytest.mark.parametrize(
    ("given", "reversed_too"),
    [
        ({**BOX, "opt_out-unchecked_means_opted_in": "on"}, False),
        (BOX, True),
    ],
)
def test_it_says_before_saving_how_records_would_be_read(
    admin: Client, workspace: Workspace, org: OrgSim, given: dict[str, str], reversed_too: bool
) -> None:
    data = {**entered(source_called(workspace, "AllContacts"), **given), "show_opt_out": "1"}

    shown = section(admin.post(PAGE, data).content.decode())

    counted = org.store.reader().execute(
        "SELECT SUM(SMS_Opt_Out__c = 1), SUM(SMS_Opt_Out__c = 0) FROM Contact WHERE IsDeleted = 0"
    )
    checked, unchecked = counted.fetchone()
    out, into = (unchecked, checked) if reversed_too else (checked, unchecked)
    assert f"{into} would be read as opted in, {out} as opted out, 0 as unclear" in shown
    assert ("the wrong way round" in shown) == reversed_too
    assert ("SMS Opt Out sounds like an opt-out box" in shown) == reversed_too
    assert "(checked) would be" in shown
    assert shown.count(" would be ") == 3 + 1 + reversed_too
    assert not OptOutMapping.objects.exists()


def test_a_picklist_is_read_by_its_values(admin: Client, workspace: Workspace, org: OrgSim) -> None:
    data = {**entered(source_called(workspace, "AllContacts"), **PICKLIST), "show_opt_out": "1"}

    shown = section(admin.post(PAGE, data).content.decode())

    counted = org.store.reader().execute(
        "SELECT SUM(Texting_Preference__c = 'Yes'), SUM(Texting_Preference__c IN ('No') OR Texting_Preference__c IS NULL)"
        " FROM Contact WHERE IsDeleted = 0"
    )
    yes, no = counted.fetchone()
    assert f"{yes} would be read as opted in, {no} as opted out" in shown
    assert "(empty) would be opted out, since nobody said anything" in shown


@pytest.mark.parametrize("way", ["by_ids", "report_only"])
def test_a_report_of_one_run_is_counted_whole(
    admin: Client, workspace: Workspace, org: OrgSim, way: str
) -> None:
    given = {"kind": "report", "source": report_called(workspace, "All_Contacts"), "way": way, **BOX}
    given["opt_out-unchecked_means_opted_in"] = "on"
    data = {**entered(""), **given, "show_opt_out": "1"}

    shown = section(admin.post(PAGE, data).content.decode())

    counted = org.store.reader().execute(
        "SELECT COUNT(*), SUM(SMS_Opt_Out__c = 1), SUM(SMS_Opt_Out__c = 0) FROM Contact WHERE IsDeleted = 0"
    )
    everybody, out, into = counted.fetchone()
    assert f"Of the {everybody:,} people of this report" in shown
    assert f"{into:,} would be read as opted in, {out:,} as opted out, 0 as unclear" in shown
    assert shown.count(" would be ") == 3 + 1


def test_of_a_longer_report_the_first_people_are_counted_and_that_is_said(
    admin: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opt_out_readings, "OF_A_REPORT", 5)
    given = {"kind": "report", "source": report_called(workspace, "All_Contacts"), "way": "by_ids", **BOX}

    shown = section(admin.post(PAGE, {**entered(""), **given, "show_opt_out": "1"}).content.decode())

    assert "Of the first 5 people of this report" in shown
    assert "What would it change? reads all of them." in shown


def test_the_preview_tells_whose_consent_would_change(admin: Client, workspace: Workspace) -> None:
    data = entered(source_called(workspace, "AllContacts"), **PICKLIST)

    body = admin.post(PAGE, {**data, "preview": "1"}).content.decode()

    assert "Texting consent" in body
    assert "Would be opted out" in body


def held_opt_ins(workspace: Workspace, *, mapping_is_new: bool = False) -> HeldOptIns:
    setup = setup_for(workspace, "Contact")
    run = ImportRun.objects.create(
        workspace=workspace,
        setup=setup,
        object="Contact",
        mode=Mode.CHANGES,
        status=RunStatus.SUCCEEDED,
        finished_at=now(),
    )
    return HeldOptIns.objects.create(
        setup=setup,
        run=run,
        people=40,
        reason="40 of 400 people.",
        mapping_is_new=mapping_is_new,
        mapping_version=0,
    )


@pytest.mark.parametrize(("decision", "status"), [("apply", "applied"), ("drop", "dropped")])
def test_held_opt_ins_are_decided_on_the_page_of_their_run(
    alice: Member, workspace: Workspace, signed_in: SignedIn, decision: str, status: str
) -> None:
    held = held_opt_ins(workspace)
    client = signed_in(alice)
    page = reverse("decide_opt_ins", args=[held.run.public_id, decision])

    run_page = client.get(reverse("import_run", args=[held.run.public_id])).content.decode()
    asked = client.get(page).content.decode()
    client.post(page)

    assert page in run_page
    assert "Opt-ins of 40 people held" in run_page
    assert "This import had no opt-outs." in run_page
    assert held.reason in asked
    assert ("next import of everything finds them again" in asked) is (decision == "drop")
    held.refresh_from_db()
    assert (held.status, held.decided_by) == (status, alice.email)


@pytest.mark.parametrize(
    ("given", "refusal", "because"),
    [
        ({}, "Say which mapping is right.", ""),
        ({"which": "believed", "reason": " "}, "Write down why.", ""),
        ({"which": "believed", "reason": "Reversed by mistake."}, "", "Reversed by mistake."),
        ({"which": "before", "reason": "Not read then."}, "", ""),
    ],
)
def test_under_a_new_mapping_an_admin_says_which_was_wrong(
    alice: Member,
    workspace: Workspace,
    signed_in: SignedIn,
    given: dict[str, str],
    refusal: str,
    because: str,
) -> None:
    held = held_opt_ins(workspace, mapping_is_new=True)

    answer = signed_in(alice).post(reverse("decide_opt_ins", args=[held.run.public_id, "apply"]), given)

    held.refresh_from_db()
    assert (held.status, held.accepted_because) == ("open" if refusal else "applied", because)
    assert refusal in answer.content.decode()


def test_a_mapping_that_was_changed_back_is_probably_right(
    alice: Member, workspace: Workspace, signed_in: SignedIn
) -> None:
    box = OptOutField("SMS_Opt_Out__c")
    for flag in (True, False, True):
        field = replace(box, unchecked_means_opted_in=flag)
        set_mapping(workspace=workspace, object_name="Contact", field=field, by=alice)
    held = held_opt_ins(workspace, mapping_is_new=True)

    asked = signed_in(alice).get(reverse("decide_opt_ins", args=[held.run.public_id, "apply"]))

    body = " ".join(asked.content.decode().split())
    assert "from <em>SMS_Opt_Out__c, checked means opted in</em>" in body
    assert "to <em>SMS_Opt_Out__c, unchecked means opted in</em>, which is what it was before that" in body
    assert asked.context["form"]["which"].value() == "believed"


def test_only_admins_of_the_workspace_decide(
    alice: Member, bob: Member, charlie: Member, workspace: Workspace, signed_in: SignedIn
) -> None:
    held = held_opt_ins(workspace)
    page = reverse("decide_opt_ins", args=[held.run.public_id, "apply"])

    assert signed_in(bob).post(page).status_code == 403
    assert signed_in(charlie).post(page).status_code == 404
    held.refresh_from_db()
    assert held.status == "open"
