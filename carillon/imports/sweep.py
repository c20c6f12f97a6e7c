"""Who is in the source, and once a day with which stamp, compared with who is stored. Works on a temporary table of the
session, so a million ids cost no memory of ours."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from carillon.contacts import remembered
from carillon.contacts.models import Contact
from carillon.imports.mapping import Issue
from carillon.imports.models import ImportRun, Mode

_TABLE = """
create temp table if not exists import_members (salesforce_id text collate "C", stamp timestamptz);
truncate import_members
"""
_COPY = "copy import_members"
# Every id the run read, from its committed batches.
_READ = """
select unnest(created || updated || unchanged || rejected) as salesforce_id from {batches} where run_id = %(run)s
"""
# Held people and those an admin keeps are stored as members and were not in the list for a while: what changed of
# them meanwhile nobody read.
_MISSING = """
drop table if exists import_missing;
create temp table import_missing (salesforce_id text collate "C" primary key);
insert into import_missing
select distinct m.salesforce_id from import_members m
where not exists (
    select 1 from contacts_contact c
    where c.workspace_id = %(workspace)s and c.salesforce_id = m.salesforce_id and c.in_source {as_it_is}
) and not exists (
    select 1 from (select unnest({accounted}) as salesforce_id from {batches} where run_id = %(run)s) r
    where r.salesforce_id = m.salesforce_id
);
insert into import_missing
select distinct m.salesforce_id from import_members m
join (
    select unnest(i.ids) as salesforce_id from imports_heldids i
    join imports_heldleavers h on h.id = i.held_id and h.status in ('open', 'dropped')
    join imports_importsetup s on s.id = h.setup_id
    where s.workspace_id = %(workspace)s and s.object = %(object)s
) held on held.salesforce_id = m.salesforce_id
where not exists (
    select 1 from (
        select unnest(created || updated || unchanged || rejected) as salesforce_id from {batches} where run_id = %(run)s
    ) r where r.salesforce_id = m.salesforce_id
) on conflict do nothing
"""
# Somebody may have left the list and come back around the read of everything, which then holds nothing of them.
_READ_BY_IT = "and c.salesforce_id in ({read})"
# Where the sweep brought stamps. Older or newer makes no difference: either way we don't hold what the org holds.
_SAME_STAMP = "and (m.stamp is null or c.system_modstamp = m.stamp)"
_NEXT_MISSING = """
select salesforce_id from import_missing where salesforce_id > %s order by salesforce_id limit %s
"""
# People whom an admin keeps in the source although they are not in the list.
KEPT = """
select unnest(i.ids) as salesforce_id, i.absence from imports_heldids i
join imports_heldleavers h on h.id = i.held_id and h.status = 'dropped'
join imports_importsetup s on s.id = h.setup_id
where s.workspace_id = %(workspace)s and s.object = %(object)s
"""
# What stands for an erased record is longer than any id.
_ERASED_READ = """
select distinct read.salesforce_id from (
    select unnest(rejected) as salesforce_id from {batches} where run_id = %(run)s
) read where length(read.salesforce_id) > 18
"""
# As imports/leavers finds them once what was read is stored.
_COUNT_LEAVERS = """
select count(*) from (
    select c.salesforce_id from contacts_contact c
    where c.workspace_id = %(workspace)s and c.object = %(object)s and c.in_source
    union
    select unnest(created || updated || unchanged) from {batches} where run_id = %(run)s
) people where not exists (select 1 from import_members m where m.salesforce_id = people.salesforce_id)
and not exists (select 1 from ({kept}) kept where kept.salesforce_id = people.salesforce_id)
"""
_COUNTS = """
select count(*), count(*) filter (where outcome = 1), count(*) filter (where outcome = 2),
    count(*) filter (where outcome = 3), count(*) filter (where outcome = 4)
from (
    select salesforce_id, min(outcome) as outcome from (
        select unnest(created) as salesforce_id, 1 as outcome from {batches} where run_id = %(run)s
        union all select unnest(updated), 2 from {batches} where run_id = %(run)s
        union all select unnest(rejected), 3 from {batches} where run_id = %(run)s
        union all select unnest(unchanged), 4 from {batches} where run_id = %(run)s
    ) outcomes group by salesforce_id
) ids
"""
_LIST = 50_000
# Both sides are whole lists: with the stale statistics of a first import the planner would compare each with each.
LONG_LISTS = "set local enable_nestloop = off"


@dataclass(frozen=True, slots=True)
class Proof:
    """Where the ids that a run read are kept by their outcome: rows of `table` in the form of RunBatch. `accounted`
    are the columns whose ids need not be stored as members: of a run the rejected ones, of a dry run all. `is_whole`:
    everything is read, so what is stored of a member counts only when the run read it."""

    table: str
    run: int
    accounted: str
    is_whole: bool = False

    def sql(self, statement: str, **parts: str) -> str:
        return statement.format(batches=self.table, accounted=self.accounted, kept=KEPT, **parts)


def proof_of(run: ImportRun) -> Proof:
    return Proof("imports_runbatch", run.pk, "rejected", is_whole=run.mode == Mode.EVERYTHING)


class Members:
    """The ids of the source of one run."""

    def __init__(self, workspace: int, object: str, proof: Proof) -> None:  # noqa: A002
        self._workspace = workspace
        self._proof = proof
        self._names: dict[str, Any] = {"run": proof.run, "workspace": workspace, "object": object}
        self._erased: set[str] = set()
        with connection.cursor() as cursor:
            for statement in _TABLE.strip().split(";"):
                cursor.execute(statement)

    def add(self, ids: list[str]) -> None:
        with connection.cursor() as cursor, cursor.copy(f"{_COPY} (salesforce_id) from stdin") as copy:
            copy.write("".join(f"{record_id}\n" for record_id in ids))

    def add_with_stamps(self, members: list[tuple[str, str]]) -> None:
        """As `add`; each id with its SystemModstamp as Salesforce wrote it."""
        with connection.cursor() as cursor, cursor.copy(f"{_COPY} from stdin") as copy:
            copy.write("".join(f"{record_id}\t{stamp}\n" for record_id, stamp in members))

    def add_all_read(self) -> None:
        """A whole read is its own sweep: its ids are the members."""
        with connection.cursor() as cursor:
            cursor.execute(
                self._proof.sql(f"insert into import_members (salesforce_id) {_READ}"), self._names
            )

    def drop(self, ids: list[str]) -> None:
        """Members that turned out to have left meanwhile, or to be deleted or hidden."""
        with connection.cursor() as cursor:
            cursor.execute("delete from import_members where salesforce_id = any(%s)", [ids])

    def count(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute("analyze import_members")
            cursor.execute("select count(distinct salesforce_id) from import_members")
            return int(cursor.fetchone()[0])

    def to_read(self) -> Iterator[list[str]]:
        """As `missing`, and members who are stored with another stamp than they were swept with."""
        return self._unaccounted(_SAME_STAMP)

    def missing(self) -> Iterator[list[str]]:
        """Members that are neither stored as such, nor rejected by this run, nor erased here; in lists of bounded
        size."""
        return self._unaccounted("")

    def _unaccounted(self, as_it_is: str) -> Iterator[list[str]]:
        if self._proof.is_whole:
            as_it_is += _READ_BY_IT.format(read=self._proof.sql(_READ))
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("analyze import_members")
            cursor.execute(LONG_LISTS)
            for statement in self._proof.sql(_MISSING, as_it_is=as_it_is).strip().split(";"):
                cursor.execute(statement, self._names)
        last = ""
        with connection.cursor() as cursor:
            while True:
                cursor.execute(_NEXT_MISSING, [last, _LIST])
                ids = [row[0] for row in cursor.fetchall()]
                if not ids:
                    return
                last = ids[-1]
                erased = remembered.erased(self._workspace, ids)
                self._erased.update(erased.values())
                if wanted := [record_id for record_id in ids if record_id not in erased]:
                    yield wanted

    def erased(self) -> list[Issue]:
        """One issue about all people who were erased here and stand in the list, or were read by the run: nothing may
        say who they are."""
        with connection.cursor() as cursor:
            cursor.execute(self._proof.sql(_ERASED_READ), self._names)
            people = len(self._erased.union(row[0] for row in cursor.fetchall()))
        if not people:
            return []
        message = f"People of the list who were erased here, and so were not imported again: {people:,}."
        return [Issue("", "", str(people), "erased", message)]

    def count_leavers(self) -> int:
        """How many are no longer in the list, had what the run read been stored. Nobody is asked what became of
        them, so who was merged or converted counts; whom an admin keeps does not."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("analyze import_members")
            cursor.execute(LONG_LISTS)
            cursor.execute(self._proof.sql(_COUNT_LEAVERS), self._names)
            return int(cursor.fetchone()[0])


def stored_in_source(workspace: int, object: str) -> int:  # noqa: A002
    return Contact.objects.filter(workspace=workspace, object=object, in_source=True).count()


def distinct_counts(proof: Proof) -> dict[str, int]:
    """Counts of the run's distinct ids by outcome; an id read several times counts by its strongest outcome."""
    with connection.cursor() as cursor:
        cursor.execute(proof.sql(_COUNTS), {"run": proof.run})
        names = ("received", "created", "updated", "rejected", "unchanged")
        return dict(zip(names, cursor.fetchone(), strict=True))
