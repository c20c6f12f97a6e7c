"""The describe of an object: its fields as the API user sees them.

A field hidden by field-level security is simply missing, with no error.
"""

from dataclasses import dataclass, field

import msgspec

from carillon.salesforce.orgs import decode


@dataclass(frozen=True, slots=True)
class PicklistValue:
    """`value` is what records hold; `label` is what people see."""

    value: str
    label: str
    active: bool


@dataclass(frozen=True, slots=True)
class FieldDescribe:
    """`compound_field_name` names the address or name this field is a part of; `calculated` means a formula."""

    name: str
    label: str
    type: str
    length: int
    nillable: bool
    updateable: bool
    filterable: bool
    sortable: bool
    calculated: bool
    custom: bool
    relationship_name: str | None
    reference_to: tuple[str, ...]
    picklist_values: tuple[PicklistValue, ...]
    compound_field_name: str | None


@dataclass(frozen=True, slots=True)
class ObjectDescribe:
    name: str
    label: str
    fields: tuple[FieldDescribe, ...]
    updateable: bool = False
    _by_name: dict[str, FieldDescribe] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {item.name.lower(): item for item in self.fields})

    def field(self, name: str) -> FieldDescribe | None:
        """The field of this API name in any case; None when it does not exist or is hidden."""
        return self._by_name.get(name.lower())


class _PicklistValue(msgspec.Struct):
    value: str
    label: str | None = None
    active: bool = True


class _Field(msgspec.Struct, rename="camel"):
    name: str
    type: str
    label: str | None = None
    length: int = 0
    nillable: bool = True
    updateable: bool = False
    filterable: bool = False
    sortable: bool = False
    calculated: bool = False
    custom: bool = False
    relationship_name: str | None = None
    reference_to: list[str] = []
    picklist_values: list[_PicklistValue] | None = None
    compound_field_name: str | None = None


class _Object(msgspec.Struct):
    name: str
    fields: list[_Field]
    label: str | None = None
    updateable: bool = False


def describe_of(body: bytes) -> ObjectDescribe:
    said = decode(body, _Object)
    fields = tuple(_field_of(item) for item in said.fields)
    return ObjectDescribe(said.name, said.label or said.name, fields, said.updateable)


def _field_of(item: _Field) -> FieldDescribe:
    return FieldDescribe(
        name=item.name,
        label=item.label or item.name,
        type=item.type,
        length=item.length,
        nillable=item.nillable,
        updateable=item.updateable,
        filterable=item.filterable,
        sortable=item.sortable,
        calculated=item.calculated,
        custom=item.custom,
        relationship_name=item.relationship_name,
        reference_to=tuple(item.reference_to),
        picklist_values=tuple(
            PicklistValue(entry.value, entry.label or entry.value, entry.active)
            for entry in item.picklist_values or ()
        ),
        compound_field_name=item.compound_field_name,
    )
