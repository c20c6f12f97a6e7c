"""Another source is chosen while the mapping has unsaved choices: they stay."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import WIDE, Installation, Visit, Visitor, skip_without_browser
from tests.browser.test_main_job import add_field, connect
from tests.browser.test_preview import save_a_view

skip_without_browser()

pytestmark = pytest.mark.browser


@WIDE
def test_unsaved_choices_go_along_to_another_source(
    visit: Visit, installation: Installation, width: int
) -> None:
    visitor = visit(width)
    page = visitor.page
    connect(visitor, installation)
    save_a_view(visitor)
    page.get_by_label("First Name fallback").select_option("Salutation")
    page.get_by_label("User Identification").select_option("Owner.Email")
    add_field(page, "Department")
    page.locator("[data-row]").last.get_by_label("New field's name").fill("Unit")
    window = page.get_by_label("12:00-14:00")
    was_chosen = window.is_checked()
    window.click()

    page.get_by_text("Choose another list view").click()
    page.locator(".views li a", has_text="TextingContacts").click()
    expect(page.locator(".chosen")).to_contain_text("TextingContacts")
    _went_along(visitor, chosen=not was_chosen)

    # By way of the choice of the kind, and of a search, to a report.
    page.get_by_role("link", name="Report", exact=True).click()
    page.get_by_label("Find a report").press_sequentially("all contacts", delay=30)
    expect(page.locator(".views a")).to_have_count(1)
    page.locator(".views a").click()
    expect(page.locator(".chosen")).to_contain_text("All Contacts")
    expect(page.get_by_label("Contact Identification")).to_have_value("CONTACT_ID")
    _went_along(visitor, chosen=not was_chosen)

    page.get_by_role("link", name="List View", exact=True).click()
    expect(page.locator(".chosen")).to_contain_text("AllContacts")
    _went_along(visitor, chosen=not was_chosen)


def _went_along(visitor: Visitor, *, chosen: bool) -> None:
    page = visitor.page
    expect(page.get_by_label("First Name fallback")).to_have_value("Salutation")
    expect(page.get_by_label("User Identification")).to_have_value("Owner.Email")
    row = page.locator("[data-row]").last
    expect(row.get_by_label("Salesforce field")).to_have_value("Department")
    expect(row.get_by_label("New field's name")).to_have_value("Unit")
    expect(page.get_by_label("12:00-14:00")).to_be_checked(checked=chosen)
    visitor.fits()
