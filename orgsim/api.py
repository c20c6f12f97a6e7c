"""Which path is answered by what, for whom, and what each call costs of the day's allowance."""

import logging
import re
from collections.abc import Callable

from orgsim import headers
from orgsim.bulk import first as bulk_one
from orgsim.bulk import resources as bulk
from orgsim.calls import Answer, Call, json_answer
from orgsim.errors import ApiError, OAuthError, method_not_allowed, not_found
from orgsim.org import Org
from orgsim.reports import resources as reports
from orgsim.request import Request, Route
from orgsim.rest import collections, composite, list_views, queries, search, sobjects, tree
from orgsim.signin.endpoints import OUTSIDE as SIGN_IN
from orgsim.signin.hosts import org_address
from orgsim.versions import resources_json, supported_base, versions_json
from orgsim.xml_answers import as_xml, wanted

_log = logging.getLogger(__name__)
# On every recorded answer: without it, caches would keep what has a Last-Modified for as long as they see fit.
_CACHING = {"Cache-Control": "no-cache,must-revalidate,max-age=0,no-store,private"}


def _limits(request: Request) -> Answer:
    limits = request.org.usage.answer()
    if float(request.version[1:]) < 49:
        # Its name until then; clients of that time look for it.
        limits["DailyBulkApiRequests"] = limits.pop("DailyBulkApiBatches")
    return json_answer(limits)


def _resources(request: Request) -> Answer:
    identity = (
        f"{org_address(request.call.address)}/id/{request.org.store.meta('org_id')}/{request.viewer.user_id}"
    )
    return json_answer(resources_json(request.base, identity))


# The first pattern that fits answers: what names a resource of an object stands before what names its records.
_ROUTES: tuple[Route, ...] = (
    ("", {"GET": _resources}),
    ("/limits", {"GET": _limits}),
    *queries.ROUTES,
    *search.ROUTES,
    *list_views.ROUTES,
    *bulk.ROUTES,
    *composite.ROUTES,
    *collections.ROUTES,
    *tree.ROUTES,
    *reports.ROUTES,
    *sobjects.ROUTES,
)
_PATTERNS = tuple((re.compile(pattern), handlers) for pattern, handlers in _ROUTES)

# Paths outside the versioned API, by how they begin.
_OUTSIDE: tuple[tuple[str, Callable[[Org, Call], Answer]], ...] = (
    *SIGN_IN,
    (bulk_one.PATH, bulk_one.refused),
)


def answer(org: Org, call: Call) -> Answer:
    """The answer to any path outside the admin's; refusals included."""
    given = _in_json(org, call)
    return as_xml(given) if call.path.startswith("/services/data") and wanted(call) else given


def _in_json(org: Org, call: Call) -> Answer:
    for start, handler in _OUTSIDE:
        if call.path.startswith(start):
            return _safely(handler, org, call)
    if call.path == "/services/data":
        return json_answer(versions_json())
    result = _safely(_served, org, call)
    more = dict(_CACHING)
    if result.status != 204 or org.switches.is_on("limit_info_on_204"):
        more["Sforce-Limit-Info"] = org.usage.header()
    return Answer(result.status, result.body, result.headers | more)


def _safely(handler: Callable[[Org, Call], Answer], org: Org, call: Call) -> Answer:
    """What the handler answers, or its refusal in the shape that belongs to it."""
    try:
        return handler(org, headers.unpacked(call))
    except ApiError as error:
        return json_answer(error.body(), error.status, error.headers)
    except OAuthError as error:
        return json_answer({"error": error.error, "error_description": error.description}, 400)
    except Exception:
        _log.exception("%s %s failed", call.method, call.path)
        return json_answer(ApiError(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred.").body(), 500)


def _served(org: Org, call: Call) -> Answer:
    """A versioned resource; what is refused before its user is known costs nothing of the allowance."""
    base, rest = supported_base(call.path, old_versions=org.switches.is_on("old_versions"))
    viewer = org.viewer(org.sessions.session_of(call.headers.get("authorization")))
    org.usage.count()
    call = headers.undisguised(call)
    headers.check_media_type(call)
    return _routed(Request(org, call, viewer, base, rest, _routed, {}))


def _routed(request: Request) -> Answer:
    method = "GET" if request.call.method == "HEAD" else request.call.method
    for pattern, handlers in _PATTERNS:
        match = pattern.fullmatch(request.rest)
        if match is None:
            continue
        if method not in handlers:
            allowed = ",".join(["HEAD", *handlers] if "GET" in handlers else handlers)
            raise method_not_allowed(method, allowed)
        request.parts.update(match.groupdict())
        return handlers[method](request)
    raise not_found()
