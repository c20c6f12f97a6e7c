"""Compares every number's consent with every linked record in Salesforce, and repairs what differs.

Streams: 2,000 contacts, one call, and nothing is held but what differs among them and which numbers were repaired. A
record that differs is judged as an import would judge it, since it may speak: an opt-out there counts here at once, and
what would opt a number back in waits for the next import, where one reads the record: nobody out of the source is opted in
by it. What is left is settled towards opted out, on whichever side the opt-out is.

What is known of a record is read before the call and after it. Where that is the same and nothing waits to be pushed, the
call read no less than we know, however old the record's stamp is: one restored from a backup is no stale page. To which a
push is on its way, or was refused, differs all the same: it is listed with what becomes of the push, and left to it.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from django.db import connection, transaction

from carillon.accounts.models import Workspace
from carillon.connections.clients import connection_for
from carillon.consent import importing, ledger, lines, queries, store
from carillon.consent.asking import ask
from carillon.consent.decide import UNKNOWN, Authority, Kind, Says
from carillon.consent.importing import Sighting
from carillon.consent.ledger import Source, Told
from carillon.consent.models import (
    UNSETTLED,
    Cause,
    ConsentAudit,
    ConsentPush,
    Delivery,
    OptOutMapping,
    PushState,
    StagedFlip,
)
from carillon.consent.queries import Standing
from carillon.consent.reading import Mapping, Seen
from carillon.consent.store import HeldRow
from carillon.contacts import remembered
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from carillon.salesforce.client import Client
from carillon.salesforce.errors import SalesforceError
from carillon.salesforce.records.resource import MOST_READ
from carillon.salesforce.transport import Retry

RETRY = Retry(budget_seconds=300, read_timeout=100)
KEEP = 30
COUNTS = ("compared", "differing", "repaired", "on_its_way", "refused", "waiting", "unseen", "calls")
_PEOPLE = """
select salesforce_id, mobile_number, in_source from contacts_contact
where workspace_id = %s and object = %s and mobile_number <> '' and absence <> 'deleted' and salesforce_id > %s
order by salesforce_id limit %s
"""
_NUMBERS = """
select salesforce_id, mobile_number from contacts_contact where workspace_id = %s and salesforce_id = any(%s)
"""


class NoOptOutField(CarillonError):
    def __init__(self) -> None:
        super().__init__(
            "No opt-out field is mapped, so no record in Salesforce says who may be texted.",
            "Map one in the section Opt-Out Field of the page Contact Import.",
        )


class MappingChanged(CarillonError):
    def __init__(self) -> None:
        super().__init__(
            "The opt-out field was mapped anew while records were compared with it.",
            "Run the audit again: carillon consent audit.",
        )


class Fate(StrEnum):
    """What becomes of a record that differs; but for the first each is a count of ConsentAudit."""

    UNDONE = "undone"
    REPAIRED = "repaired"
    ON_ITS_WAY = "on_its_way"
    # Or put back by the org's automation.
    REFUSED = "refused"
    WAITING = "waiting"


class Done(NamedTuple):
    """`words` are for people, empty when nothing is done."""

    fate: Fate
    words: str


UNDONE = Done(Fate.UNDONE, "")
REPAIRED = Done(Fate.REPAIRED, "repaired")
WAITS_FOR_IMPORT = Done(Fate.WAITING, "the next import decides")
CHANGES_MEANWHILE = Done(Fate.WAITING, "it changes just now")


@dataclass(frozen=True, slots=True)
class Difference:
    """A record that holds something else than its number is, and what is done about it."""

    number: str
    salesforce_id: str
    object: str
    consent: Says
    holds: Says
    done: Done


class Unseen(NamedTuple):
    """A record that is not shown to the API user."""

    salesforce_id: str
    object: str
    number: str


@dataclass(frozen=True, slots=True)
class _Row:
    salesforce_id: str
    number: str
    in_source: bool
    seen: Seen

    @property
    def sighting(self) -> Sighting:
        return Sighting(self.salesforce_id, self.number, self.number, self.seen)


def run(
    workspace: Workspace,
    *,
    repair: bool,
    tell: Callable[[Difference], None] = lambda difference: None,
    tell_unseen: Callable[[Unseen], None] = lambda record: None,
    retry: Retry = RETRY,
) -> ConsentAudit:
    """The audit as it is kept; `tell` is called with each difference. Raises NoOptOutField; what else is raised,
    CarillonError and SalesforceError among it, is kept with it, too."""
    if not store.fields_of(workspace.pk):
        raise NoOptOutField
    row = ConsentAudit.objects.create(workspace=workspace, repairs=repair)
    counts: Counter[str] = Counter()
    sentence, remedy, line = "", "", None
    try:
        known = connection_for(workspace.pk)
        line = lines.line_apart(known, retry, spares=known.reserve_calls)
        for difference in _differences(workspace, line.client, counts, tell_unseen, repair=repair):
            counts["differing"] += 1
            counts[difference.done.fate] += 1
            tell(difference)
    except (CarillonError, SalesforceError) as error:
        sentence = error.sentence if isinstance(error, CarillonError) else str(error)
        remedy = error.remedy
        raise
    except Exception as error:
        sentence = f"Something unexpected stopped the audit ({type(error).__name__})."
        remedy = "The log of the worker says more. Run it again: carillon consent audit."
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
    """But the last that went well, however often it failed since."""
    found = ConsentAudit.objects.filter(workspace=workspace).order_by("-started_at", "-pk")
    kept = [audit.pk for audit in (*found[:KEEP], *queries.good_audits(workspace)[:1])]
    found.exclude(pk__in=kept).delete()


def _differences(
    workspace: Workspace,
    client: Client,
    counts: Counter[str],
    tell_unseen: Callable[[Unseen], None],
    *,
    repair: bool,
) -> Iterator[Difference]:
    settled: set[str] = set()
    for object_name, (field, rules) in sorted(store.fields_of(workspace.pk).items()):
        after = ""
        while people := _people(workspace.pk, object_name, after):
            ids = [person[0] for person in people]
            after = ids[-1]
            batch = _Batch(workspace, object_name, rules, _held(workspace.pk, ids), settled)
            seen = ask(client, object_name, field, ids)
            rows = [_Row(*person, seen[person[0]]) for person in people if person[0] in seen]
            counts["unseen"] += len(people) - len(rows)
            for salesforce_id, number, _ in people:
                if salesforce_id not in seen:
                    tell_unseen(Unseen(salesforce_id, object_name, number))
            counts["compared"] += len(rows)
            yield from batch.differences(rows, repair=repair)


def _people(workspace_id: int, object_name: str, after: str) -> list[tuple[str, str, bool]]:
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE, [workspace_id, object_name, after, MOST_READ])
        return list(cursor.fetchall())


def _held(workspace_id: int, ids: list[str]) -> tuple[dict[str, HeldRow], dict[str, Says]]:
    with connection.cursor() as cursor:
        return store.held(cursor, workspace_id, ids)


@dataclass(frozen=True, slots=True)
class _Batch:
    """`before` is what was known of the records before they were read (store.held), `settled` the numbers that this audit
    repaired so far: it has told their other records, too."""

    workspace: Workspace
    object_name: str
    rules: Mapping
    before: tuple[dict[str, HeldRow], dict[str, Says]]
    settled: set[str]

    def differences(self, rows: Sequence[_Row], *, repair: bool) -> Iterator[Difference]:
        """Consents are read after the records, so that what was said meanwhile is known and not taken for a difference."""
        standings = queries.standings(self.workspace, [row.number for row in rows])
        differing = [
            row for row in rows if not _agrees(self.rules.says(row.seen.value), standings[row.number])
        ]
        if not differing:
            return
        resting = self._resting(differing)
        done = dict.fromkeys((row.salesforce_id for row in resting), UNDONE)
        moving = [row for row in differing if row.salesforce_id not in done]
        if repair and resting:
            done = self._repair(resting)
        done |= self._moving(moving)
        for row in differing:
            if what := done.get(row.salesforce_id):
                says, consent = self.rules.says(row.seen.value), standings[row.number].status
                yield Difference(row.number, row.salesforce_id, self.object_name, consent, says, what)

    def _resting(self, rows: Sequence[_Row]) -> list[_Row]:
        """Those of which nothing became known since before they were read, and to which nothing is on its way. Raises
        MappingChanged."""
        mapping = OptOutMapping.objects.filter(workspace=self.workspace, object=self.object_name)
        if not mapping.filter(version=self.rules.version).exists():
            raise MappingChanged
        values, waiting = self.before
        values_now, waiting_now = _held(self.workspace.pk, [row.salesforce_id for row in rows])
        return [
            row
            for row in rows
            if not {row.salesforce_id} & (waiting.keys() | waiting_now.keys())
            and values.get(row.salesforce_id) == values_now.get(row.salesforce_id)
        ]

    def _moving(self, rows: Sequence[_Row]) -> dict[str, Done]:
        """What becomes of pushes to the records. Not in it: one whose push was acknowledged since the record was read."""
        if not rows:
            return {}
        ids = [row.salesforce_id for row in rows]
        done = _pushed(self.workspace, ids)
        for row in rows:
            if row.number in self.settled and done.get(row.salesforce_id, UNDONE).fate is Fate.ON_ITS_WAY:
                done[row.salesforce_id] = REPAIRED
        values, _ = _held(self.workspace.pk, ids)
        standings = queries.standings(self.workspace, [row.number for row in rows])
        for row in rows:
            known = values.get(row.salesforce_id)
            says = Says(known.says) if known and known.mapping_version == self.rules.version else None
            if says is None or not _agrees(says, standings[row.number]):
                done.setdefault(row.salesforce_id, CHANGES_MEANWHILE)
        return done

    @transaction.atomic
    def _repair(self, rows: Sequence[_Row]) -> dict[str, Done]:
        """What is done about each record."""
        remembered.lock(self.workspace.pk, alone=False)
        mapping = OptOutMapping.objects.filter(workspace=self.workspace, object=self.object_name)
        mapping.select_for_update(no_key=True).first()
        with connection.cursor() as cursor:
            # All of them first and in their order: what follows locks them in parts.
            ledger.enter(cursor, self.workspace.pk, {row.number for row in rows})
            cursor.execute(_NUMBERS, [self.workspace.pk, [row.salesforce_id for row in rows]])
            numbers = dict(cursor.fetchall())
        # Somebody may have been erased, got another number, or been opted out, since they were found.
        ours = [row for row in self._resting(rows) if numbers.get(row.salesforce_id) == row.number]
        run_id = uuid.uuid4()
        importing.import_batch(
            workspace=self.workspace,
            object_name=self.object_name,
            rows=[row.sighting for row in ours],
            run=run_id,
        )
        staged = StagedFlip.objects.filter(workspace=self.workspace, run=run_id)
        flips = set(staged.values_list("salesforce_id", flat=True))
        staged.delete()
        undecided = {row.salesforce_id for row in ours if row.in_source and row.salesforce_id in flips}
        left = [row for row in ours if row.salesforce_id not in undecided]
        self._tighten(left, run_id)
        self.settled.update(row.number for row in left)
        done = {row.salesforce_id: CHANGES_MEANWHILE for row in rows}
        done.update(dict.fromkeys(undecided, WAITS_FOR_IMPORT))
        return done | {row.salesforce_id: REPAIRED for row in left}

    def _tighten(self, rows: Sequence[_Row], run_id: uuid.UUID) -> None:
        """Whatever a record was held to hold: where it holds less than the opt-out of its number it is told, and where it
        holds an opt-out its number is opted out."""
        told = []
        with connection.cursor() as cursor:
            room = ledger.enter(cursor, self.workspace.pk, [], making={row.number for row in rows})
            ids = [row.salesforce_id for row in rows]
            values, waiting = store.held(cursor, self.workspace.pk, ids, lock=True)
            for row in rows:
                is_out, says = room.numbers[row.number].state.is_opted_out, self.rules.says(row.seen.value)
                if row.salesforce_id in waiting or is_out == (says is Says.OUT):
                    continue
                known = values.get(row.salesforce_id) or HeldRow.never_read(row.salesforce_id, self.rules)
                room.holdings[row.salesforce_id] = known._replace(
                    says=says.value, mapping_version=self.rules.version, stamp=row.seen.stamp, sent=""
                )
                if not is_out:
                    source = Source(row.salesforce_id, run=run_id)
                    told.append(
                        Told(row.number, Kind.STAFF_OUT, Cause.FIRST_SIGHT, UNKNOWN, weak=True, source=source)
                    )
            room.settle(told)


def _pushed(workspace: Workspace, ids: list[str]) -> dict[str, Done]:
    """What becomes of the newest unsettled push to each of the records that has one."""
    pushes = ConsentPush.objects.filter(workspace=workspace, salesforce_id__in=ids, state__in=UNSETTLED)
    failing = Delivery.objects.filter(workspace=workspace).values_list("error", flat=True).first() or ""
    return {push.salesforce_id: _becomes(push, push.error or failing) for push in pushes.order_by("pk")}


def _becomes(push: ConsentPush, why: str) -> Done:
    if push.state == PushState.FAILED:
        return Done(Fate.REFUSED, f"refused: {why}")
    if push.state == PushState.REVERTED:
        return Done(Fate.REFUSED, f"put back: {why}")
    since = f"on its way since {push.created_at:%Y-%m-%d %H:%M} UTC"
    return Done(Fate.ON_ITS_WAY, f"{since}: {why}" if why else since)


def _agrees(says: Says, standing: Standing) -> bool:
    """A record that says nothing agrees with an opt-in, and with silence."""
    if standing.status is Says.IN:
        return says is not Says.OUT
    return says is Says.OUT or (says is not Says.IN and standing.authority is Authority.SILENCE)
