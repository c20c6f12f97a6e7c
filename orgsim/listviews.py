"""List views as the REST API shows them: list, one, describe and results. They are data: shared, changed, deleted.

A view that isn't shared with the API user is not listed and answers 404, as a deleted one does.
"""

import sqlite3

import msgspec

from orgsim.clock import list_view_stamp
from orgsim.errors import ApiError, not_found
from orgsim.ids import normalise, serial_id
from orgsim.org import Org, Viewer
from orgsim.schema import Field, SObject
from orgsim.soql import SoqlError, compile_query
from orgsim.viewdef import (
    HIDDEN,
    ListView,
    compose_query,
    condition_json,
    order_of,
    select_item,
    visible_columns,
)

Json = dict[str, object]
DEFAULT_RESULTS = 25
MOST_RESULTS = 2_000
FURTHEST_OFFSET = 2_000
# How many views a page of the list holds where it is paged, and how many are remembered.
VIEWS_PAGE = 10
MOST_RECENT = 200

_SORT_LABELS = {
    "picklist": ("Low to High", "High to Low"),
    "phone": ("9-0", "0-9"),
    "double": ("Low to High", "High to Low"),
    "boolean": ("Low to High", "High to Low"),
    "date": ("New to Old", "Old to New"),
    "datetime": ("New to Old", "Old to New"),
}


def views_of(org: Org, sobject: SObject, viewer: Viewer) -> list[ListView]:
    sql = "SELECT definition FROM list_view WHERE sobject = ? AND (shared OR ?) ORDER BY position"
    rows = org.store.reader().execute(sql, (sobject.name, not viewer.is_api_user))
    return [msgspec.json.decode(text, type=ListView) for (text,) in rows]


def find_view(org: Org, sobject: SObject, viewer: Viewer, view_id: str) -> ListView:
    """The view by 15 or 18-character id; raises when the user can't see it: 404 as for one that is gone, or 403, by
    the switch `unshared_list_view`."""
    full = normalise(view_id)
    for view in views_of(org, sobject, viewer):
        if view.id == full:
            return view
    sql = "SELECT 1 FROM list_view WHERE sobject = ? AND id = ?"
    exists = org.store.reader().execute(sql, (sobject.name, full)).fetchone()
    if exists and org.switches["unshared_list_view"] == "403":
        raise ApiError(403, "INSUFFICIENT_ACCESS", "insufficient access rights on object id")
    raise not_found()


def view_json(view: ListView, base: str) -> Json:
    url = f"{base}/sobjects/{view.sobject}/listviews/{view.id}"
    return {
        "describeUrl": f"{url}/describe",
        "developerName": view.developer_name,
        "id": view.id,
        "label": view.label,
        "resultsUrl": f"{url}/results",
        "soqlCompatible": view.soql_compatible,
        "url": url,
    }


def list_json(org: Org, sobject: SObject, viewer: Viewer, base: str, offset: int = 0) -> Json:
    """The views from `offset` on: all of them, or where the switch `list_views_paging` says so a page (inferred)."""
    views = views_of(org, sobject, viewer)[offset:]
    paged = org.switches["list_views_paging"] == "paged"
    shown = views[:VIEWS_PAGE] if paged else views
    more = len(shown) < len(views)
    next_url = f"{base}/sobjects/{sobject.name}/listviews?offset={offset + len(shown)}" if more else None
    return _listed(sobject, shown, base, next_url)


def recent_json(org: Org, sobject: SObject, viewer: Viewer, base: str) -> Json:
    """The views whose results were asked for, the last one first."""
    sql = "SELECT Id FROM ListView WHERE LastViewedDate IS NOT NULL ORDER BY LastViewedDate DESC, Id LIMIT ?"
    seen = [view_id for (view_id,) in org.store.reader().execute(sql, (MOST_RECENT,))]
    visible = {view.id: view for view in views_of(org, sobject, viewer)}
    return _listed(sobject, [visible[view_id] for view_id in seen if view_id in visible], base, None)


def _listed(sobject: SObject, views: list[ListView], base: str, next_url: str | None) -> Json:
    return {
        "done": next_url is None,
        "listviews": [view_json(view, base) for view in views],
        "nextRecordsUrl": next_url,
        "size": len(views),
        "sobjectType": sobject.name,
    }


def _column_label(path: str, field: Field, sobject: SObject) -> str:
    if "." not in path:
        return field.label
    relationship = path.rsplit(".", 1)[0].replace(".", " ")
    label = field.label.removeprefix(f"{relationship} ")
    return f"{sobject.label} {relationship} {label}" if relationship == "Owner" else f"{relationship} {label}"


def columns_json(org: Org, view: ListView, viewer: Viewer) -> list[Json]:
    sobject = _sobject(org, view, viewer)
    columns = visible_columns(view, viewer.schema, sobject)
    shown = len(columns) - len(HIDDEN)
    sorts = {order.field: (index, order) for index, order in enumerate(view.order)}
    answer: list[Json] = []
    for number, (path, field) in enumerate(columns):
        hidden = number >= shown
        ascending, descending = _SORT_LABELS.get(field.type, ("Z-A", "A-Z"))
        index, order = sorts.get(path, (None, None)) if not hidden else (None, None)
        direction = None if order is None else "descending" if order.descending else "ascending"
        answer.append(
            {
                "ascendingLabel": None if hidden else ascending,
                "descendingLabel": None if hidden else descending,
                "fieldNameOrPath": path,
                "hidden": hidden,
                "label": _column_label(path, field, sobject),
                "selectListItem": select_item(field, path),
                "sortDirection": direction,
                "sortIndex": index,
                "sortable": not hidden and field.sortable,
                "type": field.type,
            }
        )
    return answer


def _sobject(org: Org, view: ListView, viewer: Viewer) -> SObject:
    sobject = viewer.schema.sobject(view.sobject)
    if sobject is None:
        raise not_found()
    return sobject


def describe_json(org: Org, view: ListView, viewer: Viewer) -> Json:
    if not view.soql_compatible:
        raise ApiError(400, "BAD_REQUEST", f"The list view {view.label} is not SOQL compatible")
    order_by = [
        {
            "fieldNameOrPath": order.field,
            "nullsPosition": "last" if order.descending else "first",
            "sortDirection": "descending" if order.descending else "ascending",
        }
        for order in order_of(view)
    ]
    scoped = {"relatedEntityId": view.related_entity_id, "scopeEntityId": view.scope_entity_id}
    return {name: value for name, value in scoped.items() if value} | {
        "columns": columns_json(org, view, viewer),
        "id": view.id[:15],
        "orderBy": order_by,
        "query": compose_query(view, viewer.schema, _sobject(org, view, viewer)),
        "scope": view.scope,
        "sobjectType": view.sobject,
        "whereCondition": condition_json(view.where) if view.where else None,
    }


def _number(text: str | None, *, name: str, default: int, least: int, most: int) -> int:
    if text is None:
        return default
    # A number of more digits than these is out of range without being read.
    if not (text.isdecimal() and len(text) < 10 and least <= int(text) <= most):
        raise ApiError(400, "NUMBER_OUTSIDE_VALID_RANGE", f"{name} must be between {least} and {most}")
    return int(text)


def results_json(org: Org, view: ListView, viewer: Viewer, params: dict[str, str]) -> Json:
    """The rows of a view as texts: 25 of them unless `limit` says otherwise."""
    limit = _number(params.get("limit"), name="limit", default=DEFAULT_RESULTS, least=1, most=MOST_RESULTS)
    offset = _number(params.get("offset"), name="offset", default=0, least=0, most=FURTHEST_OFFSET)
    if not view.soql_compatible:
        raise ApiError(400, "BAD_REQUEST", f"The list view {view.label} is not SOQL compatible")
    rows = _rows(org, view, viewer, limit=limit + 1, offset=offset)
    _note_viewed(org, view)
    records = [{"columns": row} for row in rows[:limit]]
    return {
        "columns": columns_json(org, view, viewer),
        "developerName": view.developer_name,
        "done": len(rows) <= limit,
        "id": view.id[:15],
        "label": view.label,
        "records": records,
        "size": len(records),
    }


def _note_viewed(org: Org, view: ListView) -> None:
    now = org.clock.stamp()
    with org.store.writing() as connection:
        sql = "UPDATE ListView SET LastViewedDate = ?, LastReferencedDate = ? WHERE Id = ?"
        connection.execute(sql, (now, now, view.id))


def _rows(org: Org, view: ListView, viewer: Viewer, *, limit: int, offset: int) -> list[list[Json]]:
    soql = f"{compose_query(view, viewer.schema, _sobject(org, view, viewer))} LIMIT {limit} OFFSET {offset}"
    try:
        plan = compile_query(soql, viewer.schema, org.context(viewer))
    except SoqlError as error:
        raise ApiError(400, error.error_code, error.message) from error
    if plan.projection is None:
        raise not_found()
    connection = org.store.reader()
    pks = [pk for (pk,) in connection.execute(plan.ids_sql, plan.ids_params)]
    by_pk = _fetched(connection, plan.projection.sql(f"t.pk IN ({','.join(map(str, pks))})"))
    columns = plan.projection.columns
    return [
        [
            {"fieldNameOrPath": ".".join(column.path), "value": _text(value, column.field)}
            for column, value in zip(columns, by_pk[pk], strict=False)
        ]
        for pk in pks
        if pk in by_pk
    ]


def _fetched(connection: sqlite3.Connection, sql: str) -> dict[int, tuple[object, ...]]:
    return {pk: tuple(values) for pk, *values in connection.execute(sql)}


def _text(value: object, field: Field) -> str | None:
    """Every value is a text here, and a moment is in words."""
    if value is None:
        return None
    if field.type == "boolean":
        return "true" if value else "false"
    if field.type == "datetime":
        return list_view_stamp(str(value))
    return str(value)


def save_view(org: Org, view: ListView) -> ListView:
    """Add a view, or change the one with its id; an empty id gets the next one."""
    with org.store.writing() as connection:
        if not view.id:
            sobject = org.schema.sobject("ListView")
            if sobject is None:
                raise LookupError("ListView")
            serial = org.store.next_serial(sobject)
            view = msgspec.structs.replace(view, id=serial_id("00B", serial), position=serial)
        row = (view.id, view.sobject, view.position, int(view.shared), msgspec.json.encode(view).decode())
        connection.execute("INSERT OR REPLACE INTO list_view VALUES (?, ?, ?, ?, ?)", row)
        _mirror(org, connection, view)
    return view


def _mirror(org: Org, connection: sqlite3.Connection, view: ListView) -> None:
    """Keep the queryable ListView object in step: it holds the shared views."""
    found = connection.execute(
        "SELECT CreatedDate, CreatedById FROM ListView WHERE Id = ?", (view.id,)
    ).fetchone()
    connection.execute("DELETE FROM ListView WHERE Id = ?", (view.id,))
    if not view.shared:
        return
    now = org.clock.stamp()
    (user,) = connection.execute("SELECT Id FROM User ORDER BY pk LIMIT 1").fetchone()
    created, created_by = found or (now, user)
    connection.execute(
        "INSERT INTO ListView (Id, Name, DeveloperName, SobjectType, IsSoqlCompatible, CreatedDate, CreatedById, "
        "LastModifiedDate, LastModifiedById, SystemModstamp) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            view.id,
            view.label,
            view.developer_name,
            view.sobject,
            int(view.soql_compatible),
            created,
            created_by,
            now,
            user,
            now,
        ),
    )


def any_view(org: Org, name_or_id: str) -> ListView:
    """A view by API name, label or id, shared or not; raises LookupError."""
    full = normalise(name_or_id)
    for (text,) in org.store.reader().execute("SELECT definition FROM list_view"):
        view = msgspec.json.decode(text, type=ListView)
        if name_or_id in (view.developer_name, view.label) or view.id == full:
            return view
    raise LookupError(f"there is no list view {name_or_id}")


def delete_view(org: Org, view: ListView) -> None:
    with org.store.writing() as connection:
        connection.execute("DELETE FROM list_view WHERE id = ?", (view.id,))
        connection.execute("DELETE FROM ListView WHERE Id = ?", (view.id,))
