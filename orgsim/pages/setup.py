"""What an admin sets up: allowances, switches, and what the API user may see and do."""

from dataclasses import dataclass

from orgsim import permissions
from orgsim.calls import Answer
from orgsim.limits_table import API_REQUESTS
from orgsim.org import Org
from orgsim.pages.screen import Said
from orgsim.pages.visit import REFUSALS, Route, Visit, api_user, refused, whole
from orgsim.schema import Field, SObject
from orgsim.staff import API_USER_ID
from orgsim.switches import OPEN_FACTS, SETTINGS

_LIMITS, _SWITCHES, _API_USER = "/orgsim/limits", "/orgsim/switches", "/orgsim/api-user"
# Why a page for these three: they are what clients import and write.
_OBJECTS = ("Contact", "Lead", "Account")
PERMISSIONS = ("Read", "Create", "Edit", "Delete", "View All", "Modify All")


# Limits


def _limits(visit: Visit) -> Answer:
    usage = visit.org.usage
    rows = [(name, usage.used(name), usage.most(name)) for name in sorted(usage.answer())]
    daily = next(row for row in rows if row[0] == API_REQUESTS)
    return visit.page("limits.html", "limits", rows=rows, daily=daily, header=usage.header())


def _set_limit(visit: Visit) -> Answer:
    name = visit.form.get("name", API_REQUESTS)

    def change() -> None:
        visit.scenario.set_limit(whole(visit.form.get("most", ""), "The limit"), name)

    return visit.did(_LIMITS, change, f"{name} has a new limit.")


def _use_up(visit: Visit) -> Answer:
    name = visit.form.get("name", API_REQUESTS)
    return visit.did(_LIMITS, lambda: visit.scenario.bump_limit(name), f"Nothing is left of {name}.")


# Switches


def _switches(visit: Visit) -> Answer:
    groups = (("How this org is set up", SETTINGS), ("Facts that no public source settles", OPEN_FACTS))
    return visit.page("switches.html", "switches", groups=groups, values=visit.scenario.switches())


def _set_switches(visit: Visit) -> Answer:
    changed = []
    try:
        for name, value in visit.scenario.switches().items():
            wanted = visit.form.get(name, value)
            if wanted != value:
                visit.scenario.switch(name, wanted)
                changed.append(f"{name} is {wanted}")
    except REFUSALS as error:
        return visit.back(_SWITCHES, refused(error))
    return visit.back(_SWITCHES, Said(f"Saved: {'; '.join(changed)}." if changed else "Nothing was changed."))


# The API user


@dataclass(frozen=True, slots=True)
class Access:
    """Of one object: what is granted, and the fields that can be hidden, with whether they are."""

    sobject: SObject
    granted: frozenset[str]
    fields: list[tuple[Field, bool]]


def _api_user(visit: Visit) -> Answer:
    connection = visit.org.store.reader()
    rights = permissions.rights_of(connection, API_USER_ID)
    hidden = set(connection.execute("SELECT sobject, field FROM hidden_field").fetchall())
    objects = [_access(visit.org, name, rights[name], hidden) for name in _OBJECTS]
    return visit.page(
        "api_user.html",
        "api-user",
        user=api_user(visit.org),
        objects=objects,
        permissions=PERMISSIONS,
        api_enabled=visit.org.api_enabled,
        blocked=bool(visit.org.store.meta(permissions.BLOCKED)),
    )


def _access(org: Org, name: str, granted: frozenset[str], hidden: set[tuple[str, str]]) -> Access:
    sobject = org.schema.sobject(name)
    if sobject is None:
        raise LookupError(name)
    fields = [
        (field, (name, field.name) in hidden)
        for field in sobject.fields
        if field.permissionable or (name, field.name) in hidden
    ]
    return Access(sobject, granted, fields)


def _set_field(visit: Visit) -> Answer:
    sobject, field = visit.form.get("sobject", ""), visit.form.get("field", "")
    if visit.form.get("hidden") == "yes":
        done = f"The API user no longer sees {sobject}.{field}."
        return visit.did(_API_USER, lambda: visit.scenario.hide_field(sobject, field), done)
    done = f"The API user sees {sobject}.{field} again."
    return visit.did(_API_USER, lambda: visit.scenario.show_field(sobject, field), done)


def _set_permission(visit: Visit) -> Answer:
    sobject, permission = visit.form.get("sobject", ""), visit.form.get("permission", "")
    if visit.form.get("granted") == "yes":
        done = f"{permission} of {sobject} is granted, with what it needs."
        return visit.did(_API_USER, lambda: visit.scenario.grant(sobject, permission), done)
    done = f"{permission} of {sobject} is taken away, with what needs it."
    return visit.did(_API_USER, lambda: visit.scenario.ungrant(sobject, permission), done)


def _set_active(visit: Visit) -> Answer:
    active = visit.form.get("active") == "yes"
    done = "The API user can sign in again." if active else "The API user can no longer sign in."
    username = api_user(visit.org).username
    return visit.did(_API_USER, lambda: visit.scenario.set_active(username, active), done)


def _set_enabled(visit: Visit) -> Answer:
    enabled = visit.form.get("enabled") == "yes"
    done = "The API user may use the API again." if enabled else "The API user may no longer use the API."
    return visit.did(_API_USER, lambda: visit.scenario.set_api_enabled(enabled), done)


def _revoke(visit: Visit) -> Answer:
    return visit.did(_API_USER, visit.scenario.revoke, "Every token of the API user is revoked.")


def _set_blocked(visit: Visit) -> Answer:
    if visit.form.get("blocked") == "yes":
        done = "The API user can no longer query its permissions."
        return visit.did(_API_USER, visit.scenario.block_permission_queries, done)
    done = "The API user can query its permissions."
    return visit.did(_API_USER, visit.scenario.allow_permission_queries, done)


ROUTES: tuple[Route, ...] = (
    ("GET", _LIMITS, _limits),
    ("POST", _LIMITS, _set_limit),
    ("POST", f"{_LIMITS}/use-up", _use_up),
    ("GET", _SWITCHES, _switches),
    ("POST", _SWITCHES, _set_switches),
    ("GET", _API_USER, _api_user),
    ("POST", f"{_API_USER}/field", _set_field),
    ("POST", f"{_API_USER}/permission", _set_permission),
    ("POST", f"{_API_USER}/active", _set_active),
    ("POST", f"{_API_USER}/enabled", _set_enabled),
    ("POST", f"{_API_USER}/revoke", _revoke),
    ("POST", f"{_API_USER}/blocked", _set_blocked),
)
