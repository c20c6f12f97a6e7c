"""What the opt-out field of people says who are no longer in the list. No page of an import tells it, and a list may well be
of those who are opted in: who opts out in Salesforce leaves it by that."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice

from django.db import transaction

from carillon.consent.audit import BESIDE, seen_in
from carillon.consent.importing import Sighting, import_batch
from carillon.consent.queries import meaning_of
from carillon.consent.reading import Seen
from carillon.contacts import remembered
from carillon.contacts.models import Contact
from carillon.imports.consents import Hearing, still_means
from carillon.imports.leavers import Leavers
from carillon.imports.leaving import LIVING
from carillon.imports.models import ImportRun
from carillon.salesforce.client import Client
from carillon.salesforce.errors import Forbidden, NotFound, QueryRejected
from carillon.salesforce.records.resource import MOST_READ

# Ten calls. Where more leave, the audit of consent reads the others, each night.
MOST_HEARD = 20_000
_NOT_ALLOWED = (Forbidden, NotFound, QueryRejected)


def hear_leavers(client: Client, run: ImportRun, hearing: Hearing, leavers: Leavers) -> None:
    """Opt-outs apply at once, what opts in waits with the run's flips. Raises SalesforceError, OptOutFieldChanged,
    KeyLost."""
    field, _ = meaning_of(run.workspace, run.object)
    for seen in read_leavers(client, run.object, field.field, hearing, leavers):
        with transaction.atomic():
            remembered.lock(run.workspace_id, alone=False)
            still_means(run.workspace_id, run.object, hearing.version)
            rows = sightings(run.workspace_id, seen)
            heard = import_batch(
                workspace=run.workspace, object_name=run.object, rows=rows, run=run.public_id
            )
            run.opted_out += heard.opted_out
            run.save(update_fields=["opted_out"])


def read_leavers(
    client: Client, sobject: str, field: str, hearing: Hearing, leavers: Leavers
) -> Iterator[dict[str, Seen]]:
    """Those that are as they were but for the list, also whom an admin keeps in the source. Raises SalesforceError."""
    if hearing.meaning is None:
        return
    for ids in _living(leavers):
        try:
            found = client.records.read_many(sobject, ids, (field, *BESIDE))
        except _NOT_ALLOWED:
            # Where a report is all that may be read.
            return
        yield {one.id: seen_in(one, field, hearing.user_id) for one in found if one}


def sightings(workspace: int, seen: Mapping[str, Seen]) -> list[Sighting]:
    """With the numbers that are stored, which these records still have here."""
    stored = Contact.objects.filter(workspace=workspace, salesforce_id__in=list(seen))
    numbers = stored.values_list("salesforce_id", "mobile_number")
    return [Sighting(record, number, number, seen[record]) for record, number in numbers]


def _living(leavers: Leavers) -> Iterator[Sequence[str]]:
    lists = (ids for absence, ids in leavers.by_absence() if absence == LIVING)
    ids = list(islice(chain.from_iterable(lists), MOST_HEARD))
    return (ids[start : start + MOST_READ] for start in range(0, len(ids), MOST_READ))
