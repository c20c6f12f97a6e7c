"""Up to 200 records in one call: /composite/sobjects, with a result for each record in the order asked for.

A record that is refused fails alone, and so does one that can't be read, for an unknown field, a missing type or a value
of another kind (recorded). Only a body without records fails whole. Inferred: the texts for too many records or chunks.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from orgsim import records
from orgsim.automation.rules import BatchLimit
from orgsim.calls import Answer, json_answer
from orgsim.errors import ApiError
from orgsim.ids import normalise
from orgsim.records import Json, Target
from orgsim.request import Request, Route
from orgsim.schema import SObject

MOST_RECORDS, MOST_CHUNKS, MOST_RETRIEVED = 200, 10, 2_000


@dataclass(frozen=True, slots=True)
class Item:
    """One record of a collection: its object, what the client sent of it, its id if it needs one, and why it can't be
    read, if so."""

    sobject: SObject
    values: Json
    id: str | None = None
    unreadable: ApiError | None = None


Result = dict[str, object]
Work = Callable[[Item], Result]


class _RolledBackError(Exception):
    pass


def error_json(error: ApiError) -> list[Json]:
    """The errors of one record: `statusCode` here, not `errorCode`, as recorded."""
    return [
        {"statusCode": one.error_code, "message": one.message, "fields": list(one.fields or ())}
        for one in (error, *error.more)
    ]


def _manner(request: Request) -> records.Manner:
    return records.Manner.of(request.call.headers, request.base)


def _check_size(items: Sequence[Item]) -> None:
    if len(items) > MOST_RECORDS:
        message = f"record limit reached. cannot submit more than {MOST_RECORDS} records into this call"
        raise ApiError(400, "LIMIT_EXCEEDED", message)
    if len(list(groupby(items, lambda item: item.sobject.name))) > MOST_CHUNKS:
        message = (
            f"Cannot have more than {MOST_CHUNKS} chunks in a single operation. Please rearrange the data to reduce "
            "chunking."
        )
        raise ApiError(400, "LIMIT_EXCEEDED", message)


def _records(body: Json) -> list[Json]:
    given = body.get("records", [])
    if given == []:
        raise ApiError(400, "REQUIRED_FIELD_MISSING", "At least 1 record is required")
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise ApiError(400, "JSON_PARSER_ERROR", "The request body has to have an array of records")
    return given


def _item(request: Request, values: Json, record_id: str | None = None) -> Item:
    attributes = values.get("attributes")
    name = attributes.get("type") if isinstance(attributes, dict) else None
    found = request.viewer.schema.sobject(name) if isinstance(name, str) else None
    if found is not None:
        return Item(found, values, record_id)
    if isinstance(name, str):
        error = ApiError(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
    else:
        message = (
            "Nested object for polymorphic foreign key must have an attributes field before any other fields."
        )
        error = ApiError(400, "JSON_PARSER_ERROR", message)
    return Item(_nothing(), values, record_id, error)


def _split(values: Json) -> tuple[Json, str | None]:
    """The values without the id, which may be written Id or id, and the id."""
    rest = {name: value for name, value in values.items() if name.lower() != "id"}
    given = next((value for name, value in values.items() if name.lower() == "id"), None)
    return rest, given if isinstance(given, str) and given else None


def run(request: Request, items: Sequence[Item], work: Work, *, all_or_none: bool) -> list[Result]:
    """Do the work for each item in one transaction, each alone undone when it is refused."""
    _check_size(items)
    too_many = _too_many(request, items)
    results: list[Result] = []
    try:
        with request.org.store.writing():
            results = [_one(request, item, work, too_many.get(item.sobject.name)) for item in items]
            if all_or_none and not all(result["success"] for result in results):
                raise _RolledBackError
    except _RolledBackError:
        rolled_back = ApiError(
            400,
            "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            "Record rolled back because not all records were valid and the request was using AllOrNone header",
        )
        results = [_failed(rolled_back, result) if result["success"] else result for result in results]
    return results


def _failed(error: ApiError, like: Result | None = None) -> Result:
    more = {"created": False} if like and "created" in like else {}
    return {"success": False, "errors": error_json(error), **more}


def _one(request: Request, item: Item, work: Work, refusal: ApiError | None) -> Result:
    refused = item.unreadable or refusal
    if refused is not None:
        return _failed(refused)
    try:
        return work(item)
    except ApiError as error:
        return _failed(error)


def _too_many(request: Request, items: Sequence[Item]) -> dict[str, ApiError]:
    """What triggers answer that are not written for as many records of their object at once."""
    refusals: dict[str, ApiError] = {}
    for name, count in Counter(item.sobject.name for item in items).items():
        for rule in request.org.automation.of(name):
            if isinstance(rule, BatchLimit) and count > rule.records:
                message = f"{rule.name}: System.LimitException: Too many SOQL queries: 101"
                refusals[name] = ApiError(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message)
    return refusals


def _target(request: Request, item: Item) -> Target:
    """The record an item names; what single records answer with 404 has codes of its own here, as recorded."""
    if item.id is None:
        raise ApiError(400, "MISSING_ARGUMENT", "Id not specified in an update call")
    record_id = normalise(item.id)
    if record_id is None:
        raise ApiError(400, "MALFORMED_ID", f"malformed id {item.id}")
    record = records.target(item.sobject, record_id)
    try:
        records.check_visible(request.org, record, request.viewer)
    except ApiError as error:
        message = "insufficient access rights on cross-reference id"
        raise ApiError(403, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", message) from error
    return record


def _known(work: Callable[[], None]) -> None:
    try:
        work()
    except ApiError as error:
        if error.error_code == "NOT_FOUND":
            raise ApiError(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id") from error
        raise


def _repeated(items: Sequence[Item]) -> frozenset[str]:
    counts = Counter(normalise(item.id) or item.id for item in items if item.id)
    return frozenset(record_id for record_id, count in counts.items() if count > 1)


def _create(request: Request) -> Answer:
    body = request.call.json_object()
    items = [_item(request, values) for values in _records(body)]
    manner = _manner(request)

    def work(item: Item) -> Result:
        record_id = records.create(request.org, item.sobject, item.values, request.viewer, manner)
        return {"id": record_id, "success": True, "errors": []}

    return json_answer(run(request, items, work, all_or_none=body.get("allOrNone") is True))


def _update(request: Request) -> Answer:
    body = request.call.json_object()
    items = [_item(request, *_split(values)) for values in _records(body)]
    repeated, manner = _repeated(items), _manner(request)

    def work(item: Item) -> Result:
        record = _target(request, item)
        if record.id in repeated:
            message = f"duplicate value found: Id duplicates value on record with id: {record.id}"
            raise ApiError(400, "DUPLICATE_VALUE", message, fields=["Id"])
        _known(lambda: records.update(request.org, record, item.values, request.viewer, manner))
        return {"id": record.id, "success": True, "errors": []}

    return json_answer(run(request, items, work, all_or_none=body.get("allOrNone") is True))


def _delete(request: Request) -> Answer:
    query = request.call.query
    ids = [text.strip() for text in query.get("ids", "").split(",") if text.strip()]
    if not ids:
        raise ApiError(400, "MISSING_ARGUMENT", "Missing required parameter: ids")
    items = [Item(request.viewer.schema.of_id(text) or _nothing(), {}, text) for text in ids]
    manner = _manner(request)

    def work(item: Item) -> Result:
        if not item.sobject.key_prefix:
            raise ApiError(400, "MALFORMED_ID", f"malformed id {item.id}")
        record = _target(request, item)
        _known(lambda: records.delete(request.org, record, request.viewer, manner))
        return {"id": record.id, "success": True, "errors": []}

    all_or_none = query.get("allOrNone", "").lower() == "true"
    return json_answer(run(request, items, work, all_or_none=all_or_none))


def _nothing() -> SObject:
    """The object of an id that belongs to none."""
    return SObject(name="", label="", label_plural="", key_prefix="", fields=())


def _upsert(request: Request) -> Answer:
    sobject = request.sobject()
    field = records.external_field(sobject, request.parts["field"])
    body = request.call.json_object()
    items = [_item(request, values) for values in _records(body)]
    keys = [_key(item, field.name) for item in items]
    counts = Counter(key.lower() for key in keys if key)

    def work(item: Item) -> Result:
        key = _key(item, field.name)
        if item.sobject.name != sobject.name:
            raise ApiError(400, "INVALID_TYPE", f"All records have to be of type {sobject.name}")
        if counts.get(key.lower(), 0) > 1:
            message = f"Duplicate external id specified: {key}"
            raise ApiError(400, "DUPLICATE_VALUE", message, fields=[field.name])
        return _upserted(request, item, field.name, key)

    results = run(request, items, work, all_or_none=body.get("allOrNone") is True)
    return json_answer(
        [result if "created" in result else {**result, "created": False} for result in results]
    )


def _key(item: Item, name: str) -> str:
    value = next((value for key, value in item.values.items() if key.lower() == name.lower()), None)
    return "" if value is None else str(value)


def _upserted(request: Request, item: Item, name: str, key: str) -> Result:
    """By Id, a record without one is new, as recorded; by any other field it needs a value."""
    manner = _manner(request)
    values = {
        field: value for field, value in item.values.items() if field.lower() not in ("id", name.lower())
    }
    field = records.external_field(item.sobject, name)
    if not key:
        if name != "Id":
            raise ApiError(400, "MISSING_ARGUMENT", f"{name} not specified", fields=[])
        record_id = records.create(request.org, item.sobject, values, request.viewer, manner)
        return {"id": record_id, "success": True, "errors": [], "created": True}
    if name == "Id":
        found = [_target(request, Item(item.sobject, values, key))]
    else:
        found = records.matching(request.org, item.sobject, field, key)
    if len(found) > 1:
        message = (
            f"{name}: more than one record found for external id field: [{', '.join(r.id for r in found)}]"
        )
        raise ApiError(400, "DUPLICATE_EXTERNAL_ID", message, fields=[])
    if not found:
        whole = {**values, field.name: key}
        record_id = records.create(request.org, item.sobject, whole, request.viewer, manner)
        return {"id": record_id, "success": True, "errors": [], "created": True}
    record = _target(request, Item(item.sobject, values, found[0].id))
    _known(lambda: records.update(request.org, record, values, request.viewer, manner))
    return {"id": record.id, "success": True, "errors": [], "created": False}


def _retrieved(request: Request, ids: Sequence[object], fields: Sequence[object]) -> Answer:
    if len(ids) > MOST_RETRIEVED:
        message = f"record limit reached. cannot submit more than {MOST_RETRIEVED} records into this call"
        raise ApiError(400, "LIMIT_EXCEEDED", message)
    if not ids or not fields:
        raise ApiError(400, "MISSING_ARGUMENT", f"Missing required parameter: {'fields' if ids else 'ids'}")
    sobject, targets = request.sobject(), []
    for text in ids:
        record_id = normalise(str(text))
        if record_id is None:
            raise ApiError(400, "MALFORMED_ID", f"malformed id {text}")
        targets.append(Target(sobject, record_id))
    names = [str(name).strip() for name in fields]
    return json_answer(records.retrieve(request.org, request.viewer, targets, names, base=request.base))


def _get(request: Request) -> Answer:
    query = request.call.query
    ids = [text.strip() for text in query.get("ids", "").split(",") if text.strip()]
    fields = [text.strip() for text in query.get("fields", "").split(",") if text.strip()]
    return _retrieved(request, ids, fields)


def _get_by_post(request: Request) -> Answer:
    body = request.call.json_object()
    ids, fields = body.get("ids"), body.get("fields")
    return _retrieved(
        request, ids if isinstance(ids, list) else (), fields if isinstance(fields, list) else ()
    )


ROUTES: tuple[Route, ...] = (
    ("/composite/sobjects", {"POST": _create, "PATCH": _update, "DELETE": _delete}),
    ("/composite/sobjects/(?P<sobject>[^/]+)", {"GET": _get, "POST": _get_by_post}),
    ("/composite/sobjects/(?P<sobject>[^/]+)/(?P<field>[^/]+)", {"PATCH": _upsert}),
)
