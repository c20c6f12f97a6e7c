"""Large lists are read by bulk jobs: as complete as by pages, for fewer calls, whatever becomes of the job."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from carillon.accounts.models import Workspace
from carillon.connections.models import SalesforceConnection
from carillon.contacts.models import Contact
from carillon.imports import bulk_reads
from carillon.imports.actions import cancel_run, save_setup
from carillon.imports.drafts import AdditionalField, SetupDraft, draft_of
from carillon.imports.dry_run import Options as TrialOptions
from carillon.imports.dry_run import Trial, try_import
from carillon.imports.models import ImportRun, ImportSetup, Mode, Phase, RecordIssue, RunStatus
from carillon.imports.runner import Options, execute
from carillon.imports.runs import Request, job_place
from carillon.salesforce.bulk import routes
from carillon.salesforce.bulk.resource import Polling
from carillon.salesforce.transport import Retry
from orgsim.bulk import results as printing
from orgsim.testing import OrgSim
from orgsim.viewdef import Leaf
from tests.integration.imports.conftest import connected_setup, org_ids, stored_ids, type_of_import

pytestmark = [pytest.mark.large_org, pytest.mark.django_db(transaction=True)]

QUICK = Retry(budget_seconds=20, read_timeout=20, first_wait=0.05, longest_wait=0.5)
# Describe of the object and of the list view.
PLANNING = 2
CREATE, LOOK, DELETE = 1, 1, 1


@pytest.fixture(autouse=True)
def jobs_for_small_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "THRESHOLD", 1_000)
    monkeypatch.setattr(bulk_reads, "POLLING", Polling(0.4, 0.4))


@pytest.fixture
def asked(org: OrgSim) -> list[str]:
    """The addresses that were asked for, as far as they were answered well."""
    paths: list[str] = []
    org.mangle(noting(paths))
    return paths


def noting(paths: list[str]) -> Callable[[str, bytes], bytes]:
    def note(path: str, body: bytes) -> bytes:
        paths.append(path)
        return body

    return note


@pytest.fixture
def in_three_sets(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(printing, "LARGEST_PAGE", 1_500)
    return 3


def created(asked: list[str]) -> int:
    return sum(path.endswith("/jobs/query") for path in asked)


def sets(asked: list[str]) -> list[str]:
    return [path for path in asked if "/results" in path]


def jobs_left(org: OrgSim) -> int:
    return len(org.org.bulk._jobs)


def once(path_contains: str, act: Callable[[], object]) -> Callable[[str, bytes], bytes]:
    """Acts at the first good answer of such an address."""
    done: list[str] = []

    def mangler(path: str, body: bytes) -> bytes:
        if path_contains in path and not done:
            done.append(path)
            act()
        return body

    return mangler


def test_everything_comes_by_a_job_that_is_not_left_behind(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import, asked: list[str], in_three_sets: int
) -> None:
    run = import_now()

    assert run.status == RunStatus.SUCCEEDED, run.error
    assert stored_ids(in_source=True) == org_ids(org)
    assert (run.received, run.created, run.org_count) == (len(org_ids(org)),) * 3
    assert run.expected == len(org_ids(org))
    # The first page of the query says how many there are: a page too many, once.
    assert run.api_calls == PLANNING + 1 + CREATE + LOOK + in_three_sets + DELETE
    assert jobs_left(org) == 0
    assert not RecordIssue.objects.filter(code="bulk_not_used").exists()


def test_a_list_known_to_be_large_is_not_asked_for_a_page_first(
    import_now: type_of_import, asked: list[str], in_three_sets: int
) -> None:
    import_now()

    run = import_now(Mode.EVERYTHING)

    assert (run.status, run.unchanged) == (RunStatus.SUCCEEDED, run.org_count)
    assert run.api_calls == PLANNING + CREATE + LOOK + in_three_sets + DELETE


def test_a_sweep_comes_by_a_job(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import, in_three_sets: int
) -> None:
    import_now()
    leaver = min(org_ids(org))
    entrant = org.create("Contact", LastName="Okafor", MobilePhone="(212) 555-0123")
    org.delete(leaver)

    run = import_now()

    assert (run.mode, run.status) == (Mode.CHANGES, RunStatus.SUCCEEDED), run.error
    assert run.org_count == len(org_ids(org))
    assert (run.created, run.left_source) == (1, 1)
    assert {entrant} == stored_ids(in_source=True) - org_ids(org) | {entrant}
    # The page of changes, then the job.
    assert run.api_calls <= PLANNING + 1 + CREATE + LOOK + in_three_sets + DELETE + 1
    assert jobs_left(org) == 0


def test_many_changes_come_by_a_job(org: OrgSim, import_now: type_of_import, asked: list[str]) -> None:
    import_now()
    with org.store.writing() as connection:
        connection.execute(
            "UPDATE Contact SET LastName = LastName || ' II', SystemModstamp = '2030-01-01T00:00:00.000+0000'"
        )
    asked.clear()

    run = import_now()

    assert (run.mode, run.status) == (Mode.CHANGES, RunStatus.SUCCEEDED)
    assert run.updated == len(org_ids(org))
    assert created(asked) == 2


def test_small_lists_take_pages(
    monkeypatch: pytest.MonkeyPatch, import_now: type_of_import, asked: list[str]
) -> None:
    monkeypatch.setattr(routes, "THRESHOLD", 16_000)

    import_now()
    import_now()

    assert created(asked) == 0


NASTY = (
    'He said "hi", twice',
    "two\nlines, one comma",
    "Ünïcode 漢字 🎓",
    "'single' \\ backslash;semicolon\ttab",
)
EVERY_TYPE = (
    ("Description", "text"),
    ("Birthdate", "date"),
    ("SMS_Opt_Out__c", "yes_no"),
    ("HasOptedOutOfEmail", "text"),
    ("Graduation_Year__c", "number"),
    ("MailingLatitude", "number"),
    ("MailingLongitude", "text"),
    ("Interests__c", "choices"),
    ("Program__c", "choice"),
    ("Email", "text"),
    ("CreatedDate", "datetime"),
    ("LastModifiedDate", "text"),
    ("Last_Modified_Date_Time__c", "date"),
    ("EmailBouncedDate", "text"),
    ("LastActivityDate", "date"),
    ("OwnerId", "text"),
    ("Owner.Name", "text"),
    ("Account.Name", "text"),
    ("Account.CreatedDate", "text"),
    ("ReportsTo.LastName", "text"),
    ("PhotoUrl", "text"),
    ("Title", "number"),
)


@pytest.mark.parametrize("csv_form", ["plain", "bare"])
def test_jobs_and_pages_bring_the_same(
    org: OrgSim, draft: SetupDraft, monkeypatch: pytest.MonkeyPatch, db: None, csv_form: str
) -> None:
    org.switch("bulk_csv", csv_form)
    for name, _ in EVERY_TYPE:
        if "." not in name:
            org.show_field("Contact", name)
    people = sorted(org_ids(org))
    for person, text in zip(people, NASTY, strict=False):
        org.edit(
            person, Description=text, LastName=text.replace("\n", " ")[:40], Title=text.replace("\n", " ")
        )
    org.edit(people[10], Graduation_Year__c=2027, MailingLatitude=51.25, MailingLongitude=-0.1)
    org.edit(
        people[11], MailingLatitude=0, MailingLongitude=120, ReportsToId=people[0], Birthdate="1999-12-31"
    )
    org.edit(people[12], Phone="(212) 555-0100", SMS_Opt_Out__c=True, HasOptedOutOfEmail=True)
    draft = replace(
        draft,
        additional_fields=tuple(
            AdditionalField(name, f"field_{number}", name, kind)
            for number, (name, kind) in enumerate(EVERY_TYPE)
        ),
    )
    found = []
    for threshold in (16_000, 1_000):
        monkeypatch.setattr(routes, "THRESHOLD", threshold)
        workspace = Workspace.objects.create(name=f"Above {threshold}")
        setup = connected_setup(workspace, org, draft)
        run = execute(Request(setup, Mode.CHANGES), Options(retry=QUICK))
        assert run.status == RunStatus.SUCCEEDED, run.error
        found.append((run.api_calls, _contacts(workspace), _issues(run)))

    (page_calls, by_pages, page_issues), (job_calls, by_jobs, job_issues) = found
    assert page_calls != job_calls
    assert len(by_pages) == len(people)
    assert by_jobs == by_pages
    assert job_issues == page_issues
    assert {issue[3] for issue in page_issues} >= {"not_a_number", "mobile_missing"}


def _contacts(workspace: Workspace) -> dict[str, dict[str, object]]:
    ours = ("id", "workspace_id", "created_at", "updated_at")
    rows = Contact.objects.filter(workspace=workspace).values()
    return {row["salesforce_id"]: {k: v for k, v in row.items() if k not in ours} for row in rows}


def _issues(run: ImportRun) -> set[tuple[str, ...]]:
    issues = RecordIssue.objects.filter(run=run)
    return set(issues.values_list("salesforce_id", "field", "value", "code", "message"))


def test_a_job_that_failed_is_read_by_pages_and_said_so(
    org: OrgSim, import_now: type_of_import, asked: list[str]
) -> None:
    org.fail_bulk_job()

    run = import_now()

    issue = RecordIssue.objects.get(run=run, code="bulk_not_used")
    assert run.status == RunStatus.SUCCEEDED, run.error
    assert "QUERY_TIMEOUT" in issue.message
    assert "page by page" in issue.message
    assert stored_ids() == org_ids(org)
    assert run.expected == len(org_ids(org))
    assert created(asked) == 1
    assert jobs_left(org) == 0


def test_an_org_whose_jobs_are_used_up_is_read_by_pages(
    org: OrgSim, import_now: type_of_import, asked: list[str]
) -> None:
    org.bump_limit("DailyBulkV2QueryJobs")

    first, second = import_now(), import_now()

    assert (first.status, second.status) == (RunStatus.SUCCEEDED, RunStatus.SUCCEEDED)
    assert stored_ids() == org_ids(org)
    assert created(asked) == 0
    assert "used up its bulk query jobs" in RecordIssue.objects.get(run=second).message


@pytest.mark.parametrize("status", [400, 404, 405])
def test_an_org_that_makes_no_jobs_reads_by_pages(
    org: OrgSim, import_now: type_of_import, status: int
) -> None:
    org.fail_next(status, times=100, path_contains="/jobs/query")

    run = import_now(seconds=2)

    assert run.status == RunStatus.SUCCEEDED, run.error
    assert stored_ids() == org_ids(org)
    assert RecordIssue.objects.filter(run=run, code="bulk_not_used").exists()


def test_a_job_that_expires_while_it_is_read_is_made_again(
    org: OrgSim, import_now: type_of_import, asked: list[str], in_three_sets: int
) -> None:
    org.mangle(once("/results", org.forget_bulk_jobs))

    run = import_now()

    assert run.status == RunStatus.SUCCEEDED, run.error
    assert (run.received, run.created, run.org_count) == (len(org_ids(org)),) * 3
    assert stored_ids() == org_ids(org)
    assert not RecordIssue.objects.filter(run=run, code="bulk_not_used").exists()
    # The read, again, and the sweep: what came before the loss may have left since.
    assert created(asked) == 3
    assert jobs_left(org) == 0


def test_jobs_that_expire_again_and_again_end_in_pages(
    org: OrgSim, import_now: type_of_import, asked: list[str], in_three_sets: int
) -> None:
    def forget(path: str, body: bytes) -> bytes:
        if "/results" in path:
            org.forget_bulk_jobs()
        return body

    org.mangle(forget)

    run = import_now()

    assert run.status == RunStatus.SUCCEEDED, run.error
    assert run.received == run.org_count == len(org_ids(org))
    assert "no longer keeps" in RecordIssue.objects.get(run=run, code="bulk_not_used").message


def test_a_set_that_breaks_off_is_asked_for_again(
    org: OrgSim, import_now: type_of_import, asked: list[str], in_three_sets: int
) -> None:
    cut: list[str] = []

    def halve(path: str, body: bytes) -> bytes:
        if "/results" in path and len(cut) < 2:
            cut.append(path)
            return body[: len(body) // 2]
        return body

    org.mangle(halve)
    org.drop_connection(path_contains="/results", after=1)
    org.fail_next(503, times=2, path_contains="/jobs/query/")

    run = import_now()

    assert run.status == RunStatus.SUCCEEDED, run.error
    assert run.received == run.org_count == len(org_ids(org))
    assert len(sets(asked)) == in_three_sets + 2
    assert created(asked) == 1


def test_a_result_that_stays_short_is_not_believed(
    org: OrgSim, import_now: type_of_import, asked: list[str]
) -> None:
    """The job counts one more than its sets hold, as where one was lost on the org's side."""

    def one_more(path: str, body: bytes) -> bytes:
        if "/jobs/query/" not in path or "/results" in path or not body:
            return body
        job = json.loads(body)
        return json.dumps(job | {"numberRecordsProcessed": job.get("numberRecordsProcessed", 0) + 1}).encode()

    org.mangle(one_more)

    run = import_now()

    assert run.status == RunStatus.SUCCEEDED, run.error
    assert stored_ids() == org_ids(org)
    assert "but its result held" in RecordIssue.objects.get(run=run, code="bulk_not_used").message
    assert created(asked) == 2
    assert jobs_left(org) == 0


def test_sets_whose_rows_are_missing_are_not_believed(org: OrgSim, import_now: type_of_import) -> None:
    def without_last_rows(path: str, body: bytes) -> bytes:
        return b"\n".join(body.split(b"\n")[:-10]) + b"\n" if "/results" in path else body

    org.mangle(without_last_rows)

    run = import_now()

    assert run.status == RunStatus.SUCCEEDED, run.error
    assert stored_ids() == org_ids(org)
    assert RecordIssue.objects.filter(run=run, code="bulk_not_used").exists()


def test_rows_come_in_any_order_and_none_is_asked_for(
    org: OrgSim, import_now: type_of_import, in_three_sets: int
) -> None:
    """An order would keep Salesforce from dividing the work of a job."""
    queries: set[str] = set()

    def backwards(path: str, body: bytes) -> bytes:
        if "/results" not in path:
            return body
        queries.update(job.asked.soql for job in org.org.bulk._jobs.values())
        head, *rows, _ = body.split(b"\n")
        return b"\n".join([head, *reversed(rows), b""])

    org.mangle(backwards)

    run = import_now()

    assert run.status == RunStatus.SUCCEEDED, run.error
    assert stored_ids() == org_ids(org)
    assert len(queries) == 1
    assert "ORDER BY" not in min(queries)


def test_a_failed_read_goes_on_at_the_stored_place_of_the_same_job(
    org: OrgSim, import_now: type_of_import, asked: list[str], in_three_sets: int
) -> None:
    org.fail_next(503, times=10_000, path_contains="locator=")
    failed = import_now(seconds=2)
    assert failed.status == RunStatus.FAILED
    assert failed.received == 1_500
    place = job_place(failed)
    assert place
    assert (place.read, place.is_whole) == (1_500, False)
    org.clear_faults()
    fetched: list[str] = []
    org.mangle(noting(fetched))

    run = import_now()

    assert run.status == RunStatus.SUCCEEDED, run.error
    assert run.continues == failed
    assert (run.received, run.created, run.org_count) == (len(org_ids(org)),) * 3
    # The rest of that job; then the sweep, in a job of its own.
    assert created(fetched) == 1
    assert len([path for path in sets(fetched) if place.job in path]) == in_three_sets - 1
    assert jobs_left(org) == 0
    assert not ImportRun.objects.filter(job_place__isnull=False).exists()


def test_a_read_whose_job_is_gone_begins_again_and_counts_nobody_twice(
    org: OrgSim, import_now: type_of_import, in_three_sets: int
) -> None:
    org.fail_next(503, times=10_000, path_contains="locator=")
    failed = import_now(seconds=2)
    org.clear_faults()
    org.forget_bulk_jobs()

    run = import_now()

    assert (run.status, run.continues) == (RunStatus.SUCCEEDED, failed), run.error
    assert (run.received, run.created, run.org_count) == (len(org_ids(org)),) * 3
    assert Contact.objects.count() == len(org_ids(org))


def test_a_job_that_nobody_goes_on_with_is_deleted(
    org: OrgSim, setup: ImportSetup, draft: SetupDraft, import_now: type_of_import, in_three_sets: int
) -> None:
    org.fail_next(503, times=10_000, path_contains="locator=")
    failed = import_now(seconds=2)
    org.clear_faults()
    assert failed.status == RunStatus.FAILED
    assert jobs_left(org) == 1
    save_setup(setup=setup, draft=replace(draft, additional_fields=()), by=None)

    run = import_now()

    assert (run.status, run.continues) == (RunStatus.SUCCEEDED, None)
    assert jobs_left(org) == 0
    assert not ImportRun.objects.filter(job_place__isnull=False).exists()


def test_cancelling_while_salesforce_prepares_ends_the_job(org: OrgSim, setup: ImportSetup) -> None:
    org.set_bulk_delay(60)
    phases: list[str] = []

    def cancel(run: ImportRun) -> None:
        phases.append(run.phase)
        if run.phase == Phase.PREPARING:
            cancel_run(run=run, by=None)

    run = execute(Request(setup, Mode.CHANGES), Options(retry=QUICK, on_progress=cancel))

    assert Phase.PREPARING in phases
    assert run.status == RunStatus.CANCELLED
    assert run.finished_at is not None
    assert run.started_at is not None
    assert (run.finished_at - run.started_at).total_seconds() < 10
    assert jobs_left(org) == 0


def test_progress_counts_towards_what_the_job_holds(
    org: OrgSim, setup: ImportSetup, in_three_sets: int
) -> None:
    org.set_bulk_delay(0.5)
    seen: list[tuple[str, int, int | None]] = []

    execute(
        Request(setup, Mode.CHANGES),
        Options(retry=QUICK, on_progress=lambda run: seen.append((run.phase, run.received, run.expected))),
    )

    everybody = len(org_ids(org))
    assert (Phase.PREPARING, 0, None) in seen
    assert (Phase.READING, everybody, everybody) in seen
    assert {expected for _, received, expected in seen if received} == {everybody}


def test_what_changes_after_the_job_was_made_comes_with_the_next_import(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    late: list[str] = []
    org.mangle(
        once(
            "/results", lambda: late.append(org.create("Contact", LastName="Late", MobilePhone="2125550199"))
        )
    )
    first = import_now()

    second = import_now()

    setup.refresh_from_db()
    assert (first.status, second.mode) == (RunStatus.SUCCEEDED, Mode.CHANGES)
    assert late[0] in stored_ids(in_source=True)


def test_a_dry_run_takes_the_same_way(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import, asked: list[str], in_three_sets: int
) -> None:
    trial = Trial(setup, draft_of(setup), setup.source_label, Mode.CHANGES)

    found = try_import(trial, TrialOptions(retry=QUICK))
    run = import_now()

    assert found.status == RunStatus.SUCCEEDED, found.error
    assert (found.received, found.created, found.org_count) == (run.received, run.created, run.org_count)
    assert found.api_calls == run.api_calls
    assert created(asked) == 2
    assert jobs_left(org) == 0


def test_a_dry_run_that_breaks_off_leaves_no_job(org: OrgSim, setup: ImportSetup, in_three_sets: int) -> None:
    org.fail_next(503, times=10_000, path_contains="locator=")
    trial = Trial(setup, draft_of(setup), setup.source_label, Mode.CHANGES)

    found = try_import(trial, TrialOptions(retry=replace(QUICK, budget_seconds=2)))

    assert found.status == RunStatus.FAILED
    assert jobs_left(org) == 0


def test_a_scope_and_a_filter_on_a_related_object_stand_in_the_query_of_a_job(
    org: OrgSim, workspace: Workspace, draft: SetupDraft, monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    monkeypatch.setattr(routes, "THRESHOLD", -1)
    name = org.store.reader().execute("SELECT Name FROM Account LIMIT 1").fetchone()[0]
    theirs = Leaf(field="Account.Name", operator="equals", values=(f"'{name}'",))
    org.add_list_view("Contact", "Theirs", where=theirs, scope="mine")
    setup = connected_setup(workspace, org, replace(draft, source="Theirs"))

    run = execute(Request(setup, Mode.CHANGES), Options(retry=QUICK))

    assert run.status == RunStatus.SUCCEEDED, run.error
    assert created(asked) == 1
    assert not RecordIssue.objects.filter(code="bulk_not_used").exists()


def test_a_read_that_the_budget_cuts_goes_on_in_its_job(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import, in_three_sets: int
) -> None:
    """What is left is enough for the first set; there is more when the next import asks."""
    org.slow(1.2, times=2, path_contains="/results")
    known = SalesforceConnection.objects

    def spend(run: ImportRun) -> None:
        if run.phase == Phase.PREPARING:
            known.update(import_cap_percent=None, import_cap_calls=run.api_calls + LOOK + 1)

    cut = execute(Request(setup, Mode.CHANGES), Options(retry=QUICK, on_progress=spend))
    place = job_place(cut)
    known.update(import_cap_percent=100, import_cap_calls=None)
    run = import_now()

    assert (cut.status, cut.over_budget) == (RunStatus.INCOMPLETE, True), cut.error
    assert place
    assert 0 < place.read < run.received
    assert (run.status, run.continues) == (RunStatus.SUCCEEDED, cut), run.error
    assert (run.received, run.created, run.org_count) == (len(org_ids(org)),) * 3
    assert jobs_left(org) == 0
