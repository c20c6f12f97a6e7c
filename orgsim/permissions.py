"""What object permissions leave to the API user: which objects it knows, what it may write, whose records it sees.

Staff are administrators, nothing here narrows what they see. The org-wide defaults are public, except that a contact
without an account is private: only its owner sees it, and who has View All. One permission needs another as in Setup,
and an object of which nothing is granted has no row.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import replace

from orgsim.ids import serial_id
from orgsim.schema import Schema
from orgsim.staff import API_USER_ID
from orgsim.store import Filled, Store, fill, on

OBJECTS = ("PermissionSet", "PermissionSetAssignment", "ObjectPermissions", "FieldPermissions")
# Key of the store's meta: set when the API user may not read these objects.
BLOCKED = "permission_queries_blocked"

_COLUMNS = {
    "Read": "PermissionsRead",
    "Create": "PermissionsCreate",
    "Edit": "PermissionsEdit",
    "Delete": "PermissionsDelete",
    "View All": "PermissionsViewAllRecords",
    "Modify All": "PermissionsModifyAllRecords",
}
_NEEDS = {
    "Read": frozenset[str](),
    "Create": frozenset({"Read"}),
    "Edit": frozenset({"Read"}),
    "Delete": frozenset({"Read", "Edit"}),
    "View All": frozenset({"Read"}),
    "Modify All": frozenset({"Read", "Edit", "Delete", "View All"}),
}
# More than an import needs: other clients create and delete records as the same user.
_EVERYDAY = frozenset({"Read", "Create", "Edit", "Delete"})
_AT_BIRTH = {
    "Contact": _EVERYDAY | {"View All"},
    "Lead": _EVERYDAY | {"View All"},
    "Account": _EVERYDAY,
}
_SET_ID = serial_id("0PS", 1)
_STAMPS = ("CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")

_ROW = ("Id", "ParentId", "SobjectType", *_COLUMNS.values(), *_STAMPS)

Rights = Mapping[str, frozenset[str]]


def _row(sobject: str, held: frozenset[str], stamps: tuple[str, ...]) -> tuple[object, ...]:
    row_id = serial_id("110", 1 + list(_AT_BIRTH).index(sobject))
    return (row_id, _SET_ID, sobject, *(int(name in held) for name in _COLUMNS), *stamps)


def born(api_user: str, moment: str) -> Iterator[Filled]:
    """The rows of a new org."""
    stamps = (moment, api_user, moment, api_user, moment)
    yield (
        "PermissionSet",
        ("Id", "Name", "Label", "Description", "IsOwnedByProfile", "IsCustom", "Type", *_STAMPS),
        [(_SET_ID, "Carillon_API", "Carillon API", "What Carillon may see", 0, 1, "Regular", *stamps)],
    )
    yield (
        "PermissionSetAssignment",
        ("Id", "PermissionSetId", "AssigneeId", "IsActive", "SystemModstamp"),
        [(serial_id("0Pa", 1), _SET_ID, api_user, 1, moment)],
    )
    yield "ObjectPermissions", _ROW, [_row(sobject, held, stamps) for sobject, held in _AT_BIRTH.items()]


def complete(store: Store) -> None:
    """A data file made before there were permissions gets those of a new org."""
    if not store.missing_objects():
        return
    with store.writing() as connection:
        missing = store.missing_objects()
        for sobject in missing:
            store.add_object(sobject)
        if OBJECTS[0] in {sobject.name for sobject in missing}:
            (moment,) = connection.execute("SELECT CreatedDate FROM Organization").fetchone()
            fill(connection, born(API_USER_ID, moment))


def rights_of(connection: sqlite3.Connection, user_id: str) -> Rights:
    """What all permission sets of a user grant together, by object."""
    sql = (
        "SELECT p.SobjectType, {columns} FROM {table} p "
        "JOIN PermissionSetAssignment a ON a.PermissionSetId = p.ParentId WHERE a.AssigneeId = ?"
    )
    columns = ", ".join(_COLUMNS.values())
    rights = dict.fromkeys(_AT_BIRTH, frozenset[str]())
    for sobject, *flags in connection.execute(on("ObjectPermissions", sql, columns=columns), (user_id,)):
        rights[sobject] |= {name for name, held in zip(_COLUMNS, flags, strict=True) if held}
    return rights


def permitted(schema: Schema, rights: Rights) -> Schema:
    """The schema without what can't be read; the objects in it say what may be written."""
    kept = (
        replace(
            sobject,
            createable="Create" in rights[sobject.name],
            updateable="Edit" in rights[sobject.name],
            deletable="Delete" in rights[sobject.name],
        )
        if sobject.name in rights
        else sobject
        for sobject in schema.sobjects
    )
    return Schema(tuple(kept)).without({name for name, held in rights.items() if "Read" not in held})


def sharing(rights: Rights, user_id: str) -> dict[str, str]:
    """SQL conditions on `{t}` for the objects of which a user sees some records only."""
    if "View All" in rights["Contact"]:
        return {}
    return {"Contact": _not_private(user_id)}


def editing(rights: Rights, user_id: str) -> dict[str, str]:
    """SQL conditions on `{t}` for the objects of which a user may change some records only: View All shows private
    contacts, it takes Modify All to edit those of others."""
    if "Modify All" in rights["Contact"]:
        return {}
    return {"Contact": _not_private(user_id)}


def _not_private(user_id: str) -> str:
    return f"""({{t}}."AccountId" IS NOT NULL OR {{t}}."OwnerId" = '{user_id}')"""


def change(store: Store, which: tuple[str, str], *, granted: bool, now: str) -> None:
    """Grant or take (object, permission), with what it needs or what needs it; raises ValueError."""
    sobject, permission = which
    if sobject not in _AT_BIRTH or permission not in _COLUMNS:
        objects, names = ", ".join(_AT_BIRTH), ", ".join(_COLUMNS)
        raise ValueError(f"{permission} of {sobject} can't be granted; there are {names} of {objects}")
    with store.writing() as connection:
        held = rights_of(connection, API_USER_ID)[sobject]
        if granted:
            left = held | {permission} | _NEEDS[permission]
        else:
            left = held - {permission} - {name for name, needs in _NEEDS.items() if permission in needs}
        connection.execute("DELETE FROM ObjectPermissions WHERE SobjectType = ?", (sobject,))
        if left:
            row = _row(sobject, left, (now, API_USER_ID, now, API_USER_ID, now))
            fill(connection, [("ObjectPermissions", _ROW, [row])])
