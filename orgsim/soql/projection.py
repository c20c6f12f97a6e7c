"""The SELECT list of a query for records: which columns to fetch, and the parents they hang from."""

from collections.abc import Iterator

from orgsim.schema import Field
from orgsim.soql.ast import Call, Path, Query, SelectItem, TypeOf
from orgsim.soql.errors import SoqlError, unsupported
from orgsim.soql.functions import label_sql, only_path, refused_function
from orgsim.soql.plan import Column, Parent, Projection
from orgsim.soql.resolve import Names
from orgsim.soql.rows import limit_sql

_MAX_FIELDS_ROWS = 200


def compile_projection(query: Query, names: Names) -> Projection:
    """Columns in the order asked for. Raises SoqlError, also for a field selected twice in any spelling."""
    columns: dict[str, Column] = {}
    for item in query.select:
        for column in _columns(item, query, names):
            key = ".".join(column.path).lower()
            if key in columns:
                raise SoqlError("INVALID_FIELD", f"duplicate field selected: {'.'.join(column.path)}")
            columns[key] = column
    parents = {}
    for join in names.joins.values():
        if join.path in parents:
            raise unsupported(f"Fields of several objects behind {'.'.join(join.path)}")
        parents[join.path] = Parent(join.path, join.sobject, f'{join.alias}."Id"')
    return Projection(tuple(columns.values()), tuple(parents.values()), names.from_sql)


def _columns(item: SelectItem, query: Query, names: Names) -> Iterator[Column]:
    expression = item.expression
    if isinstance(expression, Query):
        raise unsupported("A sub-query in the SELECT list")
    if isinstance(expression, TypeOf):
        raise unsupported("TYPEOF")
    if item.alias:
        raise SoqlError("MALFORMED_QUERY", "only aggregate expressions use field aliasing")
    if isinstance(expression, Path):
        yield _column(expression, names)
    elif expression.function == "tolabel":
        yield _label_column(expression, names)
    elif expression.function == "fields":
        yield from _group_of_fields(expression, query, names)
    else:
        raise refused_function(names, expression)


def _column(path: Path, names: Names) -> Column:
    target = names.target(path)
    return Column(target.path, target.field, target.sql)


def _label_column(call: Call, names: Names) -> Column:
    target = names.target(only_path(names, call))
    return Column(target.path, target.field, label_sql(target))


def _group_of_fields(call: Call, query: Query, names: Names) -> Iterator[Column]:
    """FIELDS(ALL | STANDARD | CUSTOM); those that may hold custom fields need LIMIT 200 or less."""
    group = only_path(names, call).dotted.upper()
    if group not in ("ALL", "STANDARD", "CUSTOM"):
        raise refused_function(names, call)
    limit = limit_sql(query).params[:1]
    if group != "STANDARD" and not (limit and 0 <= int(limit[0]) <= _MAX_FIELDS_ROWS):
        reason = f"The SOQL FIELDS function must have a LIMIT of at most {_MAX_FIELDS_ROWS}"
        raise SoqlError("MALFORMED_QUERY", reason)
    for field in names.visible_fields():
        if _belongs(field, group):
            yield Column((field.name,), field, field.sql(names.alias))


def _belongs(field: Field, group: str) -> bool:
    return group == "ALL" or field.custom == (group == "CUSTOM")
