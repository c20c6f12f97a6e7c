"""Bulk API 2.0 query jobs over HTTP: create, list, look at, abort, delete, and the pages of a result.

Recorded: the keys of the create and info answers. Documented: abort, delete, list, result headers and result pages,
409 for another API version than the job's. The words of a refused results call and of the 409 are inferred.
"""

import base64
import binascii

from orgsim.bulk import results
from orgsim.bulk.checks import asked, plan_of
from orgsim.bulk.jobs import COMPLETE, Job
from orgsim.calls import Answer, json_answer
from orgsim.errors import ApiError, not_found
from orgsim.query import invalid_locator
from orgsim.request import Handler, Request, Route

SINCE = 47
PAGES_SINCE = 58
PAGES_AT_ONCE = 5
JOBS_AT_ONCE = 1_000


def _version(request: Request, since: int = SINCE) -> int:
    """The number of the API version called; raises 404 where it did not have the resource yet."""
    number = int(request.version[1:].partition(".")[0])
    if number < since:
        raise not_found()
    return number


def _job(request: Request) -> Job:
    _version(request)
    return request.org.bulk.find(request.parts["job"], request.viewer.user_id)


def _create(request: Request) -> Answer:
    org, viewer, version = request.org, request.viewer, _version(request)
    wanted = asked(request.call)
    plan = plan_of(wanted.soql, viewer.schema, org.context(viewer, all_rows=wanted.all_rows))
    return json_answer(org.bulk.create(wanted, plan, viewer.user_id, version).created())


def _list(request: Request) -> Answer:
    _version(request)
    given = request.call.query
    wanted = (
        given.get("jobType", "V2Query") == "V2Query"
        and given.get("concurrencyMode", "parallel").lower() == "parallel"
        and given.get("isPkChunkingEnabled", "false").lower() != "true"
    )
    jobs = request.org.bulk.of_user(request.viewer.user_id) if wanted else []
    start = _offset(given.get("queryLocator"), len(jobs))
    end = start + JOBS_AT_ONCE
    done = end >= len(jobs)
    return json_answer(
        {
            "done": done,
            "records": [job.listed() for job in jobs[start:end]],
            "nextRecordsUrl": None if done else f"{request.base}/jobs/query?queryLocator={locator_of(end)}",
        }
    )


def _info(request: Request) -> Answer:
    return json_answer(_job(request).info())


def _abort(request: Request) -> Answer:
    job = _job(request)
    if request.call.json_object().get("state") != "Aborted":
        raise ApiError(400, "INVALIDJOBSTATE", "The only change a query job allows is to the state Aborted")
    request.org.bulk.abort(job)
    return json_answer(job.aborted())


def _delete(request: Request) -> Answer:
    request.org.bulk.delete(_job(request))
    return Answer(204)


def _completed(request: Request, since: int = SINCE) -> Job:
    """The finished job of a call for results."""
    version, job = _version(request, since), _job(request)
    if version != job.version:
        message = f"The job was created in API version {job.version}.0: use that version to get its results"
        raise ApiError(409, "API_ERROR", message)
    if job.state != COMPLETE:
        message = f"Error encountered when getting the results because the job is not complete: {job.state}"
        raise ApiError(400, "API_ERROR", message)
    return job


def _results(request: Request) -> Answer:
    job, given = _completed(request), request.call.query
    start = _offset(given.get("locator"), len(job.pks))
    end = min(len(job.pks), start + min(job.page_rows, _most(given.get("maxRecords"))))
    form = job.format(bare=request.org.switches["bulk_csv"] == "bare")
    page = results.csv_page(request.org.store.reader(), job.plan, job.pks[start:end], form)
    headers = {
        "Content-Type": "text/csv",
        "Sforce-Locator": locator_of(end) if end < len(job.pks) else "null",
        "Sforce-NumberOfRecords": str(page.rows),
    }
    return Answer(200, page.body, headers)


def _result_pages(request: Request) -> Answer:
    job = _completed(request, PAGES_SINCE)
    path = f"{request.base}/jobs/query/{job.id}"
    start = _offset(request.call.query.get("locator"), len(job.pks))
    end = start + PAGES_AT_ONCE * job.page_rows
    offsets = range(start, max(min(end, len(job.pks)), start + 1), job.page_rows)
    done = end >= len(job.pks)
    return json_answer(
        {
            "resultPages": [{"resultUrl": f"{path}/results?locator={locator_of(o)}"} for o in offsets],
            "nextRecordsUrl": None if done else f"{path}/resultpages?locator={locator_of(end)}",
            "done": done,
        }
    )


def _no_ingest(request: Request) -> Answer:
    raise ApiError(400, "FEATURENOTENABLED", "Bulk API 2.0 ingest jobs are not enabled for this organization")


def locator_of(offset: int) -> str:
    """`MTAwMDA` for 10000: the recorded form, opaque to clients."""
    return base64.urlsafe_b64encode(str(offset).encode()).decode().rstrip("=")


def _offset(locator: str | None, total: int) -> int:
    if not locator:
        return 0
    try:
        text = base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    if not (text.isdigit() and len(text) < 10) or (int(text) >= total and int(text) > 0):
        raise invalid_locator()
    return int(text)


def _most(given: str | None) -> int:
    if given is None:
        return results.LARGEST_PAGE
    if not (given.isascii() and given.isdigit() and len(given) < 10) or int(given) < 1:
        raise ApiError(400, "API_ERROR", f"maxRecords has to be a positive number, not {given}")
    return int(given)


_ONE = "/jobs/query/(?P<job>[^/]+)"
_REFUSED: dict[str, Handler] = dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"), _no_ingest)
ROUTES: tuple[Route, ...] = (
    ("/jobs/query", {"GET": _list, "POST": _create}),
    (_ONE, {"GET": _info, "PATCH": _abort, "DELETE": _delete}),
    (f"{_ONE}/results", {"GET": _results}),
    (f"{_ONE}/result[pP]ages", {"GET": _result_pages}),
    ("/jobs/ingest(?:/.*)?", _REFUSED),
)
