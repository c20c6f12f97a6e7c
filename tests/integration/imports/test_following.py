"""What becomes of people whose records leave the list: deleted, taken back, merged, converted."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import IntegrityError, connection, transaction

from carillon.consent import push
from carillon.consent.words import for_programs
from carillon.contacts import queries, remembered
from carillon.contacts.models import Contact, ErasedRecord, FieldChange, FormerId, SuppressedNumber
from carillon.imports.actions import save_setup, setup_for
from carillon.imports.drafts import AdditionalField, SetupDraft, draft_of
from carillon.imports.dry_run import Trial, try_import
from carillon.imports.erasing import erase
from carillon.imports.lock import is_locked
from carillon.imports.models import ImportRun, ImportSetup, Mode, RunStatus
from carillon.imports.runner import Options, execute
from carillon.imports.runs import Request
from carillon.lib.clock import now
from carillon.salesforce.transport import Retry
from orgsim.testing import OrgSim
from orgsim.viewdef import Leaf
from tests.integration.commands import start
from tests.integration.consent.org_people import text
from tests.integration.consent.people import status
from tests.integration.consent.promise_world import OUT_BOX
from tests.integration.imports.conftest import org_ids, stored_ids, type_of_import
from tests.integration.imports.test_interrupted import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

type_of_lead_import = Callable[[], ImportRun]


@pytest.fixture
def import_leads(setup: ImportSetup, draft: SetupDraft) -> type_of_lead_import:
    leads = replace(
        draft, source="AllLeads", additional_fields=(), first_name="FirstName", first_name_fallback=""
    )
    lead_setup = save_setup(setup=setup_for(setup.workspace, "Lead"), draft=leads, by=None)

    def run() -> ImportRun:
        done = execute(Request(lead_setup, Mode.CHANGES))
        assert done.status == RunStatus.SUCCEEDED, done.error
        return done

    return run


@pytest.fixture
def texting(setup: ImportSetup, draft: SetupDraft) -> None:
    """The list holds only people with a mobile number."""
    save_setup(setup=setup, draft=replace(draft, source="TextingContacts"), by=None)


def person(record_id: str) -> Contact:
    return Contact.objects.get(salesforce_id=record_id)


def lines_of(record_id: str) -> list[tuple[str, object, object]]:
    found = FieldChange.objects.filter(contact__salesforce_id=record_id).order_by("pk")
    return list(found.values_list("field", "before", "after"))


def a_day_goes_by() -> None:
    Contact.objects.filter(looked_for_at__isnull=False).update(looked_for_at=now() - timedelta(hours=25))


def test_leavers_are_told_apart_by_what_became_of_their_records(
    org: OrgSim, texting: None, import_now: type_of_import
) -> None:
    import_now()
    outside, deleted, purged, merged_away, master, *_ = sorted(stored_ids())
    org.edit(outside, MobilePhone=None)
    org.delete(deleted)
    org.hard_delete(purged)
    org.merge(master, (merged_away,))

    run = import_now()

    assert run.status == RunStatus.SUCCEEDED
    assert (run.left_source, run.deleted, run.hidden, run.merged) == (3, 1, 1, 1)
    found = {one.salesforce_id: one for one in Contact.objects.filter(in_source=False)}
    assert {key: one.absence for key, one in found.items()} == {
        outside: "",
        deleted: "deleted",
        purged: "hidden",
    }
    assert found[deleted].absent_since is not None
    assert found[deleted].left_source_at is not None
    assert lines_of(deleted) == [("in_source", True, False), ("record:absence", "", "deleted")]
    assert set(FieldChange.objects.values_list("run", flat=True)) == {run.public_id}


def test_who_comes_back_while_everything_is_read_anew_is_read_as_well(
    org: OrgSim, setup: ImportSetup, texting: None, import_now: type_of_import
) -> None:
    """Out of the list when the read that was broken off began, and in it again when the next one ends it."""
    import_now()
    away = min(stored_ids())
    number = person(away).mobile_as_given
    graduation = AdditionalField("Graduation_Year__c", "class_of", "Class of", "number")
    save_setup(setup=setup, draft=replace(draft_of(setup), additional_fields=(graduation,)), by=None)
    unseen(org, away, None)
    org.fail_next(503, path_contains="/queryAll")
    failed = execute(Request(setup, Mode.CHANGES), Options(retry=Retry(most_attempts=1)))
    assert (failed.status, failed.has_place) == (RunStatus.FAILED, True)
    unseen(org, away, number)

    run = import_now()

    assert (run.status, run.mode, run.continues) == (RunStatus.SUCCEEDED, Mode.EVERYTHING, failed)
    assert "class_of" in person(away).fields


def unseen(org: OrgSim, record_id: str, number: str | None) -> None:
    """Changes the number without touching the record."""
    with org.store.writing() as store:
        store.execute("UPDATE Contact SET MobilePhone = ? WHERE Id = ?", [number, record_id])


def test_nobody_who_stayed_is_asked_about(org: OrgSim, import_now: type_of_import) -> None:
    import_now()
    quiet = import_now()
    org.delete(min(stored_ids()))

    run = import_now()

    assert run.api_calls == quiet.api_calls + 1


def test_somebody_deleted_and_taken_back_is_in_the_source_again(
    org: OrgSim, import_now: type_of_import
) -> None:
    import_now()
    record_id = min(stored_ids())
    org.delete(record_id)
    import_now()
    org.undelete(record_id)

    import_now()

    back = person(record_id)
    assert (back.in_source, back.absence, back.absent_since, back.left_source_at) == (True, "", None, None)


def test_a_delete_after_leaving_is_noticed_once_a_day(
    org: OrgSim, texting: None, import_now: type_of_import
) -> None:
    import_now()
    record_id = min(stored_ids())
    org.edit(record_id, MobilePhone=None)
    import_now()
    org.delete(record_id)
    quiet = import_now()
    assert person(record_id).absence == ""

    a_day_goes_by()
    looked = import_now()
    again = import_now()

    assert person(record_id).absence == "deleted"
    assert lines_of(record_id)[-1] == ("record:absence", "", "deleted")
    assert looked.api_calls == quiet.api_calls + 1
    assert again.api_calls == quiet.api_calls


def test_who_was_deleted_stays_so_when_the_bin_is_emptied(org: OrgSim, import_now: type_of_import) -> None:
    import_now()
    record_id = min(stored_ids())
    org.delete(record_id)
    import_now()
    org.empty_recycle_bin(record_id)
    a_day_goes_by()

    import_now()

    assert person(record_id).absence == "deleted"


def test_a_record_taken_back_outside_the_list_is_no_longer_deleted(
    org: OrgSim, texting: None, import_now: type_of_import
) -> None:
    import_now()
    record_id = min(stored_ids())
    org.edit(record_id, MobilePhone=None)
    org.delete(record_id)
    import_now()
    org.undelete(record_id)
    a_day_goes_by()

    import_now()

    found = person(record_id)
    assert (found.in_source, found.absence) == (False, "")


def test_a_member_leaves_without_being_modified(org: OrgSim, import_now: type_of_import) -> None:
    """The list looks at another object."""
    record_id, account = (
        org.store.reader()
        .execute(
            "SELECT Id, AccountId FROM Contact WHERE IsDeleted = 0 AND AccountId IS NOT NULL ORDER BY pk LIMIT 1"
        )
        .fetchone()
    )
    (name,) = org.store.reader().execute("SELECT Name FROM Account WHERE Id = ?", [account]).fetchone()
    org.set_list_view_filter(
        "AllContacts", Leaf(field="Account.Name", operator="equals", values=(f"'{name}'",))
    )
    import_now()
    stamp = person(record_id).system_modstamp
    org.edit(account, Name="Renamed Household")

    run = import_now()

    left = person(record_id)
    assert (run.status, left.in_source, left.absence) == (RunStatus.SUCCEEDED, False, "")
    assert left.system_modstamp == stamp


def test_two_imported_people_who_are_merged_become_one(org: OrgSim, import_now: type_of_import) -> None:
    import_now()
    loser, master, *_ = sorted(stored_ids())
    org.edit(loser, LastName="Before-Merging")
    import_now()
    org.merge(master, (loser,), {"LastName": "Merged"})

    run = import_now()

    assert (run.merged, run.left_source) == (1, 0)
    assert not Contact.objects.filter(salesforce_id=loser).exists()
    one = person(master)
    assert (one.last_name, one.in_source) == ("Merged", True)
    assert ("last_name", "Before-Merging") in [(name, after) for name, _, after in lines_of(master)]
    assert ("record:merged", loser, master) in lines_of(master)
    assert queries.by_record_id(one.workspace, loser) == one
    assert queries.search(one.workspace, loser[:15]).contacts == [one]


def test_a_chain_of_merges_leads_to_its_end(org: OrgSim, import_now: type_of_import) -> None:
    import_now()
    ids = sorted(stored_ids())[:6]
    for loser, master in pairwise(ids):
        org.merge(master, (loser,))

    run = import_now()

    assert run.merged == 5
    assert stored_ids(salesforce_id__in=ids) == {ids[-1]}
    assert set(FormerId.objects.values_list("salesforce_id", "contact__salesforce_id")) == {
        (former, ids[-1]) for former in ids[:-1]
    }


def test_a_master_that_was_not_imported_takes_the_person_over(
    org: OrgSim, texting: None, import_now: type_of_import
) -> None:
    """Read by its own id, though it is in no list."""
    import_now()
    loser = min(stored_ids())
    master = org.create("Contact", FirstName="Maxima", LastName="Outside")
    org.merge(master, (loser,))

    run = import_now()

    one = person(master)
    assert (run.merged, run.left_source, run.updated) == (1, 1, 1)
    assert (one.last_name, one.in_source, one.absence) == ("Outside", False, "")
    assert one.mobile_number == ""
    assert not Contact.objects.filter(salesforce_id=loser).exists()
    assert lines_of(master)[0] == ("record:merged", loser, master)


def test_a_master_that_is_deleted_too_takes_the_person_with_it(
    org: OrgSim, import_now: type_of_import
) -> None:
    import_now()
    loser = min(stored_ids())
    master = org.create("Contact", LastName="Short-Lived")
    org.merge(master, (loser,))
    org.delete(master)

    run = import_now()

    one = person(master)
    assert (run.status, one.in_source, one.absence) == (RunStatus.SUCCEEDED, False, "deleted")


def test_a_merge_after_leaving_is_followed(org: OrgSim, texting: None, import_now: type_of_import) -> None:
    import_now()
    left, master, *_ = sorted(stored_ids())
    org.edit(left, MobilePhone=None)
    import_now()
    org.merge(master, (left,))
    a_day_goes_by()

    run = import_now()

    assert run.merged == 1
    assert not Contact.objects.filter(salesforce_id=left).exists()
    assert ("record:merged", left, master) in lines_of(master)


def test_a_merged_record_that_is_taken_back_is_somebody_again(
    org: OrgSim, import_now: type_of_import
) -> None:
    import_now()
    loser, master, *_ = sorted(stored_ids())
    org.merge(master, (loser,))
    import_now()
    org.undelete(loser)

    import_now()

    assert {loser, master} <= stored_ids(in_source=True)
    assert not FormerId.objects.exists()
    assert queries.by_record_id(person(loser).workspace, loser) == person(loser)


def test_a_number_that_must_not_be_texted_stays_so_through_a_merge(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    loser = org.create("Contact", LastName="Loser", MobilePhone="(212) 555-0123")
    master = org.create("Contact", LastName="Master", MobilePhone="(212) 555-0123")
    shared = org.create("Contact", LastName="Erased", MobilePhone="(212) 555-0123")
    import_now()
    erase(workspace=setup.workspace, salesforce_id=shared, by=None)
    org.merge(master, (loser,))

    import_now()

    assert for_programs([person(master)]) == ["opted_out"]


def test_a_merge_into_somebody_erased_brings_nobody_back(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    loser = org.create("Contact", LastName="Loser", MobilePhone="(212) 555-0199")
    master = org.create("Contact", LastName="Master", MobilePhone="(212) 555-0123")
    import_now()
    erase(workspace=setup.workspace, salesforce_id=master, by=None)
    org.merge(master, (loser,))

    run = import_now()

    assert run.status == RunStatus.SUCCEEDED
    assert not Contact.objects.filter(salesforce_id__in=[loser, master]).exists()
    assert not FormerId.objects.exists()
    assert ErasedRecord.objects.count() == 2
    assert SuppressedNumber.objects.count() == 2


def test_erasing_somebody_forgets_their_former_ids(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    import_now()
    loser, master, *_ = sorted(stored_ids())
    org.merge(master, (loser,))
    import_now()

    erase(workspace=setup.workspace, salesforce_id=loser[:15], by=None)
    org.undelete(loser)
    run = import_now(Mode.EVERYTHING)

    assert run.status == RunStatus.SUCCEEDED
    assert not Contact.objects.filter(salesforce_id__in=[loser, master]).exists()
    assert not FormerId.objects.exists()


@pytest.mark.parametrize("first", ["contacts", "leads"])
def test_a_converted_lead_and_its_contact_are_one_person(
    org: OrgSim, import_now: type_of_import, import_leads: type_of_lead_import, first: str
) -> None:
    import_now()
    import_leads()
    lead = min(stored_ids(object="Lead"))
    org.edit(lead, LastName="Once-A-Lead")
    import_leads()
    contact = org.convert(lead)["contact"]

    runs = [import_now, import_leads] if first == "contacts" else [import_leads, import_now]
    done = [run() for run in runs]

    assert sorted(run.converted for run in done) == [0, 1]
    one = person(contact)
    assert (one.object, one.in_source, one.last_name) == ("Contact", True, "Once-A-Lead")
    assert not Contact.objects.filter(salesforce_id=lead).exists()
    assert "Once-A-Lead" in [after for _, _, after in lines_of(contact)]
    assert ("record:converted", lead, contact) in lines_of(contact)
    assert queries.by_record_id(one.workspace, lead) == one


def test_a_lead_is_followed_where_contacts_are_not_imported(
    org: OrgSim, import_leads: type_of_lead_import
) -> None:
    import_leads()
    lead = min(stored_ids())
    name = person(lead).last_name
    contact = org.convert(lead)["contact"]

    run = import_leads()

    one = person(contact)
    assert (run.converted, run.left_source) == (1, 0)
    assert (one.object, one.in_source, one.last_name, one.absence) == ("Contact", False, name, "")
    assert not stored_ids(object="Lead", in_source=False)


def test_a_lead_whose_contact_is_out_of_sight_does_not_stop_the_import(
    org: OrgSim, import_leads: type_of_lead_import
) -> None:
    import_leads()
    lead = min(stored_ids())
    contact = org.convert(lead)["contact"]
    org.ungrant("Contact", "Read")

    run = import_leads()

    assert (run.converted, person(contact).absence) == (1, "hidden")


def test_a_lead_converted_and_its_contact_merged_leads_to_the_master(
    org: OrgSim, import_now: type_of_import, import_leads: type_of_lead_import
) -> None:
    import_now()
    import_leads()
    lead, master = min(stored_ids(object="Lead")), min(stored_ids(object="Contact"))
    contact = org.convert(lead)["contact"]
    import_now()
    org.merge(master, (contact,))

    import_leads()

    assert stored_ids(salesforce_id__in=[lead, contact, master]) == {master}
    assert set(FormerId.objects.values_list("salesforce_id", flat=True)) == {lead, contact}


@pytest.mark.large_org
def test_many_leavers_are_asked_about_two_thousand_a_call(
    org: OrgSim, setup: ImportSetup, draft: SetupDraft, import_now: type_of_import
) -> None:
    """And only those that are not found as they were once more."""
    import_now()
    quiet = import_now()
    ids = sorted(stored_ids())
    with org.store.writing() as connection:
        connection.execute("UPDATE Contact SET Department = 'Alumni'")
        connection.executemany(
            "UPDATE Contact SET Department = 'Gone' WHERE Id = ?", [[one] for one in ids[:700]]
        )
    for one in ids[:5]:
        org.delete(one)
    org.set_list_view_filter("AllContacts", Leaf(field="Department", operator="equals", values=("'Alumni'",)))

    run = import_now(Mode.CHANGES)

    assert run.left_source == 700
    assert run.deleted == 5
    assert stored_ids(in_source=True) == org_ids(org, "Department = 'Alumni'")
    # A call for the 700, one for the five; all of the list is read again, without a sweep, since its filter changed.
    assert run.api_calls <= quiet.api_calls + 2 + 2


@pytest.mark.slow
def test_killed_in_the_middle_of_following_it_goes_on(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    """Whoever was joined stays so and is counted once; whoever was not is followed by the process that goes on."""
    import_now()
    left, deleted, loser, master, *_ = sorted(stored_ids())
    org.delete(left)
    import_now()
    org.undelete(left)
    org.merge(master, (left,))
    a_day_goes_by()
    org.delete(deleted)
    org.merge(master, (loser,))
    # The first two questions are about the leavers and the master, the third about those who left before.
    org.slow(60, path_contains="queryAll", after=2)
    process = start("import", "contact")
    wait_until(FormerId.objects.exists)
    process.kill()
    process.communicate()
    wait_until(lambda: not is_locked(setup.pk))
    org.clear_faults()
    killed = ImportRun.objects.latest("pk")
    assert (killed.status, killed.phase, killed.merged) == (RunStatus.RUNNING, "following", 1)
    assert person(deleted).in_source

    run = import_now()

    assert (run.pk, run.status) == (killed.pk, RunStatus.SUCCEEDED)
    assert (run.merged, run.left_source, run.deleted) == (2, 1, 1)
    assert stored_ids(salesforce_id__in=[left, loser, master]) == {master}
    assert lines_of(master).count(("record:merged", loser, master)) == 1


def test_the_database_refuses_states_that_cannot_be(setup: ImportSetup) -> None:
    contact = Contact.objects.create(
        workspace=setup.workspace, object="Contact", salesforce_id="003000000000001AAA", system_modstamp=now()
    )

    for wrong in (
        {"absence": "deleted", "absent_since": now()},
        {"absence": "deleted", "in_source": False, "left_source_at": now()},
        {"absence": "nonsense", "absent_since": now(), "in_source": False, "left_source_at": now()},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Contact.objects.filter(pk=contact.pk).update(**wrong)
    FormerId.objects.create(
        workspace=setup.workspace, contact=contact, salesforce_id="003000000000002AAA", object="Contact"
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        FormerId.objects.create(
            workspace=setup.workspace, contact=contact, salesforce_id="003000000000002AAA", object="Contact"
        )


def test_two_imports_that_look_for_the_same_people_do_not_lock_each_other_out(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    """Contacts and Leads of a workspace start in the same minute, and both look for all who left. Here the other one
    is storing some of them, in another order."""
    import_now()
    first, last = sorted(stored_ids())[:2]
    for one in (first, last):
        org.delete(one)
    import_now()
    a_day_goes_by()
    begun = threading.Event()

    def store_elsewhere() -> None:
        with transaction.atomic():
            remembered.lock(setup.workspace_id, alone=False)
            Contact.objects.filter(salesforce_id=last).update(user_identification="x")
            begun.set()
            wait_until(somebody_waits)
            Contact.objects.filter(salesforce_id=first).update(user_identification="x")
        connection.close()

    other = threading.Thread(target=store_elsewhere)
    other.start()
    assert begun.wait(10)
    run = import_now()
    other.join()

    assert run.status == RunStatus.SUCCEEDED, run.error
    assert person(first).user_identification == person(last).user_identification == "x"


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "select exists (select 1 from pg_locks where not granted and database ="
            " (select oid from pg_database where datname = current_database()) or not granted and database is null)"
        )
        return bool(cursor.fetchone()[0])


def test_whoever_an_erased_record_led_to_is_erased_too(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    import_now()
    first, erased, survivor, *_ = sorted(stored_ids())
    erase(workspace=setup.workspace, salesforce_id=erased, by=None)
    org.merge(erased, (first,))
    org.merge(survivor, (erased,))

    import_now()
    import_now(Mode.EVERYTHING)

    assert stored_ids(salesforce_id__in=[first, erased, survivor]) == set()


# Opt-outs that nobody read before the record was gone


OUT = {"SMS_Opt_Out__c": True}


@pytest.fixture
def opting_out(setup: ImportSetup, draft: SetupDraft, org: OrgSim, import_now: type_of_import) -> None:
    save_setup(setup=setup, draft=replace(draft, opt_out=OUT_BOX), by=None)
    for record_id in org_ids(org, "SMS_Opt_Out__c = true"):
        org.edit(record_id, SMS_Opt_Out__c=False)
    import_now()


def two_with_numbers(sobject: str = "Contact") -> list[Contact]:
    found = Contact.objects.filter(object=sobject).exclude(mobile_number="").order_by("salesforce_id")
    return [one for one in found if found.filter(mobile_number=one.mobile_number).count() == 1][:2]


@pytest.mark.parametrize("becomes", ["merged", "deleted"])
def test_whom_staff_opted_out_before_the_record_was_gone_is_opted_out(
    org: OrgSim, setup: ImportSetup, opting_out: None, import_now: type_of_import, becomes: str
) -> None:
    gone, stays = two_with_numbers()
    org.edit(gone.salesforce_id, **OUT)
    if becomes == "merged":
        org.merge(stays.salesforce_id, (gone.salesforce_id,))
    else:
        org.delete(gone.salesforce_id)

    found = try_import(Trial(setup, draft_of(setup), setup.source_label, Mode.CHANGES))
    run = import_now()

    assert (found.opted_out, found.left_source) == (1, 1)
    assert status(gone.workspace, gone.mobile_number) == "opted_out"
    assert (status(gone.workspace, stays.mobile_number) == "opted_out") == (becomes == "merged")
    assert run.opted_out == 1
    assert import_now().opted_out == 0


def test_whom_staff_opted_out_before_the_lead_was_converted_is_opted_out(
    org: OrgSim,
    setup: ImportSetup,
    draft: SetupDraft,
    opting_out: None,
    import_leads: type_of_lead_import,
    import_now: type_of_import,
) -> None:
    lead_setup = setup_for(setup.workspace, "Lead")
    save_setup(setup=lead_setup, draft=replace(draft_of(lead_setup), opt_out=OUT_BOX), by=None)
    import_leads()
    lead = two_with_numbers("Lead")[0]
    org.edit(lead.salesforce_id, **OUT)
    contact = org.convert(lead.salesforce_id)["contact"]
    org.edit(contact, SMS_Opt_Out__c=False)

    import_now()
    import_leads()

    assert status(lead.workspace, person(contact).mobile_number) == "opted_out"


def test_what_the_person_said_last_is_not_undone_by_what_the_record_held(
    org: OrgSim, opting_out: None, import_now: type_of_import
) -> None:
    """It held the STOP that we told it."""
    gone, stays = two_with_numbers()
    text(gone)
    push.deliver(gone.workspace_id)
    org.merge(stays.salesforce_id, (gone.salesforce_id,))
    text(gone, "START")
    push.deliver(gone.workspace_id)

    import_now()

    assert status(gone.workspace, gone.mobile_number) == "opted_in"
