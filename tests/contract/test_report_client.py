"""The client's reports against the simulated org: found, described, read whole whatever happens in between."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from carillon.salesforce import errors
from carillon.salesforce.client import Client, ClientCredentials
from carillon.salesforce.reports.errors import (
    ComparisonRefused,
    FilterIgnored,
    ReportColumnMissing,
    ReportFailed,
    ReportGone,
    ReportLimitExceeded,
    ReportNotReadable,
    ReportNotShared,
    ReportsNotAllowed,
    ReportTimedOut,
    ReportTooLarge,
)
from carillon.salesforce.reports.proof import Verdict
from carillon.salesforce.reports.reading import ReportReading, Way
from carillon.salesforce.reports.request import Condition
from carillon.salesforce.reports.runs import Patience
from carillon.salesforce.transport import Retry
from orgsim.staff import CLIENT_ID, CLIENT_SECRET
from orgsim.testing import OrgSim

QUICK = Patience(first_wait=0.01, longest_wait=0.05, whole=2.0)
MODIFIED = "Contact.Last_Modified_Date_Time__c"


def client_of(org: OrgSim, **options: object) -> Client:
    return Client(
        host=org.url,
        credentials=ClientCredentials(CLIENT_ID, CLIENT_SECRET),
        allow_local=True,
        retry=Retry(budget_seconds=30, first_wait=0.01, longest_wait=0.02, most_attempts=20),
        **options,  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def reader(shared_org: OrgSim) -> Iterator[Client]:
    with client_of(shared_org) as made:
        yield made


@pytest.fixture
def client(org: OrgSim) -> Iterator[Client]:
    with client_of(org) as made:
        yield made


def report_id(client: Client, name: str) -> str:
    return next(report.id for report in client.reports.find(name) if report.name == name)


def reading(client: Client, name: str = "All Contacts", **options: object) -> ReportReading:
    report = client.reports.describe(report_id(client, name))
    return client.reports.rows(report, "Contact", patience=QUICK, **options)  # type: ignore[arg-type]


def ids_of(read: ReportReading) -> list[str]:
    return [row.id for page in read for row in page.rows]


def proven(read: ReportReading) -> bool:
    return read.completeness is not None and read.completeness.verdict is Verdict.PROVEN


def test_reports_are_found_with_folder_and_format(reader: Client) -> None:
    found = {report.name: report for report in reader.reports.find()}

    assert found["All Contacts"].folder == "Texting Reports"
    assert found["All Contacts"].is_tabular
    assert found["Contacts by Owner"].format == "SUMMARY"
    assert found["Admissions Overview"].format == "MULTI_BLOCK"
    assert "Dean's List" not in found
    assert [report.name for report in reader.reports.find("by owner")] == ["Contacts by Owner"]
    assert {report.folder for report in reader.reports.find(folder="Texting Reports")} == {"Texting Reports"}


@pytest.mark.parametrize("way", [Way.BY_ID, Way.BY_WINDOW])
def test_a_report_is_read_whole_in_both_ways(reader: Client, shared_org: OrgSim, way: Way) -> None:
    read = reading(reader, way=way)
    found = ids_of(read)

    assert len(found) == len(set(found)) == reader.count("SELECT COUNT() FROM Contact")
    assert proven(read)


def test_values_come_with_their_types(reader: Client) -> None:
    read = reading(reader, columns=("FIRST_NAME", "ACCOUNT.NAME", "Contact.SMS_Opt_Out__c", MODIFIED))

    first = next(iter(read)).rows[0]

    name, account, opted_out, modified = first.values
    assert isinstance(name, str)
    assert not re.fullmatch(r"003\w{15}", name)
    assert account is None or isinstance(account, str)
    assert isinstance(opted_out, bool)
    assert isinstance(modified, datetime)


@pytest.mark.parametrize("value", ["seconds", "milliseconds"])
def test_date_times_are_read_with_and_without_a_fraction(org: OrgSim, client: Client, value: str) -> None:
    org.switch("report_datetime", value)

    pages = reading(client, "Texting Contacts with Last Modified", columns=(MODIFIED,))

    moments = [row.values[0] for page in pages for row in page.rows]
    assert moments
    assert all(isinstance(moment, datetime) and moment.tzinfo is UTC for moment in moments)


def test_the_standard_last_modified_is_a_day(client: Client) -> None:
    pages = reading(client, "Contacts with Date-only Last Modified", columns=("LAST_UPDATE",))

    values = [row.values[0] for page in pages for row in page.rows]
    assert values
    assert all(type(value) is date for value in values)


def test_summary_reports_are_read_flat_with_what_they_group_by(reader: Client) -> None:
    read = reading(reader, "Contacts by Owner", columns=("CONTACT_OWNER", "LAST_NAME"))
    rows = [row for page in read for row in page.rows]

    assert len(rows) == reader.count("SELECT COUNT() FROM Contact")
    assert all(isinstance(row.values[0], str) for row in rows)
    assert proven(read)


def test_a_joined_type_that_repeats_people_gives_each_once(org: OrgSim, client: Client) -> None:
    everyone = ids_of(reading(client))
    for number, person in enumerate(everyone[:5]):
        for text in range(number + 1):
            org.create("Task", Subject=f"Text {text}", WhoId=person)

    read = reading(client, "Contacts with Logged Texts")
    found = ids_of(read)

    assert len(found) == len(set(found))
    assert set(found) >= set(everyone[:5])
    assert proven(read)
    assert read.completeness is not None
    assert read.completeness.rows > read.completeness.records


def test_a_condition_of_ours_joins_the_saved_boolean_filter(reader: Client) -> None:
    whole = reading(reader, "Spring Admits", columns=("LAST_NAME",))
    names = [str(row.values[0]) for page in whole for row in page.rows]
    wanted = sorted(name for name in names if name == names[0])

    part = reading(
        reader, "Spring Admits", columns=("LAST_NAME",), where=(Condition("LAST_NAME", "equals", names[0]),)
    )

    assert sorted(str(row.values[0]) for page in part for row in page.rows) == wanted


def test_ids_that_are_not_compared_are_read_by_windows(org: OrgSim, client: Client) -> None:
    org.switch("report_id_comparison", "refused")
    read = reading(client)

    assert len(ids_of(read)) == 40
    assert read.runs == 1


@pytest.mark.parametrize("specific", ["forbidden", "specific"])
def test_runs_in_the_background_follow_when_those_of_the_hour_are_used_up(
    org: OrgSim, client: Client, specific: str
) -> None:
    org.switch("report_limit_error", specific)
    org.bump_limit("HourlySyncReportRuns")

    assert len(ids_of(reading(client))) == 40
    assert client.transport.calls["report_start"] == 1
    assert client.transport.calls["report_delete"] == 1


@pytest.mark.parametrize("specific", ["forbidden", "specific"])
def test_the_limit_of_both_kinds_of_runs_is_an_error_of_its_own(
    org: OrgSim, client: Client, specific: str
) -> None:
    org.switch("report_limit_error", specific)
    org.bump_limit("HourlySyncReportRuns")
    org.bump_limit("HourlyAsyncReportRuns")

    with pytest.raises(ReportLimitExceeded) as reached:
        ids_of(reading(client))

    assert reached.value.asynchronous


def test_a_run_that_times_out_is_run_in_the_background(org: OrgSim, client: Client) -> None:
    org.time_out_reports(1)
    org.set_report_delay(0.1)

    assert len(ids_of(reading(client))) == 40
    assert client.transport.calls["report_poll"] > 1


def test_a_run_that_fails_in_the_background_says_so(org: OrgSim, client: Client) -> None:
    org.time_out_reports(5)
    org.fail_report_instances()

    with pytest.raises(ReportFailed):
        ids_of(reading(client))

    assert client.transport.calls["report_delete"] == 1


def test_waiting_for_a_run_ends_by_itself_and_leaves_nothing_behind(org: OrgSim, client: Client) -> None:
    org.time_out_reports(1)
    org.set_report_delay(60)
    report = client.reports.describe(report_id(client, "All Contacts"))
    brief = Patience(first_wait=0.01, longest_wait=0.02, whole=0.1)

    with pytest.raises(ReportTimedOut, match="in time"):
        ids_of(client.reports.rows(report, "Contact", patience=brief))

    assert client.transport.calls["report_poll"] < 12
    assert client.transport.calls["report_delete"] == 1


def test_waiting_for_a_run_ends_when_it_is_to_stop(org: OrgSim) -> None:
    org.time_out_reports(5)
    org.set_report_delay(60)
    asked: list[None] = []

    def should_stop() -> bool:
        asked.append(None)
        return len(asked) > 20

    with client_of(org, should_stop=should_stop) as client, pytest.raises(errors.Stopped):
        ids_of(reading(client))


def test_a_deleted_report_an_unshared_folder_and_a_lost_permission_are_told_apart(
    org: OrgSim, client: Client
) -> None:
    report = report_id(client, "All Contacts")
    other = report_id(client, "Mailing Labels")

    org.delete_report("Mailing Labels")
    org.unshare_report_folder("Texting_Reports")

    with pytest.raises(ReportNotShared):
        client.reports.describe(report)
    with pytest.raises(ReportGone):
        client.reports.describe(other)
    org.share_report_folder("Texting_Reports")
    org.ungrant_run_reports()
    with pytest.raises(ReportsNotAllowed):
        ids_of(reading(client))


def test_a_column_the_type_lost_is_named_before_anything_runs(org: OrgSim, client: Client) -> None:
    org.hide_field("Contact", "SMS_Opt_Out__c")

    with pytest.raises(ReportColumnMissing, match="SMS_Opt_Out__c"):
        reading(client, columns=("Contact.SMS_Opt_Out__c",))

    assert client.transport.calls["report_run"] == 0


def test_what_cannot_be_read_whole_is_refused_with_its_reason(client: Client) -> None:
    with pytest.raises(ReportNotReadable, match="row limit"):
        reading(client, "Newest Hundred Contacts")
    with pytest.raises(ReportNotReadable, match="joined"):
        reading(client, "Admissions Overview")
    with pytest.raises(ReportNotReadable, match="no column with the id"):
        reading(client, "Partner Schools")


def test_a_report_above_the_limit_is_refused_after_one_run(client: Client) -> None:
    with pytest.raises(ReportTooLarge, match="40 rows"):
        ids_of(reading(client, at_most=39))


class TestBetweenPages:
    """An org of its own, some pages large: what happens while a report is read."""

    @pytest.fixture
    def org(self) -> Iterator[OrgSim]:
        with OrgSim(contacts=4_100, leads=1) as made:
            yield made

    @pytest.mark.parametrize("way", [Way.BY_ID, Way.BY_WINDOW])
    def test_rows_that_come_and_go_meanwhile_cost_no_other_row(
        self, org: OrgSim, client: Client, way: Way
    ) -> None:
        before = set(ids_of(reading(client)))
        gone = sorted(before)[-3:]

        read = reading(client, way=way)
        found: list[str] = []
        for page in read:
            found += [row.id for row in page.rows]
            if page.number == 1:
                for person in gone:
                    org.delete(person)
                org.create("Contact", LastName="Newcomer")

        assert len(found) == len(set(found))
        assert set(found) >= before - set(gone)
        assert read.completeness is not None
        assert read.completeness.verdict in (Verdict.CHANGED, Verdict.PROVEN)

    def test_windows_follow_by_themselves_when_the_org_compares_no_ids(
        self, org: OrgSim, client: Client
    ) -> None:
        org.switch("report_id_comparison", "refused")

        read = reading(client)
        found = ids_of(read)

        assert len(found) == len(set(found)) == 4_100
        assert read.way is Way.BY_WINDOW
        assert proven(read)
        with pytest.raises(ComparisonRefused):
            ids_of(reading(client, way=Way.BY_ID))

    @pytest.mark.parametrize("way", [Way.BY_ID, Way.BY_WINDOW])
    def test_an_org_that_ignores_filters_is_found_out(self, org: OrgSim, client: Client, way: Way) -> None:
        first: list[bytes] = []

        def ignore(path: str, body: bytes) -> bytes:
            if "includeDetails" not in path:
                return body
            first.append(body)
            return first[0]

        org.mangle(ignore)

        with pytest.raises(FilterIgnored):
            ids_of(reading(client, way=way))

        assert len(first) < 10


@pytest.mark.slow
@pytest.mark.parametrize("way", [Way.BY_ID, Way.BY_WINDOW])
@pytest.mark.parametrize("people", [6_000, pytest.param(25_000, marks=pytest.mark.soak)])
def test_a_large_report_is_read_completely_while_the_org_lives_on(way: Way, people: int) -> None:
    with OrgSim(contacts=people, leads=1) as org, client_of(org) as client:
        before = set(ids_of(reading(client)))
        gone = sorted(before)[100 :: people // 10]

        read = reading(client, way=way)
        found: list[str] = []
        for page in read:
            found += [row.id for row in page.rows]
            if page.number % 3 == 1 and gone:
                org.delete(gone.pop())
                org.create("Contact", LastName="Newcomer")

        still = set(ids_of(reading(client)))
        assert len(before) == people
        assert len(found) == len(set(found))
        assert set(found) >= before & still
        assert read.completeness is not None
        assert read.completeness.missing <= len(still - before)
