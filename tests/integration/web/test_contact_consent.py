"""Consent on a contact's page: what is shown, who may change it, and undo."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from carillon.accounts.models import AuditEntry, Member, Workspace
from carillon.consent import actions, staff
from carillon.consent.decide import Kind
from carillon.consent.keywords import Meaning
from carillon.consent.models import Cause, ConsentEvent, ConsentPush, Review
from carillon.contacts.models import Contact, FieldChange
from carillon.imports.models import ImportSetup
from carillon.imports.queries import time_zone
from carillon.lib.clock import now
from tests.integration.consent.people import a_mapping, lines, status
from tests.integration.web.conftest import SignedIn, add_contact

STAFF = {"way": "staff", "reason": "Left the college"}


@pytest.fixture
def ana(workspace: Workspace) -> Contact:
    a_mapping(workspace)
    return add_contact(workspace, 1, "Ana", "García")


def text(contact: Contact, words: str, meaning: Meaning) -> None:
    actions.text_received(
        workspace=contact.workspace,
        number=contact.mobile_number,
        words=words,
        meaning=meaning,
        message_id=f"{words}{ConsentEvent.objects.count()}",
    )


def page(client: Client, contact: Contact, name: str = "contact", **query: str) -> str:
    answer = client.get(reverse(name, args=[contact.salesforce_id]), query, follow=True)
    return " ".join(answer.content.decode().split())


def post(client: Client, contact: Contact, name: str, **fields: str) -> str:
    answer = client.post(reverse(name, args=[contact.salesforce_id]), fields, follow=True)
    return " ".join(answer.content.decode().split())


def status_of(contact: Contact) -> str:
    return status(contact.workspace, contact.mobile_number)


def lines_of(contact: Contact) -> list[str]:
    return lines(contact.workspace, contact.mobile_number)


def undo(client: Client, contact: Contact, version: int) -> str:
    return post(client, contact, "undo_consent", version=str(version))


def today() -> str:
    return f"{datetime.now(ZoneInfo('America/New_York')):%Y-%m-%d}"


@contextmanager
def minutes_later() -> Iterator[None]:
    """The minute is over: shorter than any test."""
    with mock.patch.object(staff, "UNDO_WITHIN", timedelta(0)):
        yield


def test_a_day_begins_where_the_contacts_are(workspace: Workspace) -> None:
    for name, zone in (("Lead", "America/Denver"), ("Contact", "America/New_York")):
        ImportSetup.objects.create(
            workspace=workspace,
            object=name,
            enabled=True,
            timezone=zone,
            source_type="list_view",
            source_id="00B000000000001AAA",
            first_name="FirstName",
            last_name="LastName",
            mobile_number="MobilePhone",
        )

    assert time_zone(workspace).key == "America/New_York"


def test_whoever_opts_out_from_a_search_gets_back_to_it(
    bob: Member, ana: Contact, signed_in: SignedIn
) -> None:
    client = signed_in(bob)
    found = client.get(reverse("contacts"), {"q": "Ana"}).content.decode()
    asked = f"{reverse('opt_out', args=[ana.salesforce_id])}?search=q%3DAna"

    answer = client.post(asked, STAFF, follow=True)

    assert f'href="{asked}"' in found
    assert f'href="{reverse("contacts")}?q=Ana"' in answer.content.decode()


def test_a_stop_is_told_with_its_words_and_what_salesforce_was_told(
    bob: Member, ana: Contact, signed_in: SignedIn
) -> None:
    text(ana, "Stop.", Meaning.STOP)
    ConsentPush.objects.update(state="acknowledged", settled_at=now())

    body = page(signed_in(bob), ana)

    assert "Opted out" in body
    assert "The person opted out by a text." in body
    assert '<q class="breakable">Stop.</q>' in body
    assert "in Salesforce" in body
    assert ana.salesforce_id in body


def test_a_texter_opts_out_with_a_reason_and_everybody_with_the_number_is_named(
    bob: Member, ana: Contact, workspace: Workspace, signed_in: SignedIn
) -> None:
    sister = add_contact(workspace, 2, "Eva", "García")
    Contact.objects.filter(pk=sister.pk).update(mobile_number=ana.mobile_number)
    client = signed_in(bob)

    asked = page(client, ana, "opt_out")
    unanswered = post(client, ana, "opt_out", way="staff")
    done = post(client, ana, "opt_out", **STAFF)

    assert "Eva García" in asked
    assert "Write down why." in unanswered
    assert "Nobody texts Ana García any more." in done
    assert "Left the college" in done
    assert "A member opted the number out, by bob@campus.example." in done
    assert lines_of(ana) == ["staff_out by member"]
    assert set(ConsentPush.objects.values_list("salesforce_id", flat=True)) == {
        ana.salesforce_id,
        sister.salesforce_id,
    }
    assert AuditEntry.objects.filter(member=bob, action__startswith="opted out").count() == 1


def test_a_request_older_than_a_start_is_not_said_to_have_stopped_texts(
    bob: Member, ana: Contact, signed_in: SignedIn
) -> None:
    text(ana, "START", Meaning.START)

    body = post(signed_in(bob), ana, "opt_out", way="phone", day="2026-01-12", reason="Called.")

    assert f"The person opted in by a text later, on {now():%b %-d, %Y}, and that counts" in body
    assert "Ana García stays opted in." in body
    assert "Nobody texts Ana" not in body
    assert status_of(ana) == "opted_in"


@pytest.mark.parametrize("is_mapped", [True, False])
def test_salesforce_is_said_to_be_told_where_a_field_is_mapped(
    bob: Member, workspace: Workspace, signed_in: SignedIn, is_mapped: bool
) -> None:
    if is_mapped:
        a_mapping(workspace)
    contact = add_contact(workspace, 1, "Ana", "García")
    client = signed_in(bob)

    asked = page(client, contact, "opt_out")
    done = post(client, contact, "opt_out", **STAFF)

    assert ("Salesforce is told at once." in asked) is is_mapped
    assert "Nobody texts Ana García any more." in done
    assert ("Salesforce is being told." in done) is is_mapped


@pytest.mark.parametrize("day", ["", "2999-01-01", "yesterday"])
def test_a_request_needs_a_day_that_has_come(
    bob: Member, ana: Contact, signed_in: SignedIn, day: str
) -> None:
    post(signed_in(bob), ana, "opt_out", way="email", day=day, reason="They wrote.")

    assert status_of(ana) == "opted_in"


def test_a_day_is_not_dropped_from_what_is_staffs_own_word(
    bob: Member, ana: Contact, signed_in: SignedIn
) -> None:
    body = post(signed_in(bob), ana, "opt_out", way="staff", day="2026-01-12", reason="Called.")

    assert "What you decide as staff counts from now." in body
    assert lines_of(ana) == []


def test_a_likely_opt_out_of_somebody_opted_in_is_told_as_such(
    alice: Member, ana: Contact, signed_in: SignedIn
) -> None:
    client = signed_in(alice)
    post(client, ana, "opt_out", **STAFF)
    post(client, ana, "opt_in", reason="Is back")
    text(ana, "please stop", Meaning.LIKELY_STOP)

    body = page(client, ana)
    head = body[body.index('id="consent"') : body.index("<table")]

    assert "A member opted the number back in" not in head
    assert "please stop" in head
    assert body.count("May not be texted: likely an opt-out</td>") == 1


@pytest.mark.parametrize("is_mapped", [True, False])
def test_who_has_no_opt_out_field_is_said_not_to_be_told(
    bob: Member, workspace: Workspace, signed_in: SignedIn, is_mapped: bool
) -> None:
    if is_mapped:
        a_mapping(workspace)
    contact = add_contact(workspace, 1, "Ana", "García")

    body = page(signed_in(bob), contact)

    assert ("Salesforce is not told: no opt-out field is mapped for Contacts." in body) is not is_mapped


def test_a_request_by_phone_is_the_persons_word_from_its_day_on(
    bob: Member, alice: Member, ana: Contact, signed_in: SignedIn
) -> None:
    body = post(signed_in(bob), ana, "opt_out", way="phone", day="2026-01-12", reason="Called.")

    event = ConsentEvent.objects.get()
    assert lines_of(ana) == ["person_out by request"]
    assert f"{event.counts_at:%Y-%m-%d %H:%M}" == "2026-01-13 04:59"
    assert "By phone: Called." in body
    assert "since Jan 12, 2026" in body
    assert "Undo" not in body
    assert "The person can text START" in body
    assert "Opt back in" in page(signed_in(alice), ana)


def test_what_staff_opted_out_a_texter_opts_back_in(bob: Member, ana: Contact, signed_in: SignedIn) -> None:
    client = signed_in(bob)
    post(client, ana, "opt_out", **STAFF)

    without_reason = post(client, ana, "opt_in")
    done = post(client, ana, "opt_in", reason="Is back")

    assert "Write down why." in without_reason
    assert "may be texted again" in done
    assert lines_of(ana) == ["staff_out by member", "staff_in by member"]


def test_who_is_opted_in_while_a_likely_opt_out_waits_is_not_said_to_be_texted(
    bob: Member, ana: Contact, signed_in: SignedIn
) -> None:
    client = signed_in(bob)
    post(client, ana, "opt_out", **STAFF)
    text(ana, "please stop texting me", Meaning.LIKELY_STOP)

    done = post(client, ana, "opt_in", reason="Is back")

    assert "is opted in, and not texted until" in done
    assert "may be texted again" not in done


def test_a_texter_is_told_why_a_stop_stays(
    alice: Member, bob: Member, ana: Contact, signed_in: SignedIn
) -> None:
    text(ana, "STOP", Meaning.STOP)
    client = signed_in(bob)

    shown = page(client, ana)
    found = client.get(reverse("contacts")).content.decode()
    refused = post(client, ana, "opt_in", reason="They told me")

    assert "Opt back in" not in shown + found
    assert "Opt back in" in signed_in(alice).get(reverse("contacts")).content.decode()
    assert "Enter their request" not in shown
    assert "Texters opt in only those whom staff opted out" in refused
    assert status_of(ana) == "opted_out"


def test_an_admin_lifts_a_stop_with_a_written_reason_only(
    alice: Member, ana: Contact, signed_in: SignedIn
) -> None:
    text(ana, "STOP", Meaning.STOP)
    client = signed_in(alice)

    asked = page(client, ana, "opt_in")
    post(client, ana, "opt_in", reason="  ")
    before = status_of(ana)
    post(client, ana, "opt_in", reason="E-mail of today")

    assert "This person opted out." in asked
    assert before == "opted_out"
    assert status_of(ana) == "opted_in"
    assert lines_of(ana)[-1] == "lifted by member"


def test_an_auditor_changes_nothing_and_is_offered_nothing(
    dana: Member, bob: Member, ana: Contact, signed_in: SignedIn
) -> None:
    client = signed_in(dana)

    body = page(client, ana)
    answers = [
        client.post(reverse(name, args=[ana.salesforce_id]), {**STAFF, "version": "1"}).status_code
        for name in ("opt_out", "opt_in", "undo_consent")
    ]

    assert "Auditors read everything and change nothing." in body
    assert reverse("opt_out", args=[ana.salesforce_id]) not in body
    assert (
        reverse("opt_out", args=[ana.salesforce_id]) not in client.get(reverse("contacts")).content.decode()
    )
    assert answers == [403, 403, 403]
    assert not ConsentEvent.objects.exists()


def test_the_search_offers_to_opt_out_and_back_in(bob: Member, ana: Contact, signed_in: SignedIn) -> None:
    client = signed_in(bob)

    before = client.get(reverse("contacts")).content.decode()
    post(client, ana, "opt_out", **STAFF)
    after = client.get(reverse("contacts")).content.decode()

    assert reverse("opt_out", args=[ana.salesforce_id]) in before
    assert reverse("opt_in", args=[ana.salesforce_id]) in after
    assert "Opted out" in after


def test_a_second_opt_out_adds_nothing_but_a_request(bob: Member, ana: Contact, signed_in: SignedIn) -> None:
    client = signed_in(bob)
    post(client, ana, "opt_out", **STAFF)

    again = post(client, ana, "opt_out", **STAFF)
    post(client, ana, "opt_out", way="person", day="2026-01-12", reason="Came by.")
    stopped = post(client, ana, "opt_out", way="person", day="2026-01-12", reason="Came by.")

    assert "alert-success" in again
    assert "Only the person" in again
    assert lines_of(ana) == ["staff_out by member", "person_out by request"]
    assert "The person opted out already" in stopped


def test_undo_takes_an_opt_out_back_and_both_lines_stay(
    bob: Member, ana: Contact, signed_in: SignedIn
) -> None:
    client = signed_in(bob)
    offered = post(client, ana, "opt_out", **STAFF)

    done = undo(client, ana, 1)

    assert 'value="1"><button class="btn">Undo</button>' in offered
    assert "Undone." in done
    assert "Undo</button>" not in done
    assert status_of(ana) == "opted_in"
    assert lines_of(ana) == ["staff_out by member", "staff_in by member"]


def test_undone_lifting_is_the_persons_stop_again(alice: Member, ana: Contact, signed_in: SignedIn) -> None:
    text(ana, "STOP", Meaning.STOP)
    client = signed_in(alice)
    post(client, ana, "opt_in", reason="Mixed up")

    undo(client, ana, 2)

    assert status_of(ana) == "opted_out"
    assert lines_of(ana)[-1] == "person_out by member"
    assert AuditEntry.objects.filter(action="opt-in undone").exists()


def test_an_admins_mistaken_request_is_undone(alice: Member, ana: Contact, signed_in: SignedIn) -> None:
    client = signed_in(alice)
    post(client, ana, "opt_out", way="phone", day="2026-01-12", reason="Called.")

    undo(client, ana, 1)

    assert lines_of(ana) == ["person_out by request", "lifted by member"]


def test_a_request_that_met_a_likely_opt_out_is_not_undone(
    alice: Member, ana: Contact, signed_in: SignedIn
) -> None:
    text(ana, "please stop texting me", Meaning.LIKELY_STOP)
    client = signed_in(alice)

    offered = post(client, ana, "opt_out", way="phone", day=today(), reason="Called.")
    undo(client, ana, 2)

    assert "Undo</button>" not in offered
    assert status_of(ana) == "opted_out"


def test_a_double_click_on_undo_undoes_once(bob: Member, ana: Contact, signed_in: SignedIn) -> None:
    client = signed_in(bob)
    post(client, ana, "opt_out", **STAFF)

    answers = [undo(client, ana, 1) for _ in range(2)]

    assert all("Undone. Both lines stay" in answer for answer in answers)
    assert lines_of(ana) == ["staff_out by member", "staff_in by member"]


def test_undo_ends_with_its_minute(bob: Member, ana: Contact, signed_in: SignedIn) -> None:
    client = signed_in(bob)
    post(client, ana, "opt_out", **STAFF)

    with minutes_later():
        shown = page(client, ana)
        refused = undo(client, ana, 1)

    assert "Undo</button>" not in shown
    assert "the minute is over" in refused
    assert status_of(ana) == "opted_out"


def test_undo_is_for_ones_own_last_word_only(
    bob: Member, alice: Member, ana: Contact, signed_in: SignedIn
) -> None:
    post(signed_in(bob), ana, "opt_out", **STAFF)

    by_another = undo(signed_in(alice), ana, 1)
    text(ana, "STOP", Meaning.STOP)
    after_a_stop = undo(signed_in(bob), ana, 1)

    assert "can&#x27;t be undone any more" in by_another
    assert "can&#x27;t be undone any more" in after_a_stop
    assert lines_of(ana) == ["staff_out by member", "person_out by text"]


def test_undo_does_not_opt_in_who_was_opted_out_before(
    alice: Member, ana: Contact, signed_in: SignedIn
) -> None:
    client = signed_in(alice)
    actions.record(workspace=ana.workspace, number=ana.mobile_number, kind=Kind.STAFF_OUT, cause=Cause.RECORD)

    body = post(client, ana, "opt_out", way="phone", day="2026-01-12", reason="Called.")
    undo(client, ana, 2)

    assert "Undo</button>" not in body
    assert status_of(ana) == "opted_out"


def test_suppressed_is_told_with_words_and_due_date(bob: Member, ana: Contact, signed_in: SignedIn) -> None:
    text(ana, "please stop texting me", Meaning.LIKELY_STOP)

    body = page(signed_in(bob), ana)

    assert "May not be texted: likely an opt-out" in body
    assert "please stop texting me" in body
    assert reverse("review", args=[Review.objects.get().pk, "not"]) in body


def test_without_a_number_there_is_nothing_to_opt_out(bob: Member, ana: Contact, signed_in: SignedIn) -> None:
    Contact.objects.filter(pk=ana.pk).update(mobile_number="")
    client = signed_in(bob)

    body = page(client, ana)
    refused = post(client, ana, "opt_out", **STAFF)

    assert "Consent belongs to a mobile number" in body
    assert "Without a valid mobile number" in refused
    assert not ConsentEvent.objects.exists()


@pytest.mark.parametrize("name", ["opt_out", "opt_in", "undo_consent"])
def test_charlie_changes_nobody_elsewhere(
    charlie: Member, ana: Contact, signed_in: SignedIn, name: str
) -> None:
    client = signed_in(charlie)

    answer = client.post(reverse(name, args=[ana.salesforce_id]), {**STAFF, "version": "1"})

    assert answer.status_code == 404
    assert not ConsentEvent.objects.exists()


def test_a_forged_form_changes_nothing(bob: Member, ana: Contact) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob, backend="django.contrib.auth.backends.ModelBackend")

    answer = client.post(reverse("opt_out", args=[ana.salesforce_id]), STAFF)

    assert answer.status_code == 403
    assert not ConsentEvent.objects.exists()


def test_words_of_a_text_are_shown_as_text(bob: Member, ana: Contact, signed_in: SignedIn) -> None:
    text(ana, "<script>alert(1)</script> stop", Meaning.LIKELY_STOP)

    body = page(signed_in(bob), ana)

    assert "<script>alert" not in body
    assert "&lt;script&gt;alert(1)" in body


def test_an_opt_out_of_a_former_number_is_told_with_its_lines(
    bob: Member, ana: Contact, signed_in: SignedIn
) -> None:
    before = ana.mobile_number
    text(ana, "STOP", Meaning.STOP)
    ana.mobile_number = "+12125557777"
    ana.save(update_fields=["mobile_number"])
    actions.number_changed(
        workspace=ana.workspace, salesforce_id=ana.salesforce_id, before=before, after=ana.mobile_number
    )
    FieldChange.objects.create(
        workspace=ana.workspace,
        contact=ana,
        field="mobile_number",
        before=before,
        after=ana.mobile_number,
        run=uuid.uuid4(),
    )
    client = signed_in(bob)

    shown = page(client, ana)
    said = client.get(reverse("consent_changes"), {"number": before}).content.decode()
    ana.mobile_number = ""
    ana.save(update_fields=["mobile_number"])
    without = page(client, ana)

    assert "the number was +1 212-555-0001: opted out since" in shown
    assert "The opt-out came along to this number." in shown
    assert f"{reverse('consent_changes')}?number=%2B12125550001" in shown
    assert "The person opted out by a text" in said
    assert "The opt-out comes along to the next number." in without


def test_long_timelines_come_a_page_at_a_time_by_a_fixed_number_of_queries(
    alice: Member, ana: Contact, signed_in: SignedIn
) -> None:
    client = signed_in(alice)
    page_of = reverse("contact", args=[ana.salesforce_id])
    for number in range(24):
        text(ana, "STOP" if number % 2 == 0 else "START", (Meaning.STOP, Meaning.START)[number % 2])
    with CaptureQueriesContext(
        connection,
    ) as few:
        first = client.get(page_of)
    second = client.get(page_of, {"consent_older": first.context["card"].next})
    third = client.get(page_of, {"consent_older": second.context["card"].next})

    shown = [line.event.version for answer in (first, second, third) for line in answer.context["card"].lines]
    told = [[push.wanted for push in line.pushes] for line in second.context["card"].lines]
    assert shown == list(range(24, 0, -1))
    assert third.context["card"].next == ""
    assert told == [[status] for status in ("opted_in", "opted_out") * 5]
    assert len(few) <= 25
    assert client.get(page_of, {"consent_older": "x"}).status_code == 404
