"""Person Accounts, in an org that is made with them: one contact in five is the shadow of an account of its own.

Such a contact is written through its account: Person... and ...__pc of the account are fields of the contact, which runs
no automation of its own then (inferred). An edit of the account moves the contact's stamps.
"""

import sqlite3
from collections.abc import Iterable, Mapping

from orgsim.catalog_persons import mirror_of, names_on_contact
from orgsim.errors import ApiError
from orgsim.ids import serial_id
from orgsim.schema import SObject
from orgsim.store import on
from orgsim.values import Stored

_ONE_IN = 5


def born(connection: sqlite3.Connection, first_account: int) -> int:
    """Turn contacts of a new org into person accounts; the number of accounts made, `first_account` is their first."""
    connection.create_function(
        "account_id", 1, lambda n: serial_id("001", first_account + n), deterministic=True
    )
    connection.execute(
        "INSERT INTO Account (Id, Name, Phone, OwnerId, PersonContactId, CreatedDate, CreatedById, LastModifiedDate, "
        "LastModifiedById, SystemModstamp) "
        "SELECT account_id(pk / ?1 - 1), Name, Phone, OwnerId, Id, CreatedDate, CreatedById, LastModifiedDate, "
        "LastModifiedById, SystemModstamp FROM Contact WHERE pk % ?1 = 0 ORDER BY pk",
        (_ONE_IN,),
    )
    changed = connection.execute(
        "UPDATE Contact SET IsPersonAccount = 1, AccountId = account_id(pk / ?1 - 1) WHERE pk % ?1 = 0",
        (_ONE_IN,),
    )
    return changed.rowcount


def has_persons(sobject: SObject) -> bool:
    return sobject.name in ("Contact", "Account") and sobject.field("IsPersonAccount") is not None


def check_contact_write(
    connection: sqlite3.Connection, sobject: SObject, record_id: str, names: Iterable[str]
) -> None:
    """Raises INSUFFICIENT_ACCESS_OR_READONLY when a field that lives on the person's account is written."""
    if sobject.name != "Contact" or not has_persons(sobject):
        return
    mirrored = [name for name in names if (field := sobject.field(name)) and mirror_of(field)]
    found = connection.execute("SELECT IsPersonAccount FROM Contact WHERE Id = ?", (record_id,)).fetchone()
    if mirrored and found and found[0]:
        raise ApiError(403, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")


def take_contacts_part(
    connection: sqlite3.Connection, sobject: SObject, account_id: str, values: dict[str, Stored]
) -> None:
    """Moves what an edit of an account says of its person over to the contact. Raises for an account of no person."""
    names = names_on_contact(sobject) if sobject.name == "Account" and has_persons(sobject) else {}
    said = {names[name]: values.pop(name) for name in list(values) if name in names}
    if not said:
        return
    assignments = ", ".join(f'"{name}" = ?' for name in said)
    changed = connection.execute(
        on(
            "Contact",
            "UPDATE {table} SET {values} WHERE Id = (SELECT PersonContactId FROM Account WHERE Id = ?)",
            values=assignments,
        ),
        (*said.values(), account_id),
    )
    if not changed.rowcount:
        message = "Unable to create/update fields: " + ", ".join(said)
        raise ApiError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, fields=list(said))


def account_edited(
    connection: sqlite3.Connection, sobject: SObject, account_id: str, stamps: Mapping[str, object]
) -> None:
    """Any edit of a person's account moves the contact's stamps: LastModifiedDate, LastModifiedById, SystemModstamp."""
    if sobject.name != "Account" or not stamps or not has_persons(sobject):
        return
    connection.execute(
        "UPDATE Contact SET LastModifiedDate = ?, LastModifiedById = ?, SystemModstamp = ? "
        "WHERE Id = (SELECT PersonContactId FROM Account WHERE Id = ?)",
        (stamps["LastModifiedDate"], stamps["LastModifiedById"], stamps["SystemModstamp"], account_id),
    )
