"""The reportMetadata of one run as a client sends it: the report's own with the posted keys over it, typed.

A key that the API doesn't know, or a value of the wrong type, is refused as unreadable JSON (inferred).
"""

import msgspec

from orgsim.errors import ApiError
from orgsim.reports.definition import ROW_COUNT, Json
from orgsim.reports.errors import bad, no_metadata

_GROUPING: Json = {"dateGranularity": "None", "sortAggregate": None, "sortOrder": "Asc"}
_PARTS: dict[str, Json] = {
    "reportFilters": {"filterType": "fieldValue", "isRunPageEditable": True, "value": ""},
    "groupingsDown": _GROUPING,
    "groupingsAcross": _GROUPING,
    "sortBy": {"sortOrder": "Asc"},
}


class WantedFilter(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    column: str
    operator: str
    value: str | bool | int | float | None = ""
    filter_type: str | None = None
    is_run_page_editable: bool | None = None

    @property
    def text(self) -> str:
        if self.value is None:
            return ""
        return str(self.value).lower() if isinstance(self.value, bool) else str(self.value)


class WantedGrouping(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    name: str
    date_granularity: str | None = None
    sort_aggregate: str | None = None
    sort_order: str | None = None


class WantedSort(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    sort_column: str | None = None
    sort_order: str | None = None


class WantedDate(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    column: str | None = None
    duration_value: str | None = None
    start_date: str | None = None
    end_date: str | None = None


class WantedTop(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    row_limit: int
    direction: str | None = None


class Wanted(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, kw_only=True):
    report_type: dict[str, object] | str | None = None
    report_format: str | None = None
    detail_columns: list[str] | None = None
    report_filters: list[WantedFilter] | None = None
    report_boolean_filter: str | None = None
    standard_date_filter: WantedDate | None = None
    standard_filters: object = None
    groupings_down: list[WantedGrouping] | None = None
    groupings_across: list[WantedGrouping] | None = None
    aggregates: list[str] | None = None
    has_record_count: bool | None = None
    has_detail_rows: bool | None = None
    sort_by: list[WantedSort] | None = None
    scope: str | None = None
    top_rows: WantedTop | None = None
    buckets: list[object] | None = None
    cross_filters: list[object] | None = None
    allowed_in_custom_detail_formula: object = None
    chart: object = None
    currency: object = None
    custom_detail_formula: object = None
    custom_summary_formula: object = None
    dashboard_setting: object = None
    description: object = None
    developer_name: object = None
    division: object = None
    folder_id: object = None
    historical_snapshot_dates: object = None
    id: object = None
    name: object = None
    presentation_options: object = None
    save_role_hierarchy: object = None
    show_grand_total: object = None
    show_subtotals: object = None
    supports_role_hierarchy: object = None
    user_or_hierarchy_filter_id: object = None


def posted_metadata(body: Json) -> Json:
    """The reportMetadata of a request body; raises 400 when there is none."""
    metadata = body.get("reportMetadata")
    if not isinstance(metadata, dict):
        raise no_metadata()
    return metadata


def over(stored: Json, posted: Json) -> Json:
    """The metadata of one run: posted keys replace whole values, and the record count follows the aggregates."""
    if "reportFilters" in posted and posted["reportFilters"] is None:
        raise bad(
            "The request is invalid because there are no filters. Specify filters or set filters as an empty array to "
            "omit them."
        )
    merged = {key: _whole(key, value) for key, value in (stored | posted).items()}
    if "hasRecordCount" in posted:
        merged["aggregates"] = _counted(merged.get("aggregates"), wanted=bool(posted["hasRecordCount"]))
    elif "aggregates" in posted:
        merged["hasRecordCount"] = ROW_COUNT in (posted["aggregates"] or ())  # type: ignore[operator]
    return merged


def _whole(key: str, value: object) -> object:
    """The entries of a list with every key they have in an answer."""
    parts = _PARTS.get(key)
    if parts is None or not isinstance(value, list):
        return value
    return [
        parts | {k: v for k, v in entry.items() if v is not None} if isinstance(entry, dict) else entry
        for entry in value
    ]


def _counted(aggregates: object, *, wanted: bool) -> object:
    if not isinstance(aggregates, list):
        return aggregates
    others = [name for name in aggregates if name != ROW_COUNT]
    if not wanted:
        return others
    return aggregates if ROW_COUNT in aggregates else [*others, ROW_COUNT]


def read(metadata: Json) -> Wanted:
    try:
        return msgspec.convert(metadata, type=Wanted)
    except msgspec.ValidationError as error:
        raise ApiError(400, "JSON_PARSER_ERROR", _sentence(str(error))) from error


def _sentence(reason: str) -> str:
    unknown = reason.partition("unknown field `")[2].partition("`")[0]
    return (
        f'Unrecognized field "{unknown}"' if unknown else "The request body is either invalid or incomplete."
    )
