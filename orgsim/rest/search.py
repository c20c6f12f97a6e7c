"""`/search?q=`: SOSL over the objects a client names, or over all that have list views.

SOQL finds what may fit, within what the user may see; whole words are compared on its records, page by page, until there
are enough. A phone number is found as it is written.
"""

from array import array
from collections.abc import Iterator

import msgspec

from orgsim import query, sosl
from orgsim.calls import Answer, json_answer
from orgsim.errors import ApiError
from orgsim.request import Request, Route
from orgsim.rest.query_plans import compiled
from orgsim.schema import SObject
from orgsim.soql import Plan, fold
from orgsim.store import on

Json = dict[str, object]
# The answer was a bare array before this version.
_WRAPPED_SINCE = 37
_TYPES = {"EMAIL": ("email",), "PHONE": ("phone",)}
_ALL = ("string", "email", "phone")
_NAMES = ("Name", "FirstName", "LastName")


def _search(request: Request) -> Answer:
    search = sosl.parse(request.call.query.get("q", ""))
    listed = (sobject.name for sobject in request.viewer.schema.sobjects if sobject.listviewable)
    found: list[Json] = []
    for returned in search.returned or map(sosl.Returned, listed):
        found += _found(request, search, returned)
    found = found[: search.limit]
    wrapped = float(request.version[1:]) >= _WRAPPED_SINCE
    return json_answer({"searchRecords": found} if wrapped else found)


def _found(request: Request, search: sosl.Search, returned: sosl.Returned) -> list[Json]:
    sobject = request.viewer.schema.sobject(returned.sobject)
    if sobject is None:
        raise ApiError(400, "INVALID_TYPE", f"sObject type '{returned.sobject}' is not supported.")
    shown = compiled(request, " ".join(["SELECT", returned.fields, "FROM", sobject.name]), all_rows=False)
    if shown.projection is None or shown.projection.children:
        raise sosl.malformed(f"unexpected token: {returned.fields}")
    patterns = [sosl.pattern(phrase) for phrase in search.phrases]
    ids: list[str] = []
    for record in _candidates(request, search, returned, sobject):
        texts = [fold(value) for name, value in record.items() if name != "Id" and isinstance(value, str)]
        if all(any(map(pattern.search, texts)) for pattern in patterns):
            ids.append(str(record["Id"]))
        if len(ids) >= returned.limit:
            break
    sql = on(sobject.name, "SELECT Id, pk FROM {table} WHERE Id IN (SELECT value FROM json_each(?))")
    pks = dict(request.org.store.reader().execute(sql, (msgspec.json.encode(ids).decode(),)))
    return _read(request, shown, array("q", [pks[one] for one in ids if one in pks]))


def _searched(sobject: SObject, scope: str) -> list[str]:
    if scope == "NAME":
        return [field.name for field in sobject.fields if field.name in _NAMES]
    types = _TYPES.get(scope, _ALL)
    return [f.name for f in sobject.fields if f.type in types and f.filterable and not f.calculated]


def _candidates(
    request: Request, search: sosl.Search, returned: sosl.Returned, sobject: SObject
) -> Iterator[Json]:
    """The searched fields of every record in which each phrase may be."""
    fields = _searched(sobject, search.scope)
    if not fields:
        return
    conditions = [
        " OR ".join(f"{name} LIKE '{sosl.like(phrase)}'" for name in fields) for phrase in search.phrases
    ] + ([returned.where] if returned.where else [])
    where = " AND ".join(f"({condition})" for condition in conditions)
    order = f"ORDER BY {returned.order}" if returned.order else ""
    text = " ".join(["SELECT", ", ".join(["Id", *fields]), "FROM", sobject.name, "WHERE", where, order])
    plan = compiled(request, text, all_rows=False)
    pks = query.read_pks(request.org.store.reader(), plan)
    for start in range(0, len(pks), query.PAGE):
        yield from _read(request, plan, pks[start : start + query.PAGE])


def _read(request: Request, plan: Plan, pks: "array[int]") -> list[Json]:
    cursor = query.Cursor(
        locator=query.new_locator(),
        user_id=request.viewer.user_id,
        plan=plan,
        pks=pks,
        expires_at=request.org.clock.now(),
        all_rows=False,
        batch=query.PAGE,
    )
    page = query.read_page(request.org.store.reader(), cursor, 0, request.version)
    records: list[Json] = msgspec.json.decode(f"[{page.records}]")
    return records


ROUTES: tuple[Route, ...] = (("/search", {"GET": _search}),)
