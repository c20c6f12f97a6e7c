"""What a list view is: columns, filter tree, order and scope, and the SOQL that Salesforce composes from them."""

from typing import Literal

import msgspec

from orgsim.schema import Field, Schema, SObject

HIDDEN = ("Id", "CreatedDate", "LastModifiedDate", "SystemModstamp")
_OPERATORS = {
    "equals": "=",
    "notEquals": "!=",
    "lessThan": "<",
    "lessThanOrEqualTo": "<=",
    "greaterThan": ">",
    "greaterThanOrEqualTo": ">=",
    "like": "LIKE",
    "notLike": "LIKE",
    "in": "IN",
    "notIn": "NOT IN",
    "includes": "INCLUDES",
    "excludes": "EXCLUDES",
}
_LISTS = {"in", "notIn", "includes", "excludes"}
# The API spells one operator in a way of its own.
_SPELLED = {"greaterThanOrEqualTo": "greaterThenOrEqualTo"}


class Leaf(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="leaf"):
    """One comparison; the values are written as in SOQL: `'Nursing'`, `2029`, `null`, `LAST_N_DAYS:30`."""

    field: str
    operator: str
    values: tuple[str, ...]


class Tree(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="tree"):
    conjunction: Literal["and", "or"]
    conditions: tuple["Node", ...]


class Negation(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="not"):
    condition: "Node"


class SubQuery(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="subquery"):
    """A field among the ids that another query gives; the operator is `in` or `notIn`."""

    field: str
    operator: str
    query: str


Node = Leaf | Tree | Negation | SubQuery


class Order(msgspec.Struct, frozen=True):
    field: str
    descending: bool = False


class ListView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    position: int
    sobject: str
    developer_name: str
    label: str
    columns: tuple[str, ...]
    where: Node | None = None
    order: tuple[Order, ...] = (Order("Name"),)
    scope: str | None = None
    scope_entity_id: str | None = None
    related_entity_id: str | None = None
    soql_compatible: bool = True
    shared: bool = True


def leaf(field: str, operator: str, *values: str) -> Leaf:
    return Leaf(field=field, operator=operator, values=values)


def both(*conditions: Node) -> Tree:
    return Tree(conjunction="and", conditions=conditions)


def either(*conditions: Node) -> Tree:
    return Tree(conjunction="or", conditions=conditions)


def negation(condition: Node) -> Negation:
    return Negation(condition=condition)


def condition_soql(node: Node, *, nested: bool = False) -> str:
    if isinstance(node, Leaf):
        value = f"({', '.join(node.values)})" if node.operator in _LISTS else node.values[0]
        text = f"{node.field} {_OPERATORS[node.operator]} {value}"
        return f"(NOT {text})" if node.operator == "notLike" else text
    if isinstance(node, SubQuery):
        return f"{node.field} {_OPERATORS[node.operator]} ({node.query})"
    if isinstance(node, Negation):
        return f"(NOT {condition_soql(node.condition, nested=True)})"
    parts = [condition_soql(child, nested=True) for child in node.conditions]
    text = f" {node.conjunction.upper()} ".join(parts)
    return f"({text})" if nested else text


def condition_json(node: Node) -> dict[str, object]:
    if isinstance(node, Leaf):
        operator = _SPELLED.get(node.operator, node.operator)
        return {"field": node.field, "operator": operator, "values": list(node.values)}
    if isinstance(node, SubQuery):
        return {"field": node.field, "operator": node.operator, "subQuery": node.query}
    if isinstance(node, Negation):
        return {"condition": condition_json(node.condition)}
    return {
        "conjunction": node.conjunction,
        "conditions": [condition_json(child) for child in node.conditions],
    }


def field_at(schema: Schema, sobject: SObject, path: str) -> Field | None:
    """The field at a path such as `Owner.Alias`, None when the user can't see some step of it."""
    *steps, name = path.split(".")
    for step in steps:
        reference = sobject.relationship(step)
        parents = [schema.sobject(target) for target in reference.reference_to] if reference else []
        found = [parent for parent in parents if parent is not None]
        if not found:
            return None
        sobject = found[0]
    return sobject.field(name)


def order_of(view: ListView) -> tuple[Order, ...]:
    """The view's own order, then Id, so that equal rows have a place."""
    return (*view.order, Order("Id"))


def select_item(field: Field, path: str) -> str:
    return f"toLabel({path})" if field.type in ("picklist", "multipicklist") else path


def visible_columns(view: ListView, schema: Schema, sobject: SObject) -> list[tuple[str, Field]]:
    """The columns the user can see, then the four that are always selected and hidden."""
    shown = [(path, field_at(schema, sobject, path)) for path in (*view.columns, *HIDDEN)]
    return [(path, field) for path, field in shown if field is not None]


def _where(view: ListView) -> str:
    """The filter; a view of one queue asks for the queue's id as well (inferred)."""
    own = condition_soql(view.where, nested=view.scope_entity_id is not None) if view.where else ""
    if view.scope_entity_id is None:
        return own
    queue = f"OwnerId = '{view.scope_entity_id}'"
    return f"{queue} AND {own}" if own else queue


def compose_query(view: ListView, schema: Schema, sobject: SObject) -> str:
    columns = visible_columns(view, schema, sobject)
    text = " ".join(["SELECT", ", ".join(select_item(f, path) for path, f in columns), "FROM", sobject.name])
    if view.scope:
        text += f" USING SCOPE {view.scope}"
    where = _where(view)
    if where:
        text += f" WHERE {where}"
    terms = (f"{o.field} {'DESC NULLS LAST' if o.descending else 'ASC NULLS FIRST'}" for o in order_of(view))
    return f"{text} ORDER BY {', '.join(terms)}"
