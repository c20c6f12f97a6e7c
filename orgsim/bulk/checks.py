"""What a query job may ask: the request's own words, and the SOQL that Bulk API 2.0 does not run.

Seen in public issue threads: API_ERROR with "Selecting compound data not supported in Bulk Query" and with
"Aggregate Relationships not supported in Bulk V2 Query with CSV content type". Documented is that the other
constructs are refused; their messages, and INVALIDJOB for a request that makes no sense, are inferred. A delimiter that
is none is recorded: API_ERROR with the place where the operation ends, wherever the delimiter stands.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from orgsim import calls
from orgsim.errors import ApiError
from orgsim.schema import Schema
from orgsim.soql import Plan, Query, SoqlError, compile_query, parse
from orgsim.soql.ast import Call, TypeOf
from orgsim.soql.functions import AGGREGATES
from orgsim.soql.plan import QueryContext

DELIMITERS = {
    "COMMA": ",",
    "TAB": "\t",
    "PIPE": "|",
    "SEMICOLON": ";",
    "CARET": "^",
    "BACKQUOTE": "`",
}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
OPERATIONS = ("query", "queryAll")
_CHOICES = {"contentType": ("CSV",), "columnDelimiter": (*DELIMITERS,), "lineEnding": (*LINE_ENDINGS,)}
_OPERATION = re.compile(rb'"operation"\s*:\s*"\w*"')
_COMPOUND = frozenset({"address", "location"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What the body of a create call says, defaults filled in; names as the API spells them."""

    operation: str
    soql: str
    delimiter: str
    line_ending: str

    @property
    def all_rows(self) -> bool:
        return self.operation == "queryAll"


def asked(call: calls.Call) -> Asked:
    """Raises ApiError for a word the API does not know."""
    body = call.json_object()
    operation, soql = body.get("operation"), body.get("query")
    if not isinstance(soql, str) or not soql.strip():
        raise _invalid("A query is required to create a query job")
    if not isinstance(operation, str) or operation not in OPERATIONS:
        raise _invalid(f"Invalid value for operation: {operation}. Valid values are: {', '.join(OPERATIONS)}")
    words = {name: body.get(name) or choices[0] for name, choices in _CHOICES.items()}
    if any(word not in _CHOICES[name] for name, word in words.items()):
        raise _unknown_word(call.body)
    return Asked(operation, soql, str(words["columnDelimiter"]), str(words["lineEnding"]))


def plan_of(soql: str, schema: Schema, context: QueryContext) -> Plan:
    """The plan of a job's query; raises ApiError, as an org does at creation."""
    try:
        query = parse(soql)
        for construct in _refused(query):
            raise ApiError(
                400, "API_ERROR", f"{construct} not supported in Bulk V2 Query with CSV content type"
            )
        plan = compile_query(query, schema, context)
    except SoqlError as error:
        raise ApiError(400, error.error_code, error.message) from error
    if plan.projection is None or any(c.field.type in _COMPOUND for c in plan.projection.columns):
        raise ApiError(400, "API_ERROR", "Selecting compound data not supported in Bulk Query")
    return plan


def _refused(query: Query) -> Iterator[str]:
    """The constructs of a query that no bulk job runs."""
    for item in query.select:
        if isinstance(item.expression, Query):
            yield "Aggregate Relationships"
        elif isinstance(item.expression, TypeOf):
            yield "TYPEOF"
        elif isinstance(item.expression, Call) and item.expression.function in AGGREGATES:
            yield f"The aggregate function {item.expression.name.upper()}()"
        elif isinstance(item.expression, Call) and item.expression.function == "fields":
            yield "The SOQL FIELDS function"
    if query.group_by:
        yield "GROUP BY"
    if query.having is not None:
        yield "HAVING"
    if query.offset is not None:
        yield "OFFSET"


def _unknown_word(body: bytes) -> ApiError:
    operation = _OPERATION.search(body)
    before = body[: operation.end() if operation else 0]
    line, column = before.count(b"\n") + 1, len(before.rpartition(b"\n")[2]) + 1
    message = f"Value does not match expected type at [line:{line}, column:{column}]"
    return ApiError(400, "API_ERROR", message)


def _invalid(message: str) -> ApiError:
    return ApiError(400, "INVALIDJOB", message)
