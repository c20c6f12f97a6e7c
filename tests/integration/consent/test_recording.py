"""What people, carriers and members say, and what becomes of it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError

from carillon.accounts.models import AuditEntry, Member, Role, Workspace
from carillon.consent import actions, queries, verify
from carillon.consent.actions import MayNot, OptOutField, carrier_blocks, opt_in, opt_out, text_received
from carillon.consent.decide import Kind, When
from carillon.consent.keywords import understand
from carillon.consent.models import Cause, Consent, ConsentConflict, ConsentEvent, ConsentPush, Review
from carillon.consent.pushes import claim, withdraw_unmapped
from carillon.consent.reading import FieldKind
from carillon.contacts import remembered
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from tests.integration.consent.people import (
    ANN,
    BEA,
    CHECKBOX,
    a_contact,
    a_mapping,
    a_member,
    acknowledge,
    last_words,
    lines,
    pushes,
    read,
    status,
)


def text(workspace: Workspace, words: str, message_id: str = "", number: str = ANN) -> actions.Outcome:
    return text_received(
        workspace=workspace,
        number=number,
        words=words,
        meaning=understand(words),
        message_id=message_id or words,
    )


def test_stop_opts_out_and_is_pushed_to_every_record_of_the_number(workspace: Workspace) -> None:
    contact, other = a_contact(workspace, ANN), a_contact(workspace, BEA)
    lead = a_contact(workspace, ANN, object_name="Lead")
    a_mapping(workspace, object_name="Lead")

    outcome = text(workspace, "STOP")

    assert (outcome.status, outcome.pushes, outcome.was_known) == ("opted_out", 2, False)
    assert (pushes(contact), pushes(lead), pushes(other)) == (["opted_out"], ["opted_out"], [])
    assert lines(workspace, ANN) == ["person_out by text"]
    assert last_words(workspace) == "STOP"
    assert status(workspace, BEA) == "opted_in"


def test_objects_without_an_opt_out_field_are_not_pushed(workspace: Workspace) -> None:
    lead = a_contact(workspace, ANN, object_name="Lead")

    assert text(workspace, "STOP").pushes == 0
    assert pushes(lead) == []


def test_a_message_counts_once_however_often_it_is_delivered(workspace: Workspace) -> None:
    a_contact(workspace, ANN)
    first = text(workspace, "STOP", "SM1")
    text(workspace, "START", "SM2")

    again = text(workspace, "STOP", "SM1")

    assert (first.was_known, again.was_known, again.event) == (False, True, None)
    assert status(workspace, ANN) == "opted_in"
    assert ConsentEvent.objects.count() == 2


def test_start_lifts_stop_and_overtakes_its_push(workspace: Workspace) -> None:
    contact = a_contact(workspace, ANN)
    text(workspace, "STOP")

    text(workspace, "START")

    assert status(workspace, ANN) == "opted_in"
    assert pushes(contact, "superseded") == ["opted_out"]
    assert pushes(contact, "waiting") == ["opted_in"]


def test_help_and_small_talk_change_nothing(workspace: Workspace) -> None:
    text(workspace, "HELP")
    text(workspace, "see you at noon")

    assert not ConsentEvent.objects.exists()


def test_unknown_numbers_are_opted_out_too(workspace: Workspace) -> None:
    text(workspace, "stop", number=BEA)

    assert status(workspace, BEA) == "opted_out"


def test_workspaces_do_not_share_consent(workspace: Workspace) -> None:
    other = Workspace.objects.create(name="Alumni")

    text(workspace, "STOP")

    assert (status(workspace, ANN), status(other, ANN)) == ("opted_out", "opted_in")


def test_a_carriers_block_has_the_persons_authority(workspace: Workspace, texter: Member) -> None:
    carrier_blocks(workspace=workspace, number=ANN)

    with pytest.raises(MayNot, match="Texters"):
        opt_in(workspace=workspace, number=ANN, by=texter, reason="asked")


def test_texters_opt_in_only_what_staff_opted_out(workspace: Workspace, texter: Member) -> None:
    opt_out(workspace=workspace, number=ANN, by=texter, reason="asked at the fair")
    outcome = opt_in(workspace=workspace, number=ANN, by=texter)
    text(workspace, "STOP")

    assert outcome.status == "opted_in"
    with pytest.raises(MayNot, match="START"):
        opt_in(workspace=workspace, number=ANN, by=texter, reason="please")
    assert status(workspace, ANN) == "opted_out"


def test_an_admin_lifts_stop_with_a_written_reason_only(workspace: Workspace, admin: Member) -> None:
    text(workspace, "STOP")

    with pytest.raises(MayNot, match="reason"):
        opt_in(workspace=workspace, number=ANN, by=admin, reason="  ")
    outcome = opt_in(workspace=workspace, number=ANN, by=admin, reason="asked by e-mail to be texted again")

    assert outcome.status == "opted_in"
    assert lines(workspace, ANN)[-1] == "lifted by member"
    assert AuditEntry.objects.get(action="opted in").detail == {"event": outcome.event}


def test_auditors_change_nothing(workspace: Workspace) -> None:
    auditor = a_member(workspace, Role.AUDITOR)

    with pytest.raises(MayNot, match="Auditors"):
        opt_out(workspace=workspace, number=ANN, by=auditor)
    with pytest.raises(MayNot, match="Auditors"):
        opt_in(workspace=workspace, number=ANN, by=auditor)


def test_who_is_not_opted_out_cannot_be_opted_in(workspace: Workspace, admin: Member) -> None:
    with pytest.raises(MayNot, match="not opted out"):
        opt_in(workspace=workspace, number=ANN, by=admin, reason="to be sure")

    assert not Consent.objects.exists()


def test_a_request_by_phone_counts_from_the_end_of_its_day(workspace: Workspace, texter: Member) -> None:
    yesterday = (now() - timedelta(days=1)).date()
    text(workspace, "START")

    opt_out(workspace=workspace, number=ANN, by=texter, requested=When.on(yesterday, UTC))

    # The START of today came later.
    assert status(workspace, ANN) == "opted_in"
    today = When.on(now().date(), UTC)
    assert opt_out(workspace=workspace, number=ANN, by=texter, requested=today).status == "opted_out"
    with pytest.raises(MayNot):
        opt_in(workspace=workspace, number=ANN, by=texter)


def test_what_happens_in_the_future_counts_from_now(workspace: Workspace, texter: Member) -> None:
    opt_out(workspace=workspace, number=ANN, by=texter, requested=When.on(date(2199, 1, 1), UTC))

    assert text(workspace, "START").status == "opted_in"


def test_a_likely_opt_out_suppresses_and_waits_for_people(workspace: Workspace, texter: Member) -> None:
    contact = a_contact(workspace, ANN)

    outcome = text(workspace, "please stop texting me")

    assert (outcome.status, outcome.is_suppressed, pushes(contact)) == ("opted_in", True, [])
    assert not queries.standings(workspace, [ANN])[ANN].may_be_texted
    review = Review.objects.get(closed_at=None)
    assert timedelta(days=11) <= review.due_at - review.opened_at <= timedelta(days=16)

    confirmed = actions.close_review(review=review, is_opt_out=True, by=texter)

    assert (confirmed.status, confirmed.is_suppressed, pushes(contact)) == ("opted_out", False, ["opted_out"])
    review.refresh_from_db()
    assert review.outcome == "confirmed"
    with pytest.raises(MayNot):
        opt_in(workspace=workspace, number=ANN, by=texter)


def test_a_review_can_find_that_nobody_opted_out(workspace: Workspace, texter: Member) -> None:
    text(workspace, "wrong number")

    outcome = actions.close_review(review=Review.objects.get(), is_opt_out=False, by=texter)

    assert (outcome.status, outcome.is_suppressed) == ("opted_in", False)
    assert Review.objects.get().outcome == "cleared"


@pytest.mark.parametrize("word", ["STOP", "START"])
def test_a_plain_word_overtakes_the_review(workspace: Workspace, word: str) -> None:
    text(workspace, "stop texting me")

    assert not text(workspace, word).is_suppressed
    assert Review.objects.get().outcome == "overtaken"


def test_a_review_that_ends_by_itself_does_not_undo_a_later_start(workspace: Workspace) -> None:
    text(workspace, "stop texting me")
    review = Review.objects.get()
    text(workspace, "START")

    outcome = actions.close_review(review=review, is_opt_out=True, by=None)

    assert (outcome.status, outcome.event) == ("opted_in", None)


def test_the_ledger_refuses_to_be_changed(workspace: Workspace) -> None:
    text(workspace, "STOP")
    enable = "alter table consent_consentevent enable trigger consent_ledger_not_emptied"

    for statement in (
        "update consent_consentevent set kind = 'staff_out'",
        "update consent_consentevent set kind = 'staff_out' where false",
        "delete from consent_consentevent",
        f"set constraints all immediate; {enable}; truncate consent_consentevent cascade",
    ):
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert ConsentEvent.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"number": "2125550101"}, "consent_number_is_e164_or_hash"),
        ({"version": 0}, "consent_with_lines_has_their_time"),
    ],
)
def test_a_consent_that_cannot_be_is_refused(
    workspace: Workspace, change: dict[str, object], constraint: str
) -> None:
    text(workspace, "STOP")

    with pytest.raises(IntegrityError, match=constraint):
        Consent.objects.update(**change)


def test_a_second_unsent_push_of_a_record_is_refused(workspace: Workspace) -> None:
    a_contact(workspace, ANN)
    text(workspace, "STOP")
    push = ConsentPush.objects.get()
    push.pk = None

    with pytest.raises(IntegrityError, match="push_one_unsent_per_record"):
        push.save()


def test_only_texts_carry_a_persons_opt_in(workspace: Workspace) -> None:
    with pytest.raises(IntegrityError, match="event_person_in_by_text_only"):
        actions.record(
            workspace=workspace,
            number=ANN,
            kind=Kind.PERSON_IN,
            cause=Cause.REQUEST,
        )


def test_verify_finds_what_does_not_follow_from_the_ledger(workspace: Workspace, texter: Member) -> None:
    for number in (ANN, BEA):
        text(workspace, "STOP", number=number, message_id=number)
    opt_out(workspace=workspace, number=ANN, by=texter)

    assert list(verify.differences(workspace)) == []
    assert verify.lines(workspace) == 3

    Consent.objects.filter(number=ANN).update(person_in=now())

    (found,) = verify.differences(workspace)
    assert (found.number, found.version, found.lines) == (ANN, 2, 2)


@pytest.mark.parametrize(
    "tampering",
    [
        "update consent_consentevent set status = 'opted_in' where version = 1",
        "update consent_consentevent set kind = 'staff_out' where version = 3",
        "update consent_consentevent set counts_at = counts_at - interval '1 day' where version = 3",
        "delete from consent_evidence; delete from consent_consentevent where version = 2",
        "delete from consent_evidence; delete from consent_consentevent",
    ],
)
def test_verify_finds_what_whoever_owns_the_database_did_to_the_ledger(
    workspace: Workspace, tampering: str
) -> None:
    for words in ("STOP", "START", "Stop"):
        text(workspace, words)
    assert list(verify.differences(workspace)) == []

    with connection.cursor() as cursor:
        cursor.execute("set constraints all immediate")
        cursor.execute("alter table consent_consentevent disable trigger consent_ledger_append_only")
        cursor.execute(tampering)

    (found,) = verify.differences(workspace)
    assert found.number == ANN


def test_times_of_lines_only_grow_when_the_clock_is_set_back(workspace: Workspace) -> None:
    text(workspace, "STOP")
    ahead = now() + timedelta(hours=1)
    Consent.objects.update(last_learnt_at=ahead)

    text(workspace, "START")

    assert Consent.objects.get().person_in == ahead + timedelta(microseconds=1)
    assert status(workspace, ANN) == "opted_in"


def test_numbers_of_erased_people_are_opted_out_by_the_person(workspace: Workspace, admin: Member) -> None:
    remembered.remember(workspace, "0035g0000000001AAA", ANN, "admin@example.org")

    assert status(workspace, ANN) == "opted_out"
    with pytest.raises(MayNot, match="reason"):
        opt_in(workspace=workspace, number=ANN, by=admin)
    assert text(workspace, "START").status == "opted_in"
    assert lines(workspace, ANN) == ["person_out by erased", "person_in by text"]


def test_a_mapping_is_versioned_by_what_its_values_mean(workspace: Workspace, admin: Member) -> None:
    reversed_slider = OptOutField("Opted_Out__c", FieldKind.CHECKBOX, unchecked_means_opted_in=False)

    def save(field: OptOutField | None) -> int | None:
        saved = actions.set_mapping(workspace=workspace, object_name="Contact", field=field, by=admin)
        return saved.version if saved else None

    assert [save(CHECKBOX), save(reversed_slider), save(None), save(None), save(CHECKBOX)] == [
        1,
        2,
        None,
        None,
        4,
    ]
    assert AuditEntry.objects.filter(action="opt-out field changed", member=admin).count() == 3


@pytest.mark.parametrize("values", [("", "No"), ("Yes", ""), ("Yes", "Yes")])
def test_a_picklist_needs_two_values(workspace: Workspace, values: tuple[str, str]) -> None:
    field = OptOutField("Texting__c", FieldKind.PICKLIST, opted_in_value=values[0], opted_out_value=values[1])

    with pytest.raises(CarillonError, match="differ"):
        actions.set_mapping(workspace=workspace, object_name="Contact", field=field, by=None)


def test_unmapping_takes_pushes_back_that_wait_or_are_under_way(workspace: Workspace) -> None:
    contact = a_contact(workspace, ANN)
    text(workspace, "STOP")
    (under_way,) = claim(workspace_id=workspace.pk, now=now() + timedelta(seconds=1))
    text(workspace, "START")

    actions.set_mapping(workspace=workspace, object_name="Contact", field=None, by=None)
    withdraw_unmapped(now())

    assert acknowledge(under_way.id, True, now()) == "superseded"
    assert pushes(contact, "superseded") == ["opted_out", "opted_in"]


def test_a_conflict_is_accepted_by_an_admin_with_a_reason(workspace: Workspace, admin: Member) -> None:
    contact = a_contact(workspace, ANN)
    read(contact, True, before=None)
    text(workspace, "STOP")
    later = datetime(2026, 2, 1, tzinfo=UTC)
    read(contact, False, at=later)
    conflict = ConsentConflict.objects.get()

    outcome = actions.accept_conflict(conflict=conflict, by=admin, reason="signed the form again")

    assert outcome.status == "opted_in"
    conflict.refresh_from_db()
    assert conflict.state == "accepted"
