"""Calls of the Analytics API, as the tests of reports make them."""

from typing import Any

import httpx

from tests.contract.conftest import V

REPORTS = f"{V}/analytics/reports"
BY_ID = [{"sortColumn": "CONTACT_ID", "sortOrder": "Asc"}]
Json = dict[str, Any]


def report_id(client: httpx.Client, name: str) -> str:
    answer = client.get(f"{V}/query", params={"q": f"SELECT Id FROM Report WHERE Name = '{name}'"})
    found: str = answer.json()["records"][0]["Id"]
    return found


def run(
    client: httpx.Client, name: str = "All Contacts", *, details: bool = True, **metadata: object
) -> Json:
    answer = posted(client, name, details=details, **metadata)
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


def posted(
    client: httpx.Client, name: str = "All Contacts", *, details: bool = True, **metadata: object
) -> httpx.Response:
    url = f"{REPORTS}/{report_id(client, name)}"
    params = {"includeDetails": str(details).lower()}
    return client.post(url, params=params, json={"reportMetadata": metadata})


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, errorCode and message of a refused call."""
    (error,) = answer.json()
    return answer.status_code, error["errorCode"], error["message"]


def a_filter(column: str, operator: str, value: str) -> Json:
    return {"column": column, "operator": operator, "value": value}


def cells(body: Json, column: int = 0, part: str = "value") -> list[Any]:
    """One column of the rows of a tabular run."""
    return [row["dataCells"][column][part] for row in body["factMap"]["T!T"]["rows"]]


def row_count(body: Json) -> int:
    names = body["reportMetadata"]["aggregates"]
    count: int = body["factMap"]["T!T"]["aggregates"][names.index("RowCount")]["value"]
    return count


def filtered(
    client: httpx.Client, column: str, operator: str, value: str, sort: list[Json] | None = None
) -> list[Any]:
    """The ids of the contacts that one filter leaves."""
    filters = [a_filter(column, operator, value)]
    return cells(run(client, detailColumns=["CONTACT_ID"], reportFilters=filters, sortBy=sort or []))
