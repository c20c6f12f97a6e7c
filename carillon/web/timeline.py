"""The timeline of a contact as its page shows it: fields by their labels, values as they are read."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from carillon.contacts.models import Absence, ContactField, FieldChange, FieldType, RecordChange

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
    **{
        name: ContactField(name=name, label=label, type=FieldType.TEXT)
        for name, label in RecordChange.choices
    },
}
_ABSENCES = {"": "There", **dict(Absence.choices)}


@dataclass(frozen=True, slots=True)
class Line:
    """One change; `run` is None when its import is no longer kept."""

    change: FieldChange
    field: ContactField
    run: UUID | None

    @property
    def before(self) -> object:
        return self._shown(self.change.before)

    @property
    def after(self) -> object:
        return self._shown(self.change.after)

    def _shown(self, value: object) -> object:
        return _ABSENCES.get(str(value), value) if self.change.field == RecordChange.ABSENCE else value


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
