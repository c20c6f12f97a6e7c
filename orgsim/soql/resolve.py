"""Turns the names of a query into fields, SQL expressions and the joins that reach them.

Names compare without case. What field-level security hides does not exist here: the same error, the same words.
"""

from dataclasses import dataclass, field, replace

from orgsim.schema import Field, Schema, SObject
from orgsim.soql import polymorphic
from orgsim.soql.ast import Path, Query
from orgsim.soql.errors import located, no_such_column, no_such_relationship, no_such_type, unsupported
from orgsim.soql.plan import QueryContext

MAX_LEVELS = 5


@dataclass(frozen=True, slots=True)
class Target:
    """A field where a query uses it: `path` in the schema's spelling, `nullable` also when a join may miss."""

    path: tuple[str, ...]
    field: Field
    sobject: SObject
    sql: str
    nullable: bool
    pos: int


@dataclass(frozen=True, slots=True)
class Join:
    """A parent that was reached; `url_object` is SQL for the object its record is of, where that may be several."""

    path: tuple[str, ...]
    alias: str
    sobject: SObject
    sql: str
    url_object: str | None = None

    @property
    def id_sql(self) -> str:
        found = self.sobject.field("Id")
        return found.sql(self.alias) if found else "NULL"


@dataclass(slots=True)
class Names:
    """The names one SELECT can use; gathers the joins its expressions need as they are resolved."""

    text: str
    schema: Schema
    context: QueryContext
    sobject: SObject
    alias: str
    nicknames: dict[str, tuple[str, ...]]
    joins: dict[tuple[str, ...], Join] = field(default_factory=dict)

    @property
    def from_sql(self) -> str:
        return " ".join([f'"{self.sobject.name}" {self.alias}', *(join.sql for join in self.joins.values())])

    def fresh(self) -> "Names":
        """The same names with no join yet: the ids and the columns of a plan join separately."""
        return replace(self, joins={})

    def field_of(self, sobject: SObject, name: str) -> Field | None:
        found = sobject.field(name)
        return None if found is None or self._is_hidden(sobject, found) else found

    def visible_fields(self) -> list[Field]:
        return [f for f in self.sobject.fields if not self._is_hidden(self.sobject, f)]

    def _is_hidden(self, sobject: SObject, found: Field) -> bool:
        return (sobject.name, found.name) in self.context.hidden

    def shared(self, sobject: SObject, alias: str) -> str:
        """The condition on the rows that this user sees, empty when that is all of them."""
        return self.context.sharing.get(sobject.name, "").replace("{t}", alias)

    def target(self, path: Path) -> Target:
        """The field a path names. Raises SoqlError, INVALID_FIELD, with the caret on the path."""
        names = self._without_nickname(path)
        if len(names) - 1 > MAX_LEVELS:
            reason = f"A relationship path may have at most {MAX_LEVELS} levels: {path.dotted}"
            raise located("INVALID_FIELD", self.text, path.pos, reason)
        sobject, alias, walked = self.sobject, self.alias, tuple[str, ...]()
        for name in names[:-1]:
            join = self._join_from(sobject, alias, walked, (name, path.pos))
            sobject, alias, walked = join.sobject, join.alias, join.path
        found = self.field_of(sobject, names[-1])
        if found is None:
            raise no_such_column(self.text, path.pos, field=names[-1], entity=sobject.name)
        nullable = found.nillable or not found.stored or alias != self.alias
        return Target((*walked, found.name), found, sobject, found.sql(alias), nullable, path.pos)

    def _without_nickname(self, path: Path) -> tuple[str, ...]:
        names = path.names
        if len(names) < 2:
            return names
        first = names[0].lower()
        if first in self.nicknames:
            return (*self.nicknames[first], *names[1:])
        if first == self.sobject.name.lower() and self.sobject.relationship(first) is None:
            return names[1:]
        return names

    def join(self, relationship: str, pos: int) -> Join:
        """The join to a parent of the object itself."""
        return self._join_from(self.sobject, self.alias, (), (relationship, pos))

    def _join_from(
        self, sobject: SObject, alias: str, walked: tuple[str, ...], step: tuple[str, int]
    ) -> Join:
        name, pos = step
        reference = sobject.relationship(name)
        if reference is None or self._is_hidden(sobject, reference):
            raise no_such_relationship(self.text, pos, name)
        path = (*walked, reference.relationship_name or name)
        if path not in self.joins:
            joined = f"{'' if self.alias == 't' else self.alias}j{len(self.joins) + 1}"
            self.joins[path] = self._joined(path, reference, joined, reference.sql(alias))
        return self.joins[path]

    def _joined(self, path: tuple[str, ...], reference: Field, joined: str, key: str) -> Join:
        targets = [s for name in reference.reference_to if (s := self.schema.sobject(name))]
        if not targets:
            raise unsupported(f"The relationship {reference.relationship_name}")
        if len(reference.reference_to) == 1:
            return Join(path, joined, targets[0], self._join_sql(targets[0], joined, key))
        tables = polymorphic.tables(joined, targets)
        sql = " ".join(self._join_sql(target, table, key) for table, target in tables)
        url_object = polymorphic.object_sql(joined, targets)
        return Join(path, joined, polymorphic.name_object(targets), sql, url_object)

    def _join_sql(self, target: SObject, joined: str, key: str) -> str:
        sql = f'LEFT JOIN "{target.name}" {joined} ON {joined}."Id" = {key}'
        shared = self.shared(target, joined)
        return f"{sql} AND {shared}" if shared else sql


def names_of(query: Query, text: str, schema: Schema, context: QueryContext, *, alias: str = "t") -> Names:
    """The names of a query's FROM clause. Raises SoqlError, INVALID_TYPE, for an unknown object."""
    base, *others = query.sources
    sobject = schema.sobject(base.path.names[0]) if len(base.path.names) == 1 else None
    if sobject is None:
        raise no_such_type(text, base.path.pos, base.path.dotted)
    nicknames: dict[str, tuple[str, ...]] = {base.alias.lower(): ()} if base.alias else {}
    names = Names(text, schema, context, sobject, alias, nicknames)
    for source in others:
        if len(source.path.names) < 2:
            raise no_such_relationship(text, source.path.pos, source.path.dotted)
        relationship = names._without_nickname(source.path)
        names.target(Path((*relationship, "Id"), source.path.pos))
        nicknames[(source.alias or source.path.names[-1]).lower()] = relationship
    return names.fresh()
