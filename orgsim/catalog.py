"""Reads the compact tables of standard objects into a Schema."""

import re
from functools import cache

from orgsim import catalog_activities, catalog_reports, catalog_setup, catalog_tables
from orgsim.catalog_persons import with_person_accounts
from orgsim.schema import Field, PicklistValue, Schema, Scope, SObject

_TYPE = re.compile(r"(\w+)(?:\((\d+)\))?")

_ADDRESS_PARTS = {
    "city": "City",
    "country": "Country",
    "geocodeAccuracy": "GeocodeAccuracy",
    "latitude": "Latitude",
    "longitude": "Longitude",
    "postalCode": "PostalCode",
    "state": "State",
    "street": "Street",
}

_EXPRESSIONS = {
    "photo": "'/services/images/photo/' || {t}.\"Id\"",
    "bounced": '({t}."EmailBouncedDate" IS NOT NULL)',
    "modified": '{t}."LastModifiedDate"',
    "account_name": '(SELECT a."Name" FROM "Account" a WHERE a."Id" = {t}."AccountId")',
    "owner_email": '(SELECT u."Email" FROM "User" u WHERE u."Id" = {t}."OwnerId")',
    **catalog_activities.EXPRESSIONS,
}
_VALUE_SETS = (
    catalog_tables.VALUE_SETS
    | catalog_activities.VALUE_SETS
    | catalog_setup.VALUE_SETS
    | catalog_reports.VALUE_SETS
)


def _address_sql(prefix: str) -> str:
    """The compound address as JSON text, null when every part is."""
    columns = {key: f'{{t}}."{prefix}{part}"' for key, part in _ADDRESS_PARTS.items()}
    parts = ", ".join(f"'{key}', {column}" for key, column in columns.items())
    return f"CASE WHEN coalesce({', '.join(columns.values())}) IS NOT NULL THEN json_object({parts}) END"


def _expression(name: str | None) -> str | None:
    if name is None:
        return None
    if name.startswith("address:"):
        return _address_sql(name.removeprefix("address:"))
    return _EXPRESSIONS[name]


def _values(set_name: str, default: str | None) -> tuple[PicklistValue, ...]:
    values = []
    for item in _VALUE_SETS[set_name].split("; "):
        value, _, label = item.partition("=")
        values.append(PicklistValue(value, label or value, default=value == default))
    return tuple(values)


def _default(type_name: str, more: dict[str, str]) -> bool | str | None:
    if type_name == "boolean":
        return False
    return more["default"].replace("_", " ") if "default" in more else None


def _field(line: str) -> Field:
    name, label, type_text, flags, *rest = line.split("; ")
    match = _TYPE.fullmatch(type_text)
    if match is None:
        raise ValueError(f"type of {name} is not readable: {type_text}")
    words = rest[0].split() if rest else []
    more = dict(word.split("=", 1) for word in words if "=" in word)
    precision, _, scale = more.get("num", "0,0").partition(",")
    default = _default(match[1], more)
    return Field(
        name=name,
        label=label,
        type=match[1],
        length=int(match[2] or 0),
        precision=int(precision),
        scale=int(scale),
        digits=int(more.get("digits", 0)),
        nillable="n" in flags,
        updateable="u" in flags,
        createable="c" in flags,
        filterable="f" in flags,
        sortable="s" in flags,
        groupable="g" in flags,
        aggregatable="a" in flags,
        permissionable="p" in flags,
        defaulted_on_create="d" in flags,
        id_lookup="i" in flags,
        external_id="x" in flags,
        name_field="N" in flags,
        custom=name.endswith("__c"),
        calculated="formula" in more,
        formula=more.get("formula"),
        formula_sql=_expression(more.get("sql")),
        reference_to=tuple(more["to"].split("|")) if "to" in more else (),
        relationship_name=more.get("rel"),
        child_relationship=more.get("kids"),
        picklist=_values(more["pick"], str(default)) if "pick" in more else (),
        restricted_picklist="restricted" in words,
        compound_field_name=more.get("in"),
        extra_type_info=more.get("extra"),
        default_value=default,
    )


def _fields(table: str) -> tuple[Field, ...]:
    return tuple(_field(line) for line in table.splitlines())


def _scopes(**labels: str) -> tuple[Scope, ...]:
    return tuple(Scope(name, label) for name, label in labels.items())


@cache
def standard_schema(person_accounts: bool = False) -> Schema:
    """Every object and field of the org, before field-level security."""
    schema = _without_persons()
    return with_person_accounts(schema) if person_accounts else schema


def _without_persons() -> Schema:
    contact = SObject(
        name="Contact",
        label="Contact",
        label_plural="Contacts",
        key_prefix="003",
        fields=_fields(catalog_tables.CONTACT),
        supported_scopes=_scopes(
            everything="All contacts",
            mine="My contacts",
            scopingRule="Filter by scope",
            team="My team's contacts",
        ),
        listviewable=True,
    )
    lead = SObject(
        name="Lead",
        label="Lead",
        label_plural="Leads",
        key_prefix="00Q",
        fields=_fields(catalog_tables.LEAD),
        supported_scopes=_scopes(
            everything="All leads",
            mine="My leads",
            queue_owned="Queue owned leads",
            scopingRule="Filter by scope",
            team="My team's leads",
            user_owned="User owned leads",
        ),
        listviewable=True,
    )
    return Schema((_account(), contact, lead, *_administrative(), _task()))


def _account() -> SObject:
    return SObject(
        name="Account",
        label="Account",
        label_plural="Accounts",
        key_prefix="001",
        fields=_fields(catalog_tables.ACCOUNT),
        supported_scopes=_scopes(everything="All accounts", mine="My accounts", team="My team's accounts"),
        listviewable=True,
    )


def _task() -> SObject:
    return SObject(
        name="Task",
        label="Task",
        label_plural="Tasks",
        key_prefix="00T",
        fields=_fields(catalog_activities.TASK),
        supported_scopes=_scopes(
            delegated="Delegated activities", everything="All activities", mine="My activities"
        ),
    )


# Name, label, plural label and key prefix of what the API shows and nobody writes.
_ADMINISTRATIVE = (
    ("User", "User", "Users", "005", catalog_tables.USER),
    ("Organization", "Organization", "Organizations", "00D", catalog_tables.ORGANIZATION),
    ("ListView", "List View", "List Views", "00B", catalog_tables.LIST_VIEW),
    ("PermissionSet", "Permission Set", "Permission Sets", "0PS", catalog_tables.PERMISSION_SET),
    (
        "PermissionSetAssignment",
        "Permission Set Assignment",
        "Permission Set Assignments",
        "0Pa",
        catalog_tables.PERMISSION_SET_ASSIGNMENT,
    ),
    (
        "ObjectPermissions",
        "Object Permissions",
        "Object Permissions",
        "110",
        catalog_tables.OBJECT_PERMISSIONS,
    ),
)


def _administrative() -> tuple[SObject, ...]:
    return tuple(
        SObject(
            name=name,
            label=label,
            label_plural=label_plural,
            key_prefix=key_prefix,
            fields=_fields(table),
            supported_scopes=_scopes(everything="Everything"),
            createable=False,
            updateable=False,
            deletable=False,
            soft_deletes=False,
        )
        for name, label, label_plural, key_prefix, table in (
            *_ADMINISTRATIVE,
            *catalog_setup.OBJECTS,
            *catalog_reports.OBJECTS,
        )
    )
