"""Queries: opened, paged by locator, counted."""

from orgsim import query
from orgsim.calls import JSON, Answer, json_answer
from orgsim.errors import ApiError
from orgsim.request import Request, Route
from orgsim.soql import SoqlError, compile_query


def _query(request: Request) -> Answer:
    return _opened(request, all_rows=False)


def _query_all(request: Request) -> Answer:
    return _opened(request, all_rows=True)


def _opened(request: Request, *, all_rows: bool) -> Answer:
    org, viewer = request.org, request.viewer
    text = request.call.query.get("q", "")
    if not text.strip():
        raise ApiError(400, "MALFORMED_QUERY", "A query string has to be specified")
    try:
        plan = compile_query(text, viewer.schema, org.context(viewer, all_rows=all_rows))
    except SoqlError as error:
        raise ApiError(400, error.error_code, error.message) from error
    connection = org.store.reader()
    if plan.aggregate is not None:
        rows = query.read_aggregate(connection, plan.aggregate)
        return json_answer({"totalSize": len(rows), "done": True, "records": rows})
    if plan.count:
        return _page(query.read_count(connection, plan), request)
    cursor = query.Cursor(
        locator=query.new_locator(),
        user_id=viewer.user_id,
        plan=plan,
        pks=query.read_pks(connection, plan),
        expires_at=org.clock.now() + query.CURSOR_LIFETIME,
        all_rows=all_rows,
        batch=query.batch_size(request.call.headers.get("sforce-query-options")),
    )
    page = query.read_page(connection, cursor, 0, request.version)
    if page.next_locator is not None:
        org.cursors.add(cursor)
    return _page(page, request)


def _query_more(request: Request) -> Answer:
    org = request.org
    locator, offset = query.split_locator(request.parts["locator"])
    cursor = org.cursors.find(locator, request.viewer.user_id, org.clock.now())
    return _page(query.read_page(org.store.reader(), cursor, offset, request.version), request)


def _page(page: query.Page, request: Request) -> Answer:
    return Answer(200, page.body(request.version), {"Content-Type": JSON})


ROUTES: tuple[Route, ...] = (
    ("/query", {"GET": _query}),
    ("/queryAll", {"GET": _query_all}),
    ("/query(?:All)?/(?P<locator>[^/]+)", {"GET": _query_more}),
)
