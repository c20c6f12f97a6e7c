"""The audit finds every record that holds something else than its number is, and repairs it without taking anybody's
word away."""

from typing import Any

import pytest

from carillon.accounts.models import Workspace
from carillon.connections.models import SalesforceConnection
from carillon.consent import audit, push
from carillon.consent.actions import OptOutField, opt_out
from carillon.consent.audit import Difference, Fate, Unseen
from carillon.consent.models import ConsentAudit, ConsentPush
from carillon.consent.reading import FieldKind
from carillon.contacts.models import Contact
from carillon.lib.clock import now
from carillon.salesforce.errors import SalesforceError
from carillon.salesforce.records.resource import Records
from carillon.salesforce.records.stored import Record
from orgsim.testing import OrgSim
from tests.integration.consent.org_people import FIELD, holds, states, stored, text
from tests.integration.consent.people import a_mapping, status


def audited(workspace: Workspace, *, repair: bool = False) -> tuple[ConsentAudit, list[Difference]]:
    found: list[Difference] = []
    return audit.run(workspace, repair=repair, tell=found.append), found


def test_records_that_agree_are_compared_and_nothing_is_said(connected: Workspace, org: OrgSim) -> None:
    people = [*stored(connected, org, count=5), *stored(connected, org, "Lead", count=3)]
    text(people[0])
    push.deliver(connected.pk)

    done, found = audited(connected)

    assert found == []
    assert (done.compared, done.differing, done.waiting, done.calls) == (8, 0, 0, 2)
    assert done.finished_at is not None


def test_a_lost_opt_out_is_listed_and_with_repair_pushed_again(connected: Workspace, org: OrgSim) -> None:
    contact, _ = stored(connected, org, count=2)
    text(contact)
    # As if the org were restored from a backup: the record is as it was, stamps and all.
    ConsentPush.objects.update(state="acknowledged", settled_at=now())

    done, (difference,) = audited(connected)

    assert (difference.salesforce_id, difference.consent, difference.holds) == (
        contact.salesforce_id,
        "opted_out",
        "opted_in",
    )
    assert (done.differing, done.repaired, states(connected)) == (1, 0, ["acknowledged"])
    done, _ = audited(connected, repair=True)
    push.deliver(connected.pk)
    assert (done.differing, done.repaired) == (1, 1)
    assert holds(org, contact.salesforce_id) == [True]
    assert audited(connected)[1] == []


def test_staff_who_opted_out_in_salesforce_are_heard_and_not_overwritten(
    connected: Workspace, org: OrgSim
) -> None:
    (contact,) = stored(connected, org)
    org.edit(contact.salesforce_id, **{FIELD: True})

    done, _ = audited(connected, repair=True)
    push.deliver(connected.pk)

    assert done.repaired == 1
    assert status(connected, contact.mobile_number) == "opted_out"
    assert holds(org, contact.salesforce_id) == [True]
    assert states(connected) == []


def test_staff_who_opted_in_in_salesforce_wait_for_the_next_import(connected: Workspace, org: OrgSim) -> None:
    (contact,) = stored(connected, org)
    opt_out(workspace=connected, number=contact.mobile_number, by=None)
    push.deliver(connected.pk)
    org.set_clock_offset(5)
    org.edit(contact.salesforce_id, **{FIELD: False})

    done, (difference,) = audited(connected, repair=True)
    push.deliver(connected.pk)

    assert difference.done == audit.WAITS_FOR_IMPORT
    assert (done.differing, done.repaired, done.waiting) == (1, 0, 1)
    assert holds(org, contact.salesforce_id) == [False]


def test_out_of_the_source_where_no_import_would_decide_the_record_is_corrected(
    connected: Workspace, org: OrgSim
) -> None:
    (contact,) = stored(connected, org)
    Contact.objects.update(in_source=False, left_source_at=now())
    opt_out(workspace=connected, number=contact.mobile_number, by=None)
    push.deliver(connected.pk)
    org.set_clock_offset(5)
    org.edit(contact.salesforce_id, **{FIELD: False})

    done, _ = audited(connected, repair=True)
    push.deliver(connected.pk)

    assert (done.repaired, done.waiting) == (1, 0)
    assert holds(org, contact.salesforce_id) == [True]
    assert status(connected, contact.mobile_number) == "opted_out"


def test_against_a_persons_stop_the_record_is_corrected(connected: Workspace, org: OrgSim) -> None:
    (contact,) = stored(connected, org)
    text(contact)
    push.deliver(connected.pk)
    org.set_clock_offset(5)
    org.edit(contact.salesforce_id, **{FIELD: False})

    audited(connected, repair=True)
    push.deliver(connected.pk)

    assert holds(org, contact.salesforce_id) == [True]
    assert status(connected, contact.mobile_number) == "opted_out"


def test_what_is_on_its_way_differs_until_salesforce_has_it(connected: Workspace, org: OrgSim) -> None:
    (contact,) = stored(connected, org)
    text(contact)

    done, (difference,) = audited(connected, repair=True)
    push.deliver(connected.pk)
    after, found = audited(connected)

    assert difference.done.words.startswith("on its way since 20")
    assert (done.differing, done.on_its_way, done.repaired, done.leaves_doubt) == (1, 1, 0, True)
    assert (found, after.leaves_doubt) == ([], False)


def test_other_records_of_a_number_that_it_opts_out_are_repaired_with_it(
    connected: Workspace, org: OrgSim
) -> None:
    (contact,), (lead,) = stored(connected, org), stored(connected, org, "Lead")
    org.edit(contact.salesforce_id, **{FIELD: True})

    done, found = audited(connected, repair=True)
    push.deliver(connected.pk)

    assert contact.mobile_number == lead.mobile_number
    assert [one.salesforce_id for one in found] == [contact.salesforce_id, lead.salesforce_id]
    assert (done.differing, done.repaired, done.on_its_way, done.leaves_doubt) == (2, 2, 0, False)
    assert holds(org, contact.salesforce_id, lead.salesforce_id) == [True, True]


def test_what_salesforce_refuses_is_listed_with_the_reason(connected: Workspace, org: OrgSim) -> None:
    by_rule, locked = stored(connected, org)[0], stored(connected, org, "Lead")[0]
    org.set_validation_rule("Contact", f"{FIELD} = true", "Ask the registrar first.")
    org.lock_for_approval(locked.salesforce_id)
    for contact in (by_rule, locked):
        text(contact)
        push.deliver(connected.pk)

    done, found = audited(connected, repair=True)

    assert [one.salesforce_id for one in found] == [by_rule.salesforce_id, locked.salesforce_id]
    assert all(one.done.words.startswith("refused: ") for one in found)
    assert "Ask the registrar first." in found[0].done.words
    assert (done.differing, done.refused, done.repaired, done.leaves_doubt) == (2, 2, 0, True)


def test_what_automation_puts_back_and_what_waits_for_an_org_that_is_down_say_so(
    connected: Workspace, org: OrgSim
) -> None:
    contact, later = stored(connected, org, count=2)
    org.set_flow("Contact", FIELD, put_back=True)
    text(contact)
    push.deliver(connected.pk)
    org.fail_next(503, times=2)
    text(later)
    push.deliver(connected.pk)

    found = {one.salesforce_id: one.done for one in audited(connected)[1]}

    assert found[contact.salesforce_id].fate is Fate.REFUSED
    assert found[contact.salesforce_id].words.startswith("put back: Salesforce took the change")
    assert found[later.salesforce_id].fate is Fate.ON_ITS_WAY
    assert "503" in found[later.salesforce_id].words


def test_what_is_not_shown_leaves_doubt(connected: Workspace, org: OrgSim) -> None:
    _, gone = stored(connected, org, count=2)
    org.hard_delete(gone.salesforce_id)

    found: list[Difference] = []
    unseen: list[Unseen] = []
    done = audit.run(connected, repair=True, tell=found.append, tell_unseen=unseen.append)

    assert (found, unseen) == ([], [(gone.salesforce_id, "Contact", gone.mobile_number)])
    assert (done.compared, done.differing, done.unseen, done.leaves_doubt) == (1, 0, 1, True)


def test_records_restored_from_an_older_backup_are_listed_and_corrected_towards_opted_out(
    connected: Workspace, org: OrgSim
) -> None:
    stopped, back_in = stored(connected, org, count=2)
    for words in ("STOP", "START"):
        text(back_in, words)
        push.deliver(connected.pk)
    text(stopped)
    push.deliver(connected.pk)
    org.set_clock_offset(-3600)
    org.edit(stopped.salesforce_id, **{FIELD: False})
    org.edit(back_in.salesforce_id, **{FIELD: True})

    listed, found = audited(connected)
    done, _ = audited(connected, repair=True)
    push.deliver(connected.pk)

    assert (listed.differing, {one.salesforce_id for one in found}) == (
        2,
        {stopped.salesforce_id, back_in.salesforce_id},
    )
    assert (done.differing, done.repaired) == (2, 2)
    assert holds(org, stopped.salesforce_id, back_in.salesforce_id) == [True, True]
    assert [status(connected, one.mobile_number) for one in (stopped, back_in)] == ["opted_out"] * 2
    assert audited(connected)[1] == []


@pytest.mark.parametrize("words", ["STOP", "START"])
def test_what_is_told_to_salesforce_while_it_is_read_is_no_difference(
    connected: Workspace, org: OrgSim, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    (contact,) = stored(connected, org)
    if words == "START":
        text(contact)
        push.deliver(connected.pk)
    read_many = Records.read_many

    def read_then_told(records: Records, *asked: Any) -> list[Record | None]:
        answer = read_many(records, *asked)
        text(contact, words)
        push.deliver(connected.pk)
        return answer

    monkeypatch.setattr(Records, "read_many", read_then_told)

    done, found = audited(connected, repair=True)

    assert found == []
    assert (done.differing, done.leaves_doubt) == (0, False)
    assert states(connected)[-1] == "acknowledged"
    assert status(connected, contact.mobile_number) == ("opted_out" if words == "STOP" else "opted_in")


def test_a_field_that_is_mapped_anew_meanwhile_ends_the_audit(
    connected: Workspace, org: OrgSim, monkeypatch: pytest.MonkeyPatch
) -> None:
    (contact,) = stored(connected, org)
    org.edit(contact.salesforce_id, **{FIELD: True})
    read_many = Records.read_many

    def read_then_mapped(records: Records, *asked: Any) -> list[Record | None]:
        answer = read_many(records, *asked)
        a_mapping(connected, OptOutField(FIELD, FieldKind.CHECKBOX, unchecked_means_opted_in=False))
        return answer

    monkeypatch.setattr(Records, "read_many", read_then_mapped)

    with pytest.raises(audit.MappingChanged):
        audited(connected, repair=True)

    assert status(connected, contact.mobile_number) == "opted_in"
    assert "mapped anew" in ConsentAudit.objects.get().error


def test_the_reserve_for_opt_outs_is_left_alone(connected: Workspace, org: OrgSim) -> None:
    stored(connected, org, count=2)
    stored(connected, org, "Lead")
    org.set_limit(SalesforceConnection.objects.get(workspace=connected).reserve_calls)

    with pytest.raises(SalesforceError, match="kept for opt-outs"):
        audited(connected)

    assert ConsentAudit.objects.get().calls == 1


def test_why_it_could_not_be_done_is_kept(connected: Workspace, org: OrgSim) -> None:
    stored(connected, org)
    org.hide_field("Contact", FIELD)

    with pytest.raises(SalesforceError):
        audited(connected)

    assert FIELD in ConsentAudit.objects.get().error
