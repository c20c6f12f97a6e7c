"""Who is stored as in the source and is not in the list any more: a temporary table of the session beside that of the
members (imports/sweep), so that a million leavers cost no memory of ours."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from carillon.contacts.models import RecordChange
from carillon.imports.leaving import DELETED, HIDDEN, LIVING, NOT_ASKED, Leaving
from carillon.imports.sweep import KEPT, LONG_LISTS

# absence: as contacts store it, null until it is known. kept: an admin keeps them in the source although they left.
_TABLE = """
create temp table if not exists import_leavers
    (salesforce_id text collate "C" primary key, absence text, kept boolean not null);
truncate import_leavers
"""
_FIND = """
insert into import_leavers
select c.salesforce_id, k.absence, k.salesforce_id is not null
from contacts_contact c left join ({kept}) k on k.salesforce_id = c.salesforce_id
where c.workspace_id = %(workspace)s and c.object = %(object)s and c.in_source
and not exists (select 1 from import_members m where m.salesforce_id = c.salesforce_id)
on conflict do nothing
"""
_MARK = """
with leavers as (
    update contacts_contact c set in_source = false, left_source_at = now(), absence = coalesce(l.absence, ''),
        absent_since = case when l.absence <> '' then now() end,
        looked_for_at = case when l.absence is not null then now() end
    from import_leavers l
    where c.workspace_id = %(workspace)s and c.salesforce_id = l.salesforce_id and c.in_source and not l.kept
    returning c.id, c.absence
)
insert into contacts_fieldchange (workspace_id, contact_id, field, before, after, run, at)
select %(workspace)s, id, 'in_source', to_jsonb(true), to_jsonb(false), %(by)s, now() from leavers
union all
select %(workspace)s, id, %(absence_field)s, to_jsonb(''::text), to_jsonb(absence), %(by)s, now() from leavers
where absence <> ''
"""
_COUNT = """
select coalesce(absence, %(not_asked)s), count(*) from import_leavers where not kept or %(kept)s group by 1
"""
_LIST = 2_000


class Leavers:
    """Those of one run. Make it when its members are known."""

    def __init__(self, workspace: int, object: str) -> None:  # noqa: A002
        self._names: dict[str, Any] = {"workspace": workspace, "object": object}
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in _TABLE.strip().split(";"):
                cursor.execute(statement)
            cursor.execute("analyze import_members")
            cursor.execute(LONG_LISTS)
            cursor.execute(_FIND.format(kept=KEPT), self._names)
            cursor.execute("analyze import_leavers")

    def to_ask(self) -> Iterator[list[str]]:
        """Those whose records nobody has looked at yet, in lists of bounded size. An admin's keeping is not asked
        about again."""
        last = ""
        while True:
            with connection.cursor() as cursor:
                cursor.execute(
                    "select salesforce_id from import_leavers where absence is null and not kept"
                    " and salesforce_id > %s order by salesforce_id limit %s",
                    [last, _LIST],
                )
                ids = [row[0] for row in cursor.fetchall()]
            if not ids:
                return
            yield ids
            last = ids[-1]

    def note(self, absences: Mapping[str, str]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "update import_leavers l set absence = a.absence"
                " from unnest(%s::text[], %s::text[]) a(salesforce_id, absence) where l.salesforce_id = a.salesforce_id",
                [list(absences), list(absences.values())],
            )

    def leave_out(self, ids: Iterable[str]) -> None:
        """Records that turned out to live on as others: they are nobody's own any more."""
        with connection.cursor() as cursor:
            cursor.execute("delete from import_leavers where salesforce_id = any(%s)", [list(ids)])

    def add(self, ids: Iterable[str]) -> None:
        """Living records that are stored and not in the list."""
        with connection.cursor() as cursor:
            cursor.execute(
                "insert into import_leavers select unnest(%s::text[]), '', false on conflict do nothing",
                [list(ids)],
            )

    def forget_who_is_gone_here(self) -> None:
        """Somebody may have been erased meanwhile. Call it in the transaction that settles, with nobody erasing."""
        with connection.cursor() as cursor:
            cursor.execute(
                "delete from import_leavers l where not exists (select 1 from contacts_contact c"
                " where c.workspace_id = %(workspace)s and c.salesforce_id = l.salesforce_id and c.in_source)",
                self._names,
            )

    def count(self, *, kept: bool = False) -> Leaving:
        """Those that no admin keeps, or all of them."""
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, {"not_asked": NOT_ASKED, "kept": kept})
            found: dict[str, int] = dict(cursor.fetchall())
        return Leaving(
            found.get(LIVING, 0), found.get(DELETED, 0), found.get(HIDDEN, 0), found.get(NOT_ASKED, 0)
        )

    def mark(self, run: UUID) -> None:
        """Marks those that nobody keeps as having left, with the run that does."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(LONG_LISTS)
            cursor.execute(_MARK, {**self._names, "by": run, "absence_field": RecordChange.ABSENCE})

    def by_absence(self) -> Iterator[tuple[str, list[str]]]:
        """All of them, those an admin kept too, in lists of bounded size; "" also for who was not asked about."""
        for absence in (LIVING, DELETED, HIDDEN):
            last = ""
            while True:
                with connection.cursor() as cursor:
                    cursor.execute(
                        "select salesforce_id from import_leavers where coalesce(absence, '') = %s"
                        " and salesforce_id > %s order by salesforce_id limit 50000",
                        [absence, last],
                    )
                    ids = [row[0] for row in cursor.fetchall()]
                if not ids:
                    break
                yield absence, ids
                last = ids[-1]
