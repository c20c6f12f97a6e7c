"""Several at once about one number: each is heard, once and in some order, and nobody is the victim of a deadlock."""

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from carillon.accounts.models import Workspace
from carillon.consent import actions, jobs, ledger, pushes, queries, verify
from carillon.consent.keywords import understand
from carillon.consent.models import Consent, ConsentEvent, ConsentPush
from carillon.lib.clock import now
from tests.integration.consent.people import ANN, BEA, a_contact, a_mapping
from tests.integration.consent.test_erasure import erase

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def workspace(transactional_db: None) -> Workspace:
    made = Workspace.objects.create(name="Admissions")
    a_mapping(made)
    return made


def text(workspace: Workspace, words: str, number: str = ANN) -> None:
    actions.text_received(
        workspace=workspace,
        number=number,
        words=words,
        meaning=understand(words),
        message_id=uuid.uuid4().hex,
    )


def in_its_own_connection(work: Callable[..., Any], *args: Any, **more: Any) -> Any:
    try:
        return work(*args, **more)
    finally:
        connection.close()


def is_somebody_waiting(cursor: CursorWrapper) -> bool:
    cursor.execute("select exists (select 1 from pg_locks where not granted)")
    return bool(cursor.fetchone()[0])


@contextmanager
def waiting_for_the_number(workspace: Workspace, work: Callable[[], Any]) -> Iterator[Future[Any]]:
    """Within a transaction that holds the number, once `work` waits for it beside."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic(), connection.cursor() as cursor:
            ledger.enter(cursor, workspace.pk, [ANN, BEA], making=[ANN, BEA])
            beside = pool.submit(in_its_own_connection, work)
            deadline = time.monotonic() + 5
            while not is_somebody_waiting(cursor):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            yield beside
        beside.result(10)


def test_stops_and_a_start_at_once_are_a_line_each_and_the_last_word_stands(workspace: Workspace) -> None:
    contact = a_contact(workspace, ANN)

    with ThreadPoolExecutor(6) as pool:
        said = ["STOP", "START", "STOP", "please stop texting me", "START", "STOP"]
        list(pool.map(lambda words: in_its_own_connection(text, workspace, words), said))

    lines = list(ConsentEvent.objects.order_by("version"))
    assert [line.version for line in lines] == [1, 2, 3, 4, 5, 6]
    assert sorted(lines, key=lambda line: line.counts_at) == lines
    consent = Consent.objects.get()
    assert consent.is_opted_out == (lines[-1].status == "opted_out")
    assert list(verify.differences(workspace)) == []
    unsent = ConsentPush.objects.filter(salesforce_id=contact.salesforce_id, state="waiting")
    assert [push.wanted for push in unsent] in ([lines[-1].status], [])
    assert queries.standings(workspace, [ANN])[ANN].status == lines[-1].status


def test_a_stop_while_its_field_is_unmapped(workspace: Workspace) -> None:
    """Nobody waits for the other, and what goes nowhere is not shown as waiting for ever."""
    a_contact(workspace, ANN)
    text(workspace, "STOP")
    text(workspace, "START")

    def unmap() -> None:
        actions.set_mapping(workspace=workspace, object_name="Contact", field=None, by=None)

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        text(workspace, "STOP")
        pool.submit(in_its_own_connection, unmap).result(10)
    jobs.look_after()

    assert queries.standings(workspace, [ANN])[ANN].status == "opted_out"
    assert set(ConsentPush.objects.values_list("state", flat=True)) == {"superseded"}


def test_a_stop_while_records_are_merged(workspace: Workspace) -> None:
    loser, master = a_contact(workspace, ANN), a_contact(workspace, BEA)
    text(workspace, "STOP")

    def merge() -> None:
        actions.join(
            workspace=workspace,
            loser=loser.salesforce_id,
            loser_number=ANN,
            master=master.salesforce_id,
            master_number=BEA,
        )

    with waiting_for_the_number(workspace, merge):
        text(workspace, "START")

    assert queries.standings(workspace, [ANN, BEA])[BEA].status == "opted_in"
    assert list(verify.differences(workspace)) == []


def test_a_stop_while_its_person_is_erased(workspace: Workspace) -> None:
    """The row that it waits for is not the number's any more then."""
    contact = a_contact(workspace, ANN)
    text(workspace, "STOP")
    text(workspace, "START")

    with waiting_for_the_number(workspace, lambda: text(workspace, "STOP")):
        erase(workspace, contact)

    heard = queries.timeline(workspace, ANN).values_list("cause", flat=True)
    assert list(heard) == ["text", "erased"]
    assert list(verify.differences(workspace)) == []


def test_a_stop_while_everything_is_tried_again(workspace: Workspace) -> None:
    """Who presses *retry* waits for nobody: what is being overtaken need not be tried again."""
    a_contact(workspace, ANN)
    text(workspace, "STOP")

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        text(workspace, "START")
        retried = pool.submit(
            in_its_own_connection, pushes.retry_all, workspace_id=workspace.pk, now=now()
        ).result(10)

    assert retried == 0
    assert list(ConsentPush.objects.order_by("pk").values_list("state", flat=True)) == [
        "superseded",
        "waiting",
    ]
