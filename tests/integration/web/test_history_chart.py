"""The chart of the last days on Import History."""

import time
from datetime import UTC, date, datetime, timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from carillon.accounts.models import Member
from carillon.imports.daily import Day, last_days_of
from carillon.imports.models import ImportRun, ImportSetup, ScheduledStart
from carillon.lib.clock import now
from tests.integration.web.conftest import Rows, SignedIn, add_run

# Midnight in New York, and 16:00 in Sydney.
AT = datetime(2026, 11, 20, 5, tzinfo=UTC)


def run_at(setup: ImportSetup, at: datetime, status: str = "succeeded", **counts: object) -> ImportRun:
    run = add_run(setup, status=status)
    ImportRun.objects.filter(pk=run.pk).update(queued_at=at, started_at=at, finished_at=at, **counts)
    run.refresh_from_db()
    return run


def missed_at(setup: ImportSetup, at: datetime, outcome: str = "missed") -> None:
    ScheduledStart.objects.create(
        setup=setup,
        timezone=setup.timezone,
        day=at.date(),
        window=f"{at:%H:%M:%S}",
        starts_at=at,
        outcome=outcome,
        reason="Nothing looked.",
    )


def busy_days(setup: ImportSetup) -> list[Day]:
    (one,) = [one for one in last_days_of(setup.workspace, AT) if one.setup == setup]
    assert len(one.days) == 30
    return [day for day in one.days if day.imports or day.changed]


def test_outcomes_and_changes_are_counted_by_day(rows: Rows) -> None:
    ImportRun.objects.all().delete()
    day = AT - timedelta(days=3, hours=-5)
    run_at(rows.setup, day, created=2, updated=3, left_source=1, unchanged=50, rejected=7)
    run_at(rows.setup, day, created=10)
    run_at(rows.setup, day, "failed", updated=4)
    run_at(rows.setup, day, "incomplete")
    run_at(rows.setup, day, "postponed")
    run_at(rows.setup, day, "cancelled", created=100)
    missed_at(rows.setup, day)
    missed_at(rows.setup, day + timedelta(days=1), "skipped")

    found = busy_days(rows.setup)

    assert found == [
        Day(date(2026, 11, 17), succeeded=2, incomplete=1, failed=1, postponed=1, missed=1, changed=120)
    ]


def test_days_are_those_of_each_setups_zone(rows: Rows) -> None:
    ImportRun.objects.all().delete()
    leads = ImportSetup.objects.create(
        workspace=rows.setup.workspace, object="Lead", timezone="Australia/Sydney"
    )
    for setup in (rows.setup, leads):
        for minutes in (-1, 1):
            run_at(setup, AT + timedelta(minutes=minutes))

    assert [(day.day.day, day.imports) for day in busy_days(rows.setup)] == [(19, 1), (20, 1)]
    assert [(day.day.day, day.imports) for day in busy_days(leads)] == [(20, 2)]


def test_what_is_older_than_thirty_days_is_left_out(rows: Rows) -> None:
    ImportRun.objects.all().delete()
    first = datetime(2026, 10, 22, 4, tzinfo=UTC)
    for at in (first, first - timedelta(seconds=1)):
        run_at(rows.setup, at)
        missed_at(rows.setup, at)

    assert busy_days(rows.setup) == [Day(date(2026, 10, 22), succeeded=1, missed=1)]


def test_what_a_continued_run_took_over_counts_once(rows: Rows) -> None:
    ImportRun.objects.all().delete()
    failed = run_at(rows.setup, AT, "failed", created=900, updated=90)
    run_at(rows.setup, AT + timedelta(days=1), created=1000, updated=95, left_source=3, continues=failed)
    run_at(rows.setup, AT + timedelta(days=1), created=0, updated=0, continues=failed)

    (one,) = last_days_of(rows.setup.workspace, AT + timedelta(days=1))

    assert [day.changed for day in one.days if day.changed] == [990, 108]


def test_open_runs_and_other_workspaces_are_not_in_it(rows: Rows, charlie: Member) -> None:
    ImportRun.objects.all().delete()
    run = add_run(rows.setup, status="running")
    ImportRun.objects.filter(pk=run.pk).update(queued_at=AT, created=50)
    run_at(rows.setup, AT)

    assert busy_days(rows.setup) == [Day(date(2026, 11, 20), succeeded=1)]
    assert last_days_of(charlie.workspace, AT) == []


def test_the_page_shows_it_in_words_too(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    run_at(rows.setup, now(), "failed", updated=1234)

    body = signed_in(alice).get(reverse("import_history")).content.decode()

    assert "The last 30 days" in body
    assert "1 succeeded, 0 incomplete, 1 failed, 0 postponed, 0 missed; 1,234 records changed." in body
    assert 'href="?' not in body.partition("The last 30 days")[2].partition("</section>")[0]
    assert "style=" not in body


def test_months_without_an_import_say_so(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    run_at(rows.setup, now() - timedelta(days=40))
    ImportRun.objects.filter(pk=rows.run.pk).delete()

    body = signed_in(alice).get(reverse("import_history")).content.decode()

    assert "No import of Contacts in the last 30 days." in body
    assert '<svg class="plot"' not in body


def test_before_the_first_import_there_is_no_chart(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    ImportRun.objects.all().delete()

    body = signed_in(alice).get(reverse("import_history")).content.decode()

    assert "The last 30 days" not in body
    assert "No import yet" in body


def test_a_hundred_thousand_runs_are_one_query(rows: Rows) -> None:
    own = {"id", "public_id", "queued_at"}
    columns = (field.column or "" for field in ImportRun._meta.local_concrete_fields)
    alike = ", ".join(sorted(column for column in columns if column not in own))
    with connection.cursor() as cursor:
        cursor.execute(
            f"insert into imports_importrun (public_id, queued_at, {alike})"
            f" select gen_random_uuid(), now() - n * interval '25 seconds', {alike}"
            " from imports_importrun cross join generate_series(1, 100000) n where id = %s",
            [rows.run.pk],
        )
        cursor.execute("analyze imports_importrun")

    began = time.monotonic()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        (one,) = last_days_of(rows.setup.workspace, now())
    seconds = time.monotonic() - began

    assert sum(day.succeeded for day in one.days) == 100_001
    assert len(asked) == 2
    assert seconds < 3, seconds
