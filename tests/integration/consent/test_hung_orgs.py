"""Orgs that take a call and never answer keep nobody else's STOP from going on."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from carillon.accounts.models import Workspace
from carillon.cli.worker_queue import CONCURRENCY
from carillon.consent import lines, push
from carillon.consent.models import Delivery
from carillon.consent.push import Means
from carillon.consent.pushes import WORKER_DIED
from carillon.lib.clock import now
from carillon.salesforce.transport import Retry
from orgsim.testing import OrgSim
from tests.integration.consent.org_people import connected_to, impatient, states, stored, text

pytestmark = pytest.mark.django_db(transaction=True)

SLOTS = CONCURRENCY["urgent"]
MEANS = Means(patience=impatient)


@pytest.fixture
def answers() -> threading.Event:
    return threading.Event()


@pytest.fixture
def hung(answers: threading.Event) -> Iterator[OrgSim]:
    def hang(path: str, body: bytes) -> bytes:
        if path.endswith("/composite"):
            answers.wait(30)
        return body

    with OrgSim(contacts=1, leads=0) as running:
        running.mangle(hang)
        yield running
        answers.set()


def deliver(workspace: Workspace) -> int:
    try:
        return push.deliver(workspace.pk, MEANS)
    finally:
        connection.close()


def known_to_fail(workspace: Workspace) -> None:
    then = now() - timedelta(minutes=1)
    Delivery.objects.create(
        workspace=workspace, failures=3, failing_since=then, paused_until=then, error="No answer."
    )


def test_orgs_known_to_hang_leave_slots_for_others(
    connected: Workspace, org: OrgSim, hung: OrgSim, answers: threading.Event
) -> None:
    hanging = [connected_to(hung, f"Hung {place}") for place in range(SLOTS)]
    for workspace in hanging:
        known_to_fail(workspace)
        text(stored(workspace, hung)[0])
    text(stored(connected, org)[0])
    ProcrastinateJob.objects.all().delete()

    with ThreadPoolExecutor(SLOTS) as slots:
        try:
            held = [slots.submit(deliver, workspace) for workspace in hanging]
            assert slots.submit(deliver, connected).result(20) == 1
            assert states(connected) == ["acknowledged"]
            # The others come back soon.
            again = ProcrastinateJob.objects.filter(task_name="carillon.deliver_consent", status="todo")
            assert again.count() == SLOTS - push.SLOTS_FOR_FAILING
        finally:
            answers.set()
        assert sum(one.result(20) for one in held) == push.SLOTS_FOR_FAILING
    assert Delivery.objects.filter(failures=0).count() == push.SLOTS_FOR_FAILING
    for workspace in hanging:
        deliver(workspace)
        lines.hang_up(workspace.pk)
        assert states(workspace) == ["acknowledged"]


def test_a_call_waits_no_longer_than_its_pushes_need(transactional_db: None, hung: OrgSim) -> None:
    """Also on a line that was opened for more of them."""
    workspace = connected_to(hung)
    lines.open_line(workspace.pk, Retry(read_timeout=60))
    text(stored(workspace, hung)[0])

    def patience(pushes: int, is_failing: bool) -> Retry:
        return Retry(budget_seconds=0.5, read_timeout=0.5)

    attempts = push.deliver(workspace.pk, Means(patience=patience))

    assert (attempts, states(workspace)) == (1, ["waiting"])
    assert "in time" in Delivery.objects.get(workspace=workspace).error


def test_how_long_a_worker_waits_for_an_org() -> None:
    one, many, failing = lines.patience(1, False), lines.patience(200, False), lines.patience(1, True)

    assert one.budget_seconds < 11
    assert one.budget_seconds < failing.budget_seconds < many.budget_seconds
    assert timedelta(seconds=many.budget_seconds) < WORKER_DIED / 2
