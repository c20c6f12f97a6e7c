"""The first records of a setup as they would be imported: read by the import's own reader and mapped by its own
mapper, and nothing is stored."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import msgspec

from carillon.connections.clients import connection_for
from carillon.consent.decide import Says, Statement
from carillon.consent.foreseeing import foresee, staying_out
from carillon.consent.importing import Sighting
from carillon.consent.reading import Mapping as Meaning
from carillon.consent.reading import Seen
from carillon.contacts import remembered
from carillon.contacts.models import Contact, FieldType
from carillon.imports.catalog import signed_in
from carillon.imports.checking import CheckedSetup
from carillon.imports.drafts import unsaved
from carillon.imports.mapping import Batch, Issue, Mapper, Row
from carillon.imports.models import ImportSetup
from carillon.imports.opt_out import says_of, stored_value
from carillon.imports.plan import ImportPlan
from carillon.imports.planning import make_plan
from carillon.imports.sources.readers import reader_of
from carillon.salesforce.soql import parse_datetime

SHOWN = 20
_FIELDS = msgspec.json.Decoder(float_hook=Decimal)


@dataclass(frozen=True, slots=True)
class Column:
    """A contact field by its name, and the Salesforce field it comes from; `type` says how its values are read."""

    name: str
    label: str
    salesforce: str
    type: str = FieldType.TEXT


@dataclass(frozen=True, slots=True)
class Cell:
    """A value as it will be stored; None where the import leaves what is stored. `given` is what Salesforce holds,
    where that is written in another way."""

    column: Column
    value: Any
    given: str = ""


@dataclass(frozen=True, slots=True)
class Consent:
    """What the opt-out field of a record says, the value as Salesforce gives it, and what the status of the person's
    number would become; None when it stays."""

    says: Says
    value: str
    becomes: Says | None


@dataclass(frozen=True, slots=True)
class Person:
    """One record; a rejected one has issues and no cells. `consent` is None where no opt-out field is mapped."""

    salesforce_id: str
    name: str
    address: str
    cells: tuple[Cell, ...]
    issues: tuple[Issue, ...]
    consent: Consent | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """`warnings` are about the setup as a whole. `erased` of the first records are not among the people: who was erased
    here is not imported again, nor shown."""

    people: tuple[Person, ...]
    columns: tuple[Column, ...]
    warnings: tuple[Issue, ...]
    erased: int = 0
    opt_out: str = ""


def preview(setup: ImportSetup, checked: CheckedSetup) -> Preview:
    """Reads the first records in the order of an import. Raises SalesforceError, CarillonError."""
    tried, mappings = unsaved(setup, checked.draft, checked.source.label)
    with signed_in(setup.workspace) as client:
        plan, warnings = make_plan(client, tried, mappings, checked.draft.opt_out)
        mapper = Mapper(replace(plan, beside=("Name",)))
        records = reader_of(client, mapper.plan, mapper.record).first(SHOWN)
    columns = _columns(checked)
    host = connection_for(setup.workspace_id).host
    batches = [mapper.page([record]) for record in records]
    read = [_person(batch, record, columns, host) for batch, record in zip(batches, records, strict=True)]
    erased = remembered.erased(setup.workspace_id, [person.salesforce_id for person in read])
    flips = _flips(setup, plan, [row for batch in batches for row in batch.rows])
    people = tuple(
        replace(person, consent=_consent(plan, batch, flips))
        for person, batch in zip(read, batches, strict=True)
        if person.salesforce_id not in erased
    )
    return Preview(people, columns, tuple(warnings), len(erased), plan.opt_out)


def _consent(plan: ImportPlan, batch: Batch, flips: Mapping[str, Says]) -> Consent | None:
    if plan.meaning is None or not batch.rows:
        return None
    row = batch.rows[0]
    says = says_of(row.opt_out, plan.meaning)
    value = stored_value(row.opt_out) if row.opt_out else plan.meaning.value_for(says)
    return Consent(says, "" if value is None else str(value), flips.get(row.salesforce_id))


def _flips(setup: ImportSetup, plan: ImportPlan, rows: list[Row]) -> dict[str, Says]:
    """What would become of the numbers whose consent an import would change, by record."""
    if plan.meaning is None:
        return {}
    stored = Contact.objects.filter(
        workspace=setup.workspace, salesforce_id__in=[row.salesforce_id for row in rows]
    )
    before = dict(stored.values_list("salesforce_id", "mobile_number"))
    sightings = [
        Sighting(
            row.salesforce_id, row.mobile_number, before.get(row.salesforce_id), _seen(row, plan.meaning)
        )
        for row in rows
    ]
    seen = foresee(workspace=setup.workspace, object_name=setup.object, rows=sightings, mapping=plan.meaning)
    words: dict[str, list[Statement]] = {}
    for one in seen.flips.values():
        if one.word:
            words.setdefault(one.number, []).append(one.word)
    staying = staying_out(workspace=setup.workspace, words=words, known=seen.states)
    becomes = {record: Says.OUT for record, one in seen.flips.items() if one.opts_out}
    opted_in = {
        record: Says.IN for record, one in seen.flips.items() if one.word and one.number not in staying
    }
    return becomes | opted_in


def _seen(row: Row, meaning: Meaning) -> Seen:
    value = stored_value(row.opt_out) if row.opt_out else meaning.value_for(Says.IN)
    return Seen(value, parse_datetime(row.system_modstamp), parse_datetime(row.source_modified_at))


def _columns(checked: CheckedSetup) -> tuple[Column, ...]:
    draft = checked.draft
    first = draft.first_name + (f", else {draft.first_name_fallback}" if draft.first_name_fallback else "")
    columns = [
        Column("first_name", "First Name", first),
        Column("last_name", "Last Name", draft.last_name),
        Column("mobile_number", "Mobile Number", draft.mobile_number),
    ]
    if draft.user_identification:
        columns.append(Column("user_identification", "User Identification", draft.user_identification))
    for field in draft.additional_fields:
        columns.append(Column(field.contact_field, field.label, field.salesforce, field.type))
    return tuple(columns)


def _person(batch: Batch, record: Any, columns: tuple[Column, ...], host: str) -> Person:
    """`batch` is what the mapper made of this one record."""
    salesforce_id = batch.rows[0].salesforce_id if batch.rows else batch.rejected[0]
    cells = tuple(_cell(batch.rows[0], column) for column in columns) if batch.rows else ()
    name = _name(record)
    return Person(salesforce_id, name or salesforce_id, f"{host}/{salesforce_id}", cells, tuple(batch.issues))


def _cell(row: Row, column: Column) -> Cell:
    if column.name == "mobile_number":
        return Cell(column, row.mobile_number, row.mobile_as_given)
    if column.name in Row._fields:
        return Cell(column, getattr(row, column.name))
    values: dict[str, Any] = _FIELDS.decode(row.fields)
    if column.name not in values:
        return Cell(column, None)
    value = values[column.name]
    return Cell(column, "" if value is None else value)


def _name(record: Any) -> str:
    name = json.loads(bytes(record)).get("Name") if isinstance(record, msgspec.Raw) else record.Name
    return name if isinstance(name, str) else ""
