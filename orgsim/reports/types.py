"""Report types: what can be reported on, and how one user sees it.

A report has one row for every record of its type's base object. What field-level security hides of the fields is no
column for that user.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as attribute
from functools import cache

from orgsim.reports import type_tables
from orgsim.schema import Field, Schema, SObject
from orgsim.viewdef import field_at

_DATA_TYPES = {"reference": "id", "combobox": "string", "encryptedstring": "string"}
_NO_COLUMN = frozenset({"address", "location", "base64", "anyType"})
_NOT_UNIQUE = frozenset({"boolean"})
LONGEST_FILTERABLE = 255


@dataclass(frozen=True, slots=True)
class Column:
    """`id_path` is the record whose id the cells of a name column carry; `day` shows a moment as a day only."""

    name: str
    label: str
    path: str
    category: str
    id_path: str | None = None
    day: bool = False
    data_type: str | None = None
    entity: str | None = None


@dataclass(frozen=True, slots=True)
class ReportType:
    """`person` leads to the record that must exist for a row, empty when that is the base record itself.

    `custom_fields` gives the objects whose custom fields are columns, with the path that leads there.
    """

    name: str
    label: str
    base: str
    plural: str
    columns: tuple[Column, ...]
    person: str = ""
    custom_fields: Mapping[str, str] = attribute(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """A column as the user sees it, with the field behind it."""

    column: Column
    field: Field
    data_type: str
    entity: str

    @property
    def name(self) -> str:
        return self.column.name

    @property
    def is_long(self) -> bool:
        return self.field.type == "textarea" and self.field.length > LONGEST_FILTERABLE

    @property
    def filterable(self) -> bool:
        return self.field.filterable and not self.is_long

    @property
    def unique_countable(self) -> bool:
        return self.data_type not in _NOT_UNIQUE and not self.is_long

    @property
    def is_moment(self) -> bool:
        """A date or a date/time: it can be the standard date filter."""
        return self.data_type in ("date", "datetime")


@dataclass(frozen=True, slots=True)
class TypeView:
    type: ReportType
    sobject: SObject
    columns: Mapping[str, Known]

    def categories(self) -> dict[str, list[Known]]:
        found: dict[str, list[Known]] = {}
        for known in self.columns.values():
            found.setdefault(known.column.category, []).append(known)
        return found


def _column(line: str, category: str) -> Column:
    name, label, path, *rest = line.split("; ")
    words = rest[0].split() if rest else []
    more = dict(word.split("=", 1) for word in words if "=" in word)
    return Column(
        name, label, path, category, more.get("name"), "day" in words, more.get("as"), more.get("entity")
    )


def _columns(table: str) -> Iterator[Column]:
    category = ""
    for line in table.splitlines():
        if line.startswith("# "):
            category = line.removeprefix("# ")
        else:
            yield _column(line, category)


# Name, label, base object, what its records are called, columns.
_TYPES = (
    ("ContactList", "Contacts & Accounts", "Contact", "contacts", type_tables.CONTACT_LIST),
    ("LeadList", "Leads", "Lead", "leads", type_tables.LEAD_LIST),
    ("AccountList", "Accounts", "Account", "accounts", type_tables.ACCOUNT_LIST),
    ("Contacts_with_Tasks__c", "Contacts with Tasks", "Task", "tasks", type_tables.CONTACTS_WITH_TASKS),
    (
        "Contacts_with_Converted_Leads__c",
        "Contacts with Converted Leads",
        "Lead",
        "leads",
        type_tables.CONTACTS_WITH_CONVERTED_LEADS,
    ),
)
_PERSONS = {"Contacts_with_Tasks__c": "Who", "Contacts_with_Converted_Leads__c": "ConvertedContact"}
_CUSTOM_FIELDS = {
    "ContactList": {"Contact": "", "Account": "Account."},
    "LeadList": {"Lead": ""},
    "AccountList": {"Account": ""},
}


@cache
def report_types() -> Mapping[str, ReportType]:
    """Every report type of the org by API name."""
    return {
        name: ReportType(
            name=name,
            label=label,
            base=base,
            plural=plural,
            columns=tuple(_columns(table)),
            person=_PERSONS.get(name, ""),
            custom_fields=_CUSTOM_FIELDS.get(name, {}),
        )
        for name, label, base, plural, table in _TYPES
    }


def type_view(name: str, schema: Schema) -> TypeView | None:
    """The report type as the schema of one user leaves it; None when the type or its object isn't there."""
    found = report_types().get(name)
    sobject = schema.sobject(found.base) if found else None
    if found is None or sobject is None:
        return None
    sobject = _narrowed(sobject)
    columns = {}
    for column in (*found.columns, *_custom_columns(found, schema)):
        known = _known(column, found, schema, sobject)
        if known is not None:
            columns[column.name] = known
    return TypeView(found, sobject, columns)


def _narrowed(sobject: SObject) -> SObject:
    """A report type settles what a field points at that may point at several objects: a contact, else a user."""
    fields = tuple(_narrowed_field(field) for field in sobject.fields)
    return sobject if fields == sobject.fields else replace(sobject, fields=fields)


def _narrowed_field(field: Field) -> Field:
    if len(field.reference_to) < 2:
        return field
    chosen = next((name for name in ("Contact", "User") if name in field.reference_to), None)
    return replace(field, reference_to=(chosen,)) if chosen else field


def _custom_columns(report_type: ReportType, schema: Schema) -> Iterator[Column]:
    for name, start in report_type.custom_fields.items():
        sobject = schema.sobject(name)
        for field in sobject.fields if sobject else ():
            if field.custom and field.type not in _NO_COLUMN:
                yield Column(
                    name=f"{name}.{field.name}",
                    label=field.label,
                    path=start + field.name,
                    category=f"{name}: Custom Info",
                    entity=f"{name}.{field.name}",
                )


def _known(column: Column, report_type: ReportType, schema: Schema, sobject: SObject) -> Known | None:
    field = field_at(schema, sobject, column.path)
    if field is None or (column.id_path and field_at(schema, sobject, column.id_path) is None):
        return None
    data_type = column.data_type or _DATA_TYPES.get(field.type, field.type)
    return Known(column, field, data_type, column.entity or _entity(column.path, report_type.base))


def _entity(path: str, base: str) -> str:
    """`Contact.FirstName`, `Account.Name`, `Contact.Owner.Name`: fields of the account carry its own name."""
    return path if path.startswith("Account.") else f"{base}.{path}"
