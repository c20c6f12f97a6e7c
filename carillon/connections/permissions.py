"""Which of the permissions an import needs the API user has, and whether the org has contacts we cannot serve.
Each check says what the permission is for and how to give it; what Salesforce does not let an API user find out is
reported as unknown, never as fine."""

from dataclasses import dataclass, replace

import msgspec

from carillon.salesforce.client import PERSON_ACCOUNT_FIELD, Client, ListViewSummary, ObjectDescribe
from carillon.salesforce.errors import Forbidden, NotFound, QueryRejected, Refused
from carillon.salesforce.reports.errors import ReportsNotAllowed
from carillon.salesforce.soql import string_literal


@dataclass(frozen=True, slots=True)
class PermissionCheck:
    """`ok` None: could not be found out. `remedy` says what to do when it is missing or unknown, else it is empty. What is
    not `needed` by any import now is worth a note only."""

    name: str
    ok: bool | None
    purpose: str
    remedy: str = ""
    needed: bool = True


class _Granted(msgspec.Struct):
    PermissionsViewAllRecords: bool


_TRIED_REPORTS = 5
_PERMISSION_SET = "Setup > Permission Sets, the one assigned to the API user"


def check_permissions(
    client: Client, user_id: str, *, reads_reports: bool = False
) -> tuple[PermissionCheck, ...]:
    """About eleven calls; `reads_reports`: an import reads a report. Raises SalesforceError when the org can't be reached
    or can't answer at the moment."""
    checks = [PermissionCheck("API Enabled", True, "Lets the API user sign in and read through the API.")]
    for name in ("Contact", "Lead"):
        describe = _described(client, name)
        checks.append(_reads(name, describe, f"Reading {name} records and the names of their fields."))
        if describe is not None:
            checks += [
                _sees_mobile(name, describe),
                _list_views(client, name),
                _view_all(client, name, user_id),
            ]
        if name == "Contact" and describe is not None and describe.field(PERSON_ACCOUNT_FIELD):
            checks.append(_no_person_accounts(client))
    account = _described(client, "Account")
    checks.append(_reads("Account", account, "Running list views whose filter names the account."))
    checks += [replace(check, needed=reads_reports) for check in _reports(client)]
    return tuple(checks)


def _check(name: str, ok: bool | None, purpose: str, remedy: str) -> PermissionCheck:
    return PermissionCheck(name, ok, purpose, "" if ok else remedy)


def _described(client: Client, name: str) -> ObjectDescribe | None:
    """None when the object does not exist for the API user."""
    try:
        return client.describe(name)
    except (NotFound, Forbidden):
        return None


def _reads(name: str, describe: ObjectDescribe | None, purpose: str) -> PermissionCheck:
    return _check(
        f"Read {name}s",
        describe is not None,
        purpose,
        f"Give Read on {name} under Object Settings in {_PERMISSION_SET}.",
    )


def _sees_mobile(name: str, describe: ObjectDescribe) -> PermissionCheck:
    return _check(
        f"See {name}: Mobile",
        describe.field("MobilePhone") is not None,
        f"Reading the mobile number of each {name}.",
        f"Give Read Access to the field Mobile of {name} (field-level security) in {_PERMISSION_SET}.",
    )


def _no_person_accounts(client: Client) -> PermissionCheck:
    soql = " ".join(("SELECT COUNT() FROM Contact WHERE", PERSON_ACCOUNT_FIELD, "= true"))
    count = client.count(soql)
    return _check(
        "Contacts without person accounts",
        count == 0,
        "A contact that is a person account is only the shadow of an account: Carillon cannot keep its opt-out yet.",
        f"This org has person accounts among its contacts ({count:,}). Import from a list view that leaves them out"
        " (filter: Is Person Account equals False), or import leads.",
    )


def _list_views(client: Client, name: str) -> PermissionCheck:
    try:
        views = client.list_views(name)
    except (NotFound, Forbidden):
        views = list[ListViewSummary]()
    return _check(
        f"List views of {name}s",
        bool(views),
        "Offering list views as import source.",
        "Share a list view with a public group that holds the API user, or with all users.",
    )


def _reports(client: Client) -> tuple[PermissionCheck, PermissionCheck]:
    shared = _shared_reports(client)
    may_run = _may_run(client, shared)
    lead = (
        "Could not be checked without a report to open: make sure the API user has"
        if may_run is None
        else "Give the API user"
    )
    return (
        _check(
            "Tabular reports",
            bool(shared),
            "Offering reports as import source.",
            "Share the folder of a tabular report with the API user (View is enough).",
        ),
        _check(
            "Run Reports",
            may_run,
            "Reading the rows of reports.",
            f"{lead} Run Reports under System Permissions in {_PERMISSION_SET}.",
        ),
    )


def _shared_reports(client: Client) -> list[str]:
    """Some tabular reports that the API user can see. An org may not let users without the permission list any."""
    try:
        return [report.id for report in client.reports.find(tabular_only=True, most=_TRIED_REPORTS)]
    except (QueryRejected, Forbidden, NotFound):
        return []


def _may_run(client: Client, report_ids: list[str]) -> bool | None:
    """Describing a report takes the permission too, and no report run. One on an object that can't be read may not be
    described all the same."""
    for report_id in report_ids:
        try:
            client.reports.describe(report_id)
        except ReportsNotAllowed:
            return False
        except (Refused, Forbidden, NotFound):
            continue
        return True
    return None


def _view_all(client: Client, name: str, user_id: str) -> PermissionCheck:
    found = _has_view_all(client, name, user_id)
    purpose = f"Seeing every {name}, whoever owns it."
    if name == "Contact":
        purpose += " Private contacts (without an account) are visible to their owner only without it."
    lead = (
        "Could not be checked from here: make sure the API user has" if found is None else "Give the API user"
    )
    return _check(
        f"View All {name}s",
        found,
        purpose,
        f"{lead} View All on {name} under Object Settings in {_PERMISSION_SET}.",
    )


def _has_view_all(client: Client, name: str, user_id: str) -> bool | None:
    """Asks the user's permission sets (a profile's permissions are one of them). Without View Setup some orgs
    refuse, others show no rows; as the object is readable, a row that grants Read must exist where rows show."""
    soql = " ".join(
        (
            "SELECT PermissionsViewAllRecords FROM ObjectPermissions WHERE SobjectType =",
            string_literal(name),
            "AND PermissionsRead = true AND ParentId IN",
            "(SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId =",
            string_literal(user_id) + ")",
        )
    )
    try:
        rows = [row for page in client.query(soql, _Granted) for row in page.records]
    except (QueryRejected, Forbidden, NotFound):
        return None
    granted = [row.PermissionsViewAllRecords for row in rows if isinstance(row, _Granted)]
    return any(granted) if granted else None
