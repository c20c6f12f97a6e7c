"""The start page: which org this is, how much there is in it, and what its API is being asked."""

from orgsim.calls import Answer
from orgsim.limits_table import API_REQUESTS
from orgsim.org import Org
from orgsim.pages.visit import Route, Visit, organization
from orgsim.staff import API_USER_ID
from orgsim.store import on


def _show(visit: Visit) -> Answer:
    org = visit.org
    name, org_id, sandbox = organization(org)
    used, most = org.usage.used(API_REQUESTS), org.usage.most(API_REQUESTS)
    return visit.page(
        "home.html",
        "home",
        name=name,
        org_id=org_id,
        sandbox=sandbox,
        address=visit.call.address,
        contacts=_living(org, "Contact"),
        leads=_living(org, "Lead"),
        used=used,
        most=most,
        api_user=_api_user(org),
        now=org.clock.stamp(),
        calls=visit.traffic.latest(),
        faults=len(org.faults.ordered()),
    )


def _living(org: Org, sobject: str) -> int:
    sql = on(sobject, "SELECT count(*) FROM {table} WHERE IsDeleted = 0")
    (count,) = org.store.reader().execute(sql).fetchone()
    return int(count)


def _api_user(org: Org) -> tuple[str, str, bool]:
    """Name, username, and whether it is active."""
    sql = on("User", "SELECT Name, Username, IsActive FROM {table} WHERE Id = ?")
    name, username, active = org.store.reader().execute(sql, (API_USER_ID,)).fetchone()
    return name, username, bool(active)


ROUTES: tuple[Route, ...] = (("GET", "/", _show),)
