"""Objects described, and what hangs on them: their changes, and their records one by one."""

from orgsim import describe
from orgsim.calls import Answer, json_answer
from orgsim.request import Request, Route
from orgsim.rest import replication, rows


def _global(request: Request) -> Answer:
    return json_answer(describe.global_json(request.viewer.schema, request.base))


def _basic(request: Request) -> Answer:
    summary = describe.summary_json(request.sobject(), request.base)
    return json_answer({"objectDescribe": summary, "recentItems": []})


def _describe(request: Request) -> Answer:
    schema, address = request.viewer.schema, request.call.address
    return json_answer(describe.sobject_json(request.sobject(), schema, request.base, address))


ROUTES: tuple[Route, ...] = (
    ("/sobjects", {"GET": _global}),
    ("/sobjects/(?P<sobject>[^/]+)", {"GET": _basic, "POST": rows.create}),
    ("/sobjects/(?P<sobject>[^/]+)/describe", {"GET": _describe}),
    *replication.ROUTES,
    *rows.ROUTES,
)
