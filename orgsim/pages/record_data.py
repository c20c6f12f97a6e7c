"""One record as a page shows it: every field in words, who it points at, its tasks and what happened to it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from orgsim import history
from orgsim.ids import normalise
from orgsim.org import Org
from orgsim.pages.screen import moment
from orgsim.pages.visit import user_names
from orgsim.schema import Field, SObject
from orgsim.store import on

_TASKS = 10
_HISTORY = 50
_EVENTS = {
    history.CREATED: "Created",
    history.DELETED: "Deleted",
    history.UNDELETED: "Undeleted",
    history.MERGED: "Merged",
    history.CONVERTED: "Converted",
}


def address_of(record_id: str) -> str:
    """Where a record's page is: the address a real org's own pages have."""
    return f"/lightning/r/{record_id}/view"


def list_of(sobject: str) -> str:
    return f"/lightning/o/{sobject}/list" if sobject in ("Contact", "Lead") else "/"


@dataclass(frozen=True, slots=True)
class Link:
    """A value that is another record."""

    text: str
    address: str


Shown = str | Link


@dataclass(frozen=True, slots=True)
class Task:
    subject: str
    status: str
    by: str
    at: str
    address: str


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the history: `field` is a label; `old` and `new` are empty for what happened to the whole record."""

    at: str
    by: str
    field: str
    old: Shown
    new: Shown


@dataclass(frozen=True)
class Record:
    org: Org
    sobject: SObject
    id: str
    values: dict[str, object]

    @property
    def deleted(self) -> bool:
        return bool(self.values.get("IsDeleted"))

    @property
    def converted(self) -> bool:
        return bool(self.values.get("IsConverted"))

    @property
    def name(self) -> str:
        field = self.sobject.name_field or self.sobject.field("Subject")
        return str(self.values.get(field.name) or self.id) if field else self.id

    @cached_property
    def users(self) -> dict[str, str]:
        return user_names(self.org)

    @property
    def editable(self) -> bool:
        return self.sobject.updateable and not self.deleted and not self.converted

    def shown(self, field: Field) -> Shown:
        return self.in_words(field, self.values[field.name])

    def in_words(self, field: Field, value: object) -> Shown:
        """A stored value of a field as people read it; empty when there is none."""
        if value is None or value == "":
            return ""
        if field.type in ("reference", "id"):
            return self.link(str(value)) if field.type == "reference" else str(value)
        if field.type == "boolean":
            return "Yes" if value else "No"
        if field.type == "datetime":
            return moment(str(value))
        if field.type == "address":
            return _address(str(value))
        return field.label_of.get(str(value), text_of(field, value))

    def link(self, record_id: str) -> Shown:
        sobject = self.org.schema.of_id(record_id)
        name = sobject.name_field if sobject else None
        if sobject is None or name is None:
            return record_id
        if sobject.name == "User":
            return Link(self.users.get(record_id, record_id), address_of(record_id))
        sql = on(sobject.name, "SELECT {name} FROM {table} t WHERE Id = ?", name=name.sql("t"))
        row = self.org.store.reader().execute(sql, (record_id,)).fetchone()
        return Link(str(row[0]), address_of(record_id)) if row else record_id

    def events(self) -> list[Event]:
        return [self._event(change) for change in history.of_record(self.org, self.id, _HISTORY)]

    def _event(self, change: history.Change) -> Event:
        by = self.users.get(change.user_id, change.user_id)
        if change.field in history.EVENTS:
            other = self.link(str(change.new)) if change.new else ""
            return Event(change.at, by, _EVENTS.get(change.field, change.field.capitalize()), "", other)
        field = self.sobject.field(change.field)
        if field is None:
            return Event(change.at, by, change.field, str(change.old or ""), str(change.new or ""))
        old, new = self.in_words(field, change.old), self.in_words(field, change.new)
        return Event(change.at, by, field.label, old, new)

    def tasks(self) -> list[Task]:
        """The latest that were logged for this person."""
        if self.sobject.name not in ("Contact", "Lead"):
            return []
        sql = on(
            "Task",
            "SELECT Id, Subject, Status, CreatedById, CreatedDate FROM {table} WHERE WhoId = ? COLLATE NOCASE "
            "AND WhoId IS NOT NULL AND IsDeleted = 0 ORDER BY pk DESC LIMIT ?",
        )
        rows = self.org.store.reader().execute(sql, (self.id, _TASKS))
        return [
            Task(subject or "No subject", status or "", self.users.get(user, user), at, address_of(task_id))
            for task_id, subject, status, user, at in rows
        ]


def text_of(field: Field, value: object) -> str:
    """A stored value as a form's text field holds it."""
    if value is None:
        return ""
    if field.type == "boolean":
        return "on" if value else ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _address(text: str) -> str:
    parts = json.loads(text)
    order = ("street", "city", "state", "postalCode", "country")
    return ", ".join(str(parts[key]) for key in order if parts.get(key))


def load(org: Org, text: str) -> Record | None:
    """The record by its 15 or 18-character id, deleted or not; None when the org has none of it."""
    record_id = normalise(text)
    sobject = org.schema.of_id(record_id) if record_id else None
    if record_id is None or sobject is None or not sobject.fields:
        return None
    columns = _columns(sobject.fields)
    sql = on(sobject.name, "SELECT {columns} FROM {table} t WHERE t.Id = ?", columns=columns)
    row = org.store.reader().execute(sql, (record_id,)).fetchone()
    if row is None:
        return None
    values = dict(zip((field.name for field in sobject.fields), row, strict=True))
    return Record(org, sobject, record_id, values)


def _columns(fields: Iterable[Field]) -> str:
    return ", ".join(field.sql("t") for field in fields)
