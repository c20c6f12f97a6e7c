"""The API budget, as an admin meets it: the forecast, the limits, and an import that needs a word."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, Installation, Visit, number_in, skip_without_browser
from tests.browser.test_main_job import connect

skip_without_browser()

pytestmark = pytest.mark.browser


@NARROW
def test_the_forecast_follows_the_windows_before_anything_is_saved(
    visit: Visit, installation: Installation, width: int
) -> None:
    visitor = visit(width)
    page = visitor.page
    connect(visitor, installation)
    visitor.go("Contact Import")
    if page.get_by_label("Find a list view").is_visible():
        page.locator(".views li a", has_text="AllContacts").click()
    section = page.get_by_role("region", name="Import Schedule")
    forecast = section.locator("#forecast")
    for window in section.get_by_role("checkbox").all():
        window.uncheck()
    expect(forecast).to_contain_text("Each import of changes takes about")
    once = number_in(forecast.locator("strong").inner_text())

    section.get_by_label("06:00-08:00").check()
    expect(forecast).to_contain_text(f"About {once} API calls a day of the 100,000 your org allows")
    section.get_by_label("12:00-14:00").check()
    expect(forecast).to_contain_text(f"About {2 * once} API calls a day")
    expect(forecast).to_contain_text("used in the last 24 hours by everyone")
    visitor.fits()


def test_a_low_cap_is_said_before_saving_and_an_import_past_it_asks_first(
    visit: Visit, installation: Installation
) -> None:
    visitor = visit(390)
    page = visitor.page
    connect(visitor, installation)
    visitor.go("Contact Import")
    if page.get_by_label("Find a list view").is_visible():
        page.locator(".views li a", has_text="AllContacts").click()
    page.get_by_label("Import Contacts").check()
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_text("The import of Contacts is saved.")).to_be_visible()
    _set_cap(page, visitor.address, "1", "API calls")
    try:
        visitor.go("Contact Import")
        page.get_by_label("18:00-20:00").check()
        expect(page.locator("#forecast")).to_contain_text("more than imports may use")
        visitor.fits()
        visitor.go("Import History")
        page.get_by_role("button", name="Import changes of Contacts").click()
        page.get_by_role("heading", level=1, name="Import Contacts past the cap?").wait_for()
        visitor.fits()
        page.get_by_role("button", name="Import anyway").click()
        page.get_by_role("heading", level=1, name="Import History").wait_for()
        expect(page.locator("table.runs .state").first).to_contain_text("Succeeded", timeout=60_000)
        page.locator("table.runs tbody tr a").first.click()
        expect(page.get_by_role("region", name="API calls, by kind")).to_contain_text(
            "Descriptions of objects"
        )
        visitor.fits()
    finally:
        _set_cap(page, visitor.address, "20", "percent of what the org allows")


def _set_cap(page: Page, address: str, number: str, unit: str) -> None:
    page.goto(f"{address}/authentication/")
    page.get_by_label("Imports may use, in 24 hours").fill(number)
    page.get_by_label("Counted in").select_option(label=unit)
    page.get_by_role("button", name="Set the limits").click()
    expect(page.get_by_text("The limits hold from the next API call on.")).to_be_visible()
