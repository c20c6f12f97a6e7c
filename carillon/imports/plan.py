"""What one run reads and how values are mapped: frozen, made from the setup and the org's describe. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from carillon.imports.values import READ_BY_TYPE
from carillon.salesforce.reports.describes import ReportDescription
from carillon.salesforce.soql import ListQuery, compose

# Read with every record, whatever is mapped: identity, order, and who changed it last.
SYSTEM_FIELDS = ("Id", "SystemModstamp", "LastModifiedDate", "LastModifiedById")

# What a report is read for: the ids of its records, whose fields a query then reads, or all of it.
BY_IDS, REPORT_ONLY = "by_ids", "report_only"


@dataclass(frozen=True, slots=True)
class ReportSource:
    """A report as it is described now, and its columns with the record's id and, where it is read alone, with the
    date and time of the record's last change. `values` are those of picklists by the label that the report shows, by
    column."""

    report: ReportDescription
    way: str
    id_column: str
    modified_column: str
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def parts(self) -> tuple[object, ...]:
        """What decides which records it holds and how they are read. The days of a relative range are left out: they
        pass by without anybody's change."""
        report, dates = self.report, self.report.date_filter
        days: tuple[str, ...] = (dates.column, dates.duration) if dates else ()
        if dates and dates.duration == "CUSTOM":
            days += (dates.start or "", dates.end or "")
        return (
            "report",
            report.id,
            self.way,
            self.id_column,
            self.modified_column,
            report.type_name,
            report.scope,
            [(one.column, one.operator, one.value) for one in report.filters],
            report.boolean_filter or "",
            report.cross_filters,
            days,
        )


@dataclass(frozen=True, slots=True)
class MappedField:
    """A Salesforce field or path, its describe type, the contact field it goes to and that field's type. A blank
    clears what is stored, unless it `keeps_when_blank`."""

    salesforce: str
    salesforce_type: str
    contact_field: str
    type: str
    keeps_when_blank: bool = False


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """Names are API names; "" means not mapped. `unreadable` are mapped optional fields that the API user can't
    see now, or can't be read any more: what is stored stays. `stale` are mapped fields whose changes don't touch the
    record's stamp: formulas, and fields of related records.

    Of a report, `query` is about every record of the object; names are columns where it is read alone."""

    object: str
    region: str
    query: ListQuery
    first_name: str
    first_name_fallback: str
    last_name: str
    mobile_number: str
    user_identification: str
    additional: tuple[MappedField, ...]
    types: dict[str, str]
    unreadable: frozenset[str] = frozenset()
    stale: frozenset[str] = frozenset()
    report: ReportSource | None = None
    # Fields to read beside the mapped ones.
    beside: tuple[str, ...] = ()

    @property
    def reads_rows(self) -> bool:
        """Whether records are the rows of a report."""
        return self.report is not None and self.report.way == REPORT_ONLY

    @property
    def mapped(self) -> tuple[str, ...]:
        """Every mapped field or path, each once, readable or not."""
        names = (
            self.first_name,
            self.first_name_fallback,
            self.last_name,
            self.mobile_number,
            self.user_identification,
            *(field.salesforce for field in self.additional),
        )
        return tuple(dict.fromkeys(name for name in names if name))

    @property
    def selected(self) -> tuple[str, ...]:
        """The SELECT list: system fields first, each name once (a field twice is an error in SOQL)."""
        readable = (name for name in self.mapped if name not in self.unreadable)
        return tuple(dict.fromkeys((*SYSTEM_FIELDS, *readable, *self.beside)))

    def soql(
        self,
        fields: tuple[str, ...] = (),
        *,
        conditions: tuple[str, ...] = (),
        order_by: str = "SystemModstamp, Id",
        limit: int | None = None,
    ) -> str:
        """The source's own query with our SELECT list, order and added conditions."""
        if self.object == "Lead":
            conditions = ("IsConverted = false", *conditions)
        return compose(
            self.query, fields or self.selected, conditions=conditions, order_by=order_by, limit=limit
        )

    def fingerprint(self, org_id: str) -> str:
        """Changes whenever stored contacts could differ from what a full read under this plan would give."""
        parts = (
            org_id,
            self.object,
            self.region,
            self.query.source,
            self.query.scope,
            self.query.where,
            self.first_name,
            self.first_name_fallback,
            self.last_name,
            self.mobile_number,
            self.user_identification,
            # Not their order, which changes nothing; but the org may give a field another type without touching
            # its records.
            sorted(
                (f.salesforce, f.salesforce_type, f.contact_field, f.type, *(("keep",) * f.keeps_when_blank))
                for f in self.additional
            ),
            sorted(self.unreadable),
            *(self.report.parts() if self.report else ()),
            # Other types are text as it stands.
            *(kind for kind in (self.types.get(self.user_identification, ""),) if kind in READ_BY_TYPE),
        )
        return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()
