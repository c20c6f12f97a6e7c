import re
import time
from email.utils import parsedate_to_datetime

import httpx
import pytest

from orgsim.testing import OrgSim
from tests.contract.conftest import V, signed_in


@pytest.mark.parametrize("path", ["/services/data", "/services/data/"])
def test_versions_need_no_session_and_run_from_oldest_to_newest(shared_org: OrgSim, path: str) -> None:
    answer = httpx.get(shared_org.url + path)

    versions = answer.json()
    assert {"label": "Spring '26", "url": "/services/data/v66.0", "version": "66.0"} in versions
    assert {"label": "Spring ’18", "url": "/services/data/v42.0", "version": "42.0"} in versions
    assert {"label": "Winter '26", "url": "/services/data/v65.0", "version": "65.0"} in versions
    assert [v["version"] for v in versions] == [f"{n}.0" for n in range(31, 69)]
    assert "sforce-limit-info" not in answer.headers


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ("v7.0", 410),
        ("v19.0", 410),
        ("v20.0", 200),
        ("v30.0", 200),
        ("v31.0", 200),
        ("v68.0", 200),
        ("v69.0", 404),
    ],
)
def test_old_versions_are_served_but_not_listed(reader: httpx.Client, version: str, status: int) -> None:
    assert reader.get(f"/services/data/{version}/limits").status_code == status


@pytest.mark.parametrize("version", ["newest", "latestv", "v66", "66.0", "v66.1"])
def test_what_is_no_version_does_not_exist(reader: httpx.Client, version: str) -> None:
    assert reader.get(f"/services/data/{version}/limits").status_code == 404


def test_the_newest_version_has_a_name_too(reader: httpx.Client) -> None:
    resources = reader.get("/services/data/latest").json()
    [record] = reader.get("/services/data/latest/query?q=SELECT+Id+FROM+Contact+LIMIT+1").json()["records"]

    assert resources["limits"] == "/services/data/v68.0/limits"
    assert record["attributes"]["url"] == f"/services/data/v68.0/sobjects/Contact/{record['Id']}"


@pytest.mark.parametrize(
    "path", ["", "/limits", "/query?q=SELECT+Id+FROM+Contact", "/sobjects/Contact/describe"]
)
def test_a_switch_retires_old_versions(org: OrgSim, client: httpx.Client, path: str) -> None:
    org.switch("old_versions", "off")

    answer = client.get(f"/services/data/v30.0{path}")

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (410, "GONE")
    assert client.get(f"/services/data/v31.0{path}").status_code == 200


@pytest.mark.parametrize(
    ("version", "name"), [("v48.0", "DailyBulkApiRequests"), ("v49.0", "DailyBulkApiBatches")]
)
def test_the_limit_of_bulk_batches_has_the_name_of_its_version(
    reader: httpx.Client, version: str, name: str
) -> None:
    limits = reader.get(f"/services/data/{version}/limits").json()

    assert [key for key in limits if key.startswith("DailyBulkApi")] == [name]


def test_limits_agree_with_the_header_and_count_up(client: httpx.Client) -> None:
    first, second = client.get(f"{V}/limits"), client.get(f"{V}/limits/")

    used, most = re.fullmatch(r"api-usage=(\d+)/(\d+)", second.headers["Sforce-Limit-Info"]).groups()  # type: ignore[union-attr]
    requests = second.json()["DailyApiRequests"]
    assert (requests["Max"], requests["Remaining"]) == (int(most), int(most) - int(used))
    assert first.headers["Sforce-Limit-Info"] == f"api-usage={int(used) - 1}/{most}"


def test_limits_name_what_a_developer_org_has(client: httpx.Client) -> None:
    limits = client.get(f"{V}/limits").json()

    assert len(limits) > 70
    assert all({"Max", "Remaining"} <= set(entry) for entry in limits.values())
    assert limits["HourlySyncReportRuns"] == {"Max": 500, "Remaining": 500}
    assert limits["PermissionSets"]["CreateCustom"]["Max"] == 1_000
    assert "Workbench" in limits["DailyApiRequests"]


def test_what_other_programs_use_up_is_missing_here(org: OrgSim, client: httpx.Client) -> None:
    org.bump_limit("HourlyAsyncReportRuns", by=200)
    org.bump_limit("DataStorageMB")

    limits = client.get(f"{V}/limits").json()

    assert limits["HourlyAsyncReportRuns"]["Remaining"] == 1_000
    assert limits["DataStorageMB"]["Remaining"] == 0
    org.bump_limit()
    assert client.get(f"{V}/limits").status_code == 403


def test_the_daily_limit_refuses_further_calls(org: OrgSim, client: httpx.Client) -> None:
    org.set_limit(1)
    client.get(f"{V}/limits")

    answer = client.get(f"{V}/limits")

    assert answer.status_code == 403
    assert answer.json() == [
        {"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}
    ]


def test_unknown_paths_answer_the_recorded_array(reader: httpx.Client) -> None:
    expected = [{"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}]

    for path in ("/nothing", f"{V}/nothing", f"{V}/sobjects/Foo", f"{V}/sobjects/Foo/describe"):
        answer = reader.get(path)
        assert (answer.status_code, answer.json()) == (404, expected)


def test_a_wrong_method_is_refused(reader: httpx.Client) -> None:
    assert reader.put(f"{V}/limits").status_code == 405


def test_the_date_header_is_the_clock_of_the_org(org: OrgSim, client: httpx.Client) -> None:
    org.set_clock_offset(3_600)

    moment = parsedate_to_datetime(client.get(f"{V}/limits").headers["Date"])

    assert 3_590 < moment.timestamp() - time.time() < 3_610


def test_foreign_host_and_origin_are_refused(shared_org: OrgSim) -> None:
    url = f"{shared_org.url}/services/data"

    assert httpx.get(url, headers={"Host": "evil.example"}).status_code == 421
    assert httpx.get(url, headers={"Origin": "https://evil.example"}).status_code == 403
    assert httpx.get(url, headers={"Origin": "null"}).status_code == 403
    assert httpx.get(url, headers={"Origin": shared_org.url}).status_code == 200


def test_a_uri_over_16_kb_is_refused(reader: httpx.Client) -> None:
    assert reader.get(f"{V}/query", params={"q": "x" * 16_400}).status_code == 414


def test_large_answers_are_packed_when_asked(shared_org: OrgSim) -> None:
    with signed_in(shared_org) as client:
        packed = client.get(f"{V}/sobjects/Contact/describe", headers={"Accept-Encoding": "gzip"})
        plain = client.get(f"{V}/sobjects/Contact/describe", headers={"Accept-Encoding": "identity"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.json() == plain.json()
