"""The main job, as an admin does it: connect an org, choose a list view, map fields, import, look at people."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Installation, Visit, Visitor, number_in, skip_without_browser

skip_without_browser()

pytestmark = pytest.mark.browser

WIDTHS = pytest.mark.parametrize(
    ("width", "view", "field"),
    [(1280, "TextingContacts", "Program__c"), (390, "AllContacts", "Graduation_Year__c")],
)


@WIDTHS
def test_from_nothing_to_a_person_on_the_page(
    visit: Visit, installation: Installation, width: int, view: str, field: str
) -> None:
    visitor = visit(width)

    connect(visitor, installation)
    choose_and_map(visitor, view, field)
    listed = import_and_watch(visitor)
    name = follow_an_issue(visitor)
    search(visitor, name)

    assert listed > 1000


def connect(visitor: Visitor, installation: Installation) -> None:
    page = visitor.page
    visitor.go("Authentication")
    page.get_by_label("My Domain host").fill(installation.org)
    page.get_by_label("Client id").fill("orgsim-client")
    page.get_by_label("Client secret").fill("orgsim-secret")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Test connection").click()
    expect(page.get_by_text("Salesforce accepts the sign-in.")).to_be_visible()
    expect(page.get_by_label("Client secret")).to_have_value("")
    visitor.fits()


def choose_and_map(visitor: Visitor, view: str, field: str) -> None:
    page = visitor.page
    visitor.go("Contact Import")
    finder = page.get_by_label("Find a list view")
    if not finder.is_visible():
        page.get_by_text("Choose another list view").click()
    expect(page.locator(".views")).not_to_contain_text("DeansPrivateList")
    finder.fill(view.lower())
    expect(page.locator(".views li:visible")).to_have_count(1)
    page.locator(".views li:visible a").click()
    expect(page.locator(".chosen")).to_contain_text(view)
    expect(page.get_by_label("Last Name", exact=False).first).to_have_value("LastName")
    page.get_by_label("User Identification").select_option("")
    expect(page.get_by_text("Send to my assigned contacts only")).to_be_visible()
    page.get_by_label("User Identification").select_option("OwnerId")
    expect(page.get_by_text("Send to my assigned contacts only")).to_be_hidden()
    add_field(page, field)
    visitor.fits()
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_text("The import of Contacts is saved.")).to_be_visible()
    visitor.fits()


def add_field(page: Page, field: str) -> None:
    rows = page.locator("[data-row]")
    before = rows.count()
    page.get_by_role("button", name="Add a field").click()
    expect(rows).to_have_count(before + 1)
    expect(rows.last.get_by_label("Salesforce field")).to_be_focused()
    rows.last.get_by_label("Salesforce field").select_option(field)


def import_and_watch(visitor: Visitor) -> int:
    """Starts an import and watches it to its end without loading the page again."""
    page = visitor.page
    page.get_by_role("button", name="Import now").click()
    page.get_by_role("heading", level=1, name="Import History").wait_for()
    page.evaluate("document.body.dataset.stayed = 'yes'")
    # Until then the first row is an import of another test.
    expect(page.locator(".open-run")).to_have_count(0, timeout=90_000)
    expect(page.locator("table.runs tbody tr").first.locator(".state")).to_contain_text("Succeeded")
    expect(page.locator("progress")).to_have_count(0)
    assert page.evaluate("document.body.dataset.stayed") == "yes"
    visitor.fits()
    page.locator("table.runs tbody a").first.click()
    expect(page.locator(".proof")).to_contain_text("Each of them is stored here")
    return number_in(page.locator(".proof").inner_text())


def test_a_slow_import_is_watched_live_and_cancelled(visit: Visit, installation: Installation) -> None:
    """The panel must go on showing numbers after its first poll, and say the end to screen readers."""
    visitor = visit(1280)
    page = visitor.page
    visitor.go("Import History")
    installation.scenario("slow", seconds=5, times=1000, path_contains="/query")
    try:
        page.get_by_role("link", name="Import everything of Contacts").click()
        page.get_by_role("button", name="Import everything").click()
        expect(page.locator(".open-run")).to_contain_text("Reading records", timeout=20_000)
        expect(page.locator(".open-run")).to_contain_text(
            re.compile(r"[1-9][\d,]* of [\d,]+ records"), timeout=20_000
        )
        expect(page.locator(".open-run progress")).to_be_visible()
        page.get_by_role("link", name="Cancel this import").click()
        page.get_by_role("button", name="Cancel the import").click()
        expect(page.locator("table.runs tbody tr").first.locator(".state")).to_contain_text(
            "Cancelled", timeout=30_000
        )
        expect(page.locator("[data-announce]")).to_contain_text("Cancelled", timeout=10_000)
    finally:
        installation.scenario("clear_faults")


def follow_an_issue(visitor: Visitor) -> str:
    """From the run's issues to the person one of them is about; returns that person's name."""
    page = visitor.page
    page.get_by_label("Kind", exact=True).select_option("mobile_invalid")
    page.get_by_role("button", name="Filter").click()
    visitor.fits()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    assert download.value.path().read_text("utf-8-sig").startswith("salesforce_id,field,value,code,message")
    page.get_by_role("region", name="Issues").locator("td a").first.click()
    page.locator("table td a").first.click()
    expect(page.get_by_text("No valid number").first).to_be_visible()
    expect(page.get_by_text("Latest issues")).to_be_visible()
    visitor.fits()
    return page.get_by_role("heading", level=1).inner_text()


def search(visitor: Visitor, name: str) -> None:
    page = visitor.page
    visitor.go("Contacts")
    page.get_by_label("Name, number or Salesforce id").fill(name)
    page.get_by_role("button", name="Search").click()
    expect(page.locator("table tbody a", has_text=name).first).to_be_visible()
    visitor.fits()


def test_the_setup_works_without_javascript(visit: Visit, installation: Installation) -> None:
    visitor = visit(1280, javascript=False)
    connect(visitor, installation)
    page = visitor.page
    visitor.go("Contact Import")
    page.get_by_role("link", name="Leads").click()

    page.get_by_label("Find a list view").fill("all")
    page.get_by_role("button", name="Find").click()
    page.locator(".views a").first.click()
    page.get_by_role("button", name="Add a field").click()
    page.locator("[data-row]").last.get_by_label("Salesforce field").select_option("Company")
    page.locator("[data-row]").last.get_by_label("New field's name").fill("Employer")
    page.get_by_role("button", name="Add a field").click()
    expect(page.locator("[data-row]").first.get_by_label("Salesforce field")).to_have_value("Company")
    page.get_by_role("button", name="Remove additional field 2").click()
    page.get_by_role("button", name="Save", exact=True).last.click()

    expect(page.get_by_text("The import of Leads is saved.")).to_be_visible()
    expect(page.locator("[data-row]").last.get_by_label("Contact field", exact=True)).to_have_value(
        "employer"
    )


def test_the_keyboard_reaches_the_content_first(visit: Visit) -> None:
    page = visit(1280).page

    page.goto(page.url)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("main")).to_be_focused()


@pytest.mark.parametrize(
    "section", ["Authentication", "Contact Import", "Import History", "Contacts", "Members"]
)
def test_every_control_has_a_name(visit: Visit, installation: Installation, section: str) -> None:
    visitor = visit(390)
    visitor.go(section)

    nameless = visitor.page.evaluate(
        """[...document.querySelectorAll("input:not([type=hidden]), select, textarea")]
           .filter(control => !control.labels.length && !control.ariaLabel).map(control => control.name)"""
    )

    assert nameless == []
