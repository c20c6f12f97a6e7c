"""Makes a new org's data file: its users, accounts, people and list views, all from one seed."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from orgsim import fieldsecurity, people, permissions, persons, store, teams
from orgsim.catalog import standard_schema
from orgsim.clock import stamp
from orgsim.ids import serial_id
from orgsim.liststock import STOCK, stored_row
from orgsim.schema import Schema

ORG_NAME = "Hawthorn State University"
_HIDDEN = [
    (sobject, field) for sobject in ("Contact", "Lead") for field in ("HasOptedOutOfEmail", "DoNotCall")
]


@dataclass(frozen=True, slots=True)
class Size:
    contacts: int
    leads: int
    seed: int = 1
    person_accounts: bool = False

    @property
    def schema(self) -> Schema:
        return standard_schema(person_accounts=self.person_accounts)


def _organization(population: people.Population, born: str) -> people.Row:
    api_user = population.user_ids[0]
    return (
        serial_id("00D", 1),
        ORG_NAME,
        "Hawthorn",
        "NY",
        "Dana Whitlock",
        "SIM1",
        0,
        "Developer Edition",
        "America/New_York",
        "en_US",
        "en_US",
        born,
        api_user,
        born,
        api_user,
        born,
    )


_ORGANIZATION_COLUMNS = tuple(
    field.name
    for sobject in standard_schema().sobjects
    if sobject.name == "Organization"
    for field in store.stored_fields(sobject)
    if field.name not in {"NamespacePrefix", "TrialExpirationDate"}
)


def _tables(size: Size, now: datetime) -> Iterator[store.Filled]:
    names = min(people.MOST_NAMES, 200 + size.contacts + size.leads)
    population = people.Population(size.seed, people.history_end(now), names)
    born = stamp(datetime.fromisoformat("2019-08-01T09:00:00+00:00"))
    yield "User", people.USER_COLUMNS, population.users()
    yield "Organization", _ORGANIZATION_COLUMNS, [_organization(population, born)]
    yield from permissions.born(population.user_ids[0], born)
    yield from teams.born(population.user_ids, serial_id("00D", 1), born)
    yield from fieldsecurity.born(size.schema, _HIDDEN, born)
    yield "Account", people.ACCOUNT_COLUMNS, population.accounts()
    yield "Contact", people.CONTACT_COLUMNS, population.contacts(size.contacts)
    yield "Lead", people.LEAD_COLUMNS, population.leads(size.leads, size.contacts)
    yield "list_view", ("id", "sobject", "position", "shared", "definition"), map(stored_row, STOCK)
    shared = [view for view in STOCK if view.shared]
    columns = ("Id", "Name", "DeveloperName", "SobjectType", "IsSoqlCompatible")
    stamps = ("CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")
    user = population.user_ids[1]
    yield (
        "ListView",
        columns + stamps,
        [
            (v.id, v.label, v.developer_name, v.sobject, int(v.soql_compatible), born, user, born, user, born)
            for v in shared
        ],
    )
    yield (
        "hidden_field",
        ("sobject", "field"),
        _HIDDEN,
    )


def make(path: Path, size: Size, now: datetime) -> None:
    """Write the data file of a new org; nothing is left behind when it fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    meta = {
        "org_id": serial_id("00D", 1),
        "seed": str(size.seed),
        "serial:Contact": str(size.contacts + 1),
        "serial:Lead": str(size.leads + 1),
        "serial:Account": str(people.INSTITUTIONS + 1),
        "serial:ListView": str(len(STOCK) + 1),
    }
    if size.person_accounts:
        meta[store.PERSON_ACCOUNTS] = "yes"
    store.create(path, _tables(size, now), meta, partial(_finish, size))


def _finish(size: Size, connection: sqlite3.Connection) -> None:
    if size.person_accounts:
        first = people.INSTITUTIONS + 1
        made = persons.born(connection, first)
        connection.execute("UPDATE meta SET value = ? WHERE key = 'serial:Account'", (str(first + made),))
