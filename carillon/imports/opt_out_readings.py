"""How the records of a source would be read under an opt-out field that need not be saved: counts by what they say, and
three real records, so that a reversed slider is seen. A few cheap calls, kept five minutes: what a value means is worked out
afterwards. A list view is counted whole. Of a report one run's rows are read, and another run says whether these are all:
counting the rest would take as many calls as importing it, since a report counts by what it shows only, and few show the field."""

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import msgspec
from django.core.cache import cache

from carillon.accounts.models import Workspace
from carillon.connections.clients import connection_for
from carillon.consent.decide import Says
from carillon.consent.queries import meaning_of
from carillon.consent.reading import FieldKind, OptOutField
from carillon.imports.catalog import KEEP_SECONDS, cache_key, signed_in
from carillon.imports.mapping import record_type
from carillon.imports.opt_out import Readings, Sample, reader_of_values
from carillon.imports.plan import BY_IDS, ImportPlan, ReportSource
from carillon.imports.sources.readers import reader_of
from carillon.lib.errors import CarillonError
from carillon.salesforce.client import Client
from carillon.salesforce.reports.checks import id_column
from carillon.salesforce.soql import ListQuery, compose, parse_list_view_query, string_literal

SHOWN = 3
# As many rows as one run of a report gives.
OF_A_REPORT = 2_000


@dataclass(frozen=True, slots=True)
class _Group:
    """Records of a source with one value: how many, and the first of them as id, name and value."""

    count: int
    first: tuple[tuple[str, str, Any], ...]


def of_list_view(workspace: Workspace, sobject: str, view: str, mapped: OptOutField) -> Readings:
    """`mapped` has no fault. Raises SalesforceError, CarillonError."""
    conditions = _conditions(mapped)
    asked = sha256("\n".join((sobject, view, *conditions)).encode()).hexdigest()
    key = cache_key("opt_out", connection_for(workspace.pk), asked)
    groups: list[_Group] | None = cache.get(key)
    if groups is None:
        with signed_in(workspace) as client:
            query = parse_list_view_query(client.list_view(sobject, view).query)
            groups = [_ask(client, query, mapped.field, condition) for condition in conditions]
        cache.set(key, groups, KEEP_SECONDS)
    return _read(workspace, sobject, mapped, groups)


def of_report(workspace: Workspace, sobject: str, report_id: str, mapped: OptOutField) -> Readings:
    """Of the first people of the report, which may be all; `mapped` has no fault. Raises SalesforceError, CarillonError."""
    key = cache_key("opt_out_report", connection_for(workspace.pk), f"{sobject}/{report_id}/{mapped.field}")
    kept: tuple[list[tuple[str, str, Any]], bool] | None = cache.get(key)
    if kept is None:
        with signed_in(workspace) as client:
            kept = _first_of(client, sobject, report_id, mapped)
        cache.set(key, kept, KEEP_SECONDS)
    found, whole = kept
    by_value: dict[Any, list[tuple[str, str, Any]]] = {}
    for one in found:
        by_value.setdefault(one[2], []).append(one)
    groups = [_Group(len(some), tuple(some[:SHOWN])) for some in by_value.values()]
    return replace(_read(workspace, sobject, mapped, groups), whole=whole)


def _first_of(
    client: Client, sobject: str, report_id: str, mapped: OptOutField
) -> tuple[list[tuple[str, str, Any]], bool]:
    """The first records as id, name and value, and whether the report has no more."""
    report = client.reports.describe(report_id)
    identification = id_column(report, sobject)
    if identification is None:
        raise CarillonError("The report shows no column with the id of its records.", "")
    plan = ImportPlan(
        object=sobject,
        region="",
        query=ListQuery(sobject, "", sobject, "", ""),
        first_name="",
        first_name_fallback="",
        last_name="Name",
        mobile_number="",
        user_identification="",
        additional=(),
        types={mapped.field: _TYPES[mapped.kind]},
        report=ReportSource(report, BY_IDS, identification.name, ""),
        opt_out=mapped.field,
    )
    records = reader_of(client, plan, record_type(plan)).first(OF_A_REPORT)
    read = [one for one in records if not isinstance(one, msgspec.Raw)]
    rows = client.reports.count(report)
    whole = rows is not None and rows <= OF_A_REPORT
    return [(one.Id, one.Name or one.Id, getattr(one, mapped.field)) for one in read], whole


_TYPES = {FieldKind.CHECKBOX: "boolean", FieldKind.PICKLIST: "picklist"}


def _conditions(mapped: OptOutField) -> tuple[str, ...]:
    """SOQL for each value that means something of its own, and for all others."""
    name = mapped.field
    if mapped.kind is FieldKind.CHECKBOX:
        return f"{name} = true", f"{name} = false"
    chosen = [string_literal(value) for value in (mapped.opted_in_value, mapped.opted_out_value)]
    return (
        f"{name} = {chosen[0]}",
        f"{name} = {chosen[1]}",
        f"{name} = null",
        f"{name} != null AND {name} NOT IN ({', '.join(chosen)})",
    )


def _ask(client: Client, query: ListQuery, field: str, condition: str) -> _Group:
    conditions = (*(("IsConverted = false",) if query.sobject.lower() == "lead" else ()), condition)
    count = client.count(compose(query, ("COUNT()",), conditions=conditions))
    if not count:
        return _Group(0, ())
    record = msgspec.defstruct("Named", [("Id", str), ("Name", str | None, None), (field, Any, None)])
    pages = client.query(
        compose(query, ("Id", "Name", field), conditions=conditions, order_by="Id", limit=SHOWN), record
    )
    found: list[Any] = [one for one in next(iter(pages)).records if not isinstance(one, msgspec.Raw)]
    return _Group(count, tuple((one.Id, one.Name or one.Id, getattr(one, field)) for one in found))


def _read(workspace: Workspace, sobject: str, mapped: OptOutField, groups: list[_Group]) -> Readings:
    _, meaning = meaning_of(workspace, sobject, mapped)
    counts: dict[Says, int] = {}
    if meaning is None:
        return Readings(counts, (), whole=True)
    value_of = reader_of_values(mapped.kind)
    shown: list[list[Sample]] = []
    for group in groups:
        read = [
            Sample(one, name, "" if value is None else str(value), meaning.says(value_of(value)))
            for one, name, value in group.first
        ]
        if read:
            counts[read[0].says] = counts.get(read[0].says, 0) + group.count
            shown.append(read)
    # One of each kind first.
    ordered = [read[place] for place in range(SHOWN) for read in shown if place < len(read)]
    return Readings(counts, tuple(ordered[:SHOWN]), whole=True)
