"""The Consent page: the way to Salesforce, refusals, reviews, conflicts, held opt-ins."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from carillon.accounts.models import AuditEntry, Member, Workspace
from carillon.consent import actions, queries
from carillon.consent.importing import apply_staged
from carillon.consent.keywords import Meaning
from carillon.consent.models import ConsentAudit, ConsentConflict, ConsentPush, Review, StagedFlip
from carillon.consent.pushes import Claimed, Ending, ReadBack, Refused, claim, conclude
from carillon.contacts.models import Contact
from carillon.imports.models import ImportRun
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


def conflicting(contact: Contact) -> ConsentConflict:
    """The person texted STOP, Salesforce took it, and later somebody there opted them in."""
    text(contact, "STOP")
    concluded(contact, ReadBack(claimed(contact).id, True, day(1)))
    read(contact, False, at=day(2))
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


def digits(contact: Contact) -> str:
    return contact.mobile_number[1:]


def test_nothing_to_do_is_said_in_words(alice: Member, signed_in: SignedIn) -> None:
    body = shown(signed_in(alice))

    assert "Nothing: every change that Salesforce is to know is there." in body
    assert "Nothing was acknowledged in that time." in body
    assert "None: whoever wrote something like an opt-out was decided about." in body
    assert "None: Salesforce contradicts nobody" in body
    assert "Held:" not in body
    assert "Retry" not in body


def test_what_is_on_its_way_is_counted_with_its_age(
    bob: Member, ana: Contact, workspace: Workspace, signed_in: SignedIn
) -> None:
    refused(ana)
    text(add_contact(workspace, 2, "Eva", "Lund"), "STOP")

    answer = signed_in(bob).get(reverse("consent"))

    outbox = answer.context["outbox"]
    assert (outbox.waiting, outbox.sent, outbox.failed, outbox.reverted) == (1, 0, 1, 0)
    assert outbox.oldest == ConsentPush.objects.earliest("pk").answers
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

    push.refresh_from_db()
    assert "No edits in June" in body
    assert "Ask who looks after the rule." in body
    assert "It is tried again now." in said
    assert ConsentPush.objects.filter(next_try_at__lte=now()).count() == 1
    assert client.post(reverse("retry_push", args=["003000000000009AAA"])).status_code == 404


def test_all_refusals_are_tried_again_at_once(alice: Member, ana: Contact, signed_in: SignedIn) -> None:
    refused(ana)

    decided(signed_in(alice), "retry_pushes")

    assert ConsentPush.objects.filter(next_try_at__lte=now()).count() == 1


def test_a_likely_opt_out_is_decided_about(bob: Member, ana: Contact, signed_in: SignedIn) -> None:
    text(ana, "please stop texting me", Meaning.LIKELY_STOP)
    client = signed_in(bob)

    body = shown(client)
    asked = shown(client, "review", digits(ana), "opt-out")
    decided(client, "review", digits(ana), "opt-out", reason="")

    assert "please stop texting me" in body
    assert Review.objects.get().due_at.strftime("%b") in body
    assert "please stop texting me" in asked
    assert lines(ana.workspace, ana.mobile_number) == ["likely by text", "person_out by review"]
    assert "please stop texting me" not in shown(client)
    assert "decided already" in shown(client, "review", digits(ana), "not")


def test_what_is_no_opt_out_may_be_texted_again(bob: Member, ana: Contact, signed_in: SignedIn) -> None:
    text(ana, "stop by anytime", Meaning.LIKELY_STOP)

    decided(signed_in(bob), "review", digits(ana), "not", reason="A visit")

    assert queries.standings(ana.workspace, [ana.mobile_number])[ana.mobile_number].may_be_texted


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
    decided(client, "review", "12125559999", "opt-out")

    assert "Nobody here" in body
    assert status(workspace, "+12125559999") == "opted_out"


def test_a_conflict_is_kept_opted_out(bob: Member, ana: Contact, signed_in: SignedIn) -> None:
    found = conflicting(ana)
    client = signed_in(bob)

    body = shown(client)
    decided(client, "conflict", digits(ana), found.event.version, "keep")

    assert "Keep opted out" in body
    assert "To be corrected" in body
    assert reverse("conflict", args=[digits(ana), found.event.version, "accept"]) not in body
    assert status(ana.workspace, ana.mobile_number) == "opted_out"
    assert "Keep opted out" not in shown(client)
    assert AuditEntry.objects.filter(action="conflict kept opted out", member=bob).count() == 1


def test_an_admin_accepts_a_conflict_with_a_reason_only(
    alice: Member, ana: Contact, signed_in: SignedIn
) -> None:
    found = conflicting(ana)
    client = signed_in(alice)
    accept = ("conflict", digits(ana), found.event.version, "accept")

    asked = shown(client, *accept)
    without = decided(client, *accept)
    before = status(ana.workspace, ana.mobile_number)
    decided(client, *accept, reason="She wrote to us")

    assert "The person opted out by a text" in asked
    assert "Write down why." in without
    assert before == "opted_out"
    assert status(ana.workspace, ana.mobile_number) == "opted_in"
    assert "Keep opted out" not in shown(client)


def test_a_texter_accepts_no_conflict(bob: Member, ana: Contact, signed_in: SignedIn) -> None:
    found = conflicting(ana)
    address = reverse("conflict", args=[digits(ana), found.event.version, "accept"])

    answer = signed_in(bob).post(address, {"reason": "They said so"})

    assert answer.status_code == 403
    assert status(ana.workspace, ana.mobile_number) == "opted_out"


def held(contact: Contact) -> uuid.UUID:
    """Staff opted out, Salesforce took it, and a run found the record opted in again."""
    actions.opt_out(workspace=contact.workspace, number=contact.mobile_number, by=None)
    concluded(contact, ReadBack(claimed(contact).id, True, day(1)))
    run = uuid.uuid4()
    assert read(contact, False, at=day(2), run=run).staged == 1
    return run


@pytest.mark.parametrize(
    ("decision", "after"), [("apply", "opted_in"), ("accept", "opted_in"), ("drop", "opted_out")]
)
def test_held_opt_ins_are_decided_by_an_admin(
    alice: Member, ana: Contact, signed_in: SignedIn, decision: str, after: str
) -> None:
    run = held(ana)
    client = signed_in(alice)

    body = shown(client)
    asked = shown(client, "held_flips", run, decision)
    decided(client, "held_flips", run, decision, reason="The slider was reversed")

    assert "Held: imports that would opt people back in" in body
    assert "Ana García" in asked
    assert status(ana.workspace, ana.mobile_number) == after
    assert not StagedFlip.objects.exists()
    assert AuditEntry.objects.filter(action__startswith="held opt-ins").count() == 1


def test_accepting_held_opt_ins_needs_a_reason(alice: Member, ana: Contact, signed_in: SignedIn) -> None:
    run = held(ana)

    decided(signed_in(alice), "held_flips", run, "accept", reason=" ")

    assert status(ana.workspace, ana.mobile_number) == "opted_out"


def test_what_a_run_under_way_staged_is_not_held_yet(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    a_mapping(rows.contact.workspace)
    run = held(rows.contact)
    ImportRun.objects.filter(pk=rows.run.pk).update(public_id=run, status="running", finished_at=None)

    assert "Held:" not in shown(signed_in(alice))


@pytest.mark.parametrize("role", ["texter", "auditor"])
def test_others_decide_nothing_of_what_is_held(
    bob: Member, dana: Member, ana: Contact, signed_in: SignedIn, role: str
) -> None:
    run = held(ana)
    client = signed_in(bob if role == "texter" else dana)

    answer = client.post(reverse("held_flips", args=[run, "apply"]))

    assert answer.status_code == 403
    assert reverse("held_flips", args=[run, "apply"]) not in shown(client)
    assert StagedFlip.objects.exists()


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
        client.post(reverse("review", args=[digits(other), "not"])).status_code,
        client.post(reverse("conflict", args=[digits(ana), 1, "keep"])).status_code,
    ]

    assert "No edits in June" in body
    assert "Retry</button>" not in body
    assert reverse("review", args=[digits(other), "not"]) not in body
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
        client.get(reverse("review", args=[digits(other), "not"])).status_code,
        client.post(reverse("review", args=[digits(other), "not"])).status_code,
        client.post(reverse("conflict", args=[digits(ana), found.event.version, "keep"])).status_code,
        client.post(reverse("held_flips", args=[uuid.uuid4(), "apply"])).status_code,
    ]

    assert "García" not in body
    assert "Lund" not in body
    assert answers == [404] * 5


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
