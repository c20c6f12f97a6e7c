"""Queries compiled for the user who asks, and `/query?explain=`: how an org would run one, as a small estimate."""

from orgsim import listviews
from orgsim.errors import ApiError
from orgsim.ids import normalise
from orgsim.query import read_count
from orgsim.request import Request
from orgsim.soql import Plan, SoqlError, compile_query
from orgsim.store import on
from orgsim.viewdef import compose_query

Json = dict[str, object]
_LIST_VIEW = "00B"


def compiled(request: Request, text: str, *, all_rows: bool) -> Plan:
    """Raises ApiError with the code and the message of an org."""
    if not text.strip():
        raise ApiError(400, "MALFORMED_QUERY", "A query string has to be specified")
    viewer = request.viewer
    try:
        return compile_query(text, viewer.schema, request.org.context(viewer, all_rows=all_rows))
    except SoqlError as error:
        raise ApiError(400, error.error_code, error.message) from error


def plans_json(request: Request, text: str, *, all_rows: bool) -> Json:
    """`text` is a query or the id of a list view. The cost is that of the rows found among all: 1 is a table scan."""
    source = _source(request, text)
    plan = compiled(request, source, all_rows=all_rows)
    connection = request.org.store.reader()
    (total,) = connection.execute(on(plan.sobject.name, "SELECT count(*) FROM {table}")).fetchone()
    steps = ""
    cardinality = total
    if plan.aggregate is None:
        steps = _steps(request, plan)
        cardinality = read_count(connection, plan).total_size
    by_index = "SEARCH t" in steps
    fields = ["Id"] if f"{plan.sobject.name}_id" in steps else ["SystemModstamp"]
    return {
        "plans": [
            {
                "cardinality": cardinality,
                "fields": fields if by_index else [],
                "leadingOperationType": "Index" if by_index else "TableScan",
                "notes": [] if by_index else _notes(plan),
                "relativeCost": round(cardinality / max(total, 1), 3) if by_index else 1.0,
                "sobjectCardinality": total,
                "sobjectType": plan.sobject.name,
            }
        ],
        "sourceQuery": source,
    }


def _source(request: Request, text: str) -> str:
    view_id = normalise(text)
    if view_id is None or not view_id.startswith(_LIST_VIEW):
        return text
    for sobject in request.viewer.schema.sobjects:
        for view in listviews.views_of(request.org, sobject, request.viewer):
            if view.id == view_id:
                return compose_query(view, request.viewer.schema, sobject)
    raise ApiError(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")


def _steps(request: Request, plan: Plan) -> str:
    explained = " ".join(["EXPLAIN QUERY PLAN", plan.ids_sql])
    rows = request.org.store.reader().execute(explained, plan.ids_params)
    return " ".join(row[3] for row in rows)


def _notes(plan: Plan) -> list[Json]:
    if not plan.sobject.soft_deletes:
        return []
    note = "Not considering filter for optimization because unindexed"
    return [{"description": note, "fields": ["IsDeleted"], "tableEnumOrId": plan.sobject.name}]
