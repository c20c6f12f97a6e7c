"""Reports run at once: their cells, totals and groups, and where the 2,000 rows end."""

import re

import httpx
import pytest

from orgsim.staff import API_USER_ID, API_USERNAME
from orgsim.testing import OrgSim
from tests.contract.conftest import V, soql
from tests.contract.report_calls import (
    REPORTS,
    Json,
    a_filter,
    cells,
    filtered,
    posted,
    refusal,
    report_id,
    row_count,
    run,
)


def only(client: httpx.Client, record_id: str, *columns: str, version: str = "v66.0") -> list[Json]:
    """The cells of one contact."""
    metadata = {
        "detailColumns": list(columns),
        "reportFilters": [a_filter("CONTACT_ID", "equals", record_id)],
    }
    url = f"{REPORTS}/{report_id(client, 'All Contacts')}".replace("v66.0", version)
    body = client.post(url, params={"includeDetails": "true"}, json={"reportMetadata": metadata}).json()
    (row,) = body["factMap"]["T!T"]["rows"]
    found: list[Json] = row["dataCells"]
    return found


class TestTabular:
    def test_rows_end_at_2000_and_the_count_goes_on(self, reader: httpx.Client) -> None:
        body = run(reader)

        assert len(cells(body)) == 2_000
        assert body["allData"] is False
        assert body["hasExceededTabularRowLimit"] is True
        assert body["factMap"]["T!T"]["aggregates"] == [{"label": "4,500", "value": 4_500}]

    def test_fewer_rows_are_all_data(self, client: httpx.Client) -> None:
        body = run(client)

        assert body["allData"] is True
        assert len(cells(body)) == row_count(body) == 40

    def test_the_rows_are_the_contacts(self, org: OrgSim, client: httpx.Client) -> None:
        assert cells(run(client)) == org.ids("Contact")

    def test_without_details_there_are_no_rows(self, reader: httpx.Client) -> None:
        body = reader.get(f"{REPORTS}/{report_id(reader, 'All Contacts')}").json()

        assert body["factMap"] == {"T!T": {"aggregates": [{"label": "4,500", "value": 4_500}]}}
        assert body["hasDetailRows"] is False

    @pytest.mark.parametrize(
        ("query", "has_rows"), [("", True), ("?includeDetails=false", False), ("?includeDetails=true", True)]
    )
    def test_posted_metadata_may_ask_for_details(
        self, client: httpx.Client, query: str, has_rows: bool
    ) -> None:
        url = f"{REPORTS}/{report_id(client, 'All Contacts')}"
        described = client.get(f"{url}/describe").json()

        body = client.post(f"{url}{query}", json=described).json()

        assert body["hasDetailRows"] is has_rows
        assert ("rows" in body["factMap"]["T!T"]) is has_rows

    def test_the_rows_are_those_of_now(self, org: OrgSim, client: httpx.Client) -> None:
        gone, stays = org.ids("Contact")[:2]
        run(client)
        org.delete(gone)
        org.edit(stays, LastName="Newly-Wed")

        body = run(client)

        assert row_count(body) == 39
        assert cells(body, 3, "label")[0] == "Newly-Wed"

    def test_private_contacts_of_others_are_missing(self, org: OrgSim, client: httpx.Client) -> None:
        theirs = next(r["Id"] for r in _contacts(client) if r["OwnerId"] != API_USER_ID)
        org.edit(theirs, AccountId=None)
        seen = cells(run(client))
        org.ungrant("Contact", "View All")

        still_seen = cells(run(client))

        assert theirs in seen
        assert theirs not in still_seen

    def test_my_contacts_are_the_api_users(self, reader: httpx.Client) -> None:
        mine = soql(reader, "SELECT COUNT() FROM Contact USING SCOPE mine").json()["totalSize"]

        assert 0 < row_count(run(reader, "My Contacts")) == mine

    def test_a_row_limit_limits_the_count_too(self, shared_org: OrgSim, reader: httpx.Client) -> None:
        body = run(reader, "Newest Hundred Contacts")

        assert body["reportMetadata"]["topRows"] == {"direction": "Asc", "rowLimit": 100}
        assert (len(cells(body)), row_count(body), body["allData"]) == (100, 100, True)

    def test_sorting_text_ignores_case(self, org: OrgSim, client: httpx.Client) -> None:
        org.edit(org.ids("Contact")[7], LastName="aaa")

        body = run(client, sortBy=[{"sortColumn": "LAST_NAME", "sortOrder": "Asc"}])

        assert cells(body, 3, "label")[0] == "aaa"

    def test_a_sort_goes_down(self, org: OrgSim, client: httpx.Client) -> None:
        body = run(client, sortBy=[{"sortColumn": "CONTACT_ID", "sortOrder": "Desc"}])

        assert cells(body) == org.ids("Contact")[::-1]

    def test_a_column_of_the_categories_can_be_added(self, client: httpx.Client) -> None:
        body = run(client, "Mailing Labels", detailColumns=["CONTACT_ID", "LAST_NAME"])

        assert re.fullmatch("003.{15}", cells(body)[0])

    def test_overrides_leave_the_saved_report_alone(self, client: httpx.Client) -> None:
        run(client, detailColumns=["CONTACT_ID"], scope="user")

        described = client.get(f"{REPORTS}/{report_id(client, 'All Contacts')}/describe").json()
        assert len(described["reportMetadata"]["detailColumns"]) == 15
        assert described["reportMetadata"]["scope"] == "organization"

    def test_a_report_that_is_not_saved_runs(self, client: httpx.Client) -> None:
        metadata = {
            "reportFormat": "TABULAR",
            "reportType": {"type": "ContactList"},
            "detailColumns": ["EMAIL"],
        }

        answer = client.post(f"{REPORTS}/query?includeDetails=true", json={"reportMetadata": metadata})

        assert answer.status_code == 200, answer.text
        assert row_count(answer.json()) == 40

    def test_a_custom_report_type_repeats_a_person(self, org: OrgSim, client: httpx.Client) -> None:
        texted, other = org.ids("Contact")[3:5]
        for who in (texted, other, texted, org.ids("Lead")[0]):
            org.create("Task", WhoId=who, Subject="SMS: outbound")

        body = run(client, "Contacts with Logged Texts", aggregates=["RowCount", "u!Contact$Id"])

        assert cells(body) == [texted, other, texted]
        assert [total["value"] for total in body["factMap"]["T!T"]["aggregates"]] == [3, 2]


class TestCells:
    def test_names_carry_ids(self, org: OrgSim, client: httpx.Client) -> None:
        record = next(r for r in _contacts(client) if r["Account"])

        first, last, account, owner = only(
            client, record["Id"], "FIRST_NAME", "LAST_NAME", "ACCOUNT.NAME", "CONTACT_OWNER"
        )

        assert first == {"label": record["FirstName"], "value": record["Id"]}
        assert last == {"label": record["LastName"], "value": record["Id"]}
        assert account == {"label": record["Account"]["Name"], "value": record["AccountId"]}
        assert owner == {"label": record["Owner"]["Name"], "value": record["OwnerId"]}

    def test_ids_have_a_short_label(self, org: OrgSim, client: httpx.Client) -> None:
        contact = org.ids("Contact")[0]

        assert only(client, contact, "CONTACT_ID") == [{"label": contact[:15], "value": contact}]

    def test_nothing_is_a_dash_and_null(self, org: OrgSim, client: httpx.Client) -> None:
        contact = org.ids("Contact")[0]
        org.edit(contact, MobilePhone=None, AccountId=None)

        nothing = {"label": "-", "value": None}
        assert only(client, contact, "PHONE3", "ACCOUNT.NAME", "OWNER_FULL_NAME") == [nothing] * 3

    def test_last_modified_is_a_day_in_two_zones(self, org: OrgSim, client: httpx.Client) -> None:
        contact = org.ids("Contact")[0]
        _set_stamp(org, contact, "2021-01-14T03:12:09.000+0000")

        (cell,) = only(client, contact, "LAST_UPDATE")

        assert cell == {"label": "1/13/2021", "value": "2021-01-14"}

    @pytest.mark.parametrize(
        ("switch", "value"),
        [("seconds", "2021-01-14T03:12:09Z"), ("milliseconds", "2021-01-14T03:12:09.000Z")],
    )
    def test_a_formula_moment_is_utc(
        self, org: OrgSim, client: httpx.Client, switch: str, value: str
    ) -> None:
        contact = org.ids("Contact")[0]
        _set_stamp(org, contact, "2021-01-14T03:12:09.000+0000")
        org.switch("report_datetime", switch)

        (cell,) = only(client, contact, "Contact.Last_Modified_Date_Time__c")

        assert cell == {"label": "1/13/2021, 10:12 PM", "value": value}

    def test_labels_follow_the_users_region(self, org: OrgSim, client: httpx.Client) -> None:
        contact = org.ids("Contact")[0]
        _set_stamp(org, contact, "2021-01-14T23:30:00.000+0000")
        org.set_user_region(API_USERNAME, "Asia/Kolkata", "en_GB")

        day, moment = only(client, contact, "LAST_UPDATE", "Contact.Last_Modified_Date_Time__c")

        assert day == {"label": "15/01/2021", "value": "2021-01-14"}
        assert moment["label"] == "15/01/2021, 05:00"

    def test_created_is_a_day_too(self, org: OrgSim, client: httpx.Client) -> None:
        (cell,) = only(client, org.ids("Contact")[0], "CREATED_DATE")

        assert re.fullmatch(r"\d{4}-\d\d-\d\d", cell["value"])

    def test_picklists_show_their_label(self, org: OrgSim, client: httpx.Client) -> None:
        contact = org.ids("Contact")[0]
        org.edit(contact, Program__c="MBA")

        (cell,) = only(client, contact, "Contact.Program__c")

        assert (cell["label"], cell["value"]) == ("Master of Business Administration",) * 2

    def test_checkboxes_and_numbers_keep_their_type(self, org: OrgSim, client: httpx.Client) -> None:
        contact = org.ids("Contact")[0]
        org.edit(contact, SMS_Opt_Out__c=True, Graduation_Year__c=2029)

        assert only(client, contact, "Contact.SMS_Opt_Out__c", "Contact.Graduation_Year__c") == [
            {"label": "true", "value": True},
            {"label": "2,029", "value": 2029},
        ]

    def test_lines_break_and_long_text_is_cut(self, org: OrgSim, client: httpx.Client) -> None:
        contact = org.ids("Contact")[0]
        org.edit(contact, MailingStreet="1 Elm\nFlat 2", Description="x" * 300)

        street, description = only(client, contact, "ADDRESS2_STREET", "DESCRIPTION")

        assert street["value"] == street["label"] == "1 Elm<br>Flat 2"
        assert len(description["value"]) == 255

    def test_currency_is_an_object(self, org: OrgSim, client: httpx.Client) -> None:
        lead = org.create("Lead", LastName="Rich", Company="Bank", AnnualRevenue=50_000_000)

        body = run(
            client,
            "Leads for Texting",
            aggregates=["s!ANNUAL_REVENUE"],
            detailColumns=["ANNUAL_REVENUE"],
            reportFilters=[a_filter("LEAD_ID", "equals", lead)],
        )

        assert body["factMap"]["T!T"]["rows"][0]["dataCells"] == [
            {"label": "$50,000,000", "value": {"amount": 50_000_000, "currency": None}}
        ]
        assert body["factMap"]["T!T"]["aggregates"] == [{"label": "$50,000,000", "value": 50_000_000}]

    def test_newer_versions_escape_labels(self, org: OrgSim, client: httpx.Client) -> None:
        contact = org.ids("Contact")[0]
        org.edit(contact, Title="<b>Dean & Co")

        (newer,) = only(client, contact, "TITLE")
        (older,) = only(client, contact, "TITLE", version="v36.0")

        assert newer["escapedLabel"] == "&lt;b&gt;Dean &amp; Co"
        assert older == {"label": "<b>Dean & Co", "value": "<b>Dean & Co"}


class TestGroups:
    def test_rows_sit_in_their_group(self, client: httpx.Client) -> None:
        body = run(client, "Contacts by Owner")

        groups = body["groupingsDown"]["groupings"]
        assert [group["key"] for group in groups] == [str(n) for n in range(len(groups))]
        assert [g["label"] for g in groups] == sorted((g["label"] for g in groups), key=str.casefold)
        assert body["factMap"]["T!T"]["rows"] == []
        for group in groups:
            entry = body["factMap"][f"{group['key']}!T"]
            ids = [row["dataCells"][0]["value"] for row in entry["rows"]]
            assert entry["aggregates"][0]["value"] == len(ids) > 0
            assert set(ids) == {r["Id"] for r in _contacts(client) if r["OwnerId"] == group["value"]}

    def test_a_cut_summary_has_whole_totals(self, reader: httpx.Client) -> None:
        body = run(reader, "Contacts by Owner")

        entries = [entry for key, entry in body["factMap"].items() if key != "T!T"]
        assert sum(len(entry["rows"]) for entry in entries) == 2_000
        assert sum(entry["aggregates"][0]["value"] for entry in entries) == 4_500 == row_count(body)
        assert body["allData"] is False
        whole = [len(entry["rows"]) == entry["aggregates"][0]["value"] for entry in entries]
        empty = [not entry["rows"] for entry in entries]
        assert whole == sorted(whole, reverse=True), "the first groups are whole"
        assert empty == sorted(empty), "the last ones have no rows"

    def test_groups_nest(self, reader: httpx.Client) -> None:
        body = run(reader, "Leads by Status")

        first = body["groupingsDown"]["groupings"][0]
        assert [inner["key"] for inner in first["groupings"]][:2] == ["0_0", "0_1"]
        assert re.fullmatch(r"\d{4}-01-01", first["groupings"][0]["value"])
        assert body["factMap"]["0!T"]["rows"] == []
        inner = [body["factMap"][f"{group['key']}!T"] for group in first["groupings"]]
        counted = body["factMap"]["0!T"]["aggregates"][1]["value"]
        assert sum(entry["aggregates"][1]["value"] for entry in inner) == counted

    def test_a_matrix_fills_every_meeting(self, reader: httpx.Client) -> None:
        body = run(reader, "Contacts by Program and Class")

        down, across = body["groupingsDown"]["groupings"], body["groupingsAcross"]["groupings"]
        meetings = [body["factMap"][f"{row['key']}!{column['key']}"] for row in down for column in across]
        assert sum(entry["aggregates"][0]["value"] for entry in meetings) == 4_500
        assert body["factMap"]["T!0"]["rows"] == body["factMap"]["0!T"]["rows"] == []

    def test_a_summary_flattens(self, org: OrgSim, client: httpx.Client) -> None:
        body = run(
            client,
            "Contacts by Owner",
            detailColumns=["CONTACT_ID", "CONTACT_OWNER"],
            reportFormat="TABULAR",
            groupingsDown=[],
            groupingsAcross=[],
        )

        assert cells(body) == org.ids("Contact")
        assert body["groupingsDown"] == {"groupings": []}

    def test_a_group_without_a_value_is_a_dash(self, org: OrgSim, client: httpx.Client) -> None:
        org.edit(org.ids("Contact")[0], Program__c=None)

        groups = run(client, "Contacts by Program and Class")["groupingsDown"]["groupings"]

        assert groups[0] == {"groupings": [], "key": "0", "label": "-", "value": None}

    def test_groups_sort_by_a_total(self, reader: httpx.Client) -> None:
        grouping = {"name": "CONTACT_OWNER", "sortAggregate": "RowCount", "sortOrder": "Desc"}

        body = run(reader, "Contacts by Owner", details=False, groupingsDown=[grouping])

        keys = [group["key"] for group in body["groupingsDown"]["groupings"]]
        counts = [body["factMap"][f"{key}!T"]["aggregates"][0]["value"] for key in keys]
        assert counts == sorted(counts, reverse=True)

    def test_a_joined_report_is_not_supported(self, reader: httpx.Client) -> None:
        answer = posted(reader, "Admissions Overview")

        assert (answer.status_code, answer.json()[0]["message"]) == (
            501,
            "You're requesting data for an unsupported report format.",
        )


class TestTotals:
    def test_every_function(self, client: httpx.Client) -> None:
        years = [r["Graduation_Year__c"] for r in _contacts(client) if r["Graduation_Year__c"] is not None]
        names = ["RowCount", *(f"{kind}!Contact.Graduation_Year__c" for kind in "smxu")]

        body = run(client, details=False, aggregates=names)

        found = [total["value"] for total in body["factMap"]["T!T"]["aggregates"]]
        assert found == [40, sum(years), min(years), max(years), len(set(years))]
        labels = body["reportExtendedMetadata"]["aggregateColumnInfo"]
        assert labels["s!Contact.Graduation_Year__c"]["label"] == "Sum of Graduation Year"

    def test_the_record_count_can_be_asked_for(self, client: httpx.Client) -> None:
        body = run(client, aggregates=[], hasRecordCount=True)

        assert body["reportMetadata"]["aggregates"] == ["RowCount"]

    def test_the_record_count_can_be_left_out(self, client: httpx.Client) -> None:
        body = run(client, hasRecordCount=False)

        assert body["factMap"]["T!T"]["aggregates"] == []

    def test_an_unknown_total_is_refused(self, client: httpx.Client) -> None:
        assert refusal(posted(client, aggregates=["s!FIRST_NAME"]))[:2] == (400, "BAD_REQUEST")


def test_a_filtered_report_counts_what_it_finds(reader: httpx.Client) -> None:
    found = filtered(reader, "Contact.Program__c", "equals", "Fine Arts")

    text = "SELECT COUNT() FROM Contact WHERE Program__c = 'Fine Arts'"
    assert len(found) == soql(reader, text).json()["totalSize"]


def _contacts(client: httpx.Client) -> list[Json]:
    text = "SELECT Id, FirstName, LastName, AccountId, Account.Name, OwnerId, Owner.Name, Graduation_Year__c FROM Contact"
    records: list[Json] = client.get(f"{V}/query", params={"q": text}).json()["records"]
    return records


def _set_stamp(org: OrgSim, record_id: str, stamp: str) -> None:
    with org.store.writing() as connection:
        connection.execute("UPDATE Contact SET LastModifiedDate = ? WHERE Id = ?", (stamp, record_id))
