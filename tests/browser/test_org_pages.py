"""The pages of the simulated org, as somebody plays Salesforce with them beside Carillon."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from orgsim.pages.visit import SECTIONS
from tests.browser.conftest import Installation, skip_without_browser

skip_without_browser()

pytestmark = pytest.mark.browser


@pytest.fixture(params=[1280, 390])
def staff(installation: Installation, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Somebody who followed a link to a page, was asked for the token, and gave it."""
    context = browser.new_context(
        viewport={"width": request.param, "height": 844}, base_url=installation.org, java_script_enabled=False
    )
    context.set_default_timeout(10_000)
    page = context.new_page()
    page.goto("/orgsim/faults")
    page.get_by_label("Token").fill(installation.org_token)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Faults")
    yield page
    installation.scenario("clear_faults")
    context.close()


def fits(page: Page) -> None:
    # Measured from outside: the pages run no script, and neither does this context.
    widest = page.locator("body").evaluate("body => body.scrollWidth - document.documentElement.clientWidth")
    assert widest <= 0, f"{page.url} is {widest} px wider than the window"


@pytest.mark.parametrize("address", ["/orgsim/limits", "/orgsim/api-user"])
def test_every_button_is_within_the_window(staff: Page, address: str) -> None:
    staff.goto(address)

    shown = [box for button in staff.locator("main button").all() if (box := button.bounding_box())]

    assert len(shown) > 5
    assert max(box["x"] + box["width"] for box in shown) <= staff.evaluate("innerWidth")


def test_a_ticked_opt_out_and_an_ordered_fault(staff: Page) -> None:
    staff.get_by_role("link", name="Contacts", exact=True).click()
    staff.get_by_label("Name, e-mail, phone or id").fill("gar")
    staff.get_by_role("button", name="Search").click()
    staff.locator("table a").first.click()
    opted_out = staff.get_by_label("SMS Opt Out")
    was = opted_out.is_checked()

    opted_out.set_checked(not was)
    staff.get_by_role("button", name="Save").click()

    expect(staff.get_by_role("status")).to_contain_text("Saved: SMS Opt Out from")
    expect(opted_out).to_be_checked(checked=not was)
    expect(staff.locator(".events li").first).to_contain_text("SMS Opt Out")
    fits(staff)

    staff.get_by_role("link", name="Faults", exact=True).click()
    form = staff.get_by_role("form", name="Fail")
    form.get_by_label("Only where the address holds").fill("/nowhere")
    form.get_by_role("button", name="Let them fail").click()

    expect(staff.get_by_text("The next call whose address holds “/nowhere” fails with 503.")).to_be_visible()
    staff.get_by_role("button", name="Clear all faults").click()
    expect(staff.get_by_text("every call is answered as it should be")).to_be_visible()


def test_every_section_fits_and_every_control_has_a_name(staff: Page) -> None:
    for _, path, label in SECTIONS:
        staff.goto(path)

        fits(staff)
        expect(staff.get_by_role("navigation").get_by_text(label, exact=True)).to_have_attribute(
            "aria-current", "page"
        )
        nameless = staff.locator("body").evaluate(
            """body => [...body.querySelectorAll("input:not([type=hidden]), select, textarea, button")]
               .filter(control => !control.labels.length && !control.ariaLabel && !control.textContent.trim())
               .map(control => control.outerHTML)"""
        )
        assert nameless == [], path
