import json
from typing import Any

import pytest

from carillon.salesforce.client import Client
from carillon.salesforce.errors import MalformedAnswer
from carillon.salesforce.ids import to_18
from carillon.salesforce.reports.reading import ReportReading
from carillon.salesforce.reports.resource import find_query
from carillon.salesforce.reports.runs import Patience, run_of
from carillon.salesforce.transport import Answer
from tests.unit.salesforce.org import Reply, TinyOrg
from tests.unit.salesforce.paper_report import ANSWERED, described

REPORT = f"/services/data/v66.0/analytics/reports/{described().id}"
INSTANCES = f"{REPORT}/instances"
INSTANCE = to_18("0LG000000000001")
QUICK = Patience(first_wait=0.01, longest_wait=0.02, whole=0.2)
PEOPLE = ["003580000025sonAAA", "003580000025sokAAA"]


def ran(**changes: Any) -> dict[str, Any]:
    rows = [
        {"dataCells": [{"label": person[:15], "value": person}, {"label": "Frank", "value": person}]}
        for person in PEOPLE
    ]
    total = {"aggregates": [{"label": "2", "value": 2}, {"label": "2", "value": 2.0}], "rows": rows}
    return {
        "allData": True,
        "factMap": {"T!T": total},
        "reportMetadata": {
            "detailColumns": ["CONTACT_ID", "LAST_NAME"],
            "aggregates": ["RowCount", "u!CONTACT_ID"],
        },
        **changes,
    }


def polled(status: str) -> Reply:
    return Reply({"attributes": {"status": status}, "factMap": None, "allData": False})


def reading(client: Client) -> ReportReading:
    return client.reports.rows(described(), "Contact", columns=("LAST_NAME",), patience=QUICK)


def ids(client: Client) -> list[str]:
    return [row.id for page in reading(client) for row in page.rows]


def test_a_run_is_posted_once_and_read(org: TinyOrg, client: Client) -> None:
    org.script(REPORT, Reply(ran()))

    (page,) = reading(client)

    assert [(row.id, row.values) for row in page.rows] == [(person, ("Frank",)) for person in PEOPLE]
    assert client.transport.calls == {"report_run": 1}
    assert org.requests(REPORT)[0].path == f"{REPORT}?includeDetails=true"


@pytest.mark.parametrize(
    "refusal",
    [
        Reply([{"errorCode": "TIMEOUT", "message": "The request timed out."}], status=504),
        Reply([{"errorCode": "FORBIDDEN", "message": "You can't run more than 500 reports synchronously every 60 minutes."}], status=403),
    ],
)  # fmt: skip
def test_a_run_too_slow_or_used_up_is_run_in_the_background(
    org: TinyOrg, client: Client, refusal: Reply
) -> None:
    org.script(REPORT, refusal)
    org.script(INSTANCES, Reply({"id": INSTANCE, "status": "New"}))
    finished = Reply(ran(attributes={"status": "Success"}))
    org.script(f"{INSTANCES}/{INSTANCE}", polled("New"), polled("Running"), finished)

    assert ids(client) == PEOPLE
    assert client.transport.calls["report_run"] == 1
    assert client.transport.calls["report_start"] == 1
    assert client.transport.calls["report_poll"] == 3
    assert client.transport.calls["report_delete"] >= 1


def test_grouped_rows_are_gathered_when_the_groups_stayed() -> None:
    one, other = ran()["factMap"]["T!T"]["rows"]
    facts = {
        "0!T": {"aggregates": [], "rows": [one]},
        "1!T": {"aggregates": [], "rows": [other]},
        "T!T": {"aggregates": [{"label": "2", "value": 2}], "rows": []},
    }

    run = run_of(Answer(json.dumps(ran(factMap=facts)).encode(), ANSWERED))

    assert [row[0].value for row in run.rows] == PEOPLE
    assert (run.row_count, run.unique_count) == (2, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"factMap": None},
        {"factMap": {}},
        {"allData": None},
        {"reportMetadata": {"detailColumns": ["CONTACT_ID"]}},
    ],
)
def test_an_answer_that_is_no_run_is_malformed(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedAnswer):
        run_of(Answer(json.dumps(ran(**changes)).encode(), ANSWERED))


def test_reports_are_looked_for_by_name_and_folder_with_wildcards_as_they_are() -> None:
    assert find_query("50%_O'Neill", folder="Texting", tabular_only=True, most=20) == (
        "SELECT Id, Name, DeveloperName, FolderName, Format, Description, LastModifiedDate, LastRunDate "
        r"FROM Report WHERE Name LIKE '%50\%\_O\'Neill%' AND FolderName = 'Texting' AND Format = 'Tabular' "
        "ORDER BY FolderName, Name, Id LIMIT 20"
    )
