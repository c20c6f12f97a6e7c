"""A record's form: which control a field has, and what of a posted form the person changed.

A form carries the values it was made with. What differs from those is written and nothing else, so that a page left
open does not undo what a program or somebody else wrote meanwhile.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from orgsim.pages.record_data import Record, text_of
from orgsim.schema import Field
from orgsim.store import on

# What decides over texting stands first, then whom it concerns.
_FIRST = (
    "SMS_Opt_Out__c",
    "SMS_Opt_In__c",
    "Texting_Preference__c",
    "MobilePhone",
    "FirstName",
    "LastName",
    "Preferred_Name__c",
    "Email",
    "Company",
    "Status",
    "Program__c",
    "Graduation_Year__c",
    "OwnerId",
)
_NUMBERS = ("int", "double", "currency", "percent")
_INPUT_TYPES = {"date": "date", "phone": "tel"}


@dataclass(frozen=True, slots=True)
class Control:
    """`kind` is checkbox, select, textarea or the type of an input; options are (value, label)."""

    name: str
    label: str
    kind: str
    value: str
    required: bool
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RecordForm:
    first: tuple[Control, ...]
    others: tuple[Control, ...]
    was: str


def made_for(record: Record, typed: Mapping[str, str] | None = None) -> RecordForm:
    """The form of a record; `typed` are the texts of a form that was refused."""
    fields = [field for field in record.sobject.fields if field.updateable and field.stored]
    now = {field.name: text_of(field, record.values[field.name]) for field in fields}
    shown = now if typed is None else {name: typed.get(name, "") for name in now}
    controls = {field.name: _control(record, field, shown[field.name]) for field in fields}
    first = [controls.pop(name) for name in _FIRST if name in controls]
    was = json.dumps(now) if typed is None else typed.get("was", "")
    return RecordForm(tuple(first), tuple(controls.values()), was)


def _control(record: Record, field: Field, value: str) -> Control:
    kind = _INPUT_TYPES.get(field.type, "text")
    options: tuple[tuple[str, str], ...] = ()
    if field.type == "boolean":
        kind = "checkbox"
    elif field.type == "picklist":
        kind, options = "select", _choices(field, value)
    elif field.name == "OwnerId":
        kind, options = "select", _owners(record, value)
    elif field.type == "textarea":
        kind = "textarea"
    required = not field.nillable and field.type != "boolean"
    return Control(field.name, field.label.removesuffix(" ID"), kind, value, required, options)


def _choices(field: Field, value: str) -> tuple[tuple[str, str], ...]:
    choices = [(choice.value, choice.label) for choice in field.picklist if choice.active]
    if field.nillable or not value:
        choices.insert(0, ("", "Blank"))
    if value and value not in dict(choices):
        choices.append((value, f"{value} (not in the list)"))
    return tuple(choices)


def _owners(record: Record, value: str) -> tuple[tuple[str, str], ...]:
    sql = on("User", "SELECT Id, Name, IsActive FROM {table} ORDER BY Name")
    rows = record.org.store.reader().execute(sql).fetchall()
    owners = [(user, name if active else f"{name} (inactive)") for user, name, active in rows]
    return tuple(owners) if value in dict(owners) else ((value, value), *owners)


def changes(record: Record, posted: Mapping[str, str]) -> dict[str, object]:
    """What the person changed, as the API takes it; raises ValueError for what is not even of the field's kind."""
    was = _was(posted.get("was", ""))
    changed: dict[str, object] = {}
    for field in record.sobject.fields:
        if field.name not in was:
            continue
        text = posted.get(field.name, "").replace("\r\n", "\n")
        if text != was[field.name].replace("\r\n", "\n"):
            changed[field.name] = _typed(field, text)
    return changed


def _was(text: str) -> dict[str, str]:
    try:
        was = json.loads(text)
    except json.JSONDecodeError:
        was = None
    if not isinstance(was, dict):
        raise ValueError("the form lacks the values it was made with: open the record again")
    return {str(name): str(value) for name, value in was.items()}


def _typed(field: Field, text: str) -> object:
    if field.type == "boolean":
        return text == "on"
    if not text.strip():
        return None
    if field.type not in _NUMBERS:
        return text
    try:
        return int(text) if field.type == "int" else float(text)
    except ValueError:
        raise ValueError(f"{field.label} takes a number, not “{text}”") from None


def told(before: Record, after: Record, changed: Mapping[str, object]) -> str:
    """What a save did, field by field; also where the org did not keep what was written."""
    parts = []
    for name in changed:
        field = before.sobject.field(name)
        if field is None:
            continue
        old, new = (_words(record, field) for record in (before, after))
        if before.values[name] == after.values[name]:
            parts.append(f"{field.label} was written, but the org put it back to {new}")
        else:
            parts.append(f"{field.label} from {old} to {new}")
    return f"Saved: {'; '.join(parts)}."


def _words(record: Record, field: Field) -> str:
    shown = record.shown(field)
    return (shown if isinstance(shown, str) else shown.text) or "blank"
