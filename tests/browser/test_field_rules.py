"""Additional fields as an admin meets them: related records, a path, what a blank does, what may go stale."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW, Installation, Visit, skip_without_browser
from tests.browser.test_main_job import add_field, connect
from tests.browser.test_preview import save_a_view

skip_without_browser()

pytestmark = pytest.mark.browser


@NARROW
def test_a_field_with_its_rules_is_mapped_imported_and_shown(
    visit: Visit, installation: Installation, width: int
) -> None:
    visitor = visit(width)
    page = visitor.page
    connect(visitor, installation)
    save_a_view(visitor)
    page.get_by_label("User Identification").select_option("Owner.Email")
    mapped = page.locator("[data-row]").count()
    add_field(page, "Interests__c")
    row = page.locator("[data-row]").last
    expect(row.get_by_label("Its path")).to_be_hidden()
    row.get_by_label("New field's name").fill(f"Interests {width}")
    row.get_by_label("When it is blank").select_option("keep")
    add_field(page, "by path")
    row = page.locator("[data-row]").last
    row.get_by_label("Its path").fill("Account.Owner.Name")
    row.get_by_label("New field's name").fill(f"Adviser {width}")
    visitor.fits()
    page.get_by_role("button", name="Save", exact=True).last.click()

    expect(page.get_by_text("The import of Contacts is saved.")).to_be_visible()
    rows = page.locator("[data-row]")
    expect(rows).to_have_count(mapped + 2)
    expect(rows.nth(mapped).get_by_label("When it is blank")).to_have_value("keep")
    expect(rows.last.get_by_label("Salesforce field")).to_have_value("Account.Owner.Name")
    expect(page.locator("#stale-fields")).to_contain_text("Owner.Email, Account.Owner.Name")
    expect(page.locator("#stale-fields")).to_contain_text("The first import of each day")
    page.get_by_text("Fields that can't be mapped").click()
    expect(page.locator(".left-out")).to_contain_text("an address has several parts")
    visitor.fits()

    page.get_by_role("button", name="Import now").click()
    page.get_by_role("heading", level=1, name="Import History").wait_for()
    # Until then the first row is an import of another test.
    expect(page.locator(".open-run")).to_have_count(0, timeout=90_000)
    expect(page.locator("table.runs .state").first).to_contain_text("Succeeded")
    visitor.go("Members")
    expect(page.locator("#assignments")).to_contain_text("that is no member's User ID")
    page.get_by_text("Values that match no member").click()
    expect(page.locator("#assignments li").first).to_contain_text("@")
    visitor.fits()
    visitor.go("Contact Import")
    expect(page.locator("#assignments")).to_contain_text("that is no member's User ID")
    visitor.go("Contacts")
    page.locator("tbody a").first.click()
    expect(page.locator(".facts").nth(1)).to_contain_text(f"Adviser {width}")
