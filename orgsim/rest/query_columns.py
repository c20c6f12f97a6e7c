"""`/query?columns=true`: what the columns of a query are, instead of its records.

The keys are those that query tools read; which Apex type a parent or a sub-query is given is inferred.
"""

from orgsim.schema import Field
from orgsim.soql import Aggregate, Column, Plan, Projection
from orgsim.soql.plan import Choice

Json = dict[str, object]

_NUMBERS = frozenset({"int", "long", "double", "currency", "percent"})
_APEX_TYPES = {
    "id": "Id",
    "reference": "Id",
    "boolean": "Boolean",
    "int": "Integer",
    "long": "Long",
    "double": "Double",
    "currency": "Decimal",
    "percent": "Decimal",
    "date": "Date",
    "datetime": "Datetime",
    "time": "Time",
    "address": "Address",
}


def metadata_json(plan: Plan) -> Json:
    columns: list[Json] = []
    if plan.aggregate is not None:
        columns = _aggregate_columns(plan.aggregate)
    elif plan.projection is not None:
        columns = _columns(plan.projection)
    return {
        "columnMetadata": columns,
        "entityName": plan.sobject.name,
        "groupBy": plan.aggregate is not None and plan.aggregate.grouped,
        "idSelected": any(column["columnName"] == "Id" for column in columns),
        "keyPrefix": plan.sobject.key_prefix,
    }


def _column(name: str, kind: str | None, **more: object) -> Json:
    column: Json = {
        "aggregate": False,
        "apexType": _APEX_TYPES.get(kind, "String") if kind else None,
        "booleanType": kind == "boolean",
        "columnName": name,
        "custom": name.endswith("__c"),
        "displayName": name,
        "foreignKeyName": None,
        "insertable": False,
        "joinColumns": [],
        "numberType": kind in _NUMBERS,
        "textType": kind is not None and kind not in _APEX_TYPES,
        "updatable": False,
    }
    return column | more


def _field_column(field: Field, name: str) -> Json:
    return _column(
        name, field.type, custom=field.custom, insertable=field.createable, updatable=field.updateable
    )


def _aggregate_columns(aggregate: Aggregate) -> list[Json]:
    return [_column(c.name, c.type, aggregate=True) for c in aggregate.columns]


def _columns(projection: Projection) -> list[Json]:
    found = _below(projection, projection.columns, ())
    for item in projection.nested:
        if isinstance(item.value, Choice):
            found.append(_column(item.value.name, None))
        else:
            joined = _columns(item.value.projection)
            found.append(_column(item.value.name, None, aggregate=True, joinColumns=joined))
    return found


def _below(projection: Projection, columns: tuple[Column, ...], above: tuple[str, ...]) -> list[Json]:
    """The columns under one parent: its own, and one for each parent of the parent."""
    depth, found, seen = len(above), list[Json](), set[str]()
    for column in columns:
        if column.path[:depth] != above:
            continue
        name = column.path[depth]
        if len(column.path) == depth + 1:
            found.append(_field_column(column.field, name))
        elif name not in seen:
            seen.add(name)
            joined = _below(projection, columns, (*above, name))
            found.append(_column(name, None, foreignKeyName=name, joinColumns=joined))
    return found
