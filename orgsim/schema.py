"""What an org knows of its objects: the words every other module of the simulated org shares.

Names compare without case, as in Salesforce. A field is either *stored* (a column of the same name in the object's
table) or *computed*: `formula_sql` is then an SQL expression in which `{t}` stands for the table's alias.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from dataclasses import field as attribute

TEXT_TYPES = frozenset(
    {
        "string",
        "textarea",
        "phone",
        "email",
        "url",
        "picklist",
        "multipicklist",
        "combobox",
        "id",
        "reference",
    }
)


@dataclass(frozen=True, slots=True)
class PicklistValue:
    value: str
    label: str
    default: bool = False
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    name: str
    label: str
    type: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    digits: int = 0
    nillable: bool = True
    updateable: bool = True
    createable: bool = True
    filterable: bool = True
    sortable: bool = True
    groupable: bool = True
    aggregatable: bool = True
    permissionable: bool = True
    defaulted_on_create: bool = False
    id_lookup: bool = False
    external_id: bool = False
    name_field: bool = False
    custom: bool = False
    calculated: bool = False
    formula: str | None = None
    formula_sql: str | None = None
    reference_to: tuple[str, ...] = ()
    relationship_name: str | None = None
    child_relationship: str | None = None
    picklist: tuple[PicklistValue, ...] = ()
    restricted_picklist: bool = False
    compound_field_name: str | None = None
    extra_type_info: str | None = None
    default_value: bool | str | None = None

    @property
    def stored(self) -> bool:
        return self.formula_sql is None

    @property
    def label_of(self) -> dict[str, str]:
        return {value.value: value.label for value in self.picklist}

    def sql(self, alias: str) -> str:
        """The expression of this field in SQL, with the table known as `alias`."""
        if self.formula_sql is None:
            return f'{alias}."{self.name}"'
        return self.formula_sql.replace("{t}", alias)


@dataclass(frozen=True, slots=True)
class Scope:
    name: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SObject:
    name: str
    label: str
    label_plural: str
    key_prefix: str
    fields: tuple[Field, ...]
    supported_scopes: tuple[Scope, ...] = ()
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    listviewable: bool = False
    soft_deletes: bool = True
    _by_name: dict[str, Field] = attribute(init=False, repr=False, compare=False)
    _by_relationship: dict[str, Field] = attribute(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {f.name.lower(): f for f in self.fields})
        by_relationship = {
            f.relationship_name.lower(): f for f in self.fields if f.relationship_name and f.reference_to
        }
        object.__setattr__(self, "_by_relationship", by_relationship)

    def field(self, name: str) -> Field | None:
        return self._by_name.get(name.lower())

    def relationship(self, name: str) -> Field | None:
        """The reference field behind a relationship name: `Owner` -> OwnerId."""
        return self._by_relationship.get(name.lower())

    @property
    def name_field(self) -> Field | None:
        return next((f for f in self.fields if f.name_field), None)

    @property
    def scope_names(self) -> tuple[str, ...]:
        return tuple(scope.name for scope in self.supported_scopes)


@dataclass(frozen=True, slots=True)
class Schema:
    """The objects of one org as one user sees them; `hiding` makes what field-level security leaves."""

    sobjects: tuple[SObject, ...]
    _by_name: dict[str, SObject] = attribute(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {s.name.lower(): s for s in self.sobjects})

    def sobject(self, name: str) -> SObject | None:
        return self._by_name.get(name.lower())

    def of_id(self, record_id: str) -> SObject | None:
        return next((s for s in self.sobjects if s.key_prefix and record_id.startswith(s.key_prefix)), None)

    def hiding(self, hidden: Iterable[tuple[str, str]]) -> "Schema":
        """This schema without the (object, field) pairs; pairs that name nothing are ignored."""
        lowered = {(sobject.lower(), name.lower()) for sobject, name in hidden}
        kept = (
            replace(s, fields=tuple(f for f in s.fields if (s.name.lower(), f.name.lower()) not in lowered))
            for s in self.sobjects
        )
        return Schema(tuple(kept))

    def without(self, names: Collection[str]) -> "Schema":
        """This schema without these objects; a field that pointed at one no longer says where to."""
        kept = (
            replace(s, fields=tuple(_not_pointing(f, names) for f in s.fields))
            for s in self.sobjects
            if s.name not in names
        )
        return Schema(tuple(kept))


def _not_pointing(field: Field, names: Collection[str]) -> Field:
    left = tuple(name for name in field.reference_to if name not in names)
    if left == field.reference_to:
        return field
    return replace(field, reference_to=left, relationship_name=field.relationship_name if left else None)
