"""Imports from a report, in both ways: ids from the report and fields by query, and the report alone."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from carillon.accounts.models import Workspace
from carillon.connections.actions import save_connection
from carillon.connections.clients import client_for, connection_for, sign_in
from carillon.contacts.models import Contact
from carillon.imports.actions import save_setup, setup_for
from carillon.imports.checking import check_setup
from carillon.imports.drafts import AdditionalField, SetupDraft, draft_of
from carillon.imports.dry_run import Trial, try_import
from carillon.imports.lock import is_locked
from carillon.imports.mapping import Mapper
from carillon.imports.models import ImportRun, ImportSetup, Mode, RecordIssue, RunStatus
from carillon.imports.planning import make_plan
from carillon.imports.preview import preview
from carillon.imports.runner import Options, execute
from carillon.imports.runs import Request
from carillon.imports.sources.by_ids import BY_ID
from carillon.imports.sources.readers import reader_of
from carillon.imports.watermark import Key
from carillon.salesforce.transport import Retry
from orgsim.testing import OrgSim
from tests.integration.commands import carillon, start
from tests.integration.imports.conftest import org_ids, stored_ids
from tests.integration.imports.test_interrupted import wait_until

pytestmark = [pytest.mark.large_org, pytest.mark.django_db(transaction=True)]

BY_IDS = SetupDraft(
    source="All_Contacts",
    source_type="report",
    source_way="by_ids",
    first_name="Preferred_Name__c",
    first_name_fallback="FirstName",
    last_name="LastName",
    mobile_number="MobilePhone",
    user_identification="OwnerId",
    additional_fields=(
        AdditionalField("Program__c", "program", "Program", "choice"),
        AdditionalField("Birthdate", "birthdate", "Birthdate", "date"),
    ),
)
ALONE = SetupDraft(
    source="All_Contacts",
    source_type="report",
    source_way="report_only",
    contact_identification="CONTACT_ID",
    last_modified="Contact.Last_Modified_Date_Time__c",
    first_name="Contact.Preferred_Name__c",
    first_name_fallback="FIRST_NAME",
    last_name="LAST_NAME",
    mobile_number="PHONE3",
    user_identification="CONTACT_OWNER_EMAIL",
    additional_fields=(
        AdditionalField("Contact.Program__c", "program", "Program", "choice"),
        AdditionalField("Contact.Graduation_Year__c", "graduation_year", "Class of", "number"),
    ),
)
BOTH_WAYS = pytest.mark.parametrize("draft", [BY_IDS, ALONE], ids=["by ids", "report only"])

# Later than anything an import read before.
MOMENT = "2030-01-01T00:00:00.000+0000"


@pytest.fixture
def connected(workspace: Workspace, org: OrgSim) -> Workspace:
    save_connection(
        workspace=workspace, host=org.url, client_id="orgsim-client", client_secret="orgsim-secret", by=None
    )
    return workspace


def set_up(workspace: Workspace, draft: SetupDraft, sobject: str = "Contact") -> ImportSetup:
    return save_setup(setup=setup_for(workspace, sobject), draft=draft, by=None)


def run(setup: ImportSetup, mode: Mode = Mode.CHANGES) -> ImportRun:
    retry = Retry(budget_seconds=5, read_timeout=20, first_wait=0.05, longest_wait=0.5)
    return execute(Request(setup, mode), Options(retry=retry))


def succeeded(setup: ImportSetup, mode: Mode = Mode.CHANGES) -> ImportRun:
    done = run(setup, mode)
    assert done.status == RunStatus.SUCCEEDED, done.error
    return done


@BOTH_WAYS
def test_more_than_two_thousand_rows_are_imported_whole(
    org: OrgSim, connected: Workspace, draft: SetupDraft
) -> None:
    done = succeeded(set_up(connected, draft))

    everybody = org_ids(org)
    assert len(everybody) > 4000
    assert stored_ids(in_source=True) == everybody
    assert (done.received, done.created, done.org_count) == (len(everybody),) * 3
    assert (done.updated, done.unchanged, done.rejected, done.left_source) == (0, 0, 0, 0)


def test_the_values_of_both_ways_are_those_of_the_org(org: OrgSim, connected: Workspace) -> None:
    succeeded(set_up(connected, ALONE))
    alone = values_of_contacts()

    again = succeeded(set_up(connected, replace(BY_IDS, user_identification="Owner.Email")))

    assert "changed since the last import" in again.mode_reason
    assert values_of_contacts() == alone
    assert len(alone) > 4000


def values_of_contacts() -> dict[str, tuple[object, ...]]:
    names = ("first_name", "last_name", "mobile_number", "mobile_as_given", "user_identification")
    return {
        one.salesforce_id: (*(getattr(one, name) for name in names), one.fields["program"])
        for one in Contact.objects.all()
    }


@BOTH_WAYS
def test_changes_entrants_and_leavers_are_followed(
    org: OrgSim, connected: Workspace, draft: SetupDraft
) -> None:
    """A filter of another column lets people in and out without a change of theirs."""
    org.set_report("All_Contacts", {"filters": [filter_of("PHONE3", "notEqual", "")]})
    setup = set_up(connected, draft)
    succeeded(setup)
    inside = org_ids(org, "MobilePhone <> ''")
    outside = org_ids(org) - inside
    assert stored_ids() == inside
    changed, left, entered = sorted(inside)[0], sorted(inside)[1], sorted(outside)[0]
    edit(org, changed, "LastName = 'Renamed'")
    edit(org, sorted(outside)[1], "LastName = 'Stranger'")
    quietly(org, left, "MobilePhone = NULL")
    quietly(org, entered, "MobilePhone = '(212) 555-0199'")

    done = succeeded(setup)

    assert done.mode == Mode.CHANGES
    assert Contact.objects.get(salesforce_id=changed).last_name == "Renamed"
    assert stored_ids() == inside | {entered}
    assert stored_ids(in_source=False) == {left}
    assert stored_ids(in_source=True) == (inside | {entered}) - {left}
    assert (done.created, done.left_source) == (1, 1)
    assert done.updated >= 1


def filter_of(column: str, operator: str, value: str) -> dict[str, str]:
    return {"column": column, "operator": operator, "value": value}


def edit(org: OrgSim, record_id: str, what: str) -> None:
    """A change with its stamps, a second from now."""
    quietly(org, record_id, f"{what}, LastModifiedDate = '{MOMENT}', SystemModstamp = '{MOMENT}'")


def quietly(org: OrgSim, record_id: str, what: str) -> None:
    with org.store.writing() as connection:
        connection.execute(f"UPDATE Contact SET {what} WHERE Id = ?", [record_id])


@BOTH_WAYS
def test_rows_that_are_repeated_or_have_no_id_are_handled(
    org: OrgSim, connected: Workspace, draft: SetupDraft
) -> None:
    people = log_texts(org)
    columns: dict[str, Any] = {
        "first_name": "Contact$FirstName",
        "first_name_fallback": "",
        "last_name": "Contact$LastName",
        "mobile_number": "Contact$MobilePhone",
        "user_identification": "",
        "contact_identification": "Contact$Id",
        "last_modified": "Contact$Last_Modified_Date_Time__c",
        "additional_fields": (),
    }
    draft = replace(draft, source="Contacts_with_Logged_Texts", contact_identification="")
    setup = set_up(connected, replace(draft, **columns) if draft.of_columns else draft)

    done = succeeded(setup)

    assert stored_ids(in_source=True) == people
    assert (done.received, done.org_count) == (len(people), len(people))


def log_texts(org: OrgSim) -> set[str]:
    """Three texts for each of forty people, and two that are about nobody."""
    people = sorted(org_ids(org))[:40]
    for person in people:
        for number in range(3):
            org.create("Task", WhoId=person, Subject=f"Text {number}")
    for _ in range(2):
        org.create("Task", Subject="About nobody")
    return set(people)


@BOTH_WAYS
def test_an_order_that_changes_between_pages_makes_no_difference(
    org: OrgSim, connected: Workspace, draft: SetupDraft
) -> None:
    """The report is sorted by a name, and names change between two pages of it."""
    org.set_report("All_Contacts", {"sort": {"column": "LAST_NAME", "order": "Asc"}})
    setup = set_up(connected, draft)
    turned: list[str] = []

    def turn(path: str, body: bytes) -> bytes:
        if "/analytics/reports/" in path and "includeDetails=true" in path and len(turned) < 3:
            turned.append(path)
            with org.store.writing() as connection:
                connection.execute(
                    "UPDATE Contact SET LastName = LastName || 'z' WHERE Id < '003000000000900'"
                )
                connection.execute(
                    "UPDATE Contact SET LastName = 'A' || LastName WHERE Id > '003000000000900'"
                )
        return body

    org.mangle(turn)

    done = succeeded(setup)

    assert len(turned) == 3
    assert stored_ids(in_source=True) == org_ids(org)
    assert done.received == done.org_count


@BOTH_WAYS
def test_a_report_that_is_not_proven_whole_is_incomplete_and_nobody_leaves(
    org: OrgSim, connected: Workspace, draft: SetupDraft
) -> None:
    """The org's own count of rows says more than it gives."""
    setup = set_up(connected, draft)
    succeeded(setup)
    watermark = ImportSetup.objects.get(pk=setup.pk).watermark
    org.mangle(losing_rows)

    done = run(setup, Mode.EVERYTHING)

    assert done.status == RunStatus.INCOMPLETE
    assert "could not be shown to be complete" in done.error
    assert stored_ids(in_source=True) == org_ids(org)
    assert ImportSetup.objects.get(pk=setup.pk).watermark == watermark


def test_changes_of_a_report_that_are_not_proven_whole_are_incomplete(
    org: OrgSim, connected: Workspace
) -> None:
    setup = set_up(connected, ALONE)
    succeeded(setup)
    edit(org, min(org_ids(org)), "LastName = 'Renamed'")
    org.mangle(lambda path, body: losing_rows(path, body) if b'"greaterOrEqual"' in body else body)

    done = run(setup)

    assert (done.mode, done.status) == (Mode.CHANGES, RunStatus.INCOMPLETE)
    assert stored_ids(in_source=True) == org_ids(org)


def losing_rows(path: str, body: bytes) -> bytes:
    """Each run loses its last row."""
    if "/analytics/reports/" not in path or "includeDetails=true" not in path:
        return body
    answer = json.loads(body)
    rows = answer["factMap"]["T!T"]["rows"]
    answer["factMap"]["T!T"]["rows"] = rows[:-1]
    return json.dumps(answer).encode()


def delete(org: OrgSim) -> None:
    org.delete_report("All_Contacts")


def unshare(org: OrgSim) -> None:
    org.unshare_report_folder("Texting_Reports")


def group(org: OrgSim) -> None:
    org.set_report(
        "All_Contacts", {"report_format": "SUMMARY", "groupings_down": [{"name": "CONTACT_OWNER"}]}
    )


def limit(org: OrgSim) -> None:
    org.set_report("All_Contacts", {"top_rows": 100})


@BOTH_WAYS
@pytest.mark.parametrize(
    ("happens", "said"),
    [
        (delete, "The report All Contacts was deleted"),
        (unshare, "not shared"),
        (group, "summary report"),
        (limit, "row limit"),
    ],
)
def test_a_report_that_can_no_longer_be_read_fails_before_anything_changes(
    org: OrgSim, connected: Workspace, draft: SetupDraft, happens: Callable[[OrgSim], None], said: str
) -> None:
    setup = set_up(connected, draft)
    happens(org)

    done = run(setup)

    assert done.status == RunStatus.FAILED
    assert said in done.error
    assert "othing was imported" in done.error
    assert done.remedy
    assert not Contact.objects.exists()


@pytest.mark.parametrize(
    "column", ["PHONE3", "Contact.Graduation_Year__c", "Contact.Last_Modified_Date_Time__c"]
)
def test_a_mapped_column_that_was_removed_is_named(org: OrgSim, connected: Workspace, column: str) -> None:
    setup = set_up(connected, ALONE)
    org.remove_report_column("All_Contacts", column)

    done = run(setup)

    assert done.status == RunStatus.FAILED
    assert column in done.error
    assert not Contact.objects.exists()


def test_by_ids_needs_no_column_but_the_id(org: OrgSim, connected: Workspace) -> None:
    setup = set_up(connected, BY_IDS)
    for column in ("PHONE3", "Contact.Last_Modified_Date_Time__c", "CONTACT_ID"):
        org.remove_report_column("All_Contacts", column)

    succeeded(setup)

    assert stored_ids() == org_ids(org)


def test_a_mapped_field_hidden_later_stops_the_run_or_is_kept(org: OrgSim, connected: Workspace) -> None:
    setup = set_up(connected, BY_IDS)
    org.hide_field("Contact", "Program__c")
    warned = succeeded(setup)
    org.hide_field("Contact", "MobilePhone")

    failed = run(setup)

    assert RecordIssue.objects.filter(run=warned, code="field_unreadable", field="Program__c").exists()
    assert failed.status == RunStatus.FAILED
    assert "MobilePhone" in failed.error


@BOTH_WAYS
def test_a_sync_run_that_times_out_is_run_in_the_background(
    org: OrgSim, connected: Workspace, draft: SetupDraft
) -> None:
    setup = set_up(connected, draft)
    org.time_out_reports()

    succeeded(setup)

    assert stored_ids() == org_ids(org)


def test_used_up_runs_of_the_hour_end_the_run_with_the_remedy(org: OrgSim, connected: Workspace) -> None:
    setup = set_up(connected, BY_IDS)
    org.set_limit(0, "HourlySyncReportRuns")
    org.set_limit(0, "HourlyAsyncReportRuns")

    done = run(setup)

    assert done.status == RunStatus.FAILED
    assert "used up" in done.error
    assert "list view" in done.remedy


LEADS = SetupDraft(
    source="Leads_for_Texting",
    source_type="report",
    first_name="FirstName",
    last_name="LastName",
    mobile_number="MobilePhone",
)


# By a filter of ours, by the report's own, and by asking where no room is left for a filter.
@pytest.mark.parametrize(
    ("filters", "asks"),
    [
        ([], 0),
        ([filter_of("CONVERTED", "equals", "False")], 0),
        ([filter_of("LAST_NAME", "notEqual", "Nobody")] * 17, 1),
    ],
)
@pytest.mark.parametrize("way", ["by_ids", "report_only"])
def test_converted_leads_in_a_report_are_left_out(
    org: OrgSim, connected: Workspace, filters: list[dict[str, str]], asks: int, way: str
) -> None:
    org.set_report("Leads_for_Texting", {"filters": filters})
    converted = lead_ids(org, "IsConverted = 0")[:3]
    for lead in converted:
        org.convert(lead)
    living = set(lead_ids(org, "IsConverted = 0"))
    draft = replace(LEADS, source_way=way)
    if way == "report_only":
        draft = with_time(org, draft)

    done = succeeded(set_up(connected, draft, "Lead"))

    assert stored_ids() == living
    assert not set(converted) & living
    assert done.received == done.org_count == len(living)
    # Two descriptions and a run of the report; by ids the records are read as well.
    assert done.api_calls == 3 + asks + (way == "by_ids")


def with_time(org: OrgSim, draft: SetupDraft) -> SetupDraft:
    columns = ["LEAD_ID", "FIRST_NAME", "LAST_NAME", "MOBILE_PHONE", "Lead.Last_Modified_Date_Time__c"]
    org.set_report("Leads_for_Texting", {"detail_columns": columns})
    return replace(
        draft,
        last_modified="Lead.Last_Modified_Date_Time__c",
        first_name="FIRST_NAME",
        last_name="LAST_NAME",
        mobile_number="MOBILE_PHONE",
    )


def lead_ids(org: OrgSim, condition: str) -> list[str]:
    rows = org.store.reader().execute(f"SELECT Id FROM Lead WHERE IsDeleted = 0 AND {condition} ORDER BY Id")
    return [row[0] for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize(
    "draft",
    [pytest.param(BY_IDS, id="by ids"), pytest.param(ALONE, id="report only", marks=pytest.mark.soak)],
)
def test_a_killed_import_goes_on_and_ends_whole(org: OrgSim, connected: Workspace, draft: SetupDraft) -> None:
    set_up(connected, draft)
    org.slow(1.0, times=1000)
    process = start("import", "contact")
    wait_until(lambda: ImportRun.objects.filter(status=RunStatus.RUNNING, received__gt=0).exists())
    process.kill()
    process.communicate()
    stored = ImportRun.objects.get()
    wait_until(lambda: not is_locked(stored.setup_id))
    org.clear_faults()

    done = carillon("import", "contact", "--json")

    ended = ImportRun.objects.get()
    assert done.json["status"] == "succeeded", done.json
    assert ended.resumed
    assert 0 < stored.received < ended.received
    assert stored_ids(in_source=True) == org_ids(org)
    assert ended.received == ended.org_count == ended.created == len(org_ids(org))


@BOTH_WAYS
def test_a_dry_run_counts_what_the_import_then_does(
    org: OrgSim, connected: Workspace, draft: SetupDraft
) -> None:
    setup = set_up(connected, draft)

    found = try_import(Trial(setup, draft_of(setup), setup.source_label, Mode.CHANGES))
    assert not Contact.objects.exists()
    done = succeeded(setup)

    names = (
        "org_count",
        "received",
        "created",
        "updated",
        "unchanged",
        "rejected",
        "left_source",
        "api_calls",
    )
    assert found.status == RunStatus.SUCCEEDED, found.error
    assert [getattr(found, name) for name in names] == [getattr(done, name) for name in names]


@BOTH_WAYS
def test_a_preview_shows_the_first_twenty(org: OrgSim, connected: Workspace, draft: SetupDraft) -> None:
    setup = setup_for(connected, "Contact")

    shown = preview(setup, check_setup(connected, "Contact", draft))

    assert len(shown.people) == 20
    assert {person.salesforce_id for person in shown.people} <= org_ids(org)
    assert all(person.name and person.cells for person in shown.people)


@pytest.mark.slow
@BOTH_WAYS
def test_the_setup_file_carries_a_report(
    org: OrgSim, connected: Workspace, draft: SetupDraft, tmp_path: Path
) -> None:
    setup = set_up(connected, draft)
    before = draft_of(setup)
    exported = carillon("setup", "export")
    file = tmp_path / "setup.toml"
    file.write_text(exported.out)
    ImportSetup.objects.update(source_way="by_ids", source_id="", enabled=False, last_modified="")

    applied = carillon("setup", "apply", str(file))

    setup.refresh_from_db()
    assert applied.code == 0, applied.err
    assert 'type = "report"' in exported.out
    assert 'name = "All_Contacts"' in exported.out
    assert draft_of(setup) == before
    file.write_text(exported.out.replace("All_Contacts", "No_Such_Report"))
    refused = carillon("setup", "apply", str(file))
    assert refused.code == 1
    assert "contact.source.name: There is no report No_Such_Report" in refused.err


def test_a_cursor_among_ids_goes_on_after_it(org: OrgSim, connected: Workspace) -> None:
    """What a resumed run reads: nothing up to the cursor, everybody after it, each once."""
    setup = set_up(connected, BY_IDS)
    known = connection_for(connected.pk)
    everybody = sorted(org_ids(org))
    cursor = Key(BY_ID, everybody[1_000])
    with client_for(known) as client:
        sign_in(client, known)
        plan, _ = make_plan(client, setup)
        parts = list(reader_of(client, plan, Mapper(plan).record).records(None, cursor))

    assert [record.Id for part in parts for record in part.records] == everybody[1_001:]
    assert [part.cursor for part in parts] == [Key(BY_ID, part.records[-1].Id) for part in parts]
    assert {part.expected for part in parts} == {len(everybody) - 1_001}


def test_related_fields_are_read_by_query_and_the_rest_by_id(org: OrgSim, connected: Workspace) -> None:
    plain = succeeded(set_up(connected, BY_IDS))
    related = succeeded(set_up(connected, replace(BY_IDS, user_identification="Owner.Email")))

    assert related.updated == len(org_ids(org))
    assert related.api_calls > plain.api_calls


@BOTH_WAYS
def test_an_org_that_compares_no_ids_is_read_by_windows_of_a_date(
    org: OrgSim, connected: Workspace, draft: SetupDraft
) -> None:
    org.switch("report_id_comparison", "refused")

    succeeded(set_up(connected, draft))

    assert stored_ids(in_source=True) == org_ids(org)


@pytest.mark.parametrize("refused", [False, True])
def test_entrants_of_a_report_read_alone_are_found_by_ids_or_in_the_whole(
    org: OrgSim, connected: Workspace, refused: bool
) -> None:
    org.set_report("All_Contacts", {"filters": [filter_of("PHONE3", "notEqual", "")]})
    setup = set_up(connected, ALONE)
    succeeded(setup)
    outside = sorted(org_ids(org) - stored_ids())[:70]
    for person in outside:
        quietly(org, person, "MobilePhone = '(212) 555-0199'")
    if refused:
        org.fail_next(400, path_contains="/analytics/reports/", after=4)

    done = succeeded(setup)

    assert done.created == 70
    # Two descriptions, a run for the changed, two for all ids; two lists of ids, or one refused and the whole in two.
    assert done.api_calls == (8 if refused else 7)
    assert set(outside) <= stored_ids(in_source=True)


@pytest.mark.parametrize("refused", [False, True])
def test_entrants_that_are_not_proven_to_be_read_whole_make_the_run_incomplete(
    org: OrgSim, connected: Workspace, refused: bool
) -> None:
    """Nobody is said to have left because the org lost their row."""
    org.set_report("All_Contacts", {"filters": [filter_of("PHONE3", "notEqual", "")]})
    setup = set_up(connected, ALONE)
    succeeded(setup)
    outside = sorted(org_ids(org) - stored_ids())[:70]
    for person in outside:
        quietly(org, person, "MobilePhone = '(212) 555-0199'")
    if refused:
        org.fail_next(400, path_contains="/analytics/reports/", after=4)
    runs_made: list[str] = []

    def lose_entrants(path: str, body: bytes) -> bytes:
        if "includeDetails=true" not in path:
            return body
        runs_made.append(path)
        return losing_rows(path, body) if len(runs_made) > 3 else body

    org.mangle(lose_entrants)

    done = run(setup)

    assert done.status == RunStatus.INCOMPLETE
    assert not RecordIssue.objects.filter(run=done, code="left_meanwhile").exists()


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("way", ["by_ids", "report_only"])
def test_a_lead_converted_while_its_report_is_read_is_followed_at_last(
    org: OrgSim, connected: Workspace, way: str, known: bool
) -> None:
    org.set_report("Leads_for_Texting", {"filters": []})
    draft = replace(LEADS, source_way=way)
    setup = set_up(connected, with_time(org, draft) if way == "report_only" else draft, "Lead")
    lead = lead_ids(org, "IsConverted = 0")[0]
    if known:
        succeeded(setup)
    converted: list[object] = []

    def convert_once(path: str, body: bytes) -> bytes:
        if "/analytics/reports/" in path and "includeDetails=true" in path and not converted:
            converted.append(org.convert(lead))
        return body

    org.mangle(convert_once)
    during = succeeded(setup)
    known = known or lead in stored_ids()
    after = succeeded(setup)

    assert converted
    assert stored_ids(in_source=True) == set(lead_ids(org, "IsConverted = 0"))
    assert lead not in stored_ids()
    # Read as a lead before it was converted, or known from before: the person is the contact now.
    assert during.converted + after.converted == len(stored_ids(in_source=False)) == known
