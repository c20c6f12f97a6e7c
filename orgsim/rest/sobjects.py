"""Objects described, and their records one by one."""

from orgsim import describe, records
from orgsim.calls import Answer, json_answer
from orgsim.request import Request, Route


def _global(request: Request) -> Answer:
    return json_answer(describe.global_json(request.viewer.schema, request.base))


def _basic(request: Request) -> Answer:
    summary = describe.summary_json(request.sobject(), request.base)
    return json_answer({"objectDescribe": summary, "recentItems": []})


def _describe(request: Request) -> Answer:
    schema, address = request.viewer.schema, request.call.address
    return json_answer(describe.sobject_json(request.sobject(), schema, request.base, address))


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


ROUTES: tuple[Route, ...] = (
    ("/sobjects", {"GET": _global}),
    ("/sobjects/(?P<sobject>[^/]+)", {"GET": _basic, "POST": _create}),
    ("/sobjects/(?P<sobject>[^/]+)/describe", {"GET": _describe}),
    ("/sobjects/(?P<sobject>[^/]+)/(?P<id>[^/]+)", {"GET": _record, "PATCH": _update, "DELETE": _delete}),
)
