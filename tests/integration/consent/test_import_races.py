"""What is said of a number while an import stores its records: neither transaction sees the other's."""

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction

from carillon.accounts.models import Workspace
from carillon.consent.actions import text_received
from carillon.consent.importing import Sighting, import_batch
from carillon.consent.keywords import understand
from carillon.consent.models import ConsentEvent
from carillon.consent.reading import Seen
from carillon.contacts.models import Contact
from tests.integration.consent.people import ANN, BEA, LONG_AGO, a_contact, a_mapping, pushes, status

pytestmark = pytest.mark.django_db(transaction=True)


def elsewhere(work: Callable[[], None]) -> None:
    """In a transaction of another process."""

    def alone() -> None:
        work()
        connection.close()

    thread = threading.Thread(target=alone)
    thread.start()
    thread.join()


def stop(workspace: Workspace, number: str) -> None:
    text_received(
        workspace=workspace,
        number=number,
        words="STOP",
        meaning=understand("STOP"),
        message_id=uuid.uuid4().hex,
    )


def store(workspace: Workspace, *rows: Sighting, object_name: str = "Contact", arrived: str = "") -> None:
    import_batch(
        workspace=workspace,
        object_name=object_name,
        rows=rows,
        run=uuid.uuid4(),
        arrived=[arrived] if arrived else [],
    )


def test_who_is_stored_while_the_number_says_stop_is_told(workspace: Workspace) -> None:
    with transaction.atomic():
        contact = a_contact(workspace, ANN)
        store(workspace, arrived=ANN)
        elsewhere(lambda: stop(workspace, ANN))

    assert pushes(contact) == ["opted_out"]


def test_who_leaves_a_number_while_it_says_stop_takes_that_along(workspace: Workspace) -> None:
    contact = a_contact(workspace, ANN)
    with transaction.atomic():
        contact.mobile_number = BEA
        contact.save()
        store(workspace, Sighting(contact.salesforce_id, BEA, ANN, Seen(False, LONG_AGO)))
        elsewhere(lambda: stop(workspace, ANN))

    assert (status(workspace, ANN), status(workspace, BEA)) == ("opted_out", "opted_out")
    assert pushes(contact) == ["opted_out"]


def test_of_two_imports_at_once_that_bring_one_number_each_hears_the_other(workspace: Workspace) -> None:
    a_mapping(workspace, object_name="Lead")
    with transaction.atomic():
        lead = a_contact(workspace, ANN, object_name="Lead")
        out = Sighting(lead.salesforce_id, ANN, None, Seen(True, LONG_AGO))
        store(workspace, out, object_name="Lead")
        stored: list[str] = []

        def import_contacts() -> None:
            contact = a_contact(workspace, ANN)
            stored.append(contact.salesforce_id)
            store(workspace, arrived=ANN)

        elsewhere(import_contacts)

    contact = Contact.objects.get(salesforce_id=stored[0])
    assert status(workspace, ANN) == "opted_out"
    assert pushes(contact) == ["opted_out"]


def test_what_the_batch_said_itself_is_said_once(workspace: Workspace) -> None:
    contact = a_contact(workspace, ANN)

    store(workspace, Sighting(contact.salesforce_id, ANN, None, Seen(True, datetime(2026, 2, 1, tzinfo=UTC))))

    assert ConsentEvent.objects.count() == 1
    assert pushes(contact) == []
