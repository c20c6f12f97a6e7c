"""People and records for the tests of consent: contacts as an import would have stored them, and what the org says."""

import itertools
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from carillon.accounts.models import Member, Role, Workspace
from carillon.consent import pushes as outbox
from carillon.consent import queries
from carillon.consent.actions import OptOutField, set_mapping
from carillon.consent.importing import Imported, Sighting, everything_was_read, import_batch
from carillon.consent.models import ConsentEvent, ConsentPush, Evidence, PushState
from carillon.consent.pushes import Ending, PutOff, ReadBack, Refused
from carillon.consent.reading import FieldKind, Seen
from carillon.contacts.models import Contact
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from carillon.salesforce.ids import to_18

ANN, BEA, CAL = "+12125550101", "+12125550102", "+12125550103"
CHECKBOX = OptOutField("Opted_Out__c", FieldKind.CHECKBOX)
PICKLIST = OptOutField("Texting__c", FieldKind.PICKLIST, opted_in_value="Yes", opted_out_value="No")
LONG_AGO = datetime(2026, 1, 5, 12, tzinfo=UTC)
_numbers = itertools.count(1)


def record_id(prefix: str = "003") -> str:
    return to_18(f"{prefix}5g00000{next(_numbers):05d}"[:15].ljust(15, "0"))


def a_contact(workspace: Workspace, number: str, *, object_name: str = "Contact") -> Contact:
    return Contact.objects.create(
        workspace=workspace,
        object=object_name,
        salesforce_id=record_id("003" if object_name == "Contact" else "00Q"),
        last_name="Person",
        mobile_number=number,
        system_modstamp=LONG_AGO,
    )


def a_member(workspace: Workspace, role: Role) -> Member:
    return Member.objects.create(workspace=workspace, email=f"{role}@{workspace.pk}.example.org", role=role)


def a_mapping(workspace: Workspace, field: OptOutField = CHECKBOX, *, object_name: str = "Contact") -> None:
    """A mapping under which everything was read."""
    mapping = set_mapping(workspace=workspace, object_name=object_name, field=field, by=None)
    assert mapping is not None
    everything_was_read(workspace=workspace, object_name=object_name, version=mapping.version)


def day(number: int) -> datetime:
    """Days after the records were made, in the org's time."""
    return LONG_AGO + timedelta(days=number)


def read(
    contact: Contact,
    value: str | bool | None,
    *,
    at: datetime = LONG_AGO,
    before: str | None = "same",
    by_us: bool = False,
    run: uuid.UUID | None = None,
) -> Imported:
    """An import reads one record. `before` is its number before; None when it was not stored yet."""
    number_before = contact.mobile_number if before == "same" else before
    row = Sighting(contact.salesforce_id, contact.mobile_number, number_before, Seen(value, at, at, by_us))
    return read_all([row], contact.workspace, run=run)


def read_all(rows: Sequence[Sighting], workspace: Workspace, *, run: uuid.UUID | None = None) -> Imported:
    return import_batch(workspace=workspace, object_name="Contact", rows=rows, run=run or uuid.uuid4())


def status(workspace: Workspace, number: str) -> str:
    return queries.standings(workspace, [number])[number].status.value


def pushes(contact: Contact, *states: str) -> list[str]:
    found = ConsentPush.objects.filter(salesforce_id=contact.salesforce_id).order_by("pk")
    return [push.wanted for push in (found.filter(state__in=states) if states else found)]


def lines(workspace: Workspace, number: str) -> list[str]:
    """Kinds and causes of a number's lines, oldest first."""
    found = queries.timeline(workspace, number)
    return [f"{event.kind} by {event.cause}" for event in reversed(found)]


def last_words(workspace: Workspace) -> str:
    event = ConsentEvent.objects.filter(workspace=workspace).latest("pk")
    return Evidence.objects.get(event=event).words


def end(ending: Ending) -> PushState | None:
    """How one push ended; None when it was not under way any more."""
    workspace_id = ConsentPush.objects.values_list("workspace_id", flat=True).get(pk=ending.push_id)
    done = outbox.conclude(workspace_id=workspace_id, endings=[ending], now=now())
    return done.get(ending.push_id)


def acknowledge(push_id: int, value: str | bool | None, stamp: datetime) -> PushState | None:
    return end(ReadBack(push_id, value, stamp, again_at=now()))


def put_off(push_id: int, next_try_at: datetime | None = None) -> PushState | None:
    return end(PutOff(push_id, next_try_at or now()))


def refuse(push_id: int, error: CarillonError, next_try_at: datetime | None = None) -> PushState | None:
    return end(Refused(push_id, error.sentence, error.remedy, next_try_at or now()))
