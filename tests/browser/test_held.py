"""Many people leave the list at once: an admin is told wherever they are, looks, and decides."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import WIDE, Installation, Visit, Visitor, skip_without_browser
from tests.browser.test_main_job import connect

skip_without_browser()

pytestmark = pytest.mark.browser


@WIDE
def test_held_people_are_told_everywhere_and_decided_about(
    visit: Visit, installation: Installation, width: int
) -> None:
    visitor = visit(width)
    page = visitor.page
    connect(visitor, installation)
    import_people_of(visitor, "AllContacts")

    import_people_of(visitor, "NursingStudents")

    told = page.get_by_role("region", name="The import of Contacts found many who left and holds them")
    held = page.get_by_role("region", name="held")
    expect(held).to_contain_text("Waits for an admin")
    expect(told).to_be_hidden()
    visitor.fits()
    visitor.go("Import History")
    expect(page.locator("table.runs")).to_contain_text("waiting for an admin")
    visitor.fits()
    visitor.go("Contact Import")
    expect(told).to_contain_text("are no longer in it")
    more = told.get_by_role("link", name="See the import")
    expect(more).to_be_visible(visible=width > 390)
    page.set_viewport_size({"width": 390, "height": 844})
    expect(more).to_be_hidden()
    told.locator("summary").click()
    more.click()
    page.set_viewport_size({"width": width, "height": 844})
    decide(visitor, "Drop: keep them", "Keep them")
    expect(held).to_contain_text("They stay as if they were in the list")
    expect(told).to_be_hidden()


def test_applied_people_say_that_they_left(visit: Visit, installation: Installation) -> None:
    visitor = visit(1280)
    page = visitor.page
    connect(visitor, installation)
    import_people_of(visitor, "AllContacts")
    import_people_of(visitor, "NursingStudents")

    decide(visitor, "Apply: take them off", "Take them off")

    expect(page.get_by_text("They were marked as having left the list.")).to_be_visible()
    visitor.go("Contacts")
    expect(page.locator("table.people")).to_contain_text("Left")
    page.locator("table.people tr", has_text="Left").first.locator("a").first.click()
    expect(page.get_by_text("Kept here, not offered for texting")).to_be_visible()
    visitor.fits()


def import_people_of(visitor: Visitor, view: str) -> None:
    page = visitor.page
    visitor.go("Contact Import")
    if not page.get_by_label("Find a list view").is_visible():
        page.get_by_text("Choose another list view").click()
    page.locator(".views li", has_text=view).locator("a").click()
    expect(page.locator(".chosen")).to_contain_text(view)
    page.get_by_role("button", name="Save", exact=True).last.click()
    page.get_by_text("The import of Contacts is saved.").wait_for()
    page.get_by_role("button", name="Import now").click()
    page.get_by_role("heading", level=1, name="Import History").wait_for()
    # The newest line may still be that of the import before.
    expect(page.locator(".open-run")).to_have_count(0, timeout=90_000)
    page.locator("table.runs tbody a").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Import of Contacts")
    expect(page.locator(".state").first).to_contain_text("Succeeded")


def decide(visitor: Visitor, choice: str, confirm: str) -> None:
    page = visitor.page
    page.get_by_role("link", name=choice).click()
    expect(page.get_by_text("are no longer in it").last).to_be_visible()
    visitor.fits()
    page.get_by_role("button", name=confirm).click()
