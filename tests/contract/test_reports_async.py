"""Reports run in the background, and the allowances of both kinds of run."""

import httpx
import pytest

from orgsim.ids import serial_id
from orgsim.testing import OrgSim
from tests.contract.conftest import V, signed_in
from tests.contract.report_calls import (
    REPORTS,
    Json,
    a_filter,
    cells,
    posted,
    refusal,
    report_id,
    row_count,
    run,
)

KEYS = {
    "completionDate",
    "hasDetailRows",
    "id",
    "ownerId",
    "queryable",
    "requestDate",
    "status",
    "url",
}


def started(client: httpx.Client, *, details: bool = True, **metadata: object) -> Json:
    url = f"{REPORTS}/{report_id(client, 'All Contacts')}/instances"
    params = {"includeDetails": str(details).lower()}
    body = {"reportMetadata": metadata} if metadata else None
    answer = client.post(url, params=params, json=body)
    assert answer.status_code == 200, answer.text
    handle: Json = answer.json()
    return handle


class TestInstances:
    def test_a_run_is_new_then_running_then_a_success(self, org: OrgSim, client: httpx.Client) -> None:
        org.set_report_delay(100)
        instance = started(client)
        states = [instance]

        for seconds in (1, 50, 101):
            org.set_clock_offset(seconds)
            states.append(client.get(instance["url"]).json())

        assert instance.keys() == KEYS
        assert (instance["status"], instance["completionDate"]) == ("New", None)
        assert [state["attributes"]["status"] for state in states[1:]] == ["New", "Running", "Success"]
        assert [state["factMap"] is None for state in states[1:]] == [True, True, False]
        assert states[3]["attributes"]["completionDate"] is not None

    def test_the_result_is_that_of_a_run(self, client: httpx.Client) -> None:
        instance = started(client)

        found, ran = client.get(instance["url"]).json(), run(client)

        assert found["attributes"].keys() == (KEYS - {"url", "hasDetailRows"}) | {
            "reportId",
            "reportName",
            "type",
        }
        assert found["attributes"]["type"] == "ReportInstance"
        assert found["factMap"] == ran["factMap"]
        assert found.keys() == ran.keys()

    def test_metadata_can_be_posted(self, org: OrgSim, client: httpx.Client) -> None:
        contact = org.ids("Contact")[0]

        instance = started(client, reportFilters=[a_filter("CONTACT_ID", "equals", contact)])

        assert cells(client.get(instance["url"]).json()) == [contact]

    def test_wrong_metadata_is_refused_at_once(self, client: httpx.Client) -> None:
        url = f"{REPORTS}/{report_id(client, 'All Contacts')}/instances"
        wrong = {"reportFilters": [a_filter("NOPE", "equals", "1")]}

        assert refusal(client.post(url, json={"reportMetadata": wrong}))[0] == 400

    def test_a_result_stays_as_it_was_found(self, org: OrgSim, client: httpx.Client) -> None:
        instance = started(client)
        before = client.get(instance["url"]).json()
        org.delete(org.ids("Contact")[0])

        assert client.get(instance["url"]).json() == before

    def test_without_details_there_are_no_rows(self, client: httpx.Client) -> None:
        instance = started(client, details=False)

        assert "rows" not in client.get(instance["url"]).json()["factMap"]["T!T"]
        assert instance["hasDetailRows"] is False

    def test_a_run_can_fail(self, org: OrgSim, client: httpx.Client) -> None:
        org.fail_report_instances()

        failed, good = started(client), started(client)

        answers = [client.get(instance["url"]).json() for instance in (failed, good)]
        assert [answer["attributes"]["status"] for answer in answers] == ["Error", "Success"]
        assert answers[0]["factMap"] is None

    def test_they_are_listed_newest_first(self, client: httpx.Client) -> None:
        first, second = started(client), started(client)

        listed = client.get(f"{REPORTS}/{report_id(client, 'All Contacts')}/instances").json()

        assert [entry["id"] for entry in listed] == [second["id"], first["id"]]
        assert {frozenset(entry) for entry in listed} == {frozenset(KEYS)}

    def test_one_can_be_deleted(self, client: httpx.Client) -> None:
        instance = started(client)

        assert client.delete(instance["url"]).status_code == 204
        assert client.get(instance["url"]).status_code == 404

    def test_they_are_kept_a_day(self, org: OrgSim, client: httpx.Client) -> None:
        instance = started(client)
        org.set_clock_offset(24 * 3_600 - 10)
        with signed_in(org) as later:
            assert later.get(instance["url"]).status_code == 200

            org.set_clock_offset(24 * 3_600 + 10)

            assert refusal(later.get(instance["url"]))[0] == 404

    def test_one_of_another_report_is_unavailable(self, client: httpx.Client) -> None:
        instance = started(client)
        other = report_id(client, "My Contacts")

        assert client.get(f"{REPORTS}/{other}/instances/{instance['id']}").status_code == 404
        assert client.get(f"{REPORTS}/{other}/instances/{serial_id('0LG', 99)}").status_code == 404


class TestAllowances:
    @pytest.mark.parametrize(("switch", "specific"), [("forbidden", False), ("specific", True)])
    def test_so_many_runs_an_hour(
        self, org: OrgSim, client: httpx.Client, switch: str, specific: bool
    ) -> None:
        org.switch("report_limit_error", switch)
        org.set_limit(2, "HourlySyncReportRuns")
        run(client)
        run(client)

        answer = posted(client)

        text = "You can't run more than 2 reports synchronously every 60 minutes. Try again later."
        assert refusal(answer) == (403, "FORBIDDEN", text)
        assert ("specificErrorCode" in answer.json()[0]) is specific
        assert client.get(f"{V}/limits").json()["HourlySyncReportRuns"] == {"Max": 2, "Remaining": 0}

    def test_an_hour_later_there_are_more(self, org: OrgSim, client: httpx.Client) -> None:
        org.set_limit(1, "HourlySyncReportRuns")
        run(client)
        assert posted(client).status_code == 403

        org.set_clock_offset(3_700)

        assert posted(client).status_code == 200

    def test_background_runs_have_their_own(self, org: OrgSim, client: httpx.Client) -> None:
        org.set_limit(0, "HourlySyncReportRuns")
        started(client)
        org.set_limit(1, "HourlyAsyncReportRuns")

        answer = client.post(f"{REPORTS}/{report_id(client, 'All Contacts')}/instances")

        text = "You can't run more than 1 reports asynchronously every 60 minutes. Try again later."
        assert refusal(answer) == (403, "FORBIDDEN", text)

    def test_the_limits_of_a_new_org(self, client: httpx.Client) -> None:
        run(client)
        limits = client.get(f"{V}/limits").json()

        assert limits["HourlySyncReportRuns"] == {"Max": 500, "Remaining": 499}
        assert limits["HourlyAsyncReportRuns"]["Max"] == 1_200
        assert limits["ConcurrentSyncReportRuns"] == {"Max": 20, "Remaining": 20}

    def test_so_many_at_once(self, org: OrgSim, client: httpx.Client) -> None:
        org.bump_limit("ConcurrentSyncReportRuns")

        assert refusal(posted(client)) == (
            403,
            "FORBIDDEN",
            "Reports and Dashboards REST API can't process the request because it can accept only as many as 20 "
            "requests at a time to run reports synchronously.",
        )

    def test_a_refused_request_costs_no_run(self, client: httpx.Client) -> None:
        posted(client, scope="everybody")

        assert client.get(f"{V}/limits").json()["HourlySyncReportRuns"]["Remaining"] == 500

    def test_a_run_can_take_too_long(self, org: OrgSim, client: httpx.Client) -> None:
        org.time_out_reports()

        late, again = posted(client), posted(client)

        assert refusal(late)[0] == 500
        assert again.status_code == 200
        assert client.get(started(client)["url"]).json()["attributes"]["status"] == "Success"


class TestBodies:
    def test_only_json_is_read(self, client: httpx.Client) -> None:
        url = f"{REPORTS}/{report_id(client, 'All Contacts')}"

        answers = [client.post(f"{url}{part}", content=b"{}") for part in ("", "/instances")]
        answers.append(client.post(f"{REPORTS}/query", content=b"{}"))

        assert {refusal(answer)[:2] for answer in answers} == {(415, "UNSUPPORTED_MEDIA_TYPE")}

    def test_a_workbook_is_not_made(self, client: httpx.Client) -> None:
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

        answer = client.get(f"{REPORTS}/{report_id(client, 'All Contacts')}", headers={"Accept": kind})

        assert refusal(answer)[0] == 406

    def test_a_body_needs_metadata(self, client: httpx.Client) -> None:
        answer = client.post(f"{REPORTS}/{report_id(client, 'All Contacts')}", json={})

        text = "The request is invalid because there is no metadata. Specify metadata in the request body."
        assert refusal(answer) == (400, "BAD_REQUEST", text)

    def test_an_empty_body_runs_what_is_saved(self, client: httpx.Client) -> None:
        url = f"{REPORTS}/{report_id(client, 'All Contacts')}?includeDetails=true"

        assert row_count(client.post(url).json()) == 40

    def test_a_charset_may_be_named(self, client: httpx.Client) -> None:
        url = f"{REPORTS}/{report_id(client, 'All Contacts')}"
        headers = {"Content-Type": "application/json; charset=utf-8"}

        assert client.post(url, content=b'{"reportMetadata": {}}', headers=headers).status_code == 200

    def test_the_metadata_of_an_answer_can_be_posted_back(self, client: httpx.Client) -> None:
        for name in ("All Contacts", "Contacts by Owner", "Newest Hundred Contacts", "Spring Admits"):
            body = run(client, name)

            again = client.post(
                f"{body['attributes']['describeUrl'].removesuffix('/describe')}?includeDetails=true",
                json={"reportMetadata": body["reportMetadata"]},
            )

            assert again.json() == body
