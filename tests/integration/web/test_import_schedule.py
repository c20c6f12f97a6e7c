"""The schedule on the pages: its section, starts that made no import, what is wrong, and what is out of date."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from carillon.accounts.models import Member, Workspace
from carillon.connections import actions as connections
from carillon.imports import alerts, windows
from carillon.imports.models import ImportRun, ImportSetup, ScheduledStart
from carillon.lib.clock import now
from carillon.web.schedule_form import zones
from orgsim.testing import OrgSim
from tests.integration.imports.schedules import ready_setup
from tests.integration.web.conftest import Rows, SignedIn, add_run
from tests.integration.web.test_contact_import import PAGE, entered, org, source_called

__all__ = ["org"]

MORNING, NOON, EVENING = windows.WINDOWS


@pytest.fixture
def admin(alice: Member, workspace: Workspace, org: OrgSim, signed_in: SignedIn) -> Client:
    org.clear_faults()
    connections.save_connection(
        workspace=workspace, host=org.url, client_id="orgsim-client", client_secret="orgsim-secret", by=alice
    )
    return signed_in(alice)


def with_schedule(source: str, timezone: str, *chosen: str, **changes: str) -> dict[str, object]:
    return {**entered(source, **changes), "timezone": timezone, "windows": list(chosen)}


def test_a_schedule_is_saved_and_its_next_starts_are_shown_in_both_zones(
    admin: Client, workspace: Workspace
) -> None:
    source = source_called(workspace, "AllContacts")

    admin.post(PAGE, with_schedule(source, "sydney", MORNING, EVENING))

    setup = ImportSetup.objects.get()
    response = admin.get(PAGE)
    body = response.content.decode()
    lines = response.context["lines"]
    assert (setup.timezone, setup.windows) == ("Australia/Sydney", [MORNING, EVENING])
    assert [line.chosen for line in lines] == [True, False, True]
    assert lines[0].at == windows.next_start(setup.schedule, MORNING, now()).at
    assert re.fullmatch(r"\w{3}, \w{3} \d+, 0[67]:\d\d in Sydney", lines[0].here)
    assert re.fullmatch(r"\w{3}, \w{3} \d+, 1[3-7]:\d\d Eastern", lines[0].eastern)
    assert f"Next start {lines[0].here}<br>{lines[0].eastern}" in body


def test_an_eastern_schedule_is_shown_in_the_readers_zone_too(admin: Client, workspace: Workspace) -> None:
    source = source_called(workspace, "AllContacts")

    admin.post(PAGE, with_schedule(source, windows.EASTERN, NOON))

    line = admin.get(PAGE).context["lines"][1]
    body = admin.get(PAGE).content.decode()
    assert line.here.endswith(" Eastern")
    assert f'datetime="{line.at.isoformat()}" data-local="your time"' in body


def test_without_a_window_the_page_says_that_imports_start_by_hand(
    admin: Client, workspace: Workspace
) -> None:
    body = admin.get(PAGE, {"source": source_called(workspace, "AllContacts")}).content.decode()

    assert "imports start by hand only" in body


def test_another_zone_shows_its_starts_before_anything_is_saved(admin: Client, workspace: Workspace) -> None:
    source = source_called(workspace, "AllContacts")

    response = admin.post(PAGE, {**with_schedule(source, "Pacific/Chatham", NOON), "show_starts": "1"})

    assert response.context["lines"][1].here.endswith(" in Chatham")
    assert response.context["lines"][1].chosen
    assert not ImportSetup.objects.get().source_id


@pytest.mark.parametrize(
    ("timezone", "chosen", "place"),
    [
        ("Mars/Olympus_Mons", MORNING, "timezone"),
        ("", MORNING, "timezone"),
        ("UTC", "07:00-08:00", "windows"),
    ],
)
def test_a_wrong_schedule_is_told_beside_its_control(
    admin: Client, workspace: Workspace, timezone: str, chosen: str, place: str
) -> None:
    response = admin.post(PAGE, with_schedule(source_called(workspace, "AllContacts"), timezone, chosen))

    assert set(response.context["form"].schedule.errors) == {place}
    assert response.context["form"].schedule["timezone"].value() == timezone
    body = response.content.decode()
    assert ("Would start" in body, "Choose a time zone" in body) == (place != "timezone", place == "timezone")
    assert not ImportSetup.objects.get().source_id


def test_eastern_comes_first_of_all_zones() -> None:
    names = [zone for zone, _ in zones()]

    assert names[0] == windows.EASTERN
    assert {"Pacific/Chatham", "Europe/Berlin", "UTC"} < set(names)
    assert len(names) == len(set(names))


def _left_out(setup: ImportSetup, hours_ago: float, outcome: str = "missed") -> ScheduledStart:
    at = now() - timedelta(hours=hours_ago)
    return ScheduledStart.objects.create(
        setup=setup,
        timezone=setup.timezone,
        day=(datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=hours_ago * 24)).date(),
        window=MORNING,
        starts_at=at,
        outcome=outcome,
        reason=f"Because of {hours_ago}.",
    )


def test_missed_and_skipped_starts_stand_between_the_runs(
    alice: Member, rows: Rows, signed_in: SignedIn
) -> None:
    add_run(rows.setup, hours_ago=2)
    _left_out(rows.setup, 1)
    _left_out(rows.setup, 3, "skipped")

    response = signed_in(alice).get(reverse("import_history"))

    kinds = [type(line).__name__ for line in response.context["lines"]]
    body = response.content.decode()
    assert kinds == ["RunView", "StartView", "RunView", "StartView"]
    assert "Missed" in body
    assert "Because of 3." in body


def test_each_left_out_start_is_on_exactly_one_page(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    for hours in range(1, 60):
        add_run(rows.setup, hours_ago=hours)
    starts = [_left_out(rows.setup, hours + 0.5) for hours in range(0, 70)]
    client, seen, cursor = signed_in(alice), [], ""

    while True:
        context = client.get(reverse("import_history"), {"older": cursor} if cursor else {}).context
        seen += [line.start.pk for line in context["lines"] if hasattr(line, "start")]
        if not (cursor := context["next"]):
            break

    assert seen == [start.pk for start in starts]


def test_a_scheduled_run_names_its_window(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    run = rows.run
    ImportRun.objects.filter(pk=run.pk).update(trigger="scheduled", started_by_name="schedule")
    ScheduledStart.objects.create(
        setup=rows.setup,
        timezone="UTC",
        day="2026-11-02",
        window=NOON,
        starts_at=datetime(2026, 11, 2, 12, 30, tzinfo=UTC),
        decided_at=datetime(2026, 11, 2, 14, 0, tzinfo=UTC),
        outcome="started",
        run=run,
    )

    history = signed_in(alice).get(reverse("import_history")).content.decode()
    page = signed_in(alice).get(reverse("import_run", args=[run.public_id])).content.decode()

    assert "Schedule 12:00-14:00, caught up" in history
    assert "Schedule 12:00-14:00, caught up" in page


def test_what_is_wrong_is_told_on_every_page_until_it_is_over(
    alice: Member, bob: Member, dana: Member, charlie: Member, rows: Rows, signed_in: SignedIn
) -> None:
    run = add_run(rows.setup, status="failed")
    alerts.run_failed(run)

    def told(member: Member) -> bool:
        return "The import of Contacts fails" in signed_in(member).get("/contacts/").content.decode()

    assert [told(alice), told(dana), told(bob), told(charlie)] == [True, True, False, False]
    alerts.import_succeeded(run)
    assert not told(alice)


def test_texters_too_see_as_of_when_people_are(
    workspace: Workspace, bob: Member, charlie: Member, signed_in: SignedIn
) -> None:
    setup = ready_setup(workspace)
    long_ago = now() - timedelta(days=3)
    add_run(setup, hours_ago=80)
    ImportSetup.objects.update(windows=[MORNING, NOON, EVENING], scheduled_since=long_ago)

    body = signed_in(bob).get("/contacts/").content.decode()

    assert "Contacts as of" in body
    assert "as of" not in signed_in(charlie).get("/contacts/").content.decode()
