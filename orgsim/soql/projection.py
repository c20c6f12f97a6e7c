"""The SELECT list of a query for records: which columns to fetch, and the parents they hang from."""

from collections.abc import Iterator
from dataclasses import replace

from orgsim.schema import Field
from orgsim.soql import nested
from orgsim.soql.ast import Call, Path, Query, SelectItem, TypeOf
from orgsim.soql.errors import SoqlError
from orgsim.soql.functions import formatted_sql, label_sql, only_path, refused_function
from orgsim.soql.plan import Children, Choice, Column, Nested, Parent, Projection
from orgsim.soql.resolve import Names
from orgsim.soql.rows import bounds

_MAX_FIELDS_ROWS = 200


def compile_projection(query: Query, names: Names) -> Projection:
    """Columns in the order asked for. Raises SoqlError, also for a field selected twice in any spelling."""
    columns: dict[str, Column] = {}
    others: dict[str, Nested] = {}
    for item in query.select:
        if isinstance(item.expression, Query | TypeOf):
            _add_nested(item.expression, names, columns, others)
            continue
        for column in _columns(item, query, names):
            _refuse_twice(column.path, columns, others)
            columns[_key(column.path)] = column
    joins = names.joins.values()
    parents = tuple(Parent(join.path, join.sobject, join.id_sql, join.url_object) for join in joins)
    return Projection(tuple(columns.values()), parents, names.from_sql, tuple(others.values()), names.alias)


def _key(path: tuple[str, ...]) -> str:
    return ".".join(path).lower()


def _refuse_twice(path: tuple[str, ...], columns: dict[str, Column], others: dict[str, Nested]) -> None:
    if _key(path) in columns or _key(path[:1]) in others:
        raise SoqlError("INVALID_FIELD", f"duplicate field selected: {'.'.join(path)}")


def _add_nested(
    expression: Query | TypeOf, names: Names, columns: dict[str, Column], others: dict[str, Nested]
) -> None:
    found: Children | Choice
    if isinstance(expression, TypeOf):
        found = nested.choice(expression, names)
    else:
        found = nested.children(expression, names, len(others), compile_projection)
    beneath = {key.partition(".")[0] for key in columns}
    if found.name.lower() in beneath or found.name.lower() in others:
        raise SoqlError("INVALID_FIELD", f"duplicate field selected: {found.name}")
    others[found.name.lower()] = Nested(len(columns), found)


def _columns(item: SelectItem, query: Query, names: Names) -> Iterator[Column]:
    expression = item.expression
    if isinstance(expression, Path):
        if item.alias:
            raise SoqlError("MALFORMED_QUERY", "only aggregate expressions use field aliasing")
        target = names.target(expression)
        yield Column(target.path, target.field, target.sql)
    elif isinstance(expression, Call) and expression.function in ("tolabel", "format"):
        yield _shown_column(expression, item.alias, names)
    elif isinstance(expression, Call) and expression.function == "fields" and not item.alias:
        yield from _group_of_fields(expression, query, names)
    elif isinstance(expression, Call):
        raise refused_function(names, expression)


def _shown_column(call: Call, alias: str | None, names: Names) -> Column:
    """toLabel() and FORMAT() give texts, under the field's name or an alias."""
    target = names.target(only_path(names, call))
    if call.function == "tolabel":
        field, sql = target.field, label_sql(target)
    else:
        field, sql = replace(target.field, type="string"), formatted_sql(names, target)
    return Column((alias,) if alias else target.path, field, sql)


def _group_of_fields(call: Call, query: Query, names: Names) -> Iterator[Column]:
    """FIELDS(ALL | STANDARD | CUSTOM); those that may hold custom fields need LIMIT 200 or less."""
    group = only_path(names, call).dotted.upper()
    if group not in ("ALL", "STANDARD", "CUSTOM"):
        raise refused_function(names, call)
    limit, _ = bounds(query)
    if group != "STANDARD" and (limit is None or limit > _MAX_FIELDS_ROWS):
        reason = f"The SOQL FIELDS function must have a LIMIT of at most {_MAX_FIELDS_ROWS}"
        raise SoqlError("MALFORMED_QUERY", reason)
    for field in names.visible_fields():
        if _belongs(field, group):
            yield Column((field.name,), field, field.sql(names.alias))


def _belongs(field: Field, group: str) -> bool:
    return group == "ALL" or field.custom == (group == "CUSTOM")
