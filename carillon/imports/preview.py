"""The first records of a setup as they would be imported: read by the import's own reader and mapped by its own
mapper, and nothing is stored."""

import json
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import msgspec

from carillon.connections.clients import connection_for
from carillon.contacts import remembered
from carillon.contacts.models import FieldType
from carillon.imports.catalog import signed_in
from carillon.imports.checking import CheckedSetup
from carillon.imports.drafts import unsaved
from carillon.imports.mapping import Batch, Issue, Mapper, Row
from carillon.imports.models import ImportSetup
from carillon.imports.planning import make_plan
from carillon.imports.sources.readers import reader_of

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
class Person:
    """One record; a rejected one has issues and no cells."""

    salesforce_id: str
    name: str
    address: str
    cells: tuple[Cell, ...]
    issues: tuple[Issue, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """`warnings` are about the setup as a whole. `erased` of the first records are not among the people: who was erased
    here is not imported again, nor shown."""

    people: tuple[Person, ...]
    columns: tuple[Column, ...]
    warnings: tuple[Issue, ...]
    erased: int = 0


def preview(setup: ImportSetup, checked: CheckedSetup) -> Preview:
    """Reads the first records in the order of an import. Raises SalesforceError, CarillonError."""
    tried, mappings = unsaved(setup, checked.draft, checked.source.label)
    with signed_in(setup.workspace) as client:
        plan, warnings = make_plan(client, tried, mappings)
        mapper = Mapper(replace(plan, beside=("Name",)))
        records = reader_of(client, mapper.plan, mapper.record).first(SHOWN)
    columns = _columns(checked)
    host = connection_for(setup.workspace_id).host
    read = [_person(mapper.page([record]), record, columns, host) for record in records]
    erased = remembered.erased(setup.workspace_id, [person.salesforce_id for person in read])
    people = tuple(person for person in read if person.salesforce_id not in erased)
    return Preview(people, columns, tuple(warnings), len(erased))


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
