"""Turns the names of a query into fields, SQL expressions and the joins that reach them.

Names compare without case. What field-level security hides does not exist here: the same error, the same words.
"""

from dataclasses import dataclass, field, replace

from orgsim.schema import Field, Schema, SObject
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
    path: tuple[str, ...]
    alias: str
    sobject: SObject
    sql: str


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
        for position, name in enumerate(names[:-1]):
            join = self._join(sobject, alias, walked, (name, names[position + 1], path.pos))
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

    def _join(
        self, sobject: SObject, alias: str, walked: tuple[str, ...], step: tuple[str, str, int]
    ) -> Join:
        name, wanted, pos = step
        reference = sobject.relationship(name)
        if reference is None or self._is_hidden(sobject, reference):
            raise no_such_relationship(self.text, pos, name)
        target = self._referenced(reference, wanted)
        path = (*walked, reference.relationship_name or name)
        key = (*path, target.name)
        if key not in self.joins:
            joined = f"{'' if self.alias == 't' else self.alias}j{len(self.joins) + 1}"
            sql = f'LEFT JOIN "{target.name}" {joined} ON {joined}."Id" = {reference.sql(alias)}'
            shared = self.shared(target, joined)
            self.joins[key] = Join(path, joined, target, f"{sql} AND {shared}" if shared else sql)
        return self.joins[key]

    def _referenced(self, reference: Field, wanted: str) -> SObject:
        """Of the objects a polymorphic field may point at, the first that knows the next name."""
        known = [s for name in reference.reference_to if (s := self.schema.sobject(name))]
        if not known:
            raise unsupported(f"The relationship {reference.relationship_name}")
        return next((s for s in known if self.field_of(s, wanted) or s.relationship(wanted)), known[0])


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
