"""Looking before saving: the first people of an entered setup, and what an import of it would change."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW, Installation, Visit, Visitor, skip_without_browser
from tests.browser.test_main_job import add_field, connect

skip_without_browser()

pytestmark = pytest.mark.browser


@NARROW
def test_an_entered_setup_is_previewed_and_tried_before_it_is_saved(
    visit: Visit, installation: Installation, width: int
) -> None:
    visitor = visit(width)
    page = visitor.page
    connect(visitor, installation)
    save_a_view(visitor)
    add_field(page, "Email")
    page.evaluate("document.body.dataset.stayed = 'yes'")

    page.get_by_role("button", name="Preview").click()

    expect(page.locator("#preview")).to_be_focused()
    expect(page.locator("#preview tbody tr")).to_have_count(20)
    expect(page.locator("#preview")).to_contain_text("Email")
    assert page.evaluate("document.body.dataset.stayed") == "yes"
    visitor.fits()
    tried = page.locator("[data-row]").count()
    page.get_by_role("button", name="What would it change?").click()
    page.get_by_role("heading", level=1, name="What would an import of Contacts change?").wait_for()
    expect(page.get_by_text("each of them accounted for")).to_be_visible(timeout=60_000)
    visitor.fits()
    page.get_by_role("link", name="Back to the setup that was tried").click()
    expect(page.get_by_text("It is not saved until you press Save.")).to_be_visible()
    expect(page.locator("[data-row]")).to_have_count(tried)
    page.get_by_role("link", name="Discard changes").click()
    expect(page.locator("[data-row]")).to_have_count(tried - 1)


def test_a_fault_is_marked_where_it_is_without_loading_the_page(
    visit: Visit, installation: Installation
) -> None:
    visitor = visit(1280)
    page = visitor.page
    connect(visitor, installation)
    choose_a_view(visitor)
    page.get_by_label("Last Name").select_option("")

    page.get_by_role("button", name="Preview").click()

    expect(page.get_by_text("Last Name is required")).to_be_visible()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.locator("#preview")).to_have_count(0)


def test_without_javascript_the_same_buttons_do_the_same(visit: Visit, installation: Installation) -> None:
    visitor = visit(1280, javascript=False)
    page = visitor.page
    connect(visitor, installation)
    choose_a_view(visitor)

    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview tbody tr")).to_have_count(20)
    assert page.url.endswith("#preview")
    page.get_by_role("button", name="What would it change?").click()
    for _ in range(60):
        again = page.get_by_role("link", name="Look again")
        if not again.count():
            break
        again.click()
        page.wait_for_timeout(500)

    expect(page.get_by_text("each of them accounted for")).to_be_visible()


def test_what_a_run_would_change_is_offered_before_it(visit: Visit, installation: Installation) -> None:
    visitor = visit(1280)
    connect(visitor, installation)
    save_a_view(visitor)
    visitor.go("Import History")

    visitor.page.get_by_role("button", name="What would it change?").first.click()

    expect(visitor.page.get_by_text("each of them accounted for")).to_be_visible(timeout=60_000)
    expect(visitor.page.get_by_role("button", name="Import changes")).to_be_visible()


def choose_a_view(visitor: Visitor) -> None:
    page = visitor.page
    visitor.go("Contact Import")
    if not page.get_by_label("Find a list view").is_visible():
        page.get_by_text("Choose another list view").click()
    page.locator(".views li", has_text="AllContacts").locator("a").click()


def save_a_view(visitor: Visitor) -> None:
    choose_a_view(visitor)
    visitor.page.get_by_role("button", name="Save", exact=True).last.click()
    visitor.page.get_by_text("The import of Contacts is saved.").wait_for()
