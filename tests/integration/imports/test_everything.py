"""What an import promises when nothing goes wrong."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, transaction

from carillon.accounts.actions import set_workspace
from carillon.accounts.models import Workspace
from carillon.contacts.models import Contact
from carillon.imports.actions import SavedMeanwhile, request_run, save_setup, setup_for
from carillon.imports.drafts import SetupDraft, mark_of
from carillon.imports.models import ImportRun, ImportSetup, Mode, RecordIssue, RunBatch, RunStatus
from carillon.imports.runner import Options, execute
from carillon.imports.runs import Request
from carillon.lib.clock import now
from orgsim.testing import OrgSim
from orgsim.viewdef import Leaf
from tests.integration.consent.test_at_once import is_somebody_waiting
from tests.integration.imports.conftest import org_ids, stored_ids, type_of_import

pytestmark = pytest.mark.django_db(transaction=True)


def test_first_import_stores_exactly_the_people_of_the_list(org: OrgSim, import_now: type_of_import) -> None:
    run = import_now()

    everybody = org_ids(org)
    assert run.status == RunStatus.SUCCEEDED, run.error
    assert stored_ids(in_source=True) == everybody
    assert (run.received, run.created, run.org_count) == (len(everybody),) * 3
    assert (run.updated, run.unchanged, run.rejected, run.left_source) == (0, 0, 0, 0)


def test_first_import_is_everything_and_says_why(import_now: type_of_import) -> None:
    run = import_now(Mode.CHANGES)

    assert run.mode == Mode.EVERYTHING
    assert "not been imported in full" in run.mode_reason


def test_values_are_those_of_the_org(org: OrgSim, import_now: type_of_import) -> None:
    import_now()

    rows = org.store.reader().execute(
        "SELECT Id, FirstName, Preferred_Name__c, LastName, MobilePhone, OwnerId, Program__c FROM Contact LIMIT 500"
    )
    for record_id, first, preferred, last, mobile, owner, program in rows:
        contact = Contact.objects.get(salesforce_id=record_id)
        assert contact.first_name == (preferred or first or "").strip()
        assert contact.last_name == (last or "").strip()
        assert contact.mobile_as_given == (mobile or "").strip()
        assert contact.user_identification == owner
        assert contact.fields["program"] == program


def test_people_without_a_valid_mobile_are_stored_with_an_issue(import_now: type_of_import) -> None:
    run = import_now()

    untextable = stored_ids(mobile_number="")
    issues = RecordIssue.objects.filter(run=run, code__in=["mobile_missing", "mobile_invalid"])
    assert untextable
    assert untextable == set(issues.values_list("salesforce_id", flat=True))
    assert run.issue_count == RecordIssue.objects.filter(run=run).count()


@pytest.mark.large_org
def test_second_import_reads_nothing_but_the_sweep(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    org.set_clock_offset(3600)
    import_now()
    before = {c.pk: c.updated_at for c in Contact.objects.all()}
    org.set_clock_offset(2 * 3600)

    run = import_now()

    assert (run.status, run.mode) == (RunStatus.SUCCEEDED, Mode.CHANGES)
    assert (run.received, run.created, run.updated, run.left_source) == (0, 0, 0, 0)
    assert run.org_count == len(before)
    # Describe, the list view, no changes on one page, three pages of ids.
    assert run.api_calls == 2 + 1 + 3
    assert before == {c.pk: c.updated_at for c in Contact.objects.all()}


def test_a_change_in_the_org_is_one_update(org: OrgSim, import_now: type_of_import) -> None:
    import_now()
    changed = min(org_ids(org, "MobilePhone IS NOT NULL"))
    org.edit(changed, LastName="Vandermeer-O'Neil")

    run = import_now()

    assert (run.updated, run.created) == (1, 0)
    assert Contact.objects.get(salesforce_id=changed).last_name == "Vandermeer-O'Neil"


def test_a_new_record_is_created_and_a_deleted_one_leaves(org: OrgSim, import_now: type_of_import) -> None:
    import_now()
    gone = min(org_ids(org))
    new = org.create("Contact", LastName="Zhou", MobilePhone="(212) 555-0188")
    org.delete(gone)

    run = import_now()

    assert (run.created, run.left_source) == (1, 1)
    assert new in stored_ids(in_source=True)
    assert Contact.objects.get(salesforce_id=gone).left_source_at is not None


def test_membership_follows_records_that_were_not_modified(
    org: OrgSim, setup: ImportSetup, draft: SetupDraft, import_now: type_of_import
) -> None:
    """Entrants and leavers of a list need not have changed: sharing, relative dates, filters elsewhere."""
    save_setup(setup=setup, draft=_with_source(draft, "TextingContacts"), by=None)
    import_now()
    leaver = min(org_ids(org, "MobilePhone IS NOT NULL"))
    entrant = min(org_ids(org, "MobilePhone IS NULL"))
    with org.store.writing() as connection:
        connection.execute("UPDATE Contact SET MobilePhone = NULL WHERE Id = ?", [leaver])
        connection.execute("UPDATE Contact SET MobilePhone = '(617) 555-0123' WHERE Id = ?", [entrant])

    run = import_now()

    assert (run.mode, run.status) == (Mode.CHANGES, RunStatus.SUCCEEDED)
    assert (run.created, run.left_source) == (1, 1)
    assert Contact.objects.get(salesforce_id=entrant).mobile_number == "+16175550123"
    assert not Contact.objects.get(salesforce_id=leaver).in_source


def test_someone_who_returns_is_in_the_source_again(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    import_now()
    person = min(org_ids(org))
    Contact.objects.filter(salesforce_id=person).update(in_source=False, left_source_at=setup.updated_at)

    import_now()

    back = Contact.objects.get(salesforce_id=person)
    assert back.in_source
    assert back.left_source_at is None


def test_the_watermark_is_the_orgs_clock_less_twenty_minutes(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    """Our own clock may be an hour off and must not matter."""
    org.set_clock_offset(-3600)

    run = import_now()

    setup.refresh_from_db()
    assert run.org_clock is not None
    assert setup.watermark == run.org_clock - timedelta(minutes=20)
    assert run.started_at is not None
    assert run.started_at - run.org_clock > timedelta(minutes=55)


def test_a_clock_that_is_an_hour_off_loses_no_change(org: OrgSim, import_now: type_of_import) -> None:
    org.set_clock_offset(-3600)
    import_now()
    changed = max(org_ids(org))
    org.edit(changed, LastName="Lindqvist")

    run = import_now()

    assert run.updated == 1
    assert Contact.objects.get(salesforce_id=changed).last_name == "Lindqvist"


def test_a_late_commit_with_an_older_stamp_is_not_lost(org: OrgSim, import_now: type_of_import) -> None:
    person = min(org_ids(org))
    import_now()
    with org.store.writing() as connection:
        connection.execute(
            "UPDATE Contact SET LastName = 'Committed Late', SystemModstamp = strftime("
            "'%Y-%m-%dT%H:%M:%S.000+0000', 'now', '-9 minutes') WHERE Id = ?",
            [person],
        )

    import_now()

    assert Contact.objects.get(salesforce_id=person).last_name == "Committed Late"


@pytest.mark.slow
@pytest.mark.parametrize("change", ["filter", "mapping"])
def test_a_changed_setup_makes_the_next_run_everything(
    org: OrgSim, setup: ImportSetup, draft: SetupDraft, import_now: type_of_import, change: str
) -> None:
    import_now()
    if change == "mapping":
        save_setup(setup=setup, draft=_with_user_identification(draft, ""), by=None)
    else:
        org.set_list_view_filter(
            "AllContacts", Leaf(field="LastName", operator="notEquals", values=("'Nobody'",))
        )

    run = import_now()

    assert run.mode == Mode.EVERYTHING
    assert run.mode_reason
    assert import_now().mode == Mode.CHANGES


def test_what_was_stored_of_a_change_that_is_taken_back_is_read_again(
    setup: ImportSetup, import_now: type_of_import
) -> None:
    """Somebody sees numbers read as of another country, cancels, and sets it right."""
    import_now()
    numbers = dict(Contact.objects.values_list("salesforce_id", "mobile_number"))
    _read_numbers_as_of("GB", setup)

    def cancel(run: ImportRun) -> None:
        if run.received:
            ImportRun.objects.filter(pk=run.pk).update(cancel_requested_at=now())

    cancelled = execute(Request(setup, Mode.CHANGES), Options(on_progress=cancel))
    assert (cancelled.status, cancelled.updated > 0) == (RunStatus.CANCELLED, True)
    _read_numbers_as_of("US", setup)

    run = import_now()

    assert (run.mode, run.status) == (Mode.EVERYTHING, RunStatus.SUCCEEDED)
    assert dict(Contact.objects.values_list("salesforce_id", "mobile_number")) == numbers


def _read_numbers_as_of(region: str, setup: ImportSetup) -> None:
    workspace = Workspace.objects.get(pk=setup.workspace_id)
    set_workspace(workspace=workspace, name=workspace.name, default_region=region, by=None)


def test_a_run_that_waited_names_the_list_that_it_reads(setup: ImportSetup, draft: SetupDraft) -> None:
    waiting = request_run(setup=setup, mode=Mode.CHANGES, by=None)
    save_setup(setup=setup, draft=_with_source(draft, "TextingContacts"), by=None)

    run = execute(Request(setup, Mode.CHANGES))

    assert (run.pk, run.status, run.source_label) == (waiting.pk, RunStatus.SUCCEEDED, "Texting Contacts")


def test_another_order_of_additional_fields_reads_changes(
    setup: ImportSetup, draft: SetupDraft, import_now: type_of_import
) -> None:
    import_now()
    turned = replace(draft, additional_fields=draft.additional_fields[::-1])
    save_setup(setup=setup, draft=turned, by=None)

    assert import_now().mode == Mode.CHANGES


def test_of_two_who_save_at_once_the_later_is_told(setup: ImportSetup, draft: SetupDraft) -> None:
    """The earlier is not done yet when the later begins."""
    seen = mark_of(setup)

    def save_elsewhere() -> None:
        try:
            save_setup(setup=setup, draft=replace(draft, last_name="FirstName"), by=None, seen=seen)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic(), connection.cursor() as cursor:
            save_setup(setup=setup, draft=replace(draft, first_name_fallback=""), by=None, seen=seen)
            beside = pool.submit(save_elsewhere)
            while not is_somebody_waiting(cursor):
                assert not beside.done()
        with pytest.raises(SavedMeanwhile):
            beside.result(10)

    setup.refresh_from_db()
    assert (setup.first_name_fallback, setup.last_name) == ("", "LastName")


def test_unmapped_user_identification_leaves_assignments_as_they_are(
    setup: ImportSetup, draft: SetupDraft, import_now: type_of_import
) -> None:
    import_now()
    before = dict(Contact.objects.values_list("salesforce_id", "user_identification"))
    save_setup(setup=setup, draft=_with_user_identification(draft, ""), by=None)

    run = import_now(Mode.EVERYTHING)

    assert run.updated == 0
    assert dict(Contact.objects.values_list("salesforce_id", "user_identification")) == before


def test_proof_rows_are_gone_after_success(import_now: type_of_import) -> None:
    import_now()

    assert not RunBatch.objects.exists()


def test_leads_are_imported_with_their_own_setup(
    org: OrgSim, setup: ImportSetup, draft: SetupDraft, import_now: type_of_import
) -> None:
    lead_setup = save_setup(setup=setup_for(setup.workspace, "Lead"), draft=_for_leads(draft), by=None)

    run = execute(Request(lead_setup, Mode.CHANGES))

    rows = org.store.reader().execute("SELECT Id FROM Lead WHERE IsDeleted = 0 AND IsConverted = 0")
    assert run.status == RunStatus.SUCCEEDED, run.error
    assert stored_ids(object="Lead") == {row[0] for row in rows}
    assert ImportRun.objects.filter(object="Lead").count() == 1


def _with_source(draft: SetupDraft, source: str) -> SetupDraft:
    return replace(draft, source=source)


def _with_user_identification(draft: SetupDraft, name: str) -> SetupDraft:
    return replace(draft, user_identification=name)


def _for_leads(draft: SetupDraft) -> SetupDraft:
    return replace(
        draft, source="AllLeads", additional_fields=(), first_name="FirstName", first_name_fallback=""
    )
