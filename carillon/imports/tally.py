"""What batches of records would change, counted and not stored. Works on temporary tables of the session, so a
million records cost no memory of ours; while it compares, the database itself refuses every other write."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from carillon.consent.decide import Kind, State, Statement
from carillon.consent.foreseeing import foresee, staying_out
from carillon.consent.importing import Sighting
from carillon.imports.consents import Hearing, telling
from carillon.imports.loader import PLANNER, Outcomes, compare, copy_rows, distinct, stage
from carillon.imports.mapping import Batch, Issue, Row
from carillon.imports.models import ImportSetup
from carillon.imports.sweep import Proof

# Batches in the form of RunBatch; their proof counts every id as accounted for, since nothing is stored.
PROOF = Proof("dry_run_batch", 0, "created || updated || unchanged || rejected")
_TABLES = """
create temp table if not exists dry_run_batch
    (run_id integer, created text[], updated text[], unchanged text[], rejected text[]);
create temp table if not exists dry_run_issue
    (salesforce_id text collate "C", field text, code text, message text, rejection text);
create temp table if not exists dry_run_blank (salesforce_id text collate "C", field text);
create temp table if not exists dry_run_flip
    (salesforce_id text collate "C" primary key, name text, number text collate "C", opts_out boolean, kind text,
    counts_at timestamptz, weak boolean, renews timestamptz, stays boolean default false);
create temp table if not exists dry_run_state
    (number text collate "C" primary key, {stamps})
"""
_STAMPS = [field.name for field in fields(State)]
_NAMES = "dry_run_batch, dry_run_issue, dry_run_blank, dry_run_flip, dry_run_state"
_DROP = f"drop table if exists {_NAMES}, import_staging, import_members, import_missing, import_leavers"
# Of the staged rows that would be updated: fields that hold something now and would hold nothing.
_BLANKED = """
insert into dry_run_blank
select s.salesforce_id, blanked.field from import_staging s
join contacts_contact c on c.workspace_id = %(workspace)s and c.salesforce_id = s.salesforce_id
cross join lateral (
    select 'first_name' where c.first_name <> '' and s.first_name = ''
    union all select 'last_name' where c.last_name <> '' and s.last_name = ''
    union all select 'mobile_number' where c.mobile_number <> '' and s.mobile_number = ''
        or c.mobile_as_given <> '' and s.mobile_as_given = ''
    union all select 'user_identification' where c.user_identification <> '' and s.user_identification = ''
    union all select f.key from jsonb_each(s.fields::jsonb) f
        where f.value = 'null' and c.fields ->> f.key <> ''
) blanked(field)
where s.salesforce_id = any(%(ids)s)
"""
# What is read later of a record counts.
_NOTE_FLIPS = """
insert into dry_run_flip
select f.id, trim(concat_ws(' ', coalesce(s.first_name, c.first_name), coalesce(s.last_name, c.last_name))), f.number,
    f.opts_out, f.kind, f.counts_at, f.weak, f.renews
from unnest(%s::text[], %s::text[], %s::boolean[], %s::text[], %s::timestamptz[], %s::boolean[], %s::timestamptz[])
    f (id, number, opts_out, kind, counts_at, weak, renews)
left join import_staging s on s.salesforce_id = f.id
left join contacts_contact c on c.workspace_id = %s and c.salesforce_id = f.id
on conflict (salesforce_id) do update set number = excluded.number,
    opts_out = dry_run_flip.opts_out or excluded.opts_out, kind = excluded.kind, counts_at = excluded.counts_at, weak = excluded.weak, renews = excluded.renews
"""
# How numbers would be after the batches so far, where these say something of them.
_NOTE_STATES = "insert into dry_run_state select * from unnest(%s::text[], {columns})"
_OPTING_IN = """
select distinct number from dry_run_flip where kind is not null and number > %s order by number limit 5000
"""
_WORDS = """
select number, kind, counts_at, weak, renews from dry_run_flip where kind is not null and number = any(%s)
"""
_STAY = """
update dry_run_flip set stays = number = any(%s) where kind is not null and number = any(%s)
"""
_COUNT_FLIPS = """
select count(distinct number) filter (where opts_out),
    count(distinct number) filter (where kind is not null and not stays), count(kind),
    count(*) filter (where kind = 'silence_in') from dry_run_flip
"""
_LIST_FLIPS = """
select salesforce_id, name, number, 'opted_out', 'opted_in', %(held)s from dry_run_flip
where kind is not null and (%(held)s or not stays)
union all
select salesforce_id, name, number, 'opted_in', 'opted_out', false from dry_run_flip where opts_out
order by 5, 1
"""
_COUNT_BLANKED = "select field, count(distinct salesforce_id) from dry_run_blank group by field"
_COUNT_ISSUES = """
select code, count(*), min(message) from (
    select salesforce_id, field, code, min(message) as message from dry_run_issue group by salesforce_id, field, code
) issues group by code
"""
# An id that was stored on another reading is not rejected in the end. What stands for an erased record is longer than
# any id.
_COUNT_REJECTED = """
select rejection, count(distinct salesforce_id) from dry_run_issue
where rejection <> '' and salesforce_id not in (select unnest(created || updated) from dry_run_batch)
group by rejection
union all
select 'erased', count(distinct salesforce_id) from (
    select unnest(rejected) as salesforce_id from dry_run_batch
) rejected where length(salesforce_id) > 18 having count(*) > 0
"""


class Flip(NamedTuple):
    """A record by which its number's consent would change; `held`: an admin would have to look first."""

    salesforce_id: str
    name: str
    number: str
    before: str
    after: str
    held: bool


class Tally:
    """Counts for the object of one setup; `everything` as in the loader's comparison. Close it when it is read."""

    def __init__(self, setup: ImportSetup, hearing: Hearing, *, everything: bool) -> None:
        self._setup = setup
        self._hearing = hearing
        self._workspace = setup.workspace_id
        self._everything = everything
        self._is_settled = True
        with connection.cursor() as cursor:
            tables = _TABLES.format(stamps=", ".join(f"{name} timestamptz" for name in _STAMPS))
            for statement in (*tables.split(";"), f"truncate {_NAMES}"):
                cursor.execute(statement)

    def take(self, batch: Batch, *, by_id: bool = False) -> int:
        """Compares one batch with what is stored; returns how many records it holds. `by_id` as in Mapped."""
        rows = distinct(batch.rows)
        with connection.cursor() as cursor:
            stage(cursor, self._workspace, rows)
            with transaction.atomic():
                cursor.execute(f"set transaction read only; {PLANNER}")
                found = compare(cursor, self._workspace, batch, everything=by_id or self._everything)
                if found.updated:
                    cursor.execute(_BLANKED, {"workspace": self._workspace, "ids": found.updated})
                cursor.execute(
                    "insert into dry_run_batch values (0, %s, %s, %s, %s)",
                    [found.created, found.updated, found.unchanged, found.rejected],
                )
                self._listen(cursor, rows, found, everything=by_id or self._everything)
        self.add_issues(found.told(batch.issues), rejected=found.rejected)
        return len(rows) + len(batch.rejected)

    def _listen(self, cursor: CursorWrapper, rows: list[Row], found: Outcomes, *, everything: bool) -> None:
        told = telling(cursor, self._workspace, rows, self._hearing, everything=everything)
        self._foresee(cursor, [one for one in told if one.salesforce_id not in found.erased])

    def hear(self, rows: Sequence[Sighting]) -> None:
        """Who is no longer in the list."""
        with connection.cursor() as cursor:
            stage(cursor, self._workspace, [])
            with transaction.atomic():
                cursor.execute(f"set transaction read only; {PLANNER}")
                self._foresee(cursor, rows)

    def _foresee(self, cursor: CursorWrapper, told: Sequence[Sighting]) -> None:
        numbers = {number for one in told for number in (one.number, one.number_before) if number}
        seen = foresee(
            workspace=self._setup.workspace,
            object_name=self._setup.object,
            rows=told,
            mapping=self._hearing.meaning,
            known=self._known(numbers),
        )
        if seen.states:
            cursor.execute("delete from dry_run_state where number = any(%s)", [list(seen.states)])
            stamps = [[getattr(state, name) for state in seen.states.values()] for name in _STAMPS]
            columns = ", ".join(["%s::timestamptz[]"] * len(_STAMPS))
            cursor.execute(_NOTE_STATES.format(columns=columns), [list(seen.states), *stamps])
        if seen.flips:
            lines = [
                (record, one.number, one.opts_out, *(astuple(one.word) if one.word else (None,) * 4))
                for record, one in seen.flips.items()
            ]
            columns_of = [list(column) for column in zip(*lines, strict=True)]
            cursor.execute(_NOTE_FLIPS, [*columns_of, self._workspace])
            self._is_settled = False

    def _known(self, numbers: Iterable[str]) -> dict[str, State]:
        """The numbers of which an earlier batch says something."""
        found = self._fetch("select * from dry_run_state where number = any(%s)", [list(numbers)])
        return {number: State(*stamps) for number, *stamps in found}

    def _settle(self) -> None:
        """Who is opted in once all is read: some by whose record they would be may be opted out by another's."""
        if self._is_settled:
            return
        last, self._is_settled = "", True
        with connection.cursor() as cursor:
            while numbers := [row[0] for row in self._fetch(_OPTING_IN, [last])]:
                words: dict[str, list[Statement]] = {}
                for number, kind, *rest in self._fetch(_WORDS, [numbers]):
                    words.setdefault(number, []).append(Statement(Kind(kind), *rest))
                staying = staying_out(
                    workspace=self._setup.workspace, words=words, known=self._known(numbers)
                )
                cursor.execute(_STAY, [list(staying), numbers])
                last = numbers[-1]

    def add_issues(self, issues: Iterable[Issue], *, rejected: Iterable[str] = ()) -> None:
        refused = frozenset(rejected)
        lines = [
            (
                one.salesforce_id,
                one.field,
                one.code,
                one.message,
                one.code if one.salesforce_id in refused else "",
            )
            for one in issues
        ]
        with connection.cursor() as cursor:
            copy_rows(cursor, "copy dry_run_issue from stdin (format binary)", 5, lines)

    def issues(self) -> list[tuple[str, int, str]]:
        """Code, how many and a sentence of each kind of issue, the most frequent first."""
        found: list[tuple[str, int, str]] = self._fetch(_COUNT_ISSUES)
        return sorted(found, key=lambda line: (-line[1], line[0]))

    def rejected(self) -> dict[str, int]:
        return dict(self._fetch(_COUNT_REJECTED))

    def blanked(self) -> dict[str, int]:
        return dict(self._fetch(_COUNT_BLANKED))

    def flips(self) -> tuple[int, int, int, int]:
        """Numbers that would be opted out, and opted back in; and records that would opt somebody in, which wait for an
        admin when they are many, and how many of these are read anew, under another mapping."""
        self._settle()
        return tuple(self._fetch(_COUNT_FLIPS)[0])

    def flipping(self, *, held: bool) -> list[Flip]:
        """Each record by which a number's consent would change. Those for opted in wait where they are `held`, also who
        stays opted out unless the admin takes the records' word."""
        self._settle()
        return [Flip(*line) for line in self._fetch(_LIST_FLIPS, {"held": held})]

    def close(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_DROP)

    def _fetch(self, statement: str, names: dict[str, bool] | list[Any] | None = None) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(statement, names)
            return list(cursor.fetchall())
