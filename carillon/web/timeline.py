"""The timeline of a contact as its page shows it: fields by their labels, values as they are read."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from carillon.contacts.models import ContactField, FieldChange, FieldType

# Columns of a contact that imports change, shown like additional fields of these types.
_COLUMNS = {
    "first_name": ContactField(name="first_name", label="First name", type=FieldType.TEXT),
    "last_name": ContactField(name="last_name", label="Last name", type=FieldType.TEXT),
    "mobile_number": ContactField(name="mobile_number", label="Mobile number", type=FieldType.TEXT),
    "mobile_as_given": ContactField(
        name="mobile_as_given", label="Number as given in Salesforce", type=FieldType.TEXT
    ),
    "user_identification": ContactField(
        name="user_identification", label="User Identification", type=FieldType.TEXT
    ),
    "in_source": ContactField(name="in_source", label="In the list", type=FieldType.YES_NO),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One change; `run` is None when its import is no longer kept."""

    change: FieldChange
    field: ContactField
    run: UUID | None


def lines(
    changes: Iterable[FieldChange], fields: Iterable[ContactField], kept_runs: Collection[UUID]
) -> list[Line]:
    """`fields` are the workspace's; a field that is none of them is called by its name."""
    known = {**_COLUMNS, **{field.name: field for field in fields}}
    return [
        Line(
            change,
            known.get(change.field)
            or ContactField(name=change.field, label=change.field, type=FieldType.TEXT),
            change.run if change.run in kept_runs else None,
        )
        for change in changes
    ]
