"""A report as the import source: found, its way chosen, the formula field's guide followed, imported."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Installation, Visit, Visitor, skip_without_browser
from tests.browser.test_main_job import add_field, connect, import_and_watch

skip_without_browser()

pytestmark = pytest.mark.browser

DAY_ONLY = "Contacts with Date-only Last Modified"
COLUMNS = [
    "CONTACT_ID",
    "FIRST_NAME",
    "LAST_NAME",
    "PHONE3",
    "EMAIL",
    "Contact.SMS_Opt_Out__c",
    "Contact.Texting_Preference__c",
    "CREATED_DATE",
    "LAST_UPDATE",
]


@pytest.mark.parametrize(
    ("width", "field", "column"),
    [
        (1280, "Email", "EMAIL"),
        pytest.param(390, "SMS_Opt_Out__c", "Contact.SMS_Opt_Out__c", marks=pytest.mark.soak),
    ],
)
def test_a_report_is_found_its_guide_followed_and_its_people_imported(
    visit: Visit, installation: Installation, width: int, field: str, column: str
) -> None:
    visitor = visit(width)
    page = visitor.page
    connect(visitor, installation)

    find_a_report(visitor, "date-only", DAY_ONLY)
    expect(page.locator(".chosen")).to_contain_text("An import takes about")
    expect(page.get_by_label("Contact Identification")).to_have_value("CONTACT_ID")
    without_rows(page)
    add_field(page, field)
    read_it_alone(visitor, column)
    follow_the_guide(visitor, installation)
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_text("The import of Contacts is saved.")).to_be_visible()
    visitor.fits()
    listed = import_and_watch(visitor)

    assert listed > 1000
    installation.scenario("set_report", report=DAY_ONLY, settings={"detail_columns": COLUMNS})


def without_rows(page: Page) -> None:
    """Fields that other tests mapped need not be columns of the report."""
    rows = page.locator("[data-row]")
    for left in range(rows.count() - 1, -1, -1):
        rows.first.locator(".remove").click()
        expect(rows).to_have_count(left)


def find_a_report(visitor: Visitor, text: str, name: str) -> None:
    page = visitor.page
    visitor.go("Contact Import")
    kind = page.get_by_role("link", name="Report", exact=True)
    if kind.get_attribute("aria-current") is None:
        kind.click()
    expect(kind).to_have_attribute("aria-current", "true")
    if not page.get_by_label("Find a report").is_visible():
        page.get_by_text("Choose another report").click()
    expect(page.locator(".views")).to_contain_text("remove all row and column groups")
    page.evaluate("document.body.dataset.stayed = 'yes'")
    page.get_by_label("Find a report").press_sequentially(text, delay=30)
    expect(page.locator(".views a")).to_have_count(1)
    assert page.evaluate("document.body.dataset.stayed") == "yes"
    visitor.fits()
    page.locator(".views a").click()
    expect(page.locator(".chosen")).to_contain_text(name)
    # An earlier test may have left the other way.
    by_ids = page.locator(".way", has_text="Ids from the report").get_by_role("button", name="Read it so")
    if by_ids.count():
        by_ids.click()
    expect(page.locator(".way-chosen")).to_contain_text("Ids from the report")
    visitor.fits()


def read_it_alone(visitor: Visitor, column: str) -> None:
    """What was entered stays, under the names of columns."""
    page = visitor.page
    page.locator(".way", has_text="Report only").get_by_role("button", name="Read it so").click()
    expect(page.get_by_label("Mobile Number")).to_have_value("PHONE3")
    expect(page.locator("[data-row]").last.get_by_label("Salesforce field")).to_have_value(column)
    expect(page.get_by_text("How to get Last Modified with its time")).to_be_visible()
    visitor.fits()


def follow_the_guide(visitor: Visitor, installation: Installation) -> None:
    page = visitor.page
    page.get_by_label("First Name", exact=True).select_option("FIRST_NAME")
    page.get_by_label("User Identification").select_option("")
    page.get_by_label("Last Modified", exact=True).select_option("LAST_UPDATE")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_text("LAST_UPDATE shows the day only")).to_be_visible()
    page.get_by_text("In Salesforce Classic").click()
    expect(page.get_by_text("press New.").last).to_be_visible()
    visitor.fits()
    page.get_by_role("button", name="Check again").click()
    expect(page.get_by_text("Salesforce was asked just now")).to_be_visible()
    changed = [*COLUMNS, "Contact.Last_Modified_Date_Time__c"]
    installation.scenario("set_report", report=DAY_ONLY, settings={"detail_columns": changed})
    page.get_by_role("button", name="Check again").click()
    expect(page.get_by_label("Last Modified", exact=True)).to_have_value("Contact.Last_Modified_Date_Time__c")
    expect(page.get_by_text("How to get Last Modified with its time")).to_have_count(0)
    visitor.fits()


def test_enter_in_a_field_saves_and_does_not_switch_the_way(visit: Visit, installation: Installation) -> None:
    visitor = visit(1280)
    page = visitor.page
    connect(visitor, installation)
    find_a_report(visitor, "all contacts", "All Contacts")

    page.get_by_label("Time zone").press("Enter")

    expect(page.get_by_text("The import of Contacts is saved.")).to_be_visible()
    expect(page.locator(".way-chosen")).to_contain_text("Ids from the report")
