"""Compares every number's consent with every linked record in Salesforce, and repairs what differs.

Streams: 2,000 contacts, one call, and nothing is held but what differs among them. A record that differs is judged as an
import would judge it, since it may speak: an opt-out there counts here at once, and what would opt a number back in
waits for the next import, where one reads the record: nobody out of the source is opted in by it. What is left, and says less than an opt-out that stands here, is pushed.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from carillon.accounts.models import Workspace
from carillon.connections.clients import connection_for
from carillon.consent import importing, ledger, lines, queries, store
from carillon.consent.decide import Authority, Says
from carillon.consent.importing import Sighting
from carillon.consent.models import ConsentAudit, StagedFlip
from carillon.consent.queries import Standing
from carillon.consent.reading import Mapping, Seen
from carillon.consent.store import HeldRow
from carillon.contacts import remembered
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from carillon.salesforce.client import Client
from carillon.salesforce.errors import SalesforceError
from carillon.salesforce.records.resource import MOST_READ
from carillon.salesforce.records.stored import Record
from carillon.salesforce.soql import parse_datetime
from carillon.salesforce.transport import Retry

RETRY = Retry(budget_seconds=300, read_timeout=100)
KEEP = 30
COUNTS = ("compared", "differing", "repaired", "waiting", "unseen", "calls")
REPAIRED = "repaired"
WAITS_FOR_IMPORT = "the next import decides"
_PEOPLE = """
select salesforce_id, mobile_number, in_source from contacts_contact
where workspace_id = %s and object = %s and mobile_number <> '' and absence <> 'deleted' and salesforce_id > %s
order by salesforce_id limit %s
"""


# What must be read of a record beside its opt-out field.
BESIDE = ("SystemModstamp", "LastModifiedDate", "LastModifiedById")


@dataclass(frozen=True, slots=True)
class Difference:
    """A record that holds something else than its number is. `repair` says what is done about it; empty when nothing."""

    number: str
    salesforce_id: str
    object: str
    consent: Says
    holds: Says
    repair: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    salesforce_id: str
    number: str
    in_source: bool
    seen: Seen


def run(
    workspace: Workspace, *, repair: bool, tell: Callable[[Difference], None] = lambda difference: None
) -> ConsentAudit:
    """The audit as it is kept; `tell` is called with each difference. Raises CarillonError, SalesforceError, which are
    kept with it, too."""
    row = ConsentAudit.objects.create(workspace=workspace)
    counts: Counter[str] = Counter()
    sentence, remedy, line = "", "", None
    try:
        known = connection_for(workspace.pk)
        line = lines.line_apart(known, RETRY, spares=known.reserve_calls)
        for difference in _differences(workspace, line.client, counts, repair=repair):
            counts["differing"] += 1
            counts["repaired"] += difference.repair == REPAIRED
            counts["waiting"] += difference.repair == WAITS_FOR_IMPORT
            tell(difference)
    except (CarillonError, SalesforceError) as error:
        sentence = error.sentence if isinstance(error, CarillonError) else str(error)
        remedy = error.remedy
        raise
    finally:
        if line:
            counts["calls"] = line.client.transport.total_calls
            line.settle()
            line.client.close()
        found = {name: counts[name] for name in COUNTS}
        ConsentAudit.objects.filter(pk=row.pk).update(
            **found, finished_at=now(), error=sentence, remedy=remedy
        )
        _forget_old(workspace)
    row.refresh_from_db()
    return row


def _forget_old(workspace: Workspace) -> None:
    kept = (
        ConsentAudit.objects.filter(workspace=workspace)
        .order_by("-started_at", "-pk")
        .values_list("pk", flat=True)[:KEEP]
    )
    ConsentAudit.objects.filter(workspace=workspace).exclude(pk__in=list(kept)).delete()


def _differences(
    workspace: Workspace, client: Client, counts: Counter[str], *, repair: bool
) -> Iterator[Difference]:
    for object_name, (field, rules) in sorted(store.fields_of(workspace.pk).items()):
        after = ""
        while people := _people(workspace.pk, object_name, after):
            after = people[-1][0]
            records = client.records.read_many(
                object_name, [person[0] for person in people], [field, *BESIDE]
            )
            rows = []
            for person, record in zip(people, records, strict=True):
                if record is None:
                    counts["unseen"] += 1
                else:
                    rows.append(_Row(*person, seen_in(record, field, client.session.user_id)))
            counts["compared"] += len(rows)
            batch = _Batch(workspace, object_name, rules)
            yield from batch.differences(rows, counts, repair=repair)


def _people(workspace_id: int, object_name: str, after: str) -> list[tuple[str, str, bool]]:
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE, [workspace_id, object_name, after, MOST_READ])
        return list(cursor.fetchall())


def seen_in(record: Record, field: str, own_user: str) -> Seen:
    """What a record says that was read by id, with BESIDE."""
    value = record.values[field]
    return Seen(
        value if isinstance(value, str | bool) else None,
        parse_datetime(str(record.values["SystemModstamp"])),
        parse_datetime(str(record.values["LastModifiedDate"])),
        record.values["LastModifiedById"] == own_user,
    )


@dataclass(frozen=True, slots=True)
class _Batch:
    workspace: Workspace
    object_name: str
    rules: Mapping

    def differences(
        self, rows: Sequence[_Row], counts: Counter[str], *, repair: bool
    ) -> Iterator[Difference]:
        """Consents are read after the records, so that what was said meanwhile is known and not taken for a difference."""
        differing = self._differing(rows, counts)
        undecided = self._repair([row for row, _ in differing]) if repair and differing else set()
        for row, standing in differing:
            repaired = WAITS_FOR_IMPORT if row.salesforce_id in undecided else REPAIRED
            says = self.rules.says(row.seen.value)
            words = repaired if repair else ""
            yield Difference(row.number, row.salesforce_id, self.object_name, standing.status, says, words)

    def _differing(self, rows: Sequence[_Row], counts: Counter[str]) -> list[tuple[_Row, Standing]]:
        standings = queries.standings(self.workspace, [row.number for row in rows])
        with connection.cursor() as cursor:
            ids = [row.salesforce_id for row in rows]
            values, waiting = store.held(cursor, self.workspace.pk, ids)
        found = []
        for row in rows:
            standing, held = standings[row.number], values.get(row.salesforce_id)
            if _agrees(self.rules.says(row.seen.value), standing):
                continue
            if row.salesforce_id in waiting:
                counts["waiting"] += 1
            elif held is None or row.seen.stamp >= held.stamp:
                found.append((row, standing))
        return found

    @transaction.atomic
    def _repair(self, rows: Sequence[_Row]) -> set[str]:
        """The ids of those about which the next import decides: it never reads who is not in the source."""
        remembered.lock(self.workspace.pk, alone=False)
        run_id, numbers = uuid.uuid4(), {row.number for row in rows}
        with connection.cursor() as cursor:
            # All of them first and in their order: what follows locks them in parts.
            ledger.enter(cursor, self.workspace.pk, numbers)
        sightings = [Sighting(row.salesforce_id, row.number, row.number, row.seen) for row in rows]
        importing.import_batch(
            workspace=self.workspace, object_name=self.object_name, rows=sightings, run=run_id
        )
        staged = StagedFlip.objects.filter(workspace=self.workspace, run=run_id)
        flips = set(staged.values_list("salesforce_id", flat=True))
        staged.delete()
        undecided = {row.salesforce_id for row in rows if row.in_source and row.salesforce_id in flips}
        left = [row for row in rows if row.salesforce_id not in undecided]
        self._push(left)
        return undecided

    def _push(self, rows: Sequence[_Row]) -> None:
        """What holds less than the opt-out of its number is told, whatever it was held to hold."""
        with connection.cursor() as cursor:
            room = ledger.enter(cursor, self.workspace.pk, {row.number for row in rows})
            values, waiting = store.held(
                cursor, self.workspace.pk, [row.salesforce_id for row in rows], lock=True
            )
            for row in rows:
                number = room.numbers.get(row.number)
                says = self.rules.says(row.seen.value)
                if (
                    number
                    and number.state.is_opted_out
                    and row.salesforce_id not in waiting
                    and says is not Says.OUT
                ):
                    known = values.get(row.salesforce_id) or HeldRow.never_read(row.salesforce_id, self.rules)
                    room.holdings[row.salesforce_id] = known._replace(
                        says=says.value, mapping_version=self.rules.version, sent=""
                    )
            room.settle([])


def _agrees(says: Says, standing: Standing) -> bool:
    """A record that says nothing agrees with an opt-in, and with silence."""
    if standing.status is Says.IN:
        return says is not Says.OUT
    return says is Says.OUT or (says is not Says.IN and standing.authority is Authority.SILENCE)
