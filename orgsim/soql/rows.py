"""Which rows a query is about, in which order: scope, WHERE, semi-joins, ORDER BY, LIMIT and OFFSET as SQL."""

from collections.abc import Callable
from itertools import accumulate

from orgsim.soql.ast import Kind, Literal, Operand, Ordering, Path, Query
from orgsim.soql.errors import SoqlError, located, unsupported
from orgsim.soql.filters import Filters, Sql, joined
from orgsim.soql.functions import filterable, quoted, refused_function, row_function
from orgsim.soql.plan import Parameter
from orgsim.soql.resolve import Names, Target, names_of
from orgsim.soql.values import Family, Filtered, refuse_unusable

MAX_OFFSET = 2_000
_MAX_BRACKETS = 24
_INNER = "s"  # the alias of a sub-query's own table
# Conditions on `{owner}`, the owner's id; each `?` is the user who asks. Without scoping rules that scope is all.
_SCOPES = {
    "everything": "",
    "scopingrule": "",
    "mine": "{owner} = ?",
    "user_owned": "{owner} LIKE '005%'",
    "queue_owned": "{owner} LIKE '00G%'",
    "team": '({owner} = ? OR {owner} IN (SELECT "Id" FROM "User" WHERE "ManagerId" = ?))',
    "mine_and_my_groups": (
        '({owner} = ? OR {owner} IN (SELECT "GroupId" FROM "GroupMember" WHERE "UserOrGroupId" = ?))'
    ),
    "delegated": '({owner} <> ? AND {t}."CreatedById" = ?)',
}


def where_sql(query: Query, names: Names) -> Sql:
    """` WHERE ...` with everything that narrows the rows, or nothing: deleted rows only for queryAll, never rows
    that are not shared with the user."""
    terms = []
    if query.where is not None:
        terms.append(filters_of(names, lambda operand: row_value(names, operand)).sql(query.where))
    if not names.context.all_rows and names.sobject.field("IsDeleted") is not None:
        terms.append(Sql(f'{names.alias}."IsDeleted" = 0'))
    if shared := names.shared(names.sobject, names.alias):
        terms.append(Sql(shared))
    scope = _scope(query.scope, names)
    if scope is not None:
        terms.append(scope)
    if not terms:
        return Sql("")
    condition = joined("AND", terms)
    refuse_deep(condition)
    return Sql(f" WHERE {condition.text}", condition.params)


def refuse_deep(condition: Sql) -> None:
    """SQLite's parser has a stack of 100 places, and each level of brackets takes three."""
    steps = (1 if bracket == "(" else -1 for bracket in condition.text if bracket in "()")
    if max(accumulate(steps), default=0) > _MAX_BRACKETS:
        raise SoqlError("QUERY_TOO_COMPLICATED", "The query's conditions are nested too deeply.")


def filters_of(names: Names, operand: Callable[[Operand], Filtered]) -> Filters:
    return Filters(names.text, names.context, operand, lambda query, outer: _semi_join(names, query, outer))


def row_value(names: Names, operand: Operand) -> Filtered:
    return filterable(names, operand) if isinstance(operand, Path) else row_function(names, operand)


def _scope(scope: str | None, names: Names) -> Sql | None:
    name = (scope or "everything").lower()
    offered = {supported.lower() for supported in names.sobject.scope_names} | {"everything"}
    owner = names.field_of(names.sobject, "OwnerId")
    if name not in _SCOPES or name not in offered:
        raise SoqlError("INVALID_QUERY_SCOPE", f"Scope '{scope}' is not valid for {names.sobject.name}")
    condition = _SCOPES[name]
    if not condition:
        return None
    if owner is None:
        raise unsupported(f"USING SCOPE {scope} of an object without an owner")
    text = condition.format(owner=owner.sql(names.alias), t=names.alias)
    return Sql(text, (names.context.user_id,) * text.count("?"))


def _semi_join(outer: Names, query: Query, operand: Operand) -> Sql:
    """The ids a sub-query gives for IN; never null, so that NOT IN is what SOQL means by it."""
    extras = (query.group_by, query.having, query.order_by, query.limit, query.offset, query.endings)
    if any(extras) or query.with_clause is not None:
        raise unsupported("A sub-query with more than FROM, USING SCOPE and WHERE")
    if outer.alias == _INNER:
        raise SoqlError("MALFORMED_QUERY", "Nesting of semi join sub-selects is not supported")
    names = names_of(query, outer.text, outer.schema, outer.context, alias=_INNER)
    selected = query.select[0].expression
    if len(query.select) != 1 or not isinstance(selected, Path) or not isinstance(operand, Path):
        raise located(
            "MALFORMED_QUERY", outer.text, operand.pos, "A semi join needs one id field on each side"
        )
    inner = names.target(selected)
    _check_same_object(outer.target(operand), inner, outer.text)
    where = where_sql(query, names)
    present = f"{inner.sql} IS NOT NULL"
    condition = f"{where.text} AND {present}" if where.text else f" WHERE {present}"
    return Sql(" ".join(["SELECT", inner.sql, "FROM", names.from_sql + condition]), where.params)


def _check_same_object(outer: Target, inner: Target, text: str) -> None:
    if not _objects(outer) & _objects(inner):
        reason = (
            f"The selected field '{inner.field.name}' in the subquery and the left operand field in the where "
            f"expression in the outer query '{outer.field.name}' should point to the same object type"
        )
        raise located("MALFORMED_QUERY", text, outer.pos, reason)


def _objects(target: Target) -> set[str]:
    if target.field.type == "id":
        return {target.sobject.name}
    return set(target.field.reference_to)


def order_sql(query: Query, key: Callable[[Operand], Filtered]) -> str:
    """` ORDER BY ...`: nulls first in both directions unless said otherwise, text without case."""
    if not query.order_by:
        return ""
    return " ORDER BY " + ", ".join(_ordering(ordering, key(ordering.operand)) for ordering in query.order_by)


def _ordering(ordering: Ordering, key: Filtered) -> str:
    sql = key.sql
    if key.family in (Family.TEXT, Family.CHOICES):
        sql = f"soql_fold({sql})"
    direction = " DESC" if ordering.descending else ""
    # SQLite puts nulls first going up and last going down; saying more than needed would keep it off an index.
    if not key.nullable or ordering.nulls_last == ordering.descending:
        return sql + direction
    return f"{sql}{direction} NULLS {'LAST' if ordering.nulls_last else 'FIRST'}"


def sort_key(names: Names, operand: Operand) -> Filtered:
    """What one ORDER BY term sorts by: picklists by the order of their values, as they are set up."""
    if not isinstance(operand, Path):
        raise refused_function(names, operand)
    target = names.target(operand)
    if not target.field.sortable:
        reason = f"field '{target.field.name}' can not be sorted in a query call"
        raise located("INVALID_FIELD", names.text, operand.pos, reason)
    field = target.field
    if field.type != "picklist" or not field.picklist:
        return Filtered(field.name, field.type, target.sql, target.nullable, target.pos)
    cases = " ".join(f"WHEN {target.sql} = {quoted(v.value)} THEN {n}" for n, v in enumerate(field.picklist))
    sql = f"CASE WHEN {target.sql} IS NULL THEN NULL {cases} ELSE {len(field.picklist)} END"
    return Filtered(field.name, "int", sql, target.nullable, target.pos)


def bounds(query: Query) -> tuple[int | None, int | None]:
    """LIMIT and OFFSET. Raises SoqlError for what is no count, and for an offset beyond 2,000."""
    limit, offset = _count(query.limit, query.text), _count(query.offset, query.text)
    if offset is not None and offset > MAX_OFFSET:
        raise SoqlError("NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {MAX_OFFSET}")
    return limit, offset


def limit_sql(query: Query) -> Sql:
    limit, offset = bounds(query)
    params: tuple[Parameter, ...] = ()
    text = ""
    if limit is not None or offset is not None:
        text, params = " LIMIT ?", (-1 if limit is None else limit,)
    if offset is not None:
        text, params = text + " OFFSET ?", (*params, offset)
    return Sql(text, params)


def _count(literal: Literal | None, text: str) -> int | None:
    if literal is None:
        return None
    refuse_unusable(literal, text)
    if literal.kind is not Kind.NUMBER or not literal.raw.isdigit():
        raise located("MALFORMED_QUERY", text, literal.pos, f"unexpected token: '{literal.raw}'")
    return int(literal.raw) if len(literal.raw) < 19 else 2**63 - 1
