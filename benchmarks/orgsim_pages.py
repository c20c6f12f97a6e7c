"""How fast the simulated org serves query pages, in one process, how it starts from an existing file, and how long
single resources take."""

import statistics
import time
from collections.abc import Callable

import httpx

from benchmarks import replay, stage

SOQL = (
    "SELECT Id, SystemModstamp, LastModifiedDate, LastModifiedById, FirstName, LastName, MobilePhone, OwnerId"
    " FROM Contact ORDER BY SystemModstamp, Id"
)


def run(contacts: int) -> None:
    with stage.orgsim(contacts):
        pass
    started = time.monotonic()
    with stage.orgsim(contacts) as org:
        start_seconds = time.monotonic() - started
        pages = replay.pages(org, SOQL, replay.sign_in(org))
        opened = time.monotonic()
        next(pages)
        began = time.monotonic()
        rest = sum(1 for _ in pages)
        seconds = time.monotonic() - began
    stage.table(
        ["start s", "open query s", "records/s of the pages after the first"],
        [[f"{start_seconds:.1f}", f"{began - opened:.2f}", f"{rest * 2000 / seconds:,.0f}"]],
    )
    with stage.orgsim(contacts) as org:
        _resources(org)


def _resources(org: str) -> None:
    headers = {"Authorization": f"Bearer {replay.sign_in(org)}"}
    with httpx.Client(base_url=f"{org}/services/data/v66.0", headers=headers, timeout=60) as http:
        view = http.get("/sobjects/Contact/listviews").json()["listviews"][0]["id"]
        report = http.get("/analytics/reports").json()[0]["id"]
        records = http.get("/query", params={"q": "SELECT Id FROM Contact WHERE AccountId != NULL LIMIT 200"})
        ids = [record["Id"] for record in records.json()["records"]]
        changes = [{"attributes": {"type": "Contact"}, "id": id_, "Title": "Dean"} for id_ in ids]
        timed: dict[str, Callable[[], httpx.Response]] = {
            "object describe": lambda: http.get("/sobjects/Contact/describe"),
            "list view describe": lambda: http.get(f"/sobjects/Contact/listviews/{view}/describe"),
            "report describe": lambda: http.get(f"/analytics/reports/{report}/describe"),
            "report run, 2,000 rows": lambda: http.get(f"/analytics/reports/{report}?includeDetails=true"),
            "collection of 200": lambda: http.patch("/composite/sobjects", json={"records": changes}),
            "retrieve 200": lambda: http.post(
                "/composite/sobjects/Contact", json={"ids": ids, "fields": ["Id"]}
            ),
        }
        rows = [[name, *_milliseconds(call)] for name, call in timed.items()]
    stage.table(["resource", "median ms", "slowest ms"], rows)


def _milliseconds(call: Callable[[], httpx.Response], times: int = 21) -> list[str]:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        call().raise_for_status()
        taken.append((time.perf_counter() - began) * 1000)
    return [f"{statistics.median(taken):.1f}", f"{max(taken):.1f}"]
