"""What `carillon consent` does beyond its options."""

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest

from carillon.accounts.models import Workspace
from carillon.cli import consent_work
from carillon.consent import actions
from carillon.consent.keywords import Meaning
from carillon.consent.models import ConsentAudit, ConsentEvent
from carillon.contacts import remembered
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from orgsim.testing import OrgSim
from tests.integration.consent.org_people import FIELD, stored
from tests.integration.consent.people import ANN, BEA, CAL, a_contact


def said(workspace: Workspace, words: str, meaning: Meaning) -> None:
    actions.text_received(
        workspace=workspace, number=ANN, words=words, meaning=meaning, message_id=uuid.uuid4().hex
    )


def test_a_request_of_a_day_counts_to_that_days_end_where_the_people_are(workspace: Workspace) -> None:
    consent_work.opt_out(workspace.name, ANN, "called", date(2026, 3, 2))

    event = ConsentEvent.objects.get()
    assert event.counts_at.replace(microsecond=0) == datetime(2026, 3, 3, 4, 59, 59, tzinfo=UTC)


def test_a_request_older_than_a_start_says_why_nothing_changes(workspace: Workspace) -> None:
    said(workspace, "START", Meaning.START)

    told = consent_work.opt_out(workspace.name, ANN, "called", date(2026, 3, 2))

    assert f"{ANN} stays opted in: the person opted in by a text later, on {now():%b %-d, %Y}" in told


def test_who_is_opted_in_and_may_not_be_texted_is_told_so(workspace: Workspace) -> None:
    consent_work.opt_out(workspace.name, ANN, "left", None)
    said(workspace, "please stop", Meaning.LIKELY_STOP)

    told = consent_work.opt_in(workspace.name, ANN, "is back")

    # A member's word lifts no likely opt-out.
    assert told.startswith(f"{ANN} may not be texted: likely an opt-out.")
    likely = ConsentEvent.objects.get(kind="likely").counts_at
    assert consent_work.show(workspace.name, ANN)["since"] == f"{likely:%Y-%m-%dT%H:%M:%SZ}"


def test_the_number_of_somebody_erased_is_opted_in_only_when_that_is_said(workspace: Workspace) -> None:
    remembered.remember(workspace, "0035g0000000001AAA", ANN, "admin@example.org")

    with pytest.raises(CarillonError, match="was erased here"):
        consent_work.opt_in(workspace.name, ANN, "asked")
    consent_work.show(workspace.name, ANN)
    told = consent_work.opt_in(workspace.name, ANN, "asked", although_erased=True)

    assert told.startswith(f"{ANN} is opted in.")
    consent_work.opt_out(workspace.name, ANN, "left", None)
    assert "is opted in" in consent_work.opt_in(workspace.name, ANN, "is back")


def test_nobody_asked_in_the_future(workspace: Workspace) -> None:
    tomorrow = now().date() + timedelta(days=2)

    with pytest.raises(CarillonError, match="has not come yet"):
        consent_work.opt_out(workspace.name, ANN, "called", tomorrow)

    assert not ConsentEvent.objects.exists()


def test_an_audit_that_salesforce_refuses_says_why_and_what_to_do(connected: Workspace, org: OrgSim) -> None:
    stored(connected, org)
    org.hide_field("Contact", FIELD)

    with pytest.raises(CarillonError, match=FIELD) as refused:
        consent_work.audit(connected.name, repair=False, tell=print)

    assert "field-level security" in refused.value.remedy


def test_an_audit_names_records_that_are_not_shown(
    connected: Workspace, org: OrgSim, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = sorted(stored(connected, org, count=2), key=lambda contact: contact.salesforce_id)
    for contact in gone:
        org.hard_delete(contact.salesforce_id)
    monkeypatch.setattr(consent_work, "MOST_UNSEEN", 1)

    found = consent_work.audit(connected.name, repair=False, tell=print)

    assert (found["unseen"], [one["salesforce_id"] for one in found["unseen_records"]]) == (
        2,
        [gone[0].salesforce_id],
    )
    assert list(consent_work.unseen_in_words(found)) == [
        f"{gone[0].mobile_number}: Contact {gone[0].salesforce_id} is not shown to the API user",
        "... and 1 not shown either.",
    ]


def test_without_an_opt_out_field_there_is_nothing_to_audit(connected: Workspace) -> None:
    for object_name in ("Contact", "Lead"):
        actions.set_mapping(workspace=connected, object_name=object_name, field=None, by=None)

    with pytest.raises(CarillonError, match="No opt-out field is mapped"):
        consent_work.audit(connected.name, repair=False, tell=print)

    assert not ConsentAudit.objects.exists()


def test_a_number_that_nobody_has_is_told_from_one_that_somebody_has(workspace: Workspace) -> None:
    a_contact(workspace, ANN)

    assert consent_work.opt_out(workspace.name, ANN, "x", None).endswith(
        "One record in Salesforce is being told."
    )
    assert consent_work.opt_out(workspace.name, ANN, "x", None).endswith("needs to be told.")
    assert "Nobody here has this number" in consent_work.opt_out(workspace.name, BEA, "x", None)
    first = next(consent_work.in_words(consent_work.show(workspace.name, BEA)))
    assert first.endswith("; nobody here has this number")


def test_what_a_list_leaves_out_is_counted(workspace: Workspace) -> None:
    for number in (ANN, BEA, CAL):
        a_contact(workspace, number)
        consent_work.opt_out(workspace.name, number, "asked", None)

    found = consent_work.pending(workspace.name, 2)

    assert (found["total"], len(found["pushes"])) == (3, 2)
    assert list(consent_work.pending_in_words(found))[-1] == "... and 1 later; --limit shows more."


def test_all_that_was_said_of_a_number_is_counted(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consent_work, "SHOWN", 2)
    for _ in range(3):
        consent_work.opt_out(workspace.name, ANN, "asked", None)

    shown = consent_work.show(workspace.name, ANN)

    assert (shown["events_total"], len(shown["events"])) == (3, 2)
    assert "... and 1 earlier." in consent_work.in_words(shown)


def test_words_of_strangers_cannot_steer_a_terminal(workspace: Workspace) -> None:
    actions.text_received(
        workspace=workspace, number=ANN, words="STOP\x1b[2J\n", meaning=Meaning.STOP, message_id="SM1"
    )

    assert all(line.isprintable() for line in consent_work.in_words(consent_work.show(workspace.name, ANN)))
