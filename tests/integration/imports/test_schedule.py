"""Imports by schedule: one run a window whoever looks and how often, and what becomes of windows that passed."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from subprocess import PIPE, Popen

import pytest
from django.db import IntegrityError, connection, transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from carillon.accounts.models import Workspace
from carillon.imports import jobs, scheduler
from carillon.imports.actions import save_setup
from carillon.imports.catalog import find_source
from carillon.imports.drafts import draft_of
from carillon.imports.lock import is_locked
from carillon.imports.models import (
    ImportAlert,
    ImportRun,
    ImportSetup,
    Mode,
    RunStatus,
    ScheduledStart,
    Trigger,
)
from carillon.imports.runs import Request, new_run
from carillon.lib.clock import now
from orgsim.testing import OrgSim
from tests.integration.commands import environment, start
from tests.integration.imports.conftest import org_ids, stored_ids
from tests.integration.imports.schedules import (
    EVENING,
    MIDNIGHT,
    MORNING,
    NOON,
    ready_setup,
    scheduled,
    start_at,
)

pytestmark = [pytest.mark.django_db(transaction=True)]

MINUTE = timedelta(minutes=1)


@pytest.fixture
def plain(workspace: Workspace) -> ImportSetup:
    """A setup with all three windows and no org behind it."""
    return scheduled(ready_setup(workspace))


def outcomes() -> list[tuple[str, str]]:
    return list(ScheduledStart.objects.order_by("starts_at").values_list("window", "outcome"))


def test_a_window_starts_one_import_of_changes(plain: ImportSetup) -> None:
    due = start_at(plain, MORNING)

    made = [scheduler.start_due(due - MINUTE), scheduler.start_due(due), scheduler.start_due(due + MINUTE)]

    run = ImportRun.objects.get()
    job = ProcrastinateJob.objects.get(queueing_lock=f"import {run.public_id}")
    assert made == [0, 1, 0]
    assert (run.trigger, run.mode, run.status) == (Trigger.SCHEDULED, Mode.CHANGES, RunStatus.QUEUED)
    assert run.started_by_name == "schedule"
    assert run.scheduled_start.starts_at == due
    assert job.args == {"run_id": run.pk}


def test_three_windows_start_three_imports_a_day(plain: ImportSetup) -> None:
    moment = MIDNIGHT

    while moment < MIDNIGHT + timedelta(days=2):
        scheduler.start_due(moment)
        ImportRun.objects.filter(status=RunStatus.QUEUED).update(
            status=RunStatus.CANCELLED, finished_at=moment
        )
        moment += timedelta(minutes=7)

    assert outcomes() == [(window, "started") for window in (MORNING, NOON, EVENING)] * 2
    assert ImportRun.objects.count() == 6


@pytest.mark.parametrize("change", [{"enabled": False}, {"windows": []}])
def test_nothing_starts_when_switched_off_or_without_windows(
    plain: ImportSetup, change: dict[str, object]
) -> None:
    ImportSetup.objects.update(**change)

    assert scheduler.start_due(start_at(plain, EVENING)) == 0
    assert outcomes() == []


def test_many_schedulers_at_once_make_one_run(plain: ImportSetup) -> None:
    due, made, together = start_at(plain, MORNING), [], threading.Barrier(8)

    def look() -> None:
        try:
            together.wait()
            made.append(scheduler.start_due(due))
        finally:
            connection.close()

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(made) == [0] * 7 + [1]
    assert ImportRun.objects.count() == 1
    assert outcomes() == [(MORNING, "started")]


@pytest.mark.slow
def test_schedulers_in_several_processes_make_one_run(plain: ImportSetup) -> None:
    due = start_at(plain, MORNING)
    program = (
        "import sys, datetime, django; django.setup();"
        "from carillon.imports import scheduler; print('ready', flush=True); sys.stdin.readline();"
        f"print(scheduler.start_due(datetime.datetime.fromisoformat({due.isoformat()!r})))"
    )
    settings = {**environment(), "DJANGO_SETTINGS_MODULE": "carillon.settings"}
    processes = [
        Popen([sys.executable, "-c", program], env=settings, stdin=PIPE, stdout=PIPE, text=True)
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

    made = [process.communicate("\n", timeout=60)[0].strip() for process in processes]

    assert sorted(made) == ["0", "0", "1"]
    assert ImportRun.objects.count() == 1


def test_the_database_itself_refuses_a_second_start_of_a_window(plain: ImportSetup) -> None:
    """Another process has written its row and not committed yet: this one waits, and then makes no run."""
    due, written = start_at(plain, MORNING), threading.Event()

    def elsewhere() -> None:
        try:
            with transaction.atomic():
                _row(plain, due).save()
                written.set()
                time.sleep(0.3)
        finally:
            connection.close()

    other = threading.Thread(target=elsewhere)
    other.start()
    written.wait()
    made = scheduler.start_due(due)
    other.join()

    assert made == 0
    assert not ImportRun.objects.exists()
    with pytest.raises(IntegrityError):
        _row(plain, due).save()


def _row(setup: ImportSetup, due: datetime) -> ScheduledStart:
    return ScheduledStart(
        setup=setup,
        timezone=setup.timezone,
        day=due.date(),
        window=MORNING,
        starts_at=due,
        outcome="missed",
        reason="A test.",
    )


def test_after_an_outage_the_latest_window_of_today_is_caught_up(plain: ImportSetup) -> None:
    scheduler.start_due(start_at(plain, MORNING))
    ImportRun.objects.update(status=RunStatus.CANCELLED, finished_at=now())
    tuesday_afternoon = MIDNIGHT + timedelta(days=1, hours=16)

    made = scheduler.start_due(tuesday_afternoon)

    assert made == 1
    assert outcomes() == [
        (MORNING, "started"),
        (NOON, "missed"),
        (EVENING, "missed"),
        (MORNING, "missed"),
        (NOON, "started"),
    ]
    alert = ImportAlert.objects.get()
    assert alert.kind == "missed"
    assert alert.sentence.startswith(
        "3 imports of Contacts by schedule were missed, the latest at 2026-11-03"
    )
    assert alert.sentence.endswith("An import that catches up was started.")


def test_windows_of_yesterday_are_not_caught_up(plain: ImportSetup) -> None:
    night = MIDNIGHT + timedelta(days=1, hours=2)

    made = scheduler.start_due(night)

    assert made == 0
    assert outcomes() == [(MORNING, "missed"), (NOON, "missed"), (EVENING, "missed")]
    assert not ImportRun.objects.exists()


def test_today_is_the_setups_not_utcs(plain: ImportSetup) -> None:
    """In New York it is still Monday evening when it is Tuesday in London."""
    scheduled(plain, EVENING)

    made = scheduler.start_due(MIDNIGHT + timedelta(hours=23))

    assert made == 1
    assert outcomes() == [(EVENING, "started")]


def test_a_run_that_still_goes_is_not_doubled(plain: ImportSetup) -> None:
    running = new_run(Request(plain, Mode.EVERYTHING), RunStatus.QUEUED)

    made = scheduler.start_due(start_at(plain, MORNING))

    start = ScheduledStart.objects.get()
    assert made == 0
    assert list(ImportRun.objects.all()) == [running]
    assert start.outcome == "skipped"
    assert "still waiting for a worker, so none was started beside it" in start.reason


def test_an_interrupted_run_is_taken_up_instead_of_doubled(plain: ImportSetup) -> None:
    interrupted = new_run(Request(plain, Mode.EVERYTHING), RunStatus.RUNNING)

    scheduler.start_due(start_at(plain, MORNING))

    start = ScheduledStart.objects.get()
    job = ProcrastinateJob.objects.get(queueing_lock=f"import {interrupted.public_id}")
    assert start.outcome == "skipped"
    assert "taken up again" in start.reason
    assert job.args == {"run_id": interrupted.pk}
    assert ImportRun.objects.count() == 1


def test_a_setup_in_trouble_does_not_keep_others_from_starting(plain: ImportSetup) -> None:
    ImportSetup.objects.filter(pk=plain.pk).update(timezone="Mars/Olympus_Mons")
    other = scheduled(ready_setup(Workspace.objects.create(name="Other College")))

    made = scheduler.start_due(start_at(other, MORNING))

    assert made == 1
    assert ImportRun.objects.get().setup == other


def test_windows_that_passed_before_the_schedule_was_saved_are_no_concern(setup: ImportSetup) -> None:
    draft = draft_of(setup)
    before = setup.scheduled_since

    save_setup(setup=setup, draft=draft, by=None)
    setup.refresh_from_db()
    unchanged = setup.scheduled_since
    zone = "Pacific/Kiritimati" if datetime.now(UTC).hour < 12 else "Pacific/Pago_Pago"
    saved = save_setup(
        setup=setup, draft=replace(draft, timezone=zone, windows=(EVENING, MORNING, NOON)), by=None
    )

    assert unchanged == before
    assert saved.scheduled_since > before
    assert saved.windows == [MORNING, NOON, EVENING]
    assert scheduler.start_due(now()) == 0
    assert outcomes() == []


def test_what_the_schedule_owed_is_not_forgotten_when_it_is_changed(setup: ImportSetup) -> None:
    """No worker ran for two days, and an admin who sees old data changes the windows first."""
    scheduled(setup, since=now() - timedelta(days=2))
    owed = scheduler.undecided(setup, now())

    save_setup(setup=setup, draft=replace(draft_of(setup), windows=(MORNING,)), by=None)

    assert len(owed) >= 5
    decided = ScheduledStart.objects.order_by("starts_at").values_list("starts_at", flat=True)
    assert list(decided) == [start.at for start in owed]
    assert ImportAlert.objects.get().kind == "missed"
    assert scheduler.start_due(now()) == 0


def test_a_run_that_waited_while_the_import_was_switched_off_ends(plain: ImportSetup) -> None:
    scheduler.start_due(start_at(plain, MORNING))
    ImportSetup.objects.update(enabled=False)
    run = ImportRun.objects.get()

    jobs.execute_queued(run.pk)

    run.refresh_from_db()
    assert run.status == RunStatus.CANCELLED
    assert "switched off" in run.error


@pytest.mark.large_org
@pytest.mark.slow
def test_a_worker_killed_in_a_scheduled_run_is_resumed_not_doubled(org: OrgSim, setup: ImportSetup) -> None:
    due = start_at(scheduled(setup), MORNING)
    # A commit each two seconds: the first of three pages is stored before the second has come.
    org.slow(2.5, times=1000, path_contains="/query")
    scheduler.start_due(due)
    with _worker():
        _wait_until(lambda: ImportRun.objects.filter(received__gt=0).exists())
    _wait_until(lambda: not is_locked(setup.pk))
    org.clear_faults()

    made = [scheduler.start_due(due + MINUTE), scheduler.start_due(start_at(setup, NOON))]
    with _worker():
        _wait_until(lambda: not ImportRun.objects.get().is_open, seconds=60)

    run = ImportRun.objects.get()
    assert made == [0, 0]
    assert outcomes() == [(MORNING, "started"), (NOON, "skipped")]
    assert (run.status, run.trigger, run.resumed) == (RunStatus.SUCCEEDED, Trigger.SCHEDULED, True)
    assert stored_ids() == org_ids(org)


@pytest.mark.slow
@pytest.mark.parametrize("colleges", [15, pytest.param(200, marks=pytest.mark.soak)])
def test_many_workspaces_in_one_window_get_one_run_each(small_org: OrgSim, colleges: int) -> None:
    """Two schedulers look each ten minutes while four workers do what they start."""
    first = ready_setup(Workspace.objects.create(name="First"), small_org.url)
    source = find_source(first.workspace, "Contact", "AllContacts").id
    first.delete()
    setups = [
        scheduled(
            ready_setup(Workspace.objects.create(name=f"College {number}"), small_org.url, source), MORNING
        )
        for number in range(colleges)
    ]
    moments = [MIDNIGHT + timedelta(hours=6, minutes=minutes) for minutes in range(0, 130, 10)]

    def look() -> None:
        try:
            for moment in moments:
                scheduler.start_due(moment)
        finally:
            connection.close()

    schedulers = [threading.Thread(target=look) for _ in range(2)]
    with _worker(), _worker(), _worker(), _worker():
        for thread in schedulers:
            thread.start()
        for thread in schedulers:
            thread.join()
        _wait_until(lambda: not ImportRun.objects.filter(finished_at__isnull=True).exists(), seconds=400)

    runs = ImportRun.objects.values_list("setup", "status", "trigger")
    assert sorted(runs) == [(setup.pk, "succeeded", "scheduled") for setup in setups]
    assert outcomes() == [(MORNING, "started")] * colleges


@pytest.fixture(scope="module")
def small_org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrgSim]:
    with OrgSim(tmp_path_factory.mktemp("org") / "org.db", contacts=5, leads=0, seed=2) as running:
        yield running


@contextmanager
def _worker() -> Iterator[None]:
    """A worker's process, killed at the end."""
    process = start("worker", "--queue", "imports")
    try:
        yield
    finally:
        process.kill()
        process.communicate()


def _wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)
