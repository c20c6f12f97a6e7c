"""Mapping the opt-out field: what real records would be read as is seen before anything is saved."""

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import NARROW, WIDE, Installation, Visit, skip_without_browser
from tests.browser.test_main_job import connect
from tests.browser.test_preview import save_a_view

skip_without_browser()

pytestmark = pytest.mark.browser


@WIDE
def test_a_reversed_slider_is_seen_before_it_is_saved(
    visit: Visit, installation: Installation, width: int
) -> None:
    visitor = visit(width)
    page = visitor.page
    connect(visitor, installation)
    save_a_view(visitor)
    section = page.get_by_role("region", name="Opt-Out Field")
    slider = section.get_by_role("switch", name="Unchecked means opted in")
    said = page.locator("#read-as")

    choose_anew(section, "SMS_Opt_Out__c")

    expect(slider).to_be_checked()
    expect(said).to_contain_text("would be read as opted in")
    expect(said).to_contain_text("(not checked) would be opted in")
    expect(said).not_to_contain_text("the wrong way round")
    visitor.fits()
    slider.uncheck()
    expect(said).to_contain_text("More than half would be opted out")
    expect(said).to_contain_text("(not checked) would be opted out")
    visitor.fits()
    slider.check()
    expect(said).not_to_contain_text("the wrong way round")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_text("The import of Contacts is saved.")).to_be_visible()
    expect(section.get_by_label("Field")).to_have_value("SMS_Opt_Out__c")
    expect(slider).to_be_checked()


@NARROW
def test_a_picklist_asks_for_its_two_values(visit: Visit, installation: Installation, width: int) -> None:
    visitor = visit(width)
    page = visitor.page
    connect(visitor, installation)
    save_a_view(visitor)
    section = page.get_by_role("region", name="Opt-Out Field")
    said = page.locator("#read-as")

    choose_anew(section, "Texting_Preference__c")
    expect(section.get_by_label("Opted-in value")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(section.get_by_text("Choose the value that means opted in.")).to_be_visible()
    section.get_by_label("Opted-in value").select_option("Yes")
    section.get_by_label("Opted-out value").select_option("No")

    expect(said).to_contain_text("(empty) would be opted out, since nobody said anything")
    section.get_by_role("switch", name="Empty means opted in").check()
    expect(said).to_contain_text("(empty) would be opted in")
    visitor.fits()
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview")).to_contain_text("Texting consent")
    visitor.fits()
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_text("The import of Contacts is saved.")).to_be_visible()
    expect(section.get_by_label("Opted-out value")).to_have_value("No")


def choose_anew(section: Locator, field: str) -> None:
    """Another test may have left a field there."""
    section.get_by_label("Field").select_option("")
    expect(section).to_contain_text("Without an opt-out field everybody counts as opted in")
    section.get_by_label("Field").select_option(field)
