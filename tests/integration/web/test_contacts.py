import pytest
from django.db import connection
from django.urls import reverse

from carillon.accounts.models import Member, Workspace
from carillon.contacts import queries
from carillon.contacts.models import Contact, ContactField
from carillon.imports.actions import setup_for
from carillon.imports.models import FieldMapping, ImportSetup
from carillon.messaging.models import Message
from tests.integration.web.conftest import Rows, SignedIn, add_contact, add_issue


def test_no_contacts_yet_says_what_to_do(charlie: Member, signed_in: SignedIn) -> None:
    body = signed_in(charlie).get(reverse("contacts")).content.decode()

    assert "No contacts yet" in body
    assert reverse("contact_import_start") in body


def test_texters_are_not_told_to_set_anything_up(bob: Member, signed_in: SignedIn) -> None:
    body = signed_in(bob).get(reverse("contacts")).content.decode()

    assert "No contacts yet" in body
    assert reverse("contact_import_start") not in body


@pytest.mark.parametrize("text", ["okafor", "ZOE", "(212) 555-0001", "003000000000001", "003000000000001AAA"])
def test_people_are_found(alice: Member, rows: Rows, signed_in: SignedIn, text: str) -> None:
    body = signed_in(alice).get(reverse("contacts"), {"q": text}).content.decode()

    assert "Zoë Okafor" in body


def test_nobody_found_offers_the_way_back(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    body = signed_in(alice).get(reverse("contacts"), {"q": "<script>"}).content.decode()

    assert "Nobody found" in body
    assert "&lt;script&gt;" in body
    assert "<script>" not in body


def test_next_and_previous_walk_everybody_once(
    alice: Member, workspace: Workspace, signed_in: SignedIn
) -> None:
    for number in range(60):
        add_contact(workspace, number, "Ana", f"García{number:02d}")
    client = signed_in(alice)
    first = client.get(reverse("contacts")).context["page"]
    second = client.get(reverse("contacts"), {"after": first.next}).context["page"]
    third = client.get(reverse("contacts"), {"after": second.next}).context["page"]

    back = client.get(reverse("contacts"), {"before": third.previous}).context["page"]

    names = [contact.last_name for page in (first, second, third) for contact in page.contacts]
    assert names == [f"García{number:02d}" for number in range(60)]
    assert [contact.pk for contact in back.contacts] == [contact.pk for contact in second.contacts]
    assert (first.previous, third.next) == ("", "")


def test_consent_is_said_in_words(alice: Member, workspace: Workspace, signed_in: SignedIn) -> None:
    contact = add_contact(workspace, 1, "Ana", "García")
    page = reverse("contact", args=[contact.salesforce_id])

    assert "Opted in" in signed_in(alice).get(page).content.decode()
    Contact.objects.filter(pk=contact.pk).update(mobile_number="", mobile_as_given="call me")
    body = signed_in(alice).get(page).content.decode()

    assert "No valid number" in body
    assert "call me" in body


def test_the_assigned_member_is_named(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    Member.objects.filter(pk=alice.pk).update(user_id="005A")
    Contact.objects.filter(pk=rows.contact.pk).update(user_identification="005A")
    other = add_contact(rows.contact.workspace, 2, "Li", "Na")
    Contact.objects.filter(pk=other.pk).update(user_identification="005Z")

    people = signed_in(alice).get(reverse("contacts")).context["people"]

    assert {person.assigned_to for person in people} == {alice.email, ""}


def test_a_contact_page_shows_fields_issues_and_the_record(
    alice: Member, rows: Rows, workspace: Workspace, signed_in: SignedIn
) -> None:
    ContactField.objects.create(workspace=workspace, name="year", label="Graduation Year", type="number")
    Contact.objects.filter(pk=rows.contact.pk).update(fields={"year": 2027.0})
    add_issue(rows.run, 1, "odd number")

    body = signed_in(alice).get(reverse("contact", args=[rows.contact.salesforce_id])).content.decode()

    assert "Graduation Year" in body
    assert "<dd>2027</dd>" in body
    assert "odd number" in body
    assert f'href="{rows.connection.host}/{rows.contact.salesforce_id}"' in body


def test_who_left_the_list_is_kept_with_the_date(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    Contact.objects.filter(pk=rows.contact.pk).update(in_source=False, left_source_at="2026-03-04T00:00Z")

    body = signed_in(alice).get(reverse("contacts")).content.decode()

    assert "Left Mar 4, 2026" in body


@pytest.fixture
def mixed(workspace: Workspace) -> None:
    for number in range(40):
        person = add_contact(workspace, number, "Ana", f"García{number:02d}")
        if number % 2:
            Contact.objects.filter(pk=person.pk).update(object="Lead")
        if number < 10:
            Contact.objects.filter(pk=person.pk).update(in_source=False, left_source_at="2026-03-04T00:00Z")


@pytest.mark.parametrize(
    ("show", "number"), [("", 40), ("contacts", 20), ("leads", 20), ("left", 10), ("nonsense", 40)]
)
@pytest.mark.usefixtures("mixed")
def test_people_are_filtered_by_object_and_by_having_left(
    alice: Member, signed_in: SignedIn, show: str, number: int
) -> None:
    client = signed_in(alice)
    context = client.get(reverse("contacts"), {"show": show}).context
    seen = list(context["page"].contacts)
    while cursor := context["page"].next:
        context = client.get(reverse("contacts"), {"show": show, "after": cursor}).context
        seen += context["page"].contacts

    assert len({contact.pk for contact in seen}) == len(seen) == number
    if show in ("contacts", "leads"):
        assert {contact.object for contact in seen} == {show.capitalize()[:-1]}
    if show == "left":
        assert not any(contact.in_source for contact in seen)


@pytest.mark.usefixtures("mixed")
def test_a_filter_and_a_search_hold_together_and_on_the_next_page(alice: Member, signed_in: SignedIn) -> None:
    client = signed_in(alice)

    body = client.get(reverse("contacts"), {"q": "garcía", "show": "leads"}).content.decode()
    found = client.get(reverse("contacts"), {"q": "garcia11", "show": "leads"}).context["page"].contacts
    nobody = client.get(reverse("contacts"), {"q": "garcia10", "show": "leads"}).content.decode()

    assert '<option value="leads" selected>' in body
    assert [contact.last_name for contact in found] == ["García11"]
    assert "among those shown (Leads)" in nobody


def test_an_empty_filter_says_what_it_means(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    client = signed_in(alice)

    assert "No Leads were imported." in client.get(reverse("contacts"), {"show": "leads"}).content.decode()
    assert "Nobody has left the list." in client.get(reverse("contacts"), {"show": "left"}).content.decode()


@pytest.mark.parametrize(
    ("show", "index"), [("leads", "contact_lead_by_name"), ("left", "contact_left_by_name")]
)
def test_a_filter_has_an_index_of_its_own(workspace: Workspace, show: str, index: str) -> None:
    found = queries.matching(workspace, "", queries.Among(show))
    with connection.cursor() as cursor:
        # The tables of tests are small: a scan of them would always be cheaper.
        cursor.execute("set local enable_seqscan = off")
        cursor.execute("set local enable_sort = off")

    plan = found.order_by("sort_name", "pk")[:25].explain()

    assert index in plan


def test_a_field_is_shown_where_it_is_mapped_for_the_object_or_holds_a_value(
    alice: Member, rows: Rows, signed_in: SignedIn
) -> None:
    workspace = rows.contact.workspace
    year = ContactField.objects.create(workspace=workspace, name="year", label="Year", type="number")
    client, page = signed_in(alice), reverse("contact", args=[rows.contact.salesforce_id])

    leads = setup_for(workspace, "Lead")

    def shown() -> tuple[bool, bool]:
        body = client.get(page).content.decode()
        return "<dt>Year</dt>" in body, "No longer imported" in body

    def map_year(setup: ImportSetup) -> None:
        FieldMapping.objects.create(
            setup=setup, position=1, salesforce_field="Year__c", contact_field=year, blank="clear"
        )

    map_year(leads)
    assert shown() == (False, False)
    Contact.objects.update(fields={"year": 2027})
    assert shown() == (True, True)
    map_year(rows.setup)
    assert shown() == (True, False)
    Contact.objects.update(fields={"year": None})
    assert shown() == (True, False)


def test_a_field_that_is_added_later_changes_no_column(
    alice: Member, rows: Rows, signed_in: SignedIn
) -> None:
    for name in ("year", "program", "aid"):
        label = name.capitalize()
        ContactField.objects.create(workspace=rows.contact.workspace, name=name, label=label, type="text")

    columns = signed_in(alice).get(reverse("contacts")).context["columns"]

    assert [one.name for one in columns] == ["year", "program"]


def test_older_texts_of_a_conversation_are_folded_away(bob: Member, rows: Rows, signed_in: SignedIn) -> None:
    contact = rows.contact
    for number in range(12):
        Message.objects.create(
            workspace=contact.workspace,
            direction="in",
            sid=f"SM{number}",
            number=contact.mobile_number,
            body=f"Text {number}.",
            state="received",
        )

    body = signed_in(bob).get(reverse("contact", args=[contact.salesforce_id])).content.decode()

    folded, newest = body.split("Show 2 older texts")[1].split("</details>", 1)
    assert [f"Text {number}." in folded for number in (0, 1, 2)] == [True, True, False]
    assert [f"Text {number}." in newest for number in (1, 2, 11)] == [False, True, True]
