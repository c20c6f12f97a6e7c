"""Which path is answered by what, for whom, and what each call costs of the day's allowance."""

import logging
import re
from collections.abc import Callable

from orgsim.auth import TokenRequest
from orgsim.bulk import first as bulk_one
from orgsim.bulk import resources as bulk
from orgsim.calls import Answer, Call, json_answer
from orgsim.errors import ApiError, OAuthError, method_not_allowed, not_found
from orgsim.org import Org
from orgsim.request import Request, Route
from orgsim.rest import list_views, queries, sobjects
from orgsim.userinfo import user_info
from orgsim.versions import resources_json, supported_base, versions_json

_log = logging.getLogger(__name__)


def _limits(request: Request) -> Answer:
    return json_answer(request.org.usage.answer())


def _resources(request: Request) -> Answer:
    return json_answer(resources_json(request.base))


# The first pattern that fits answers: what names a resource of an object stands before what names its records.
_ROUTES: tuple[Route, ...] = (
    ("", {"GET": _resources}),
    ("/limits", {"GET": _limits}),
    *queries.ROUTES,
    *list_views.ROUTES,
    *bulk.ROUTES,
    *sobjects.ROUTES,
)
_PATTERNS = tuple((re.compile(pattern), handlers) for pattern, handlers in _ROUTES)

# Paths outside the versioned API, by how they begin.
_OUTSIDE: tuple[tuple[str, Callable[[Org, Call], Answer]], ...] = ((bulk_one.PATH, bulk_one.refused),)


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
    for start, handler in _OUTSIDE:
        if call.path.startswith(start):
            return handler(org, call)
    if call.path == "/services/data":
        return json_answer(versions_json())
    base, rest = supported_base(call.path)
    viewer = org.viewer(org.sessions.session_of(call.headers.get("authorization")))
    org.usage.count()
    counted = {"Sforce-Limit-Info": org.usage.header()}
    try:
        result = _routed(Request(org, call, viewer, base, rest, _routed, {}))
    except ApiError as error:
        result = json_answer(error.body(), error.status)
    return Answer(result.status, result.body, result.headers | counted)


def _routed(request: Request) -> Answer:
    method = "GET" if request.call.method == "HEAD" else request.call.method
    for pattern, handlers in _PATTERNS:
        match = pattern.fullmatch(request.rest)
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
