"""A person who was erased is gone from every table, and no import brings them back."""

import hashlib
import hmac
import logging
import threading
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
from django.db import connection, transaction
from pytest_django.fixtures import Settings

from carillon.accounts.models import AuditEntry, Workspace
from carillon.consent.words import for_programs
from carillon.contacts import remembered
from carillon.contacts.models import Contact, ErasedRecord, FieldChange, RecogniserKey, SuppressedNumber
from carillon.imports import alerts, jobs
from carillon.imports.actions import setup_for
from carillon.imports.drafts import SetupDraft, draft_of
from carillon.imports.erasing import NobodyToErase, erasable, erase
from carillon.imports.loader import load
from carillon.imports.mapping import Batch
from carillon.imports.models import (
    DryRun,
    ImportRun,
    ImportSetup,
    Mode,
    Phase,
    RecordIssue,
    RunBatch,
    RunStatus,
)
from carillon.imports.runner import Options, execute
from carillon.imports.runs import Request
from carillon.imports.watermark import BEFORE_ALL_IDS
from carillon.lib.clock import now
from orgsim.testing import OrgSim
from tests.integration.imports.conftest import connected_setup, org_ids, stored_ids, type_of_import

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = "+12125550123"


@pytest.fixture
def person(org: OrgSim, import_now: type_of_import) -> str:
    """Somebody with a number, an issue and a change, as two imports left them."""
    record_id = org.create(
        "Contact", FirstName="Xanthippe", LastName="Quillfeather", MobilePhone="nonsense 17"
    )
    import_now()
    org.edit(record_id, MobilePhone="(212) 555-0123")
    import_now()
    assert Contact.objects.get(salesforce_id=record_id).mobile_number == NUMBER
    assert RecordIssue.objects.filter(salesforce_id=record_id).exists()
    assert FieldChange.objects.filter(contact__salesforce_id=record_id).exists()
    return record_id


def tables_that_name(*texts: str) -> dict[str, list[str]]:
    """Every table of the database, its rows read as text."""
    named: dict[str, list[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute("select tablename from pg_tables where schemaname = 'public'")
        for (table,) in cursor.fetchall():
            for text in texts:
                cursor.execute(f'select 1 from "{table}" t where strpos(t::text, %s) > 0 limit 1', [text])
                if cursor.fetchone():
                    named.setdefault(table, []).append(text)
    return named


def test_nothing_in_the_database_names_an_erased_person(
    setup: ImportSetup, person: str, caplog: pytest.LogCaptureFixture
) -> None:
    other = RecordIssue.objects.exclude(salesforce_id=person).earliest("pk")
    RecordIssue.objects.filter(pk=other.pk).update(value=person[:15])
    run = ImportRun.objects.latest("pk")
    ImportRun.objects.update(error=f"The record {person} came without a usable SystemModstamp.")
    run.refresh_from_db()
    alerts.run_failed(run)
    texts = (
        person,
        person[:15],
        "Xanthippe",
        "Quillfeather",
        "quillfeather",
        NUMBER,
        "555-0123",
        "nonsense 17",
    )
    assert len(tables_that_name(*texts)) >= 3

    with caplog.at_level(logging.DEBUG):
        erase(workspace=setup.workspace, salesforce_id=person, by=None)

    assert tables_that_name(*texts) == {}
    assert not any(text in caplog.text for text in texts)


def test_a_dry_run_names_nobody_once_they_are_erased(org: OrgSim, setup: ImportSetup, person: str) -> None:
    org.edit(person, MobilePhone="nonsense 18", LastName="Quillfeather-Again")
    texts = (person, person[:15], "Xanthippe", "Quillfeather-Again", "nonsense 18")
    asked = dry_run_of_worker(setup)
    assert (asked.findings or {})["updated"] == 1
    assert tables_that_name(*texts).get("imports_dryrun") is None
    refused = dry_run_of_worker(setup, "Lead")
    DryRun.objects.filter(pk=refused.pk).update(
        findings={
            **(refused.findings or {}),
            "error": f"The record {person} came without a usable SystemModstamp.",
        }
    )
    assert tables_that_name(*texts)["imports_dryrun"] == [person, person[:15]]

    erase(workspace=setup.workspace, salesforce_id=person, by=None)

    assert tables_that_name(*texts) == {}
    assert list(DryRun.objects.all()) == [asked]


def dry_run_of_worker(setup: ImportSetup, object: str = "Contact") -> DryRun:  # noqa: A002
    setup_for(setup.workspace, object)
    asked = DryRun.objects.create(
        workspace=setup.workspace,
        object=object,
        draft=msgspec.to_builtins(draft_of(setup)),
        source_label=setup.source_label,
        mode=Mode.CHANGES,
        started_by_name="alice@campus.example",
    )
    jobs.find_out(asked.pk)
    asked.refresh_from_db()
    return asked


def test_the_audit_says_that_it_was_done_and_not_to_whom(setup: ImportSetup, person: str) -> None:
    erase(workspace=setup.workspace, salesforce_id=person[:15], by=None)

    entry = AuditEntry.objects.latest("pk")
    assert (entry.actor, entry.action, entry.subject) == ("command line", "person erased", "Contact")
    assert entry.detail == {"number_not_to_be_texted": True}


def test_hashes_can_not_be_made_without_the_key(setup: ImportSetup, person: str, settings: Settings) -> None:
    """There are few enough numbers and ids to hash them all, so a plain hash would be no secret."""
    erase(workspace=setup.workspace, salesforce_id=person, by=None)

    kept = {bytes(ErasedRecord.objects.get().id_hash), bytes(SuppressedNumber.objects.get().number_hash)}
    sealed = RecogniserKey.objects.get().sealed_key
    for key in ("", settings.MASTER_SECRET, settings.SECRET_KEY, sealed):
        for text in (person, NUMBER, f"record\0{person}", f"number\0{NUMBER}"):
            assert hashlib.sha256(text.encode()).digest() not in kept
            assert hmac.digest(key.encode(), text.encode(), "sha256") not in kept
    assert len(kept) == 2


@pytest.mark.parametrize("mode", [Mode.CHANGES, Mode.EVERYTHING])
def test_no_import_brings_an_erased_person_back(
    org: OrgSim, setup: ImportSetup, person: str, import_now: type_of_import, mode: Mode
) -> None:
    erase(workspace=setup.workspace, salesforce_id=person, by=None)
    org.edit(person, LastName="Quillfeather-Again", MobilePhone="still nonsense")

    run = import_now(mode)

    everybody = org_ids(org)
    assert (run.status, run.mode) == (RunStatus.SUCCEEDED, mode), run.error
    assert stored_ids() == everybody - {person}
    assert run.org_count == len(everybody)
    assert run.received == run.created + run.updated + run.unchanged + run.rejected
    assert (run.created, run.updated, run.rejected) == (0, 0, 1)
    issue = RecordIssue.objects.get(run=run, code="erased")
    assert (issue.salesforce_id, issue.value) == ("", "1")
    assert run.issue_count == RecordIssue.objects.filter(run=run).count()
    assert tables_that_name(person, "Quillfeather-Again", "still nonsense") == {}


def test_an_erased_person_costs_later_imports_no_call(
    org: OrgSim, setup: ImportSetup, person: str, import_now: type_of_import
) -> None:
    org.set_clock_offset(3600)
    import_now()
    org.set_clock_offset(2 * 3600)
    before = import_now()
    erase(workspace=setup.workspace, salesforce_id=person, by=None)
    org.set_clock_offset(3 * 3600)

    run = import_now()

    assert (run.status, run.received, run.rejected) == (RunStatus.SUCCEEDED, 0, 0)
    assert run.api_calls == before.api_calls
    assert run.org_count == before.org_count
    assert RecordIssue.objects.get(run=run).code == "erased"


def execute_and(setup: ImportSetup, on_progress: Callable[[ImportRun], None], mode: Mode) -> ImportRun:
    return execute(Request(setup, mode), Options(on_progress=on_progress))


@pytest.mark.parametrize("phase", ["reading", "finishing"])
def test_somebody_erased_while_an_import_runs_stays_erased(
    org: OrgSim, setup: ImportSetup, person: str, phase: str
) -> None:
    """Before and after the run has read the record."""

    def erase_once(run: ImportRun) -> None:
        if run.phase == phase and person in stored_ids():
            erase(workspace=setup.workspace, salesforce_id=person, by=None)

    run = execute_and(setup, erase_once, Mode.EVERYTHING)

    everybody = org_ids(org)
    assert run.status == RunStatus.SUCCEEDED, run.error
    assert stored_ids(in_source=True) == everybody - {person}
    assert run.received == run.org_count == len(everybody)
    assert tables_that_name(person) == {}


@pytest.mark.large_org
@pytest.mark.slow
@pytest.mark.parametrize("last", [False, True])
def test_somebody_erased_between_a_run_and_its_resumption_stays_erased(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import, last: bool
) -> None:
    org.fail_next(503, times=10_000, path_contains="/query/")
    failed = import_now(seconds=2)
    assert failed.status == RunStatus.FAILED
    record_id = failed.cursor_id if last else min(stored_ids())
    erase(workspace=setup.workspace, salesforce_id=record_id, by=None)
    assert tables_that_name(record_id) == {}
    org.clear_faults()

    run = import_now()

    everybody = org_ids(org)
    assert run.status == RunStatus.SUCCEEDED, run.error
    assert run.continues == failed
    assert stored_ids(in_source=True) == everybody - {record_id}
    assert run.received == run.org_count == len(everybody)
    assert RecordIssue.objects.get(run=run, code="erased").value == "1"
    assert tables_that_name(record_id) == {}


def test_the_cursor_of_an_import_never_rests_on_an_erased_person(
    org: OrgSim, setup: ImportSetup, person: str
) -> None:
    """The record changed last is the last one read, so its key is where the run stands."""
    erase(workspace=setup.workspace, salesforce_id=person, by=None)
    with org.store.writing() as rows:
        rows.execute("UPDATE Contact SET SystemModstamp = '2020-01-01T00:00:00.000+0000'")
        rows.execute(
            "UPDATE Contact SET SystemModstamp = '2021-01-01T00:00:00.000+0000' WHERE Id = ?", [person]
        )
    cursors: list[tuple[str, str]] = []

    def note(run: ImportRun) -> None:
        if run.cursor_stamp:
            cursors.append((run.cursor_stamp[:4], run.cursor_id))

    run = execute_and(setup, note, Mode.EVERYTHING)

    assert run.status == RunStatus.SUCCEEDED, run.error
    assert ("2021", BEFORE_ALL_IDS) in cursors
    assert person not in {cursor_id for _, cursor_id in cursors}


def test_somebody_who_was_rejected_is_erased_and_stays_out(
    org: OrgSim, setup: ImportSetup, person: str, import_now: type_of_import
) -> None:
    Contact.objects.filter(salesforce_id=person).delete()

    erase(workspace=setup.workspace, salesforce_id=person, by=None)
    run = import_now(Mode.EVERYTHING)

    assert (run.status, run.rejected) == (RunStatus.SUCCEEDED, 1)
    assert tables_that_name(person) == {}


def test_whoever_has_an_erased_number_is_not_texted(
    org: OrgSim, setup: ImportSetup, person: str, import_now: type_of_import
) -> None:
    erase(workspace=setup.workspace, salesforce_id=person, by=None)
    again = org.create("Contact", LastName="Namesake", MobilePhone="212.555.0123")
    elsewhere = org.create("Contact", LastName="Stranger", MobilePhone="(212) 555-0124")

    import_now()

    people = [Contact.objects.get(salesforce_id=record_id) for record_id in (again, elsewhere)]
    assert for_programs(people) == ["opted_out", "opted_in"]
    kept = SuppressedNumber.objects.get()
    assert kept.by == "command line"


def test_another_workspace_keeps_the_person(
    org: OrgSim, setup: ImportSetup, person: str, draft: SetupDraft
) -> None:
    other = connected_setup(Workspace.objects.create(name="Alumni"), org, draft)

    erase(workspace=setup.workspace, salesforce_id=person, by=None)
    run = execute(Request(other, Mode.CHANGES))

    contact = Contact.objects.get(salesforce_id=person)
    assert run.status == RunStatus.SUCCEEDED, run.error
    assert contact.workspace == other.workspace
    assert for_programs([contact]) == ["opted_in"]


def test_a_key_that_can_not_be_opened_stops_imports_before_they_bring_anybody_back(
    org: OrgSim, setup: ImportSetup, person: str, import_now: type_of_import
) -> None:
    erase(workspace=setup.workspace, salesforce_id=person, by=None)
    org.edit(person, LastName="Quillfeather-Again")
    RecogniserKey.objects.update(sealed_key="sealed with another key")

    run = import_now()

    assert run.status == RunStatus.FAILED
    assert "CARILLON_SECRET_KEY" in run.error + run.remedy
    assert person not in stored_ids()


def test_a_rotated_master_secret_forgets_nobody(setup: ImportSetup, person: str, settings: Settings) -> None:
    erase(workspace=setup.workspace, salesforce_id=person, by=None)
    settings.MASTER_SECRET = f"brand-new,{settings.MASTER_SECRET}"
    assert set(remembered.erased(setup.workspace_id, [person])) == {person}

    assert remembered.reseal() == 1
    assert remembered.reseal() == 0
    settings.MASTER_SECRET = "brand-new"

    assert set(remembered.erased(setup.workspace_id, [person])) == {person}
    assert remembered.suppressed(setup.workspace_id, [NUMBER, "+12125550199"]) == {NUMBER}


@pytest.mark.parametrize("record_id", ["", "003", "not an id at all", "003000000000001AAA"])
def test_nobody_to_erase_is_said(workspace: Workspace, record_id: str) -> None:
    with pytest.raises(NobodyToErase):
        erase(workspace=workspace, salesforce_id=record_id, by=None)

    assert not ErasedRecord.objects.exists()
    assert not AuditEntry.objects.filter(action="person erased").exists()


def test_others_with_the_same_number_are_counted_first(
    org: OrgSim, setup: ImportSetup, person: str, import_now: type_of_import
) -> None:
    org.create("Contact", LastName="Sister", MobilePhone="+1 212 555 0123")
    import_now()

    assert erasable(setup.workspace, person).same_number == 1


def test_proofs_of_other_workspaces_and_people_stay(setup: ImportSetup, person: str) -> None:
    run = ImportRun.objects.latest("pk")
    ImportRun.objects.filter(pk=run.pk).update(finished_at=run.queued_at + timedelta(seconds=1))
    batch = RunBatch.objects.create(run=run, created=[person, "other"], rejected=["else"])

    erase(workspace=setup.workspace, salesforce_id=person, by=None)

    batch.refresh_from_db()
    assert batch.created == [bytes(ErasedRecord.objects.get().id_hash).hex(), "other"]
    assert batch.rejected == ["else"]


def test_an_erasure_waits_for_the_batch_that_is_being_stored(setup: ImportSetup, person: str) -> None:
    """Else the batch could store the person again, having looked before."""
    done = threading.Event()

    def erase_elsewhere() -> None:
        erase(workspace=setup.workspace, salesforce_id=person, by=None)
        connection.close()
        done.set()

    with transaction.atomic():
        load(ImportRun.objects.latest("pk"), Batch())
        other = threading.Thread(target=erase_elsewhere)
        other.start()
        assert not done.wait(0.5)
    assert done.wait(10)
    other.join()

    assert person not in stored_ids()


def test_a_run_does_not_write_an_erased_person_back_as_its_place(
    org: OrgSim, setup: ImportSetup, person: str
) -> None:
    """The person was the last one read, and is erased while the run reads somebody else by id."""
    a_minute_ago = (now() - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    with org.store.writing() as rows:
        rows.execute("UPDATE Contact SET SystemModstamp = ? WHERE Id = ?", [a_minute_ago, person])
    Contact.objects.filter(salesforce_id=min(stored_ids())).delete()
    places: list[str] = []
    named: list[dict[str, list[str]]] = []

    def erase_once(run: ImportRun) -> None:
        if run.phase == Phase.REREADING and person in stored_ids():
            places.append(run.cursor_id)
            erase(workspace=setup.workspace, salesforce_id=person, by=None)
        if run.phase == Phase.FOLLOWING:
            named.append(tables_that_name(person))

    run = execute_and(setup, erase_once, Mode.CHANGES)

    assert (run.status, places, run.created) == (RunStatus.SUCCEEDED, [person], 1), run.error
    assert named == [{}]


def test_no_issue_names_somebody_who_was_erased_while_they_were_looked_for(
    org: OrgSim, setup: ImportSetup, person: str, import_now: type_of_import
) -> None:
    Contact.objects.filter(salesforce_id=person).update(in_source=False, left_source_at=now())
    with org.store.writing() as rows:
        rows.execute(
            "UPDATE Contact SET SystemModstamp = '2021-01-01T00:00:00.000+0000' WHERE Id = ?", [person]
        )

    def erase_meanwhile(path: str, body: bytes) -> bytes:
        if "MobilePhone" not in path or person not in path:
            return body
        if person in stored_ids():
            erase(workspace=setup.workspace, salesforce_id=person, by=None)
        connection.close()
        return msgspec.json.encode({"totalSize": 0, "done": True, "records": []})

    org.mangle(erase_meanwhile)

    run = import_now()

    assert run.status == RunStatus.SUCCEEDED, run.error
    assert person not in stored_ids()
    assert tables_that_name(person) == {}
