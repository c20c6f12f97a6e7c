"""Queries with GROUP BY or aggregate functions: one SQL statement whose rows are the answer.

Text groups and counts without case, as it compares; a group shows the smallest spelling it holds.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from orgsim.soql.ast import Call, Operand, Path, Query, SelectItem
from orgsim.soql.errors import SoqlError, located, unsupported
from orgsim.soql.filters import Sql
from orgsim.soql.functions import AGGREGATES, filtered_target, only_path, refused_function, row_function
from orgsim.soql.plan import Aggregate, AggregateColumn
from orgsim.soql.resolve import Names, Target
from orgsim.soql.rows import filters_of, limit_sql, order_sql, refuse_deep
from orgsim.soql.values import Family, Filtered

_NUMERIC_ONLY = frozenset({"sum", "avg"})
_NO_EXTREMES = frozenset({None, Family.BOOLEAN, Family.CHOICES})


def is_aggregate(query: Query) -> bool:
    return bool(query.group_by) or any(_is_aggregate_call(item.expression) for item in query.select)


def _is_aggregate_call(expression: object) -> bool:
    return isinstance(expression, Call) and expression.function in AGGREGATES


def compile_aggregate(query: Query, names: Names, where: Sql) -> Aggregate:
    """Raises SoqlError where grouped and ungrouped fields are mixed in a way an org refuses."""
    groups = _Groups(names, tuple(_group(names, operand) for operand in query.group_by))
    if query.having is not None and not query.group_by:
        raise SoqlError("MALFORMED_QUERY", "HAVING clause requires a GROUP BY clause")
    if not query.group_by and (query.limit or query.offset):
        clause = "LIMIT" if query.limit else "OFFSET"
        reason = f"Non-grouped query that uses overall aggregate functions cannot also use {clause}"
        raise SoqlError("MALFORMED_QUERY", reason)
    columns, expressions = _columns(query, groups)
    having = Sql("")
    if query.having is not None:
        having = filters_of(names, groups.value).sql(query.having)
        refuse_deep(having)
    order = order_sql(query, groups.value)
    limit = limit_sql(query)
    grouping = ", ".join(folded(value) for _, value in groups.keys)
    parts = ["SELECT", ", ".join(expressions), "FROM", names.from_sql + where.text]
    parts += ["GROUP BY", grouping] if grouping else []
    parts += ["HAVING", having.text] if having.text else []
    params = where.params + having.params + limit.params
    return Aggregate(" ".join(parts) + order + limit.text, params, columns, bool(grouping))


def folded(value: Filtered) -> str:
    return f"soql_fold({value.sql})" if value.family in (Family.TEXT, Family.CHOICES) else value.sql


def _group(names: Names, operand: Operand) -> tuple[Operand, Filtered]:
    if isinstance(operand, Call):
        if operand.function in ("rollup", "cube"):
            raise unsupported(f"GROUP BY {operand.function.upper()}")
        return operand, row_function(names, operand)
    target = names.target(operand)
    if not target.field.groupable:
        reason = f"field '{target.field.name}' can not be grouped in a query call"
        raise located("INVALID_FIELD", names.text, operand.pos, reason)
    return operand, filtered_target(target)


@dataclass(frozen=True, slots=True)
class _Groups:
    names: Names
    keys: tuple[tuple[Operand, Filtered], ...]

    def value(self, operand: Operand) -> Filtered:
        """An aggregate or a grouped expression, for SELECT, HAVING and ORDER BY."""
        if _is_aggregate_call(operand) and isinstance(operand, Call):
            return self._aggregate(operand)
        value = self._plain(operand)
        for _, key in self.keys:
            if key.sql == value.sql:
                return replace(value, sql=f"min({value.sql})") if key.family is Family.TEXT else value
        raise SoqlError("MALFORMED_QUERY", f"Field must be grouped or aggregated: {_name(operand)}")

    def _plain(self, operand: Operand) -> Filtered:
        if isinstance(operand, Path):
            return filtered_target(self.names.target(operand))
        return row_function(self.names, operand)

    def _aggregate(self, call: Call) -> Filtered:
        if not call.args:
            raise located(
                "MALFORMED_QUERY", self.names.text, call.pos, "COUNT() is only allowed alone in SELECT"
            )
        argument = only_path(self.names, call)
        target = self.names.target(argument)
        plain = filtered_target(target)
        if any(key.sql == plain.sql for _, key in self.keys):
            reason = f"Grouped field should not be aggregated: {target.field.name}"
            raise located("MALFORMED_QUERY", self.names.text, argument.pos, reason)
        self._check_type(call, target, plain)
        sql, kind = _AGGREGATE_SQL[call.function](plain)
        return Filtered(target.field.name, kind, sql, True, call.pos)

    def _check_type(self, call: Call, target: Target, plain: Filtered) -> None:
        wrong = call.function in _NUMERIC_ONLY and plain.family is not Family.NUMBER
        wrong = wrong or (call.function in ("min", "max") and plain.family in _NO_EXTREMES)
        if wrong or not target.field.aggregatable:
            reason = f"field {target.field.name} does not support aggregate operator {call.name.upper()}"
            raise located("MALFORMED_QUERY", self.names.text, plain.pos, reason)


def _extreme(function: str) -> Callable[[Filtered], tuple[str, str]]:
    def sql(value: Filtered) -> tuple[str, str]:
        collation = " COLLATE SOQL" if value.family is Family.TEXT else ""
        return f"{function}({value.sql}{collation})", value.type

    return sql


_AGGREGATE_SQL: dict[str, Callable[[Filtered], tuple[str, str]]] = {
    "count": lambda value: (f"count({value.sql})", "int"),
    "count_distinct": lambda value: (f"count(DISTINCT {folded(value)})", "int"),
    "sum": lambda value: (f"sum({value.sql})", value.type),
    "avg": lambda value: (f"avg({value.sql})", "double"),
    "min": _extreme("min"),
    "max": _extreme("max"),
}


def _columns(query: Query, groups: _Groups) -> tuple[tuple[AggregateColumn, ...], list[str]]:
    columns: dict[str, AggregateColumn] = {}
    expressions = []
    unnamed = 0
    for item in query.select:
        operand = _operand(item, groups.names)
        value = groups.value(operand)
        name = item.alias or (value.name if isinstance(operand, Path) else f"expr{unnamed}")
        unnamed += not item.alias and isinstance(operand, Call)
        if name.lower() in columns:
            kind = "alias" if item.alias else "field selected"
            raise SoqlError("MALFORMED_QUERY", f"duplicate {kind}: {name}")
        columns[name.lower()] = AggregateColumn(name, value.type)
        expressions.append(value.sql)
    return tuple(columns.values()), expressions


def _operand(item: SelectItem, names: Names) -> Operand:
    if not isinstance(item.expression, Path | Call):
        raise unsupported("A sub-query or TYPEOF beside aggregates")
    if isinstance(item.expression, Call) and item.expression.function == "fields":
        raise refused_function(names, item.expression)
    return item.expression


def _name(operand: Operand) -> str:
    return operand.dotted if isinstance(operand, Path) else operand.name
