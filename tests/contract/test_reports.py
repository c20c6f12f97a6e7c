"""Reports found, described and shared: what an API user sees of them before anything is run."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from orgsim import birth
from orgsim.ids import serial_id
from orgsim.staff import REGISTRAR_USERNAME
from orgsim.testing import OrgSim
from tests.contract.conftest import V, signed_in, soql
from tests.contract.report_calls import REPORTS, Json, refusal, report_id, run

DESCRIBE_KEYS = {"attributes", "reportExtendedMetadata", "reportMetadata", "reportTypeMetadata"}


def describe(client: httpx.Client, name: str = "All Contacts", version: str = "v66.0") -> Json:
    url = f"{REPORTS}/{report_id(client, name)}/describe".replace("v66.0", version)
    answer = client.get(url)
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


class TestFinding:
    def test_the_list_starts_with_all_contacts(self, reader: httpx.Client) -> None:
        first, *others = reader.get(REPORTS).json()

        assert first.keys() == {"name", "id", "url", "describeUrl", "instancesUrl"}
        assert first["name"] == "All Contacts"
        assert first["url"] == f"{REPORTS}/{first['id']}"
        assert first["describeUrl"] == f"{first['url']}/describe"
        assert first["instancesUrl"] == f"{first['url']}/instances"
        assert len(others) > 10

    def test_the_list_holds_only_what_was_viewed(self, reader: httpx.Client) -> None:
        names = [entry["name"] for entry in reader.get(f"{REPORTS}/").json()]

        assert "Partner Schools" not in names
        assert report_id(reader, "Partner Schools")

    def test_soql_finds_reports_by_format(self, reader: httpx.Client) -> None:
        text = (
            "SELECT Id, Name, DeveloperName, FolderName, Format, Description, LastModifiedDate, LastRunDate, "
            "OwnerId, Owner.Name FROM Report WHERE Format IN ('Tabular', 'Summary') ORDER BY Name"
        )

        records = soql(reader, text).json()["records"]

        assert {record["Format"] for record in records} == {"Tabular", "Summary"}
        everyone = next(record for record in records if record["Name"] == "All Contacts")
        assert everyone["DeveloperName"] == "All_Contacts"
        assert everyone["FolderName"] == everyone["Owner"]["Name"] == "Texting Reports"
        assert everyone["OwnerId"].startswith("00l")

    def test_soql_finds_the_folders(self, reader: httpx.Client) -> None:
        records = soql(
            reader, "SELECT Name, AccessType, DeveloperName FROM Folder WHERE Type = 'Report'"
        ).json()

        assert [r["DeveloperName"] for r in records["records"]] == ["Texting_Reports", "Admissions_Reports"]

    def test_folders_are_a_resource(self, reader: httpx.Client) -> None:
        answer = reader.get(f"{V}/folders", params={"filter[]": "type:eq:report"}).json()

        assert [folder["label"] for folder in answer["folders"]] == ["Texting Reports", "Admissions Reports"]

    @pytest.mark.parametrize("sobject", ["Report", "Folder"])
    def test_the_objects_are_described(self, reader: httpx.Client, sobject: str) -> None:
        described = reader.get(f"{V}/sobjects/{sobject}/describe").json()

        assert described["name"] == sobject
        assert described["updateable"] is False

    def test_the_operators_of_each_type(self, reader: httpx.Client) -> None:
        operators = reader.get(f"{V}/analytics/filteroperators").json()

        assert [entry["name"] for entry in operators["id"]] == ["equals", "notEqual", "startsWith"]
        assert {"label": "less or equal", "name": "lessOrEqual"} in operators["string"]


class TestDescribe:
    def test_it_has_four_parts(self, reader: httpx.Client) -> None:
        described = describe(reader)

        assert described.keys() == DESCRIBE_KEYS
        assert described["attributes"]["reportName"] == "All Contacts"

    def test_the_first_column_is_the_contact_id(self, reader: httpx.Client) -> None:
        described = describe(reader)

        first = described["reportMetadata"]["detailColumns"][0]
        assert first == "CONTACT_ID"
        info = described["reportExtendedMetadata"]["detailColumnInfo"][first]
        assert (info["label"], info["dataType"], info["entityColumnName"]) == (
            "Contact ID",
            "id",
            "Contact.Id",
        )

    def test_a_column_tells_its_field_and_values(self, reader: httpx.Client) -> None:
        columns = describe(reader)["reportExtendedMetadata"]["detailColumnInfo"]

        program = columns["Contact.Program__c"]
        assert program["dataType"] == "picklist"
        named = {"apiName": "MBA", "label": "Master of Business Administration"}
        assert named | {"name": named["label"]} in program["filterValues"]
        assert columns["Contact.Last_Modified_Date_Time__c"]["dataType"] == "datetime"
        assert columns["ACCOUNT.NAME"]["entityColumnName"] == "Account.Name"
        assert columns["ACCOUNT.NAME"]["isLookup"] is True

    def test_last_modified_is_a_date_and_created_a_datetime(self, reader: httpx.Client) -> None:
        columns = describe(reader, "Contacts with Date-only Last Modified")["reportExtendedMetadata"]

        types = {name: info["dataType"] for name, info in columns["detailColumnInfo"].items()}
        assert (types["LAST_UPDATE"], types["CREATED_DATE"]) == ("date", "datetime")

    def test_the_parts_of_an_address_all_name_the_address(self, reader: httpx.Client) -> None:
        columns = describe(reader, "Mailing Labels")["reportExtendedMetadata"]["detailColumnInfo"]

        assert {columns[f"ADDRESS2_{part}"]["entityColumnName"] for part in ("STREET", "CITY", "ZIP")} == {
            "Contact.MailingAddress"
        }

    def test_the_categories_hold_columns_the_report_has_not(self, reader: httpx.Client) -> None:
        described = describe(reader, "Mailing Labels")

        addable = {
            name for category in described["reportTypeMetadata"]["categories"] for name in category["columns"]
        }
        assert {"CONTACT_ID", "PHONE3", "Contact.Last_Modified_Date_Time__c", "LAST_UPDATE"} <= addable
        assert "CONTACT_ID" not in described["reportMetadata"]["detailColumns"]

    def test_long_text_can_not_be_filtered(self, reader: httpx.Client) -> None:
        categories = describe(reader)["reportTypeMetadata"]["categories"]

        (description,) = [c["columns"]["DESCRIPTION"] for c in categories if "DESCRIPTION" in c["columns"]]
        assert description["filterable"] is False

    def test_the_date_filter_says_which_days_it_means(self, reader: httpx.Client) -> None:
        date_filter = describe(reader, "Contacts Modified This Month")["reportMetadata"]["standardDateFilter"]

        assert date_filter["durationValue"] == "THIS_MONTH"
        assert date_filter["startDate"].endswith("-01")
        assert date_filter["startDate"][:7] == date_filter["endDate"][:7]

    def test_durations_and_scopes_are_listed(self, reader: httpx.Client) -> None:
        metadata = describe(reader)["reportTypeMetadata"]

        durations = [
            duration["value"]
            for group in metadata["standardDateFilterDurationGroups"]
            for duration in group["standardDateFilterDurations"]
        ]
        assert durations[0] == "CUSTOM"
        assert {"THIS_FISCAL_QUARTER", "THIS_MONTH", "LAST_N_DAYS:7"} <= set(durations)
        assert [scope["value"] for scope in metadata["scopeInfo"]["values"]] == [
            "user",
            "team",
            "organization",
        ]

    def test_older_versions_say_less(self, reader: httpx.Client) -> None:
        described = describe(reader, version="v36.0")

        info = described["reportExtendedMetadata"]["detailColumnInfo"]["CONTACT_ID"]
        assert info == {"dataType": "id", "label": "Contact ID"}
        assert "buckets" not in described["reportMetadata"]
        assert "crossFilters" in described["reportMetadata"]

    def test_a_joined_report_is_described(self, reader: httpx.Client) -> None:
        assert describe(reader, "Admissions Overview")["reportMetadata"]["reportFormat"] == "MULTI_BLOCK"


class TestSharing:
    def test_a_report_in_an_unshared_folder_does_not_exist(self, reader: httpx.Client) -> None:
        found = soql(reader, "SELECT COUNT() FROM Report WHERE Name = 'Dean\\'s List'").json()

        assert found["totalSize"] == 0

    def test_staff_see_it(self, shared_org: OrgSim) -> None:
        with signed_in(shared_org, REGISTRAR_USERNAME) as staff:
            assert run(staff, "Dean\\'s List")["allData"] is False

    def test_unsharing_takes_reports_away(self, org: OrgSim, client: httpx.Client) -> None:
        report = report_id(client, "All Contacts")
        org.unshare_report_folder("Texting Reports")

        answers = [client.get(f"{REPORTS}/{report}{part}") for part in ("", "/describe", "/instances")]

        unavailable = (404, "NOT_FOUND", "The data you're trying to access is unavailable.")
        assert [refusal(answer) for answer in answers] == [unavailable] * 3
        assert "All Contacts" not in client.get(REPORTS).text
        assert soql(client, "SELECT Id FROM Report WHERE Name = 'All Contacts'").json()["totalSize"] == 0

    def test_sharing_gives_them_back(self, org: OrgSim, client: httpx.Client) -> None:
        org.share_report_folder("Deans_Private_Reports")

        assert run(client, "Dean\\'s List")["allData"] is True

    def test_a_deleted_report_is_unavailable(self, org: OrgSim, client: httpx.Client) -> None:
        report = report_id(client, "All Contacts")
        org.delete_report("All Contacts")

        assert client.get(f"{REPORTS}/{report}").status_code == 404
        assert "All Contacts" not in client.get(REPORTS).text

    def test_a_made_up_id_is_forbidden(self, reader: httpx.Client) -> None:
        answer = reader.get(f"{REPORTS}/{serial_id('00O', 99_999)}")

        assert refusal(answer)[:2] == (403, "FORBIDDEN")

    def test_a_15_character_id_serves(self, reader: httpx.Client) -> None:
        report = report_id(reader, "All Contacts")

        assert reader.get(f"{REPORTS}/{report[:15]}/describe").status_code == 200

    @pytest.mark.parametrize("part", ["", "/describe", "/instances"])
    def test_without_run_reports_nothing_runs(self, org: OrgSim, client: httpx.Client, part: str) -> None:
        report = report_id(client, "All Contacts")
        org.ungrant_run_reports()

        answer = client.get(f"{REPORTS}/{report}{part}")

        assert refusal(answer)[:2] == (403, "FORBIDDEN")
        assert "Check that you have the Run Reports user permission" in answer.text
        org.grant_run_reports()
        assert client.get(f"{REPORTS}/{report}{part}").status_code == 200

    def test_a_hidden_field_is_no_column(self, org: OrgSim, client: httpx.Client) -> None:
        org.hide_field("Contact", "Last_Modified_Date_Time__c")

        described = describe(client)

        assert "Last_Modified_Date_Time__c" not in str(described)
        assert len(run(client)["reportMetadata"]["detailColumns"]) == 14

    def test_an_object_that_can_not_be_read_has_no_reports(self, org: OrgSim, client: httpx.Client) -> None:
        report = report_id(client, "Leads for Texting")
        org.ungrant("Lead", "Read")

        assert refusal(client.get(f"{REPORTS}/{report}"))[:2] == (403, "FORBIDDEN")


class TestChanging:
    def test_the_verbs_are_reached_over_http(self, org: OrgSim, client: httpx.Client) -> None:
        headers = {"X-Orgsim-Token": org.admin_token}
        arguments = {"name": "Seen from outside", "columns": ["CONTACT_ID", "EMAIL"]}

        answer = client.post(f"{org.url}/orgsim/admin/add_report", json=arguments, headers=headers)

        assert answer.json() == {"result": report_id(client, "Seen from outside")}

    def test_a_file_of_an_earlier_orgsim_gets_reports(self, tmp_path: Path) -> None:
        birth.make(tmp_path / "org.db", birth.Size(contacts=5, leads=0), datetime.now(UTC))
        with closing(sqlite3.connect(tmp_path / "org.db")) as connection:
            for table in ("Report", "Folder"):
                connection.execute(f"DROP TABLE {table}")
            connection.commit()

        with OrgSim(tmp_path / "org.db") as org, signed_in(org) as client:
            assert len(run(client)["factMap"]["T!T"]["rows"]) == 5
        with OrgSim(tmp_path / "org.db") as again, signed_in(again) as client:
            assert (
                soql(client, "SELECT COUNT() FROM Report WHERE Name = 'All Contacts'").json()["totalSize"]
                == 1
            )

    def test_staff_add_a_report(self, org: OrgSim, client: httpx.Client) -> None:
        filters = [{"column": "CONVERTED", "operator": "equals", "value": "True"}]
        added = org.add_report("Converted", ["LEAD_ID"], "LeadList", settings={"filters": filters})

        body = client.get(f"{REPORTS}/{added}?includeDetails=true").json()

        assert body["reportMetadata"]["reportFilters"][0]["column"] == "CONVERTED"
        assert report_id(client, "Converted") == added

    def test_staff_remove_a_column(self, org: OrgSim, client: httpx.Client) -> None:
        org.remove_report_column("All Contacts", "PHONE3")

        assert "PHONE3" not in describe(client)["reportMetadata"]["detailColumns"]

    def test_a_change_is_kept_in_the_file(self, org: OrgSim, client: httpx.Client) -> None:
        org.set_report("All Contacts", {"scope": "user", "name": "Mine now"})

        assert describe(client, "Mine now")["reportMetadata"]["scope"] == "user"

    def test_what_a_report_has_not_can_not_be_set(self, org: OrgSim) -> None:
        with pytest.raises(ValueError, match="a report has no colour"):
            org.set_report("All Contacts", {"colour": "red"})

    def test_a_run_is_noted(self, org: OrgSim, client: httpx.Client) -> None:
        run(client)

        (record,) = soql(client, "SELECT LastRunDate FROM Report WHERE Name = 'All Contacts'").json()[
            "records"
        ]
        assert record["LastRunDate"] is not None

    def test_a_user_deletes_a_report(self, client: httpx.Client) -> None:
        report = report_id(client, "All Contacts")

        assert client.delete(f"{REPORTS}/{report}").status_code == 204
        assert client.get(f"{REPORTS}/{report}").status_code == 404


class TestSaving:
    def test_a_report_is_changed(self, client: httpx.Client) -> None:
        url = f"{REPORTS}/{report_id(client, 'All Contacts')}"
        metadata = {"name": "Renamed", "detailColumns": ["CONTACT_ID"], "scope": "user"}

        answer = client.patch(url, json={"reportMetadata": metadata})

        assert answer.status_code == 200, answer.text
        assert answer.json().keys() == DESCRIBE_KEYS
        found = describe(client, "Renamed")["reportMetadata"]
        assert (found["detailColumns"], found["scope"]) == (["CONTACT_ID"], "user")
        assert found["developerName"] == "All_Contacts"

    def test_a_report_is_copied(self, client: httpx.Client) -> None:
        origin = report_id(client, "Spring Admits")

        answer = client.post(
            f"{REPORTS}?cloneId={origin}", json={"reportMetadata": {"name": "Autumn Admits"}}
        )

        copy = answer.json()["reportMetadata"]
        assert copy["id"] == report_id(client, "Autumn Admits") != origin
        assert copy["reportBooleanFilter"] == "(1 AND 2) OR 3"
        assert run(client, "Autumn Admits")["factMap"] == run(client, "Spring Admits")["factMap"]

    def test_a_report_is_made(self, client: httpx.Client) -> None:
        folder = soql(client, "SELECT Id FROM Folder").json()["records"][0]["Id"]
        metadata = {
            "name": "Made here",
            "folderId": folder,
            "reportType": {"type": "LeadList"},
            "reportFormat": "TABULAR",
            "detailColumns": ["LEAD_ID"],
            "sortBy": [{"sortColumn": "LEAD_ID", "sortOrder": "Desc"}],
        }

        answer = client.post(REPORTS, json={"reportMetadata": metadata})

        assert answer.status_code == 200, answer.text
        assert report_id(client, "Made here") == answer.json()["reportMetadata"]["id"]

    @pytest.mark.parametrize(
        ("metadata", "text"),
        [
            ({"name": None}, "The report name can't be null."),
            ({"folderId": None}, "The report folder ID can't be null."),
            ({"folderId": serial_id("00l", 3)}, "The report folder ID must be a valid folder ID."),
            ({"sortBy": [{"sortColumn": "TITLE"}]}, "The sort column name must be from a selected column."),
        ],
    )
    def test_what_can_not_be_saved(self, client: httpx.Client, metadata: Json, text: str) -> None:
        url = f"{REPORTS}/{report_id(client, 'All Contacts')}"

        assert refusal(client.patch(url, json={"reportMetadata": metadata})) == (400, "BAD_REQUEST", text)

    def test_a_copy_needs_an_id(self, client: httpx.Client) -> None:
        answer = client.post(f"{REPORTS}?cloneId=nothing", json={"reportMetadata": {"name": "X"}})

        assert refusal(answer)[2] == "The clone request must contain a valid cloneId parameter."
