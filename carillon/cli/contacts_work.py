"""The part of `carillon contacts` that needs Django."""

import csv
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

import msgspec

from carillon.accounts.models import Workspace
from carillon.accounts.queries import only_workspace
from carillon.cli.tables import aligned
from carillon.consent import words
from carillon.contacts import queries
from carillon.contacts.models import Contact
from carillon.imports import erasing
from carillon.web.people import erase as erase_person

FIRST = 25
TOGETHER = 2000
COLUMNS = (
    "salesforce_id",
    "object",
    "first_name",
    "last_name",
    "mobile_number",
    "mobile_as_given",
    "user_identification",
    "consent",
    "in_source",
    "source_modified_at",
)
# Numbers as they are, digit by digit, which Python's own JSON can't write.
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_SHOWN = ("last_name", "first_name", "mobile_number", "consent", "in_source", "salesforce_id")


def write(workspace_name: str, form: str, text: str, *, everyone: bool) -> None:
    workspace = only_workspace(workspace_name)
    found: Iterable[Contact]
    if everyone:
        found = queries.every(workspace, text)
    else:
        page = queries.search(workspace, text, limit=FIRST)
        found = page.contacts
        if page.next:
            count = queries.matching(workspace, text).count()
            sys.stderr.write(f"carillon: {FIRST} of {count:,}; --all for all\n")
    extra = [field.name for field in queries.contact_fields(workspace)]
    people = (person for some in _in_lists(found) for person in _some_values(some, extra))
    {"csv": _csv, "json": _json, "table": _table}[form](people, [*COLUMNS, *extra])


def _some_values(some: list[Contact], extra: list[str]) -> Iterator[dict[str, Any]]:
    former = queries.former_ids_of(some)
    for contact, word in zip(some, words.for_programs(some), strict=True):
        yield _values(contact, word, former.get(contact.pk, []), extra)


def _values(contact: Contact, consent: str, former: list[str], extra: list[str]) -> dict[str, Any]:
    """A table's columns, and what only JSON has room for."""
    return {
        "salesforce_id": contact.salesforce_id,
        "object": contact.object,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "mobile_number": contact.mobile_number,
        "mobile_as_given": contact.mobile_as_given,
        "user_identification": contact.user_identification,
        "consent": consent,
        "in_source": contact.in_source,
        "source_modified_at": _second(contact.source_modified_at),
        "left_source_at": _second(contact.left_source_at),
        "absence": contact.absence,
        "former_ids": former,
        **{name: contact.fields.get(name) for name in extra},
    }


def _second(at: datetime | None) -> str | None:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def _in_lists(found: Iterable[Contact]) -> Iterator[list[Contact]]:
    """In lists of bounded size, each as soon as it is there."""
    rest = iter(found)
    while some := list(islice(rest, TOGETHER)):
        yield some


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ";".join(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)


def _csv(people: Iterator[dict[str, Any]], columns: list[str]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    for person in people:
        writer.writerow([_as_text(person[column]) for column in columns])


def _json(people: Iterator[dict[str, Any]], columns: list[str]) -> None:
    """One array, written as it is read."""
    sys.stdout.write("[")
    for index, person in enumerate(people):
        sys.stdout.write(",\n" if index else "\n")
        sys.stdout.write(_ENCODER.encode(person).decode())
    sys.stdout.write("\n]\n")


def _table(people: Iterator[dict[str, Any]], columns: list[str]) -> None:
    rows = [[_as_text(person[name]) or "-" for name in _SHOWN] for person in people]
    if not rows:
        sys.stdout.write("Nobody was found.\n")
        return
    heads = [name.replace("_", " ").upper() for name in _SHOWN]
    for row in aligned([heads, *rows]):
        sys.stdout.write("  ".join(row).rstrip() + "\n")


def consequences(workspace_name: str, salesforce_id: str) -> str:
    """What erasing the person means, for somebody about to confirm it. Raises CarillonError."""
    found = erasing.erasable(only_workspace(workspace_name), salesforce_id)
    who = str(found.contact) if found.contact else "a record of which only issues are here"
    others = (
        f" {found.same_number} others here have the same number and will not be texted either."
        if found.same_number
        else ""
    )
    return (
        f"This erases {who}: names, numbers, fields, issues and timeline. Imports leave this record out from now on,"
        f" and the number is not texted.{others} It can't be undone."
    )


def erase(workspace_name: str, salesforce_id: str) -> None:
    workspace: Workspace = only_workspace(workspace_name)
    erase_person(workspace=workspace, salesforce_id=salesforce_id, by=None)
