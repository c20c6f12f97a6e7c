"""The results of query jobs: CSV to the letter, sets by locator, result pages, both values of `bulk_csv`."""

import base64
import gzip

import httpx
import pytest

from orgsim.bulk import results as printing
from orgsim.testing import OrgSim
from tests.contract.bulk_calls import JOBS, csv_of, finished, results, rows
from tests.contract.conftest import V, signed_in, soql

MANY = "SELECT Id, Name FROM Contact ORDER BY Id"
NOBODY = "SELECT Id, Name FROM Contact WHERE LastName = 'nobody of that name'"


def test_a_result_is_csv_with_the_documented_headers(reader: httpx.Client) -> None:
    answer = results(reader, finished(reader, MANY)["id"])

    assert answer.headers["Content-Type"] == "text/csv"
    assert (answer.headers["Sforce-Locator"], answer.headers["Sforce-NumberOfRecords"]) == ("null", "4500")
    assert answer.text.startswith('"Id","Name"\n"003')
    assert answer.text.endswith('"\n')


def test_columns_come_as_asked_and_alphabetically_in_old_versions(reader: httpx.Client) -> None:
    query = "SELECT lastname, Owner.Name, id FROM Contact LIMIT 1"
    old = reader.post("/services/data/v49.0/jobs/query", json={"operation": "query", "query": query}).json()
    newer = finished(reader, query)["id"]

    _wait(reader, old["id"])
    in_old = reader.get(f"/services/data/v49.0/jobs/query/{old['id']}/results").text
    assert results(reader, newer).text.splitlines()[0] == '"LastName","Owner.Name","Id"'
    assert in_old.splitlines()[0] == '"Id","LastName","Owner.Name"'


def _wait(client: httpx.Client, job: str) -> None:
    for _ in range(1_000):
        if client.get(f"{JOBS}/{job}").json()["state"] == "JobComplete":
            return
    raise TimeoutError


def test_every_value_is_quoted_and_nothing_is_lost(org: OrgSim, client: httpx.Client) -> None:
    name = 'Zoë "Z", O\'Brien;\n\r\n"\t|^`Ł😀'
    contact = org.create("Contact", LastName=name, Graduation_Year__c=1234.5, SMS_Opt_Out__c=True)
    query = (
        "SELECT Id, LastName, FirstName, SMS_Opt_Out__c, SMS_Opt_In__c, Graduation_Year__c, Birthdate,"
        f" Account.Name, Owner.Name FROM Contact WHERE Id = '{contact}'"
    )

    header, row = csv_of(client, query)

    assert header[-2:] == ["Account.Name", "Owner.Name"]
    assert row[:2] == [contact, name]
    assert row[2:5] == ["", "true", "false"]
    assert row[5] == "1234.5"
    assert row[6:8] == ["", ""]
    assert row[8]


def test_a_long_number_keeps_its_digits(org: OrgSim, client: httpx.Client) -> None:
    lead = org.create("Lead", LastName="Digits", Company="Ada's", AnnualRevenue=123456789012345.67)

    _, row = csv_of(client, f"SELECT Id, AnnualRevenue FROM Lead WHERE Id = '{lead}'")

    assert row == [lead, "123456789012345.67"]


def test_a_value_is_what_the_rest_api_says(reader: httpx.Client) -> None:
    query = (
        "SELECT Id, Name, Email, Birthdate, Owner.Name, LastModifiedDate FROM Contact ORDER BY Id LIMIT 50"
    )

    header, *lines = csv_of(reader, query)

    records = soql(reader, query).json()["records"]
    assert header == ["Id", "Name", "Email", "Birthdate", "Owner.Name", "LastModifiedDate"]
    for line, record in zip(lines, records, strict=True):
        *plain, owner, modified = line
        assert [value or None for value in plain] == [record[name] for name in header[:4]]
        assert owner == record["Owner"]["Name"]
        assert modified == record["LastModifiedDate"].replace("+0000", "Z")


@pytest.mark.parametrize(
    ("name", "sign"),
    [("COMMA", ","), ("TAB", "\t"), ("PIPE", "|"), ("SEMICOLON", ";"), ("CARET", "^"), ("BACKQUOTE", "`")],
)
def test_each_delimiter(reader: httpx.Client, name: str, sign: str) -> None:
    job = finished(reader, "SELECT Id, Name FROM Contact LIMIT 2", columnDelimiter=name)

    text = results(reader, job["id"]).text

    assert job["columnDelimiter"] == name
    assert text.startswith(f'"Id"{sign}"Name"\n')
    assert [len(row) for row in rows(text, sign)] == [2, 2, 2]


def test_lines_end_as_asked(reader: httpx.Client) -> None:
    text = results(reader, finished(reader, f"{MANY} LIMIT 2", lineEnding="CRLF")["id"]).text

    assert text.count("\r\n") == text.count("\n") == 3


def test_sets_follow_by_locator_and_can_be_read_again(reader: httpx.Client) -> None:
    job = finished(reader, MANY)["id"]
    whole = rows(results(reader, job).text)

    first = results(reader, job, maxRecords=2_000)
    second = results(reader, job, maxRecords=2_000, locator=first.headers["Sforce-Locator"])
    third = results(reader, job, maxRecords=2_000, locator=second.headers["Sforce-Locator"])

    counts = [answer.headers["Sforce-NumberOfRecords"] for answer in (first, second, third)]
    assert (counts, third.headers["Sforce-Locator"]) == (["2000", "2000", "500"], "null")
    parts = [rows(answer.text) for answer in (first, second, third)]
    assert {tuple(part[0]) for part in parts} == {("Id", "Name")}
    assert [row for part in parts for row in part[1:]] == whole[1:]
    again = results(reader, job, maxRecords=2_000, locator=first.headers["Sforce-Locator"])
    assert again.content == second.content


@pytest.mark.parametrize("locator", ["bm9uc2Vuc2U", "!", "OTk5OTk5", "MS41", "LTE"])
def test_a_made_up_locator_is_refused(reader: httpx.Client, locator: str) -> None:
    answer = results(reader, finished(reader, MANY)["id"], locator=locator)

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


@pytest.mark.parametrize("number", ["0", "-1", "many", "²"])
def test_a_senseless_number_of_records_is_refused(reader: httpx.Client, number: str) -> None:
    assert results(reader, finished(reader, MANY)["id"], maxRecords=number).status_code == 400


def test_result_pages_lead_to_every_record(reader: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "LARGEST_PAGE", 700)
    job = finished(reader, MANY)["id"]

    first = reader.get(f"{JOBS}/{job}/resultPages").json()
    second = reader.get(first["nextRecordsUrl"]).json()

    assert set(first) == set(second) == {"resultPages", "nextRecordsUrl", "done"}
    assert (len(first["resultPages"]), first["done"]) == (5, False)
    assert (len(second["resultPages"]), second["done"], second["nextRecordsUrl"]) == (2, True, None)
    assert first["nextRecordsUrl"].startswith(f"{V}/jobs/query/{job}/resultpages?locator=")
    links = [page["resultUrl"] for page in first["resultPages"] + second["resultPages"]]
    read = [row for link in links for row in rows(reader.get(link).text)[1:]]
    assert read == rows(results(reader, job, maxRecords=700).text)[1:] + read[700:]
    assert len({row[0] for row in read}) == 4_500


def test_wide_rows_make_smaller_sets(reader: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "PAGE_BYTES", 20_000)
    narrow, wide = "SELECT Id FROM Contact", "SELECT Id, Name, Email, MailingStreet, Phone FROM Contact"

    sizes = [
        int(results(reader, finished(reader, query)["id"]).headers["Sforce-NumberOfRecords"])
        for query in (narrow, wide)
    ]

    assert sizes[0] > 2 * sizes[1] > 100


def test_no_rows_give_a_header_or_nothing(org: OrgSim, client: httpx.Client) -> None:
    plain = results(client, finished(client, NOBODY)["id"])
    org.switch("bulk_csv", "bare")
    bare = results(client, finished(client, NOBODY)["id"])

    assert (plain.text, bare.text) == ('"Id","Name"\n', "")
    for answer in (plain, bare):
        headers = answer.headers
        assert (headers["Sforce-Locator"], headers["Sforce-NumberOfRecords"]) == ("null", "0")


def test_datetimes_come_in_either_form(org: OrgSim, client: httpx.Client) -> None:
    query = "SELECT SystemModstamp, Last_Modified_Date_Time__c FROM Contact ORDER BY Id LIMIT 1"
    record = soql(client, query).json()["records"][0]
    stamps = [record["SystemModstamp"], record["Last_Modified_Date_Time__c"]]

    plain = csv_of(client, query)[1]
    org.switch("bulk_csv", "bare")
    bare = csv_of(client, query)[1]

    assert plain == [stamp.replace("+0000", "Z") for stamp in stamps]
    assert bare == stamps


def test_rows_that_go_or_come_after_the_run_do_not_change_the_result(
    org: OrgSim, client: httpx.Client
) -> None:
    job = finished(client, MANY)["id"]
    gone = org.ids("Contact")[3]

    org.delete(gone)
    org.create("Contact", LastName="Late")

    answer = results(client, job)
    assert answer.headers["Sforce-NumberOfRecords"] == "40"
    assert gone in {row[0] for row in rows(answer.text)}


def test_query_all_includes_the_deleted(org: OrgSim, client: httpx.Client) -> None:
    gone = org.ids("Contact")[0]
    org.delete(gone)
    query = "SELECT Id FROM Contact WHERE IsDeleted = true"

    assert csv_of(client, query) == [["Id"]]
    assert csv_of(client, query, operation="queryAll") == [["Id"], [gone]]


def test_results_are_packed_when_asked(org: OrgSim, reader: httpx.Client) -> None:
    job = finished(reader, MANY)["id"]

    with reader.stream("GET", f"{JOBS}/{job}/results", headers={"Accept-Encoding": "gzip"}) as answer:
        packed = b"".join(answer.iter_raw())

    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed) == results(reader, job).content


def test_a_query_longer_than_an_address_runs(reader: httpx.Client) -> None:
    first = str(csv_of(reader, "SELECT Id FROM Contact LIMIT 1")[1][0])
    listed = ",".join([f"'{first}'"] * 2_000)

    assert csv_of(reader, f"SELECT Id FROM Contact WHERE Id IN ({listed})") == [["Id"], [first]]


def test_a_label_is_printed_where_it_is_asked_for(reader: httpx.Client) -> None:
    query = "SELECT Id, toLabel(LeadSource) FROM Contact WHERE LeadSource != null LIMIT 1"

    assert csv_of(reader, query)[0] == ["Id", "LeadSource"]


def test_jobs_are_gone_with_their_org(org: OrgSim, client: httpx.Client) -> None:
    job = finished(client, MANY)["id"]

    org.refresh_sandbox()

    with signed_in(org) as newcomer:
        assert results(newcomer, job).status_code == 404


def test_the_verbs_are_reached_over_http_too(org: OrgSim, client: httpx.Client) -> None:
    token = {"X-Orgsim-Token": org.admin_token}

    for verb, arguments in (("set_bulk_delay", {"seconds": 0.01}), ("fail_bulk_job", {"message": "no"})):
        answer = client.post(f"/orgsim/admin/{verb}", json=arguments, headers=token)
        assert answer.status_code == 200
    assert finished(client, MANY)["errorMessage"] == "no"
    client.post("/orgsim/admin/forget_bulk_jobs", json={}, headers=token)
    assert client.get(JOBS).json()["records"] == []


def test_numbers_too_long_to_be_true_are_refused(reader: httpx.Client) -> None:
    job = finished(reader, MANY)["id"]
    locator = base64.urlsafe_b64encode(b"9" * 5_000).decode().rstrip("=")

    assert results(reader, job, locator=locator).status_code == 400
    assert results(reader, job, maxRecords="9" * 5_000).status_code == 400
