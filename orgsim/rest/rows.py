"""Single records over REST: by id or external id, with conditional headers and upserts."""

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

from orgsim import records
from orgsim.calls import Answer, json_answer
from orgsim.errors import ApiError, not_found
from orgsim.ids import normalise
from orgsim.records import Target
from orgsim.records.checks import in_path, without_id
from orgsim.records.reading import modified, validators
from orgsim.request import Handler, Request, Route

# The first version whose upsert answers an update with a body and `created`.
_UPSERT_SAYS_MORE = 46


def _manner(request: Request) -> records.Manner:
    return records.Manner.of(request.call.headers, request.base)


def _moment(text: str | None) -> datetime | None:
    """An HTTP date; one that is not readable is no condition, as for any server."""
    try:
        return parsedate_to_datetime(text) if text else None
    except ValueError:
        return None


def _condition(request: Request, record: Target, *, reading: bool) -> Answer | None:
    """304 or 412 when the conditional headers say so; ETags are known of accounts only, as documented. The 412 has no
    body (inferred)."""
    moment = modified(request.org, record)
    if moment is None:
        return None
    headers, asked = validators(record, moment), request.call.headers
    if _is_other(asked, headers.get("ETag"), moment):
        return Answer(412, headers=headers)
    if _is_same(asked, headers.get("ETag"), moment):
        return Answer(304 if reading else 412, headers=headers)
    return None


def _is_other(asked: Mapping[str, str], tag: str | None, moment: datetime) -> bool:
    """Whether a record is not, or no longer, the one that If-Match and If-Unmodified-Since ask for."""
    wanted, until = _tags(asked.get("if-match")), _moment(asked.get("if-unmodified-since"))
    other = tag is not None and bool(wanted) and not wanted & {"*", tag}
    return other or (until is not None and moment > until)


def _is_same(asked: Mapping[str, str], tag: str | None, moment: datetime) -> bool:
    """Whether a record still is what If-None-Match and If-Modified-Since say the client has."""
    had, since = _tags(asked.get("if-none-match")), _moment(asked.get("if-modified-since"))
    same = tag is not None and bool(had & {"*", tag})
    return same or (since is not None and moment <= since)


def _tags(header: str | None) -> frozenset[str]:
    """The entity tags of a header; a weak one and one that was marked as gzipped name the same state."""
    tags = (part.strip().removeprefix("W/").replace("--gzip", "") for part in (header or "").split(","))
    return frozenset(tag for tag in tags if tag)


def _read(request: Request, record: Target) -> Answer:
    fields = request.call.query.get("fields")
    names = [name.strip() for name in fields.split(",")] if fields else None
    body = records.read(request.org, record, request.base, names)
    request.org.recent.note(request.viewer.user_id, record.id)
    answer = _condition(request, record, reading=True)
    headers = validators(record, modified(request.org, record))
    return answer or json_answer(body, headers=headers)


def _write(request: Request, record: Target) -> Answer:
    answer = _condition(request, record, reading=False)
    if answer is None:
        values = without_id(request.call.json_object())
        records.update(request.org, record, values, request.viewer, _manner(request))
    return answer or Answer(204)


def _remove(request: Request, record: Target) -> Answer:
    answer = _condition(request, record, reading=False)
    if answer is None:
        records.delete(request.org, record, request.viewer, _manner(request))
    return answer or Answer(204)


def _get(request: Request) -> Answer:
    return _read(request, request.record())


def _update(request: Request) -> Answer:
    return _write(request, request.record())


def _delete(request: Request) -> Answer:
    return _remove(request, request.record())


def _made(request: Request, record_id: str, **more: bool) -> Answer:
    location = f"{request.base}/sobjects/{request.sobject().name}/{record_id}"
    body = {"id": record_id, "success": True, "errors": [], **more}
    return json_answer(body, 201, {"Location": location})


def create(request: Request) -> Answer:
    """POST to /sobjects/X."""
    values = request.call.json_object()
    return _made(
        request, records.create(request.org, request.sobject(), values, request.viewer, _manner(request))
    )


def _matches(request: Request) -> list[Target]:
    """The records of the external id in the path that the user can see."""
    sobject = request.sobject()
    field = records.external_field(sobject, request.parts["field"])
    found = []
    for record in records.matching(request.org, sobject, field, request.parts["value"]):
        try:
            records.check_visible(request.org, record, request.viewer)
        except ApiError:
            continue
        found.append(record)
    return found


def _only(request: Request, found: list[Target]) -> Target:
    if not found:
        raise not_found()
    return found[0]


def _choices(request: Request, found: list[Target]) -> Answer | None:
    """300 with the addresses when an external id is not unique."""
    if len(found) < 2:
        return None
    return json_answer([f"{request.base}/sobjects/{r.sobject.name}/{r.id}" for r in found], 300)


def _get_by_external_id(request: Request) -> Answer:
    if normalise(request.parts["field"]) is not None:
        return _related(request)
    found = _matches(request)
    return _choices(request, found) or _read(request, _only(request, found))


def _delete_by_external_id(request: Request) -> Answer:
    found = _matches(request)
    return _choices(request, found) or _remove(request, _only(request, found))


def _related(request: Request) -> Answer:
    """The parent behind a relationship name: /sobjects/Contact/003.../Account."""
    record = records.target(request.sobject(), request.parts["field"])
    records.check_visible(request.org, record, request.viewer)
    reference = record.sobject.relationship(request.parts["value"])
    if reference is None:
        raise not_found()
    parent_id = records.read(request.org, record, request.base, [reference.name])[reference.name]
    parent = request.viewer.schema.of_id(str(parent_id)) if parent_id else None
    if parent is None:
        raise not_found()
    return _read(request, records.target(parent, str(parent_id)))


def _upsert(request: Request) -> Answer:
    sobject = request.sobject()
    field = records.external_field(sobject, request.parts["field"])
    values = without_id(request.call.json_object())
    if any(name.lower() == field.name.lower() for name in values):
        raise in_path(field.name)
    found = _matches(request)
    choices = _choices(request, found)
    if choices is not None:
        return choices
    if found:
        answer = _write(request, found[0])
        return answer if answer.status != 204 else _updated(request, found[0])
    if request.call.query.get("updateOnly", "").lower() == "true" or field.name == "Id":
        raise not_found()
    whole = {**values, field.name: request.parts["value"]}
    record_id = records.create(request.org, sobject, whole, request.viewer, _manner(request))
    return _made(request, record_id, created=True)


def _updated(request: Request, record: Target) -> Answer:
    if int(request.version[1:].partition(".")[0]) < _UPSERT_SAYS_MORE:
        return Answer(204)
    return json_answer({"id": record.id, "success": True, "errors": [], "created": False})


def _create_by_id(request: Request) -> Answer:
    """POST to /sobjects/X/Id makes a record, as documented."""
    values = request.call.json_object()
    record_id = records.create(request.org, request.sobject(), values, request.viewer, _manner(request))
    return _made(request, record_id, created=True)


_ONE: dict[str, Handler] = {"GET": _get, "PATCH": _update, "DELETE": _delete}
_BY_EXTERNAL_ID: dict[str, Handler] = {
    "GET": _get_by_external_id,
    "PATCH": _upsert,
    "DELETE": _delete_by_external_id,
}

ROUTES: tuple[Route, ...] = (
    ("/sobjects/(?P<sobject>[^/]+)/(?P<id>[Ii][Dd])", {"GET": _get, "POST": _create_by_id}),
    ("/sobjects/(?P<sobject>[^/]+)/(?P<id>[^/]+)", _ONE),
    ("/sobjects/(?P<sobject>[^/]+)/(?P<field>[^/]+)/(?P<value>.+)", _BY_EXTERNAL_ID),
)
