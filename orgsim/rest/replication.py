"""What was deleted and what was created or changed in a span of time: /sobjects/X/deleted and /updated.

Seconds are ignored; a span is at least a minute long and begins at most 15 (deleted) or 30 (updated) days ago. The
delete log may be purged earlier. Texts of INVALID_REPLICATION_DATE beyond the recorded one are inferred.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from orgsim.calls import Answer, json_answer
from orgsim.clock import parse_stamp, stamp
from orgsim.errors import ApiError
from orgsim.org import Org
from orgsim.request import Request, Route
from orgsim.schema import SObject
from orgsim.store import on

_DELETED_DAYS, _UPDATED_DAYS = 15, 30
_NO_COLON = re.compile(r"([+-]\d{2})(\d{2})$")


@dataclass(frozen=True, slots=True)
class Span:
    start: datetime
    end: datetime

    @property
    def stamps(self) -> tuple[str, str]:
        return stamp(self.start), stamp(self.end)


def _refused(message: str) -> ApiError:
    return ApiError(400, "INVALID_REPLICATION_DATE", message)


def _moment(text: str | None, name: str) -> datetime:
    """An ISO moment to the minute; a `+` of the offset that came unencoded is a space by now."""
    if not text:
        raise ApiError(400, "MISSING_ARGUMENT", f"Missing required parameter: {name}")
    whole = _NO_COLON.sub(r"\1:\2", text.strip().replace(" ", "+"))
    try:
        moment = datetime.fromisoformat(whole)
    except ValueError:
        raise ApiError(400, "INVALID_FIELD", f"{name} is not a valid date: {text}") from None
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return zoned.astimezone(UTC).replace(second=0, microsecond=0)


def span_of(start: str | None, end: str | None, *, now: datetime, days: int) -> Span:
    """The span that two query parameters name; raises ApiError."""
    span = Span(_moment(start, "start"), _moment(end, "end"))
    if span.end - span.start < timedelta(minutes=1):
        raise _refused("endDate must be at least one minute greater than the startDate")
    if span.start < now - timedelta(days=days, minutes=1):
        raise _refused(f"startDate cannot be more than {days} days ago")
    return span


def _span(request: Request, days: int) -> Span:
    query, org = request.call.query, request.org
    span = span_of(query.get("start"), query.get("end"), now=org.clock.now(), days=days)
    (born,) = org.store.reader().execute("SELECT CreatedDate FROM Organization").fetchone()
    if span.start < parse_stamp(born):
        raise _refused("startDate before org replication enabled date")
    return span


def _covered(request: Request, span: Span) -> str:
    """Up to when the answer is whole: not after now, and not after a write that is not visible yet."""
    now = parse_stamp(request.org.write_stamp()).replace(second=0)
    return stamp(min(span.end, now))


def _shared(request: Request, sobject: SObject) -> str:
    return request.viewer.sharing.get(sobject.name, "1").replace("{t}", "t")


def _limited(org: Org, count: int) -> None:
    if count > org.most_replicated_ids:
        raise ApiError(
            400, "EXCEEDED_ID_LIMIT", "exceeded the limit of ids for the timespan: use a shorter one"
        )


def _deleted(request: Request) -> Answer:
    sobject, span = request.sobject(), _span(request, _DELETED_DAYS)
    sql = on(
        sobject.name,
        "SELECT d.record_id, d.at FROM deletion d LEFT JOIN {table} t ON t.Id = d.record_id "
        "WHERE d.sobject = ? AND d.at >= ? AND d.at < ? AND (t.Id IS NULL OR {shared}) ORDER BY d.at LIMIT ?",
        shared=_shared(request, sobject),
    )
    limits = (sobject.name, *span.stamps, request.org.most_replicated_ids + 1)
    rows = request.org.store.reader().execute(sql, limits).fetchall()
    _limited(request.org, len(rows))
    return json_answer(
        {
            "deletedRecords": [{"id": record_id, "deletedDate": at} for record_id, at in rows],
            "earliestDateAvailable": _earliest(request.org),
            "latestDateCovered": _covered(request, span),
        }
    )


def _earliest(org: Org) -> str:
    """How far back the log reaches: to its purge, or as far as any does."""
    oldest = stamp((org.clock.now() - timedelta(days=_DELETED_DAYS)).replace(second=0))
    return max(oldest, org.store.meta("delete_log_since", oldest))


def _updated(request: Request) -> Answer:
    sobject, span = request.sobject(), _span(request, _UPDATED_DAYS)
    sql = on(
        sobject.name,
        "SELECT t.Id FROM {table} t WHERE t.SystemModstamp >= ? AND t.SystemModstamp < ? AND {alive} "
        "AND {shared} ORDER BY t.SystemModstamp, t.Id LIMIT ?",
        alive="t.IsDeleted = 0" if sobject.soft_deletes else "1",
        shared=_shared(request, sobject),
    )
    limits = (*span.stamps, request.org.most_replicated_ids + 1)
    ids = [record_id for (record_id,) in request.org.store.reader().execute(sql, limits)]
    _limited(request.org, len(ids))
    return json_answer({"ids": ids, "latestDateCovered": _covered(request, span)})


ROUTES: tuple[Route, ...] = (
    ("/sobjects/(?P<sobject>[^/]+)/deleted", {"GET": _deleted}),
    ("/sobjects/(?P<sobject>[^/]+)/updated", {"GET": _updated}),
)
