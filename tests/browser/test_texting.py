"""Texting, as an admin sets it up and as a person with a phone meets it."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW, WIDE, Installation, Visit, Visitor, skip_without_browser
from tests.browser.test_main_job import choose_and_map, connect, import_and_watch

skip_without_browser()

pytestmark = pytest.mark.browser

CONFIRMATION = "Admissions: no more texts from us."


def use_the_simulated_carrier(visitor: Visitor) -> None:
    page = visitor.page
    visitor.go("Texting")
    page.locator("#id_carrier").select_option("simulated")
    page.get_by_label("Public address").fill(visitor.address)
    page.get_by_label("Who confirms an opt-out").select_option("we")
    page.get_by_label("Confirmation of an opt-out").fill(CONFIRMATION)
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_text("Saved. Run the self-test")).to_be_visible()
    visitor.fits()


def import_people(visitor: Visitor, installation: Installation) -> None:
    visitor.go("Contacts")
    if visitor.page.get_by_role("heading", name="No contacts yet").is_visible():
        connect(visitor, installation)
        choose_and_map(visitor, "AllContacts", "Program__c")
        import_and_watch(visitor)


@NARROW
def test_texting_is_set_up_and_its_self_test_passes(visit: Visit, width: int) -> None:
    visitor = visit(width)
    page = visitor.page
    use_the_simulated_carrier(visitor)
    length = page.locator("#id_help_text_length")

    page.get_by_label("Answer to HELP").fill("Ask us. It’s free.")
    page.get_by_label("Answer to HELP").press("End")
    expect(length).to_contain_text("1 part, 18 characters")
    expect(length).to_contain_text("’")
    page.get_by_role("button", name="Self-test").click()

    expect(page.get_by_role("region", name="Self-test")).to_contain_text("its signature is right")
    expect(page.get_by_label("Auth token")).to_have_value("")
    visitor.fits()


@WIDE
def test_somebody_texts_stop_and_gets_one_confirmation(
    visit: Visit, installation: Installation, width: int
) -> None:
    visitor = visit(width)
    page = visitor.page
    import_people(visitor, installation)
    use_the_simulated_carrier(visitor)
    visitor.go("Phone")
    page.get_by_label("Whose phone").fill("smith" if width > 1000 else "garcia")
    page.get_by_role("button", name="Search").click()
    page.locator(".phones a").first.click()
    phone = page.locator(".phone")
    visitor.fits()

    phone.get_by_label("Text", exact=True).fill("Hello, is this the library?")
    phone.get_by_role("button", name="Send").click()
    expect(phone.locator(".text")).to_have_count(1)
    for _ in range(2):
        phone.get_by_role("button", name="STOP").click()
    expect(phone.locator(".text", has_text=CONFIRMATION)).to_have_count(1, timeout=15_000)
    expect(phone.locator(".text", has_text=CONFIRMATION)).to_contain_text("Delivered", timeout=15_000)
    visitor.fits()
    page.get_by_role("link", name="Contact", exact=True).click()

    conversation = page.get_by_role("region", name="Conversation")
    expect(conversation).to_contain_text("Hello, is this the library?")
    expect(conversation.locator(".text", has_text=CONFIRMATION)).to_have_count(1)
    visitor.fits()
