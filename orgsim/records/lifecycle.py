"""What staff do to whole records: merge, convert, take back from the recycle bin, empty it."""

import sqlite3
from collections.abc import Sequence

from orgsim.errors import ApiError
from orgsim.history import CONVERTED, MERGED, UNDELETED, Log
from orgsim.org import Org, Viewer
from orgsim.records.checks import writable
from orgsim.records.manner import BY_HAND
from orgsim.records.rows import Row, row_of, write_columns
from orgsim.records.targets import Json, Target
from orgsim.records.writing import HANGING, bin_record, create, edit_stamps, living_row
from orgsim.store import on

MOST_LOSERS = 2
# Fields of a lead that a contact has under another name.
_ADDRESS = {
    f"{part}": f"Mailing{part}"
    for part in (
        "Street",
        "City",
        "State",
        "PostalCode",
        "Country",
        "Latitude",
        "Longitude",
        "GeocodeAccuracy",
    )
}
# Object and field by which records point at another without hanging on it. What a lead was converted to stays as it
# was (inferred): whoever follows it finds the loser of a merge, and its winner from there.
_POINTING = {"Contact": (("Contact", "ReportsToId"),), "Account": (("Account", "ParentId"),)}
_NOT_COPIED = frozenset({"Id", "OwnerId", "IndividualId"})


def merge(org: Org, master: Target, losers: Sequence[Target], values: Json, viewer: Viewer) -> None:
    """The losers go to the recycle bin and name the master; what hung on them hangs on it; `values` are kept from them.

    At most two losers at once, of the same object, as in Salesforce; raises ValueError otherwise.
    """
    if not 1 <= len(losers) <= MOST_LOSERS or any(loser.sobject != master.sobject for loser in losers):
        raise ValueError("a merge takes one or two other records of the master's object")
    if master.id in {loser.id for loser in losers}:
        raise ValueError("a record can't be merged with itself")
    if master.sobject.field("MasterRecordId") is None:
        raise ValueError(f"{master.sobject.label_plural} can't be merged")
    kept = writable(master.sobject, values, creating=False)
    with org.store.writing() as connection:
        before = living_row(connection, master)
        moment = org.write_stamp()
        log = Log(connection, viewer.user_id, moment)
        for loser in losers:
            living_row(connection, loser)
            _move_children(org, connection, loser, master, moment)
            bin_record(org, connection, loser, viewer)
            write_columns(connection, loser, {"MasterRecordId": master.id})
            log.event(loser.id, MERGED, master.id)
        write_columns(connection, master, kept | edit_stamps(viewer, moment))
        log.changes(master.id, before, row_of(connection, master.sobject.name, master.id) or {})
        for loser in losers:
            log.event(master.id, MERGED, loser.id)


def _move_children(org: Org, connection: sqlite3.Connection, old: Target, new: Target, moment: str) -> None:
    """Reparent: the children's SystemModstamp moves, nobody edited them."""
    for name, field in (*HANGING.get(old.sobject.name, ()), *_POINTING.get(old.sobject.name, ())):
        if org.schema.sobject(name) is not None:
            sql = on(
                name, 'UPDATE {table} SET "{field}" = ?, SystemModstamp = ? WHERE "{field}" = ?', field=field
            )
            connection.execute(sql, (new.id, moment, old.id))


def undelete(org: Org, record: Target, viewer: Viewer) -> None:
    """Back from the recycle bin, as it was; raises LookupError when it is not there."""
    with org.store.writing() as connection:
        row = row_of(connection, record.sobject.name, record.id)
        if row is None or not row.get("IsDeleted"):
            raise LookupError(f"{record.id} is not in the recycle bin")
        moment = org.write_stamp()
        restored: Row = {"IsDeleted": 0, **edit_stamps(viewer, moment)}
        if "MasterRecordId" in row:
            restored["MasterRecordId"] = None
        write_columns(connection, record, restored)
        connection.execute("DELETE FROM deletion WHERE record_id = ?", (record.id,))
        Log(connection, viewer.user_id, moment).event(record.id, UNDELETED)


def empty_bin(org: Org, records: Sequence[Target]) -> int:
    """Deleted records vanish from queryAll too; how many. /deleted still names them."""
    with org.store.writing() as connection:
        emptied = 0
        for record in records:
            sql = on(record.sobject.name, "DELETE FROM {table} WHERE Id = ? AND IsDeleted = 1")
            emptied += connection.execute(sql, (record.id,)).rowcount
        return emptied


def empty_whole_bin(org: Org) -> int:
    with org.store.writing() as connection:
        tables = [sobject.name for sobject in org.schema.sobjects if sobject.soft_deletes]
        return sum(
            connection.execute(on(table, "DELETE FROM {table} WHERE IsDeleted = 1")).rowcount
            for table in tables
        )


def convert(org: Org, lead: Target, account_id: str | None, viewer: Viewer) -> dict[str, str]:
    """The ids of the contact made from a lead and of its account, which is made from the company unless named."""
    contact, account = org.schema.sobject("Contact"), org.schema.sobject("Account")
    if lead.sobject.name != "Lead" or contact is None or account is None:
        raise ValueError("only a lead is converted")
    with org.store.writing() as connection:
        row = living_row(connection, lead)
        if row["IsConverted"]:
            raise ApiError(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", fields=[])
        if account_id is None:
            account_id = create(
                org, account, {"Name": row["Company"], "Industry": row["Industry"]}, viewer, BY_HAND
            )
        moment = org.write_stamp()
        contact_id = create(
            org, contact, {"LastName": row["LastName"], "AccountId": account_id}, viewer, BY_HAND
        )
        write_columns(
            connection, Target(contact, contact_id), _contact_row(lead, Target(contact, contact_id), row)
        )
        _move_children(org, connection, lead, Target(contact, contact_id), moment)
        converted: Row = {
            "IsConverted": 1,
            "Status": "Closed - Converted",
            "ConvertedDate": moment[:10],
            "ConvertedContactId": contact_id,
            "ConvertedAccountId": account_id,
        }
        write_columns(connection, lead, converted | edit_stamps(viewer, moment))
        log = Log(connection, viewer.user_id, moment)
        log.event(lead.id, CONVERTED, contact_id)
        log.event(contact_id, CONVERTED, lead.id)
    return {"contact": contact_id, "account": account_id}


def _contact_row(lead: Target, contact: Target, row: Row) -> Row:
    """What a contact takes over from its lead: every field that both have, the address, the owner."""
    copied: Row = {"OwnerId": row["OwnerId"]}
    for field in lead.sobject.fields:
        name = _ADDRESS.get(field.name, field.name)
        other = contact.sobject.field(name)
        if other is not None and other.createable and field.createable and field.name not in _NOT_COPIED:
            copied[other.name] = row[field.name]
    return copied
