"""What a report is: its columns, filters, sort and format, from the describe resource.

Versions before 36.0 give a column a label and a data type only, and leave out whole keys, so each of them may be
missing or null. A column's `entity_field` ties it to a field of the object and is a hint, not a rule.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import msgspec

from carillon.salesforce.orgs import decode, id_18


@dataclass(frozen=True, slots=True)
class ReportColumn:
    """`name` is what a run is asked by; `entity_field` is such as Contact.MobilePhone, "" when not said.

    `lookup` is None where the org does not say whether cells carry the id of another record.
    """

    name: str
    label: str
    type: str
    entity_field: str = ""
    filterable: bool = True
    unique_countable: bool = False
    lookup: bool | None = None


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """A saved filter; `given` is the whole of it, to be sent back unchanged."""

    column: str
    operator: str
    value: str
    given: Mapping[str, Any] = field(repr=False, compare=False, default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReportSort:
    column: str
    order: str


@dataclass(frozen=True, slots=True)
class StandardDateFilter:
    """`duration` is CUSTOM or a relative range; CUSTOM without days means all time."""

    column: str
    duration: str
    start: str | None
    end: str | None


@dataclass(frozen=True, slots=True)
class ReportDescription:
    """`columns` are the report's own in their order; `addable` are all a run could add, by name.

    `format` is TABULAR, SUMMARY, MATRIX or MULTI_BLOCK (joined); `groupings` are columns grouped by, which are not
    among `columns`; `limits_rows` says that the report keeps only its first so many rows.
    """

    id: str
    name: str
    format: str
    type_name: str
    type_label: str
    columns: tuple[ReportColumn, ...]
    addable: Mapping[str, ReportColumn] = field(repr=False)
    groupings: tuple[str, ...]
    filters: tuple[ReportFilter, ...]
    boolean_filter: str | None
    sort_by: tuple[ReportSort, ...]
    date_filter: StandardDateFilter | None
    scope: str
    shows_details: bool
    limits_rows: bool
    historical: bool
    cross_filters: int
    has_chart: bool

    def column(self, name: str) -> ReportColumn | None:
        """The column of this name, in the report or addable to it."""
        for item in self.columns:
            if item.name == name:
                return item
        return self.addable.get(name)


class _Column(msgspec.Struct, rename="camel"):
    label: str | None = None
    data_type: str | None = None
    entity_column_name: str | None = None
    filterable: bool | None = None
    unique_countable: bool | None = None
    is_lookup: bool | None = None


class _Extended(msgspec.Struct):
    detailColumnInfo: dict[str, _Column] | None = None
    groupingColumnInfo: dict[str, _Column] | None = None


class _Type(msgspec.Struct):
    type: str | None = None
    label: str | None = None


class _Named(msgspec.Struct):
    name: str


class _Sort(msgspec.Struct):
    sortColumn: str
    sortOrder: str | None = None


class _DateFilter(msgspec.Struct):
    column: str | None = None
    durationValue: str | None = None
    startDate: str | None = None
    endDate: str | None = None


class _Metadata(msgspec.Struct, rename="camel"):
    id: str
    name: str | None = None
    report_format: str | None = None
    report_type: _Type | None = None
    detail_columns: list[str] | None = None
    report_filters: list[dict[str, Any]] | None = None
    report_boolean_filter: str | None = None
    sort_by: list[_Sort] | None = None
    standard_date_filter: _DateFilter | None = None
    scope: str | None = None
    has_detail_rows: bool | None = None
    groupings_down: list[_Named] | None = None
    groupings_across: list[_Named] | None = None
    cross_filters: list[Any] | None = None
    historical_snapshot_dates: list[Any] | None = None
    top_rows: Any = None
    chart: Any = None


class _Category(msgspec.Struct):
    columns: dict[str, _Column] | None = None


class _ReportType(msgspec.Struct):
    categories: list[_Category] | None = None


class _Described(msgspec.Struct, rename="camel"):
    report_metadata: _Metadata
    report_extended_metadata: _Extended | None = None
    report_type_metadata: _ReportType | None = None


def report_of(body: bytes) -> ReportDescription:
    said = decode(body, _Described)
    metadata = said.report_metadata
    extended = said.report_extended_metadata or _Extended()
    known = {**(extended.groupingColumnInfo or {}), **(extended.detailColumnInfo or {})}
    kind = metadata.report_type or _Type()
    return ReportDescription(
        id=id_18(metadata.id),
        name=metadata.name or metadata.id,
        format=(metadata.report_format or "TABULAR").upper(),
        type_name=kind.type or "",
        type_label=kind.label or kind.type or "",
        columns=tuple(_column(name, known.get(name)) for name in metadata.detail_columns or ()),
        addable=MappingProxyType(_addable(said.report_type_metadata, known)),
        groupings=tuple(
            item.name for item in (*(metadata.groupings_down or ()), *(metadata.groupings_across or ()))
        ),
        filters=tuple(_filter(item) for item in metadata.report_filters or ()),
        boolean_filter=metadata.report_boolean_filter or None,
        sort_by=tuple(
            ReportSort(item.sortColumn, item.sortOrder or "Asc") for item in metadata.sort_by or ()
        ),
        date_filter=_date_filter(metadata.standard_date_filter),
        scope=metadata.scope or "",
        shows_details=metadata.has_detail_rows is not False,
        limits_rows=bool(metadata.top_rows),
        historical=bool(metadata.historical_snapshot_dates),
        cross_filters=len(metadata.cross_filters or ()),
        has_chart=bool(metadata.chart),
    )


def _addable(kind: _ReportType | None, known: Mapping[str, _Column]) -> dict[str, ReportColumn]:
    categories: Sequence[_Category] = (kind.categories if kind else None) or ()
    columns = {
        name: _column(name, item) for entry in categories for name, item in (entry.columns or {}).items()
    }
    # What is said of a column in use is fuller than what is said of it in its category.
    return columns | {name: _column(name, item) for name, item in known.items()}


def _column(name: str, item: _Column | None) -> ReportColumn:
    item = item or _Column()
    return ReportColumn(
        name=name,
        label=item.label or name,
        type=(item.data_type or "string").lower(),
        entity_field=item.entity_column_name or "",
        filterable=item.filterable is not False,
        unique_countable=item.unique_countable is True,
        lookup=item.is_lookup,
    )


def _filter(given: Mapping[str, Any]) -> ReportFilter:
    value = given.get("value")
    return ReportFilter(
        column=str(given.get("column") or ""),
        operator=str(given.get("operator") or ""),
        value="" if value is None else str(value),
        given=MappingProxyType(dict(given)),
    )


def _date_filter(item: _DateFilter | None) -> StandardDateFilter | None:
    if item is None or not item.column:
        return None
    return StandardDateFilter(item.column, item.durationValue or "CUSTOM", item.startDate, item.endDate)
