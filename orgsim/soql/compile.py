"""Compiles a query against a schema into a plan of SQL. What can't be run is refused; nothing is ever ignored."""

from orgsim.schema import Schema
from orgsim.soql.aggregates import compile_aggregate, is_aggregate
from orgsim.soql.ast import Call, Query
from orgsim.soql.errors import SoqlError, unsupported
from orgsim.soql.filters import Sql
from orgsim.soql.parser import parse
from orgsim.soql.plan import Plan, QueryContext
from orgsim.soql.projection import compile_projection
from orgsim.soql.resolve import Names, names_of
from orgsim.soql.rows import limit_sql, order_sql, sort_key, where_sql


def compile_query(query_or_text: Query | str, schema: Schema, context: QueryContext) -> Plan:
    """The plan for a query. Raises SoqlError with the code and message an org answers."""
    query = parse(query_or_text) if isinstance(query_or_text, str) else query_or_text
    refuse_endings(query)
    names = names_of(query, query.text, schema, context)
    where = where_sql(query, names)
    if _is_bare_count(query):
        return _count_plan(query, names, where)
    if is_aggregate(query):
        aggregate = compile_aggregate(query, names, where)
        return Plan(names.sobject, "", (), aggregate=aggregate)
    if query.having is not None:
        raise SoqlError("MALFORMED_QUERY", "HAVING clause requires a GROUP BY clause")
    projection = compile_projection(query, names.fresh())
    ids = _ids_sql(query, names, where)
    return Plan(names.sobject, ids.text, ids.params, projection=projection)


def refuse_endings(query: Query) -> None:
    for ending in query.endings:
        # FOR VIEW, FOR REFERENCE and UPDATE TRACKING change what was viewed last, never the answer.
        if ending in ("ALL ROWS", "FOR UPDATE"):
            raise SoqlError("MALFORMED_QUERY", f"{ending} is only allowed in Apex code")
    if query.with_clause is not None:
        raise unsupported(f"WITH {query.with_clause}")


def _is_bare_count(query: Query) -> bool:
    return any(_is_count(item.expression) for item in query.select)


def _is_count(expression: object) -> bool:
    return isinstance(expression, Call) and expression.function == "count" and not expression.args


def _count_plan(query: Query, names: Names, where: Sql) -> Plan:
    if len(query.select) > 1 or query.select[0].alias:
        raise SoqlError("MALFORMED_QUERY", "COUNT() must be the only element in the SELECT list")
    for clause, given in (
        ("GROUP BY", query.group_by),
        ("ORDER BY", query.order_by),
        ("HAVING", query.having),
    ):
        if given:
            raise SoqlError("MALFORMED_QUERY", f"COUNT() can not be used with {clause}")
    ids = _ids_sql(query, names, where)
    return Plan(names.sobject, ids.text, ids.params, count=True)


def _ids_sql(query: Query, names: Names, where: Sql) -> Sql:
    order = order_sql(query, lambda operand: sort_key(names, operand))
    limit = limit_sql(query)
    text = "".join(["SELECT t.pk FROM ", names.from_sql, where.text, order, limit.text])
    return Sql(text, where.params + limit.params)
