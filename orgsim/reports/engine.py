"""Runs what was asked over the live rows: SQLite finds, orders, groups and cuts; Python sees the rows it prints.

The rows come in two steps, keys first: sorting never carries columns, and the joins are made for 2,000 rows only. The
number of all rows is counted only when more than that were found. Ids order by their bytes, in filters and in sorting.
"""

import json
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice

from orgsim.reports.asked import Aggregate, Asked, Group
from orgsim.reports.filters import Compiler, path_of
from orgsim.reports.logic import combined
from orgsim.reports.periods import Calendar
from orgsim.reports.types import Known
from orgsim.soql.filters import Sql, joined
from orgsim.soql.resolve import Names
from orgsim.soql.rows import sort_key
from orgsim.soql.values import Family, Filtered

MOST_ROWS = 2_000
MOST_GROUPS = 2_000
_OPEN_RANGE = re.compile(r't\."Id" ([<>])')
_DAY = "substr({c}, 1, 10)"
_PERIODS = {
    "Day": _DAY,
    "Week": f"date({_DAY}, '-' || strftime('%w', {_DAY}) || ' days')",
    "Month": "substr({c}, 1, 7) || '-01'",
    "Quarter": "printf('%s-%02d-01', substr({c}, 1, 4), (CAST(substr({c}, 6, 2) AS INTEGER) - 1) / 3 * 3 + 1)",
    "Year": "substr({c}, 1, 4) || '-01-01'",
}

Row = tuple[object, ...]
Values = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """Who runs a report, and when; `team` are the user and those who report to that user."""

    names: Names
    calendar: Calendar
    id_comparison: bool
    user_id: str
    team: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Detail:
    """One printed row: (value, id) of each column, and the group keys it belongs to."""

    cells: Sequence[tuple[object, object]]
    groups: Values


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One group of some level: its keys from the outside in (`text` has them as one), what the innermost is called,
    the number of its rows, its aggregates."""

    keys: Values
    text: str
    label: object
    count: int
    totals: Values


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows a run is about: FROM and WHERE, once for counting and once for finding."""

    asked: Asked
    scene: Scene
    where: Sql
    names: Names


def select(asked: Asked, scene: Scene, connection: sqlite3.Connection) -> Selection:
    """Compiles the filters; raises the 400 for a filter that can't be. A row limit is settled here."""
    names = scene.names.fresh()
    compiler = Compiler(names, scene.calendar, scene.id_comparison)
    terms = [Sql(text) for text in _always(asked, names)]
    filters = combined(asked.logic, [compiler.sql(condition) for condition in asked.conditions])
    terms += [term for term in (filters, _dated(asked, compiler), _owned(asked, scene, compiler)) if term]
    selection = Selection(asked, scene, joined("AND", terms or [Sql("1")]), names)
    if asked.top is None:
        return selection
    keys = _keys(connection, selection, limit=asked.top.rows, flip=asked.top.descending)
    among = Sql("t.pk IN (SELECT value FROM json_each(?))", (_listed(keys),))
    return replace(selection, where=among, names=names.fresh())


def _always(asked: Asked, names: Names) -> list[str]:
    """Rows that are deleted, not shared, or have no person, are in no report."""
    terms = []
    if asked.view.sobject.field("IsDeleted") is not None:
        terms.append('t."IsDeleted" = 0')
    if shared := names.shared(asked.view.sobject, names.alias):
        terms.append(shared)
    if asked.view.type.person:
        terms.append(f"{names.target(path_of(asked.view.type.person + '.IsDeleted')).sql} = 0")
    return terms


def _dated(asked: Asked, compiler: Compiler) -> Sql | None:
    if asked.dates is None:
        return None
    known, first, last = asked.dates.known, asked.dates.first, asked.dates.last
    column = compiler.target(known).sql
    moments = known.field.type == "datetime"
    terms = []
    if first is not None:
        terms.append(Sql(f"{column} >= ?", (compiler.calendar.span(first, first, moments=moments).start,)))
    if last is not None:
        after = last + timedelta(days=1)
        terms.append(Sql(f"{column} < ?", (compiler.calendar.span(after, after, moments=moments).start,)))
    return joined("AND", terms)


def _owned(asked: Asked, scene: Scene, compiler: Compiler) -> Sql | None:
    owner = compiler.names.field_of(asked.view.sobject, "OwnerId")
    if asked.scope == "organization" or owner is None:
        return None
    owners = (scene.user_id,) if asked.scope == "user" else scene.team
    return Sql(f"{owner.sql('t')} IN ({', '.join('?' * len(owners))})", owners)


def _with_joins(selection: Selection) -> Names:
    """The names for another statement with the same WHERE."""
    return replace(selection.names, joins=dict(selection.names.joins))


def _listed(keys: Sequence[int]) -> str:
    return f"[{','.join(map(str, keys))}]"


def _select(what: str, names: Names, where: Sql, rest: str = "") -> str:
    return " ".join(["SELECT", what, "FROM", names.from_sql, "WHERE", where.text, rest])


def _order(key: Filtered, *, descending: bool) -> str:
    sql = f"soql_fold({key.sql})" if key.family in (Family.TEXT, Family.CHOICES) else key.sql
    return f"{sql} DESC" if descending else sql


def _keys(
    connection: sqlite3.Connection, selection: Selection, *, limit: int, flip: bool = False
) -> list[int]:
    """The keys of the first rows in the order of the sort column, of their making where there is none."""
    names = _with_joins(selection)
    sql = _select("t.pk", names, selection.where, _row_order(selection.asked, names, flip=flip))
    return [pk for (pk,) in connection.execute(sql, (*selection.where.params, limit))]


def _row_order(asked: Asked, names: Names, *, flip: bool = False) -> str:
    if asked.sort is None:
        return f"ORDER BY t.pk{' DESC' if flip else ''} LIMIT ?"
    known, descending = asked.sort
    first = _order(sort_key(names, path_of(known.column.path)), descending=descending)
    # Ids differ: a second term would keep SQLite off the index that has them in order.
    return f"ORDER BY {first}{'' if known.column.path == 'Id' else ', t.pk'} LIMIT ?"


def _key_sql(group: Group, names: Names) -> str:
    """What rows of one group have in common: an id, a day, the first day of a period, or the value itself."""
    column = group.known.column
    target = names.target(path_of(column.id_path or column.path))
    if group.granularity != "None":
        return _PERIODS[group.granularity].format(c=target.sql)
    return _DAY.format(c=target.sql) if column.day else target.sql


def details(
    connection: sqlite3.Connection, selection: Selection, deepest: Sequence[GroupRow] | None
) -> tuple[list[Detail], bool]:
    """The first rows, at most 2,000, and whether there are more; `deepest` are the innermost groups in their order."""
    members: dict[int, Values] = {}
    if deepest is None:
        keys = _keys(connection, selection, limit=MOST_ROWS + 1)
    else:
        members = _grouped_keys(connection, selection, deepest)
        keys = list(members)
    names = selection.names.fresh()
    columns = [sql for known in selection.asked.columns for sql in _cell_sql(known, names)]
    from_sql = f"json_each(?) AS page CROSS JOIN {names.from_sql}"
    sql = " ".join(["SELECT", ", ".join(["t.pk", *columns]), "FROM", from_sql, "WHERE t.pk = page.value"])
    found = [
        Detail(list(zip(row[1::2], row[2::2], strict=True)), members.get(row[0], ()))
        for row in connection.execute(sql, (_listed(keys[:MOST_ROWS]),))
    ]
    return found, len(keys) > MOST_ROWS


def _grouped_keys(
    connection: sqlite3.Connection, selection: Selection, deepest: Sequence[GroupRow]
) -> dict[int, Values]:
    """The first rows in the order of the groups, with the group of each.

    Only the rows of the groups that are reached are looked at: several small groups at once, or one large one.
    """
    found: dict[int, Values] = {}
    waiting = list(deepest)[::-1]
    while waiting and len(found) <= MOST_ROWS:
        chunk = [waiting.pop()]
        while waiting and sum(g.count for g in chunk) + waiting[-1].count <= 2 * MOST_ROWS:
            chunk.append(waiting.pop())
        limit = MOST_ROWS + 1 - len(found) if len(chunk) == 1 else -1
        members = _members(connection, selection, chunk, limit)
        for group in chunk:
            found |= dict.fromkeys(members.get(group.text, ()), group.keys)
    return dict(islice(found.items(), MOST_ROWS + 1))


def _members(
    connection: sqlite3.Connection, selection: Selection, chunk: Sequence[GroupRow], limit: int
) -> dict[str, list[int]]:
    asked, names = selection.asked, _with_joins(selection)
    text = _group_text(asked, names)
    among = Sql(
        " ".join([selection.where.text, "AND", text, "IN (SELECT value FROM json_each(?))"]),
        (*selection.where.params, json.dumps([group.text for group in chunk])),
    )
    sql = _select(f"t.pk, {text}", names, among, _row_order(asked, names))
    members: dict[str, list[int]] = {}
    for pk, group in connection.execute(sql, (*among.params, limit)):
        members.setdefault(group, []).append(pk)
    return members


def _group_text(asked: Asked, names: Names) -> str:
    """The keys of a deepest group as one text, in which nothing is a value like others."""
    return f"json_array({', '.join(_key_sql(group, names) for group in (*asked.down, *asked.across))})"


def _cell_sql(known: Known, names: Names) -> tuple[str, str]:
    value = names.target(path_of(known.column.path)).sql
    path = known.column.id_path
    return value, names.target(path_of(path)).sql if path else "NULL"


def totals(connection: sqlite3.Connection, selection: Selection, *, rows: int | None) -> Values:
    """The aggregates over all rows; `rows` is their number when it is known already."""
    aggregates = selection.asked.aggregates
    if rows is not None and all(a.known is None for a in aggregates):
        return (rows,) * len(aggregates)
    names = _with_joins(selection)
    what = ", ".join(_aggregate_sql(a, names) for a in aggregates)
    if not what:
        return ()
    where = selection.where if rows is not None else _counted(selection)
    return tuple(connection.execute(_select(what, names, where), where.params).fetchone())


def _counted(selection: Selection) -> Sql:
    """Counting reads a covering index from end to end; for an open range of ids SQLite would look up every row."""
    return Sql(_OPEN_RANGE.sub(r'+t."Id" \1', selection.where.text), selection.where.params)


def _aggregate_sql(aggregate: Aggregate, names: Names) -> str:
    if aggregate.known is None or aggregate.function is None:
        return "count(*)"
    column = aggregate.known.column
    target = names.target(path_of(column.id_path or column.path)).sql
    if aggregate.function == "count":
        return f"count(DISTINCT {target})"
    value = _DAY.format(c=target) if column.day else target
    return f"{aggregate.function}({value})"


def groups(connection: sqlite3.Connection, selection: Selection, *, down: int, across: int) -> list[GroupRow]:
    """The groups of one level, `down` row groupings deep and `across` column groupings, in the innermost's order.

    Rows are grouped first; what a group is called, and where it comes, is looked up for one row of each.
    """
    asked, inner, outer = selection.asked, _with_joins(selection), selection.names.fresh()
    levels = (*asked.down[:down], *asked.across[:across])
    keys = [f"{_key_sql(group, inner)} AS k{n}" for n, group in enumerate(levels)]
    sums = [f"{_aggregate_sql(a, inner)} AS a{n}" for n, a in enumerate(asked.aggregates)]
    by_keys = f"GROUP BY {', '.join(f'k{n}' for n in range(len(levels)))}"
    what = ", ".join(["min(t.pk) AS first", "count(*) AS members", *keys, *sums])
    grouped = _select(what, inner, selection.where, by_keys)
    label = outer.target(path_of(levels[-1].known.column.path)).sql
    order = _level_order(asked, levels[-1], len(levels) - 1, outer)
    names = ", ".join(f"g.k{n}" for n in range(len(levels)))
    columns = [label, "g.members", f"json_array({names})", names, *(f"g.a{n}" for n in range(len(sums)))]
    from_sql = f"({grouped}) AS g CROSS JOIN {outer.from_sql}"
    rest = f"WHERE t.pk = g.first ORDER BY {order} LIMIT {MOST_GROUPS}"
    sql = " ".join(["SELECT", ", ".join(columns), "FROM", from_sql, rest])
    depth = 3 + len(levels)
    return [
        GroupRow(tuple(row[3:depth]), row[2], row[0], row[1], tuple(row[depth:]))
        for row in connection.execute(sql, selection.where.params)
    ]


def _level_order(asked: Asked, group: Group, level: int, names: Names) -> str:
    direction = " DESC" if group.descending else ""
    if group.by is not None:
        return f"g.a{asked.aggregates.index(group.by)}{direction}"
    if group.granularity != "None":
        return f"g.k{level}{direction}"
    return _order(sort_key(names, path_of(group.known.column.path)), descending=group.descending)
