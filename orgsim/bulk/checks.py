"""What a query job may ask: the request's own words, and the SOQL that Bulk API 2.0 does not run.

Seen in public issue threads: API_ERROR with "Selecting compound data not supported in Bulk Query" and with
"Aggregate Relationships not supported in Bulk V2 Query with CSV content type". Documented is that the other
constructs are refused; their messages, and INVALIDJOB for a request that makes no sense, are inferred.
"""

from collections.abc import Iterator
from dataclasses import dataclass

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


def asked(body: dict[str, object]) -> Asked:
    """Raises ApiError for a word the API does not know."""
    soql = body.get("query")
    if not isinstance(soql, str) or not soql.strip():
        raise _invalid("A query is required to create a query job")
    _choice(body, "contentType", ("CSV",))
    return Asked(
        _choice(body, "operation", OPERATIONS, required=True),
        soql,
        _choice(body, "columnDelimiter", tuple(DELIMITERS)),
        _choice(body, "lineEnding", tuple(LINE_ENDINGS)),
    )


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


def _choice(body: dict[str, object], name: str, choices: tuple[str, ...], *, required: bool = False) -> str:
    value = body.get(name)
    if value is None and not required:
        return choices[0]
    if not isinstance(value, str) or value not in choices:
        raise _invalid(f"Invalid value for {name}: {value}. Valid values are: {', '.join(choices)}")
    return value


def _invalid(message: str) -> ApiError:
    return ApiError(400, "INVALIDJOB", message)
