"""The paths of the Analytics API that have to do with reports."""

from datetime import datetime

from orgsim.calls import Answer, json_answer
from orgsim.ids import normalise
from orgsim.org import Org
from orgsim.reports import shelf, wanted
from orgsim.reports.definition import Json, Report
from orgsim.reports.errors import (
    bad,
    no_excel,
    no_metadata,
    run_failed,
    too_many_at_once,
    too_many_runs,
    unavailable,
)
from orgsim.reports.instances import ERROR, NEW, SUCCESS, Instance
from orgsim.reports.operators import operator_map
from orgsim.reports.running import Prepared, Running
from orgsim.reports.saving import changed, cloned, made
from orgsim.request import Request, Route

_SYNC, _ASYNC = "HourlySyncReportRuns", "HourlyAsyncReportRuns"
_AT_ONCE, _READS_AT_ONCE = "ConcurrentSyncReportRuns", "ConcurrentAsyncGetReportInstances"
MOST_LISTED = 200


def _running(request: Request) -> Running:
    return Running(request.org, request.viewer, request.base)


def _posted(request: Request) -> Json | None:
    """The posted reportMetadata, None when there is no body."""
    if not request.call.body.strip():
        return None
    return wanted.posted_metadata(request.call.json_object())


def _details(request: Request, posted: Json | None = None) -> bool:
    """Only where the address says nothing the posted hasDetailRows does, which reportforce relies on (inferred)."""
    named = {name.lower(): value for name, value in request.call.query.items()}
    if "includedetails" in named:
        return named["includedetails"].lower() == "true"
    return posted is not None and posted.get("hasDetailRows") is True


def _specific(org: Org) -> bool:
    return org.switches["report_limit_error"] == "specific"


def _list(request: Request) -> Answer:
    reports = []
    for report in list(_running(request).recently_viewed())[:MOST_LISTED]:
        url = f"{request.base}/analytics/reports/{report.id}"
        links = {"url": url, "describeUrl": f"{url}/describe", "instancesUrl": f"{url}/instances"}
        reports.append({"name": report.name, "id": report.id, **links})
    return json_answer(reports)


def _operators(request: Request) -> Answer:
    return json_answer(operator_map())


def _describe(request: Request) -> Answer:
    running = _running(request)
    return json_answer(running.describe(running.report(request.parts["id"])))


def _run(request: Request) -> Answer:
    if "spreadsheetml" in request.call.headers.get("accept", ""):
        raise no_excel()
    running = _running(request)
    report = running.report(request.parts["id"])
    posted = _posted(request) if request.call.method == "POST" else None
    return _synchronously(request, running.prepared(report, posted), details=_details(request, posted))


def _run_unsaved(request: Request) -> Answer:
    running = _running(request)
    running.check_permission()
    posted = _posted(request)
    if posted is None:
        raise no_metadata()
    return _synchronously(request, running.prepared(None, posted), details=_details(request, posted))


def _synchronously(request: Request, prepared: Prepared, *, details: bool) -> Answer:
    """A run within the allowances: so many an hour, so many at once, two minutes each."""
    org = request.org
    if not org.usage.take(_AT_ONCE):
        raise too_many_at_once(org.usage.most(_AT_ONCE), "run reports synchronously", specific=_specific(org))
    try:
        if not org.usage.take(_SYNC):
            raise too_many_runs(org.usage.most(_SYNC), "synchronously", specific=_specific(org))
        if org.reports.takes_too_long():
            raise run_failed()
        return json_answer(_running(request).result(prepared, details=details))
    finally:
        org.usage.give_back(_AT_ONCE)


def _instance_json(instance: Instance, request: Request, now: datetime) -> Json:
    status = instance.status(now)
    done = status in (SUCCESS, ERROR)
    return {
        "completionDate": _moment(instance.ends) if done else None,
        "hasDetailRows": instance.details,
        "id": instance.id,
        "ownerId": instance.owner_id,
        "queryable": False,
        "requestDate": _moment(instance.requested),
        "status": status,
        "url": f"{request.base}/analytics/reports/{instance.report_id}/instances/{instance.id}",
    }


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _start(request: Request) -> Answer:
    running, org = _running(request), request.org
    report = running.report(request.parts["id"])
    posted = _posted(request)
    prepared = running.prepared(report, posted)
    if not org.usage.take(_ASYNC):
        raise too_many_runs(org.usage.most(_ASYNC), "asynchronously", specific=_specific(org))
    details = _details(request, posted)
    now = org.clock.now()
    instance = org.reports.add(
        report_id=report.id,
        owner_id=request.viewer.user_id,
        now=now,
        details=details,
        execute=lambda: running.result(prepared, details=details),
    )
    # A run has always just begun when its handle is given out.
    started: Json = {"completionDate": None, "status": NEW}
    return json_answer(_instance_json(instance, request, now) | started)


def _instances(request: Request) -> Answer:
    report = _running(request).report(request.parts["id"])
    now = request.org.clock.now()
    return json_answer([_instance_json(i, request, now) for i in request.org.reports.of(report.id, now)])


def _instance(request: Request) -> tuple[Running, Report, Instance]:
    running = _running(request)
    report = running.report(request.parts["id"])
    found = request.org.reports.find(report.id, request.parts["instance"], request.org.clock.now())
    if found is None:
        raise unavailable()
    return running, report, found


def _read_instance(request: Request) -> Answer:
    """The body of a finished run; of one under way only its attributes and the metadata."""
    org = request.org
    if not org.usage.take(_READS_AT_ONCE):
        most = org.usage.most(_READS_AT_ONCE)
        raise too_many_at_once(most, "get results of reports run asynchronously", specific=_specific(org))
    try:
        running, report, instance = _instance(request)
        now = org.clock.now()
        attributes = {
            **{
                k: v
                for k, v in _instance_json(instance, request, now).items()
                if k not in ("hasDetailRows", "url")
            },
            "reportId": report.id,
            "reportName": report.name,
            "type": "ReportInstance",
        }
        if instance.status(now) == SUCCESS:
            return json_answer(instance.result() | {"attributes": attributes})
        own = running.describe(report)
        return json_answer(
            {
                "allData": True,
                "attributes": attributes,
                "factMap": None,
                "groupingsAcross": None,
                "groupingsDown": None,
                "hasDetailRows": instance.details,
                "reportExtendedMetadata": own["reportExtendedMetadata"],
                "reportMetadata": own["reportMetadata"],
            }
        )
    finally:
        org.usage.give_back(_READS_AT_ONCE)


def _drop_instance(request: Request) -> Answer:
    _, _, instance = _instance(request)
    request.org.reports.drop(instance)
    return Answer(204)


def _create(request: Request) -> Answer:
    """A new report, or with `cloneId` a copy of one."""
    running, posted = _running(request), _posted(request)
    running.check_permission()
    named = {name.lower(): value for name, value in request.call.query.items()}
    if "cloneid" in named:
        if normalise(named["cloneid"]) is None:
            raise bad("The clone request must contain a valid cloneId parameter.")
        return json_answer(running.describe(cloned(running, running.report(named["cloneid"]), posted)))
    return json_answer(running.describe(made(running, posted)))


def _change(request: Request) -> Answer:
    running = _running(request)
    report = running.report(request.parts["id"])
    return json_answer(running.describe(changed(running, report, _posted(request))))


def _delete(request: Request) -> Answer:
    report = _running(request).report(request.parts["id"])
    shelf.delete(request.org.store, report.id, request.org.clock.stamp())
    return Answer(204)


def _folders(request: Request) -> Answer:
    """The folders of reports that the user sees; any other `filter[]=type:` has none here."""
    wanted_types = {
        v.rpartition(":")[2].lower() for k, v in request.call.query.items() if k.startswith("filter")
    }
    listed = (
        []
        if wanted_types - {"report"}
        else shelf.folders(request.org.store, hidden=not request.viewer.is_api_user)
    )
    entries = [
        {
            "childrenUrl": f"{request.base}/folders/{folder.id}/children",
            "id": folder.id,
            "label": folder.name,
            "name": folder.developer_name,
            "type": "report",
            "url": f"{request.base}/folders/{folder.id}",
        }
        for folder in listed
    ]
    return json_answer(
        {
            "folders": entries,
            "nextPageUrl": None,
            "previousPageUrl": None,
            "totalSize": len(entries),
            "url": f"{request.base}/folders",
        }
    )


_REPORTS = "/analytics/reports"
_ONE = f"{_REPORTS}/(?P<id>[^/]+)"
ROUTES: tuple[Route, ...] = (
    (_REPORTS, {"GET": _list, "POST": _create}),
    ("/analytics/filteroperators", {"GET": _operators}),
    (f"{_REPORTS}/query", {"POST": _run_unsaved}),
    (_ONE, {"GET": _run, "POST": _run, "PATCH": _change, "DELETE": _delete}),
    (f"{_ONE}/describe", {"GET": _describe}),
    (f"{_ONE}/instances", {"GET": _instances, "POST": _start}),
    (f"{_ONE}/instances/(?P<instance>[^/]+)", {"GET": _read_instance, "DELETE": _drop_instance}),
    ("/folders", {"GET": _folders}),
)
