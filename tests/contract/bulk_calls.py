"""Calls of Bulk API 2.0 as a client makes them, for the tests of it."""

import csv
import io
import time
from typing import Any

import httpx

from tests.contract.conftest import V

JOBS = f"{V}/jobs/query"


def create(client: httpx.Client, soql: str, **changes: str) -> httpx.Response:
    return client.post(JOBS, json={"operation": "query", "query": soql} | changes)


def job_id(client: httpx.Client, soql: str = "SELECT Id FROM Contact", **changes: str) -> str:
    return str(create(client, soql, **changes).json()["id"])


def finished(client: httpx.Client, soql: str, **changes: str) -> dict[str, Any]:
    """The info of a new job once it is over."""
    job = job_id(client, soql, **changes)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        info: dict[str, Any] = client.get(f"{JOBS}/{job}").json()
        if info["state"] not in ("UploadComplete", "InProgress"):
            return info
        time.sleep(0.02)
    raise TimeoutError("the job did not end")


def results(client: httpx.Client, job: str, **parameters: str | int) -> httpx.Response:
    return client.get(f"{JOBS}/{job}/results", params=parameters)


def rows(text: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))


def csv_of(client: httpx.Client, soql: str, **changes: str) -> list[list[str]]:
    """Header and rows of the whole result of a query."""
    return rows(results(client, finished(client, soql, **changes)["id"]).text)
