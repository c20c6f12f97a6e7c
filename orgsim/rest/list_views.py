"""List views of an object."""

from orgsim import listviews
from orgsim.calls import Answer, json_answer
from orgsim.errors import not_found
from orgsim.request import Request, Route
from orgsim.schema import SObject
from orgsim.viewdef import ListView


def _listed(request: Request) -> SObject:
    sobject = request.sobject()
    if not sobject.listviewable:
        raise not_found()
    return sobject


def _list_views(request: Request) -> Answer:
    offset = request.call.query.get("offset", "0")
    start = int(offset) if offset.isdecimal() and len(offset) < 10 else 0
    sobject = _listed(request)
    return json_answer(listviews.list_json(request.org, sobject, request.viewer, request.base, start))


def _recent(request: Request) -> Answer:
    return json_answer(listviews.recent_json(request.org, _listed(request), request.viewer, request.base))


def _view(request: Request) -> ListView:
    return listviews.find_view(request.org, _listed(request), request.viewer, request.parts["view"])


def _list_view(request: Request) -> Answer:
    return json_answer(listviews.view_json(_view(request), request.base))


def _list_view_describe(request: Request) -> Answer:
    return json_answer(listviews.describe_json(request.org, _view(request), request.viewer))


def _list_view_results(request: Request) -> Answer:
    params = dict(request.call.query)
    return json_answer(listviews.results_json(request.org, _view(request), request.viewer, params))


ROUTES: tuple[Route, ...] = (
    ("/sobjects/(?P<sobject>[^/]+)/listviews", {"GET": _list_views}),
    ("/sobjects/(?P<sobject>[^/]+)/listviews/recent", {"GET": _recent}),
    ("/sobjects/(?P<sobject>[^/]+)/listviews/(?P<view>[^/]+)", {"GET": _list_view}),
    ("/sobjects/(?P<sobject>[^/]+)/listviews/(?P<view>[^/]+)/describe", {"GET": _list_view_describe}),
    ("/sobjects/(?P<sobject>[^/]+)/listviews/(?P<view>[^/]+)/results", {"GET": _list_view_results}),
)
