"""How pushes end."""

import uuid
from datetime import timedelta

from carillon.accounts.models import Workspace
from carillon.consent.actions import text_received
from carillon.consent.keywords import understand
from carillon.consent.models import ConsentPush, RecordValue
from carillon.consent.pushes import Claimed, claim, retry
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from tests.integration.consent.people import (
    ANN,
    BEA,
    a_contact,
    acknowledge,
    day,
    pushes,
    put_off,
    read,
    refuse,
    status,
)

NO = CarillonError("A validation rule refused it.", "Ask the Salesforce admin.")


def text(workspace: Workspace, words: str, number: str = ANN) -> None:
    text_received(
        workspace=workspace,
        number=number,
        words=words,
        meaning=understand(words),
        message_id=uuid.uuid4().hex,
    )


def claimed(workspace: Workspace, *, hours: int = 0) -> list[Claimed]:
    return claim(workspace_id=workspace.pk, now=now() + timedelta(hours=hours, seconds=1))


def test_a_claimed_push_says_what_to_write_and_is_nobody_elses(workspace: Workspace) -> None:
    contact = a_contact(workspace, ANN)
    text(workspace, "STOP")

    (push,) = claimed(workspace)

    assert (push.salesforce_id, push.field, push.value) == (contact.salesforce_id, "Opted_Out__c", True)
    assert claimed(workspace) == []


def test_read_back_equal_is_acknowledged(workspace: Workspace) -> None:
    contact = a_contact(workspace, ANN)
    text(workspace, "STOP")
    (push,) = claimed(workspace)

    assert acknowledge(push.id, True, day(1)) == "acknowledged"

    held = RecordValue.objects.get(salesforce_id=contact.salesforce_id)
    assert (held.says, held.acknowledged_at, held.sent) == ("opted_out", day(1), "")
    assert pushes(contact, "acknowledged") == ["opted_out"]


def test_read_back_different_is_reverted_and_goes_out_again(workspace: Workspace) -> None:
    contact = a_contact(workspace, ANN)
    text(workspace, "STOP")
    (push,) = claimed(workspace)

    assert acknowledge(push.id, False, day(1)) == "reverted"

    assert pushes(contact, "reverted") == ["opted_out"]
    (again,) = claimed(workspace)
    assert (again.id, again.attempts) == (push.id, 2)


def test_a_refusal_is_shown_and_tried_again_when_asked(workspace: Workspace) -> None:
    a_contact(workspace, ANN)
    text(workspace, "STOP")
    (push,) = claimed(workspace)

    refuse(push.id, NO, now() + timedelta(days=1))

    kept = ConsentPush.objects.get()
    assert (kept.state, kept.error, kept.remedy) == ("failed", NO.sentence, NO.remedy)
    assert claimed(workspace) == []
    assert retry(push_id=push.id, now=now())
    assert [one.id for one in claimed(workspace)] == [push.id]


def test_a_newer_push_waits_for_the_one_under_way(workspace: Workspace) -> None:
    contact = a_contact(workspace, ANN)
    text(workspace, "STOP")
    (first,) = claimed(workspace)
    text(workspace, "START")

    assert claimed(workspace) == []
    acknowledge(first.id, True, day(1))

    (second,) = claimed(workspace)
    assert second.value is False
    assert pushes(contact) == ["opted_out", "opted_in"]


def test_what_was_overtaken_under_way_never_goes_out_again(workspace: Workspace) -> None:
    contact = a_contact(workspace, ANN)
    text(workspace, "STOP")
    (first,) = claimed(workspace)
    text(workspace, "START")

    put_off(first.id)

    assert pushes(contact, "superseded") == ["opted_out"]
    assert [push.value for push in claimed(workspace)] == [False]


def test_after_a_lost_answer_a_start_is_pushed_although_nothing_was_held(workspace: Workspace) -> None:
    """The STOP may be in Salesforce: what the record holds is not known."""
    contact = a_contact(workspace, ANN)
    text(workspace, "STOP")
    (first,) = claimed(workspace)
    put_off(first.id, now() + timedelta(hours=5))

    text(workspace, "START")

    assert pushes(contact, "waiting") == ["opted_in"]


def test_an_opt_out_whose_answer_was_lost_does_not_undo_the_start_after_it(workspace: Workspace) -> None:
    """It was written; an import reads it while the push of the START is under way."""
    contact = a_contact(workspace, ANN)
    text(workspace, "STOP")
    (first,) = claimed(workspace)
    text(workspace, "START")
    put_off(first.id)
    claimed(workspace)

    read(contact, True, at=day(1), by_us=True)

    assert status(workspace, ANN) == "opted_in"


def test_an_opt_out_of_ours_is_no_news_in_the_second_of_the_opt_in(workspace: Workspace) -> None:
    """Both were acknowledged within a second; an import read the record between them."""
    contact = a_contact(workspace, ANN)
    for words, value in (("STOP", True), ("START", False)):
        text(workspace, words)
        (push,) = claimed(workspace)
        acknowledge(push.id, value, day(1))

    read(contact, True, at=day(1), by_us=True)

    assert status(workspace, ANN) == "opted_in"


def test_a_push_whose_worker_died_goes_to_another(workspace: Workspace) -> None:
    a_contact(workspace, ANN)
    text(workspace, "STOP")
    (lost,) = claimed(workspace)

    (found,) = claimed(workspace, hours=1)

    assert (found.id, found.attempts) == (lost.id, 2)


def test_how_it_ended_is_told_once(workspace: Workspace) -> None:
    a_contact(workspace, ANN)
    text(workspace, "STOP")
    (push,) = claimed(workspace)
    acknowledge(push.id, True, day(1))

    assert put_off(push.id) is None
    assert not retry(push_id=push.id, now=now())


def test_workspaces_claim_their_own(workspace: Workspace) -> None:
    other = Workspace.objects.create(name="Alumni")
    a_contact(workspace, BEA)
    text(workspace, "STOP", BEA)

    assert claimed(other) == []
    assert len(claimed(workspace)) == 1
