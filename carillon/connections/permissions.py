"""Which of the permissions an import needs the API user has, and whether the org has contacts we cannot serve.
Each check says what the permission is for and how to give it; what Salesforce does not let an API user find out is
reported as unknown, never as fine."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec

from carillon.salesforce.client import PERSON_ACCOUNT_FIELD, Client, ListViewSummary, ObjectDescribe
from carillon.salesforce.errors import Forbidden, NotFound, QueryRejected, Refused
from carillon.salesforce.reports.errors import ReportsNotAllowed
from carillon.salesforce.soql import string_literal


@dataclass(frozen=True, slots=True)
class PermissionCheck:
    """`ok` None: could not be found out. `remedy` says what to do when it is missing or unknown, else it is empty. What
    nothing needs now is worth a note only: `unless`, else empty."""

    name: str
    ok: bool | None
    purpose: str
    remedy: str = ""
    unless: str = ""


class _Granted(msgspec.Struct):
    PermissionsViewAllRecords: bool
    PermissionsModifyAllRecords: bool


class _Found(msgspec.Struct):
    Id: str


@dataclass(frozen=True, slots=True)
class _Rights:
    """Of all records of an object, whoever owns them; None where Salesforce doesn't tell."""

    view_all: bool | None = None
    modify_all: bool | None = None


@dataclass(frozen=True, slots=True)
class Uses:
    """What a workspace wants of its org beside list views: reports, and to write opt-outs into a field of an object."""

    reports: bool = False
    opt_out_fields: Mapping[str, str] = field(default_factory=dict)


NOT_NEEDED = "Not needed yet"
_TRIED_REPORTS = 5
_PERMISSION_SET = "Setup > Permission Sets, the one assigned to the API user"


def check_permissions(client: Client, user_id: str, uses: Uses = Uses()) -> tuple[PermissionCheck, ...]:
    """About eleven calls. Raises SalesforceError when the org can't be reached or can't answer at the moment."""
    checks = [PermissionCheck("API Enabled", True, "Lets the API user sign in and read through the API.")]
    for name in ("Contact", "Lead"):
        describe = _described(client, name)
        checks.append(_reads(name, describe, f"Reading {name} records and the names of their fields."))
        if describe is not None:
            rights = _rights(client, name, user_id)
            checks += [
                _sees_mobile(name, describe),
                _list_views(client, name),
                _view_all(name, rights.view_all),
                *_writes(describe, uses.opt_out_fields.get(name, "")),
            ]
            if name == "Contact" and uses.opt_out_fields.get(name):
                checks.append(_edits_private(client, user_id, rights.modify_all))
        if name == "Contact" and describe is not None and describe.field(PERSON_ACCOUNT_FIELD):
            checks.append(_no_person_accounts(client))
    account = _described(client, "Account")
    checks.append(_reads("Account", account, "Running list views whose filter names the account."))
    note = "" if uses.reports else "For reports only"
    checks += [replace(check, unless=note) for check in _reports(client)]
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


def _view_all(name: str, found: bool | None) -> PermissionCheck:
    purpose = f"Seeing every {name}, whoever owns it."
    if name == "Contact":
        purpose += " Private contacts (without an account) are visible to their owner only without it."
    return _check(
        f"View All {name}s",
        found,
        purpose,
        f"{_give(found)} View All on {name} under Object Settings in {_PERMISSION_SET}.",
    )


def _give(found: bool | None) -> str:
    return (
        "Could not be checked from here: make sure the API user has" if found is None else "Give the API user"
    )


def _writes(describe: ObjectDescribe, opt_out_field: str) -> list[PermissionCheck]:
    """Whether opt-outs can be written, as describe tells it of the object and of its opt-out field."""
    name, purpose = describe.name, f"Writing opt-outs and opt-ins to {describe.name} records."
    if not opt_out_field:
        return [
            PermissionCheck(
                f"Edit {name}s",
                None,
                purpose,
                "No opt-out field mapped yet: choose one on page Contact Import. Until then these records are told nothing.",
                NOT_NEEDED,
            )
        ]
    found = describe.field(opt_out_field)
    label = found.label if found else opt_out_field
    return [
        _check(
            f"Edit {name}s",
            describe.updateable,
            purpose,
            f"Give Edit on {name} under Object Settings in {_PERMISSION_SET}.",
        ),
        _check(
            f"Edit {name}: {label}",
            found is not None and found.updateable,
            f"The opt-out field of each {name} ({opt_out_field}).",
            f"Give Edit Access to the field {label} of {name} (field-level security) in {_PERMISSION_SET}.",
        ),
    ]


def _edits_private(client: Client, user_id: str, found: bool | None) -> PermissionCheck:
    check = _check(
        "Modify All Contacts",
        found,
        "Writing opt-outs to private contacts (without an account), which no sharing rule reaches.",
        f"{_give(found)} Modify All on Contact under Object Settings in {_PERMISSION_SET}, or give these contacts an account.",
    )
    return check if found or _has_private(client, user_id) else replace(check, unless=NOT_NEEDED)


def _has_private(client: Client, user_id: str) -> bool:
    """Whether others own contacts without an account. Who can't be told is taken to have some."""
    soql = " ".join(
        (
            "SELECT Id FROM Contact WHERE AccountId = null AND OwnerId !=",
            string_literal(user_id),
            "LIMIT 1",
        )
    )
    try:
        return any(page.records for page in client.query(soql, _Found))
    except (QueryRejected, Forbidden, NotFound):
        return True


def _rights(client: Client, name: str, user_id: str) -> _Rights:
    """Asks the user's permission sets (a profile's permissions are one of them). Without View Setup some orgs
    refuse, others show no rows; as the object is readable, a row that grants Read must exist where rows show."""
    soql = " ".join(
        (
            "SELECT PermissionsViewAllRecords, PermissionsModifyAllRecords FROM ObjectPermissions WHERE SobjectType =",
            string_literal(name),
            "AND PermissionsRead = true AND ParentId IN",
            "(SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId =",
            string_literal(user_id) + ")",
        )
    )
    try:
        rows = [row for page in client.query(soql, _Granted) for row in page.records]
    except (QueryRejected, Forbidden, NotFound):
        return _Rights()
    granted = [row for row in rows if isinstance(row, _Granted)]
    if not granted:
        return _Rights()
    return _Rights(
        any(row.PermissionsViewAllRecords for row in granted),
        any(row.PermissionsModifyAllRecords for row in granted),
    )
