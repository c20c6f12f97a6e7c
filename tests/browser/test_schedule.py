"""The schedule and its alerts, as an admin meets them."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import WIDE, Installation, Visit, Visitor, skip_without_browser
from tests.browser.test_main_job import connect

skip_without_browser()

pytestmark = pytest.mark.browser


FORGET = """
from carillon.imports.models import FieldMapping, ImportSetup
FieldMapping.objects.all().delete()
ImportSetup.objects.update(source_id="", source_type="list_view", source_way="", enabled=False)
"""


def choose_everybody(visitor: Visitor, installation: Installation) -> None:
    """Whatever the tests before chose."""
    installation.within(FORGET)
    visitor.go("Contact Import")
    visitor.page.locator(".views li a", has_text="AllContacts").click()
    visitor.page.get_by_role("heading", name="Import Schedule").wait_for()


@WIDE
def test_windows_and_zone_show_their_next_starts_and_are_kept(
    visit: Visit, installation: Installation, width: int
) -> None:
    visitor = visit(width)
    page = visitor.page
    connect(visitor, installation)
    choose_everybody(visitor, installation)
    section = page.get_by_role("region", name="Import Schedule")
    for window in section.get_by_role("checkbox").all():
        window.uncheck()
    expect(section).to_contain_text("imports start by hand only")

    section.get_by_label("12:00-14:00").check()
    expect(section.locator(".window", has_text="12:00")).to_contain_text("Next start")
    expect(section).not_to_contain_text("imports start by hand only")
    section.get_by_label("Time zone").fill("Pacific/Chatham")
    section.get_by_label("Time zone").press("Tab")
    expect(section.locator(".window", has_text="12:00")).to_contain_text("in Chatham")
    expect(section.locator(".window", has_text="12:00")).to_contain_text("Eastern")
    visitor.fits()
    page.get_by_role("button", name="Save", exact=True).last.click()

    expect(page.get_by_text("The import of Contacts is saved.")).to_be_visible()
    expect(section.get_by_label("12:00-14:00")).to_be_checked()
    expect(section.get_by_label("06:00-08:00")).not_to_be_checked()
    expect(section.get_by_label("Time zone")).to_have_value("Pacific/Chatham")
    visitor.fits()


def test_a_failed_import_is_told_on_every_page_until_one_succeeds(
    visit: Visit, installation: Installation
) -> None:
    visitor = visit(390)
    page = visitor.page
    connect(visitor, installation)
    choose_everybody(visitor, installation)
    page.get_by_label("Import Contacts").check()
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_text("The import of Contacts is saved.")).to_be_visible()
    installation.scenario("hide_field", sobject="Contact", field="MobilePhone")
    try:
        page.get_by_role("button", name="Import now").click()
        page.get_by_role("heading", level=1, name="Import History").wait_for()
        expect(page.locator("table.runs .state").first).to_contain_text("Failed", timeout=30_000)
    finally:
        installation.scenario("show_field", sobject="Contact", field="MobilePhone")
    told = page.get_by_role("region", name="The import of Contacts fails")
    expect(told).to_be_visible()

    visitor.go("Contacts")
    expect(told).to_be_visible()
    visitor.fits()
    visitor.go("Import History")
    page.get_by_role("button", name="Import changes of Contacts").click()
    expect(page.locator("table.runs .state").first).to_contain_text("Succeeded", timeout=60_000)
    expect(told).to_be_hidden()

    visitor.go("Contacts")
    expect(told).to_be_hidden()
