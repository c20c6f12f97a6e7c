"""Workers that are killed while a bulk job is prepared or read: another goes on in the same job."""

import time
from collections.abc import Callable, Iterator

import pytest

from carillon.accounts.models import Workspace
from carillon.contacts.models import Contact
from carillon.imports.actions import request_run
from carillon.imports.drafts import SetupDraft
from carillon.imports.lock import is_locked
from carillon.imports.models import ImportRun, ImportSetup, Mode, Phase, RunStatus
from carillon.imports.runs import job_place
from carillon.imports.watermark import JobPlace
from orgsim.bulk import results as printing
from orgsim.testing import OrgSim
from tests.integration.commands import start
from tests.integration.imports.conftest import connected_setup, org_ids, stored_ids

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

# Above the threshold, so that processes of their own make a job of it.
CONTACTS = 20_000
IN_A_SET = 3_000


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrgSim]:
    with OrgSim(tmp_path_factory.mktemp("org") / "org.db", contacts=CONTACTS, leads=0, seed=3) as running:
        yield running


@pytest.fixture
def org(made_once: OrgSim, monkeypatch: pytest.MonkeyPatch) -> Iterator[OrgSim]:
    monkeypatch.setattr(printing, "LARGEST_PAGE", IN_A_SET)
    yield made_once
    made_once.clear_faults()
    made_once.set_bulk_delay(0.1)
    made_once.forget_bulk_jobs()


@pytest.fixture
def setup(workspace: Workspace, org: OrgSim, draft: SetupDraft) -> ImportSetup:
    return connected_setup(workspace, org, draft)


@pytest.fixture
def asked(org: OrgSim) -> list[str]:
    paths: list[str] = []
    org.mangle(noting(paths))
    return paths


def noting(paths: list[str]) -> Callable[[str, bytes], bytes]:
    def note(path: str, body: bytes) -> bytes:
        paths.append(path)
        return body

    return note


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def work_until(condition: Callable[[], bool], setup: ImportSetup) -> None:
    """A worker, killed once the condition holds."""
    worker = start("worker", "--queue", "imports")
    try:
        wait_until(condition)
    finally:
        worker.kill()
        worker.communicate()
    wait_until(lambda: not is_locked(setup.pk))


def state(run: ImportRun) -> ImportRun:
    return ImportRun.objects.get(pk=run.pk)


def place_of(run: ImportRun) -> JobPlace:
    return job_place(state(run)) or JobPlace("")


def read_by(run: ImportRun) -> int:
    return place_of(run).read


def moved_on(run: ImportRun, before: int) -> Callable[[], bool]:
    return lambda: read_by(run) > before


def jobs_made(asked: list[str]) -> int:
    return sum(path.endswith("/jobs/query") for path in asked)


def test_workers_killed_in_the_middle_of_a_result_lose_nobody_and_double_nobody(
    org: OrgSim, setup: ImportSetup, asked: list[str]
) -> None:
    org.slow(1.2, times=1_000, path_contains="/results")
    run = request_run(setup=setup, mode=Mode.EVERYTHING, by=None)
    job, stored = "", 0
    for _ in range(2):
        work_until(moved_on(run, stored), setup)
        stored = read_by(run)
        job = place_of(run).job
        assert 0 < stored < CONTACTS
        request_run(setup=setup, mode=Mode.EVERYTHING, by=None)
    org.clear_faults()
    org.mangle(noting(asked))
    asked.clear()

    work_until(lambda: not state(run).is_open, setup)

    run.refresh_from_db()
    everybody = org_ids(org)
    assert run.status == RunStatus.SUCCEEDED, run.error
    assert run.resumed
    assert stored_ids() == everybody
    assert Contact.objects.count() == len(everybody)
    assert (run.received, run.created, run.org_count) == (len(everybody),) * 3
    # The sets that were stored are not asked for again, and the only new job is that of the sweep.
    rest = [path for path in asked if job in path and "/results" in path]
    assert len(set(rest)) <= -(-(CONTACTS - stored) // IN_A_SET) + 1
    assert all("locator=" in path for path in rest)
    assert jobs_made(asked) == 1
    assert run.job_place is None


@pytest.mark.soak
def test_a_worker_killed_while_salesforce_prepares_leaves_its_job_to_the_next(
    org: OrgSim, setup: ImportSetup, asked: list[str]
) -> None:
    org.set_bulk_delay(6)
    run = request_run(setup=setup, mode=Mode.EVERYTHING, by=None)
    work_until(lambda: state(run).phase == Phase.PREPARING, setup)
    assert jobs_made(asked) == 1
    place = place_of(run)
    request_run(setup=setup, mode=Mode.EVERYTHING, by=None)
    org.set_bulk_delay(0.1)

    work_until(lambda: not state(run).is_open, setup)

    run.refresh_from_db()
    assert place.read == 0
    assert run.status == RunStatus.SUCCEEDED, run.error
    assert stored_ids() == org_ids(org)
    # That of the read, and that of the sweep by which a resumed run proves itself.
    assert jobs_made(asked) == 2
    assert any(place.job in path and "/results" in path for path in asked)


@pytest.mark.soak
def test_a_worker_killed_while_it_sweeps_does_not_read_again(
    org: OrgSim, setup: ImportSetup, asked: list[str]
) -> None:
    run = request_run(setup=setup, mode=Mode.EVERYTHING, by=None)
    work_until(lambda: read_by(run) > 0, setup)
    request_run(setup=setup, mode=Mode.EVERYTHING, by=None)
    org.set_bulk_delay(30)
    work_until(lambda: state(run).phase == Phase.SWEEPING, setup)
    assert place_of(run).is_whole
    request_run(setup=setup, mode=Mode.EVERYTHING, by=None)
    org.set_bulk_delay(0.1)
    asked.clear()

    work_until(lambda: not state(run).is_open, setup)

    run.refresh_from_db()
    assert run.status == RunStatus.SUCCEEDED, run.error
    assert run.received == run.org_count == len(org_ids(org))
    assert jobs_made(asked) == 1
