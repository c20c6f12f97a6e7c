"""The writes of single records. Each is one transaction, or a part of one: values, automation, stamps, history."""

import sqlite3

from orgsim import persons
from orgsim.errors import ApiError, not_found
from orgsim.history import CREATED, DELETED, Log
from orgsim.ids import serial_id
from orgsim.org import Org, Viewer
from orgsim.records import activities, saving
from orgsim.records.checks import check_references, check_required, writable
from orgsim.records.manner import Manner
from orgsim.records.rows import Row, insert, row_of, write_columns
from orgsim.records.saving import Save
from orgsim.records.targets import Json, Target, check_editable, deleted_error, read_only
from orgsim.schema import SObject
from orgsim.store import on

_ORDINARY = Manner()


def living_row(connection: sqlite3.Connection, record: Target) -> Row:
    """The record as it is; raises NOT_FOUND or ENTITY_IS_DELETED for one that is gone."""
    row = row_of(connection, record.sobject.name, record.id)
    if row is None:
        raise not_found()
    if row.get("IsDeleted"):
        raise deleted_error(fields=[])
    return row


def _check_unconverted(row: Row) -> None:
    if row.get("IsConverted"):
        raise ApiError(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", fields=[])


def edit_stamps(viewer: Viewer, moment: str) -> Row:
    return {"LastModifiedDate": moment, "SystemModstamp": moment, "LastModifiedById": viewer.user_id}


def _quiet(org: Org, before: Row, values: Row) -> bool:
    """Whether an edit moves no stamp: only in orgs so switched, and when it changes no value."""
    unchanged = all(before.get(name) == value for name, value in values.items())
    return unchanged and org.switches["quiet_write_stamps"] == "kept"


def update(org: Org, record: Target, values: Json, viewer: Viewer, manner: Manner = _ORDINARY) -> None:
    """Edit a record that the user can see; raises ApiError and changes nothing when it is refused."""
    if not record.sobject.updateable:
        raise read_only()
    checked = writable(record.sobject, values, creating=False)
    with org.store.writing() as connection:
        before = living_row(connection, record)
        check_editable(connection, record, viewer)
        _check_unconverted(before)
        persons.check_contact_write(connection, record.sobject, record.id, checked)
        persons.take_contacts_part(connection, record.sobject, record.id, checked)
        check_references(org, record.sobject, checked)
        activities.check(org, record.sobject, before | checked)
        saving.check_locks(org, record, before, manner)
        save = Save(org, connection, viewer, record, before, checked, manner)
        were = saving.conditions_before(save)
        moment = org.write_stamp()
        stamps = {} if _quiet(org, before, checked) else edit_stamps(viewer, moment)
        write_columns(connection, record, checked | stamps)
        persons.account_edited(connection, record.sobject, record.id, stamps)
        _finish(save, were, moment)


def _finish(save: Save, were: frozenset[str], moment: str) -> None:
    """Automation, then what follows from the record as it is left, then its history."""
    saving.run(save, were)
    save.org.recent.note(save.viewer.user_id, save.record.id)
    after = row_of(save.connection, save.record.sobject.name, save.record.id) or {}
    activities.saved(save.connection, save.record, after, moment)
    log = Log(save.connection, save.viewer.user_id, moment)
    if save.before is None:
        log.event(save.record.id, CREATED)
    else:
        log.changes(save.record.id, save.before, after)
        activities.moved(save.connection, save.record, save.before, after, moment=moment)


def create(org: Org, sobject: SObject, values: Json, viewer: Viewer, manner: Manner = _ORDINARY) -> str:
    """The new record's id."""
    if not sobject.createable:
        raise ApiError(
            400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be inserted: {sobject.label}"
        )
    checked = writable(sobject, values, creating=True)
    check_required(sobject, checked)
    with org.store.writing() as connection:
        check_references(org, sobject, checked)
        activities.check(org, sobject, checked)
        moment = org.write_stamp()
        record = Target(sobject, serial_id(sobject.key_prefix, org.store.next_serial(sobject)))
        first: Row = {"OwnerId": viewer.user_id, "CreatedDate": moment, "CreatedById": viewer.user_id}
        row = first | edit_stamps(viewer, moment) | _defaults(sobject, checked) | checked | {"Id": record.id}
        insert(connection, record, row)
        _finish(Save(org, connection, viewer, record, None, checked, manner), frozenset(), moment)
    return record.id


def _defaults(sobject: SObject, checked: Row) -> Row:
    return {
        field.name: field.default_value
        for field in sobject.fields
        if field.default_value is not None and field.stored and field.name not in checked
    }


def delete(org: Org, record: Target, viewer: Viewer, manner: Manner = _ORDINARY) -> None:
    """Into the recycle bin, with what hangs on it: the contacts of an account, the tasks of a person."""
    if not record.sobject.deletable:
        raise read_only()
    with org.store.writing() as connection:
        before = living_row(connection, record)
        check_editable(connection, record, viewer)
        saving.check_locks(org, record, before, manner)
        bin_record(org, connection, record, viewer)
        for child in children(org, connection, record):
            bin_record(org, connection, child, viewer)
        activities.saved(connection, record, before, org.write_stamp())


def bin_record(org: Org, connection: sqlite3.Connection, record: Target, viewer: Viewer) -> None:
    moment = org.write_stamp()
    stamps = {} if org.switches["quiet_write_stamps"] == "kept" else edit_stamps(viewer, moment)
    write_columns(connection, record, {"IsDeleted": 1, **stamps})
    connection.execute(
        "INSERT OR REPLACE INTO deletion (record_id, sobject, at) VALUES (?, ?, ?)",
        (record.id, record.sobject.name, moment),
    )
    Log(connection, viewer.user_id, moment).event(record.id, DELETED)


# Object and field by which records hang on another: they go with it, and a merge takes them along.
HANGING = {
    "Account": (("Contact", "AccountId"), ("Task", "WhatId")),
    "Contact": (("Task", "WhoId"),),
    "Lead": (("Task", "WhoId"),),
}


def children(org: Org, connection: sqlite3.Connection, record: Target) -> list[Target]:
    """The living records that hang on one, and those that hang on them."""
    found: list[Target] = []
    for name, field in HANGING.get(record.sobject.name, ()):
        sobject = org.schema.sobject(name)
        if sobject is None:
            continue
        sql = on(name, 'SELECT Id FROM {table} WHERE "{field}" = ? AND IsDeleted = 0', field=field)
        direct = [Target(sobject, child) for (child,) in connection.execute(sql, (record.id,))]
        found += direct
        for child in direct:
            found += children(org, connection, child)
    return found
