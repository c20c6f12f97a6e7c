"""A small org in memory for the SOQL tests: a schema of its own, rows in SQLite, and `ids` to run a query."""

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime

from orgsim.schema import Field, PicklistValue, Schema, Scope, SObject
from orgsim.soql import Plan, QueryContext, compile_query, register

NOW = datetime(2026, 5, 6, 15, 30, tzinfo=UTC)  # a Wednesday
ME = "005000000000001AAA"
CONTEXT = QueryContext(user_id=ME, now=NOW, time_zone="America/New_York")


def field(name: str, kind: str, **more: object) -> Field:
    return Field(name=name, label=name, type=kind, **more)  # type: ignore[arg-type]


USER = SObject(
    name="User",
    label="User",
    label_plural="Users",
    key_prefix="005",
    fields=(
        field("Id", "id", nillable=False),
        field("Name", "string"),
        field("Email", "email"),
        field("ManagerId", "reference", reference_to=("User",), relationship_name="Manager"),
    ),
)
ACCOUNT = SObject(
    name="Account",
    label="Account",
    label_plural="Accounts",
    key_prefix="001",
    fields=(
        field("Id", "id", nillable=False),
        field("IsDeleted", "boolean", nillable=False),
        field("Name", "string", nillable=False),
        field("Notes__c", "textarea", length=32_000, custom=True, filterable=False),
        field("OwnerId", "reference", nillable=False, reference_to=("User",), relationship_name="Owner"),
    ),
)
GROUP = SObject(
    name="Group",
    label="Group",
    label_plural="Groups",
    key_prefix="00G",
    fields=(field("Id", "id", nillable=False), field("Name", "string", nillable=False)),
)
GROUP_MEMBER = SObject(
    name="GroupMember",
    label="Group Member",
    label_plural="Group Members",
    key_prefix="011",
    fields=(
        field("Id", "id", nillable=False),
        field("GroupId", "reference", reference_to=("Group",), relationship_name="Group"),
        field("UserOrGroupId", "reference", reference_to=("User",)),
    ),
)
CONTACT = SObject(
    name="Contact",
    label="Contact",
    label_plural="Contacts",
    key_prefix="003",
    supported_scopes=tuple(
        Scope(name, name)
        for name in ("everything", "mine", "team", "mine_and_my_groups", "queue_owned", "scopingRule")
    ),
    fields=(
        field("Id", "id", nillable=False),
        field("IsDeleted", "boolean", nillable=False),
        field("Name", "string"),
        field("Email", "email"),
        field("Description", "textarea", length=32_000, filterable=False, sortable=False, groupable=False),
        field("Age__c", "double", custom=True),
        field("Optout__c", "boolean", nillable=False, custom=True),
        field("Born__c", "date", custom=True),
        field("Seen__c", "datetime", custom=True, groupable=False),
        field("Tags__c", "multipicklist", custom=True, sortable=False, groupable=False),
        field(
            "Level__c",
            "picklist",
            custom=True,
            picklist=(PicklistValue("Low", "Just a little"), PicklistValue("High", "A lot")),
        ),
        field("SystemModstamp", "datetime", nillable=False, groupable=False),
        field("Modified__c", "datetime", custom=True, calculated=True, formula_sql='{t}."SystemModstamp"'),
        field(
            "AccountId",
            "reference",
            reference_to=("Account",),
            relationship_name="Account",
            child_relationship="Contacts",
        ),
        field(
            "OwnerId", "reference", nillable=False, reference_to=("Group", "User"), relationship_name="Owner"
        ),
        field(
            "MailingAddress", "address", filterable=False, sortable=False, groupable=False, formula_sql="'{}'"
        ),
    ),
)
SCHEMA = Schema((USER, ACCOUNT, CONTACT, GROUP, GROUP_MEMBER))


def connect() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    register(connection)
    for sobject in SCHEMA.sobjects:
        columns = ", ".join(f'"{f.name}"' for f in sobject.fields if f.stored)
        connection.execute(f'CREATE TABLE "{sobject.name}" (pk INTEGER PRIMARY KEY, {columns})')
    return connection


def insert(connection: sqlite3.Connection, sobject: str, rows: Iterable[dict[str, object]]) -> None:
    for row in rows:
        columns = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" * len(row))
        connection.execute(f'INSERT INTO "{sobject}" ({columns}) VALUES ({marks})', list(row.values()))


def contact(number: int, **values: object) -> dict[str, object]:
    """A contact that fills what is never null; the rest is null unless given."""
    return {
        "pk": number,
        "Id": record_id("003", number),
        "IsDeleted": 0,
        "Optout__c": 0,
        "SystemModstamp": "2026-05-01T00:00:00.000+0000",
        "OwnerId": ME,
    } | values


def record_id(prefix: str, number: int) -> str:
    return f"{prefix}{number:012d}AAA"


def plan(soql: str, context: QueryContext = CONTEXT) -> Plan:
    return compile_query(soql, SCHEMA, context)


def ids(connection: sqlite3.Connection, soql: str, context: QueryContext = CONTEXT) -> list[int]:
    """The pks a query selects, in its order."""
    compiled = plan(soql, context)
    return [pk for (pk,) in connection.execute(compiled.ids_sql, compiled.ids_params)]


def where(connection: sqlite3.Connection, condition: str, context: QueryContext = CONTEXT) -> list[int]:
    return sorted(ids(connection, f"SELECT Id FROM Contact WHERE {condition}", context))
