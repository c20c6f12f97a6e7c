"""The filters of a report: what they leave, and in which words a wrong one is refused."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from orgsim.staff import API_USERNAME
from orgsim.testing import OrgSim
from tests.contract.conftest import soql
from tests.contract.report_calls import (
    BY_ID,
    Json,
    a_filter,
    cells,
    filtered,
    posted,
    refusal,
    row_count,
    run,
)

MODIFIED = "Contact.Last_Modified_Date_Time__c"
DATES = "Filter the date in the correct format. Accepted formats are yyyy-MM-dd'T'HH:mm:ss'Z' and yyyy-MM-dd."


def ids_of(client: httpx.Client, where: str) -> set[str]:
    return {
        record["Id"] for record in soql(client, f"SELECT Id FROM Contact WHERE {where}").json()["records"]
    }


class TestValues:
    @pytest.mark.parametrize(
        ("column", "operator", "value", "where"),
        [
            ("PHONE3", "equals", "", "MobilePhone = null"),
            ("PHONE3", "notEqual", "", "MobilePhone != null"),
            ("Contact.Program__c", "equals", "nursing,BIOLOGY", "Program__c IN ('Nursing', 'Biology')"),
            ("Contact.Program__c", "equals", "Doctor of Education", "Program__c = 'EdD'"),
            ("Contact.Program__c", "notEqual", "Nursing,Biology", "Program__c NOT IN ('Nursing', 'Biology')"),
            ("Contact.Program__c", "contains", "of Education", "Program__c = 'EdD'"),
            ("EMAIL", "contains", "STUDENTS,mail.", "(Email LIKE '%students%' OR Email LIKE '%mail.%')"),
            ("EMAIL", "notContain", "students", "(NOT Email LIKE '%students%')"),
            ("LAST_NAME", "startsWith", "b", "LastName LIKE 'b%'"),
            ("LAST_NAME", "lessThan", "M", "LastName < 'M'"),
            ("LAST_NAME", "greaterOrEqual", "M", "LastName >= 'M'"),
            ("LAST_NAME", "greaterThan", "", "LastName != null"),
            ("ACCOUNT.NAME", "contains", "high school", "Account.Name LIKE '%high school%'"),
            ("Contact.SMS_Opt_Out__c", "equals", "True", "SMS_Opt_Out__c = true"),
            ("Contact.SMS_Opt_Out__c", "notEqual", "1", "SMS_Opt_Out__c = false"),
            ("Contact.Graduation_Year__c", "greaterThan", "2,028", "Graduation_Year__c > 2028"),
            ("Contact.Graduation_Year__c", "equals", "2027,2028", "Graduation_Year__c IN (2027, 2028)"),
            ("Contact.Graduation_Year__c", "notEqual", "2027", "Graduation_Year__c != 2027"),
            (MODIFIED, "greaterOrEqual", "2023-05-01T04:00:00Z", "LastModifiedDate >= 2023-05-01T04:00:00Z"),
            (MODIFIED, "lessOrEqual", "2023-05-01T04:00:00Z", "LastModifiedDate <= 2023-05-01T04:00:00Z"),
            (MODIFIED, "lessThan", "LAST 30 DAYS", "LastModifiedDate < LAST_N_DAYS:30"),
            (MODIFIED, "greaterThan", "LAST_YEAR", "LastModifiedDate > LAST_YEAR"),
        ],
    )  # fmt: skip
    def test_a_filter_leaves_what_soql_leaves(
        self, reader: httpx.Client, column: str, operator: str, value: str, where: str
    ) -> None:
        found = run(reader, details=False, reportFilters=[a_filter(column, operator, value)])

        wanted = soql(reader, f"SELECT COUNT() FROM Contact WHERE {where}").json()["totalSize"]
        assert row_count(found) == wanted
        assert wanted > 0

    def test_a_value_with_a_comma_is_quoted(self, org: OrgSim, client: httpx.Client) -> None:
        contact, *others = org.ids("Contact")
        org.edit(contact, Title="Dean, Nursing")
        org.edit(others[0], Title="Dean")

        assert filtered(client, "TITLE", "equals", '"Dean, Nursing"') == [contact]
        assert filtered(client, "TITLE", "equals", "Dean, Nursing") == [others[0]]

    def test_signs_of_patterns_are_plain(self, org: OrgSim, client: httpx.Client) -> None:
        contact = org.ids("Contact")[0]
        org.edit(contact, Title="100% \\ a_b")

        for value in ("100%", "a_b", "\\"):
            assert filtered(client, "TITLE", "contains", value) == [contact]

    def test_letters_beyond_ascii_ignore_case(self, org: OrgSim, client: httpx.Client) -> None:
        contact = org.ids("Contact")[0]
        org.edit(contact, LastName="Ångström")

        assert filtered(client, "LAST_NAME", "equals", "ÅNGSTRÖM") == [contact]
        assert filtered(client, "LAST_NAME", "startsWith", "ång") == [contact]

    def test_a_posted_list_replaces_the_saved_filters(self, reader: httpx.Client) -> None:
        name = "Texting Contacts with Last Modified"

        assert row_count(run(reader, name, reportFilters=[])) == 4_500
        assert row_count(run(reader, name)) < 4_500

    def test_the_team_are_those_who_report_to_the_user(self, org: OrgSim, client: httpx.Client) -> None:
        sql = "UPDATE User SET ManagerId = (SELECT Id FROM User WHERE Username = ?) WHERE Alias = 'dwhitloc'"
        with org.store.writing() as connection:
            connection.execute(sql, (API_USERNAME,))
        wanted = ids_of(client, "Owner.Name IN ('Dana Whitlock', 'Integration User')")

        assert set(cells(run(client, scope="team"))) == wanted


class TestIds:
    def test_ids_are_compared_as_they_are_sorted(self, org: OrgSim, client: httpx.Client) -> None:
        everyone = org.ids("Contact")

        found = filtered(client, "CONTACT_ID", "greaterThan", everyone[20], BY_ID)

        assert found == sorted(everyone)[21:]

    def test_a_comparison_goes_down_too(self, org: OrgSim, client: httpx.Client) -> None:
        everyone = org.ids("Contact")
        down = [{"sortColumn": "CONTACT_ID", "sortOrder": "Desc"}]

        found = filtered(client, "CONTACT_ID", "lessThan", everyone[20], down)

        assert found == sorted(everyone)[:20][::-1]

    def test_letter_case_of_an_id_matters(self, org: OrgSim, client: httpx.Client) -> None:
        prefix = org.ids("Contact")[37][:15]
        assert prefix[-1].isupper() or prefix[-1].islower()

        assert filtered(client, "CONTACT_ID", "startsWith", prefix) == [org.ids("Contact")[37]]
        assert org.ids("Contact")[37] not in filtered(client, "CONTACT_ID", "startsWith", prefix.swapcase())

    def test_a_15_character_id_is_the_same(self, org: OrgSim, client: httpx.Client) -> None:
        contact = org.ids("Contact")[5]

        assert filtered(client, "CONTACT_ID", "equals", contact[:15]) == [contact]

    def test_many_ids_are_any_of_them(self, org: OrgSim, client: httpx.Client) -> None:
        wanted = org.ids("Contact")[:30]

        assert filtered(client, "CONTACT_ID", "equals", ",".join(wanted)) == wanted

    @pytest.mark.parametrize("operator", ["greaterThan", "lessThan", "greaterOrEqual", "lessOrEqual"])
    def test_the_comparison_can_be_refused(self, org: OrgSim, client: httpx.Client, operator: str) -> None:
        org.switch("report_id_comparison", "refused")

        answer = posted(client, reportFilters=[a_filter("CONTACT_ID", operator, org.ids("Contact")[0])])

        text = f"Specify a valid condition because {operator} is invalid."
        assert refusal(answer) == (400, "BAD_REQUEST", text)

    def test_prefixes_serve_also_then(self, org: OrgSim, client: httpx.Client) -> None:
        org.switch("report_id_comparison", "refused")

        assert len(filtered(client, "CONTACT_ID", "startsWith", "003")) == 40

    @pytest.mark.parametrize("value", ["003", "003Hs0000000001IAB", "", "x" * 15 + "!!!"])
    def test_an_id_has_15_or_18_characters(self, client: httpx.Client, value: str) -> None:
        answer = posted(client, reportFilters=[a_filter("CONTACT_ID", "greaterThan", value or "1234")])

        status, code, message = refusal(answer)
        assert (status, code) == (400, "BAD_REQUEST")
        assert message.startswith(
            f"The filter value for ID {value or '1234'} is incorrect. Specify an ID that is 15"
        )


class TestLogic:
    def test_it_joins_the_filters(self, reader: httpx.Client) -> None:
        where = (
            "(Program__c = 'Nursing' AND Graduation_Year__c = 2029) OR Program__c IN ('Computer Science', "
            "'Engineering')"
        )

        found = row_count(run(reader, "Spring Admits"))

        assert found == soql(reader, f"SELECT COUNT() FROM Contact WHERE {where}").json()["totalSize"]

    def test_one_more_filter_is_wrapped(self, reader: httpx.Client) -> None:
        body = run(reader, "Spring Admits")
        filters = [*body["reportMetadata"]["reportFilters"], a_filter("PHONE3", "notEqual", "")]
        logic = f"({body['reportMetadata']['reportBooleanFilter']}) AND 4"

        narrowed = run(reader, "Spring Admits", reportFilters=filters, reportBooleanFilter=logic)

        assert 0 < row_count(narrowed) < row_count(body)

    def test_not_is_true_of_nothing(self, client: httpx.Client) -> None:
        filters = [a_filter("Contact.Program__c", "equals", "Nursing")]

        found = cells(run(client, reportFilters=filters, reportBooleanFilter="NOT 1"))

        assert set(found) == ids_of(client, "NOT (Program__c = 'Nursing')")

    @pytest.mark.parametrize(
        "logic",
        ["1", "1 AND 2 AND 3", "1 AND 2 OR 1", "(1 AND 2", "1 AND AND 2", "1 2", "1 AND x", "0 OR 1 OR 2"],
    )
    def test_it_must_be_sound_and_name_every_filter(self, client: httpx.Client, logic: str) -> None:
        filters = [a_filter("EMAIL", "notEqual", ""), a_filter("PHONE3", "notEqual", "")]

        answer = posted(client, reportFilters=filters, reportBooleanFilter=logic)

        assert refusal(answer)[:2] == (400, "BAD_REQUEST")

    def test_a_filter_more_than_the_saved_logic_names(self, client: httpx.Client) -> None:
        filters = [a_filter("EMAIL", "notEqual", "")] * 4

        message = "Some filter conditions are defined but not referenced in your filter logic."
        assert refusal(posted(client, "Spring Admits", reportFilters=filters)) == (
            400,
            "BAD_REQUEST",
            message,
        )


class TestDays:
    def test_a_day_of_a_moment_is_the_users(self, org: OrgSim, client: httpx.Client) -> None:
        contact = org.ids("Contact")[0]
        _set_stamp(org, contact, "2021-01-14T03:12:09.000+0000")

        for column in ("LAST_UPDATE", MODIFIED):
            assert filtered(client, column, "equals", "2021-01-13") == [contact]
            assert contact not in filtered(client, column, "greaterThan", "2021-01-13")
        org.set_user_region(API_USERNAME, "GMT")
        assert filtered(client, "LAST_UPDATE", "equals", "2021-01-14") == [contact]

    def test_a_moment_on_a_day_column_means_its_day(self, org: OrgSim, client: httpx.Client) -> None:
        contact = org.ids("Contact")[0]
        _set_stamp(org, contact, "2021-01-14T03:12:09.000+0000")

        assert filtered(client, "LAST_UPDATE", "equals", "2021-01-14T00:00:00Z") == [contact]

    def test_a_moment_is_exact_to_the_second(self, org: OrgSim, client: httpx.Client) -> None:
        contact = org.ids("Contact")[0]
        _set_stamp(org, contact, "2021-01-14T03:12:09.000+0000")

        assert filtered(client, MODIFIED, "equals", "2021-01-14T03:12:09Z") == [contact]
        assert contact not in filtered(client, MODIFIED, "greaterThan", "2021-01-14T03:12:09Z")
        assert contact in filtered(client, MODIFIED, "greaterOrEqual", "2021-01-14T03:12:09Z")

    @pytest.mark.parametrize(
        "value",
        [
            "2021-01-14T03:12:09.000Z",
            "2021-01-14T03:12:09+00:00",
            "2021-01-14 03:12",
            "1/14/2021",
            "soon",
            "2021-02-30",
        ],
    )
    def test_other_forms_are_refused(self, client: httpx.Client, value: str) -> None:
        answer = posted(client, reportFilters=[a_filter(MODIFIED, "greaterThan", value)])

        assert refusal(answer) == (400, "BAD_REQUEST", DATES)

    @pytest.mark.parametrize("time", ["", "T00:00:00", "T00:00:00Z", "T00:00:00.000Z"])
    def test_the_standard_date_filter_takes_days(self, org: OrgSim, client: httpx.Client, time: str) -> None:
        contact = org.ids("Contact")[0]
        _set_stamp(org, contact, "2021-01-14T03:12:09.000+0000")
        day = {
            "column": "LAST_UPDATE",
            "durationValue": "CUSTOM",
            "startDate": f"2021-01-13{time}",
            "endDate": f"2021-01-13{time}",
        }

        assert cells(run(client, standardDateFilter=day)) == [contact]

    def test_it_is_open_without_days(self, client: httpx.Client) -> None:
        always = {"column": "CREATED_DATE", "durationValue": "CUSTOM", "startDate": None, "endDate": None}

        assert row_count(run(client, standardDateFilter=always)) == 40

    def test_durations_follow_the_orgs_clock(self, org: OrgSim, client: httpx.Client) -> None:
        contact = org.ids("Contact")[0]
        yesterday = datetime.now(UTC) - timedelta(days=1)
        _set_stamp(org, contact, f"{yesterday:%Y-%m-%dT12:00:00}.000+0000")

        body = run(client, standardDateFilter={"column": "LAST_UPDATE", "durationValue": "LAST_N_DAYS:2"})

        assert cells(body) == [contact]
        assert body["reportMetadata"]["standardDateFilter"]["startDate"] is not None

    @pytest.mark.parametrize(
        ("date_filter", "text"),
        [
            ({"column": "NOPE"}, "The column NOPE specified for the standard date filter is invalid."),
            (
                {"column": "EMAIL"},
                "The column EMAIL cannot be a standard date filter because it is not a date column.",
            ),
            (
                {"column": "CREATED_DATE", "durationValue": "SOON"},
                "The duration SOON specified for the standard date filter is invalid.",
            ),
            (
                {"column": "CREATED_DATE", "durationValue": "CUSTOM", "startDate": "1/1/2021"},
                "The specified start date of CREATED_DATE specified for the standard date filter is invalid.",
            ),
            (
                {"column": "CREATED_DATE", "durationValue": "CUSTOM", "endDate": "9999-12-31"},
                "The specified end date of CREATED_DATE specified for the standard date filter is invalid.",
            ),
        ],
    )
    def test_a_wrong_standard_date_filter(self, client: httpx.Client, date_filter: Json, text: str) -> None:
        assert refusal(posted(client, standardDateFilter=date_filter)) == (400, "BAD_REQUEST", text)


class TestRefused:
    @pytest.mark.parametrize(
        ("metadata", "text"),
        [
            (
                {"reportFilters": [a_filter("NOPE", "equals", "1")]},
                "Specify a valid filterable column because NOPE is invalid.",
            ),
            (
                {"reportFilters": [a_filter("EMAIL", "likes", "1")]},
                "Specify a valid condition because likes is invalid.",
            ),
            (
                {"reportFilters": [a_filter("Contact.SMS_Opt_Out__c", "greaterThan", "True")]},
                "Specify a valid condition because greaterThan is invalid.",
            ),
            (
                {"reportFilters": [a_filter("DESCRIPTION", "contains", "x")]},
                "Some fields, including description and long text area fields, can't be included in filter logic.",
            ),
            (
                {"reportFilters": None},
                "The request is invalid because there are no filters. Specify filters or set filters as an empty array "
                "to omit them.",
            ),
            (
                {"sortBy": [{"sortColumn": "TITLE", "sortOrder": "Asc"}]},
                "The sort column name must be from a selected column.",
            ),
            (
                {"sortBy": [{"sortColumn": "EMAIL"}, {"sortColumn": "PHONE3"}]},
                "A report can only be sorted by one column.",
            ),
            ({"sortBy": [{"sortColumn": None}]}, "The sort column name can't be null."),
            (
                {"detailColumns": []},
                "Can't run the report because it doesn't have any columns selected. Be sure to add fields as columns "
                "to the report through the user interface.",
            ),
        ],
    )  # fmt: skip
    def test_in_the_words_of_the_guide(self, client: httpx.Client, metadata: Json, text: str) -> None:
        assert refusal(posted(client, **metadata)) == (400, "BAD_REQUEST", text)

    def test_a_hundred_columns_are_too_many(self, client: httpx.Client) -> None:
        answer = posted(client, detailColumns=["CONTACT_ID"] * 100)

        assert refusal(answer)[2].startswith("Only a report with fewer than 100 columns can be run.")
        assert posted(client, detailColumns=["CONTACT_ID"] * 99).status_code == 200

    def test_twenty_one_filters_are_too_many(self, client: httpx.Client) -> None:
        one = a_filter("EMAIL", "notEqual", "")

        assert posted(client, reportFilters=[one] * 21).status_code == 400
        assert posted(client, reportFilters=[one] * 20).status_code == 200

    def test_a_matrix_is_not_sorted(self, client: httpx.Client) -> None:
        sort = [{"sortColumn": "CONTACT_ID", "sortOrder": "Asc"}]

        answer = posted(client, "Contacts by Program and Class", sortBy=sort)

        assert refusal(answer)[2] == "Column sorting isn't supported for matrix reports."

    @pytest.mark.parametrize(
        "metadata",
        [
            {"scope": "everybody"},
            {"detailColumns": ["NOPE"]},
            {"crossFilters": [{}]},
            {"reportFormat": "SUMMARY"},
            {"groupingsDown": [{"name": "CONTACT_OWNER"}]},
            {"topRows": {"rowLimit": 0}},
            {"sortBy": [{"sortColumn": "DESCRIPTION"}], "detailColumns": ["DESCRIPTION"]},
            {"reportFilters": [a_filter("Contact.Graduation_Year__c", "equals", "soon")]},
            {"reportFilters": [a_filter("Contact.SMS_Opt_Out__c", "equals", "maybe")]},
        ],
    )
    def test_what_can_not_be_asked(self, client: httpx.Client, metadata: Json) -> None:
        assert refusal(posted(client, **metadata))[:2] == (400, "BAD_REQUEST")

    @pytest.mark.parametrize(
        ("metadata", "message"),
        [
            ({"colour": "red"}, 'Unrecognized field "colour"'),
            ({"detailColumns": "EMAIL"}, "The request body is either invalid or incomplete."),
            ({"reportFilters": [1]}, "The request body is either invalid or incomplete."),
        ],
    )
    def test_what_can_not_be_read(self, client: httpx.Client, metadata: Json, message: str) -> None:
        assert refusal(posted(client, **metadata)) == (400, "JSON_PARSER_ERROR", message)

    def test_a_saved_filter_on_a_hidden_field(self, org: OrgSim, client: httpx.Client) -> None:
        org.hide_field("Contact", "MobilePhone")

        answer = posted(client, "Texting Contacts with Last Modified")

        assert refusal(answer)[2] == "Specify a valid filterable column because PHONE3 is invalid."


def _set_stamp(org: OrgSim, record_id: str, stamp: str) -> None:
    with org.store.writing() as connection:
        connection.execute("UPDATE Contact SET LastModifiedDate = ? WHERE Id = ?", (stamp, record_id))
