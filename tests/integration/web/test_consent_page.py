"""The Consent page: the way to Salesforce, refusals, reviews, conflicts, held opt-ins."""

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob

from carillon.accounts.models import AuditEntry, Member, Workspace
from carillon.connections.models import SalesforceConnection
from carillon.consent import actions, queries
from carillon.consent.decide import When
from carillon.consent.importing import apply_staged
from carillon.consent.keywords import Meaning
from carillon.consent.models import (
    ConsentAudit,
    ConsentConflict,
    ConsentPush,
    Delivery,
    OptOutMapping,
    Review,
    StagedFlip,
)
from carillon.consent.pushes import Claimed, Ending, ReadBack, Refused, claim, conclude
from carillon.contacts.models import Contact
from carillon.imports import held_opt_ins
from carillon.imports.models import HeldOptIns
from carillon.lib.clock import now
from tests.integration.consent.people import a_mapping, day, lines, read, status
from tests.integration.web.conftest import Rows, SignedIn, add_contact

NO = "A validation rule refused it: “No edits in June”.", "Ask who looks after the rule."


@pytest.fixture
def ana(workspace: Workspace) -> Contact:
    a_mapping(workspace)
    return add_contact(workspace, 1, "Ana", "García")


def text(contact: Contact, words: str, meaning: Meaning = Meaning.STOP) -> None:
    actions.text_received(
        workspace=contact.workspace,
        number=contact.mobile_number,
        words=words,
        meaning=meaning,
        message_id=uuid.uuid4().hex,
    )


def claimed(contact: Contact) -> Claimed:
    (push,) = claim(workspace_id=contact.workspace_id, now=now() + timedelta(seconds=1))
    return push


def concluded(contact: Contact, ending: Ending) -> None:
    conclude(workspace_id=contact.workspace_id, endings=[ending], now=now())


def refused(contact: Contact) -> ConsentPush:
    """The STOP that Salesforce won't take; tried again tomorrow."""
    text(contact, "STOP")
    push = claimed(contact)
    concluded(contact, Refused(push.id, *NO, now() + timedelta(days=1)))
    return ConsentPush.objects.get(pk=push.id)


def conflicting(contact: Contact, run: uuid.UUID | None = None) -> ConsentConflict:
    """The person texted STOP, Salesforce took it, and later somebody there opted them in."""
    text(contact, "STOP")
    return contradicted(contact, run)


def contradicted(contact: Contact, run: uuid.UUID | None = None) -> ConsentConflict:
    concluded(contact, ReadBack(claimed(contact).id, True, day(1)))
    read(contact, False, at=day(2), run=run)
    for run in set(StagedFlip.objects.values_list("run", flat=True)):
        apply_staged(workspace=contact.workspace, run=run)
    return ConsentConflict.objects.get()


def shown(client: Client, name: str = "consent", *args: object, **query: str) -> str:
    answer = client.get(reverse(name, args=args), query, follow=True)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def decided(client: Client, name: str, *args: object, **fields: str) -> str:
    answer = client.post(reverse(name, args=args), fields, follow=True)
    return " ".join(answer.content.decode().split())


def review_of(contact: Contact) -> int:
    return Review.objects.filter(consent__number=contact.mobile_number).latest("pk").pk


def test_nothing_to_do_is_said_in_words(alice: Member, signed_in: SignedIn) -> None:
    body = shown(signed_in(alice))

    assert "Nothing: every change that Salesforce is to know is there." in body
    assert "None in that time." in body
    assert "None: every text that looked like an opt-out is decided." in body
    assert "None: Salesforce contradicts nobody" in body
    assert "No opt-out field is mapped, so Salesforce is told nothing." in body
    assert "Held:" not in body
    assert "Retry" not in body


def test_what_is_on_its_way_is_counted_with_its_age(
    bob: Member, ana: Contact, workspace: Workspace, signed_in: SignedIn
) -> None:
    refused(ana)
    only_refused = shown(signed_in(bob))
    text(add_contact(workspace, 2, "Eva", "Lund"), "STOP")

    answer = signed_in(bob).get(reverse("consent"))

    outbox = answer.context["outbox"]
    assert (outbox.waiting, outbox.sent, outbox.failed, outbox.reverted) == (1, 0, 1, 0)
    assert outbox.oldest == ConsentPush.objects.latest("pk").answers
    assert "Nothing waits. What Salesforce refused" in only_refused
    assert "The oldest was said" not in only_refused
    assert "Eva Lund" in answer.content.decode()


def test_the_pace_is_that_of_the_last_day(bob: Member, ana: Contact, signed_in: SignedIn) -> None:
    text(ana, "STOP")
    first = ConsentPush.objects.get()
    seconds = [*range(1, 101), 5000]
    ConsentPush.objects.bulk_create(
        ConsentPush(
            workspace=first.workspace,
            consent=first.consent,
            object="Contact",
            salesforce_id=ana.salesforce_id,
            wanted="opted_out",
            state="acknowledged",
            created_at=now() - timedelta(seconds=length, days=2 * (length == 5000)),
            next_try_at=now(),
            answers=now(),
            settled_at=now() - timedelta(days=2 * (length == 5000)),
        )
        for length in seconds
    )

    pace = signed_in(bob).get(reverse("consent")).context["pace"]

    assert pace.acknowledged == 100
    assert [round(seconds, -1) for seconds in (pace.median, pace.p95, pace.worst)] == [50, 100, 100]


def test_a_refusal_says_why_and_what_to_do_and_is_tried_again(
    bob: Member, ana: Contact, signed_in: SignedIn
) -> None:
    push = refused(ana)
    client = signed_in(bob)

    body = shown(client)
    said = decided(client, "retry_push", ana.salesforce_id)
    assert "No opt-out field is mapped" not in body

    push.refresh_from_db()
    assert "No edits in June" in body
    assert "Ask who looks after the rule." in body
    assert "It is tried again now." in said
    assert ("look=1" in body, "look=1" in said) == (False, True)
    assert "look=" not in shown(client, look="40")
    assert ConsentPush.objects.filter(next_try_at__lte=now()).count() == 1
    assert client.post(reverse("retry_push", args=["003000000000009AAA"])).status_code == 404


def test_an_org_that_takes_nothing_is_told_with_its_reason(
    bob: Member, ana: Contact, signed_in: SignedIn
) -> None:
    text(ana, "STOP")
    Delivery.objects.create(
        workspace=ana.workspace,
        failures=3,
        failing_since=now(),
        failed_at=now(),
        paused_until=now() + timedelta(minutes=1),
        error="Salesforce is down.",
        remedy="It passes by itself.",
    )
    client = signed_in(bob)

    body = shown(client)
    said = decided(client, "retry_pushes")

    assert "Salesforce is down." in body
    assert "It passes by itself. Nothing is lost: all of it waits" in body
    assert "It is tried again now." in said
    assert not Delivery.objects.filter(paused_until__gt=now()).exists()


def test_no_next_try_is_in_the_past(bob: Member, ana: Contact, signed_in: SignedIn) -> None:
    text(ana, "STOP")
    ConsentPush.objects.update(next_try_at=now() - timedelta(minutes=3))
    client = signed_in(bob)
    working = shown(client)
    Delivery.objects.create(
        workspace=ana.workspace,
        failures=3,
        failing_since=now(),
        failed_at=now(),
        paused_until=now() - timedelta(seconds=3),
        error="Salesforce is down.",
    )

    down = shown(client)

    assert "tried at any moment" in working
    assert "all of it waits, and is tried again at any moment" in down
    assert "next try" not in working + down
    assert "</time>.</span>" in down


def test_all_refusals_are_tried_again_at_once(alice: Member, ana: Contact, signed_in: SignedIn) -> None:
    refused(ana)

    decided(signed_in(alice), "retry_pushes")

    assert ConsentPush.objects.filter(next_try_at__lte=now()).count() == 1


def test_a_likely_opt_out_is_decided_about(bob: Member, ana: Contact, signed_in: SignedIn) -> None:
    text(ana, "please stop texting me", Meaning.LIKELY_STOP)
    client = signed_in(bob)

    body = shown(client)
    asked = shown(client, "review", review_of(ana), "opt-out")
    decided(client, "review", review_of(ana), "opt-out", seen="1", reason="")

    assert "please stop texting me" in body
    assert Review.objects.get().due_at.strftime("%b") in body
    assert "please stop texting me" in asked
    assert lines(ana.workspace, ana.mobile_number) == ["likely by text", "person_out by review"]
    assert "please stop texting me" not in shown(client)
    assert "decided already" in shown(client, "review", review_of(ana), "not")


def test_what_is_no_opt_out_may_be_texted_again(bob: Member, ana: Contact, signed_in: SignedIn) -> None:
    text(ana, "stop by anytime", Meaning.LIKELY_STOP)

    decided(signed_in(bob), "review", review_of(ana), "not", seen="1", reason="A visit")

    assert queries.standings(ana.workspace, [ana.mobile_number])[ana.mobile_number].may_be_texted


def test_what_is_no_opt_out_leaves_one_that_was_said_besides(
    bob: Member, ana: Contact, signed_in: SignedIn
) -> None:
    actions.opt_out(workspace=ana.workspace, number=ana.mobile_number, by=bob)
    text(ana, "stop by anytime", Meaning.LIKELY_STOP)
    client = signed_in(bob)

    asked = shown(client, "review", review_of(ana), "not")
    done = decided(client, "review", review_of(ana), "not", seen="2", reason="A visit")

    assert "stays opted out" in asked
    assert "stays opted out" in done
    assert "may be texted again" not in done


def test_a_number_that_nobody_has_is_reviewed_too(
    bob: Member, workspace: Workspace, signed_in: SignedIn
) -> None:
    actions.text_received(
        workspace=workspace,
        number="+12125559999",
        words="stop it",
        meaning=Meaning.LIKELY_STOP,
        message_id="1",
    )
    client = signed_in(bob)

    body = shown(client)
    decided(client, "review", Review.objects.get().pk, "opt-out", seen="1")

    assert "Nobody here" in body
    assert status(workspace, "+12125559999") == "opted_out"


def test_an_imports_page_leads_to_the_conflicts_it_found(
    alice: Member, rows: Rows, signed_in: SignedIn
) -> None:
    a_mapping(rows.contact.workspace)
    conflicting(rows.contact, rows.run.public_id)
    client = signed_in(alice)

    body = shown(client, "import_run", rows.run.public_id)

    assert f'href="{reverse("consent")}#conflicts"' in body
    assert "1 conflict with a person's opt-out" in body


def test_a_conflict_is_kept_opted_out(bob: Member, ana: Contact, signed_in: SignedIn) -> None:
    found = conflicting(ana)
    client = signed_in(bob)

    body = shown(client)
    decided(client, "conflict", found.pk, "keep")

    assert "Keep opted out" in body
    assert "To be corrected" in body
    assert reverse("conflict", args=[found.pk, "accept"]) not in body
    assert status(ana.workspace, ana.mobile_number) == "opted_out"
    assert "Keep opted out" not in shown(client)
    assert AuditEntry.objects.filter(action="conflict kept opted out", member=bob).count() == 1


def test_an_admin_accepts_a_conflict_with_a_reason_only(
    alice: Member, ana: Contact, signed_in: SignedIn
) -> None:
    found = conflicting(ana)
    client = signed_in(alice)
    accept = ("conflict", found.pk, "accept")

    asked = shown(client, *accept)
    without = decided(client, *accept)
    before = status(ana.workspace, ana.mobile_number)
    decided(client, *accept, reason="She wrote to us")

    assert "The person opted out by a text" in asked
    assert "Write down why." in without
    assert before == "opted_out"
    assert status(ana.workspace, ana.mobile_number) == "opted_in"
    assert "Keep opted out" not in shown(client)


def test_a_request_is_of_the_day_that_was_entered(alice: Member, ana: Contact, signed_in: SignedIn) -> None:
    a_mapping(ana.workspace)
    asked = When.on(date(2026, 3, 2), ZoneInfo("America/New_York"))
    actions.opt_out(workspace=ana.workspace, number=ana.mobile_number, by=alice, requested=asked)
    found = contradicted(ana)

    body = shown(signed_in(alice), "conflict", found.pk, "accept")

    assert "The person asked not to be texted, Mar 2, 2026." in body


@pytest.mark.parametrize("how", ["keep", "accept"])
def test_a_record_that_speaks_again_is_listed_and_decided_once(
    alice: Member, ana: Contact, signed_in: SignedIn, how: str
) -> None:
    conflicting(ana)
    concluded(ana, ReadBack(claimed(ana).id, True, day(3)))
    read(ana, False, at=day(4))
    for run in set(StagedFlip.objects.values_list("run", flat=True)):
        apply_staged(workspace=ana.workspace, run=run)
    latest = ConsentConflict.objects.latest("pk")
    client = signed_in(alice)

    before = shown(client)
    decided(client, "conflict", latest.pk, how, reason="She wrote to us")

    assert ConsentConflict.objects.count() == 2
    assert before.count("Keep opted out") == 1
    assert "None: Salesforce contradicts nobody" in shown(client)


def test_a_texter_accepts_no_conflict(bob: Member, ana: Contact, signed_in: SignedIn) -> None:
    found = conflicting(ana)
    address = reverse("conflict", args=[found.pk, "accept"])

    answer = signed_in(bob).post(address, {"reason": "They said so"})

    assert answer.status_code == 403
    assert status(ana.workspace, ana.mobile_number) == "opted_out"


def test_a_conflict_is_told_and_decided_on_the_persons_page(
    alice: Member, bob: Member, ana: Contact, signed_in: SignedIn
) -> None:
    found = conflicting(ana)
    keep, accept = (reverse("conflict", args=[found.pk, how]) for how in ("keep", "accept"))

    of_admin = shown(signed_in(alice), "contact", ana.salesforce_id)
    of_texter = shown(signed_in(bob), "contact", ana.salesforce_id)

    assert "<strong>Conflict</strong>" in of_texter
    assert '1<span class="visually-hidden"> to decide about</span>' in of_texter
    assert (keep in of_texter, accept in of_texter, accept in of_admin) == (True, False, True)
    decided(signed_in(bob), "conflict", found.pk, "keep")
    after = shown(signed_in(alice), "contact", ana.salesforce_id)
    assert "<strong>Conflict</strong>" not in after
    assert "to decide about" not in after


def test_addresses_of_decisions_hold_no_number(bob: Member, ana: Contact, signed_in: SignedIn) -> None:
    conflicting(ana)
    text(ana, "please stop", Meaning.LIKELY_STOP)

    body = shown(signed_in(bob))

    assert ana.mobile_number in body
    assert f"/{ana.mobile_number[1:]}" not in body


def test_a_conflict_is_decided_once(alice: Member, bob: Member, ana: Contact, signed_in: SignedIn) -> None:
    found = conflicting(ana)
    admin, texter = signed_in(alice), signed_in(bob)
    keep, accept = (("conflict", found.pk, how) for how in ("keep", "accept"))
    decided(texter, *keep)

    again = decided(texter, *keep)
    other_way = decided(admin, *accept, reason="She wrote to us")

    assert "The number stays opted out" in again
    assert "Somebody decided meanwhile that this number stays opted out." in other_way
    assert status(ana.workspace, ana.mobile_number) == "opted_out"
    assert AuditEntry.objects.filter(action="conflict kept opted out").count() == 1


def test_what_was_accepted_is_not_accepted_or_kept_again(
    alice: Member, ana: Contact, signed_in: SignedIn
) -> None:
    found = conflicting(ana)
    client = signed_in(alice)
    keep, accept = (("conflict", found.pk, how) for how in ("keep", "accept"))
    decided(client, *accept, reason="She wrote to us")
    said = lines(ana.workspace, ana.mobile_number)

    again = decided(client, *accept, reason="She wrote to us")
    kept = decided(client, *keep)

    assert "This was accepted: the number is opted in." in again
    assert "An admin accepted meanwhile what the record says" in kept
    assert lines(ana.workspace, ana.mobile_number) == said


@pytest.mark.parametrize("words", ["STOP", "please stop"])
def test_a_stop_since_the_record_spoke_is_not_lifted_by_it(
    alice: Member, ana: Contact, signed_in: SignedIn, words: str
) -> None:
    found = conflicting(ana)
    text(ana, words, Meaning.STOP if words == "STOP" else Meaning.LIKELY_STOP)

    body = decided(signed_in(alice), "conflict", found.pk, "accept", reason="She wrote to us")

    assert "the record&#x27;s word is no longer the last one" in body
    assert status(ana.workspace, ana.mobile_number) == "opted_out"


def test_a_conflict_that_a_start_settled_is_only_taken_off_the_list(
    bob: Member, ana: Contact, signed_in: SignedIn
) -> None:
    found = conflicting(ana)
    text(ana, "START", Meaning.START)

    body = decided(signed_in(bob), "conflict", found.pk, "keep")

    assert "It is off the list. The number stays opted in." in body
    assert status(ana.workspace, ana.mobile_number) == "opted_in"


def test_words_that_came_since_are_read_before_a_review_is_decided(
    bob: Member, ana: Contact, signed_in: SignedIn
) -> None:
    text(ana, "wrong number?", Meaning.LIKELY_STOP)
    client = signed_in(bob)
    page = client.get(reverse("review", args=[review_of(ana), "not"]))
    text(ana, "I said leave me alone", Meaning.LIKELY_STOP)

    body = decided(client, "review", review_of(ana), "not", seen=page.context["seen"])

    assert "The person wrote again since you opened this page." in body
    assert "I said leave me alone" in body
    assert Review.objects.filter(closed_at=None).exists()


def held(rows: Rows) -> HeldOptIns:
    """Staff opted out, Salesforce took it, and a run found the record opted in again, with many others."""
    contact = rows.contact
    a_mapping(contact.workspace)
    actions.opt_out(workspace=contact.workspace, number=contact.mobile_number, by=None)
    concluded(contact, ReadBack(claimed(contact).id, True, day(1)))
    assert read(contact, False, at=day(2), run=rows.run.public_id).staged == 1
    return HeldOptIns.objects.create(
        setup=rows.run.setup,
        run=rows.run,
        people=41,
        reason="41 of 400 people.",
        mapping_is_new=False,
        mapping_version=1,
    )


@pytest.mark.parametrize(("decision", "after"), [("apply", "opted_in"), ("drop", "opted_out")])
def test_held_opt_ins_are_listed_and_decided_on_the_imports_page(
    alice: Member, rows: Rows, signed_in: SignedIn, decision: str, after: str
) -> None:
    held(rows)
    client = signed_in(alice)
    address = ("decide_opt_ins", rows.run.public_id, decision)

    body = shown(client)
    history = shown(client, "import_history")
    asked = shown(client, *address)
    decided(client, *address)
    decided_just_now = shown(client, "import_run", rows.run.public_id)
    held_opt_ins.go_on(rows.run.setup)

    assert ("1 of them are still" in decided_just_now) is (decision == "apply")
    assert ('hx-get="?look=1"' in decided_just_now) is (decision == "apply")
    assert reverse(address[0], args=address[1:]) in body
    assert "Opt-ins held: 41 people, waiting for an admin" in history
    run = shown(client, "import_run", rows.run.public_id)
    assert ('href="#opt-ins"' in run) is (decision == "drop")
    assert "What the import found then:</span> 41 of 400 people." in run
    assert "look=1" not in run
    assert "41 of 400 people." in body
    assert f">{rows.contact}</a>" in asked
    assert "and 40 more" in asked
    assert status(rows.contact.workspace, rows.contact.mobile_number) == after
    assert "Held: imports" not in shown(client)


@pytest.mark.parametrize("role", ["texter", "auditor"])
def test_others_read_what_is_held_and_are_offered_no_decision(
    bob: Member, dana: Member, rows: Rows, signed_in: SignedIn, role: str
) -> None:
    held(rows)

    body = shown(signed_in(bob if role == "texter" else dana))

    assert "41 of 400 people." in body
    assert reverse("decide_opt_ins", args=[rows.run.public_id, "apply"]) not in body
    assert (reverse("import_run", args=[rows.run.public_id]) in body) is (role == "auditor")


def test_an_auditor_reads_the_page_and_changes_nothing(
    dana: Member, ana: Contact, signed_in: SignedIn
) -> None:
    refused(ana)
    other = add_contact(ana.workspace, 2, "Eva", "Lund")
    text(other, "please stop", Meaning.LIKELY_STOP)
    client = signed_in(dana)

    body = shown(client)
    answers = [
        client.post(reverse("retry_pushes")).status_code,
        client.post(reverse("retry_push", args=[ana.salesforce_id])).status_code,
        client.post(reverse("review", args=[review_of(other), "not"])).status_code,
        client.post(reverse("conflict", args=[1, "keep"])).status_code,
    ]

    assert "No edits in June" in body
    assert "Retry</button>" not in body
    assert reverse("review", args=[review_of(other), "not"]) not in body
    assert answers == [403] * 4
    assert Review.objects.filter(closed_at__isnull=True).exists()


def test_outsiders_find_nothing(charlie: Member, ana: Contact, signed_in: SignedIn) -> None:
    found = conflicting(ana)
    other = add_contact(ana.workspace, 2, "Eva", "Lund")
    text(other, "please stop", Meaning.LIKELY_STOP)
    client = signed_in(charlie)

    body = shown(client)
    answers = [
        client.post(reverse("retry_push", args=[ana.salesforce_id])).status_code,
        client.get(reverse("review", args=[review_of(other), "not"])).status_code,
        client.post(reverse("review", args=[review_of(other), "not"])).status_code,
        client.post(reverse("conflict", args=[found.pk, "keep"])).status_code,
    ]

    assert "García" not in body
    assert "Lund" not in body
    assert answers == [404] * 4


def test_the_last_audit_is_told(alice: Member, workspace: Workspace, signed_in: SignedIn) -> None:
    client = signed_in(alice)
    before = shown(client)
    ConsentAudit.objects.create(
        workspace=workspace, finished_at=now(), compared=4321, differing=2, repaired=2
    )
    agreeing = shown(client)
    ConsentAudit.objects.create(
        workspace=workspace, finished_at=now(), error="The org did not answer.", remedy="Try again."
    )

    assert "None yet." in before
    assert "tone-success" in agreeing
    assert "What differed was repaired" in agreeing
    assert "4,321" in agreeing
    assert "The org did not answer." in shown(client)


def test_the_page_costs_the_same_however_much_there_is(
    alice: Member, ana: Contact, workspace: Workspace, signed_in: SignedIn
) -> None:
    client = signed_in(alice)
    for number in range(2, 32):
        text(add_contact(workspace, number, "Eva", f"Lund{number}"), "please stop", Meaning.LIKELY_STOP)
    with CaptureQueriesContext(connection) as few:
        first = client.get(reverse("consent"))
    second = client.get(reverse("consent"), {"reviews": first.context["more"]["reviews"]})

    reviewed = [row.pk for answer in (first, second) for row, _ in answer.context["reviews"]]
    assert len(set(reviewed)) == len(reviewed) == 30
    assert len(few) <= 20


def test_an_admin_starts_an_audit_and_no_second_one_beside_it(
    alice: Member,
    ana: Contact,
    signed_in: SignedIn,
    django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[object]],
) -> None:
    client = signed_in(alice)
    unconnected = decided(client, "audit_now")
    SalesforceConnection.objects.create(
        workspace=ana.workspace, host="https://org.example.org", client_id="id"
    )
    offered = shown(client)
    with django_capture_on_commit_callbacks(execute=True):
        started = decided(client, "audit_now")
        unseen_yet = ProcrastinateJob.objects.filter(task_name="carillon.audit_consent").count()
    again = decided(client, "audit_now")

    job = ProcrastinateJob.objects.get(task_name="carillon.audit_consent")
    assert "No Salesforce org is connected yet." in unconnected
    assert reverse("audit_now") in offered
    assert unseen_yet == 0
    assert job.args == {"workspace_id": ana.workspace_id, "asked": True}
    assert AuditEntry.objects.filter(action="audit of consent started", member=alice).count() == 1
    assert "The audit starts now." in started
    assert "An audit is under way already." in again
    assert "An audit waits for a worker" in again
    assert "look=1" in again
    assert reverse("audit_now") not in again


@pytest.mark.parametrize("role", ["texter", "auditor"])
def test_only_admins_start_an_audit(
    bob: Member, dana: Member, ana: Contact, signed_in: SignedIn, role: str
) -> None:
    client = signed_in(bob if role == "texter" else dana)

    assert reverse("audit_now") not in shown(client)
    assert client.post(reverse("audit_now")).status_code == 403
    assert client.get(reverse("audit_now")).status_code in (403, 405)
    assert not ProcrastinateJob.objects.filter(task_name="carillon.audit_consent").exists()


@pytest.mark.parametrize(
    ("counts", "said", "more"),
    [
        ({"differing": 1, "on_its_way": 1}, "Some differ", "On the way to Salesforce</dt><dd>1<"),
        ({"differing": 1, "refused": 1}, "Some differ", "is listed above, with the reason"),
        ({"differing": 1, "waiting": 1}, "Some differ", "Wait for the next import</dt><dd>1<"),
        ({"differing": 1, "repairs": False}, "Some differ", "That audit only compared."),
        ({"unseen": 1}, "Some could not be compared", "are hidden from the API user"),
    ],
)
def test_an_audit_that_leaves_doubt_is_not_green(
    alice: Member, workspace: Workspace, signed_in: SignedIn, counts: dict[str, int], said: str, more: str
) -> None:
    ConsentAudit.objects.create(workspace=workspace, finished_at=now(), compared=9, **counts)

    card = shown(signed_in(alice)).split('id="audit-title"')[1]

    assert said in card
    assert more in card
    assert "tone-warning" in card
    assert "tone-success" not in card


def test_that_no_audit_was_done_for_more_than_a_night_is_told(
    alice: Member, ana: Contact, signed_in: SignedIn
) -> None:
    SalesforceConnection.objects.create(
        workspace=ana.workspace, host="https://org.example.org", client_id="id"
    )
    client = signed_in(alice)
    mapped_today = shown(client)
    OptOutMapping.objects.update(since=day(1))
    never = shown(client)
    moment = now() - timedelta(hours=27)
    ConsentAudit.objects.create(workspace=ana.workspace, started_at=moment, finished_at=moment, compared=9)
    once = shown(client)
    ConsentAudit.objects.create(workspace=ana.workspace, finished_at=now(), compared=9)

    overdue = "No audit was completed for more than 26 hours."
    assert overdue not in mapped_today
    assert overdue in never
    assert "None ever was." in never
    assert overdue in once
    assert "The last one was on" in once
    assert overdue not in shown(client)
