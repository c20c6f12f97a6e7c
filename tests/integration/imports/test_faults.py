"""What an import does when the org, the network or the data misbehave: complete, or it says what is missing."""

import json
from dataclasses import replace
from typing import Any

import pytest

from carillon.connections.actions import confirm_org
from carillon.connections.models import ConnectionState, SalesforceConnection
from carillon.contacts.models import Contact
from carillon.imports.actions import save_setup
from carillon.imports.drafts import SetupDraft
from carillon.imports.models import ImportSetup, Mode, RecordIssue, RunStatus
from orgsim.testing import OrgSim
from tests.integration.imports.conftest import org_ids, stored_ids, type_of_import

pytestmark = [pytest.mark.large_org, pytest.mark.django_db(transaction=True)]


def test_faults_on_the_way_are_retried(org: OrgSim, import_now: type_of_import) -> None:
    org.fail_next(503, times=2, path_contains="/query")
    org.drop_connection(times=2, path_contains="/query/")

    run = import_now()

    assert run.status == RunStatus.SUCCEEDED, run.error
    assert stored_ids() == org_ids(org)
    assert run.received == run.org_count


def test_a_session_that_expires_between_pages_is_renewed(org: OrgSim, import_now: type_of_import) -> None:
    expired: list[str] = []

    def expire(path: str, body: bytes) -> bytes:
        if "/query" in path and len(expired) < 2:
            expired.append(path)
            org.expire_sessions()
        return body

    org.mangle(expire)

    run = import_now()

    assert len(expired) == 2
    assert run.status == RunStatus.SUCCEEDED, run.error
    assert stored_ids() == org_ids(org)


def test_a_malformed_page_is_asked_for_again(org: OrgSim, import_now: type_of_import) -> None:
    broken: list[str] = []

    def cut(path: str, body: bytes) -> bytes:
        if "/query/" in path and not broken:
            broken.append(path)
            return body[: len(body) // 2]
        return body

    org.mangle(cut)

    run = import_now()

    assert broken
    assert run.status == RunStatus.SUCCEEDED, run.error
    assert stored_ids() == org_ids(org)


@pytest.mark.slow
def test_after_the_last_try_the_run_failed_and_the_next_one_goes_on(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    org.fail_next(503, times=10_000, path_contains="/query/")

    failed = import_now(seconds=3)

    setup.refresh_from_db()
    assert failed.status == RunStatus.FAILED
    assert failed.error
    assert 0 < failed.received < len(org_ids(org))
    assert setup.watermark is None

    org.clear_faults()
    pages: list[str] = []
    org.mangle(_noting(pages))
    run = import_now()

    assert run.status == RunStatus.SUCCEEDED, run.error
    assert run.continues == failed
    assert stored_ids() == org_ids(org)
    assert (run.received, run.created, run.org_count) == (len(org_ids(org)),) * 3
    assert any("SystemModstamp+%3E" in path for path in pages)


def test_a_page_lost_on_the_way_is_read_again(org: OrgSim, import_now: type_of_import) -> None:
    """Records missing from the pages after the first: the read in parts finds them all."""
    org.mangle(_without_records(lambda path: "/query/" in path, slice(0, None)))

    run = import_now()

    assert run.status == RunStatus.SUCCEEDED, run.error
    assert stored_ids() == org_ids(org)


def test_answers_that_stay_short_make_the_run_incomplete(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    org.mangle(_without_records(lambda path: "/query" in path, slice(0, 1)))

    run = import_now()

    setup.refresh_from_db()
    assert run.status == RunStatus.INCOMPLETE
    assert "announced" in run.error
    assert setup.watermark is None
    assert not Contact.objects.filter(in_source=False).exists()


@pytest.mark.slow
def test_an_id_the_read_left_out_is_found_by_the_sweep(org: OrgSim, import_now: type_of_import) -> None:
    """A server that drops a record and lowers its count can't be caught by counting, only by ids."""
    import_now()
    missing = org.create("Contact", LastName="Hidden", MobilePhone="(212) 555-0123")
    org.mangle(_hide_from_changes(missing))

    run = import_now()

    assert run.status == RunStatus.SUCCEEDED, run.error
    assert missing in stored_ids(in_source=True)


@pytest.mark.slow
def test_incomplete_takes_nobody_off_the_list(org: OrgSim, import_now: type_of_import) -> None:
    import_now()
    before = stored_ids(in_source=True)
    org.mangle(_without_records(lambda path: "SELECT+Id+FROM" in path or "/query/" in path, slice(0, 3)))

    run = import_now()

    assert run.status == RunStatus.INCOMPLETE
    assert stored_ids(in_source=True) == before


def test_a_record_of_wrong_types_is_rejected_and_the_rest_goes_on(
    org: OrgSim, import_now: type_of_import
) -> None:
    victim = sorted(org_ids(org))[7]

    def lie(record: dict[str, Any]) -> None:
        if record["Id"] == victim:
            record["MobilePhone"] = 42

    org.mangle(_each_record(lie))

    run = import_now()

    issue = RecordIssue.objects.get(run=run, code="wrong_type")
    assert run.status == RunStatus.SUCCEEDED, run.error
    assert run.rejected == 1
    assert (issue.salesforce_id, issue.field, issue.value) == (victim, "MobilePhone", "42")
    assert stored_ids() == org_ids(org) - {victim}
    assert run.received == run.org_count


@pytest.mark.slow
def test_a_record_without_an_id_fails_the_run(org: OrgSim, import_now: type_of_import) -> None:
    org.mangle(_each_record(lambda record: record.pop("Id", None)))

    run = import_now(seconds=2)

    assert run.status == RunStatus.FAILED
    assert stored_ids() == set()


def test_an_optional_field_that_was_hidden_is_a_warning_and_keeps_its_values(
    org: OrgSim, import_now: type_of_import
) -> None:
    import_now()
    before = dict(Contact.objects.values_list("salesforce_id", "fields"))
    org.hide_field("Contact", "Program__c")

    run = import_now()

    assert run.status == RunStatus.SUCCEEDED, run.error
    assert RecordIssue.objects.get(run=run, code="field_unreadable").field == "Program__c"
    assert dict(Contact.objects.values_list("salesforce_id", "fields")) == before


@pytest.mark.slow
def test_a_hidden_fallback_keeps_first_names(org: OrgSim, import_now: type_of_import) -> None:
    import_now()
    before = dict(Contact.objects.values_list("salesforce_id", "first_name"))
    org.hide_field("Contact", "FirstName")

    run = import_now()

    assert run.status == RunStatus.SUCCEEDED, run.error
    assert dict(Contact.objects.values_list("salesforce_id", "first_name")) == before


def test_a_required_field_that_was_hidden_fails_the_run_before_it_changes_anything(
    org: OrgSim, import_now: type_of_import
) -> None:
    import_now()
    changed = min(org_ids(org))
    org.edit(changed, LastName="Unseen")
    org.hide_field("Contact", "MobilePhone")

    run = import_now()

    assert run.status == RunStatus.FAILED
    assert "MobilePhone" in run.error
    assert run.received == 0
    assert Contact.objects.get(salesforce_id=changed).last_name != "Unseen"


def test_a_list_view_that_is_no_longer_shared_fails_the_run_and_takes_nobody_off(
    org: OrgSim, import_now: type_of_import
) -> None:
    import_now()
    org.unshare("AllContacts")

    run = import_now()

    assert run.status == RunStatus.FAILED
    assert "All Contacts" in run.error
    assert "shared" in run.error
    assert not Contact.objects.filter(in_source=False).exists()


def test_another_org_behind_the_host_stops_everything_until_confirmed(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    import_now()
    org.refresh_sandbox()

    run = import_now()

    connection = SalesforceConnection.objects.get(workspace=setup.workspace)
    assert run.status == RunStatus.FAILED
    assert "Another Salesforce org" in run.error
    assert connection.state == ConnectionState.OTHER_ORG

    confirm_org(connection=connection, by=None)
    after = import_now()

    assert (after.status, after.mode) == (RunStatus.SUCCEEDED, Mode.EVERYTHING)


def test_an_org_exchanged_in_the_middle_of_a_run_stores_nothing_more(
    org: OrgSim, import_now: type_of_import
) -> None:
    exchanged: list[str] = []

    def exchange(path: str, body: bytes) -> bytes:
        if "/query?" in path and not exchanged:
            exchanged.append(org.refresh_sandbox())
        return body

    org.mangle(exchange)

    run = import_now()

    assert run.status == RunStatus.FAILED
    assert "Another Salesforce org" in run.error
    assert stored_ids() == set()


@pytest.mark.slow
def test_an_org_exchanged_during_the_sweep_takes_nobody_off(org: OrgSim, import_now: type_of_import) -> None:
    import_now()
    before = stored_ids(in_source=True)
    exchanged: list[str] = []

    def exchange(path: str, body: bytes) -> bytes:
        if "SELECT+Id+FROM" in path and not exchanged:
            exchanged.append(org.refresh_sandbox())
        return body

    org.mangle(exchange)

    run = import_now()

    assert exchanged
    assert run.status == RunStatus.FAILED
    assert "Another Salesforce org" in run.error
    assert stored_ids(in_source=True) == before


@pytest.mark.slow
def test_who_left_before_a_read_was_resumed_is_not_kept_by_it(
    org: OrgSim, import_now: type_of_import
) -> None:
    """What a resumed read stored earlier no longer says who is in the list now: it sweeps."""
    org.fail_next(500, times=10_000, path_contains="/query/")
    failed = import_now(seconds=2)
    leaver = min(stored_ids())
    org.clear_faults()
    org.delete(leaver)

    run = import_now()

    assert failed.status == RunStatus.FAILED
    assert (run.status, run.mode, run.left_source) == (RunStatus.SUCCEEDED, Mode.EVERYTHING, 1)
    assert not Contact.objects.get(salesforce_id=leaver).in_source
    assert run.org_count == len(org_ids(org))


def test_an_inactive_api_user_fails_the_run_with_its_remedy(org: OrgSim, import_now: type_of_import) -> None:
    org.set_active("api.user@orgsim.example", active=False)

    run = import_now()

    assert run.status == RunStatus.FAILED
    assert "inactive" in run.error
    assert run.remedy


@pytest.mark.slow
def test_a_record_modified_while_paging_is_stored_as_it_ended(
    org: OrgSim, import_now: type_of_import
) -> None:
    """It keeps its place in the open query but shows its new stamp, which must not become the cursor."""
    people = sorted(org_ids(org))
    edited: list[str] = []

    def edit(path: str, body: bytes) -> bytes:
        if "/query" in path and not edited and b'"done":false' in body:
            edited.extend(people[::900])
            for person in edited:
                org.edit(person, LastName="Meanwhile")
        return body

    org.mangle(edit)
    first = import_now()
    run = import_now()

    assert first.status == run.status == RunStatus.SUCCEEDED
    assert len(edited) == 5
    names = Contact.objects.filter(salesforce_id__in=edited).values_list("last_name", flat=True)
    assert set(names) == {"Meanwhile"}
    assert first.received == len(people)


@pytest.mark.slow
@pytest.mark.parametrize("mode", [Mode.EVERYTHING, Mode.CHANGES])
def test_a_broken_read_with_records_modified_meanwhile_loses_none(
    org: OrgSim, import_now: type_of_import, mode: Mode
) -> None:
    """The worst place for a modified record: last of the last stored page before the read breaks off. Its new
    stamp is later than those of everything that is still to be read. (No sweep would find a lost change.)"""
    if mode == Mode.CHANGES:
        import_now()
    with org.store.writing() as connection:
        connection.execute(
            "UPDATE Contact SET LastName = 'Changed', SystemModstamp ="
            " strftime('%Y-%m-%dT%H:%M:%S.000+0000', 'now', '-5 minutes')"
        )
    modified: list[str] = []

    def modify_last(path: str, body: bytes) -> bytes:
        if "/query?" in path and b'"done":false' in body and not modified:
            data = json.loads(body)
            last = data["records"][-1]
            modified.append(last["Id"])
            org.edit(last["Id"], LastName="Meanwhile")
            stamp = org.store.reader().execute("SELECT SystemModstamp FROM Contact WHERE Id = ?", modified)
            last["SystemModstamp"], last["LastName"] = stamp.fetchone()[0], "Meanwhile"
            return json.dumps(data).encode()
        return body

    org.mangle(modify_last)
    org.fail_next(500, times=10_000, path_contains="/query/")
    failed = import_now(seconds=2)
    org.clear_faults()

    run = import_now()

    assert (failed.status, failed.mode, failed.received) == (RunStatus.FAILED, mode, 2000)
    assert (run.status, run.continues) == (RunStatus.SUCCEEDED, failed)
    assert stored_ids() == org_ids(org)
    assert Contact.objects.get(salesforce_id=modified[0]).last_name == "Meanwhile"
    assert Contact.objects.filter(last_name="Changed").count() == len(org_ids(org)) - 1


@pytest.mark.slow
def test_equal_stamps_across_a_page_border_lose_nobody(org: OrgSim, import_now: type_of_import) -> None:
    with org.store.writing() as connection:
        connection.execute("UPDATE Contact SET SystemModstamp = '2026-01-05T10:00:00.000+0000'")
    org.fail_next(500, times=10_000, path_contains="/query/")
    failed = import_now(seconds=2)
    org.clear_faults()

    run = import_now()

    assert failed.received == 2000
    assert run.status == RunStatus.SUCCEEDED, run.error
    assert stored_ids() == org_ids(org)
    assert run.received == len(org_ids(org))


def test_locators_that_expire_are_replaced_by_the_keyset(org: OrgSim, import_now: type_of_import) -> None:
    expired: list[str] = []

    def expire(path: str, body: bytes) -> bytes:
        if "/query" in path and not expired and b'"done":false' in body:
            expired.append(path)
            org.forget_cursors()
        return body

    org.mangle(expire)

    run = import_now()

    assert expired
    assert run.status == RunStatus.SUCCEEDED, run.error
    assert stored_ids() == org_ids(org)


@pytest.mark.slow
def test_records_lost_before_a_locator_expired_are_found_by_the_sweep(
    org: OrgSim, import_now: type_of_import
) -> None:
    """The count of a query whose rest is gone proves nothing about the pages before."""
    lost: list[str] = []

    def lose_and_expire(path: str, body: bytes) -> bytes:
        if "/query?" in path and not lost and b'"done":false' in body:
            data = json.loads(body)
            lost.extend(record["Id"] for record in data["records"][5:8])
            del data["records"][5:8]
            org.forget_cursors()
            return json.dumps(data).encode()
        return body

    org.mangle(lose_and_expire)

    run = import_now()

    assert len(lost) == 3
    assert run.status == RunStatus.SUCCEEDED, run.error
    assert stored_ids() == org_ids(org)


def test_a_record_that_leaves_while_it_is_read_is_explained(
    org: OrgSim, setup: ImportSetup, draft: SetupDraft, import_now: type_of_import
) -> None:
    import_now()
    leaver = org.create("Contact", LastName="Brief", MobilePhone="(212) 555-0123")
    org.mangle(_hide_from_changes(leaver, then=lambda: org.delete(leaver)))

    run = import_now()

    issue = RecordIssue.objects.get(run=run, salesforce_id=leaver)
    assert run.status == RunStatus.SUCCEEDED, run.error
    assert issue.code == "gone_or_hidden"
    assert leaver not in stored_ids()


def test_a_switched_off_setup_needs_no_org(setup: ImportSetup, org: OrgSim, draft: SetupDraft) -> None:
    org.fail_next(503, times=1000)

    saved = save_setup(setup=setup, draft=replace(draft, source=setup.source_id, enabled=False), by=None)

    assert not saved.enabled


def _noting(pages: list[str]) -> Any:
    def mangle(path: str, body: bytes) -> bytes:
        pages.append(path)
        return body

    return mangle


def _without_records(affects: Any, removed: slice) -> Any:
    """Takes records out of pages whose path is affected; totalSize stays."""

    def mangle(path: str, body: bytes) -> bytes:
        if not affects(path):
            return body
        data = json.loads(body)
        if isinstance(data, dict) and len(data.get("records", [])) > 1:
            del data["records"][removed]
            return json.dumps(data).encode()
        return body

    return mangle


def _each_record(change: Any) -> Any:
    def mangle(path: str, body: bytes) -> bytes:
        if "/query" not in path:
            return body
        data = json.loads(body)
        for record in data.get("records", []) if isinstance(data, dict) else []:
            change(record)
        return json.dumps(data).encode()

    return mangle


def _hide_from_changes(record_id: str, then: Any = lambda: None) -> Any:
    """Hides a record from the query of changes, count and all; `then` runs once the sweep has seen it."""

    def mangle(path: str, body: bytes) -> bytes:
        if "/query" not in path:
            return body
        if b'"MobilePhone"' not in body and record_id.encode() in body:
            then()
        if "SystemModstamp+%3E%3D" not in path:
            return body
        data = json.loads(body)
        kept = [record for record in data["records"] if record["Id"] != record_id]
        data["totalSize"] -= len(data["records"]) - len(kept)
        data["records"] = kept
        return json.dumps(data).encode()

    return mangle
