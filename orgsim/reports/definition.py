"""What a report is: the definition kept in the org's file, and the reportMetadata it is shown and changed as."""

import msgspec

Json = dict[str, object]
ROW_COUNT = "RowCount"
# Format in the Analytics API -> Format of the Report object.
FORMATS = {"TABULAR": "Tabular", "SUMMARY": "Summary", "MATRIX": "Matrix", "MULTI_BLOCK": "MultiBlock"}


class Filter(msgspec.Struct, frozen=True):
    column: str
    operator: str
    value: str


class Grouping(msgspec.Struct, frozen=True):
    name: str
    sort_order: str = "Asc"
    date_granularity: str = "None"
    sort_aggregate: str | None = None


class Sort(msgspec.Struct, frozen=True):
    column: str
    order: str = "Asc"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`viewed` puts it in the API user's list of recently viewed reports; `top_rows` is a row limit filter."""

    id: str
    position: int
    folder_id: str
    name: str
    developer_name: str
    report_type: str
    detail_columns: tuple[str, ...]
    description: str | None = None
    report_format: str = "TABULAR"
    filters: tuple[Filter, ...] = ()
    boolean_filter: str | None = None
    date_column: str = "CREATED_DATE"
    duration: str = "CUSTOM"
    start_date: str | None = None
    end_date: str | None = None
    groupings_down: tuple[Grouping, ...] = ()
    groupings_across: tuple[Grouping, ...] = ()
    aggregates: tuple[str, ...] = (ROW_COUNT,)
    sort: Sort | None = None
    scope: str = "organization"
    top_rows: int | None = None
    has_detail_rows: bool = True
    viewed: bool = True


def _groupings(groupings: tuple[Grouping, ...]) -> list[Json]:
    return [
        {
            "dateGranularity": g.date_granularity,
            "name": g.name,
            "sortAggregate": g.sort_aggregate,
            "sortOrder": g.sort_order,
        }
        for g in groupings
    ]


def metadata_of(report: Report, type_label: str) -> Json:
    """The reportMetadata with every key; the dates of a duration are filled in when it is shown."""
    filters = [
        {
            "column": f.column,
            "filterType": "fieldValue",
            "isRunPageEditable": True,
            "operator": f.operator,
            "value": f.value,
        }
        for f in report.filters
    ]
    sort = [{"sortColumn": report.sort.column, "sortOrder": report.sort.order}] if report.sort else []
    limited = report.top_rows is not None
    return {
        "aggregates": list(report.aggregates),
        "buckets": [],
        "chart": None,
        "crossFilters": [],
        "currency": None,
        "customDetailFormula": {},
        "customSummaryFormula": {},
        "dashboardSetting": None,
        "description": report.description,
        "detailColumns": list(report.detail_columns),
        "developerName": report.developer_name,
        "division": None,
        "folderId": report.folder_id,
        "groupingsAcross": _groupings(report.groupings_across),
        "groupingsDown": _groupings(report.groupings_down),
        "hasDetailRows": report.has_detail_rows,
        "hasRecordCount": ROW_COUNT in report.aggregates,
        "historicalSnapshotDates": [],
        "id": report.id,
        "name": report.name,
        "presentationOptions": {"hasStackedSummaries": True},
        "reportBooleanFilter": report.boolean_filter,
        "reportFilters": filters,
        "reportFormat": report.report_format,
        "reportType": {"label": type_label, "type": report.report_type},
        "scope": report.scope,
        "showGrandTotal": True,
        "showSubtotals": True,
        "sortBy": sort,
        "standardDateFilter": {
            "column": report.date_column,
            "durationValue": report.duration,
            "endDate": report.end_date,
            "startDate": report.start_date,
        },
        "standardFilters": [],
        "supportsRoleHierarchy": False,
        "topRows": {"direction": "Asc", "rowLimit": report.top_rows} if limited else None,
        "userOrHierarchyFilterId": None,
    }
