"""The chart of the last days and the filter of people, as somebody looks at them."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, Installation, Visit, Visitor, number_in, skip_without_browser
from tests.browser.test_main_job import connect

skip_without_browser()

pytestmark = pytest.mark.browser


def imported(visitor: Visitor, installation: Installation) -> None:
    """At least one import of Contacts succeeded, and the visitor looks at Import History."""
    page = visitor.page
    connect(visitor, installation)
    visitor.go("Contact Import")
    if page.get_by_label("Find a list view").is_visible():
        page.locator(".views li a", has_text="AllContacts").click()
    page.get_by_label("Import Contacts").check()
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_text("The import of Contacts is saved.")).to_be_visible()
    page.get_by_role("button", name="Import now").click()
    page.get_by_role("heading", level=1, name="Import History").wait_for()
    expect(page.locator(".open-run")).to_have_count(0, timeout=60_000)
    expect(page.locator("table.runs .state").first).to_contain_text("Succeeded")


def succeeded(page: Page) -> int:
    return number_in(page.locator(".legend li", has_text="Succeeded").first.inner_text())


@NARROW
def test_the_chart_counts_an_import_and_fits(visit: Visit, installation: Installation, width: int) -> None:
    visitor = visit(width)
    page = visitor.page
    imported(visitor, installation)
    before = succeeded(page)

    page.get_by_role("button", name="Import changes of Contacts").click()
    expect(page.locator(".legend li", has_text="Succeeded").first).to_contain_text(
        f"{before + 1:,}", timeout=60_000
    )

    plot = page.get_by_role("img", name="Imports of Contacts on each of the last 30 days")
    expect(plot).to_be_visible()
    today = plot.locator(".day").last
    box, frame = today.locator(".piece.succeeded").bounding_box(), plot.bounding_box()
    assert box
    assert frame
    assert box["height"] >= 4
    assert frame["x"] <= box["x"]
    assert box["x"] + box["width"] <= frame["x"] + frame["width"] <= width
    # The stylesheet colours it: without its rules a shape would be black.
    colour = today.locator(".piece.succeeded").evaluate("shape => getComputedStyle(shape).fill")
    assert colour == "rgb(23, 107, 58)"
    visitor.fits()


def test_the_chart_is_read_as_a_table_by_keyboard(visit: Visit, installation: Installation) -> None:
    visitor = visit(390, javascript=False)
    page = visitor.page
    connect(visitor, installation)
    visitor.go("Import History")
    table = page.get_by_role("table", name="Imports of Contacts by day")
    expect(table).to_be_hidden()

    page.locator(".chart summary").first.focus()
    page.keyboard.press("Enter")

    expect(table).to_be_visible()
    assert table.get_by_role("row").count() > 1
    visitor.fits()


@pytest.mark.parametrize(("width", "javascript"), [(1280, True), (390, False)])
def test_people_are_filtered(visit: Visit, installation: Installation, width: int, javascript: bool) -> None:
    visitor = visit(width, javascript=javascript)
    page = visitor.page
    visitor.go("Contacts")
    page.get_by_label("Whom to show").select_option("left")
    page.get_by_role("button", name="Search").click()

    expect(page.get_by_label("Whom to show")).to_have_value("left")
    expect(
        page.get_by_text("Nobody has left the list.").or_(page.locator("td", has_text="Left ").first)
    ).to_be_visible()
    visitor.fits()
    page.get_by_role("link", name="Clear").click()
    expect(page.get_by_label("Whom to show")).to_have_value("")
    expect(page.locator("table.people tbody tr").first).to_be_visible()
