"""The REST resources: which path is answered by what, for whom, and what each call costs of the day's allowance."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass

from orgsim import describe, listviews, query, records
from orgsim.auth import TokenRequest
from orgsim.calls import JSON, Answer, Call, json_answer
from orgsim.errors import ApiError, OAuthError, method_not_allowed, not_found
from orgsim.org import Org, Viewer
from orgsim.schema import SObject
from orgsim.soql import SoqlError, compile_query
from orgsim.userinfo import user_info
from orgsim.versions import resources_json, supported_base, versions_json
from orgsim.viewdef import ListView

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """A call of a signed-in user; `base` is `/services/data/v66.0`, `parts` the named pieces of the path."""

    org: Org
    call: Call
    viewer: Viewer
    base: str
    parts: dict[str, str]

    @property
    def version(self) -> str:
        return self.base.rsplit("/", 1)[1]

    def sobject(self) -> SObject:
        found = self.viewer.schema.sobject(self.parts["sobject"])
        if found is None:
            raise not_found()
        return found

    def record(self) -> records.Target:
        record = records.target(self.sobject(), self.parts["id"])
        records.check_visible(self.org, record, self.viewer)
        return record


def _global(request: Request) -> Answer:
    return json_answer(describe.global_json(request.viewer.schema, request.base))


def _basic(request: Request) -> Answer:
    summary = describe.summary_json(request.sobject(), request.base)
    return json_answer({"objectDescribe": summary, "recentItems": []})


def _describe(request: Request) -> Answer:
    schema, address = request.viewer.schema, request.call.address
    return json_answer(describe.sobject_json(request.sobject(), schema, request.base, address))


def _listed(request: Request) -> SObject:
    sobject = request.sobject()
    if not sobject.listviewable:
        raise not_found()
    return sobject


def _list_views(request: Request) -> Answer:
    return json_answer(listviews.list_json(request.org, _listed(request), request.viewer, request.base))


def _view(request: Request) -> ListView:
    return listviews.find_view(request.org, _listed(request), request.viewer, request.parts["view"])


def _list_view(request: Request) -> Answer:
    return json_answer(listviews.view_json(_view(request), request.base))


def _list_view_describe(request: Request) -> Answer:
    return json_answer(listviews.describe_json(request.org, _view(request), request.viewer))


def _list_view_results(request: Request) -> Answer:
    params = dict(request.call.query)
    return json_answer(listviews.results_json(request.org, _view(request), request.viewer, params))


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


def _record(request: Request) -> Answer:
    fields = request.call.query.get("fields")
    names = [name.strip() for name in fields.split(",")] if fields else None
    return json_answer(records.read(request.org, request.record(), request.base, names))


def _update(request: Request) -> Answer:
    records.update(request.org, request.record(), request.call.json_object(), request.viewer)
    return Answer(204)


def _delete(request: Request) -> Answer:
    records.delete(request.org, request.record(), request.viewer)
    return Answer(204)


def _create(request: Request) -> Answer:
    sobject = request.sobject()
    record_id = records.create(request.org, sobject, request.call.json_object(), request.viewer)
    location = f"{request.base}/sobjects/{sobject.name}/{record_id}"
    return json_answer({"id": record_id, "success": True, "errors": []}, 201, {"Location": location})


def _limits(request: Request) -> Answer:
    return json_answer(request.org.usage.answer())


def _resources(request: Request) -> Answer:
    return json_answer(resources_json(request.base))


Handler = Callable[[Request], Answer]
_ROUTES: tuple[tuple[str, dict[str, Handler]], ...] = (
    ("", {"GET": _resources}),
    ("/limits", {"GET": _limits}),
    ("/query", {"GET": _query}),
    ("/queryAll", {"GET": _query_all}),
    ("/query(?:All)?/(?P<locator>[^/]+)", {"GET": _query_more}),
    ("/sobjects", {"GET": _global}),
    ("/sobjects/(?P<sobject>[^/]+)", {"GET": _basic, "POST": _create}),
    ("/sobjects/(?P<sobject>[^/]+)/describe", {"GET": _describe}),
    ("/sobjects/(?P<sobject>[^/]+)/listviews", {"GET": _list_views}),
    ("/sobjects/(?P<sobject>[^/]+)/listviews/(?P<view>[^/]+)", {"GET": _list_view}),
    ("/sobjects/(?P<sobject>[^/]+)/listviews/(?P<view>[^/]+)/describe", {"GET": _list_view_describe}),
    ("/sobjects/(?P<sobject>[^/]+)/listviews/(?P<view>[^/]+)/results", {"GET": _list_view_results}),
    ("/sobjects/(?P<sobject>[^/]+)/(?P<id>[^/]+)", {"GET": _record, "PATCH": _update, "DELETE": _delete}),
)
_PATTERNS = tuple((re.compile(pattern), handlers) for pattern, handlers in _ROUTES)


def answer(org: Org, call: Call) -> Answer:
    """The answer to any path outside the admin's; refusals included."""
    try:
        return _dispatch(org, call)
    except ApiError as error:
        return json_answer(error.body(), error.status)
    except OAuthError as error:
        return json_answer({"error": error.error, "error_description": error.description}, 400)
    except Exception:
        _log.exception("%s %s failed", call.method, call.path)
        return json_answer(ApiError(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred.").body(), 500)


def _dispatch(org: Org, call: Call) -> Answer:
    if call.path.startswith("/services/oauth2/"):
        return _oauth(org, call)
    if call.path == "/services/data":
        return json_answer(versions_json())
    base, rest = supported_base(call.path)
    viewer = org.viewer(org.sessions.session_of(call.headers.get("authorization")))
    org.usage.count()
    counted = {"Sforce-Limit-Info": org.usage.header()}
    try:
        result = _routed(Request(org, call, viewer, base, {}), rest)
    except ApiError as error:
        result = json_answer(error.body(), error.status)
    return Answer(result.status, result.body, result.headers | counted)


def _routed(request: Request, rest: str) -> Answer:
    method = "GET" if request.call.method == "HEAD" else request.call.method
    for pattern, handlers in _PATTERNS:
        match = pattern.fullmatch(rest)
        if match is None:
            continue
        if method not in handlers:
            raise method_not_allowed(method)
        request.parts.update(match.groupdict())
        return handlers[method](request)
    raise not_found()


def _oauth(org: Org, call: Call) -> Answer:
    resource = call.path.removeprefix("/services/oauth2/")
    authorization = call.headers.get("authorization")
    if resource == "token" and call.method == "POST":
        token_request = TokenRequest.parse(call.body, authorization)
        return json_answer(org.sessions.grant(token_request, call.address))
    if resource == "revoke" and call.method == "POST":
        org.sessions.revoke(TokenRequest.parse(call.body, None).form.get("token", ""))
        return Answer(200)
    if resource == "userinfo":
        return json_answer(user_info(org, org.sessions.session_of(authorization), call.address))
    raise not_found()
