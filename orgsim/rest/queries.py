"""Queries: opened, paged by locator, counted."""

from orgsim import query
from orgsim.calls import JSON, Answer, json_answer
from orgsim.request import Request, Route
from orgsim.rest.query_columns import metadata_json
from orgsim.rest.query_plans import compiled, plans_json


def _query(request: Request) -> Answer:
    return _opened(request, all_rows=False)


def _query_all(request: Request) -> Answer:
    return _opened(request, all_rows=True)


def _opened(request: Request, *, all_rows: bool) -> Answer:
    org, viewer = request.org, request.viewer
    params = request.call.query
    if "explain" in params:
        return json_answer(plans_json(request, params["explain"], all_rows=all_rows))
    plan = compiled(request, params.get("q", ""), all_rows=all_rows)
    if params.get("columns", "").lower() == "true":
        return json_answer(metadata_json(plan))
    connection = org.store.reader()
    if plan.aggregate is not None:
        rows = query.read_aggregate(connection, plan.aggregate)
        return json_answer({"totalSize": len(rows), "done": True, "records": rows})
    if plan.count:
        return _page(query.read_count(connection, plan), request)
    for children in plan.projection.children if plan.projection else ():
        org.store.index_lookup(children.sobject, children.field)
    cursor = query.Cursor(
        locator=query.new_locator(),
        user_id=viewer.user_id,
        plan=plan,
        pks=query.read_pks(connection, plan),
        expires_at=org.clock.now() + query.CURSOR_LIFETIME,
        all_rows=all_rows,
        batch=query.batch_of(plan, query.batch_size(request.call.headers.get("sforce-query-options"))),
    )
    if plan.projection and plan.projection.children:
        org.cursors.add(cursor)
    return _page_of(request, cursor, 0)


def _query_more(request: Request) -> Answer:
    org, connection = request.org, request.org.store.reader()
    locator = query.read_locator(request.parts["locator"])
    cursor = org.cursors.find(locator.cursor, request.viewer.user_id, org.clock.now())
    if org.switches["locators"] == "single_use":
        org.cursors.use_up(cursor, request.parts["locator"])
    if locator.child is not None:
        cursor = query.child_cursor(cursor, connection, *locator.child)
    return _page_of(request, cursor, locator.offset)


def _page_of(request: Request, cursor: query.Cursor, offset: int) -> Answer:
    shrinking = request.org.switches["page_sizes"] == "shrinking"
    connection = request.org.store.reader()
    page = query.read_page(connection, cursor, offset, request.version, shrinking=shrinking)
    if page.next_locator is not None and offset == 0:
        request.org.cursors.add(cursor)
    return _page(page, request)


def _page(page: query.Page, request: Request) -> Answer:
    return Answer(200, page.body(request.version), {"Content-Type": JSON})


ROUTES: tuple[Route, ...] = (
    ("/query", {"GET": _query}),
    ("/queryAll", {"GET": _query_all}),
    ("/query(?:All)?/(?P<locator>[^/]+)", {"GET": _query_more}),
)
