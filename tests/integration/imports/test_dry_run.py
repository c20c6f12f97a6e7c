"""A dry run says what the import would do, by the import's own way, and stores nothing."""

import json
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from django.db import connection

from carillon.contacts.models import Contact, FieldChange
from carillon.imports.actions import save_setup, setup_for
from carillon.imports.drafts import AdditionalField, SetupDraft, draft_of
from carillon.imports.dry_run import Findings, NotSetUp, Options, Progress, Trial, try_import
from carillon.imports.erasing import erase
from carillon.imports.lock import setup_lock
from carillon.imports.models import ImportRun, ImportSetup, Mode, Phase, RecordIssue, RunStatus
from carillon.imports.walk import Cancelled
from carillon.salesforce.transport import Retry
from orgsim.testing import OrgSim
from tests.integration.imports.conftest import org_ids, stored_ids, type_of_import

pytestmark = pytest.mark.django_db(transaction=True)

COUNTS = (
    "mode",
    "org_count",
    "received",
    "created",
    "updated",
    "unchanged",
    "rejected",
    "left_source",
    "issue_count",
)
QUICK = Retry(budget_seconds=20, read_timeout=20, first_wait=0.05, longest_wait=0.5)


def would_do(setup: ImportSetup, mode: Mode = Mode.CHANGES, draft: SetupDraft | None = None) -> Findings:
    setup.refresh_from_db()
    trial = Trial(setup, draft or draft_of(setup), setup.source_label, mode)
    return try_import(trial, Options(retry=QUICK))


def everything_stored() -> dict[str, list[tuple[Any, ...]]]:
    """Each row of each table of the database, jobs and sequences included; but the count of API calls goes on."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'S')"
        )
        stored = {}
        for (name,) in cursor.fetchall():
            if name.startswith("connections_"):
                continue
            cursor.execute(f'select row(t.*)::text from "{name}" t order by 1')
            stored[name] = cursor.fetchall()
    return stored


def temporary_tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "select relname from pg_class where relnamespace = pg_my_temp_schema() and relkind = 'r'"
        )
        return [row[0] for row in cursor.fetchall()]


def counts_of(found: Findings | ImportRun) -> dict[str, object]:
    return {name: getattr(found, name) for name in COUNTS}


def issue_counts(run: ImportRun) -> dict[str, int]:
    codes = list(RecordIssue.objects.filter(run=run).values_list("code", flat=True))
    return {code: codes.count(code) for code in set(codes)}


@pytest.mark.parametrize("imported", [False, True])
def test_nothing_is_written(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import, imported: bool
) -> None:
    if imported:
        import_now()
        erase_some(org, setup, Random(7))
        make_edits(org, Random(7), 40)
        org.edit(sorted(stored_ids())[0], LastName="Changed")
    before = everything_stored()

    found = would_do(setup)

    assert found.status == RunStatus.SUCCEEDED, found.error
    assert found.created > 0
    assert everything_stored() == before
    assert len(before) > 20
    assert not [name for name in temporary_tables() if name.startswith(("dry_run", "import_members"))]


def test_a_first_import_would_create_everybody(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    found = would_do(setup)

    run = import_now()
    assert counts_of(found) == counts_of(run)
    assert {kind.code: kind.count for kind in found.issue_kinds} == issue_counts(run)
    assert found.mode_reason == run.mode_reason
    assert found.api_calls == run.api_calls


@pytest.mark.parametrize(("seed", "mode"), [(1, Mode.CHANGES), (2, Mode.EVERYTHING)])
def test_counts_are_those_of_the_import_that_follows(
    org: OrgSim, setup: ImportSetup, draft: SetupDraft, import_now: type_of_import, seed: int, mode: Mode
) -> None:
    """Whatever happens in the org between two imports."""
    save_setup(setup=setup, draft=replace(draft, source="TextingContacts"), by=None)
    random = Random(seed)
    import_now()
    for _ in range(3):
        erase_some(org, setup, random)
        make_edits(org, random, random.randrange(1, 60))
        lie_about(org, random)

        found = would_do(setup, mode)
        run = import_now(mode)

        assert (found.status, run.status) == (RunStatus.SUCCEEDED, RunStatus.SUCCEEDED), found.error
        assert counts_of(found) == counts_of(run)
        assert {kind.code: kind.count for kind in found.issue_kinds} == issue_counts(run)
        assert sum(found.rejected_by_reason.values()) == run.rejected
        assert "erased" in found.rejected_by_reason
        org.mangle(lambda path, body: body)


def erase_some(org: OrgSim, setup: ImportSetup, random: Random) -> None:
    """Three people are erased: the org leaves one as they are, changes one, and then tells nonsense of another."""
    people = random.sample(sorted(stored_ids() & org_ids(org, "MobilePhone IS NOT NULL")), 3)
    for one in people:
        erase(workspace=setup.workspace, salesforce_id=one, by=None)
    org.edit(people[1], LastName="Erasmus")
    org.edit(people[2], LastName="Erasmus", MobilePhone="no number")


@pytest.mark.parametrize("mode", [Mode.CHANGES, Mode.EVERYTHING])
def test_people_who_were_erased_are_counted_as_the_import_counts_them(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import, mode: Mode
) -> None:
    import_now()
    org.set_clock_offset(3600)
    import_now()
    org.set_clock_offset(2 * 3600)
    erase_some(org, setup, Random(4))
    changes = FieldChange.objects.count()

    found = would_do(setup, mode)

    assert FieldChange.objects.count() == changes
    run = import_now(mode)
    assert counts_of(found) == counts_of(run)
    assert found.rejected_by_reason == {"erased": 2 if mode == Mode.CHANGES else 3}
    (kind,) = [kind for kind in found.issue_kinds if kind.code == "erased"]
    issue = RecordIssue.objects.get(run=run, code="erased")
    assert (kind.count, kind.message, issue.value) == (1, issue.message, "3")


def make_edits(org: OrgSim, random: Random, number: int) -> None:
    """People are edited, made, deleted, and enter or leave the list without being modified."""
    ids = sorted(org_ids(org))
    edits: list[Callable[[str], object]] = [
        lambda one: org.edit(one, LastName=random.choice(["Okafor", "Zhou", "Ng"])),
        lambda one: org.edit(one, MobilePhone=random.choice(["(212) 555-0188", "nonsense", None])),
        lambda one: org.edit(one, Program__c=None, Graduation_Year__c=None),
        lambda one: org.edit(one, Preferred_Name__c=None, FirstName=None),
        lambda one: org.edit(one, Description="of no interest to the import"),
        lambda one: org.create("Contact", LastName="Abara", MobilePhone="(212) 555-0142"),
        lambda one: org.delete(one),
        lambda one: _silently(org, one, None),
        lambda one: _silently(org, one, "(617) 555-0123"),
    ]
    for one in random.sample(ids, number):
        random.choice(edits)(one)


def _silently(org: OrgSim, record_id: str, mobile: str | None) -> None:
    with org.store.writing() as store:
        store.execute("UPDATE Contact SET MobilePhone = ? WHERE Id = ?", [mobile, record_id])


def lie_about(org: OrgSim, random: Random) -> None:
    """Two records come with a value of another type than their field has."""
    victims = random.sample(sorted(org_ids(org, "MobilePhone IS NOT NULL")), 2)
    for one in victims:
        org.edit(one, Title="touched")

    def mangle(path: str, body: bytes) -> bytes:
        if not body.startswith(b'{"totalSize"'):
            return body
        answer = json.loads(body)
        for record in answer["records"]:
            if record["Id"] in victims and "LastName" in record:
                record["LastName"] = 42
        return json.dumps(answer).encode()

    org.mangle(mangle)


def test_somebody_who_leaves_while_the_list_is_read_is_counted_as_by_an_import(
    org: OrgSim, setup: ImportSetup, draft: SetupDraft, import_now: type_of_import
) -> None:
    save_setup(setup=setup, draft=replace(draft, source="TextingContacts"), by=None)
    import_now()
    new = org.create("Contact", LastName="Abara", MobilePhone="(212) 555-0142")

    def leave_once_read(path: str, body: bytes) -> bytes:
        if new.encode() in body and b"LastName" in body:
            _silently(org, new, None)
        return body

    org.mangle(leave_once_read)
    found = would_do(setup)
    _silently(org, new, "(212) 555-0142")
    run = import_now()

    assert (found.created, found.left_source) == (1, 1)
    assert counts_of(found) == counts_of(run)


def test_rejected_records_are_counted_by_reason(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    lie_about(org, Random(3))

    found = would_do(setup)

    assert found.rejected == 2
    assert found.rejected_by_reason == {"wrong_type": 2}


def test_fields_that_would_be_blanked_are_counted(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    import_now()
    with_all = "MobilePhone IS NOT NULL AND Program__c IS NOT NULL AND Graduation_Year__c IS NOT NULL"
    first, second, third, fourth = sorted(org_ids(org, with_all))[:4]
    Contact.objects.filter(salesforce_id__in=[second, third]).update(mobile_number="+12125550188")
    org.edit(first, Program__c=None)
    org.edit(second, Program__c=None, MobilePhone=None)
    org.edit(third, MobilePhone="nonsense", Preferred_Name__c=None, FirstName=None)
    org.edit(fourth, Program__c="Law" if _program(fourth) != "Law" else "Nursing")

    found = would_do(setup)

    assert found.blanked == {
        "first_name": 1,
        "last_name": 0,
        "mobile_number": 2,
        "user_identification": 0,
        "program": 2,
        "graduation_year": 0,
    }
    import_now()
    assert Contact.objects.get(salesforce_id=second).fields["program"] is None


def _program(salesforce_id: str) -> object:
    return Contact.objects.get(salesforce_id=salesforce_id).fields["program"]


def test_a_setup_that_is_not_saved_is_tried(
    org: OrgSim, setup: ImportSetup, draft: SetupDraft, import_now: type_of_import
) -> None:
    import_now()
    more = (*draft.additional_fields, AdditionalField("Email", "email", "E-mail", "text"))
    tried = replace(draft_of(setup), source=setup.source_id, additional_fields=more)
    before = everything_stored()

    found = would_do(setup, draft=tried)

    assert everything_stored() == before
    assert found.mode == Mode.EVERYTHING
    assert "changed since" in found.mode_reason
    assert "email" in found.blanked
    save_setup(setup=setup, draft=tried, by=None)
    assert counts_of(found) == counts_of(import_now())


def test_a_setup_that_is_switched_off_can_be_tried_and_an_empty_one_not(
    setup: ImportSetup, draft: SetupDraft
) -> None:
    ImportSetup.objects.filter(pk=setup.pk).update(enabled=False)

    assert would_do(setup).status == RunStatus.SUCCEEDED
    with pytest.raises(NotSetUp, match="not set up"):
        would_do(setup_for(setup.workspace, "Lead"))


def test_it_works_while_an_import_holds_the_lock(setup: ImportSetup) -> None:
    with setup_lock(setup.pk):
        assert would_do(setup).status == RunStatus.SUCCEEDED


@pytest.mark.large_org
def test_a_query_that_came_out_short_is_read_again_and_said(org: OrgSim, setup: ImportSetup) -> None:
    lost: list[str] = []

    def lose_a_page(path: str, body: bytes) -> bytes:
        if "/query/" not in path or lost:
            return body
        lost.append(path)
        return json.dumps({**json.loads(body), "records": []}).encode()

    org.mangle(lose_a_page)

    found = would_do(setup)

    assert found.status == RunStatus.SUCCEEDED, found.error
    assert "came out short" in found.note
    assert found.created == found.org_count == len(org_ids(org))


def test_a_list_that_never_comes_whole_is_incomplete(org: OrgSim, setup: ImportSetup) -> None:
    def lose_the_first(path: str, body: bytes) -> bytes:
        if "/query" not in path or not body.startswith(b'{"totalSize"'):
            return body
        answer = json.loads(body)
        return json.dumps({**answer, "records": answer["records"][1:]}).encode()

    org.mangle(lose_the_first)

    found = would_do(setup)

    assert found.status == RunStatus.INCOMPLETE
    assert "announced" in found.error
    assert found.received > 0
    assert found.left_source is None


def test_a_source_that_is_gone_fails_and_says_why(org: OrgSim, setup: ImportSetup) -> None:
    org.unshare("AllContacts")
    before = everything_stored()

    found = would_do(setup)

    assert found.status == RunStatus.FAILED
    assert "no longer shared" in found.error
    assert everything_stored() == before, "a dry run raises no alert"


@pytest.mark.large_org
def test_progress_tells_phase_and_records_and_whoever_looks_may_stop_it(setup: ImportSetup) -> None:
    seen: list[Progress] = []

    def look(progress: Progress) -> None:
        seen.append(progress)
        if progress.received:
            raise Cancelled

    trial = Trial(setup, draft_of(setup), setup.source_label, Mode.EVERYTHING)
    found = try_import(trial, Options(retry=QUICK, look=look))

    assert found.status == RunStatus.CANCELLED
    assert seen[0].phase == Phase.READING
    assert seen[-1].received == found.received > 0
    assert seen[-1].of == 4_100
    assert not [name for name in temporary_tables() if name.startswith("dry_run")]
