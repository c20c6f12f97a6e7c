"""Processes that die, meet, or are asked to stop."""

import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from carillon.accounts.models import Workspace
from carillon.contacts.models import Contact
from carillon.imports.actions import cancel_run, request_run, wake_workers_again
from carillon.imports.drafts import SetupDraft
from carillon.imports.lock import LockHeld, is_locked, setup_lock
from carillon.imports.models import ImportRun, ImportSetup, Mode, RunBatch, RunStatus
from carillon.imports.queries import is_interrupted
from carillon.imports.runner import Options, execute
from carillon.imports.runs import Request, new_run
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from orgsim.testing import OrgSim
from tests.integration.commands import carillon, start
from tests.integration.imports.conftest import connected_setup, org_ids, stored_ids

pytestmark = [pytest.mark.large_org, pytest.mark.django_db(transaction=True)]


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def test_only_one_process_holds_a_setup(setup: ImportSetup) -> None:
    with setup_lock(setup.pk):
        assert is_locked(setup.pk)
        with pytest.raises(LockHeld), setup_lock(setup.pk):
            pass

    assert not is_locked(setup.pk)
    with setup_lock(setup.pk):
        pass


@pytest.mark.slow
def test_a_second_import_says_which_one_runs(org: OrgSim, setup: ImportSetup) -> None:
    org.slow(0.5, times=1000)
    first = start("import", "contact")
    wait_until(lambda: ImportRun.objects.filter(status=RunStatus.RUNNING).exists())

    second = carillon("import", "contact", "--json")

    running = ImportRun.objects.get(status=RunStatus.RUNNING)
    assert second.code == 1
    assert str(running.public_id) in second.json["error"]
    assert second.json["status"] == "failed"
    first.send_signal(signal.SIGKILL)
    first.communicate()


@pytest.mark.slow
def test_a_running_import_is_cancelled_within_seconds(org: OrgSim, setup: ImportSetup) -> None:
    org.slow(1.0, times=1000)
    process = start("import", "contact", "--json")
    wait_until(lambda: ImportRun.objects.filter(received__gt=0).exists() or process.poll() is not None)

    cancel_run(run=ImportRun.objects.get(), by=None)
    out, _ = process.communicate(timeout=20)

    run = ImportRun.objects.get()
    setup.refresh_from_db()
    assert process.returncode == 1
    assert '"cancelled"' in out
    assert run.status == RunStatus.CANCELLED
    assert setup.watermark is None


def test_a_waiting_import_is_cancelled_at_once(setup: ImportSetup) -> None:
    run = request_run(setup=setup, mode=Mode.CHANGES, by=None)

    cancel_run(run=run, by=None)

    run.refresh_from_db()
    assert run.status == RunStatus.CANCELLED
    assert run.finished_at is not None


def test_an_import_that_waits_is_not_asked_for_twice(setup: ImportSetup) -> None:
    request_run(setup=setup, mode=Mode.CHANGES, by=None)

    with pytest.raises(CarillonError):
        request_run(setup=setup, mode=Mode.EVERYTHING, by=None)

    assert ImportRun.objects.count() == 1


@pytest.mark.slow
def test_a_command_takes_over_the_import_that_waits(org: OrgSim, setup: ImportSetup) -> None:
    request_run(setup=setup, mode=Mode.CHANGES, by=None)

    done = carillon("import", "contact", "--json")

    assert done.code == 0
    assert ImportRun.objects.get().status == RunStatus.SUCCEEDED


@pytest.fixture(scope="module")
def large_org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrgSim]:
    with OrgSim(tmp_path_factory.mktemp("org") / "org.db", contacts=20_000, leads=0, seed=3) as running:
        yield running


@pytest.mark.soak
def test_workers_killed_at_random_points_still_end_complete(
    large_org: OrgSim, workspace: Workspace, draft: SetupDraft
) -> None:
    """Each next worker resumes the same run: nothing stored is lost or read into a second row."""
    setup = connected_setup(workspace, large_org, draft)
    rng = random.Random(7)
    large_org.slow(0.7, times=1_000_000)
    run = request_run(setup=setup, mode=Mode.CHANGES, by=None)
    received = []
    for _ in range(4):
        worker = start("worker", "--queue", "imports")
        wait_until(_moved_on(run, _received()))
        time.sleep(rng.random())
        worker.kill()
        worker.communicate()
        wait_until(lambda: not is_locked(setup.pk))
        if not _is_open(run):
            break
        received.append(_received())
        assert is_interrupted(ImportRun.objects.get(pk=run.pk))
        request_run(setup=setup, mode=Mode.EVERYTHING, by=None)
    large_org.clear_faults()
    worker = start("worker", "--queue", "imports")
    wait_until(lambda: not _is_open(run), seconds=90)
    worker.terminate()
    worker.communicate(timeout=40)

    run.refresh_from_db()
    everybody = org_ids(large_org)
    assert received == sorted(received)
    assert len(received) > 1
    assert run.status == RunStatus.SUCCEEDED, run.error
    assert run.resumed
    assert stored_ids() == everybody
    assert Contact.objects.count() == len(everybody)
    assert run.received == run.org_count == len(everybody)
    assert run.created == len(everybody)
    assert ImportRun.objects.count() == 1


@pytest.mark.slow
def test_an_interrupted_run_of_another_mode_is_closed_as_failed(org: OrgSim, setup: ImportSetup) -> None:
    carillon("import", "contact")
    with org.store.writing() as connection:
        connection.execute("UPDATE Contact SET SystemModstamp = '2030-01-01T00:00:00.000+0000'")
    org.slow(0.4, times=1000)
    process = start("import", "contact")
    wait_until(lambda: ImportRun.objects.filter(status=RunStatus.RUNNING, received__gt=0).exists())
    process.kill()
    process.communicate()
    wait_until(lambda: not is_locked(setup.pk))
    org.clear_faults()

    done = carillon("import", "contact", "--everything", "--json")

    assert done.json["status"] == "succeeded"
    statuses = list(ImportRun.objects.order_by("queued_at").values_list("mode", "status"))
    assert statuses[1:] == [("changes", "failed"), ("everything", "succeeded")] or statuses[1:] == [
        ("everything", "succeeded")
    ]


def _is_open(run: ImportRun) -> bool:
    return ImportRun.objects.get(pk=run.pk).is_open


def _moved_on(run: ImportRun, before: int) -> Callable[[], bool]:
    return lambda: _received() > before or not _is_open(run)


def _received() -> int:
    run = ImportRun.objects.filter(status=RunStatus.RUNNING).first()
    return run.received if run else 0


@pytest.fixture
def worker(setup: ImportSetup) -> Iterator[subprocess.Popen[str]]:
    process = start("worker", "--queue", "imports")
    yield process
    process.terminate()
    process.communicate(timeout=40)


@pytest.mark.slow
def test_a_worker_executes_what_a_page_asked_for(
    org: OrgSim, setup: ImportSetup, worker: subprocess.Popen[str], tmp_path: Path
) -> None:
    request_run(setup=setup, mode=Mode.CHANGES, by=None)

    wait_until(lambda: ImportRun.objects.get().finished_at is not None, seconds=60)

    assert ImportRun.objects.get().status == RunStatus.SUCCEEDED
    assert stored_ids() == org_ids(org)


def test_an_import_whose_wake_up_was_lost_is_found_within_a_minute(setup: ImportSetup) -> None:
    run = new_run(Request(setup, Mode.CHANGES), RunStatus.QUEUED)
    ImportRun.objects.filter(pk=run.pk).update(queued_at=now() - timedelta(minutes=2))

    assert wake_workers_again() == 1
    assert wake_workers_again() == 1

    jobs = ProcrastinateJob.objects.filter(
        task_name="carillon.execute_import", status="todo", queueing_lock=f"import {run.public_id}"
    )
    assert [job.args for job in jobs] == [{"run_id": run.pk}]


def test_a_run_cancelled_while_it_signs_in_and_plans_is_cancelled(
    org: OrgSim, setup: ImportSetup, import_now: Callable[[], ImportRun]
) -> None:
    def cancel_meanwhile(path: str, body: bytes) -> bytes:
        if path.endswith("/describe"):
            cancel_run(run=ImportRun.objects.get(), by=None)
            connection.close()
        return body

    org.mangle(cancel_meanwhile)

    run = import_now()

    assert run.cancel_requested_at is not None
    assert run.status == RunStatus.CANCELLED


def test_a_run_interrupted_before_it_had_a_place_proves_itself_by_what_it_reads_now(
    org: OrgSim, setup: ImportSetup, import_now: Callable[..., ImportRun]
) -> None:
    """Its first records were changed in the second they were asked for, so that none could be its place."""
    import_now()
    leaver = min(stored_ids())
    interrupted = new_run(Request(setup, Mode.EVERYTHING), RunStatus.RUNNING)
    RunBatch.objects.create(run=interrupted, unchanged=[leaver])
    ImportRun.objects.filter(pk=interrupted.pk).update(received=1, unchanged=1)
    org.delete(leaver)
    progress: list[int] = []

    run = execute(
        Request(setup, Mode.EVERYTHING), Options(on_progress=lambda now: progress.append(now.received))
    )

    assert (run.pk, run.status, run.left_source) == (interrupted.pk, RunStatus.SUCCEEDED, 1), run.error
    assert run.received == run.org_count == len(org_ids(org)) == max(progress)


@pytest.mark.parametrize("phase", ["reading", "sweeping", "rereading", "following"])
def test_cancelled_in_any_phase_nobody_has_left_and_the_next_import_reads_the_same(
    org: OrgSim, setup: ImportSetup, import_now: Callable[[], ImportRun], phase: str
) -> None:
    import_now()
    setup.refresh_from_db()
    before = setup.watermark
    deleted, forgotten, changed, *_ = sorted(stored_ids())
    org.delete(deleted)
    Contact.objects.filter(salesforce_id=forgotten).delete()
    org.edit(changed, LastName="Changed")

    def cancel_in(run: ImportRun) -> None:
        if run.phase == phase:
            ImportRun.objects.filter(pk=run.pk).update(cancel_requested_at=now())

    run = execute(Request(setup, Mode.CHANGES), Options(on_progress=cancel_in))
    setup.refresh_from_db()

    assert (run.status, run.phase, setup.watermark) == (RunStatus.CANCELLED, "finishing", before)
    assert deleted in stored_ids(in_source=True)
    after = import_now()
    assert (after.status, after.left_source) == (RunStatus.SUCCEEDED, 1)
    assert stored_ids(in_source=True) == org_ids(org)
    assert Contact.objects.get(salesforce_id=changed).last_name == "Changed"
