"""API calls on the pages: the forecast of a schedule, the limits an admin sets, and a start that needs a word."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from carillon.accounts.models import Member, Workspace
from carillon.connections import actions as connections
from carillon.connections.models import CallsInHour, SalesforceConnection
from carillon.imports import windows
from carillon.imports.catalog import ReportOffer, SourceChoice, SourceFields
from carillon.imports.drafts import SetupDraft
from carillon.imports.models import ImportRun, ImportSetup
from carillon.imports.sources.choice import runs_of_an_import
from carillon.lib.clock import now
from carillon.web.cost import ReportRuns, cost_of, kinds_of
from orgsim.testing import OrgSim
from tests.integration.web.conftest import Rows, SignedIn, add_run
from tests.integration.web.test_contact_import import PAGE, entered, org, source_called

__all__ = ["org"]

pytestmark = pytest.mark.django_db(transaction=True)

MORNING, NOON, EVENING = windows.WINDOWS
LIMITS = {"cap": "20", "unit": "percent", "reserve": "500"}


@pytest.fixture
def admin(alice: Member, workspace: Workspace, org: OrgSim, signed_in: SignedIn) -> Client:
    org.clear_faults()
    connections.save_connection(
        workspace=workspace, host=org.url, client_id="orgsim-client", client_secret="orgsim-secret", by=alice
    )
    return signed_in(alice)


def told(rows: Rows, *, limit: int = 15_000, used: int = 1_212) -> SalesforceConnection:
    """The org has said so, just now."""
    SalesforceConnection.objects.update(org_calls_limit=limit, org_calls_used=used, org_calls_at=now())
    return SalesforceConnection.objects.get(pk=rows.connection.pk)


def spend(workspace: Workspace, calls: int, *, hours_ago: int = 0, purpose: str = "import") -> None:
    hour = now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours_ago)
    CallsInHour.objects.create(workspace=workspace, hour=hour, purpose=purpose, calls=calls)


def imported(setup: ImportSetup, people: int, mode: str = "everything") -> ImportRun:
    """The setup, as after an import of a list of so many."""
    run = add_run(setup)
    run.mode, run.org_count, run.received = mode, people, people
    run.save()
    ImportSetup.objects.filter(pk=setup.pk).update(watermark=now(), imported_fingerprint="x")
    setup.refresh_from_db()
    return run


def cap(rows: Rows, calls: int, reserve: int = 500) -> None:
    SalesforceConnection.objects.update(
        import_cap_percent=None, import_cap_calls=calls, reserve_calls=reserve
    )


def test_the_forecast_follows_the_windows_and_stands_beside_the_orgs_limit(
    admin: Client, workspace: Workspace
) -> None:
    source = source_called(workspace, "AllContacts")

    before = admin.get(PAGE, {"source": source}).content.decode()
    none = admin.post(PAGE, {**entered(source), "timezone": "UTC", "show_starts": "1"})
    two = admin.post(
        PAGE, {**entered(source), "timezone": "UTC", "windows": [MORNING, NOON], "show_starts": "1"}
    )
    body = two.content.decode()

    # 50 people, a page: what changed, the ids, and three more.
    assert "Each import of changes takes about <strong>5 API calls</strong> of the 100,000" in before
    assert none.context["cost"].calls == 5
    assert (two.context["cost"].calls, two.context["cost"].windows) == (10, 2)
    assert "About <strong>10 API calls a day</strong> of the 100,000 your org allows in 24 hours." in body
    assert "The next import reads everybody: about 4 calls, once." in body
    assert "used in the last 24 hours by everyone" in body
    assert "Imports may use 20,000 in 24 hours" in body
    assert "more than imports may use" not in body
    assert not ImportSetup.objects.get().enabled


def test_a_schedule_over_the_cap_is_said_before_it_is_saved(admin: Client, workspace: Workspace) -> None:
    source = source_called(workspace, "AllContacts")
    SalesforceConnection.objects.update(import_cap_percent=None, import_cap_calls=9)

    one, two = (
        admin.post(PAGE, {**entered(source), "timezone": "UTC", "windows": chosen, "show_starts": "1"})
        for chosen in ([MORNING], [MORNING, NOON])
    )

    assert "more than imports may use" not in one.content.decode()
    assert "That is more than imports may use: some would be postponed." in two.content.decode()


def test_contacts_and_leads_are_reckoned_together(rows: Rows, workspace: Workspace) -> None:
    known = told(rows)
    leads = ImportSetup.objects.create(
        workspace=workspace,
        object="Lead",
        enabled=True,
        source_type="list_view",
        source_id="00B000000000002AAA",
        first_name="FirstName",
        last_name="LastName",
        mobile_number="MobilePhone",
        windows=[MORNING, EVENING],
    )
    imported(leads, 10_000)
    cap(rows, 130)
    known.refresh_from_db()

    # 10,000 leads twice: 5 pages of ids, 1 of changes, 3 more. 100,000 contacts once: a page and a job of 8 calls for
    # the ids, 1 page of changes, and 3.
    once, twice = (
        cost_of(rows.setup, draft(windows), listed(100_000), known)
        for windows in ([MORNING], [MORNING, NOON])
    )

    assert (once.calls, once.together, once.is_over) == (13, 13 + 18, False)
    assert (twice.calls, twice.together, twice.is_over) == (26, 26 + 18, False)
    cap(rows, 43)
    known.refresh_from_db()
    assert cost_of(rows.setup, draft([MORNING, NOON]), listed(100_000), known).is_over


def draft(windows: list[str], *, way: str = "") -> SetupDraft:
    kind = "report" if way else "list_view"
    return SetupDraft(windows=tuple(windows), source_type=kind, source_way=way)


def listed(people: int | None, report: ReportOffer | None = None) -> SourceFields:
    """What the org says of a source of so many."""
    return SourceFields(SourceChoice("00B1", "A list", "A_List", True), (), (), (), "", people, report)


def a_report(rows: int, way: str = "by_ids") -> SourceFields:
    runs = runs_of_an_import(rows, alone=way == "report_only")
    offer = ReportOffer(way, "CONTACT_ID", "Contact ID", "", None, (), rows, runs, 500, False)
    return listed(None, offer)


def test_a_report_is_reckoned_by_its_rows(rows: Rows) -> None:
    known = told(rows)
    by_ids, alone = (
        cost_of(rows.setup, draft([MORNING], way=way), a_report(9_000, way), known)
        for way in ("by_ids", "report_only")
    )

    # Five runs, and a page or a run of what changed; or of everything, five reads by id.
    assert (by_ids.calls, by_ids.first) == (5 + 1 + 3, 5 + 5 + 3)
    assert (alone.calls, alone.first) == (5 + 1 + 3, 5 + 3)
    assert by_ids.runs == ReportRuns(5, 0, 500)
    assert alone.runs == ReportRuns(6, 0, 500)


@pytest.mark.parametrize(
    ("timezone", "windows", "beside"),
    [
        ("America/New_York", [NOON, EVENING], 300),
        ("America/New_York", [NOON], 0),
        # The same wall clock, elsewhere.
        ("America/Chicago", [EVENING], 0),
        # Nobody's time zone is that: the saved one holds.
        ("Nowhere/Land", [EVENING, "06:00-99:99"], 300),
    ],
)
def test_report_runs_of_both_objects_in_one_hour_are_reckoned_together(
    rows: Rows, workspace: Workspace, timezone: str, windows: list[str], beside: int
) -> None:
    leads = ImportSetup.objects.create(
        workspace=workspace,
        object="Lead",
        enabled=True,
        source_type="report",
        source_way="by_ids",
        source_id="00O000000000002AAA",
        contact_identification="LEAD_ID",
        first_name="FirstName",
        last_name="LastName",
        mobile_number="MobilePhone",
        windows=[MORNING, EVENING],
    )
    imported(leads, 600_000)
    entered = replace(draft(windows, way="by_ids"), timezone=timezone)

    cost = cost_of(rows.setup, entered, a_report(500_000), told(rows))

    assert cost.runs == ReportRuns(250, beside, 500)
    assert cost.runs.is_over == (beside > 0)


def test_a_list_of_unknown_size_has_no_forecast(rows: Rows) -> None:
    ImportRun.objects.update(expected=None)

    cost = cost_of(rows.setup, draft([MORNING]), listed(None), told(rows))

    assert (cost.calls, cost.is_over) == (None, False)


def test_authentication_tells_what_was_used(
    alice: Member, workspace: Workspace, rows: Rows, signed_in: SignedIn
) -> None:
    told(rows)
    spend(workspace, 300)
    spend(workspace, 40, hours_ago=23)
    spend(workspace, 9_999, hours_ago=26)
    spend(workspace, 5, purpose="dry_run")
    spend(workspace, 17, purpose="setup")
    spend(workspace, 29, purpose="push")

    body = signed_in(alice).get(reverse("authentication")).content.decode()

    for words in (
        "15,000 in 24 hours",
        "1,212, as the org said",
        ">13,788<",
        "340, and 5 by dry runs, of 3,000",
    ):
        assert words in body
    assert "<dd>17</dd>" in body
    assert "<dt>By opt-outs and audits, last 24 hours</dt><dd>29</dd>" in body


def test_limits_are_saved_by_admins_only(
    alice: Member, dana: Member, workspace: Workspace, rows: Rows, signed_in: SignedIn
) -> None:
    told(rows)
    page = reverse("api_budget")

    refused = signed_in(dana).post(page, LIMITS)
    saved = signed_in(alice).post(page, {"cap": "250", "unit": "calls", "reserve": "0"})

    known = SalesforceConnection.objects.get(pk=rows.connection.pk)
    assert (refused.status_code, saved.status_code) == (403, 302)
    assert connections.allowance_of(known) == connections.Allowance(None, 250, 0)
    shown = signed_in(alice).get(reverse("authentication")).context["budget"]
    assert [shown[name].value() for name in ("cap", "unit", "reserve")] == [250, "calls", 0]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"cap": "101"}, "A share is from 1 % to 100 %"),
        ({"cap": "0"}, "greater than or equal to 1"),
        ({"reserve": "-1"}, "greater than or equal to 0"),
        ({"reserve": ""}, "This field is required"),
        ({"unit": "bananas"}, "Select a valid choice"),
    ],
)
def test_limits_that_make_no_sense_are_said_beside_their_field(
    alice: Member, rows: Rows, signed_in: SignedIn, change: dict[str, str], sentence: str
) -> None:
    response = signed_in(alice).post(reverse("api_budget"), {**LIMITS, **change})

    assert sentence in response.content.decode()
    assert SalesforceConnection.objects.get(pk=rows.connection.pk).import_cap_percent == 20


def test_a_start_past_the_cap_asks_for_a_word(
    alice: Member, workspace: Workspace, rows: Rows, signed_in: SignedIn
) -> None:
    """The button says so before; then it asks, and does it."""
    told(rows)
    imported(rows.setup, 100_000)
    cap(rows, 300)
    spend(workspace, 290)
    admin = signed_in(alice)

    beside = admin.get(reverse("import_history")).content.decode()
    asked = admin.post(reverse("start_import", args=["contact"]), {"mode": "changes"}, follow=True)
    waiting = list(ImportRun.objects.filter(status="queued"))
    done = admin.post(reverse("start_import", args=["contact"]), {"mode": "changes", "past_cap": "1"})

    assert "You will be asked to confirm." in beside
    assert asked.redirect_chain == [("/import-history/past-cap/contact/?mode=changes", 302)]
    assert "(the cap) 10 are left" in asked.content.decode()
    assert "Import anyway" in asked.content.decode()
    assert waiting == []
    assert done.status_code == 302
    assert ImportRun.objects.get(status="queued").past_cap


def test_nobody_starts_past_the_reserve(
    alice: Member, workspace: Workspace, rows: Rows, signed_in: SignedIn
) -> None:
    told(rows, used=14_600)
    imported(rows.setup, 100_000)
    admin = signed_in(alice)

    beside = admin.get(reverse("import_history")).content.decode()
    confirm = admin.get(reverse("confirm_past_cap", args=["contact"])).content.decode()
    answer = admin.post(
        reverse("start_import", args=["contact"]), {"mode": "changes", "past_cap": "1"}, follow=True
    )

    assert "It can't be started now." in beside
    assert "Import anyway" not in confirm
    assert "kept for opt-outs (the reserve)" in answer.content.decode()
    assert not ImportRun.objects.filter(status="queued").exists()


def test_a_run_tells_its_calls_by_kind(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    ImportRun.objects.update(calls={"query_more": 1_500, "describe": 1, "not_told_apart": 7}, api_calls=1_508)

    body = signed_in(alice).get(reverse("import_run", args=[rows.run.public_id])).content.decode()

    assert "API calls, by kind" in body
    assert '<li><span>Further pages of queries</span><span class="number">1,500</span></li>' in body
    assert "Not told apart" in body


def test_kinds_come_the_most_frequent_first() -> None:
    kinds = kinds_of({"query": 2, "bulk_poll": 5, "describe": 2})

    assert [(kind.label, kind.number) for kind in kinds] == [
        ("Looks at bulk jobs", 5),
        ("Descriptions of objects", 2),
        ("Queries", 2),
    ]


def test_a_postponed_import_stands_in_the_history_and_in_the_alert(
    alice: Member, rows: Rows, signed_in: SignedIn
) -> None:
    run = add_run(rows.setup, status="failed")
    ImportRun.objects.filter(pk=run.pk).update(status="postponed", error="It would take about 54 API calls.")

    body = signed_in(alice).get(reverse("import_history")).content.decode()
    page = signed_in(alice).get(reverse("import_run", args=[run.public_id])).content.decode()

    assert "Postponed" in body
    assert "It would take about 54 API calls." in page
