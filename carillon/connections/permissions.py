"""Which of the permissions an import needs the API user has. Each check says what the permission is for and
how to give it; what Salesforce does not let an API user find out is reported as unknown, never as fine."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from carillon.salesforce.client import Client
from carillon.salesforce.errors import SalesforceError, Unreachable
from carillon.salesforce.soql import string_literal


@dataclass(frozen=True, slots=True)
class PermissionCheck:
    """`ok` None: could not be found out."""

    name: str
    ok: bool | None
    purpose: str
    remedy: str = ""


class _WithId(msgspec.Struct):
    Id: str


_PERMISSION_SET = "Setup > Permission Sets, the one assigned to the API user"


def check_permissions(client: Client, user_id: str) -> tuple[PermissionCheck, ...]:
    """About eight calls. Raises SalesforceError only when the org can't be reached at all."""
    checks = [PermissionCheck("API Enabled", True, "Lets the API user sign in and read through the API.")]
    for name in ("Contact", "Lead"):
        readable = _describes(client, name)
        checks.append(readable)
        if readable.ok:
            checks += [
                _sees_mobile(client, name),
                _list_views(client, name),
                _view_all(client, name, user_id),
            ]
    return tuple(checks)


def _describes(client: Client, name: str) -> PermissionCheck:
    return PermissionCheck(
        f"Read {name}s",
        _succeeds(lambda: client.describe(name)),
        f"Reading {name} records and the names of their fields.",
        f"Give Read on {name} under Object Settings in {_PERMISSION_SET}.",
    )


def _sees_mobile(client: Client, name: str) -> PermissionCheck:
    return PermissionCheck(
        f"See {name}: Mobile",
        client.describe(name).field("MobilePhone") is not None,
        f"Reading the mobile number of each {name}.",
        f"Give Read Access to the field Mobile of {name} (field-level security) in {_PERMISSION_SET}.",
    )


def _list_views(client: Client, name: str) -> PermissionCheck:
    return PermissionCheck(
        f"List views of {name}s",
        bool(client.list_views(name)),
        "Offering list views as import source.",
        "Share a list view with a public group that holds the API user, or with all users.",
    )


def _view_all(client: Client, name: str, user_id: str) -> PermissionCheck:
    """Found in the user's permission sets (a profile's permissions are one of them); needs no View Setup
    in some orgs and is refused in others."""
    soql = " ".join(
        (
            "SELECT Id FROM ObjectPermissions WHERE SobjectType =",
            string_literal(name),
            "AND PermissionsViewAllRecords = true AND ParentId IN",
            "(SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId =",
            string_literal(user_id) + ")",
            "LIMIT 1",
        )
    )
    try:
        found: bool | None = any(page.records for page in client.query(soql, _WithId))
    except Unreachable:
        raise
    except SalesforceError:
        found = None
    purpose = f"Seeing every {name}, whoever owns it."
    if name == "Contact":
        purpose += " Private contacts (without an account) are visible to their owner only without it."
    return PermissionCheck(
        f"View All {name}s",
        found,
        purpose,
        f"Give View All on {name} under Object Settings in {_PERMISSION_SET}.",
    )


def _succeeds(call: Callable[[], object]) -> bool:
    try:
        call()
    except Unreachable:
        raise
    except SalesforceError:
        return False
    return True
