"""Pushes reach the org: what somebody texts here stands in their record there, whatever is in the way."""

from datetime import timedelta

import pytest

from carillon.accounts.models import Workspace
from carillon.connections.actions import save_connection
from carillon.connections.models import CallsInHour
from carillon.consent import delivery, lines, push, pushes, queries, writing
from carillon.consent.models import ConsentPush, Delivery, OptOutMapping
from carillon.consent.push import Means
from carillon.contacts.models import Contact
from carillon.lib.clock import now
from orgsim.testing import OrgSim
from tests.integration.consent.org_people import (
    FIELD,
    Clock,
    connected_to,
    holds,
    impatient,
    states,
    stored,
    text,
)
from tests.integration.consent.people import LONG_AGO


@pytest.fixture
def workspace(connected: Workspace) -> Workspace:
    return connected


def calls(workspace: Workspace) -> dict[str, int]:
    return dict(lines.open_line(workspace.pk).client.transport.counted())


def test_a_stop_stands_in_the_record_and_is_acknowledged(
    workspace: Workspace, org: OrgSim, means: Means
) -> None:
    (contact,) = stored(workspace, org)
    text(contact)

    assert push.deliver(workspace.pk, means) == 1

    assert holds(org, contact.salesforce_id) == [True]
    assert states(workspace) == ["acknowledged"]
    assert calls(workspace) == {"update_and_read": 1}
    assert CallsInHour.objects.get(workspace=workspace).purpose == "push"


def test_contact_and_lead_of_one_number_are_both_told(
    workspace: Workspace, org: OrgSim, means: Means
) -> None:
    (contact,), (lead,) = stored(workspace, org), stored(workspace, org, "Lead")
    text(contact)

    push.deliver(workspace.pk, means)

    assert holds(org, contact.salesforce_id, lead.salesforce_id) == [True, True]


def test_who_comes_back_is_opted_in_again_in_the_order_it_was_said(
    workspace: Workspace, org: OrgSim, means: Means
) -> None:
    (contact,) = stored(workspace, org)
    text(contact)
    push.deliver(workspace.pk, means)
    for words in ("START", "STOP", "START"):
        text(contact, words)

    push.deliver(workspace.pk, means)

    assert holds(org, contact.salesforce_id) == [False]
    assert states(workspace) == ["acknowledged", "superseded", "superseded", "acknowledged"]


def test_many_go_in_few_calls(workspace: Workspace, org: OrgSim, means: Means, clock: Clock) -> None:
    people = [*stored(workspace, org, count=30), *stored(workspace, org, "Lead", count=10)]
    for contact in people:
        text(contact)
    clock.sleep(60)

    push.deliver(workspace.pk, means)

    assert holds(org, *(one.salesforce_id for one in people)) == [True] * 40
    assert set(states(workspace)) == {"acknowledged"}
    assert calls(workspace) == {"update_many": 1, "read_many": 2}


def test_an_ended_session_is_renewed_within_the_push(workspace: Workspace, org: OrgSim, means: Means) -> None:
    first, second = stored(workspace, org, count=2)
    text(first)
    push.deliver(workspace.pk, means)
    org.org.sessions.expire_all()
    text(second)

    push.deliver(workspace.pk, means)

    assert states(workspace) == ["acknowledged", "acknowledged"]


def test_a_busy_row_waits_longer_each_time_and_holds_up_nobody(
    workspace: Workspace, org: OrgSim, means: Means, clock: Clock
) -> None:
    busy, other = stored(workspace, org, count=2)
    org.lock_row(busy.salesforce_id, times=5)
    text(busy)
    push.deliver(workspace.pk, means)
    text(other)
    push.deliver(workspace.pk, means)

    waiting = ConsentPush.objects.get(salesforce_id=busy.salesforce_id)
    assert states(workspace) == ["waiting", "acknowledged"]
    assert "changing this record" in waiting.error
    for _ in range(3):
        clock.sleep(60)
        push.deliver(workspace.pk, means)
    assert holds(org, busy.salesforce_id) == [True]
    assert states(workspace) == ["acknowledged", "acknowledged"]


def test_an_org_that_is_down_is_tried_once_at_a_time(
    workspace: Workspace, org: OrgSim, means: Means, clock: Clock
) -> None:
    people = stored(workspace, org, count=30)
    for contact in people:
        text(contact)
    org.fail_next(503, times=10_000)
    begun, attempts = clock(), 0
    while clock() < begun + timedelta(hours=1):
        attempts += push.deliver(workspace.pk, means)
        clock.sleep(15)

    paused = Delivery.objects.get(workspace=workspace)
    assert "not available" in paused.error
    assert set(states(workspace)) == {"waiting"}
    assert attempts < 120

    org.clear_faults()
    clock.sleep(61)
    push.deliver(workspace.pk, means)

    assert set(states(workspace)) == {"acknowledged"}
    assert holds(org, *(one.salesforce_id for one in people)) == [True] * 30
    paused.refresh_from_db()
    assert (paused.failures, paused.error) == (0, "")
    # One to see whether it is back, the others together.
    assert calls(workspace) == {"update_and_read": 1, "update_many": 1, "read_many": 1}


@pytest.mark.parametrize("count", [1, 3])
def test_a_refusal_says_why_and_is_tried_again_at_night(
    workspace: Workspace, org: OrgSim, means: Means, clock: Clock, count: int
) -> None:
    people = stored(workspace, org, count=count)
    org.set_validation_rule("Contact", f"{FIELD} = true", "Ask the registrar first.")
    for contact in people:
        text(contact)

    push.deliver(workspace.pk, means)

    failed = ConsentPush.objects.filter(workspace=workspace)
    assert states(workspace) == ["failed"] * count
    assert "Ask the registrar first." in failed[0].error
    assert "exempt the API user" in failed[0].remedy
    push.deliver(workspace.pk, means)
    assert failed[0].attempts == 1
    org.clear_automation()
    clock.wait_until(delivery.after_refusal(means.turn()))
    push.deliver(workspace.pk, means)
    assert states(workspace) == ["acknowledged"] * count


def test_retry_sends_it_at_once(workspace: Workspace, org: OrgSim, means: Means, clock: Clock) -> None:
    (contact,) = stored(workspace, org)
    org.lock_for_approval(contact.salesforce_id)
    text(contact)
    push.deliver(workspace.pk, means)
    failed = ConsentPush.objects.get()
    assert "approval" in failed.error
    org.release_approval(contact.salesforce_id)

    assert pushes.retry(push_id=failed.pk, now=clock())
    push.deliver(workspace.pk, means)

    assert states(workspace) == ["acknowledged"]


def test_no_right_to_edit_the_object_fails_all_and_names_the_remedy(
    workspace: Workspace, org: OrgSim, means: Means
) -> None:
    for contact in stored(workspace, org, count=2):
        text(contact)
    org.ungrant("Contact", "Edit")

    push.deliver(workspace.pk, means)

    assert states(workspace) == ["failed", "failed"]
    assert "Give Edit" in ConsentPush.objects.all()[0].remedy


@pytest.mark.parametrize("count", [1, 3])
def test_a_hidden_field_fails_and_names_the_field(
    workspace: Workspace, org: OrgSim, means: Means, count: int
) -> None:
    for contact in stored(workspace, org, count=count):
        text(contact)
    org.hide_field("Contact", FIELD)

    push.deliver(workspace.pk, means)

    assert states(workspace) == ["failed"] * count
    assert FIELD in ConsentPush.objects.all()[0].error


@pytest.mark.parametrize("count", [1, 3])
def test_a_field_that_may_not_be_edited_is_named(
    workspace: Workspace, org: OrgSim, means: Means, count: int
) -> None:
    OptOutMapping.objects.filter(workspace=workspace).update(field="IsEmailBounced")
    for contact in stored(workspace, org, count=count):
        text(contact)

    push.deliver(workspace.pk, means)

    assert states(workspace) == ["failed"] * count
    for failed in queries.pending(workspace):
        assert failed.error.startswith("No edit right on IsEmailBounced: ")
        assert "Give Edit Access to the field" in failed.remedy


def test_what_the_org_puts_back_three_times_is_not_fought_any_longer(
    workspace: Workspace, org: OrgSim, means: Means, clock: Clock
) -> None:
    (contact,) = stored(workspace, org)
    org.set_flow("Contact", FIELD, put_back=True)
    text(contact)
    for _ in range(10):
        push.deliver(workspace.pk, means)
        clock.sleep(600)

    reverted = ConsentPush.objects.get()
    assert (reverted.state, reverted.attempts, reverted.next_try_at) == ("reverted", 3, None)
    assert "put the field back" in reverted.error
    org.clear_automation()
    pushes.retry_all(workspace_id=workspace.pk, now=clock())
    push.deliver(workspace.pk, means)
    assert states(workspace) == ["acknowledged"]


def test_a_deleted_record_has_nothing_to_be_told(workspace: Workspace, org: OrgSim, means: Means) -> None:
    (contact,) = stored(workspace, org)
    text(contact)
    org.delete(contact.salesforce_id)

    push.deliver(workspace.pk, means)

    assert states(workspace) == ["gone"]


def test_a_record_that_is_gone_for_good_or_hidden_is_shown(
    workspace: Workspace, org: OrgSim, means: Means
) -> None:
    (contact,) = stored(workspace, org)
    text(contact)
    org.hard_delete(contact.salesforce_id)

    push.deliver(workspace.pk, means)

    assert states(workspace) == ["failed"]
    assert "hidden from the API user" in ConsentPush.objects.get().error


def test_a_record_purged_after_an_import_found_it_deleted_is_gone(
    workspace: Workspace, org: OrgSim, means: Means, clock: Clock
) -> None:
    purged, hidden = stored(workspace, org, count=2)
    for contact in (purged, hidden):
        text(contact)
        org.hard_delete(contact.salesforce_id)
    push.deliver(workspace.pk, means)
    assert states(workspace) == ["failed", "failed"]
    left = Contact.objects.filter(pk=purged.pk)
    left.update(in_source=False, left_source_at=clock(), absence="deleted", absent_since=clock())

    clock.wait_until(delivery.after_refusal(means.turn()))
    push.deliver(workspace.pk, means)

    assert states(workspace) == ["gone", "failed"]


@pytest.mark.parametrize("is_stored", [True, False])
def test_the_opt_out_of_a_merged_record_goes_to_the_one_that_lives_on(
    workspace: Workspace, org: OrgSim, means: Means, is_stored: bool
) -> None:
    loser, master = stored(workspace, org, count=2)
    if not is_stored:
        master.delete()
    text(loser)
    org.merge(master.salesforce_id, (loser.salesforce_id,))

    push.deliver(workspace.pk, means)

    assert holds(org, master.salesforce_id) == [True]
    assert set(states(workspace)) <= {"acknowledged", "superseded"}


def test_a_start_does_not_opt_in_the_other_record_of_a_merge(
    workspace: Workspace, org: OrgSim, means: Means
) -> None:
    loser, master = stored(workspace, org, count=2)
    master.delete()
    text(loser)
    push.deliver(workspace.pk, means)
    org.edit(master.salesforce_id, **{FIELD: True})
    text(loser, "START")
    org.merge(master.salesforce_id, (loser.salesforce_id,))

    push.deliver(workspace.pk, means)

    assert holds(org, master.salesforce_id) == [True]
    assert states(workspace) == ["acknowledged", "superseded"]


def test_the_opt_out_of_a_converted_lead_goes_to_its_contact(
    workspace: Workspace, org: OrgSim, means: Means
) -> None:
    (lead,) = stored(workspace, org, "Lead")
    text(lead)
    contact = org.convert(lead.salesforce_id)["contact"]

    push.deliver(workspace.pk, means)

    assert holds(org, contact) == [True]
    assert states(workspace) == ["acknowledged"]


def test_one_spoilt_record_does_not_keep_the_others_from_being_told(
    workspace: Workspace, org: OrgSim, means: Means
) -> None:
    people = stored(workspace, org, count=5)
    org.lock_for_approval(people[1].salesforce_id)
    org.delete(people[3].salesforce_id)
    for contact in people:
        text(contact)

    push.deliver(workspace.pk, means)

    assert states(workspace) == ["acknowledged", "failed", "acknowledged", "gone", "acknowledged"]


def test_a_batch_too_large_for_the_orgs_automation_is_halved(
    workspace: Workspace, org: OrgSim, means: Means, clock: Clock
) -> None:
    people = stored(workspace, org, count=20)
    org.limit_batches("Contact", 6)
    for contact in people:
        text(contact)
    clock.sleep(60)

    push.deliver(workspace.pk, means)

    assert set(states(workspace)) == {"acknowledged"}
    assert holds(org, *(one.salesforce_id for one in people)) == [True] * 20


def test_a_lost_answer_leads_to_a_repetition(
    workspace: Workspace, org: OrgSim, means: Means, clock: Clock
) -> None:
    (contact,) = stored(workspace, org)
    text(contact)
    org.drop_connection(times=2, path_contains="composite")

    push.deliver(workspace.pk, means)

    assert states(workspace) == ["waiting"]
    clock.sleep(60)
    push.deliver(workspace.pk, means)
    assert states(workspace) == ["acknowledged"]
    assert ConsentPush.objects.get().attempts == 2


def test_wrong_credentials_are_said_and_mended_ones_work_at_once(workspace: Workspace, org: OrgSim) -> None:
    means = Means(patience=impatient)
    (contact,) = stored(workspace, org)
    text(contact)
    save_connection(workspace=workspace, host=org.url, client_id="orgsim-client", client_secret="no", by=None)
    push.deliver(workspace.pk, means)
    assert Delivery.objects.get(workspace=workspace).error
    save_connection(
        workspace=workspace, host=org.url, client_id="orgsim-client", client_secret="orgsim-secret", by=None
    )

    push.deliver(workspace.pk, means)

    assert states(workspace) == ["acknowledged"]


def test_a_record_changed_by_others_is_tried_again(workspace: Workspace, org: OrgSim, means: Means) -> None:
    (contact,) = stored(workspace, org)
    org.lock_for_approval(contact.salesforce_id)
    text(contact)
    push.deliver(workspace.pk, means)
    failed = ConsentPush.objects.get()

    pushes.records_changed(workspace.pk, {contact.salesforce_id: LONG_AGO})
    unchanged = ConsentPush.objects.get().next_try_at
    pushes.records_changed(workspace.pk, {contact.salesforce_id: means.clock() + timedelta(minutes=1)})

    assert unchanged == failed.next_try_at
    assert ConsentPush.objects.get().next_try_at <= now()  # type: ignore[operator]


def test_workspaces_with_something_due_are_found(workspace: Workspace, org: OrgSim, means: Means) -> None:
    (contact,) = stored(workspace, org)
    assert push.workspaces_due(means.clock()) == []

    text(contact)

    assert push.workspaces_due(means.clock()) == [workspace.pk]


@pytest.mark.parametrize("count", [1, 3])
def test_a_private_contact_is_named_as_why_it_can_not_be_edited(
    workspace: Workspace, org: OrgSim, means: Means, count: int
) -> None:
    people = stored(workspace, org, count=count)
    org.ungrant("Contact", "Modify All")
    with org.store.writing() as store:
        for one in people:
            store.execute("UPDATE Contact SET AccountId = NULL WHERE Id = ?", (one.salesforce_id,))
    for one in people:
        text(one)
    push.deliver(workspace.pk, means)

    for refused in ConsentPush.objects.all():
        assert (refused.state, refused.error) == ("failed", writing.PRIVATE[0])
        assert refused.remedy.startswith("Give Modify All on Contact")


def test_without_edit_of_contacts_a_private_one_is_not_to_blame(
    workspace: Workspace, org: OrgSim, means: Means
) -> None:
    (contact,) = stored(workspace, org)
    org.ungrant("Contact", "Edit")
    with org.store.writing() as store:
        store.execute("UPDATE Contact SET AccountId = NULL WHERE Id = ?", (contact.salesforce_id,))
    text(contact)
    push.deliver(workspace.pk, means)

    assert ConsentPush.objects.get().remedy.startswith("Give Edit on the object")


@pytest.mark.parametrize("count", [1, 3])
def test_a_contact_that_is_a_person_account_is_written_on_the_account(
    db: None, means: Means, count: int
) -> None:
    with OrgSim(contacts=20, leads=0, person_accounts=True) as persons:
        workspace = connected_to(persons)
        rows = persons.store.reader().execute(
            "SELECT Id FROM Contact WHERE IsPersonAccount = 1 LIMIT ?", (count,)
        )
        ids = [row[0] for row in rows]
        for place, record in enumerate(ids, start=500):
            text(
                Contact.objects.create(
                    workspace=workspace,
                    object="Contact",
                    salesforce_id=record,
                    mobile_number=f"+1212555{place:04d}",
                    system_modstamp=LONG_AGO,
                )
            )

        push.deliver(workspace.pk, means)

        assert states(workspace) == ["acknowledged"] * count
        assert persons.store.reader().execute(
            f"SELECT count(*) FROM Contact WHERE IsPersonAccount = 1 AND {FIELD} = 1"
        ).fetchone() == (count,)
        lines.hang_up(workspace.pk)
