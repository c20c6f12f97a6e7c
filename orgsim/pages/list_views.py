"""List views in words, who sees them, and their first rows."""

from dataclasses import dataclass

from orgsim import listviews, query
from orgsim.calls import Answer
from orgsim.errors import ApiError
from orgsim.ids import normalise
from orgsim.org import Org, Viewer
from orgsim.pages.record_data import address_of
from orgsim.pages.visit import Route, Visit
from orgsim.schema import Schema, SObject
from orgsim.soql import SoqlError, compile_query
from orgsim.viewdef import Leaf, ListView, Negation, Node, SubQuery, condition_soql, field_at

ROWS = 50
_ADDRESS = "/orgsim/list-views"
_WORDS = {
    "equals": "is",
    "notEquals": "is not",
    "lessThan": "is below",
    "lessThanOrEqualTo": "is at most",
    "greaterThan": "is above",
    "greaterThanOrEqualTo": "is at least",
    "like": "is like",
    "notLike": "is not like",
    "in": "is one of",
    "notIn": "is none of",
    "includes": "includes",
    "excludes": "excludes",
}


@dataclass(frozen=True, slots=True)
class Described:
    view: ListView
    filter: str

    @property
    def address(self) -> str:
        return f"{_ADDRESS}/{self.view.id}"


def in_words(node: Node, schema: Schema, sobject: SObject, *, nested: bool = False) -> str:
    """A filter as a person says it: `Mobile Phone is not blank and Program is Nursing`."""
    if isinstance(node, Leaf):
        field = field_at(schema, sobject, node.field)
        values = ", ".join(_value(value) for value in node.values)
        return f"{field.label if field else node.field} {_WORDS[node.operator]} {values}"
    if isinstance(node, SubQuery):
        return f"{node.field} {_WORDS[node.operator]} what this gives: {node.query}"
    if isinstance(node, Negation):
        return f"not ({in_words(node.condition, schema, sobject)})"
    parts = (in_words(child, schema, sobject, nested=True) for child in node.conditions)
    text = f" {node.conjunction} ".join(parts)
    return f"({text})" if nested else text


def _value(soql: str) -> str:
    if soql.startswith("'"):
        return soql[1:-1].replace("\\'", "'") or "blank"
    return {"null": "blank", "true": "yes", "false": "no"}.get(soql.lower(), soql)


def _described(org: Org, view: ListView) -> Described:
    sobject = org.schema.sobject(view.sobject)
    scopes = {scope.name: scope.label for scope in sobject.supported_scopes} if sobject else {}
    parts = [scopes.get(view.scope, view.scope)] if view.scope else []
    if sobject and view.where:
        parts.append(in_words(view.where, org.schema, sobject))
    if not view.soql_compatible:
        parts.append("By a condition that SOQL can't say, so the API can't open it")
    return Described(view, ". ".join(parts) or "Everybody")


def _index(visit: Visit) -> Answer:
    groups = []
    for sobject in visit.org.schema.sobjects:
        views = listviews.views_of(visit.org, sobject, visit.registrar()) if sobject.listviewable else []
        if views:
            groups.append((sobject.label_plural, [_described(visit.org, view) for view in views]))
    return visit.page("list_views.html", "list-views", groups=groups)


def _view(visit: Visit) -> ListView | None:
    full = normalise(visit.parts["id"])
    try:
        return listviews.any_view(visit.org, full or "")
    except LookupError:
        return None


def _gone(visit: Visit) -> Answer:
    return visit.message("There is no such list view", "It may have been deleted.", 404)


def _open(visit: Visit) -> Answer:
    view = _view(visit)
    if view is None:
        return _gone(visit)
    count: int | None = None
    labels: list[str] = []
    rows: list[tuple[str, list[str]]] = []
    trouble = ""
    try:
        result = listviews.results_json(visit.org, view, visit.registrar(), {"limit": str(ROWS)})
        labels, rows = _table(result)
        count = _count(visit.org, view, visit.registrar())
    except (ApiError, SoqlError) as error:
        trouble = error.message
    return visit.page(
        "list_view.html",
        "list-views",
        described=_described(visit.org, view),
        labels=labels,
        rows=rows,
        count=count,
        trouble=trouble,
    )


def _table(result: dict[str, object]) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """The labels of the visible columns, and each row's address and texts."""
    columns, records = result["columns"], result["records"]
    if not isinstance(columns, list) or not isinstance(records, list):
        raise TypeError("not the results of a list view")
    visible = [number for number, column in enumerate(columns) if not column["hidden"]]
    rows = []
    for record in records:
        cells = {cell["fieldNameOrPath"]: cell["value"] for cell in record["columns"]}
        texts = [record["columns"][number]["value"] or "" for number in visible]
        rows.append((address_of(cells["Id"]), texts))
    return [columns[number]["label"] for number in visible], rows


def _count(org: Org, view: ListView, viewer: Viewer) -> int:
    clauses = ["SELECT COUNT() FROM", view.sobject]
    if view.scope:
        clauses += ["USING SCOPE", view.scope]
    if view.where:
        clauses += ["WHERE", condition_soql(view.where)]
    plan = compile_query(" ".join(clauses), org.schema, org.context(viewer))
    return query.read_count(org.store.reader(), plan).total_size


def _share(visit: Visit) -> Answer:
    view = _view(visit)
    if view is None:
        return _gone(visit)
    back = _ADDRESS if visit.form.get("from") == "index" else f"{_ADDRESS}/{view.id}"
    if visit.form.get("shared") == "yes":
        done = f"{view.label} is shared with the API user."
        return visit.did(back, lambda: visit.scenario.share(view.id), done)
    done = f"{view.label} is no longer shared with the API user."
    return visit.did(back, lambda: visit.scenario.unshare(view.id), done)


def _delete(visit: Visit) -> Answer:
    view = _view(visit)
    if view is None:
        return _gone(visit)
    return visit.did(
        _ADDRESS, lambda: visit.scenario.delete_list_view(view.id), f"The list view {view.label} is deleted."
    )


ROUTES: tuple[Route, ...] = (
    ("GET", _ADDRESS, _index),
    ("GET", f"{_ADDRESS}/(?P<id>[0-9A-Za-z]+)", _open),
    ("POST", f"{_ADDRESS}/(?P<id>[0-9A-Za-z]+)/share", _share),
    ("POST", f"{_ADDRESS}/(?P<id>[0-9A-Za-z]+)/delete", _delete),
)
