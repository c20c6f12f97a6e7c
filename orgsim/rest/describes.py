"""Objects described, to whoever does not know them yet: ETag and Last-Modified answer a repeated question with 304.

Hiding a field and changing a permission move Last-Modified, and the ETag is of the very text (inferred: an org
documents the headers, not what moves them). The layouts are those of an org that has none.
"""

import zlib
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime

import msgspec

from orgsim import describe, records
from orgsim.calls import Answer, json_answer
from orgsim.clock import parse_stamp
from orgsim.recent import MOST
from orgsim.request import Request, Route
from orgsim.schema import SObject
from orgsim.store import on

_LAYOUTS: dict[str, object] = {"layouts": [], "recordTypeMappings": [], "recordTypeSelectorRequired": [False]}
_COMPACT: dict[str, object] = {
    "compactLayouts": [],
    "defaultCompactLayoutId": None,
    "recordTypeCompactLayoutMappings": [],
}
_APPROVAL: dict[str, object] = {"approvalLayouts": []}


def unless_known(request: Request, value: object) -> Answer:
    """The answer with its validators, or 304 without a body when the client has it already."""
    body = msgspec.json.encode(value)
    modified = parse_stamp(request.org.schema_changed())
    headers = {
        "ETag": f'"{zlib.crc32(body):08x}"',
        "Last-Modified": format_datetime(modified, usegmt=True),
    }
    if _is_known(request, headers["ETag"], modified):
        return Answer(304, headers=headers)
    return json_answer(msgspec.Raw(body), headers=headers)


def _is_known(request: Request, tag: str, modified: datetime) -> bool:
    asked = request.call.headers
    tags = [part.strip().removeprefix("W/") for part in asked.get("if-none-match", "").split(",")]
    if any(tags):
        return "*" in tags or any(known.replace("--gzip", "") == tag for known in tags)
    try:
        since = parsedate_to_datetime(asked["if-modified-since"])
    except (KeyError, ValueError):
        return False
    return since.tzinfo is not None and modified <= since


def _global(request: Request) -> Answer:
    return unless_known(request, describe.global_json(request.viewer.schema, request.base))


def basic(request: Request) -> Answer:
    sobject = request.sobject()
    summary = describe.summary_json(sobject, request.base)
    return unless_known(request, {"objectDescribe": summary, "recentItems": _recent_items(request, sobject)})


def _describe(request: Request) -> Answer:
    schema, address = request.viewer.schema, request.call.address
    return unless_known(request, describe.sobject_json(request.sobject(), schema, request.base, address))


def _layouts(request: Request) -> Answer:
    request.sobject()
    return json_answer(_LAYOUTS)


def _compact_layouts(request: Request) -> Answer:
    request.sobject()
    return json_answer(_COMPACT)


def _approval_layouts(request: Request) -> Answer:
    request.sobject()
    return json_answer(_APPROVAL)


def _recent_items(request: Request, only: SObject | None = None) -> list[records.Json]:
    """The named records that the user had to do with last and still sees; keys as recorded."""
    viewer, ids = request.viewer, request.org.recent.of(request.viewer.user_id)
    targets: dict[str, list[records.Target]] = {}
    for record_id in ids:
        sobject = viewer.schema.of_id(record_id)
        if sobject and sobject.field("Name") and (only is None or sobject.name == only.name):
            targets.setdefault(sobject.name, []).append(records.Target(sobject, record_id))
    found = {
        item["Id"]: item
        for group in targets.values()
        for item in records.retrieve(request.org, viewer, group, ["Name"], base=request.base)
        if item
    }
    return [found[record_id] for record_id in ids if record_id in found]


def _recent(request: Request) -> Answer:
    limit = request.call.query.get("limit", "")
    return json_answer(_recent_items(request)[: int(limit) if limit.isdecimal() else MOST])


def _record_count(request: Request) -> Answer:
    """The living records of each object named, of all without `sObjects`; a name that is none is left out."""
    named = [name.strip() for name in request.call.query.get("sObjects", "").split(",") if name.strip()]
    schema, connection = request.viewer.schema, request.org.store.reader()
    wanted = [schema.sobject(name) for name in named] if named else list(schema.sobjects)
    counts = []
    for sobject in wanted:
        if sobject is not None:
            alive = " WHERE IsDeleted = 0" if sobject.soft_deletes else ""
            sql = on(sobject.name, "SELECT count(*) FROM {table}{alive}", alive=alive)
            counts.append({"count": connection.execute(sql).fetchone()[0], "name": sobject.name})
    return json_answer({"sObjects": counts})


ROUTES: tuple[Route, ...] = (
    ("/limits/recordCount", {"GET": _record_count}),
    ("/sobjects", {"GET": _global}),
    ("/sobjects/(?P<sobject>[^/]+)/describe", {"GET": _describe}),
    ("/sobjects/(?P<sobject>[^/]+)/describe/layouts(?:/[^/]+)?", {"GET": _layouts}),
    ("/sobjects/(?P<sobject>[^/]+)/describe/compactLayouts", {"GET": _compact_layouts}),
    ("/sobjects/(?P<sobject>[^/]+)/describe/approvalLayouts(?:/[^/]+)?", {"GET": _approval_layouts}),
    ("/recent", {"GET": _recent}),
)
