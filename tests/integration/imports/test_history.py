"""What `carillon history` lists."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from carillon.accounts.models import Workspace
from carillon.cli.imports import history
from carillon.imports.models import ImportRun, ImportSetup, ScheduledStart
from carillon.lib.clock import now
from tests.integration.imports.schedules import MORNING, NOON, ready_setup

pytestmark = pytest.mark.django_db

REASON = "Nothing looked at the schedule then: no worker ran, or the database was down."


@pytest.fixture
def plain(workspace: Workspace) -> ImportSetup:
    return ready_setup(workspace)


def add_run(setup: ImportSetup, hours_ago: int, **values: object) -> ImportRun:
    at = now() - timedelta(hours=hours_ago)
    given: dict[str, object] = {
        "status": "succeeded", "mode": "changes", "started_by_name": "ada@campus.example", **values
    }  # fmt: skip
    return ImportRun.objects.create(
        workspace=setup.workspace,
        setup=setup,
        object=setup.object,
        queued_at=at,
        started_at=at,
        finished_at=at,
        **given,
    )


def add_start(
    setup: ImportSetup, hours_ago: int, outcome: str = "missed", run: ImportRun | None = None
) -> ScheduledStart:
    at = now() - timedelta(hours=hours_ago)
    return ScheduledStart.objects.create(
        setup=setup,
        timezone="UTC",
        day=at.date() - timedelta(days=hours_ago),
        window=NOON if run else MORNING,
        starts_at=at,
        outcome=outcome,
        reason="" if run else REASON,
        run=run,
    )


def listed(*options: str) -> str:
    done = CliRunner().invoke(history, options)
    assert done.exit_code == 0, done.output
    return done.output


def test_starts_that_made_no_import_stand_between_the_runs(plain: ImportSetup) -> None:
    first, last = add_run(plain, 5), add_run(plain, 1)
    missed = add_start(plain, 3)
    add_start(plain, 7, "skipped")

    found = json.loads(listed("--json"))

    assert [line["status"] for line in found] == ["succeeded", "missed", "succeeded", "skipped"]
    assert [line["id"] for line in found] == [str(last.public_id), None, str(first.public_id), None]
    assert [set(line) for line in found] == [set(found[0])] * 4
    assert found[1] | {"due_at": "", "window": ""} == {
        **found[1],
        "object": "Contact",
        "mode": "changes",
        "trigger": "scheduled",
        "started_by": "schedule",
        "started_at": None,
        "finished_at": None,
        "received": 0,
        "error": REASON,
        "due_at": "",
        "window": "",
    }
    assert (found[1]["window"], found[1]["due_at"]) == (MORNING, missed.starts_at.isoformat())


def test_an_import_by_schedule_names_its_window_and_one_by_hand_none(plain: ImportSetup) -> None:
    add_run(plain, 1)
    by_schedule = add_run(plain, 2, trigger="scheduled", started_by_name="schedule")
    start = add_start(plain, 2, "started", by_schedule)

    found = json.loads(listed("--json"))

    assert [(line["window"], line["due_at"]) for line in found] == [
        (None, None),
        (NOON, start.starts_at.isoformat()),
    ]


def test_the_limit_counts_lines_of_both_kinds(plain: ImportSetup) -> None:
    for hours in range(1, 5):
        add_run(plain, 2 * hours)
        add_start(plain, 2 * hours + 1)

    found = json.loads(listed("--json", "--limit", "3"))

    assert [line["status"] for line in found] == ["succeeded", "missed", "succeeded"]


def test_the_table_says_why_an_import_did_not_start(plain: ImportSetup) -> None:
    add_run(plain, 1, received=1234)
    missed = add_start(plain, 3)

    heads, run, start = listed().splitlines()

    assert heads.split()[:3] == ["STARTED", "AT", "OBJECT"]
    assert "1,234" in run
    assert start.startswith(missed.starts_at.isoformat()[:19])
    assert start.split(" - ")[-1].strip() == REASON


def test_another_workspaces_starts_are_not_listed(plain: ImportSetup) -> None:
    other = ready_setup(Workspace.objects.create(name="Other College"))
    add_start(other, 1)

    assert json.loads(listed("--json", "--workspace", plain.workspace.name)) == []
