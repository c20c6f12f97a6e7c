"""What is checked of the values a client sends before anything is written: fields, references, what is required."""

from orgsim.errors import ApiError, no_such_column
from orgsim.org import Org
from orgsim.records.targets import Json
from orgsim.schema import Field, SObject
from orgsim.store import on
from orgsim.values import Stored, stored_value


def without_id(values: Json) -> Json:
    """The values of a request that names its record in the path; raises INVALID_FIELD when they name it again."""
    for name in values:
        if name.lower() == "id":
            raise in_path("Id")
    return values


def in_path(name: str) -> ApiError:
    return ApiError(400, "INVALID_FIELD", f"The {name} field should not be specified in the sobject data.")


def writable(sobject: SObject, values: Json, *, creating: bool) -> dict[str, Stored]:
    """The values as the store keeps them; raises for a field that is unknown, hidden or not writable."""
    checked: dict[str, Stored] = {}
    for name, value in values.items():
        if name == "attributes":
            continue
        field = sobject.field(name)
        if field is None:
            raise no_such_column(name, sobject.name)
        if creating and field.name == "Id":
            message = "cannot specify Id in an insert call"
            raise ApiError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, fields=["Id"])
        if not (field.createable if creating else field.updateable):
            message = (
                f"Unable to create/update fields: {field.name}. Please check the security settings of this field and "
                "verify that it is read/write for your profile or permission set."
            )
            raise ApiError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, fields=[field.name])
        checked[field.name] = stored_value(field, value)
    return checked


def check_references(org: Org, sobject: SObject, values: dict[str, Stored]) -> None:
    """Raises for an id of the wrong object (text recorded for Task.WhoId), or of no record."""
    for name, value in values.items():
        field = sobject.field(name)
        if field is not None and field.type == "reference" and value is not None:
            _check_reference(org, field, str(value))
            if name == "OwnerId":
                _check_owner(org, sobject, str(value))


def _check_reference(org: Org, field: Field, value: str) -> None:
    targets = [org.schema.sobject(name) for name in field.reference_to]
    found = next((t for t in targets if t and value.startswith(t.key_prefix)), None)
    if found is None and field.name != "OwnerId" and all(targets):
        message = f"{field.label}: id value of incorrect type: {value}"
        raise ApiError(400, "FIELD_INTEGRITY_EXCEPTION", message, fields=[field.name])
    if found is None or not _lives(org, found, value):
        message = "invalid cross reference id"
        raise ApiError(400, "INVALID_CROSS_REFERENCE_KEY", message, fields=[field.name])


def _lives(org: Org, sobject: SObject, record_id: str) -> bool:
    alive = " AND IsDeleted = 0" if sobject.soft_deletes else ""
    sql = on(sobject.name, "SELECT 1 FROM {table} WHERE Id = ?{alive}", alive=alive)
    return org.store.reader().execute(sql, (record_id,)).fetchone() is not None


def _check_owner(org: Org, sobject: SObject, user_id: str) -> None:
    sql = "SELECT 1 FROM User WHERE Id = ? AND IsActive = 0"
    if org.store.reader().execute(sql, (user_id,)).fetchone():
        message = f"operation performed with inactive user [{user_id}] as owner of {sobject.name.lower()}"
        raise ApiError(400, "INACTIVE_OWNER_OR_USER", message, fields=[])


def check_required(sobject: SObject, values: dict[str, Stored]) -> None:
    required = [
        f.name for f in sobject.fields if f.createable and not f.nillable and not f.defaulted_on_create
    ]
    missing = [name for name in required if values.get(name) is None]
    if missing:
        message = f"Required fields are missing: [{', '.join(missing)}]"
        raise ApiError(400, "REQUIRED_FIELD_MISSING", message, fields=missing)
