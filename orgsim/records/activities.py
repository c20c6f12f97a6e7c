"""Tasks: what they may point at, and what saving one does to its person.

A task moves the SystemModstamp of its Who, and LastActivityDate when it is closed; never LastModifiedDate.
"""

import sqlite3

from orgsim.errors import ApiError
from orgsim.org import Org
from orgsim.records.rows import Row, row_of, write_columns
from orgsim.records.targets import Target
from orgsim.schema import SObject
from orgsim.store import on

_CLOSED = "Completed"


def check(org: Org, sobject: SObject, row: Row) -> None:
    """Raises for a lead beside a related record (code inferred), and for a converted lead."""
    who = row.get("WhoId")
    if sobject.name != "Task" or not who or not str(who).startswith("00Q"):
        return
    if row.get("WhatId"):
        message = "Related To ID: can't be set when Name ID is a lead"
        raise ApiError(400, "FIELD_INTEGRITY_EXCEPTION", message, fields=["WhatId"])
    lead = row_of(org.store.reader(), "Lead", str(who))
    if lead and lead["IsConverted"]:
        raise ApiError(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", fields=[])


def saved(connection: sqlite3.Connection, record: Target, row: Row, moment: str) -> None:
    """What follows from a task that was created, edited or deleted."""
    if record.sobject.name != "Task":
        return
    closed = row.get("Status") == _CLOSED
    if closed != bool(row.get("CompletedDateTime")):
        write_columns(connection, record, {"CompletedDateTime": moment if closed else None})
    who = str(row.get("WhoId") or "")
    if who:
        touch_person(connection, who, moment)


def moved(connection: sqlite3.Connection, record: Target, before: Row, after: Row, *, moment: str) -> None:
    """A task that leaves a person moves the stamp of the one it leaves, too."""
    left = before.get("WhoId")
    if record.sobject.name == "Task" and left and left != after.get("WhoId"):
        touch_person(connection, str(left), moment)


def touch_person(connection: sqlite3.Connection, person_id: str, moment: str) -> None:
    """LastActivityDate is the latest due date of the closed tasks; a date from before the tasks is never lowered."""
    table = "Lead" if person_id.startswith("00Q") else "Contact"
    sql = on(
        table,
        "UPDATE {table} SET SystemModstamp = ?, LastActivityDate = nullif(max(coalesce(LastActivityDate, ''), "
        "coalesce((SELECT max(ActivityDate) FROM Task WHERE WhoId = ? AND IsDeleted = 0 AND Status = ?), '')), '') "
        "WHERE Id = ?",
    )
    connection.execute(sql, (moment, person_id, _CLOSED, person_id))
