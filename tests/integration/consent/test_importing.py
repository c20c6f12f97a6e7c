"""What imports read about consent. The mapped field is a checkbox: True is opted out."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from carillon.accounts.models import Member, Workspace
from carillon.consent import actions, importing, verify
from carillon.consent.actions import opt_in, opt_out, text_received
from carillon.consent.importing import Sighting
from carillon.consent.keywords import understand
from carillon.consent.models import (
    Consent,
    ConsentConflict,
    ConsentEvent,
    ConsentPush,
    RecordValue,
    Review,
    StagedFlip,
)
from carillon.consent.pushes import claim
from carillon.consent.reading import FieldKind, Seen
from carillon.contacts import remembered
from carillon.contacts.models import Contact
from carillon.lib.clock import now
from tests.integration.consent.people import (
    ANN,
    BEA,
    CAL,
    LONG_AGO,
    PICKLIST,
    a_contact,
    a_mapping,
    acknowledge,
    day,
    lines,
    pushes,
    read,
    read_all,
    status,
)


def text(workspace: Workspace, words: str, number: str = ANN) -> None:
    text_received(
        workspace=workspace,
        number=number,
        words=words,
        meaning=understand(words),
        message_id=uuid.uuid4().hex,
    )


def deliver(workspace: Workspace, *, at: int) -> None:
    """All waiting pushes are written and read back."""
    for push in claim(workspace_id=workspace.pk, now=now() + timedelta(seconds=1)):
        assert acknowledge(push.id, push.value, day(at)) == "acknowledged"


def opted_back_in(contact: Contact, *, at: int) -> None:
    """The record speaks opted in, and the run that read it ends well."""
    run = uuid.uuid4()
    read(contact, False, at=day(at), run=run)
    importing.apply_staged(workspace=contact.workspace, run=run)


def moved(contact: Contact, number: str) -> str:
    """The contact is stored with another number; returns the one before."""
    before = contact.mobile_number
    contact.mobile_number = number
    contact.save(update_fields=["mobile_number"])
    return before


# First sight


def test_a_record_that_says_opted_in_writes_nothing(workspace: Workspace) -> None:
    contact = a_contact(workspace, ANN)

    read(contact, False, before=None)

    assert not Consent.objects.exists()
    assert not RecordValue.objects.exists()


def test_a_batch_that_says_nothing_new_costs_a_few_queries(workspace: Workspace) -> None:
    people = [a_contact(workspace, f"+1212555{n:04d}") for n in range(50)]
    rows = [Sighting(c.salesforce_id, c.mobile_number, None, Seen(False, LONG_AGO)) for c in people]

    with CaptureQueriesContext(
        connection,
    ) as queries:
        read_all(rows, workspace)

    assert len(queries) <= 10


def test_a_record_that_says_opted_out_opts_out_and_is_not_pushed(workspace: Workspace) -> None:
    contact = a_contact(workspace, ANN)

    read(contact, True, before=None)
    read(contact, True)

    assert status(workspace, ANN) == "opted_out"
    assert lines(workspace, ANN) == ["staff_out by first_sight"]
    assert pushes(contact) == []


def test_at_first_sight_the_strictest_of_several_records_counts(workspace: Workspace) -> None:
    ins, out = a_contact(workspace, ANN), a_contact(workspace, ANN)
    rows = [
        Sighting(ins.salesforce_id, ANN, None, Seen(False, day(2))),
        Sighting(out.salesforce_id, ANN, None, Seen(True, day(1))),
    ]

    read_all(rows, workspace)

    assert status(workspace, ANN) == "opted_out"
    assert (pushes(ins), pushes(out)) == (["opted_out"], [])


def test_a_record_that_joins_an_opted_out_number_is_told(workspace: Workspace) -> None:
    text(workspace, "STOP")
    contact = a_contact(workspace, ANN)

    read(contact, False, before=None)
    read(contact, False)

    assert pushes(contact) == ["opted_out"]
    assert not ConsentConflict.objects.exists()


def test_a_record_stricter_than_the_number_it_joins_tightens(workspace: Workspace) -> None:
    known = a_contact(workspace, ANN)
    text(workspace, "START")
    contact = a_contact(workspace, ANN)

    read(contact, True, before=None)

    assert status(workspace, ANN) == "opted_out"
    assert pushes(known) == ["opted_out"]


@pytest.mark.parametrize(("empty_means_opted_in", "expected"), [(True, "opted_in"), (False, "opted_out")])
def test_an_empty_picklist_at_first_sight(
    workspace: Workspace, empty_means_opted_in: bool, expected: str
) -> None:
    field = actions.OptOutField(
        PICKLIST.field, PICKLIST.kind, True, "Yes", "No", empty_means_opted_in=empty_means_opted_in
    )
    a_mapping(workspace, field)
    contact = a_contact(workspace, ANN)

    read(contact, None, before=None)

    assert status(workspace, ANN) == expected


def test_silence_gives_way_to_a_start_and_the_record_is_told(workspace: Workspace) -> None:
    a_mapping(workspace, PICKLIST)
    text(workspace, "START")
    contact = a_contact(workspace, ANN)

    read(contact, None, before=None)

    assert status(workspace, ANN) == "opted_in"
    assert pushes(contact) == ["opted_in"]


def test_a_value_that_is_neither_is_an_issue_and_keeps_the_status(workspace: Workspace) -> None:
    a_mapping(workspace, PICKLIST)
    contact = a_contact(workspace, ANN)
    read(contact, "Yes", before=None)

    imported = read(contact, "Maybe", at=day(1))

    assert imported.unclear == [contact.salesforce_id]
    assert status(workspace, ANN) == "opted_in"


def test_numbers_of_erased_people_are_opted_out_at_first_sight(workspace: Workspace) -> None:
    remembered.remember(workspace, "0035g0000000001AAA", ANN, "admin@example.org")
    contact = a_contact(workspace, ANN)

    read(contact, False, before=None)

    assert lines(workspace, ANN) == ["person_out by erased"]
    assert pushes(contact) == ["opted_out"]


# Records that speak


def test_a_record_that_changes_to_opted_out_tightens_at_once(workspace: Workspace) -> None:
    contact, other = a_contact(workspace, ANN), a_contact(workspace, ANN)
    text(workspace, "START")
    read(contact, False, before=None)

    read(contact, True, at=day(1))

    assert status(workspace, ANN) == "opted_out"
    assert lines(workspace, ANN)[-1] == "staff_out by record"
    assert (pushes(contact), pushes(other)) == ([], ["opted_out"])


def test_a_record_that_changes_to_opted_in_loosens_what_staff_tightened(
    workspace: Workspace, texter: Member
) -> None:
    contact = a_contact(workspace, ANN)
    opt_out(workspace=workspace, number=ANN, by=texter)
    deliver(workspace, at=1)

    opted_back_in(contact, at=2)

    assert status(workspace, ANN) == "opted_in"
    assert pushes(contact) == ["opted_out"]


def test_flips_to_opted_in_wait_for_the_end_of_the_run(workspace: Workspace) -> None:
    contact, run = a_contact(workspace, ANN), uuid.uuid4()
    read(contact, True, before=None)

    imported = read(contact, False, at=day(1), run=run)

    assert (imported.staged, status(workspace, ANN), pushes(contact)) == (1, "opted_out", [])
    assert importing.count_staged(workspace=workspace, run=run) == 1

    importing.apply_staged(workspace=workspace, run=run)

    assert (status(workspace, ANN), StagedFlip.objects.count()) == ("opted_in", 0)
    assert ConsentEvent.objects.latest("pk").run == run


def test_flips_are_applied_in_parts_that_keep_a_number_whole(workspace: Workspace) -> None:
    people = [a_contact(workspace, number) for number in (ANN, BEA, ANN, CAL)]
    run = uuid.uuid4()
    for contact in people:
        read(contact, True, before=None)
    for contact in people:
        read(contact, False, at=day(1), run=run)

    states = []
    while importing.count_staged(workspace=workspace, run=run):
        importing.apply_staged(workspace=workspace, run=run, most=1)
        states.append([status(workspace, number) for number in (ANN, BEA, CAL)])

    assert [states[-1], len(states)] == [["opted_in"] * 3, 3]
    assert all(one.count("opted_in") == place for place, one in enumerate(states, 1))


def test_dropped_flips_are_found_again_by_the_next_import(workspace: Workspace) -> None:
    contact, run = a_contact(workspace, ANN), uuid.uuid4()
    read(contact, True, before=None)
    read(contact, False, at=day(1), run=run)
    importing.drop_staged(workspace=workspace, run=run)

    assert read(contact, False, at=day(1)).staged == 1


def test_a_stop_between_reading_and_the_end_of_the_run_stands(workspace: Workspace) -> None:
    contact, run = a_contact(workspace, ANN), uuid.uuid4()
    read(contact, True, before=None)
    read(contact, False, at=day(1), run=run)
    text(workspace, "STOP")

    importing.apply_staged(workspace=workspace, run=run)

    assert status(workspace, ANN) == "opted_out"
    assert ConsentConflict.objects.get().salesforce_id == contact.salesforce_id
    assert pushes(contact, "waiting") == ["opted_out"]


def test_against_a_stop_it_is_a_conflict_and_salesforce_is_corrected(workspace: Workspace) -> None:
    contact = a_contact(workspace, ANN)
    text(workspace, "STOP")
    deliver(workspace, at=1)

    imported = read(contact, False, at=day(2))

    assert (imported.staged, status(workspace, ANN)) == (0, "opted_out")
    assert ConsentConflict.objects.get().salesforce_id == contact.salesforce_id
    assert pushes(contact) == ["opted_out", "opted_out"]


def test_a_page_older_than_the_acknowledgement_says_nothing(workspace: Workspace) -> None:
    contact = a_contact(workspace, ANN)
    text(workspace, "STOP")
    deliver(workspace, at=3)
    text(workspace, "START")
    deliver(workspace, at=5)

    read(contact, True, at=day(4))

    assert status(workspace, ANN) == "opted_in"
    assert pushes(contact) == ["opted_out", "opted_in"]


@pytest.mark.parametrize(("first", "then"), [("STOP", False), ("START", True)])
def test_an_import_does_not_undo_what_a_waiting_push_carries(
    workspace: Workspace, first: str, then: bool
) -> None:
    contact = a_contact(workspace, ANN)
    read(contact, then, before=None)
    if first == "START":
        text(workspace, "STOP")
    text(workspace, first)
    before = status(workspace, ANN)

    read(contact, then, at=day(1))

    assert status(workspace, ANN) == before
    assert len(pushes(contact, "waiting")) == 1


def test_what_our_own_user_wrote_opts_nobody_in(workspace: Workspace, texter: Member) -> None:
    contact = a_contact(workspace, ANN)
    opt_out(workspace=workspace, number=ANN, by=texter)
    deliver(workspace, at=1)

    read(contact, False, at=day(2), by_us=True)

    assert status(workspace, ANN) == "opted_out"
    assert pushes(contact, "waiting") == ["opted_out"]


def test_an_echo_of_a_push_that_was_never_answered_is_not_staff(workspace: Workspace) -> None:
    contact = a_contact(workspace, ANN)
    read(contact, False, before=None)
    text(workspace, "STOP")
    claim(workspace_id=workspace.pk, now=now() + timedelta(seconds=1))
    text(workspace, "START")

    read(contact, True, at=day(1))

    assert status(workspace, ANN) == "opted_in"


def test_of_an_org_whose_clock_is_behind_an_answer_still_comes_after(
    workspace: Workspace, texter: Member
) -> None:
    """The org's stamps lie months before our own clock: only what it answers tells the order."""
    contact = a_contact(workspace, ANN)
    opt_out(workspace=workspace, number=ANN, by=texter)
    deliver(workspace, at=1)

    opted_back_in(contact, at=2)

    event = ConsentEvent.objects.latest("pk")
    assert event.kind == "staff_in"
    assert event.counts_at > ConsentEvent.objects.earliest("pk").counts_at


# Numbers that change


def test_opted_out_travels_to_the_new_number(workspace: Workspace) -> None:
    contact, other = a_contact(workspace, ANN), a_contact(workspace, BEA)
    text(workspace, "STOP")
    deliver(workspace, at=1)
    before = moved(contact, BEA)

    read(contact, True, at=day(2), before=before)

    assert (status(workspace, ANN), status(workspace, BEA)) == ("opted_out", "opted_out")
    assert lines(workspace, BEA) == ["staff_out by number_changed"]
    assert pushes(other) == ["opted_out"]


def test_who_leaves_a_number_that_another_opts_out_with_the_same_batch_takes_that_along(
    workspace: Workspace,
) -> None:
    mover, stays = a_contact(workspace, ANN), a_contact(workspace, ANN)
    mover.mobile_number = BEA
    mover.save(update_fields=["mobile_number"])

    read_all(
        [
            Sighting(mover.salesforce_id, BEA, ANN, Seen(False, day(1))),
            Sighting(stays.salesforce_id, ANN, ANN, Seen(True, day(1))),
        ],
        workspace,
    )

    assert (status(workspace, ANN), status(workspace, BEA)) == ("opted_out", "opted_out")
    assert lines(workspace, BEA) == ["staff_out by number_changed"]
    assert pushes(mover) == ["opted_out"]


def test_what_the_next_owner_of_a_number_says_does_not_follow_the_last_one(workspace: Workspace) -> None:
    mover, comes = a_contact(workspace, ANN), a_contact(workspace, ANN)
    mover.mobile_number = BEA
    mover.save(update_fields=["mobile_number"])

    read_all(
        [
            Sighting(mover.salesforce_id, BEA, ANN, Seen(False, day(1))),
            Sighting(comes.salesforce_id, ANN, None, Seen(True, day(1))),
        ],
        workspace,
    )

    assert (status(workspace, ANN), status(workspace, BEA)) == ("opted_out", "opted_in")


def test_opted_out_travels_over_a_time_without_a_number(workspace: Workspace) -> None:
    a_mapping(workspace, PICKLIST, object_name="Lead")
    contact = a_contact(workspace, ANN)
    actions.set_mapping(workspace=workspace, object_name="Contact", field=None, by=None)
    text(workspace, "STOP")
    read(contact, None, before=moved(contact, ""))

    read(contact, None, before=moved(contact, CAL))

    assert status(workspace, CAL) == "opted_out"
    assert not RecordValue.objects.get().left_opted_out


@pytest.mark.parametrize("over", [[], [""], ["", ""]])
def test_a_likely_opt_out_travels_too_also_over_a_time_without_a_number(
    workspace: Workspace, over: list[str]
) -> None:
    contact = a_contact(workspace, ANN)
    text(workspace, "please stop texting me")
    said = Consent.objects.get(number=ANN).likely
    for number in over:
        read(contact, False, before=moved(contact, number))

    read(contact, False, before=moved(contact, BEA))

    arrived = Consent.objects.get(number=BEA)
    assert (arrived.is_suppressed, arrived.is_opted_out, arrived.likely) == (True, False, said)
    assert not RecordValue.objects.exclude(left_likely=None).exists()


def test_what_was_found_to_be_no_opt_out_does_not_travel_on(workspace: Workspace, texter: Member) -> None:
    contact, other = a_contact(workspace, ANN), a_contact(workspace, CAL)
    for number in (ANN, CAL):
        text(workspace, "wrong number", number)
    for one in (contact, other):
        read(one, False, before=moved(one, ""))
    actions.close_review(review=Review.objects.get(consent__number=ANN), is_opt_out=False, by=texter)

    read(contact, False, before=moved(contact, BEA))

    assert not Consent.objects.filter(number=BEA, is_suppressed=True).exists()
    assert RecordValue.objects.get(salesforce_id=other.salesforce_id).left_likely


def test_what_the_master_of_a_merge_left_is_remembered_too(workspace: Workspace) -> None:
    gone, stays = a_contact(workspace, BEA), a_contact(workspace, ANN)
    actions.set_mapping(workspace=workspace, object_name="Contact", field=None, by=None)
    text(workspace, "STOP")
    read(stays, None, before=moved(stays, ""))
    gone.delete()
    loser, master = gone.salesforce_id, stays.salesforce_id
    actions.join(workspace=workspace, loser=loser, loser_number=BEA, master=master, master_number="")

    read(stays, None, before=moved(stays, CAL))

    assert status(workspace, CAL) == "opted_out"


def test_a_number_changed_by_hand_travels_as_well(workspace: Workspace) -> None:
    contact = a_contact(workspace, ANN)
    text(workspace, "STOP")

    outcome = actions.number_changed(
        workspace=workspace, salesforce_id=contact.salesforce_id, before=moved(contact, BEA), after=BEA
    )

    assert outcome.status == "opted_out"


# Merges


@pytest.mark.parametrize(("loser", "master"), [(ANN, BEA), (BEA, ANN)])
def test_two_consents_that_meet_tighten(workspace: Workspace, loser: str, master: str) -> None:
    gone, stays = a_contact(workspace, loser), a_contact(workspace, master)
    text(workspace, "STOP", ANN)
    gone.delete()

    actions.join(
        workspace=workspace,
        loser=gone.salesforce_id,
        loser_number=loser,
        master=stays.salesforce_id,
        master_number=master,
    )

    assert status(workspace, master) == "opted_out"
    assert pushes(stays, "waiting") == ["opted_out"]
    assert pushes(gone, "waiting") == []


def test_a_merge_does_not_make_the_master_speak(workspace: Workspace, texter: Member) -> None:
    gone, stays = a_contact(workspace, BEA), a_contact(workspace, ANN)
    opt_out(workspace=workspace, number=ANN, by=texter)
    deliver(workspace, at=1)
    gone.delete()
    actions.join(
        workspace=workspace,
        loser=gone.salesforce_id,
        loser_number=BEA,
        master=stays.salesforce_id,
        master_number=ANN,
    )

    opted_back_in(stays, at=2)

    assert status(workspace, ANN) == "opted_out"
    assert pushes(stays, "waiting") == ["opted_out"]
    deliver(workspace, at=3)
    opted_back_in(stays, at=4)
    assert status(workspace, ANN) == "opted_in"


def test_what_others_set_in_the_master_is_not_written_over_by_an_opt_in(workspace: Workspace) -> None:
    gone, stays = a_contact(workspace, BEA), a_contact(workspace, ANN)
    gone.delete()
    actions.join(
        workspace=workspace,
        loser=gone.salesforce_id,
        loser_number=BEA,
        master=stays.salesforce_id,
        master_number=ANN,
    )
    assert pushes(stays, "waiting") == []

    read(stays, True, at=day(1))

    assert status(workspace, ANN) == "opted_out"


# New mappings


def reverse_slider(workspace: Workspace, *, reverse: bool = True) -> None:
    field = actions.OptOutField("Opted_Out__c", FieldKind.CHECKBOX, unchecked_means_opted_in=not reverse)
    actions.set_mapping(workspace=workspace, object_name="Contact", field=field, by=None)


def test_a_new_mapping_tightens_and_loosens_neither_person_nor_staff(
    workspace: Workspace, texter: Member
) -> None:
    stopped, staffed, free = (a_contact(workspace, number) for number in (ANN, BEA, CAL))
    text(workspace, "STOP", ANN)
    opt_out(workspace=workspace, number=BEA, by=texter)
    deliver(workspace, at=1)
    reverse_slider(workspace)
    run = uuid.uuid4()

    for contact, value in ((stopped, True), (staffed, True), (free, False)):
        read(contact, value, at=day(1), run=run)
    importing.apply_staged(workspace=workspace, run=run)

    assert [status(workspace, number) for number in (ANN, BEA, CAL)] == ["opted_out"] * 3
    assert pushes(stopped, "waiting") == pushes(staffed, "waiting") == ["opted_out"]


def a_mapping_saved_anew(workspace: Workspace) -> None:
    """Saved as something else, and back."""
    reverse_slider(workspace)
    reverse_slider(workspace, reverse=False)


@pytest.mark.parametrize("delivered", [True, False])
@pytest.mark.parametrize("stopped", [True, False])
def test_an_opt_in_before_a_new_mapping_was_read_is_told_and_stands(
    workspace: Workspace, admin: Member, stopped: bool, delivered: bool
) -> None:
    contact, other = (a_contact(workspace, ANN) for _ in range(2))
    if stopped:
        text(workspace, "STOP")
        deliver(workspace, at=1)
    else:
        read(contact, True, at=day(1), before=None)
    a_mapping_saved_anew(workspace)

    done = opt_in(workspace=workspace, number=ANN, by=admin, reason="asked for it on the phone")

    assert done.pushes == 2
    if delivered:
        deliver(workspace, at=2)
        read(contact, False, at=day(2))
    else:
        read(contact, True, at=day(1))
    assert status(workspace, ANN) == "opted_in"
    assert pushes(other, "waiting", "acknowledged")[-1] == "opted_in"


def test_a_start_before_a_new_mapping_was_read_is_told_and_stands(workspace: Workspace) -> None:
    contact = a_contact(workspace, ANN)
    a_mapping_saved_anew(workspace)

    text(workspace, "START")
    read(contact, True)

    assert (status(workspace, ANN), pushes(contact, "waiting")) == ("opted_in", ["opted_in"])


@pytest.mark.parametrize("late", [False, True])
def test_what_a_record_says_under_a_new_mapping_lifts_no_later_opt_in_but_an_earlier_one(
    workspace: Workspace, texter: Member, late: bool
) -> None:
    """Late: the record was changed after the member's word."""
    contact = a_contact(workspace, ANN)
    opt_out(workspace=workspace, number=ANN, by=texter)
    if late:
        a_mapping_saved_anew(workspace)
    opt_in(workspace=workspace, number=ANN, by=texter)
    if not late:
        a_mapping_saved_anew(workspace)

    read(contact, True, at=now() if late else LONG_AGO)

    assert status(workspace, ANN) == "opted_out"


def test_a_likely_opt_out_tells_no_record_that_was_not_read_under_a_new_mapping(workspace: Workspace) -> None:
    contact = a_contact(workspace, ANN)
    a_mapping_saved_anew(workspace)

    text(workspace, "stop texting me")

    assert pushes(contact) == []


def test_a_record_that_comes_to_a_number_is_heard_whatever_was_said_before(workspace: Workspace) -> None:
    text(workspace, "START")
    contact = a_contact(workspace, ANN)

    read(contact, True, before=None)

    assert status(workspace, ANN) == "opted_out"


def test_a_slider_that_was_the_wrong_way_is_mended_by_an_admin(workspace: Workspace, admin: Member) -> None:
    reverse_slider(workspace)
    people = [a_contact(workspace, number) for number in (ANN, BEA)]
    for contact in people:
        read(contact, False, before=None)
    assert {status(workspace, number) for number in (ANN, BEA)} == {"opted_out"}
    reverse_slider(workspace, reverse=False)
    run = uuid.uuid4()

    staged = [read(contact, False, run=run).staged for contact in people]

    assert (staged, ConsentPush.objects.count()) == ([1, 1], 0)
    importing.apply_staged(workspace=workspace, run=run, accepted_by=admin, reason="the slider was reversed")
    assert {status(workspace, number) for number in (ANN, BEA)} == {"opted_in"}
    assert ConsentPush.objects.count() == 0


def test_whom_a_member_opts_out_since_the_slider_was_mended_stays_out(
    workspace: Workspace, admin: Member, texter: Member
) -> None:
    reverse_slider(workspace)
    contact = a_contact(workspace, ANN)
    read(contact, False, before=None)
    reverse_slider(workspace, reverse=False)
    run = uuid.uuid4()
    read(contact, False, run=run)
    opt_out(workspace=workspace, number=ANN, by=texter)

    importing.apply_staged(workspace=workspace, run=run, accepted_by=admin, reason="the slider was reversed")

    assert status(workspace, ANN) == "opted_out"
    assert pushes(contact) == ["opted_out"]


def test_applying_locks_all_numbers_at_once(workspace: Workspace, admin: Member) -> None:
    """In parts they would be locked in another order than by whoever tells Salesforce meanwhile."""
    reverse_slider(workspace)
    free, bound, partner = (a_contact(workspace, number) for number in (ANN, BEA, BEA))
    for contact in (free, bound, partner):
        read(contact, False, before=None)
    reverse_slider(workspace, reverse=False)
    run = uuid.uuid4()
    read(partner, True, run=run)
    for contact in (free, bound):
        read(contact, False, run=run)

    with CaptureQueriesContext(connection) as queries:
        importing.apply_staged(workspace=workspace, run=run, accepted_by=admin, reason="reversed")

    locks = [one["sql"] for one in queries if "order by number for update" in one["sql"]]
    assert ANN in locks[0]
    assert BEA in locks[0]


def test_a_mapping_that_takes_empty_for_opted_in_lifts_silence(workspace: Workspace) -> None:
    a_mapping(workspace, PICKLIST)
    contact, run = a_contact(workspace, ANN), uuid.uuid4()
    read(contact, None, before=None)
    assert status(workspace, ANN) == "opted_out"
    a_mapping(
        workspace,
        actions.OptOutField(PICKLIST.field, PICKLIST.kind, True, "Yes", "No", empty_means_opted_in=True),
    )

    read(contact, None, run=run)
    importing.apply_staged(workspace=workspace, run=run)

    assert status(workspace, ANN) == "opted_in"
    assert pushes(contact) == []


def test_afterwards_the_ledger_still_replays(workspace: Workspace, texter: Member) -> None:
    contact = a_contact(workspace, ANN)
    read(contact, True, before=None)
    text(workspace, "START")
    deliver(workspace, at=1)
    opt_out(workspace=workspace, number=ANN, by=texter)
    opt_in(workspace=workspace, number=ANN, by=texter)

    assert list(verify.differences(workspace)) == []
