"""reportMetadata, reportExtendedMetadata and reportTypeMetadata as a version of the API writes them.

Which keys came when is read off recorded answers of v29, v35, 2016 (taken for v36), v47 and v50; between those it is inferred.
"""

from collections.abc import Iterable, Mapping

from orgsim.reports.asked import Aggregate, Asked, Group
from orgsim.reports.definition import Json, Report, metadata_of
from orgsim.reports.operators import operator_map
from orgsim.reports.periods import CUSTOM, Calendar, duration_groups
from orgsim.reports.types import Known, TypeView

_V29 = frozenset(
    {
        "aggregates",
        "currency",
        "detailColumns",
        "developerName",
        "groupingsAcross",
        "groupingsDown",
        "id",
        "name",
        "reportBooleanFilter",
        "reportFilters",
        "reportFormat",
        "reportType",
    }
)
_SINCE = {
    "crossFilters": 36,
    "supportsRoleHierarchy": 36,
    "userOrHierarchyFilterId": 36,
    "buckets": 48,
    "dashboardSetting": 46,
    "presentationOptions": 46,
    "customDetailFormula": 48,
    "customSummaryFormula": 48,
    "topRows": 48,
}
_REST_SINCE = 30
_FILTER_TYPE_SINCE = 40
_COLUMN_KEYS_SINCE = 40
_ENTITY_SINCE = 48
_CONTEXTS_UNTIL = 35


def stored_metadata(report: Report, view: TypeView, calendar: Calendar) -> Json:
    """The report's own metadata as this user sees it: without columns that are hidden from the user."""
    metadata = metadata_of(report, view.type.label)
    metadata["detailColumns"] = [name for name in report.detail_columns if name in view.columns]
    return with_dates(metadata, calendar)


def with_dates(metadata: Json, calendar: Calendar) -> Json:
    """The metadata with the days that the duration of its date filter stands for today."""
    date_filter = metadata.get("standardDateFilter")
    duration = date_filter.get("durationValue") if isinstance(date_filter, dict) else None
    if not isinstance(date_filter, dict) or not isinstance(duration, str) or duration.upper() == CUSTOM:
        return metadata
    first, last = calendar.duration(duration)
    days = {"startDate": first.isoformat(), "endDate": last.isoformat()}
    return metadata | {"standardDateFilter": date_filter | days}


def shaped(metadata: Json, version: float) -> Json:
    """Only the keys that a version knows."""
    kept: Json = {
        key: value
        for key, value in metadata.items()
        if (key in _V29 or version >= _SINCE.get(key, _REST_SINCE))
        and not (key == "topRows" and value is None)
    }
    if version < _FILTER_TYPE_SINCE:
        kept["reportFilters"] = _without(kept["reportFilters"], "filterType")
    if version < _REST_SINCE:
        for side in ("groupingsDown", "groupingsAcross"):
            kept[side] = _without(kept[side], "sortAggregate")
    return kept


def _without(entries: object, name: str) -> object:
    if not isinstance(entries, list):
        return entries
    return [{k: v for k, v in entry.items() if k != name} for entry in entries if isinstance(entry, dict)]


def _filter_values(known: Known, version: float) -> list[Json]:
    if known.data_type == "boolean":
        values = [("True", "True"), ("False", "False")]
    else:
        values = [(v.label, v.value) for v in known.field.picklist]
    api_names = version >= _COLUMN_KEYS_SINCE
    return [
        {**({"apiName": value} if api_names else {}), "label": label, "name": label if api_names else value}
        for label, value in values
    ]


def _column_info(known: Known, version: float) -> Json:
    info: Json = {"dataType": known.data_type, "label": known.column.label}
    if version >= _COLUMN_KEYS_SINCE:
        info |= {
            "filterValues": _filter_values(known, version),
            "filterable": known.filterable,
            "inactiveFilterValues": [],
            "isLookup": known.column.id_path is not None,
            "uniqueCountable": known.unique_countable,
        }
    if version >= _ENTITY_SINCE:
        info["entityColumnName"] = known.entity
    return info


def extended(
    columns: Iterable[Known],
    aggregates: Iterable[Aggregate],
    sides: Iterable[tuple[Group, ...]],
    version: float,
) -> Json:
    """The reportExtendedMetadata: what the columns, aggregates and groupings of a report are."""
    contexts: Json = {}
    if version <= _CONTEXTS_UNTIL:
        contexts = {"acrossGroupingContext": None, "downGroupingContext": None}
    answer: Json = {
        "aggregateColumnInfo": {
            a.name: {"dataType": a.data_type, "label": a.label} | contexts for a in aggregates
        },
        "detailColumnInfo": {known.name: _column_info(known, version) for known in columns},
        "groupingColumnInfo": {
            group.known.name: _column_info(group.known, version) | {"groupingLevel": level}
            for groups in sides
            for level, group in enumerate(groups)
        },
    }
    if version >= _SINCE["dashboardSetting"]:
        answer["availableDashboardSettings"] = None
    return answer


def extended_of(asked: Asked, version: float) -> Json:
    return extended(asked.columns, asked.aggregates, (asked.down, asked.across), version)


def _category_column(known: Known, version: float) -> Json:
    info: Json = {
        "dataType": known.data_type,
        "filterValues": _filter_values(known, version),
        "filterable": known.filterable,
        "label": known.column.label,
    }
    if version >= _COLUMN_KEYS_SINCE:
        info |= {
            "inactiveFilterValues": [],
            "isLookup": known.column.id_path is not None,
            "uniqueCountable": known.unique_countable,
        }
    if version >= _ENTITY_SINCE:
        info["entityColumnName"] = known.entity
    return info


def _scopes(view: TypeView) -> Json:
    plural = view.type.plural
    labels: Mapping[str, str] = {
        "user": f"My {plural}",
        "team": f"My team's {plural}",
        "organization": f"All {plural}",
    }
    values = [
        {"allowsDivision": value == "organization", "label": label, "value": value}
        for value, label in labels.items()
    ]
    return {"defaultValue": "organization", "values": values}


def type_metadata(view: TypeView, calendar: Calendar, version: float) -> Json:
    """The reportTypeMetadata: every column that could be added, and what filters there are."""
    categories = [
        {"columns": {known.name: _category_column(known, version) for known in columns}, "label": label}
        for label, columns in view.categories().items()
    ]
    return {
        "categories": categories,
        "dataTypeFilterOperatorMap": operator_map(),
        "divisionInfo": None,
        "scopeInfo": _scopes(view),
        "standardDateFilterDurationGroups": duration_groups(calendar),
        "standardFilterInfos": {},
    }
