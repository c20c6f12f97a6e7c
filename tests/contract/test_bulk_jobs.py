"""The life of a query job: what creating it answers, its states, abort, delete, the list, limits, refusals."""

import time

import httpx
import pytest

from orgsim.ids import normalise
from orgsim.staff import REGISTRAR_USERNAME
from orgsim.testing import OrgSim
from tests.contract.bulk_calls import JOBS, create, finished, job_id, results
from tests.contract.conftest import V, signed_in

SOQL = "SELECT Id, Name FROM Contact"
CREATED = {
    "id",
    "operation",
    "object",
    "createdById",
    "createdDate",
    "systemModstamp",
    "state",
    "concurrencyMode",
    "contentType",
    "apiVersion",
    "lineEnding",
    "columnDelimiter",
}
INFO = CREATED | {"jobType", "numberRecordsProcessed", "retries", "totalProcessingTime"}


def _code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()[0]["errorCode"]


def test_creating_answers_as_recorded(client: httpx.Client) -> None:
    answer = create(client, SOQL)

    job = answer.json()
    assert (answer.status_code, set(job)) == (200, CREATED)
    assert job["id"].startswith("750")
    assert normalise(job["id"]) == job["id"]
    assert (job["operation"], job["object"], job["state"]) == ("query", "Contact", "UploadComplete")
    assert (job["contentType"], job["lineEnding"], job["columnDelimiter"]) == ("CSV", "LF", "COMMA")
    assert isinstance(job["apiVersion"], float)


def test_the_version_is_the_one_called(client: httpx.Client) -> None:
    job = client.post("/services/data/v57.0/jobs/query", json={"operation": "query", "query": SOQL}).json()

    assert job["apiVersion"] == 57.0


def test_a_job_goes_through_its_states(org: OrgSim, client: httpx.Client) -> None:
    org.set_bulk_delay(1.0)
    job, states = job_id(client, SOQL), []

    deadline = time.monotonic() + 10
    while "JobComplete" not in states and time.monotonic() < deadline:
        states.append(client.get(f"{JOBS}/{job}").json()["state"])
        time.sleep(0.02)

    assert list(dict.fromkeys(states)) == ["UploadComplete", "InProgress", "JobComplete"]


def test_a_complete_job_says_what_was_recorded(client: httpx.Client) -> None:
    info = finished(client, SOQL)

    assert set(info) == INFO
    assert (info["jobType"], info["numberRecordsProcessed"], info["retries"]) == ("V2Query", 40, 0)
    assert info["totalProcessingTime"] > 0


def test_ids_of_15_characters_find_a_job(client: httpx.Client) -> None:
    job = job_id(client, SOQL)

    assert client.get(f"{JOBS}/{job[:15]}").json()["id"] == job


def test_a_failed_job_says_why_and_has_no_results(org: OrgSim, client: httpx.Client) -> None:
    org.fail_bulk_job("QUERY_TIMEOUT: too long")

    info = finished(client, SOQL)

    assert set(info) == INFO | {"errorMessage"}
    assert (info["state"], info["errorMessage"]) == ("Failed", "QUERY_TIMEOUT: too long")
    assert _code(results(client, info["id"])) == (400, "API_ERROR")
    assert finished(client, SOQL)["state"] == "JobComplete"


def test_results_of_an_unfinished_job_are_refused(org: OrgSim, client: httpx.Client) -> None:
    org.set_bulk_delay(60)
    job = job_id(client, SOQL)

    assert _code(results(client, job)) == (400, "API_ERROR")
    assert _code(client.get(f"{JOBS}/{job}/resultPages")) == (400, "API_ERROR")


def test_an_aborted_job_answers_as_documented_and_stays_aborted(org: OrgSim, client: httpx.Client) -> None:
    org.set_bulk_delay(60)
    job = job_id(client, SOQL)

    answer = client.patch(f"{JOBS}/{job}", json={"state": "Aborted"})

    assert (answer.status_code, answer.json()["state"]) == (200, "Aborted")
    assert set(answer.json()) == CREATED - {"lineEnding", "columnDelimiter"}
    assert client.get(f"{JOBS}/{job}").json()["state"] == "Aborted"
    assert _code(client.patch(f"{JOBS}/{job}", json={"state": "Aborted"})) == (400, "INVALIDJOBSTATE")


def test_a_complete_job_can_not_be_aborted(client: httpx.Client) -> None:
    job = finished(client, SOQL)["id"]

    answer = client.patch(f"{JOBS}/{job}", json={"state": "Aborted"})

    assert answer.json() == [
        {"message": "Aborting already Completed Job not allowed", "errorCode": "INVALIDJOBSTATE"}
    ]


def test_only_a_job_that_is_over_can_be_deleted(org: OrgSim, client: httpx.Client) -> None:
    done = finished(client, SOQL)["id"]
    org.set_bulk_delay(60)
    running = job_id(client, SOQL)

    assert client.delete(f"{JOBS}/{done}").status_code == 204
    assert _code(client.get(f"{JOBS}/{done}")) == (404, "NOT_FOUND")
    assert client.delete(f"{JOBS}/{running}").json() == [
        {
            "message": "Error encountered when deleting the job because the job is not terminated",
            "errorCode": "API_ERROR",
        }
    ]


def test_the_list_shows_own_jobs_and_filters(client: httpx.Client) -> None:
    jobs = [job_id(client, SOQL) for _ in range(3)]

    listed = client.get(f"{JOBS}/").json()

    assert [job["id"] for job in listed["records"]] == jobs
    assert (listed["done"], listed["nextRecordsUrl"]) == (True, None)
    assert set(listed["records"][0]) == CREATED | {"jobType"}
    for wanted, count in (
        ({"jobType": "V2Query"}, 3),
        ({"jobType": "Classic"}, 0),
        ({"isPkChunkingEnabled": "true"}, 0),
        ({"concurrencyMode": "serial"}, 0),
        ({"concurrencyMode": "parallel", "isPkChunkingEnabled": "false"}, 3),
    ):
        assert len(client.get(JOBS, params=wanted).json()["records"]) == count


def test_a_long_list_comes_in_pages(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orgsim.bulk.resources.JOBS_AT_ONCE", 2)
    jobs = [job_id(client, SOQL) for _ in range(3)]

    first = client.get(JOBS).json()
    second = client.get(first["nextRecordsUrl"]).json()

    assert (first["done"], second["done"], second["nextRecordsUrl"]) == (False, True, None)
    assert [job["id"] for job in first["records"] + second["records"]] == jobs


def test_jobs_of_others_are_invisible(org: OrgSim, client: httpx.Client) -> None:
    job = finished(client, SOQL)["id"]

    with signed_in(org, REGISTRAR_USERNAME) as registrar:
        assert registrar.get(JOBS).json()["records"] == []
        assert _code(registrar.get(f"{JOBS}/{job}")) == (404, "NOT_FOUND")
        assert _code(results(registrar, job)) == (404, "NOT_FOUND")


def test_a_job_is_kept_seven_days(org: OrgSim, client: httpx.Client) -> None:
    job = finished(client, SOQL)["id"]

    org.set_clock_offset(7 * 86_400 - 60)
    with signed_in(org) as later:
        assert results(later, job).status_code == 200
    org.set_clock_offset(7 * 86_400 + 60)
    with signed_in(org) as later:
        assert _code(results(later, job)) == (404, "NOT_FOUND")
        assert later.get(JOBS).json()["records"] == []


@pytest.mark.parametrize("job", ["750000000000001AAA", "nonsense", "750"])
def test_an_unknown_job_is_not_found(client: httpx.Client, job: str) -> None:
    assert _code(client.get(f"{JOBS}/{job}")) == (404, "NOT_FOUND")


def test_results_need_the_version_of_the_job(client: httpx.Client) -> None:
    job = finished(client, SOQL)["id"]

    for resource in ("results", "resultPages"):
        answer = client.get(f"/services/data/v65.0/jobs/query/{job}/{resource}")
        assert _code(answer) == (409, "API_ERROR")
    assert client.get(f"/services/data/v65.0/jobs/query/{job}").status_code == 200


def test_resources_exist_from_their_versions_on(client: httpx.Client) -> None:
    old = "/services/data/v46.0/jobs/query"
    assert _code(client.post(old, json={"operation": "query", "query": SOQL})) == (404, "NOT_FOUND")
    base = "/services/data/v57.0/jobs/query"
    job = client.post(base, json={"operation": "query", "query": SOQL}).json()["id"]

    assert _code(client.get(f"{base}/{job}/resultPages")) == (404, "NOT_FOUND")


def test_jobs_count_against_the_days_limit(org: OrgSim, client: httpx.Client) -> None:
    before = client.get(f"{V}/limits").json()["DailyBulkV2QueryJobs"]["Remaining"]
    create(client, SOQL)
    after = client.get(f"{V}/limits").json()["DailyBulkV2QueryJobs"]
    org.org.usage.set_limit("DailyBulkV2QueryJobs", 1)

    refused = create(client, SOQL)

    assert (after["Max"], before - after["Remaining"]) == (10_000, 1)
    assert _code(refused) == (400, "LIMIT_EXCEEDED")
    assert "Max bulk v2 query jobs (1) per 24 hrs" in refused.json()[0]["message"]


@pytest.mark.parametrize(
    ("soql", "code", "words"),
    [
        ("SELECT Foo__c FROM Contact", "INVALID_FIELD", "No such column 'Foo__c'"),
        ("SELECT Id FROM XYZZY", "INVALID_TYPE", "sObject type 'XYZZY'"),
        ("SELECT FROM Contact", "MALFORMED_QUERY", ""),
        ("SELECT COUNT() FROM Contact", "API_ERROR", "not supported in Bulk V2 Query"),
        ("SELECT COUNT(Id) n FROM Contact", "API_ERROR", "not supported in Bulk V2 Query"),
        ("SELECT LastName FROM Contact GROUP BY LastName", "API_ERROR", "GROUP BY"),
        ("SELECT Id FROM Contact LIMIT 5 OFFSET 5", "API_ERROR", "OFFSET"),
        ("SELECT FIELDS(STANDARD) FROM Contact", "API_ERROR", "FIELDS"),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "API_ERROR", "Aggregate Relationships"),
        ("SELECT TYPEOF Owner WHEN User THEN Email END FROM Lead", "API_ERROR", "TYPEOF"),
        ("SELECT MailingAddress FROM Contact", "API_ERROR", "Selecting compound data not supported"),
        ("SELECT Account.BillingAddress FROM Contact", "API_ERROR", "Selecting compound data not supported"),
    ],
)
def test_what_no_job_runs_is_refused_at_creation(
    reader: httpx.Client, soql: str, code: str, words: str
) -> None:
    answer = create(reader, soql)

    [error] = answer.json()
    assert (answer.status_code, error["errorCode"]) == (400, code)
    assert words in error["message"]


@pytest.mark.parametrize(
    "body",
    [
        {"operation": "query"},
        {"operation": "query", "query": " "},
        {"operation": "insert", "query": SOQL},
        {"query": SOQL},
    ],
)
def test_what_is_no_query_job_is_refused(reader: httpx.Client, body: dict[str, str]) -> None:
    assert _code(reader.post(JOBS, json=body)) == (400, "INVALIDJOB")


@pytest.mark.parametrize(
    "word", ['"columnDelimiter": "COMM"', '"contentType": "JSON"', '"lineEnding": "CR"', '"lineEnding": 5']
)
def test_a_word_that_is_none_is_refused_as_recorded(reader: httpx.Client, word: str) -> None:
    body = f'{{"operation": "query", {word}, "query": "{SOQL}"}}'
    answer = reader.post(JOBS, content=body, headers={"Content-Type": "application/json"})

    message = "Value does not match expected type at [line:1, column:22]"
    assert (answer.status_code, answer.json()) == (400, [{"message": message, "errorCode": "API_ERROR"}])


def test_a_hidden_field_is_refused_as_in_a_query(org: OrgSim, client: httpx.Client) -> None:
    org.hide_field("Contact", "MobilePhone")

    assert _code(create(client, "SELECT MobilePhone FROM Contact")) == (400, "INVALID_FIELD")


def test_ingest_is_not_enabled(client: httpx.Client) -> None:
    answer = client.post(f"{V}/jobs/ingest", json={"object": "Contact", "operation": "insert"})

    assert _code(answer) == (400, "FEATURENOTENABLED")


def test_bulk_1_is_refused_in_its_own_shape(client: httpx.Client) -> None:
    token = client.headers["Authorization"].removeprefix("Bearer ")
    path, session = "/services/async/66.0/job", {"X-SFDC-Session": token}

    xml = client.post(path, headers=session | {"Content-Type": "application/xml"})
    json = client.post(path, headers=session | {"Content-Type": "application/json; charset=UTF-8"})
    strangers = client.post(path, headers={"Content-Type": "application/json"})

    assert (xml.status_code, xml.headers["Content-Type"]) == (400, "application/xml")
    assert "<exceptionCode>FeatureNotEnabled</exceptionCode>" in xml.text
    assert json.json() == {"exceptionCode": "FeatureNotEnabled", "exceptionMessage": "Async API not enabled"}
    assert strangers.json()["exceptionCode"] == "InvalidSessionId"
