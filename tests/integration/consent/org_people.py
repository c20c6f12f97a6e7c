"""People of a simulated org, as an import would have stored them, and what their records hold there."""

import uuid
from datetime import datetime, timedelta

from carillon.accounts.models import Workspace
from carillon.connections.actions import save_connection
from carillon.consent.actions import OptOutField, text_received
from carillon.consent.keywords import understand
from carillon.consent.models import ConsentPush
from carillon.consent.reading import FieldKind
from carillon.contacts.models import Contact
from carillon.lib.clock import now
from carillon.salesforce.transport import Retry
from orgsim.testing import OrgSim
from tests.integration.consent.people import LONG_AGO, a_mapping

FIELD = "SMS_Opt_Out__c"
# A second try and no third; a machine that is busy takes its time to answer.
IMPATIENT = Retry(budget_seconds=30, read_timeout=20, first_wait=0.01, longest_wait=0.01, most_attempts=2)


def impatient(pushes: int, is_failing: bool) -> Retry:
    return IMPATIENT


class Clock:
    """Time, which a wait moves on at once."""

    def __init__(self) -> None:
        self.ahead = timedelta(seconds=1)

    def __call__(self) -> datetime:
        return now() + self.ahead

    def sleep(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)

    def wait_until(self, moment: datetime) -> None:
        self.ahead += moment - self()


def connected_to(org: OrgSim, name: str = "Admissions") -> Workspace:
    """A workspace whose Contacts and Leads have an opt-out box in the org."""
    made = Workspace.objects.create(name=name)
    save_connection(
        workspace=made, host=org.url, client_id="orgsim-client", client_secret="orgsim-secret", by=None
    )
    for object_name in ("Contact", "Lead"):
        a_mapping(made, OptOutField(FIELD, FieldKind.CHECKBOX), object_name=object_name)
    return made


def stored(workspace: Workspace, org: OrgSim, object_name: str = "Contact", count: int = 1) -> list[Contact]:
    """The first records of the org as an import stores them, each with a number of its own, opted in."""
    found = org.ids(object_name)[:count]
    for record in found:
        org.edit(record, **{FIELD: False})
    return Contact.objects.bulk_create(
        Contact(
            workspace=workspace,
            object=object_name,
            salesforce_id=record,
            last_name="Person",
            mobile_number=f"+1212555{place:04d}",
            system_modstamp=LONG_AGO,
        )
        for place, record in enumerate(found, start=100)
    )


def text(contact: Contact, words: str = "STOP") -> None:
    text_received(
        workspace=contact.workspace,
        number=contact.mobile_number,
        words=words,
        meaning=understand(words),
        message_id=uuid.uuid4().hex,
    )


def holds(org: OrgSim, *records: str) -> list[bool]:
    """The values of the records' opt-out boxes, by plain SQL."""
    rows = org.store.reader().execute(
        f"SELECT Id, {FIELD} FROM Contact UNION ALL SELECT Id, {FIELD} FROM Lead"
    )
    values = dict(rows.fetchall())
    return [bool(values[record]) for record in records]


def states(workspace: Workspace) -> list[str]:
    return list(
        ConsentPush.objects.filter(workspace=workspace).order_by("pk").values_list("state", flat=True)
    )
