"""Asks Salesforce what became of records that are no longer in the list, and acts on it: merged and converted ones are
joined at once, since after the recycle bin is emptied nothing leads on; of the others it is noted what was found.

Who left earlier is looked for again, some in each run and each at most once a day: a record may be deleted, merged or
converted long after its person left the list.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from carillon.accounts.models import Workspace
from carillon.connections.clients import OtherOrg
from carillon.consent.asking import hear_gone
from carillon.contacts import remembered
from carillon.contacts.models import Contact, RecordChange, SalesforceObject
from carillon.imports import runs
from carillon.imports.batches import Mapped
from carillon.imports.joining import Joined, join_moved
from carillon.imports.leavers import Leavers
from carillon.imports.leaving import DELETED, Verdicts, is_held, verdicts_of
from carillon.imports.mapping import Mapper
from carillon.imports.models import ImportRun
from carillon.imports.plan import ImportPlan
from carillon.imports.reading import Reader
from carillon.imports.sweep import KEPT
from carillon.salesforce.client import Client
from carillon.salesforce.errors import Forbidden, NotFound, QueryRejected
from carillon.salesforce.pages import QueryPage
from carillon.salesforce.records.fates import Fate, Whereabouts
from carillon.salesforce.records.following import Row, living
from carillon.salesforce.soql import ListQuery

# So many ids fit into the address of one query; beyond it records that simply left are told apart by their bodies.
ONE_QUERY = 580
# When more leave, and so many that they are held, they are not asked about one by one: ten calls are the most.
MOST_ASKED = 20_000
# Looked for again by one run: two calls, and one for each 580 that are not found as they were.
LOOKED_FOR_AGAIN = 4_000
_NOT_ALLOWED = (QueryRejected, Forbidden, NotFound)
LOOK_AGAIN_AFTER = timedelta(days=1)
# Longer than any recycle bin keeps a record: one that comes back then is met in the list.
DELETED_FOR_GOOD_AFTER = timedelta(days=30)

_TO_LOOK_FOR = """
select object, array_agg(salesforce_id order by salesforce_id) from (
    select object, salesforce_id from contacts_contact
    where workspace_id = %(workspace)s and not in_source
    and (looked_for_at is null or looked_for_at < now() - %(again)s)
    and not (absence = %(deleted)s and absent_since < now() - %(for_good)s)
    order by looked_for_at nulls first limit %(most)s
) people group by object
"""
_KEPT_TO_LOOK_FOR = """
select c.salesforce_id from contacts_contact c join ({kept}) k on k.salesforce_id = c.salesforce_id
where c.workspace_id = %(workspace)s and c.in_source
and (c.looked_for_at is null or c.looked_for_at < now() - %(again)s)
order by c.looked_for_at nulls first limit %(most)s
"""
# Who was deleted stays deleted when the record is purged. Whom an admin keeps leaves only with a deleted record.
_NOTE = """
with asked as (select * from unnest(%(ids)s::text[], %(absences)s::text[]) a(salesforce_id, absence)),
before as (
    select c.id, c.in_source, c.absence, case when c.absence = %(deleted)s and a.absence <> '' then c.absence
        when c.in_source and a.absence <> %(deleted)s then '' else a.absence end as found
    from contacts_contact c join asked a on a.salesforce_id = c.salesforce_id
    where c.workspace_id = %(workspace)s
),
noted as (
    update contacts_contact c set looked_for_at = now(), absence = b.found,
        absent_since = case when b.found = '' then null when b.found = b.absence then c.absent_since else now() end,
        in_source = c.in_source and b.found = '',
        left_source_at = case when c.in_source and b.found <> '' then now() else c.left_source_at end
    from before b where c.id = b.id
)
insert into contacts_fieldchange (workspace_id, contact_id, field, before, after, run, at)
select %(workspace)s, id, 'in_source', to_jsonb(true), to_jsonb(false), %(run)s, now() from before
where in_source and found <> ''
union all
select %(workspace)s, id, %(field)s, to_jsonb(absence), to_jsonb(found), %(run)s, now() from before
where absence <> found
"""


class Following:
    """What one run asks and does. `org_id` is the org it must stay in; `look_for_cancel` raises when asked to stop."""

    def __init__(
        self, client: Client, run: ImportRun, org_id: str, look_for_cancel: Callable[[], None]
    ) -> None:
        self._client = client
        self._run = run
        self._org_id = org_id
        self._look_for_cancel = look_for_cancel

    def leavers(self, leavers: Leavers) -> list[str]:
        """Notes what became of each leaver, and joins those that live on as others. Returns the ids of records that
        somebody in the source took over, whose values are still to be read. Raises OtherOrg, SalesforceError."""
        leaving = leavers.count()
        if leaving.not_asked > MOST_ASKED and is_held(leaving.people, self._run.stored_before or 0):
            return []
        to_read: list[str] = []
        for ids in leavers.to_ask():
            verdicts = self._ask(self._run.object, ids)
            self._hear_gone(verdicts)
            joined = self._join(verdicts)
            leavers.note(verdicts.absences)
            leavers.leave_out(joined.gone)
            leavers.add(joined.to_read)
            to_read += joined.to_read
        return to_read

    def earlier_leavers(self, leavers: Leavers) -> list[str]:
        """Looks again for some who left before, whatever their object, since the other import may be off. Returns and
        adds to `leavers` as above. Raises OtherOrg, SalesforceError."""
        to_read: list[str] = []
        for sobject, ids in self._to_look_for():
            for part in _parts(ids):
                verdicts = self._ask(sobject, part)
                self._hear_gone(verdicts)
                joined = self._join(verdicts)
                self._note(verdicts)
                leavers.add(joined.to_read)
                to_read += joined.to_read
        return to_read

    def _to_look_for(self) -> list[tuple[str, list[str]]]:
        names: dict[str, Any] = {
            "workspace": self._run.workspace_id,
            "object": self._run.object,
            "deleted": DELETED,
            "again": LOOK_AGAIN_AFTER,
            "for_good": DELETED_FOR_GOOD_AFTER,
            "most": LOOKED_FOR_AGAIN,
        }
        with connection.cursor() as cursor:
            cursor.execute(_TO_LOOK_FOR, names)
            found: list[tuple[str, list[str]]] = list(cursor.fetchall())
            cursor.execute(_KEPT_TO_LOOK_FOR.format(kept=KEPT), names)
            kept = [row[0] for row in cursor.fetchall()]
        return [*found, (self._run.object, kept)]

    def _ask(self, sobject: str, ids: Sequence[str]) -> Verdicts:
        self._look_for_cancel()
        fates = fates_of(self._client, sobject, ids, own=self._run.object)
        # A session renewed on the way may be another org's, where none of these records is.
        if self._client.session.org_id != self._org_id:
            raise OtherOrg(self._org_id, self._client.session.org_id)
        return verdicts_of(fates)

    def _hear_gone(self, verdicts: Verdicts) -> None:
        """Staff may have opted somebody out in a record and then merged, converted or deleted it. Once."""
        gone = [record_id for record_id, absence in verdicts.absences.items() if absence == DELETED]
        gone += [record_id for move in verdicts.moves for record_id in move.passed]
        stored = Contact.objects.filter(workspace=self._run.workspace_id, salesforce_id__in=gone)
        by_object: dict[str, list[str]] = {}
        for sobject, record_id in stored.exclude(absence=DELETED).values_list("object", "salesforce_id"):
            by_object.setdefault(sobject, []).append(record_id)
        for sobject, ids in sorted(by_object.items()):
            heard = hear_gone(self._client, self._run.workspace_id, sobject, ids, self._run.public_id)
            self._run.opted_out += heard.opted_out
            self._run.save(update_fields=["opted_out"])

    def _join(self, verdicts: Verdicts) -> Joined:
        if not verdicts.moves:
            return Joined()
        workspace = Workspace.objects.get(pk=self._run.workspace_id)
        with transaction.atomic():
            joined = join_moved(workspace, verdicts.moves, run=self._run.public_id)
            runs.count_followed(self._run, merged=joined.merged, converted=joined.converted)
        return joined

    def _note(self, verdicts: Verdicts) -> None:
        absences = verdicts.absences
        names: dict[str, Any] = {
            "workspace": self._run.workspace_id,
            "ids": list(absences),
            "absences": list(absences.values()),
            "run": self._run.public_id,
            "field": RecordChange.ABSENCE,
            "deleted": DELETED,
        }
        with transaction.atomic(), connection.cursor() as cursor:
            # Alone: people of both objects are written, maybe those whom the other import stores now or looks for too.
            remembered.lock(self._run.workspace_id, alone=True)
            cursor.execute(_NOTE, names)


def fates_of(client: Client, sobject: str, ids: Sequence[str], *, own: str) -> dict[str, Fate]:
    """What became of each record. A call for each 580; where there are more, one for each 2,000 tells those that live
    on as they were, and only the rest is asked for as deleted, merged or converted. Of objects but `own` the API user
    may not be allowed to see any: then theirs are hidden."""
    there = alive(client, sobject, ids, own=own) if len(ids) > ONE_QUERY else frozenset()

    def query_all(soql: str, record: type[Row], /) -> Iterator[QueryPage[Row]]:
        try:
            yield from client.query_all(soql, record)
        except _NOT_ALLOWED:
            if f" FROM {own} " in soql:
                raise

    fates = living(query_all, sobject, [record_id for record_id in ids if record_id not in there])
    return fates | {one: Fate(Whereabouts.LIVING, sobject, one) for one in there}


def alive(client: Client, sobject: str, ids: Sequence[str], *, own: str) -> frozenset[str]:
    """Those of the records that live on as they were; `own` as in `fates_of`."""
    fields = ("IsConverted",) if sobject == SalesforceObject.LEAD else ()
    try:
        found = client.records.read_many(sobject, ids, fields)
    except _NOT_ALLOWED:
        if sobject == own:
            raise
        return frozenset()
    return frozenset(one.id for one in found if one and one.values.get("IsConverted") is not True)


def read_by_id(client: Client, plan: ImportPlan, ids: Sequence[str]) -> Iterator[Mapped]:
    """The mapped values of these records, in the source or not; those the API user can't see don't come, nor does
    anybody where the rows of a report are all there is."""
    if plan.reads_rows:
        return
    everywhere = ListQuery(sobject=plan.object, alias="", source=plan.object, scope="", where="")
    plan = replace(plan, query=everywhere)
    mapper = Mapper(plan)
    for records in Reader(client, plan, mapper.record).members(ids):
        yield Mapped(mapper.page(records), None, None)


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), 2_000):
        yield ids[start : start + 2_000]
