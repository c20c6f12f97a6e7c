"""/composite/tree/X: new records with their children in one call, all of them or none."""

from orgsim import records
from orgsim.calls import Answer, json_answer
from orgsim.errors import ApiError
from orgsim.records import Json
from orgsim.request import Request, Route
from orgsim.rest.collections import error_json
from orgsim.schema import Field, SObject

MOST_RECORDS, MOST_LEVELS = 200, 5


class _FailedError(Exception):
    """The record that is refused, by its reference."""

    def __init__(self, reference: str, error: ApiError) -> None:
        super().__init__(reference)
        self.reference = reference
        self.error = error


def _records(value: object) -> list[Json]:
    given = value.get("records") if isinstance(value, dict) else None
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise ApiError(400, "JSON_PARSER_ERROR", "The request body has to have an array of records")
    return given


def _child_fields(request: Request, parent: SObject) -> dict[str, tuple[SObject, Field]]:
    """Child relationships of an object: `Contacts` -> Contact and its AccountId."""
    return {
        field.child_relationship: (child, field)
        for child in request.viewer.schema.sobjects
        for field in child.fields
        if field.child_relationship and parent.name in field.reference_to
    }


def _reference(values: Json) -> str:
    attributes = values.get("attributes")
    reference = attributes.get("referenceId") if isinstance(attributes, dict) else None
    if not isinstance(reference, str) or not reference:
        raise ApiError(400, "INVALID_INPUT", "Include a reference ID for each record in the request.")
    return reference


def _repeated(reference: str) -> ApiError:
    """Both errors as recorded."""
    error = ApiError(400, "INVALID_INPUT", "Duplicate ReferenceId provided in the request.")
    error.more = (ApiError(400, "PROCESSING_HALTED", f"Duplicate ReferenceId found: {reference}"),)
    return error


def _make(request: Request, sobject: SObject, values: Json, *, level: int, results: list[Json]) -> str:
    if level > MOST_LEVELS or len(results) >= MOST_RECORDS:
        message = f"A tree has at most {MOST_RECORDS} records on {MOST_LEVELS} levels"
        raise ApiError(400, "LIMIT_EXCEEDED", message)
    reference = _reference(values)
    if any(made["referenceId"] == reference for made in results):
        raise _FailedError(reference, _repeated(reference))
    children = {
        name: value for name, value in values.items() if isinstance(value, dict) and name != "attributes"
    }
    own = {name: value for name, value in values.items() if name not in children}
    manner = records.Manner.of(request.call.headers, request.base)
    try:
        record_id = records.create(request.org, sobject, own, request.viewer, manner)
    except ApiError as error:
        raise _FailedError(reference, error) from error
    results.append({"referenceId": reference, "id": record_id})
    known = _child_fields(request, sobject)
    for name, value in children.items():
        if name not in known:
            raise ApiError(
                400, "INVALID_FIELD", f"No such relation '{name}' on sobject of type {sobject.name}"
            )
        child, field = known[name]
        for one in _records(value):
            _make(request, child, {**one, field.name: record_id}, level=level + 1, results=results)
    return record_id


def _tree(request: Request) -> Answer:
    """201 with an id for each reference, or 400 with the errors of the first record that is refused."""
    sobject, results = request.sobject(), list[Json]()
    try:
        with request.org.store.writing():
            for values in _records(request.call.json_object()):
                _make(request, sobject, values, level=1, results=results)
    except _FailedError as failed:
        refused = [{"referenceId": failed.reference, "errors": error_json(failed.error)}]
        return json_answer({"hasErrors": True, "results": refused}, 400)
    return json_answer({"hasErrors": False, "results": results}, 201)


ROUTES: tuple[Route, ...] = (("/composite/tree/(?P<sobject>[^/]+)", {"POST": _tree}),)
