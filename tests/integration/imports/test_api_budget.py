"""What imports spend of the org's API calls: counted by kind, held to the cap, and never out of the reserve."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from carillon.accounts.models import AuditEntry
from carillon.connections.actions import Allowance, ConnectionInvalid, set_allowance, test_connection
from carillon.connections.models import CallsInHour, Purpose, SalesforceConnection
from carillon.connections.permissions import Uses
from carillon.connections.usage import DayOfCalls, day_of
from carillon.imports import jobs
from carillon.imports.actions import PastCap, request_run, save_setup, setup_for
from carillon.imports.drafts import SetupDraft, draft_of
from carillon.imports.dry_run import Trial, try_import
from carillon.imports.models import ImportAlert, ImportRun, ImportSetup, Mode, RunStatus, Trigger
from carillon.imports.purse import Purse
from carillon.imports.runner import Options, execute
from carillon.imports.runs import Request, new_run
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from carillon.salesforce.kinds import CallKind
from carillon.salesforce.transport import Retry
from orgsim.limits_table import API_REQUESTS
from orgsim.testing import OrgSim
from tests.integration.imports.conftest import org_ids, stored_ids, type_of_import

pytestmark = [pytest.mark.large_org, pytest.mark.django_db(transaction=True)]

# By the name pytest would take it for a test.
look_at_connection = test_connection
del test_connection


def allow(setup: ImportSetup, calls: int, reserve: int = 500) -> None:
    known = SalesforceConnection.objects.get(workspace=setup.workspace)
    set_allowance(connection=known, allowance=Allowance(None, calls, reserve), by=None)


def a_day_goes_by(org: OrgSim, days: int = 1) -> None:
    """Calls get older, and the org's clock goes on."""
    CallsInHour.objects.update(hour=F("hour") - timedelta(hours=25))
    SalesforceConnection.objects.update(org_calls_at=F("org_calls_at") - timedelta(hours=25))
    org.set_clock_offset(days * 25 * 3600)


def waited_for(condition: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_calls_are_counted_by_kind(org: OrgSim, setup: ImportSetup, import_now: type_of_import) -> None:
    org.set_clock_offset(3600)
    before = org.org.usage.used(API_REQUESTS)
    first = import_now()
    org.set_clock_offset(2 * 3600)
    second = import_now()

    assert first.calls == {"describe": 1, "list_view": 1, "query": 1, "query_more": 2}
    assert second.calls == {"describe": 1, "list_view": 1, "query": 2, "query_more": 2}
    assert (first.api_calls, second.api_calls) == (5, 6)
    assert day_of(setup.workspace_id).imports == 11
    known = SalesforceConnection.objects.get()
    assert known.org_calls_used == org.org.usage.used(API_REQUESTS) == before + 11
    assert (known.org_calls_limit, known.org_calls_at is not None) == (100_000, True)
    assert set(second.calls) <= set(CallKind)


def test_what_a_purse_can_afford_is_what_it_lets_pass(setup: ImportSetup) -> None:
    allow(setup, 40)
    purse = Purse(SalesforceConnection.objects.get(), lambda calls, usage: None)

    assert [purse.can_afford(calls) for calls in (1, 40, 41)] == [True, True, False]


def test_pages_that_ask_the_org_are_counted_apart(org: OrgSim, setup: ImportSetup) -> None:
    """Saving a setup asks, and so does the test of the connection."""
    saved = day_of(setup.workspace_id)
    report = look_at_connection(connection=SalesforceConnection.objects.get(), by=None, uses=Uses())

    day = day_of(setup.workspace_id)
    assert saved.setup > 0
    assert day.setup - saved.setup > 5
    assert (day.capped, day.all) == (0, day.setup)
    assert report.calls_used == day.setup == org.org.usage.used(API_REQUESTS)


def test_calls_are_counted_while_they_are_refused(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    """An outage of a minute must not look like an import that does nothing."""
    org.fail_next(503, times=1000, path_contains="/describe")
    started = threading.Thread(target=_quietly, args=(lambda: import_now(seconds=4),))
    started.start()

    def shown() -> int:
        return sum(ImportRun.objects.filter(status=RunStatus.RUNNING).values_list("api_calls", flat=True))

    while_it_runs = waited_for(lambda: shown() > 1)
    started.join()
    run = ImportRun.objects.get()

    assert while_it_runs
    assert run.status == RunStatus.FAILED
    assert run.api_calls == run.calls["describe"] == day_of(setup.workspace_id).imports


def test_an_import_that_waits_to_sign_in_again_can_be_cancelled(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    org.fail_next(503, times=1000, path_contains="/describe")
    started = threading.Thread(target=_quietly, args=(import_now,))
    started.start()
    assert waited_for(lambda: ImportRun.objects.filter(api_calls__gt=0).exists())

    ImportRun.objects.update(cancel_requested_at=now())
    started.join()

    assert ImportRun.objects.get().status == RunStatus.CANCELLED


def test_an_import_without_room_under_the_cap_is_postponed(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    import_now()
    setup.refresh_from_db()
    watermark = setup.watermark
    allow(setup, 8)
    asked = org.org.usage.used(API_REQUESTS)

    by_hand = import_now()
    ImportSetup.objects.update(windows=["06:00-08:00"])
    setup.refresh_from_db()
    runs = [by_hand, import_now()]
    setup.refresh_from_db()

    assert [run.status for run in runs] == [RunStatus.POSTPONED] * 2
    assert runs[0].error == (
        "It would take about 6 API calls, but of the 8 API calls that imports may use in 24 hours (the cap) 3 are left."
    )
    assert runs[0].remedy.startswith("Start it again later. ")
    assert runs[1].remedy.startswith("It is tried again in its next window. ")
    assert (runs[0].api_calls, org.org.usage.used(API_REQUESTS)) == (0, asked)
    assert setup.watermark == watermark
    alert = ImportAlert.objects.get()
    assert (alert.kind, alert.run, alert.over_at) == ("budget", runs[1], None)

    a_day_goes_by(org)
    later = import_now()
    alert.refresh_from_db()

    assert (later.status, later.mode) == (RunStatus.SUCCEEDED, Mode.CHANGES)
    assert (alert.recovered, alert.over_at is not None) == (True, True)


def test_a_new_source_is_not_held_back_by_the_size_of_the_one_before(
    setup: ImportSetup, draft: SetupDraft, import_now: type_of_import
) -> None:
    """Else no import of it ever starts by schedule, and none learns how small it is."""
    import_now()
    ImportRun.objects.update(org_count=1_000_000)
    save_setup(setup=setup, draft=replace(draft, source="TextingContacts"), by=None)
    allow(setup, 40)

    run = import_now()

    assert (run.mode, run.status) == (Mode.EVERYTHING, RunStatus.SUCCEEDED), run.error


def test_a_scheduled_import_is_postponed_too(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    import_now()
    allow(setup, 6)
    waiting = new_run(Request(setup, Mode.CHANGES, Trigger.SCHEDULED), RunStatus.QUEUED)

    jobs.execute_queued(waiting.pk)

    waiting.refresh_from_db()
    assert waiting.status == RunStatus.POSTPONED
    assert ImportAlert.objects.get().sentence.startswith(
        "The import of Contacts by schedule ended as postponed: It would take about 6 API calls"
    )


def test_an_import_that_spends_its_budget_goes_on_the_next_day(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    """Nobody knew how long the list is. What was read stays, and is not read again."""
    allow(setup, 4)

    first = import_now()
    setup.refresh_from_db()

    assert (first.status, first.over_budget, first.api_calls) == (RunStatus.INCOMPLETE, True, 4)
    assert first.error.startswith("The budget of API calls is spent: of the 4 API calls that imports may use")
    assert "goes on where this one stopped" in first.remedy
    assert first.received == len(stored_ids()) == 4_000
    assert setup.watermark is None
    assert ImportAlert.objects.get().kind == "budget"

    # 100 people are left, and then the ids of all.
    postponed = import_now()
    a_day_goes_by(org, days=3)
    allow(setup, 20)
    org.fail_next(503, times=2, path_contains="/query")
    once = Options(retry=Retry(most_attempts=1))
    failed = [execute(Request(setup, Mode.CHANGES), once) for _ in range(2)]
    second = import_now()
    setup.refresh_from_db()

    assert postponed.status == RunStatus.POSTPONED
    assert postponed.remedy.startswith(
        "That is more than the whole cap, so waiting does not help: raise the cap"
    )
    assert [run.status for run in failed] == [RunStatus.FAILED] * 2
    assert (failed[0].continues, failed[1].continues) == (first, failed[0])
    assert (second.status, second.continues, second.resumed) == (RunStatus.SUCCEEDED, failed[1], True)
    assert second.calls["query"] + second.calls["query_more"] == 1 + 3
    assert second.received >= len(stored_ids())
    assert stored_ids() == org_ids(org)
    assert first.org_clock
    assert setup.watermark == first.org_clock - timedelta(minutes=20)


def test_a_read_cut_by_the_budget_is_not_continued_for_ever(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    allow(setup, 4)
    import_now()
    allow(setup, 100)
    a_day_goes_by(org, days=8)

    run = import_now()

    assert (run.status, run.continues, run.received) == (RunStatus.SUCCEEDED, None, len(org_ids(org)))


@pytest.mark.parametrize("past_cap", [False, True])
def test_the_reserve_is_never_touched(org: OrgSim, setup: ImportSetup, past_cap: bool) -> None:
    used, asked = org.org.usage.used(API_REQUESTS), day_of(setup.workspace_id).setup
    org.set_limit(used + 504)
    SalesforceConnection.objects.update(org_calls_at=None, org_calls_used=None, org_calls_limit=None)

    run = execute(Request(setup, Mode.CHANGES, past_cap=past_cap), Options())
    again = execute(Request(setup, Mode.CHANGES, past_cap=past_cap), Options())

    assert (run.status, run.over_budget) == (RunStatus.INCOMPLETE, True)
    assert "the org has 500 API calls left in its 24 hours, and 500 of them are kept" in run.error
    assert (again.status, again.api_calls) == (RunStatus.POSTPONED, 0)
    # The second one asked anew how many are left, which is a call too.
    assert org.org.usage.remaining(API_REQUESTS) == 499
    assert day_of(setup.workspace_id).setup == asked + 1


@pytest.mark.parametrize("by_hand", [True, False])
def test_nothing_is_postponed_by_a_count_that_is_out_of_date(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import, by_hand: bool
) -> None:
    org.set_limit(org.org.usage.used(API_REQUESTS) + 243)
    look_at_connection(connection=SalesforceConnection.objects.get(), by=None, uses=Uses())

    postponed = import_now()
    with pytest.raises(CarillonError, match="kept for opt-outs"):
        request_run(setup=setup, mode=Mode.CHANGES, by=None)
    org.set_limit(100_000)
    if by_hand:
        asked = request_run(setup=setup, mode=Mode.CHANGES, by=None)
        jobs.execute_queued(asked.pk)
    else:
        import_now()

    assert postponed.status == RunStatus.POSTPONED
    assert "kept for opt-outs" in postponed.error
    assert ImportRun.objects.latest("pk").status == RunStatus.SUCCEEDED


def test_a_share_of_a_limit_that_was_raised_is_a_higher_cap(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    known = SalesforceConnection.objects.get()
    set_allowance(connection=known, allowance=Allowance(1, None, 0), by=None)
    SalesforceConnection.objects.update(org_calls_limit=200, org_calls_used=20, org_calls_at=now())

    assert import_now().status == RunStatus.SUCCEEDED


def test_an_org_that_does_not_answer_leaves_the_stored_count_in_force(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    SalesforceConnection.objects.update(org_calls_limit=1_000, org_calls_used=900, org_calls_at=now())
    org.drop_connection(times=1_000)

    run = import_now()

    assert (run.status, run.api_calls) == (RunStatus.POSTPONED, 0)
    assert "the org has 100 API calls left" in run.error


def test_other_programs_may_use_the_calls_up_on_the_way(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    seen: list[str] = []

    def busy(path: str, body: bytes) -> bytes:
        if "/query" in path and not seen:
            seen.append(path)
            org.bump_limit(by=org.org.usage.remaining(API_REQUESTS) - 400)
        return body

    org.mangle(busy)

    run = import_now()

    assert (run.status, run.over_budget) == (RunStatus.INCOMPLETE, True)
    # The answer on its way then was the last.
    assert org.org.usage.remaining(API_REQUESTS) in (399, 400)


def test_an_org_whose_calls_are_used_up_postpones(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    allow(setup, 1_000, reserve=0)
    org.bump_limit()
    SalesforceConnection.objects.update(org_calls_at=None, org_calls_used=None, org_calls_limit=None)

    run = import_now()

    assert (run.status, run.over_budget) == (RunStatus.POSTPONED, False)
    assert run.calls == {"describe": 1}


def test_contacts_and_leads_share_the_cap(
    org: OrgSim, setup: ImportSetup, draft: SetupDraft, import_now: type_of_import
) -> None:
    """Both at once, each from a process of its own."""
    leads = save_setup(
        setup=setup_for(setup.workspace, "Lead"),
        draft=SetupDraft(
            source="AllLeads", first_name="FirstName", last_name="LastName", mobile_number="MobilePhone"
        ),
        by=None,
    )
    org.slow(0.05, times=1000)
    allow(setup, 22)
    together = threading.Barrier(2)

    def run(one: ImportSetup) -> None:
        together.wait()
        for _ in range(4):
            execute(Request(one, Mode.EVERYTHING), Options(retry=Retry(budget_seconds=20)))

    threads = [threading.Thread(target=_quietly, args=(lambda one=one: run(one),)) for one in (setup, leads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    spent = sum(ImportRun.objects.values_list("api_calls", flat=True))
    assert spent == day_of(setup.workspace_id).imports
    assert 10 <= spent <= 22
    statuses = set(ImportRun.objects.values_list("status", flat=True))
    assert RunStatus.SUCCEEDED in statuses
    assert RunStatus.POSTPONED in statuses


def test_a_dry_run_is_held_to_the_budget_and_counts_against_it(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    trial = Trial(setup, draft_of(setup), setup.source_label, Mode.CHANGES)
    allow(setup, 9)

    whole, cut = try_import(trial), try_import(trial)

    assert (whole.status, whole.calls) == (
        RunStatus.SUCCEEDED,
        {"describe": 1, "list_view": 1, "query": 1, "query_more": 2},
    )
    assert (cut.status, cut.api_calls, cut.received) == (RunStatus.INCOMPLETE, 4, 4_000)
    assert "goes on" not in cut.remedy
    assert day_of(setup.workspace_id).dry_runs == 9
    assert import_now().status == RunStatus.POSTPONED


def test_past_the_cap_needs_a_word_and_past_the_reserve_none_helps(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    import_now()
    allow(setup, 5)
    setup.refresh_from_db()

    with pytest.raises(PastCap, match="would take about 6 API calls"):
        request_run(setup=setup, mode=Mode.CHANGES, by=None)
    asked = request_run(setup=setup, mode=Mode.CHANGES, by=None, past_cap=True)
    jobs.execute_queued(asked.pk)
    asked.refresh_from_db()

    assert (asked.status, asked.past_cap) == (RunStatus.SUCCEEDED, True)
    assert AuditEntry.objects.filter(action="import started past the cap").count() == 1

    allow(setup, 5, reserve=200_000)
    with pytest.raises(CarillonError, match="kept for opt-outs"):
        request_run(setup=setup, mode=Mode.CHANGES, by=None, past_cap=True)
    assert ImportRun.objects.count() == 2


def test_a_changed_budget_holds_for_an_import_under_way(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    first: list[str] = []

    def lower(path: str, body: bytes) -> bytes:
        if "/query" in path and not first:
            first.append(path)
            _elsewhere(lambda: allow(setup, 3))
        return body

    org.mangle(lower)
    org.slow(1.2, times=10, path_contains="/query/")

    run = import_now()

    assert (run.status, run.over_budget) == (RunStatus.INCOMPLETE, True)


def test_usage_is_kept_five_weeks(setup: ImportSetup) -> None:
    this_hour = now().replace(minute=0, second=0, microsecond=0)
    CallsInHour.objects.all().delete()
    for days in (0, 1, 34, 36):
        CallsInHour.objects.create(
            workspace=setup.workspace,
            hour=this_hour - timedelta(days=days, hours=1),
            purpose="import",
            calls=5,
        )

    jobs.keep_house()

    assert CallsInHour.objects.count() == 3
    assert day_of(setup.workspace_id) == DayOfCalls(imports=5)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"import_cap_percent": None}, "connection_has_one_cap"),
        ({"import_cap_percent": 20, "import_cap_calls": 5}, "connection_has_one_cap"),
        ({"import_cap_percent": 0}, "connection_has_one_cap"),
        ({"import_cap_percent": 101}, "connection_has_one_cap"),
        ({"import_cap_percent": None, "import_cap_calls": 0}, "connection_has_one_cap"),
        ({"org_calls_at": None}, "connection_usage_is_whole"),
    ],
)
def test_the_database_keeps_one_cap(setup: ImportSetup, change: dict[str, Any], constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        SalesforceConnection.objects.update(**change)


def test_the_database_keeps_one_row_an_hour_and_purpose(setup: ImportSetup) -> None:
    row = CallsInHour.objects.filter(purpose=Purpose.SETUP).get()
    row.pk = None

    with pytest.raises(IntegrityError, match="calls_once_an_hour"), transaction.atomic():
        row.save(force_insert=True)


@pytest.mark.parametrize("status", ["succeeded", "failed", "postponed"])
def test_only_an_incomplete_run_is_over_budget(setup: ImportSetup, status: str) -> None:
    run = new_run(Request(setup, Mode.CHANGES), RunStatus.QUEUED)
    rows = ImportRun.objects.filter(pk=run.pk)

    with pytest.raises(IntegrityError, match="run_over_budget_is_incomplete"), transaction.atomic():
        rows.update(status=status, over_budget=True, error="x", finished_at=now())


def test_a_postponed_run_says_why(setup: ImportSetup) -> None:
    run = new_run(Request(setup, Mode.CHANGES), RunStatus.QUEUED)

    with pytest.raises(IntegrityError, match="run_failure_says_why"), transaction.atomic():
        ImportRun.objects.filter(pk=run.pk).update(status="postponed", finished_at=now())


@pytest.mark.parametrize(
    "allowance",
    [
        Allowance(None, None),
        Allowance(20, 20),
        Allowance(0),
        Allowance(101),
        Allowance(None, 0),
        Allowance(20, None, -1),
    ],
)
def test_a_budget_that_makes_no_sense_is_refused(setup: ImportSetup, allowance: Allowance) -> None:
    with pytest.raises(ConnectionInvalid):
        set_allowance(connection=SalesforceConnection.objects.get(), allowance=allowance, by=None)


def test_a_changed_budget_is_audited_once(setup: ImportSetup) -> None:
    for _ in range(2):
        allow(setup, 300, reserve=50)

    entry = AuditEntry.objects.get(action="API budget changed")
    assert entry.detail["before"] == {"cap_percent": 20, "cap_calls": None, "reserve": 500}
    assert entry.detail["after"] == {"cap_percent": None, "cap_calls": 300, "reserve": 50}


def _elsewhere(work: Callable[[], object]) -> None:
    """In a thread with a database connection of its own."""
    thread = threading.Thread(target=_quietly, args=(work,))
    thread.start()
    thread.join()


def _quietly(work: Callable[[], object]) -> None:
    try:
        work()
    finally:
        connection.close()
