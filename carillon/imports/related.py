"""Fields of related records that are offered for mapping: the few that people look for. Any other path can be typed."""

from carillon.imports.planning import Field, Fields
from carillon.salesforce.describes import FieldDescribe

# Each object of another name is one more question to the org while somebody waits.
_OBJECTS = 6
_PERSON = ("Name", "Email", "Username", "EmployeeNumber", "FederationIdentifier")
_LEAVES = {"User": _PERSON, "Contact": ("Name", "Email")}
_FURTHER = {"Account": ("Owner.Name", "Owner.Email", "Parent.Name")}
# Who made or changed a record, and what it was merged into, says nothing about the person.
_LEFT_OUT = ("CreatedBy", "LastModifiedBy", "MasterRecord")


def related_fields(fields: Fields) -> list[Field]:
    """In the order of the object's own lookups, the owner and account before custom ones."""
    lookups = [field for field in fields.describe.fields if _is_offered(field)]
    lookups.sort(key=lambda field: field.custom)
    found, asked = [], set[str]()
    for lookup in lookups:
        asked.update(lookup.reference_to)
        if len(asked) > _OBJECTS:
            break
        found += [field for path in _paths(lookup) if (field := fields.find(path))]
    return found


def _is_offered(field: FieldDescribe) -> bool:
    return bool(field.reference_to) and (field.relationship_name or _LEFT_OUT[0]) not in _LEFT_OUT


def _paths(lookup: FieldDescribe) -> list[str]:
    target = "User" if "User" in lookup.reference_to else lookup.reference_to[0]
    leaves = (*_LEAVES.get(target, ("Name",)), *_FURTHER.get(target, ()))
    return [f"{lookup.relationship_name}.{leaf}" for leaf in leaves]
