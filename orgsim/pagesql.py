"""Composes the SQL that prints a page of records as JSON, so that SQLite writes the whole page in one step.

The records of a sub-query are printed inside their parent's, 200 at most; more of them have a locator of their own,
made of the outer one's, the number of the sub-query and the parent's key.
"""

from dataclasses import dataclass

from orgsim.soql import Column, Plan, Projection
from orgsim.soql.plan import Children, Choice, Parameter, Parent

MOST_CHILDREN = 200

NUMBERS = frozenset({"double", "currency", "percent"})
_PLAIN = frozenset({"id", "reference", "date", "datetime", "time"})


def page_sql(plan: Plan, version: str, locator: str, *, all_rows: bool) -> tuple[str, tuple[Parameter, ...]]:
    """The SQL whose answer is the records with commas between, and its parameters but the last.

    The last parameter is the JSON array of the pks of the page.
    """
    projection = plan.projection
    if projection is None:
        raise ValueError("only a query of records has pages")
    record = _Writer(projection, version, locator).record(plan.sobject.name)
    alias = projection.alias
    alive = "" if all_rows or not plan.sobject.soft_deletes else f" AND {alias}.IsDeleted = 0"
    sql = " ".join(
        [
            f"SELECT group_concat({record}, ',')",
            f"FROM json_each(?) AS page CROSS JOIN {projection.from_sql}",
            f"WHERE {alias}.pk = page.value{alive}",
        ]
    )
    return sql, tuple(param for children in projection.children for param in children.params * 2)


def all_digits(sql: str) -> str:
    """SQL that prints a number whole: SQLite by itself prints 15 digits, and a double may have 17."""
    longer = f"CAST(CAST({sql} AS TEXT) AS REAL) <> {sql}"
    return f"CASE WHEN {longer} THEN printf('%!.17g', {sql}) ELSE CAST({sql} AS TEXT) END"


def _value_json(column: Column) -> str:
    kind = column.field.type
    if kind == "boolean":
        return f"CASE {column.sql} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END"
    if kind == "address":
        return f"coalesce({column.sql}, 'null')"
    if kind in _PLAIN:
        return f"coalesce('\"' || {column.sql} || '\"', 'null')"
    if kind in NUMBERS:
        return f"coalesce({all_digits(column.sql)}, 'null')"
    return f"json_quote({column.sql})"


def _attributes_json(sobject: str, id_sql: str, version: str, url_object: str | None = None) -> str:
    """The beginning of a record, an SQL string left open; `url_object` is SQL, the object's name unless given."""
    named = f"' || {url_object} || '" if url_object else sobject
    head = f'"attributes":{{"type":"{sobject}","url":"/services/data/{version}/sobjects/{named}/'
    return f"'{{{head}' || {id_sql} || '\"}}"


@dataclass(frozen=True, slots=True)
class _Writer:
    """Composes the SQL expression that prints one record as JSON."""

    projection: Projection
    version: str
    locator: str

    def record(self, sobject: str) -> str:
        head = _attributes_json(sobject, f"{self.projection.alias}.Id", self.version)
        return f"{head}{self._members(())}}}'"

    def _members(self, above: tuple[str, ...]) -> str:
        """The members below one parent, as text that goes on inside an open SQL string."""
        parts, seen = [], set()
        depth = len(above)
        for position, column in enumerate(self.projection.columns):
            if not above:
                parts += self._nested_at(position)
            if column.path[:depth] != above:
                continue
            name = column.path[depth]
            if len(column.path) == depth + 1:
                parts.append(_member(name, _value_json(column)))
            elif name not in seen:
                seen.add(name)
                parts.append(_member(name, self._parent((*above, name))))
        if not above:
            parts += self._nested_at(len(self.projection.columns))
        return "".join(parts)

    def _parent(self, path: tuple[str, ...]) -> str:
        parent: Parent = next(p for p in self.projection.parents if p.path == path)
        head = _attributes_json(parent.sobject.name, parent.id_sql, self.version, parent.url_object)
        return f"CASE WHEN {parent.id_sql} IS NULL THEN 'null' ELSE {head}{self._members(path)}}}' END"

    def _nested_at(self, position: int) -> list[str]:
        texts, number = [], 0
        for item in self.projection.nested:
            if isinstance(item.value, Children):
                text, number = self._children(item.value, number), number + 1
            else:
                text = self._choice(item.value)
            if item.position == position:
                texts.append(_member(item.value.name, text))
        return texts

    def _choice(self, choice: Choice) -> str:
        cases = []
        for branch in choice.branches:
            head = _attributes_json(branch.sobject.name, branch.id_sql, self.version)
            members = "".join(_member(column.path[0], _value_json(column)) for column in branch.columns)
            cases.append(f"WHEN {branch.id_sql} IS NOT NULL THEN {head}{members}}}'")
        return f"CASE {' '.join(cases)} ELSE 'null' END" if cases else "'null'"

    def _children(self, children: Children, number: int) -> str:
        """A whole result inside the record, null when it is empty."""
        alias = children.projection.alias
        rows = f"FROM {children.projection.from_sql} WHERE {children.link}{children.condition}"
        record = _Writer(children.projection, self.version, "").record(children.sobject.name)
        shown = MOST_CHILDREN if children.limit is None else min(MOST_CHILDREN, children.limit)
        listed = f"SELECT {record} AS shown {rows}{children.order} LIMIT {shown} OFFSET {children.offset}"
        key = f"{number}' || {self.projection.alias}.pk || '-{MOST_CHILDREN}"
        more = f'false,"nextRecordsUrl":"/services/data/{self.version}/query/{self.locator}{key}"'
        return " ".join(
            [
                "(SELECT CASE WHEN total.n = 0 THEN 'null'",
                "ELSE '{\"totalSize\":' || total.n || ',\"done\":' ||",
                f"CASE WHEN total.n <= {MOST_CHILDREN} THEN 'true' ELSE '{more}' END || ',\"records\":[' ||",
                *("(SELECT group_concat(shown, ',') FROM (", listed, ")) || ']}' END"),
                *(
                    "FROM (SELECT count(*) AS n FROM (SELECT",
                    f"{alias}.pk {rows}",
                    children.bounds,
                    ")) AS total)",
                ),
            ]
        )


def _member(name: str, value: str) -> str:
    return f",\"{name}\":' || {value} || '"
