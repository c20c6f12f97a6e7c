"""Consent, as people and staff see to it: a STOP that reaches Salesforce, somebody opted out and that undone, a refused push
tried again, a conflict decided."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import WIDE, Installation, Visit, Visitor, skip_without_browser
from tests.browser.test_held import import_people_of
from tests.browser.test_main_job import connect
from tests.browser.test_texting import use_the_simulated_carrier

skip_without_browser()

pytestmark = pytest.mark.browser

FIELD = "SMS_Opt_Out__c"
WORDS = "could you please stop texting me, thanks"
MAP_AND_CHOOSE = f"""
from carillon.accounts.models import Workspace
from carillon.connections.clients import client_for
from carillon.connections.models import SalesforceConnection
from carillon.consent import actions
from carillon.consent.models import Consent
from carillon.consent.reading import FieldKind
from carillon.contacts.models import Contact
workspace = Workspace.objects.get()
field = actions.OptOutField({FIELD!r}, FieldKind.CHECKBOX)
actions.set_mapping(workspace=workspace, object_name="Contact", field=field, by=None)
spoken = Consent.objects.values("number")
someone = Contact.objects.filter(object="Contact", in_source=True).exclude(mobile_number="")
silent = someone.exclude(mobile_number__in=spoken).order_by("pk").values_list("salesforce_id", flat=True)
# Whoever has no account is private to their owner, so that the API user sees them and may not edit them.
with client_for(SalesforceConnection.objects.get()) as client:
    records = client.records.read_many("Contact", silent[:200], ["AccountId"])
print(next(record.id for record in records if record and record.values["AccountId"]))
"""
ABOUT = """
import uuid
from carillon.consent import actions
from carillon.consent.keywords import Meaning
from carillon.contacts.models import Contact
contact = Contact.objects.get(salesforce_id={record!r})
number, workspace = contact.mobile_number, contact.workspace
"""
TEXT = (
    ABOUT
    + """
actions.text_received(workspace=workspace, number=number, words={words!r}, meaning=Meaning({meaning!r}),
    message_id=uuid.uuid4().hex)
"""
)


@pytest.fixture
def someone(visit: Visit, installation: Installation) -> str:
    """The id of an imported person about whom nobody said anything."""
    visitor = visit(1280)
    visitor.go("Contacts")
    if visitor.page.get_by_role("heading", name="No contacts yet").is_visible():
        connect(visitor, installation)
        import_people_of(visitor, "AllContacts")
    return installation.within(MAP_AND_CHOOSE)


@WIDE
def test_staff_opt_somebody_out_and_undo_it(visit: Visit, someone: str, width: int) -> None:
    visitor = visit(width)
    page = visitor.page
    visitor.go("Contacts")
    page.get_by_label("Name, number or Salesforce id").fill(someone)
    page.get_by_role("button", name="Search").click()
    picture(visitor, "search")
    page.get_by_role("link", name="Opt out").click()
    picture(visitor, "opt-out")
    page.get_by_role("button", name="Opt out").click()
    expect(page.get_by_text("Say who wants this.")).to_be_visible()
    page.get_by_label("I do, as staff").check()
    page.get_by_label("Reason").fill("Left the college")
    page.get_by_role("button", name="Opt out").click()

    section = page.get_by_role("region", name="Consent")
    expect(section).to_contain_text("Opted out since")
    expect(section).to_contain_text("Left the college")
    arrives_in_salesforce(page, "Opted out to")
    picture(visitor, "opted-out")
    section.get_by_role("button", name="Undo").click()
    expect(section.get_by_text("Opted in since")).to_be_visible()
    expect(section.get_by_role("button", name="Undo")).to_have_count(0)
    arrives_in_salesforce(page, "Opted in to")
    picture(visitor, "undone")


def test_a_stop_is_seen_in_the_orgs_own_page_and_a_start_undoes_it(
    visit: Visit, installation: Installation, browser: Browser, someone: str
) -> None:
    visitor = visit(390)
    page = visitor.page
    use_the_simulated_carrier(visitor)
    staff = as_staff_of_the_org(browser, installation, someone)
    expect(staff.get_by_label("SMS Opt Out")).not_to_be_checked()

    page.goto(f"{visitor.address}/phone/{someone}/")
    page.get_by_role("button", name="STOP").click()
    patiently(staff, lambda: staff.get_by_label("SMS Opt Out").is_checked())
    page.goto(f"{visitor.address}/contacts/{someone}/")
    said = page.get_by_role("row").filter(has_text="The person opted out by a text")
    expect(said).to_contain_text("STOP")
    arrives_in_salesforce(page, "Opted out to")
    picture(visitor, "stop")

    page.goto(f"{visitor.address}/phone/{someone}/")
    page.get_by_role("button", name="START").click()
    patiently(staff, lambda: not staff.get_by_label("SMS Opt Out").is_checked())
    staff.context.close()


def test_a_refused_push_is_retried_from_the_page(
    visit: Visit, installation: Installation, someone: str
) -> None:
    visitor = visit(1280)
    page = visitor.page
    rule = {"sobject": "Contact", "when": f"Id = '{someone}'", "message": "Ask the registrar first"}
    installation.scenario("set_validation_rule", name="Ask_First", **rule)
    page.goto(f"{visitor.address}/contacts/{someone}/opt-out/")
    page.get_by_label("The person asked by phone").check()
    page.get_by_label("When they asked").fill("2026-01-12")
    page.get_by_label("Reason").fill("Called us")
    page.get_by_role("button", name="Opt out").click()
    expect(page.get_by_role("region", name="Consent")).to_contain_text("By phone: Called us")

    open_consent(visitor)
    refused = page.get_by_role("region", name="Refused or reverted")
    patiently(page, lambda: refused.is_visible())
    picture(visitor, "refused")
    row = refused.get_by_role("row").filter(has_text=someone)
    expect(row).to_contain_text(
        "A validation rule of your Salesforce org refused the change: Ask the registrar first"
    )
    expect(row).to_contain_text("exempt the API user from the rule")
    installation.scenario("remove_automation", name="Ask_First")
    row.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("It is tried again now.")).to_be_visible()
    # The page looks again by itself.
    outbox = page.get_by_role("region", name="On the way to Salesforce")
    expect(outbox).to_contain_text("Nothing: every change", timeout=60_000)
    page.goto(f"{visitor.address}/contacts/{someone}/")
    arrives_in_salesforce(page, "Opted out to")


@pytest.mark.parametrize(("width", "is_kept"), [(1280, True), (390, False)])
def test_a_conflict_and_a_likely_opt_out_are_decided_about(
    visit: Visit, installation: Installation, browser: Browser, someone: str, width: int, is_kept: bool
) -> None:
    visitor = visit(width)
    page = visitor.page
    installation.within(TEXT.format(record=someone, words="STOP", meaning="stop"))
    page.goto(f"{visitor.address}/contacts/{someone}/")
    arrives_in_salesforce(page, "Opted out to")
    other = installation.within(MAP_AND_CHOOSE)
    installation.within(TEXT.format(record=other, words=WORDS, meaning="likely_stop"))
    staff = as_staff_of_the_org(browser, installation, someone)
    staff.get_by_label("SMS Opt Out").uncheck()
    staff.get_by_role("button", name="Save").click()
    import_changes(visitor)

    open_consent(visitor)
    conflict = page.get_by_role("region", name="Conflicts").get_by_role("row").filter(has_text=someone)
    picture(visitor, "decide")
    conflict.get_by_role("link", name="Accept").click()
    picture(visitor, "accept")
    if is_kept:
        page.get_by_role("link", name="Go back").click()
        conflict.get_by_role("button", name="Keep opted out").click()
        expect(page.get_by_text("The number stays opted out, and Salesforce is corrected.")).to_be_visible()
    else:
        page.get_by_label("Reason").fill("She signed the form at the desk")
        page.get_by_role("button", name="Accept: opt in").click()
        expect(page.get_by_text("The number is opted in, as the record says.")).to_be_visible()
    expect(conflict).to_have_count(0)
    staff.goto(f"/{someone}")
    patiently(staff, lambda: staff.get_by_label("SMS Opt Out").is_checked() is is_kept)
    staff.context.close()
    reviews = page.get_by_role("region", name="Likely opt-outs to decide about")
    reviews.get_by_role("row").filter(has_text=WORDS).get_by_role("link", name="Is an opt-out").first.click()
    picture(visitor, "review")
    page.get_by_role("button", name="It is an opt-out").click()
    expect(page.get_by_text("It counts as an opt-out")).to_be_visible()
    page.get_by_role("link", name="All changes").click()
    expect(page.get_by_role("table")).to_contain_text("A text that looked like an opt-out counts as one")
    picture(visitor, "changes")


def open_consent(visitor: Visitor) -> None:
    visitor.go("Contacts")
    visitor.page.get_by_role("navigation", name="Contacts").get_by_role("link", name="Consent").click()
    visitor.page.get_by_role("heading", level=1, name="Consent").wait_for()


def import_changes(visitor: Visitor) -> None:
    visitor.go("Import History")
    visitor.page.get_by_role("button", name="Import changes of Contacts").click()
    visitor.page.get_by_role("heading", level=1, name="Import History").wait_for()
    expect(visitor.page.locator(".open-run")).to_have_count(0, timeout=90_000)


def as_staff_of_the_org(browser: Browser, installation: Installation, record: str) -> Page:
    """The simulated org's own page of a record, in a window of its own."""
    page = browser.new_context(base_url=installation.org).new_page()
    page.goto(f"/{record}")
    page.get_by_label("Token").fill(installation.org_token)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("SMS Opt Out")).to_be_visible()
    return page


def arrives_in_salesforce(page: Page, what: str) -> None:
    """The line of the push that says it was read back."""
    told = page.locator(".push", has_text=what).filter(has_text="in Salesforce")
    patiently(page, lambda: told.count() > 0)


def patiently(page: Page, is_so: Callable[[], bool], seconds: float = 60) -> None:
    """Loads the page again until it is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, page.locator("main").inner_text()
        time.sleep(0.3)
        page.reload()


def picture(visitor: Visitor, name: str) -> None:
    """Checks that the page fits; and keeps how it looks where CARILLON_PICTURES names a folder."""
    visitor.fits()
    if folder := os.environ.get("CARILLON_PICTURES"):
        size = visitor.page.viewport_size
        width = size["width"] if size else 0
        visitor.page.screenshot(path=Path(folder) / f"consent-{name}-{width}.png", full_page=True)
