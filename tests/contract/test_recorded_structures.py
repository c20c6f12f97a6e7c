"""Every recorded answer that has a counterpart is compared with what the simulated org answers: keys and JSON types.

The recorded structures and where they come from are in `recorded/INDEX.md`. A difference that stays is listed with its
reason; one that has gone must leave the list.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from orgsim.testing import OrgSim
from tests.contract.conftest import V, signed_in, soql, token_answer
from tests.contract.shapes import differences, shape_of

RECORDED = Path(__file__).parent / "recorded"


@pytest.fixture(scope="module")
def world() -> Iterator["World"]:
    with OrgSim(contacts=60, leads=20) as org, signed_in(org) as client:
        yield World(org, client)


class World:
    """One org and a signed-in client, with the calls that several answers need."""

    def __init__(self, org: OrgSim, client: httpx.Client) -> None:
        self.org, self.client = org, client

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(f"{V}{path}", headers=headers).json()

    def post(self, path: str, body: object) -> Any:
        return self.client.post(f"{V}{path}", json=body).json()

    def composite(self, *urls: str, **headers: str) -> Any:
        parts = [
            {"method": "GET", "url": V + url, "referenceId": f"ref{number}", "httpHeaders": headers}
            for number, url in enumerate(urls)
        ]
        return self.post("/composite", {"compositeRequest": parts})

    def contact(self) -> str:
        return self.org.ids("Contact")[0]


def _changed(world: World) -> Any:
    records = [
        {
            "attributes": {"type": "Contact"},
            "Id": world.contact(),
            "Title": "Dean",
            "Graduation_Year__c": 2027,
        }
    ]
    return world.client.patch(f"{V}/composite/sobjects", json={"allOrNone": False, "records": records}).json()


def _upserted(world: World) -> Any:
    records = [{"attributes": {"type": "Account"}, "Id": None, "Name": "Hall"}]
    return world.client.patch(f"{V}/composite/sobjects/Account/Id", json={"records": records}).json()


def _not_modified(world: World) -> Any:
    dated = world.client.get(f"{V}/sobjects").headers["Last-Modified"]
    return world.composite("/sobjects", **{"If-Modified-Since": dated})


def _refreshed(world: World, token: str = "orgsim-refresh-token") -> Any:
    return token_answer(world.org, grant_type="refresh_token", refresh_token=token).json()


def _deleted(world: World) -> Any:
    gone = world.org.ids("Contact")[-1]
    world.client.delete(f"{V}/sobjects/Contact/{gone}")
    return world.get(f"/sobjects/Contact/deleted/?{_last_hour()}")


def _last_hour() -> str:
    now = time.time() + 120
    start, end = (time.strftime("%Y-%m-%dT%H:%M:00Z", time.gmtime(at)) for at in (now - 3_600, now))
    return f"start={quote(start)}&end={quote(end)}"


def _view(world: World, resource: str) -> Any:
    views = world.get("/sobjects/Contact/listviews")["listviews"]
    view = next(view for view in views if view["soqlCompatible"])
    return world.get(f"/sobjects/Contact/listviews/{view['id']}/{resource}")


def _first_page(world: World) -> Any:
    records = [{"attributes": {"type": "Lead"}, "LastName": f"L{n}", "Company": "C"} for n in range(190)]
    world.post("/composite/sobjects", {"records": records})
    return soql(world.client, "SELECT LastName FROM Lead", **{"Sforce-Query-Options": "batchSize=200"}).json()


def _bulk(world: World, wait: bool = False) -> Any:
    job = world.post("/jobs/query", {"operation": "query", "query": "SELECT Id FROM Account"})
    while wait and job["state"] != "JobComplete":
        time.sleep(0.02)
        job = world.get(f"/jobs/query/{job['id']}")
    return job


def _run(world: World) -> Any:
    found = world.get("/query?q=SELECT+Id+FROM+Report+WHERE+Format='Tabular'+ORDER+BY+Name")
    path = f"/services/data/v35.0/analytics/reports/{found['records'][0]['Id']}"
    return world.client.get(f"{path}?includeDetails=true").json()


ANSWERS: Mapping[str, Callable[[World], Any]] = {
    "describe-contact": lambda world: world.get("/sobjects/Contact/describe"),
    "describe-lead": lambda world: world.get("/sobjects/Lead/describe"),
    "describe-global": lambda world: world.get("/sobjects"),
    "record-count": lambda world: world.get("/limits/recordCount?sObjects=Account"),
    "query-records": lambda world: world.get("/query/?q=SELECT+Id,Name+FROM+Account"),
    "collections-update": _changed,
    "collections-upsert": _upserted,
    "composite-not-modified": _not_modified,
    "composite-not-found": lambda world: world.composite("/sobjects/Foo"),
    "composite-query": lambda world: world.composite(
        "/query/?q=select count() from Account", "/query/?q=select count() from XYZZY"
    ),
    "token": lambda world: token_answer(world.org).json(),
    "token-refused": lambda world: token_answer(world.org, client_secret="wrong").json(),
    "token-refreshed": _refreshed,
    "token-refresh-refused": lambda world: _refreshed(world, "gone"),
    "session-expired": lambda world: world.get("/limits", Authorization="Bearer gone"),
    "deleted": _deleted,
    "updated": lambda world: world.get(f"/sobjects/Contact/updated/?{_last_hour()}"),
    "list-views": lambda world: world.get("/sobjects/Contact/listviews"),
    "list-view-describe": lambda world: _view(world, "describe"),
    "list-view-results": lambda world: _view(world, "results"),
    "list-view-results-newer": lambda world: _view(world, "results"),
    "query-first-page": _first_page,
    "write-refused": lambda world: world.post("/sobjects/Contact", {"foo": 1}),
    "delete-not-found": lambda world: world.client.delete(f"{V}/sobjects/Contact/rid").json(),
    "upsert-not-found": lambda world: world.client.patch(f"{V}/sobjects/Contact/Namez/1", json={}).json(),
    "record-not-found": lambda world: world.get("/sobjects/Contact/23foo"),
    "describe-not-found": lambda world: world.get("/sobjects/Nothing/describe"),
    "bulk-query-created": _bulk,
    "bulk-query-complete": lambda world: _bulk(world, wait=True),
    "report-tabular-older": _run,
    "report-filter-operators": lambda world: world.get("/analytics/filteroperators"),
}
# name -> path -> why the simulated org differs there.
_NEWER_TOKEN = {
    f"$.{key}": "documented; the fixture is older" for key in ("api_instance_url", "scope", "token_type")
}
_OWN_FIELD = "the fixture's object has one field of its own"
KNOWN: Mapping[str, Mapping[str, str]] = {
    "query-first-page": {"$.records[].LastName": _OWN_FIELD, "$.records[].Text_Label": _OWN_FIELD},
    "report-tabular-older": {"$.factMap.*.rows[].dataCells[].value": "cells of other columns"},
    "token": _NEWER_TOKEN,
    "token-refreshed": _NEWER_TOKEN,
}


# Runs of reports have the recorded structure only with the recorded columns: see test_reports_structure.
_REPORTS = {
    "report-tabular",
    "report-summary",
    "report-summary-newer",
    "report-matrix-newer",
    "report-describe",
}


def test_every_recorded_structure_is_compared() -> None:
    assert {path.stem for path in RECORDED.glob("*.json")} == set(ANSWERS) | _REPORTS


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_the_structure_is_as_recorded(world: World, name: str) -> None:
    recorded = json.loads((RECORDED / f"{name}.json").read_text())

    found = differences(recorded["shape"], shape_of(ANSWERS[name](world), recorded["maps"]))

    assert found.keys() == KNOWN.get(name, {}).keys(), found
