"""Retention: set on the page, kept by the nightly job."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.urls import reverse
from procrastinate.contrib.django import app

from carillon.accounts.models import AuditEntry, Member, Workspace
from carillon.contacts.models import FieldChange
from carillon.imports import scheduler
from carillon.imports.jobs import keep_house
from carillon.imports.models import ImportAlert, ImportRun, ImportSetup, RecordIssue, ScheduledStart
from carillon.lib.clock import now
from tests.integration.web.conftest import Rows, SignedIn, add_issue, add_run

WANTED = {"issues_days": "30", "runs_days": "400", "changes_days": "100", "texts_days": "300"}


def kept(workspace: Workspace) -> tuple[int, int, int]:
    workspace.refresh_from_db()
    return workspace.keep_issues_days, workspace.keep_runs_days, workspace.keep_changes_days


def test_an_admin_sets_what_is_kept_and_the_audit_says_so(
    alice: Member, workspace: Workspace, signed_in: SignedIn
) -> None:
    assert kept(workspace) == (90, 730, 365)

    signed_in(alice).post(reverse("data_care"), WANTED)
    signed_in(alice).post(reverse("data_care"), WANTED)

    entry = AuditEntry.objects.get(action="retention changed")
    assert kept(workspace) == (30, 400, 100)
    assert entry.actor == alice.email
    assert entry.detail == {
        "before": {"issues_days": 90, "runs_days": 730, "changes_days": 365, "texts_days": 730},
        "after": {"issues_days": 30, "runs_days": 400, "changes_days": 100, "texts_days": 300},
    }


@pytest.mark.parametrize("days", ["0", "-1", "3651", "", "soon"])
def test_days_that_make_no_sense_are_refused(
    alice: Member, workspace: Workspace, signed_in: SignedIn, days: str
) -> None:
    answer = signed_in(alice).post(reverse("data_care"), {**WANTED, "runs_days": days})

    assert answer.status_code == 200
    assert "Nothing was saved yet" in answer.content.decode()
    assert "Give a number of days from 1 to 3,650." in answer.content.decode()
    assert kept(workspace) == (90, 730, 365)


def test_the_database_keeps_everything_for_a_day_at_least(workspace: Workspace) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Workspace.objects.filter(pk=workspace.pk).update(keep_changes_days=0)


def aged(run: ImportRun, days: int) -> ImportRun:
    at = now() - timedelta(days=days)
    ImportRun.objects.filter(pk=run.pk).update(queued_at=at, started_at=at, finished_at=at)
    add_issue(run, 1, "odd number")
    return run


def add_change(rows: Rows, days: int) -> FieldChange:
    values: dict[str, Any] = {"before": "a", "after": "b", "run": rows.run.public_id}
    at = now() - timedelta(days=days)
    return FieldChange.objects.create(
        workspace=rows.contact.workspace, contact=rows.contact, field="last_name", at=at, **values
    )


def test_each_night_what_is_too_old_goes(rows: Rows) -> None:
    aged(rows.run, 1)
    fresh, stale, ancient = (aged(add_run(rows.setup), days) for days in (89, 91, 731))
    young, old = add_change(rows, 364), add_change(rows, 366)
    Session.objects.create(session_key="over", session_data="", expire_date=now() - timedelta(days=1))
    Session.objects.create(session_key="open", session_data="", expire_date=now() + timedelta(days=1))

    keep_house()

    assert list(Session.objects.values_list("pk", flat=True)) == ["open"]

    assert set(ImportRun.objects.all()) == {rows.run, fresh, stale}
    assert set(RecordIssue.objects.values_list("run", flat=True)) == {rows.run.pk, fresh.pk}
    assert list(FieldChange.objects.all()) == [young]
    assert not ImportRun.objects.filter(pk=ancient.pk).exists()
    assert not FieldChange.objects.filter(pk=old.pk).exists()


def test_each_workspace_is_kept_by_its_own_rule(rows: Rows, charlie: Member) -> None:
    aged(rows.run, 50)
    Workspace.objects.filter(pk=charlie.workspace_id).update(keep_issues_days=1, keep_runs_days=1)

    keep_house()
    assert RecordIssue.objects.count() == 1
    Workspace.objects.filter(pk=rows.contact.workspace_id).update(keep_issues_days=40)
    keep_house()

    assert RecordIssue.objects.count() == 0
    assert ImportRun.objects.count() == 1


def test_the_last_import_stays_however_old(rows: Rows) -> None:
    aged(rows.run, 3000)
    aged(add_run(rows.setup), 2999)
    waiting = add_run(rows.setup, status="queued")
    ImportRun.objects.filter(pk=waiting.pk).update(queued_at=now() - timedelta(days=2998))

    keep_house()

    days = [(now() - run.queued_at).days for run in ImportRun.objects.order_by("queued_at")]
    assert days == [2999, 2998]


def test_the_last_import_that_succeeded_stays_while_imports_fail(rows: Rows) -> None:
    """Since when people are out of date is known by it."""
    aged(rows.run, 1000)
    aged(add_run(rows.setup, status="failed"), 800)
    last = aged(add_run(rows.setup, status="failed"), 750)

    keep_house()

    assert set(ImportRun.objects.all()) == {rows.run, last}
    ImportRun.objects.filter(pk=rows.run.pk).update(status="cancelled")
    keep_house()
    assert set(ImportRun.objects.all()) == {last}


def test_an_import_that_the_budget_cut_stays_as_long_as_it_may_be_continued(rows: Rows) -> None:
    Workspace.objects.filter(pk=rows.contact.workspace_id).update(keep_runs_days=1)
    aged(rows.run, 9)
    _, cut = (aged(add_run(rows.setup, status="incomplete"), days) for days in (8, 3))
    ImportRun.objects.filter(status="incomplete").update(over_budget=True)
    postponed = aged(add_run(rows.setup, status="postponed"), 2)

    keep_house()

    assert set(ImportRun.objects.all()) == {rows.run, cut, postponed}


def add_start(rows: Rows, days: int, outcome: str = "missed") -> ScheduledStart:
    at = now() - timedelta(days=days)
    return ScheduledStart.objects.create(
        setup=rows.setup,
        timezone="UTC",
        day=at.date(),
        window=outcome,
        starts_at=at,
        outcome=outcome,
        reason="Nothing looked at the schedule then.",
    )


def add_alert(rows: Rows, days: int, *, over: bool = True) -> ImportAlert:
    at = now() - timedelta(days=days)
    return ImportAlert.objects.create(
        setup=rows.setup, kind="failed", sentence="It failed.", since=at, over_at=at if over else None
    )


def test_starts_that_made_no_import_and_ended_alerts_go_with_the_runs(rows: Rows) -> None:
    kept_starts = {add_start(rows, 729), add_start(rows, 729, "skipped")}
    kept_alerts = {add_alert(rows, 729), add_alert(rows, 3000, over=False)}
    for outcome in ("missed", "skipped"):
        add_start(rows, 731, outcome)
    add_alert(rows, 731)

    keep_house()

    assert set(ScheduledStart.objects.all()) == kept_starts
    assert set(ImportAlert.objects.all()) == kept_alerts


def test_a_start_that_was_missed_is_not_found_undecided_again(rows: Rows) -> None:
    """However short runs are kept: its row is what tells the scheduler that it was decided."""
    Workspace.objects.filter(pk=rows.contact.workspace_id).update(keep_runs_days=1)
    ImportSetup.objects.filter(pk=rows.setup.pk).update(
        windows=["06:00-08:00"], scheduled_since=now() - timedelta(days=40)
    )
    setup = ImportSetup.objects.get(pk=rows.setup.pk)
    scheduler.start_due(now())
    ScheduledStart.objects.filter(starts_at__gt=now() - timedelta(days=3)).delete()
    add_start(rows, 50)
    before = ScheduledStart.objects.count()

    keep_house()

    assert ScheduledStart.objects.count() == before - 1 > 20
    assert len(scheduler.undecided(setup, now())) <= 4


def test_an_import_says_for_how_long_its_issues_were_kept(
    alice: Member, rows: Rows, signed_in: SignedIn
) -> None:
    Workspace.objects.filter(pk=alice.workspace_id).update(keep_issues_days=45)
    ImportRun.objects.filter(pk=rows.run.pk).update(issue_count=3)

    body = signed_in(alice).get(reverse("import_run", args=[rows.run.public_id])).content.decode()

    assert "deleted after 45 days" in body


def test_a_job_that_waited_under_its_earlier_name_is_still_known() -> None:
    assert app.tasks["carillon.delete_old_issues"] is app.tasks["carillon.keep_house"]
