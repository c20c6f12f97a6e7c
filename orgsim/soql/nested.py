"""What a SELECT list holds beside columns: sub-queries over child relationships, and TYPEOF."""

from collections.abc import Callable
from dataclasses import replace

from orgsim.schema import Field, SObject
from orgsim.soql import polymorphic
from orgsim.soql.aggregates import is_aggregate
from orgsim.soql.ast import Path, Query, TypeOf
from orgsim.soql.errors import (
    SoqlError,
    located,
    no_such_children,
    no_such_column,
    no_such_relationship,
    unsupported,
)
from orgsim.soql.plan import Branch, Children, Choice, Column, Projection
from orgsim.soql.resolve import Names
from orgsim.soql.rows import bounds, order_sql, sort_key, where_sql

Compile = Callable[[Query, Names], Projection]


def children(query: Query, outer: Names, number: int, compile_projection: Compile) -> Children:
    """A sub-query such as `(SELECT LastName FROM Contacts)`. Raises SoqlError for what is no child relationship."""
    if outer.alias != "t":
        raise unsupported("A sub-query in a sub-query of the SELECT list")
    query = replace(query, text=outer.text)
    if is_aggregate(query):
        raise SoqlError("MALFORMED_QUERY", "Aggregate expressions are not allowed in nested sub-queries")
    child, field = _relationship(query, outer)
    source = query.sources[0]
    nicknames: dict[str, tuple[str, ...]] = {source.alias.lower(): ()} if source.alias else {}
    nicknames[source.path.names[-1].lower()] = ()
    names = Names(outer.text, outer.schema, outer.context, child, f"c{number}", nicknames)
    where = where_sql(query, names)
    order = order_sql(query, lambda operand: sort_key(names, operand))
    projection = compile_projection(query, names)
    limit, offset = bounds(query)
    link = f'{field.sql(names.alias)} = {outer.alias}."Id"'
    return Children(
        name=field.child_relationship or "",
        sobject=child,
        field=field,
        projection=replace(projection, from_sql=names.from_sql),
        link=link,
        condition=f" AND ({where.text.removeprefix(' WHERE ')})" if where.text else "",
        params=where.params,
        order=order,
        limit=limit,
        offset=offset or 0,
    )


def _relationship(query: Query, outer: Names) -> tuple[SObject, Field]:
    """The object and the field behind the relationship that a sub-query's FROM names."""
    path = query.sources[0].path
    names = path.names[1:] if len(path.names) == 2 and _is_outer(path.names[0], outer) else path.names
    if len(query.sources) == 1 and len(names) == 1:
        for child in outer.schema.sobjects:
            for field in child.fields:
                wanted = (field.child_relationship or "").lower() == names[0].lower()
                if wanted and outer.sobject.name in field.reference_to and outer.field_of(child, field.name):
                    return child, field
    raise no_such_children(outer.text, path.pos, path.dotted)


def _is_outer(name: str, outer: Names) -> bool:
    return name.lower() == outer.sobject.name.lower() or outer.nicknames.get(name.lower()) == ()


def choice(typeof: TypeOf, names: Names) -> Choice:
    """TYPEOF of a polymorphic relationship of the object itself. Raises SoqlError for any other."""
    path = typeof.relationship
    if len(path.names) != 1:
        raise unsupported("TYPEOF over several relationships")
    reference = names.sobject.relationship(path.names[0])
    if reference is None or names.field_of(names.sobject, reference.name) is None:
        raise no_such_relationship(names.text, path.pos, path.dotted)
    if len(reference.reference_to) < 2:
        reason = f"TYPEOF is only supported with polymorphic relationships, {path.dotted} is none"
        raise located("INVALID_FIELD", names.text, path.pos, reason)
    join = names.join(path.names[0], path.pos)
    wanted = {name.lower(): fields for name, fields in typeof.branches}
    targets = [s for name in reference.reference_to if (s := names.schema.sobject(name))]
    unknown = wanted.keys() - {target.name.lower() for target in targets}
    if unknown:
        reason = f"'{min(unknown)}' is no object that {path.dotted} may point at"
        raise located("INVALID_TYPE", names.text, path.pos, reason)
    branches = []
    for table, target in polymorphic.tables(join.alias, targets):
        own = wanted.get(target.name.lower())
        sobject, alias = (target, table) if own is not None else (join.sobject, join.alias)
        columns = tuple(_column(names, sobject, alias, p) for p in own or typeof.otherwise)
        if columns:
            branches.append(Branch(target, f'{table}."Id"', columns))
    return Choice(reference.relationship_name or path.dotted, tuple(branches))


def _column(names: Names, sobject: SObject, alias: str, path: Path) -> Column:
    if len(path.names) != 1:
        raise unsupported("A relationship path in TYPEOF")
    field = names.field_of(sobject, path.names[0])
    if field is None:
        raise no_such_column(names.text, path.pos, field=path.dotted, entity=sobject.name)
    return Column((field.name,), field, field.sql(alias))
