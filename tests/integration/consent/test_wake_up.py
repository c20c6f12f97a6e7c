"""What is said wakes a worker; what a lost wake-up or a killed worker left is delivered all the same."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from carillon.accounts.models import Workspace
from carillon.consent import actions, jobs, push, waking
from carillon.consent.keywords import Meaning
from carillon.consent.models import Consent, ConsentPush, Review
from carillon.consent.push import Means
from carillon.lib.clock import now
from orgsim.testing import OrgSim
from tests.integration.commands import start
from tests.integration.consent.org_people import holds, states, stored, text
from tests.integration.consent.people import ANN, BEA, status

pytestmark = [pytest.mark.django_db(transaction=True)]


def jobs_waiting() -> int:
    return ProcrastinateJob.objects.filter(task_name="carillon.deliver_consent", status="todo").count()


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def test_what_is_said_wakes_a_worker_once_when_it_is_committed(connected: Workspace, org: OrgSim) -> None:
    first, second = stored(connected, org, count=2)

    with transaction.atomic():
        text(first)
        assert jobs_waiting() == 0
    text(second)

    assert jobs_waiting() == 1


def test_a_lost_wake_up_is_made_up_for_each_minute(connected: Workspace, org: OrgSim) -> None:
    (contact,) = stored(connected, org)
    text(contact)
    ProcrastinateJob.objects.all().update(queueing_lock=None)
    waking.wake_after_commit(connected.pk)
    before = jobs_waiting()

    jobs.look_after()

    assert before == jobs_waiting() == 2


def test_what_is_due_soon_does_not_wait_for_what_is_due_later(connected: Workspace) -> None:
    then = now().replace(second=1)
    for seconds in (55, 56, 20, 2):
        waking.wake_after_commit(connected.pk, at=then + timedelta(seconds=seconds))
    waking.wake_after_commit(connected.pk)

    found = ProcrastinateJob.objects.order_by("scheduled_at").values_list("scheduled_at", flat=True)
    assert [at and (at - then).total_seconds() for at in found] == [2, 20, 55, None]


def test_one_at_a_time_delivers_and_looks_again_when_it_is_done(
    connected: Workspace, org: OrgSim, means: Means
) -> None:
    first, second = stored(connected, org, count=2)
    text(first)
    answering, go_on = threading.Event(), threading.Event()

    def hold_up(path: str, body: bytes) -> bytes:
        if path.endswith("/composite"):
            answering.set()
            go_on.wait(10)
        return body

    def deliver() -> None:
        try:
            push.deliver(connected.pk, means)
        finally:
            connection.close()

    org.mangle(hold_up)
    worker = threading.Thread(target=deliver)
    worker.start()
    assert answering.wait(10)
    text(second)

    # The other one has it: nothing to do here.
    assert push.deliver(connected.pk, means) == 0
    go_on.set()
    worker.join(20)

    assert states(connected) == ["acknowledged", "acknowledged"]


def test_a_number_that_is_locked_at_the_moment_is_waited_for(
    connected: Workspace, org: OrgSim, means: Means
) -> None:
    """An import holds the numbers of a batch until it is stored."""
    (contact,) = stored(connected, org)
    text(contact)
    parameters = connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}
    with psycopg.connect(**parameters) as beside:
        beside.execute("select 1 from consent_consent for update")
        attempts = push.deliver(connected.pk, replace(means, sleep=lambda seconds: beside.commit()))

    assert (attempts, states(connected)) == (1, ["acknowledged"])


def test_a_worker_killed_between_call_and_acknowledgement_leads_to_a_repetition(
    connected: Workspace, org: OrgSim, means: Means
) -> None:
    (contact,) = stored(connected, org)
    answering, go_on = threading.Event(), threading.Event()

    def hold_up(path: str, body: bytes) -> bytes:
        if path.endswith("/composite"):
            answering.set()
            go_on.wait(20)
        return body

    org.mangle(hold_up)
    worker = start("worker", "--queue", "urgent")
    try:
        text(contact)
        assert answering.wait(20)
        worker.send_signal(signal.SIGKILL)
        worker.communicate()
    finally:
        go_on.set()
        worker.kill()
        worker.communicate()
    assert holds(org, contact.salesforce_id) == [True]
    assert states(connected) == ["sent"]

    assert push.deliver(connected.pk, means) == 0
    after = Means(clock=lambda: now() + timedelta(minutes=2), patience=means.patience)
    wait_until(lambda: push.deliver(connected.pk, after) > 0 or states(connected) == ["acknowledged"])

    assert states(connected) == ["acknowledged"]
    assert ConsentPush.objects.get().attempts == 2


@pytest.mark.slow
def test_a_worker_delivers_within_a_second(connected: Workspace, org: OrgSim) -> None:
    people = stored(connected, org, count=3)
    worker: subprocess.Popen[str] = start("worker", "--queue", "urgent")
    try:
        for contact in people:
            text(contact)
        wait_until(lambda: set(states(connected)) == {"acknowledged"})
    finally:
        worker.terminate()
        worker.communicate(timeout=30)

    assert holds(org, *(one.salesforce_id for one in people)) == [True] * 3


def a_review(workspace: Workspace, number: str) -> None:
    actions.text_received(
        workspace=workspace, number=number, words="no more", meaning=Meaning.LIKELY_STOP, message_id=number
    )


def test_a_review_that_is_due_counts_as_an_opt_out(connected: Workspace) -> None:
    a_review(connected, ANN)
    jobs.look_after()
    assert status(connected, ANN) == "opted_in"
    Review.objects.update(due_at=now())

    jobs.look_after()

    assert status(connected, ANN) == "opted_out"


def test_reviews_are_due_by_the_clock_of_the_database(
    connected: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_review(connected, ANN)
    for module in (jobs, push, actions):
        monkeypatch.setattr(module, "now", lambda: now() + timedelta(days=365), raising=False)

    jobs.look_after()

    assert status(connected, ANN) == "opted_in"


def test_what_fails_in_a_minute_keeps_nothing_else_from_it(connected: Workspace, org: OrgSim) -> None:
    """A trigger stands for whatever may be wrong with one number, or with the alerts."""
    text(stored(connected, org)[0])
    ProcrastinateJob.objects.all().update(queueing_lock=None)
    ConsentPush.objects.update(created_at=now() - timedelta(hours=1))
    a_review(connected, ANN)
    a_review(connected, BEA)
    Review.objects.update(due_at=now())
    with (
        refusing("consent_pushalert", "true"),
        refusing("consent_consentevent", f"new.consent_id = {Consent.objects.get(number=ANN).pk}"),
        pytest.raises(DatabaseError, match="refused"),
    ):
        jobs.look_after()

    assert jobs_waiting() == 2
    assert (status(connected, ANN), status(connected, BEA)) == ("opted_in", "opted_out")


@contextmanager
def refusing(table: str, condition: str) -> Iterator[None]:
    """Rows of that kind can't be added."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"create function refuse_{table}() returns trigger language plpgsql as"
            f" $$ begin if {condition} then raise 'refused'; end if; return new; end $$"
        )
        cursor.execute(
            f"create trigger refuse before insert on {table} for each row execute function refuse_{table}()"
        )
        try:
            yield
        finally:
            cursor.execute(f"drop function refuse_{table}() cascade")
