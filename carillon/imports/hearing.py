"""What the opt-out field of people says who are no longer in the list. No page of an import tells it, and a list may well be
of those who are opted in: who opts out in Salesforce leaves it by that."""

from collections.abc import Iterator, Sequence, Set
from itertools import chain, islice

from django.db import transaction

from carillon.consent.asking import NOT_ALLOWED, ask, out_and_gone, sightings
from carillon.consent.importing import import_batch
from carillon.consent.models import StagedFlip
from carillon.consent.queries import meaning_of
from carillon.consent.reading import Seen
from carillon.contacts import remembered
from carillon.contacts.models import SalesforceObject
from carillon.imports.consents import Hearing, still_means
from carillon.imports.following import alive
from carillon.imports.leavers import Leavers
from carillon.imports.leaving import LIVING
from carillon.imports.models import ImportRun
from carillon.salesforce.client import Client
from carillon.salesforce.records.resource import MOST_READ

# Ten calls. Where more leave, the audit of consent reads the others, each night.
MOST_HEARD = 20_000


def hear_leavers(client: Client, run: ImportRun, hearing: Hearing, leavers: Leavers) -> None:
    """Opt-outs apply at once, what opts in waits with the run's flips. Raises SalesforceError, OptOutFieldChanged,
    KeyLost."""
    field, _ = meaning_of(run.workspace, run.object)
    for seen in read_leavers(client, run.object, field.field, hearing, leavers):
        with transaction.atomic():
            remembered.lock(run.workspace_id, alone=False)
            still_means(run.workspace_id, run.object, hearing.version)
            rows = sightings(run.workspace_id, seen)
            flips = StagedFlip.objects.filter(workspace=run.workspace_id, salesforce_id__in=list(seen))
            ours = flips.filter(run=run.public_id)
            # As with pages of an import: what was staged of them before is told by what they say now.
            ours.delete()
            heard = import_batch(
                workspace=run.workspace, object_name=run.object, rows=rows, run=run.public_id
            )
            flips.exclude(salesforce_id__in=ours.values("salesforce_id")).delete()
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
            seen = ask(client, sobject, field, ids)
        except NOT_ALLOWED:
            return
        yield seen


def foresee_leavers(
    client: Client, sobject: str, field: str, hearing: Hearing, leavers: Leavers
) -> Iterator[dict[str, Seen]]:
    """As an import hears them, though nobody has looked yet what became of them: of records that are gone opt-outs
    alone. Raises SalesforceError."""
    if hearing.meaning is None:
        return
    for ids in _living(leavers):
        try:
            seen = ask(client, sobject, field, ids)
        except NOT_ALLOWED:
            return
        there: Set[str] = seen.keys()
        if sobject == SalesforceObject.LEAD:
            there = there & alive(client, sobject, ids, own=sobject)
        gone = [record_id for record_id in ids if record_id not in there]
        if gone:
            yield out_and_gone(client, sobject, field, hearing.meaning, gone)
        yield {record_id: seen[record_id] for record_id in there}


def _living(leavers: Leavers) -> Iterator[Sequence[str]]:
    lists = (ids for absence, ids in leavers.by_absence() if absence == LIVING)
    ids = list(islice(chain.from_iterable(lists), MOST_HEARD))
    return (ids[start : start + MOST_READ] for start in range(0, len(ids), MOST_READ))
