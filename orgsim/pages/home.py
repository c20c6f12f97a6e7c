"""The start page: which org this is, how much there is in it, and what its API is being asked."""

from orgsim.calls import Answer
from orgsim.limits_table import API_REQUESTS
from orgsim.org import Org
from orgsim.pages.visit import Route, Visit, api_user, organization
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
        api_user=api_user(org),
        now=org.clock.stamp(),
        calls=visit.traffic.latest(),
        faults=len(org.faults.ordered()),
    )


def _living(org: Org, sobject: str) -> int:
    sql = on(sobject, "SELECT count(*) FROM {table} WHERE IsDeleted = 0")
    (count,) = org.store.reader().execute(sql).fetchone()
    return int(count)


ROUTES: tuple[Route, ...] = (("GET", "/", _show),)
