"""Long chaos: workers killed, sessions expired, connections dropped and people edited while imports go on,
again and again; at the end everything agrees. `make soak`."""

import random
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from carillon.accounts.models import Workspace
from carillon.contacts.models import Contact
from carillon.imports.actions import request_run
from carillon.imports.drafts import SetupDraft
from carillon.imports.models import ImportRun, ImportSetup, Mode, RunStatus
from carillon.imports.queries import is_interrupted
from carillon.lib.errors import CarillonError
from orgsim.testing import OrgSim
from tests.integration.commands import carillon, start
from tests.integration.imports.conftest import connected_setup, draft, org_ids, stored_ids, workspace

__all__ = ["draft", "workspace"]

pytestmark = [pytest.mark.soak, pytest.mark.django_db(transaction=True)]

ROUNDS = 12
CONTACTS = 20_000


@pytest.fixture
def org(tmp_path: Path) -> Iterator[OrgSim]:
    with OrgSim(tmp_path / "org.db", contacts=CONTACTS, leads=0, seed=5) as running:
        yield running


def trouble(org: OrgSim, rng: random.Random) -> None:
    """Something an org does on a bad day, and people who go on working in it."""
    people = rng.sample(org.ids("Contact"), 40)
    for person in people[:30]:
        org.edit(person, LastName=f"Edited {rng.randrange(10**6)}")
    for person in people[30:35]:
        org.delete(person)
    for _ in range(5):
        org.create("Contact", LastName=f"New {rng.randrange(10**6)}", MobilePhone="(212) 555-0123")
    verbs: list[Callable[[], None]] = [
        org.expire_sessions,
        org.forget_cursors,
        lambda: org.drop_connection(times=2, path_contains="/query"),
        lambda: org.fail_next(503, times=3, path_contains="/query"),
        lambda: org.slow(0.3, times=10, path_contains="/query"),
    ]
    rng.choice(verbs)()


def test_after_rounds_of_trouble_the_contacts_are_the_orgs(
    org: OrgSim, workspace: Workspace, draft: SetupDraft
) -> None:
    setup = connected_setup(workspace, org, draft)
    rng = random.Random(11)
    worker = start("worker", "--queue", "imports")
    for _ in range(ROUNDS):
        ask(setup, rng.choice([Mode.CHANGES, Mode.CHANGES, Mode.EVERYTHING]))
        time.sleep(rng.random() * 2)
        trouble(org, rng)
        time.sleep(rng.random())
        if rng.random() < 0.5:
            worker.kill()
            worker.communicate()
            worker = start("worker", "--queue", "imports")
    org.clear_faults()
    settle(setup, worker)

    done = carillon("import", "contact", "--json")

    assert done.code == 0, done.err
    assert stored_ids(in_source=True) == org_ids(org)
    names = dict(org.store.reader().execute("SELECT Id, LastName FROM Contact WHERE IsDeleted = 0"))
    stored = dict(Contact.objects.filter(in_source=True).values_list("salesforce_id", "last_name"))
    assert stored == {record_id: name.strip() for record_id, name in names.items()}


def test_a_killed_workers_import_is_rescued_without_anybody_asking(
    org: OrgSim, workspace: Workspace, draft: SetupDraft
) -> None:
    """The job's heartbeat grows stale and another worker takes the run up where it stopped."""
    setup = connected_setup(workspace, org, draft)
    org.slow(0.7, times=10_000)
    run = request_run(setup=setup, mode=Mode.CHANGES, by=None)
    worker = start("worker", "--queue", "imports")
    wait_for(lambda: ImportRun.objects.filter(pk=run.pk, received__gt=0).exists(), 60)
    worker.kill()
    worker.communicate()
    org.clear_faults()

    workers = [start("worker", "--queue", queue) for queue in ("urgent", "imports")]
    wait_for(lambda: not ImportRun.objects.get(pk=run.pk).is_open, 240)
    for process in workers:
        process.terminate()
        process.communicate(timeout=40)

    run.refresh_from_db()
    assert run.status == RunStatus.SUCCEEDED, run.error
    assert run.resumed
    assert stored_ids() == org_ids(org)


def ask(setup: ImportSetup, mode: Mode) -> None:
    try:
        request_run(setup=setup, mode=mode, by=None)
    except CarillonError:
        # One is under way: as a person would see it.
        return


def settle(setup: ImportSetup, worker: subprocess.Popen[str]) -> None:
    """Lets the last run end, or its process die."""

    def quiet() -> bool:
        run = ImportRun.objects.filter(setup=setup).order_by("-queued_at").first()
        return run is None or not run.is_open or is_interrupted(run)

    wait_for(quiet, 120)
    worker.terminate()
    worker.communicate(timeout=40)


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)
