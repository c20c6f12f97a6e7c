"""Several requests in one: /composite with references between them, /composite/batch without.

A sub-request keeps its own status and body, refusals as arrays of errors, as recorded. Which codes a malformed envelope
gets is inferred. What a batch counts of the allowance is documented: each of its requests.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from orgsim.calls import Answer, Call, json_answer
from orgsim.errors import ApiError
from orgsim.request import Request, Route
from orgsim.rest.references import (
    UnknownReferenceError,
    bad_reference_id,
    filled,
    filled_text,
    is_reference_id,
)
from orgsim.versions import supported_base

_Kind = TypeVar("_Kind")
MOST_REQUESTS, MOST_LARGE = 25, 5
_LARGE = ("/query", "/composite/sobjects")
# What a reference is written with, as percent codes: @ [ ] { }.
_ENCODED = re.compile("%(?:40|5B|5D|7B|7D)", re.IGNORECASE)
_SHOWN_HEADERS = ("Location", "ETag", "Last-Modified")
_METHODS = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE", "HEAD"})
_ROLLED_BACK = ApiError(
    400,
    "PROCESSING_HALTED",
    "The transaction was rolled back since another operation in the same transaction failed.",
)
_BATCH_HALTED = ApiError(412, "BATCH_PROCESSING_HALTED", "Batch processing halted per request")


class _Part(msgspec.Struct, rename="camel"):
    """A sub-request of /composite."""

    method: str
    url: str
    reference_id: str
    body: object = None
    http_headers: dict[str, str] = {}


class _Envelope(msgspec.Struct, rename="camel"):
    composite_request: list[_Part]
    all_or_none: bool = False


class _BatchPart(msgspec.Struct, rename="camel"):
    method: str
    url: str
    rich_input: object = None


class _Batch(msgspec.Struct, rename="camel"):
    batch_requests: list[_BatchPart]
    halt_on_error: bool = False


@dataclass(frozen=True, slots=True)
class _Done:
    """What a sub-request was answered; `body` is its JSON, None for none."""

    status: int
    body: object
    headers: Mapping[str, str]

    @property
    def failed(self) -> bool:
        return self.status >= 400

    @classmethod
    def refused(cls, error: ApiError) -> "_Done":
        return cls(error.status, error.body(), {})


class _RolledBackError(Exception):
    pass


def _read(body: bytes, kind: type[_Kind]) -> _Kind:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise ApiError(400, "JSON_PARSER_ERROR", f"The composite request can't be read: {error}") from error


def _check(parts: list[_Part]) -> None:
    """Raises for an envelope that is refused as a whole."""
    if len(parts) > MOST_REQUESTS:
        raise ApiError(
            400, "LIMIT_EXCEEDED", f"The request can't contain more than {MOST_REQUESTS} operations"
        )
    large = [part for part in parts if _path(part.url).startswith(_LARGE)]
    if len(large) > MOST_LARGE:
        message = f"The request can't contain more than {MOST_LARGE} queries or collections of records"
        raise ApiError(400, "LIMIT_EXCEEDED", message)
    seen: set[str] = set()
    for part in parts:
        if not is_reference_id(part.reference_id):
            raise ApiError(400, "INVALID_INPUT", bad_reference_id(part.reference_id))
        if part.reference_id in seen:
            raise ApiError(400, "INVALID_INPUT", f"Duplicate reference id specified: {part.reference_id}")
        seen.add(part.reference_id)
        if part.method.upper() not in _METHODS:
            raise ApiError(400, "INVALID_INPUT", f"Invalid HTTP method: {part.method}")


def _path(url: str) -> str:
    """The path of an address after the version."""
    return "/" + "/".join(urlsplit(url).path.split("/")[4:])


def _answered(request: Request, method: str, url: str, *, body: object, headers: Mapping[str, str]) -> _Done:
    """One sub-request, done for the same user; a refusal is its answer."""
    split = urlsplit(url)
    path = unquote(split.path).rstrip("/")
    content = b"" if body is None else body.encode() if isinstance(body, str) else msgspec.json.encode(body)
    call = Call(
        method=method.upper(),
        path=path,
        query=dict(parse_qsl(split.query, keep_blank_values=True)),
        headers={"content-type": "application/json"} | {name.lower(): text for name, text in headers.items()},
        body=content,
        address=request.call.address,
    )
    try:
        base, rest = supported_base(path, old_versions=request.org.switches.is_on("old_versions"))
        if rest.startswith("/composite") and not rest.startswith("/composite/sobjects"):
            raise ApiError(400, "INVALID_INPUT", f"The resource can't be used in a composite request: {url}")
        answer = replace(request, base=base).answered(call, rest)
    except ApiError as error:
        return _Done.refused(error)
    shown = {name: answer.headers[name] for name in _SHOWN_HEADERS if name in answer.headers}
    return _Done(answer.status, msgspec.json.decode(answer.body) if answer.body else None, shown)


def _part_answered(request: Request, part: _Part, answers: Mapping[str, object]) -> _Done:
    # Clients that build addresses with a library send references so.
    address = _ENCODED.sub(lambda match: unquote(match[0]), part.url)
    try:
        url, body = filled_text(address, answers), filled(part.body, answers)
    except UnknownReferenceError as error:
        return _Done.refused(ApiError(400, "PROCESSING_HALTED", str(error)))
    return _answered(request, part.method, url, body=body, headers=part.http_headers)


def _breaks(part: _Part, done: _Done) -> bool:
    """Whether an answer undoes an all-or-none request: a refusal, or a collection that was itself all or none."""
    if done.failed:
        return True
    body, asked = done.body, part.body
    all_or_none = isinstance(asked, dict) and asked.get("allOrNone") is True
    return (
        all_or_none
        and isinstance(body, list)
        and any(isinstance(result, dict) and result.get("success") is False for result in body)
    )


def _composite(request: Request) -> Answer:
    envelope = _read(request.call.needed_body(), _Envelope)
    parts = envelope.composite_request
    _check(parts)
    done = _all_or_none(request, parts) if envelope.all_or_none else _in_turn(request, parts)
    answers = [
        {
            "body": one.body,
            "httpHeaders": dict(one.headers),
            "httpStatusCode": one.status,
            "referenceId": part.reference_id,
        }
        for part, one in zip(parts, done, strict=True)
    ]
    return json_answer({"compositeResponse": answers})


def _in_turn(request: Request, parts: list[_Part]) -> list[_Done]:
    answers: dict[str, object] = {}
    done = []
    for part in parts:
        one = _part_answered(request, part, answers)
        if not one.failed:
            answers[part.reference_id] = one.body
        done.append(one)
    return done


def _all_or_none(request: Request, parts: list[_Part]) -> list[_Done]:
    """In one transaction: when one fails, all others are answered that they were rolled back."""
    answers: dict[str, object] = {}
    done: list[_Done] = []
    try:
        with request.org.store.writing():
            for part in parts:
                one = _part_answered(request, part, answers)
                answers[part.reference_id] = one.body
                done.append(one)
                if _breaks(part, one):
                    raise _RolledBackError
    except _RolledBackError:
        halted = _Done.refused(_ROLLED_BACK)
        failed = len(done) - 1
        return [done[failed] if number == failed else halted for number in range(len(parts))]
    return done


def _batch(request: Request) -> Answer:
    batch = _read(request.call.needed_body(), _Batch)
    if len(batch.batch_requests) > MOST_REQUESTS:
        raise ApiError(400, "LIMIT_EXCEEDED", f"The batch can't contain more than {MOST_REQUESTS} requests")
    results: list[_Done] = []
    for number, part in enumerate(batch.batch_requests):
        if batch.halt_on_error and any(one.failed for one in results):
            results.append(_Done.refused(_BATCH_HALTED))
            continue
        if number:
            request.org.usage.count()
        url = part.url if part.url.startswith("/services/data/") else f"/services/data/{part.url.lstrip('/')}"
        results.append(_answered(request, part.method, url, body=part.rich_input, headers={}))
    return json_answer(
        {
            "hasErrors": any(one.failed for one in results),
            "results": [{"statusCode": one.status, "result": one.body} for one in results],
        }
    )


def _resources(request: Request) -> Answer:
    return json_answer({name: f"{request.base}/composite/{name}" for name in ("tree", "batch", "sobjects")})


ROUTES: tuple[Route, ...] = (
    ("/composite", {"GET": _resources, "POST": _composite}),
    ("/composite/batch", {"POST": _batch}),
)
