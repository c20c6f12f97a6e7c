"""The factMap of a run and its groupings: `T!T` is the grand total, `0_1!T` the second group within the first.

Aggregates stand at every level, rows only in the deepest groups. In a matrix every row group meets every column group,
also where there is nothing.
"""

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from orgsim.reports import engine
from orgsim.reports.asked import Asked, Group
from orgsim.reports.cells import NOTHING, Json, Style, cell_maker, total
from orgsim.reports.engine import Detail, GroupRow, Selection, Values

_ALL = "T"


@dataclass(frozen=True, slots=True)
class Facts:
    fact_map: Json
    down: list[Json]
    across: list[Json]
    all_data: bool


Levels = dict[tuple[int, int], list[GroupRow]]


@dataclass(frozen=True, slots=True)
class _Side:
    """The groups of one side: their tree, and the key of the factMap for the keys of each group."""

    tree: list[Json]
    paths: dict[Values, str]


def facts(connection: sqlite3.Connection, selection: Selection, style: Style, *, rows: bool) -> Facts:
    """Runs a selection; `rows` asks for the detail rows too."""
    asked = selection.asked
    levels = _levels(connection, selection)
    down, across = _side(levels, asked, style, across=False), _side(levels, asked, style, across=True)
    deepest = levels.get((len(asked.down), len(asked.across)))
    if deepest is not None:
        deepest = _in_order(deepest, len(asked.down), down, across)
    found, cut = engine.details(connection, selection, deepest) if rows else ([], False)
    known = len(found) if rows and not cut and deepest is None else None
    entries = {f"{_ALL}!{_ALL}": engine.totals(connection, selection, rows=known)}
    entries |= _level_totals(levels, asked, down, across)
    printed = _printed(found, asked, style, (down, across)) if rows else {}
    fact_map: Json = {}
    for key, values in entries.items():
        entry: Json = {"aggregates": _totals(values, asked, style)}
        if rows:
            entry["rows"] = printed.get(key, [])
        fact_map[key] = entry
    too_many = any(len(found_groups) >= engine.MOST_GROUPS for found_groups in levels.values())
    return Facts(fact_map, down.tree, across.tree, not cut and not too_many)


def _levels(connection: sqlite3.Connection, selection: Selection) -> Levels:
    """The groups of every level, by how many row and column groupings deep it is."""
    asked = selection.asked
    return {
        (down, across): engine.groups(connection, selection, down=down, across=across)
        for down in range(len(asked.down) + 1)
        for across in range(len(asked.across) + 1)
        if down + across
    }


def _in_order(groups: list[GroupRow], depth: int, down: _Side, across: _Side) -> list[GroupRow]:
    """The deepest groups as the tree has them, without those that it has no place for."""
    placed = [(_place(group.keys, depth, down, across), group) for group in groups]
    kept = [(place, group) for place, group in placed if place is not None]
    return [group for _, group in sorted(kept, key=lambda entry: entry[0])]


def _place(keys: Values, depth: int, down: _Side, across: _Side) -> list[int] | None:
    key = _key(keys, depth, down, across)
    return None if key is None else [int(number) for number in re.findall(r"\d+", key)]


def _totals(values: Values, asked: Asked, style: Style) -> list[Json]:
    return [total(v, a.data_type, style) for v, a in zip(values, asked.aggregates, strict=True)]


def _side(levels: Levels, asked: Asked, style: Style, *, across: bool) -> _Side:
    groupings = asked.across if across else asked.down
    root: list[Json] = []
    children: dict[Values, list[Json]] = {(): root}
    paths: dict[Values, str] = {(): ""}
    for depth in range(1, len(groupings) + 1):
        for row in levels[(0, depth) if across else (depth, 0)]:
            siblings = children.get(row.keys[:-1])
            if siblings is None:
                continue
            above = paths[row.keys[:-1]]
            key = f"{above}_{len(siblings)}" if above else str(len(siblings))
            paths[row.keys] = key
            children[row.keys] = []
            siblings.append(_grouping(row, groupings[depth - 1], style, key, children[row.keys]))
    del paths[()]
    return _Side(root, paths)


def _grouping(row: GroupRow, group: Group, style: Style, key: str, below: list[Json]) -> Json:
    label, value = _shown(row, group, style)
    return {"groupings": below, "key": key, "label": label, "value": value}


def _shown(row: GroupRow, group: Group, style: Style) -> tuple[object, object]:
    value = row.keys[-1]
    if value is None:
        return NOTHING, None
    if group.granularity != "None":
        return _period(date.fromisoformat(str(value)), group.granularity, style), value
    if group.known.column.day:
        return style.day(date.fromisoformat(str(value))), value
    cell = cell_maker(group.known, style)(row.label, value)
    return cell["label"], cell["value"]


def _period(first: date, granularity: str, style: Style) -> str:
    if granularity == "Year":
        return f"CY{first.year}"
    if granularity == "Quarter":
        return f"Q{(first.month + 2) // 3} CY{first.year}"
    return f"{first:%B} {first.year}" if granularity == "Month" else style.day(first)


def _level_totals(levels: Levels, asked: Asked, down: _Side, across: _Side) -> dict[str, Values]:
    """The aggregates of every group of every level but the grand total."""
    entries: dict[str, Values] = {}
    for depths, rows in levels.items():
        _empty(entries, asked, (down, across), depths)
        for row in rows:
            key = _key(row.keys, depths[0], down, across)
            if key is not None:
                entries[key] = row.totals
    return entries


def _empty(
    entries: dict[str, Values], asked: Asked, sides: tuple[_Side, _Side], depths: tuple[int, int]
) -> None:
    """Where a row group and a column group have nothing in common there is a zero."""
    if 0 in depths:
        return
    (down, across), (down_depth, across_depth) = sides, depths
    nothing = tuple(None if a.function in ("avg", "min", "max") else 0 for a in asked.aggregates)
    for row_keys in (keys for keys in down.paths if len(keys) == down_depth):
        for column_keys in (keys for keys in across.paths if len(keys) == across_depth):
            entries[f"{down.paths[row_keys]}!{across.paths[column_keys]}"] = nothing


def _key(keys: Values, down_depth: int, down: _Side, across: _Side) -> str | None:
    row_keys, column_keys = keys[:down_depth], keys[down_depth:]
    row = down.paths.get(row_keys) if row_keys else _ALL
    column = across.paths.get(column_keys) if column_keys else _ALL
    return f"{row}!{column}" if row is not None and column is not None else None


def _printed(
    found: Sequence[Detail], asked: Asked, style: Style, sides: tuple[_Side, _Side]
) -> dict[str, list[Json]]:
    makers = [cell_maker(known, style) for known in asked.columns]
    rows: dict[str, list[Json]] = {}
    for detail in found:
        key = _key(detail.groups, len(asked.down), *sides)
        if key is not None:
            cells = [
                make(value, record_id) for make, (value, record_id) in zip(makers, detail.cells, strict=True)
            ]
            rows.setdefault(key, []).append({"dataCells": cells})
    return rows
