"""Status callbacks: states never go back, and some errors say something about the number."""

import pytest

from carillon.accounts.models import Workspace
from carillon.lib.clock import now
from carillon.messaging import queries
from carillon.messaging.models import Message, UnusableNumber
from carillon.messaging.states import State
from tests.integration.messaging.conftest import PERSON, Carrier


@pytest.fixture
def sent(carrier: Carrier) -> Message:
    return Message.objects.create(
        workspace=carrier.texting.workspace,
        direction="out",
        sid="SM1",
        number=PERSON,
        body="Hello",
        state=State.ACCEPTED,
        purpose="help",
        handed_over_at=now(),
    )


def state(text: Message) -> str:
    text.refresh_from_db()
    return text.state


def test_reports_move_a_text_forward_in_any_order(carrier: Carrier, sent: Message) -> None:
    seen = []
    for status in ("sent", "queued", "delivered", "sending", "sent", "failed"):
        assert carrier.report(status, MessageSid="SM1").status_code == 204
        seen.append(state(sent))

    assert seen == ["sent", "sent", "delivered", "delivered", "delivered", "delivered"]
    assert sent.over_at is not None


@pytest.mark.parametrize("code", ["21211", "21614", "21635", "30006"])
def test_some_errors_mark_the_number_as_unusable(
    carrier: Carrier, sent: Message, workspace: Workspace, code: str
) -> None:
    carrier.report("undelivered", MessageSid="SM1", ErrorCode=code)

    found = queries.unusable(workspace, PERSON)
    assert found is not None
    assert found.error_code == int(code)
    assert (state(sent), sent.error_code) == ("undelivered", int(code))


@pytest.mark.parametrize("code", ["30003", "30008", "", "banana", "9" * 30])
def test_other_errors_do_not(carrier: Carrier, sent: Message, code: str) -> None:
    carrier.report("undelivered", MessageSid="SM1", ErrorCode=code)

    assert state(sent) == "undelivered"
    assert not UnusableNumber.objects.exists()


def test_a_report_that_comes_before_the_id_is_known_finds_its_text(carrier: Carrier, sent: Message) -> None:
    """As when the worker was killed after the carrier took the text, and before it wrote the id down."""
    Message.objects.filter(pk=sent.pk).update(sid=None, state=State.HANDED_OVER)

    carrier.report("delivered", query=f"?text={sent.public_id}", MessageSid="SM2")

    assert state(sent) == "delivered"
    assert sent.sid == "SM2"


def test_a_query_the_carrier_did_not_sign_is_refused(carrier: Carrier, sent: Message) -> None:
    fields = {"AccountSid": carrier.texting.account_sid, "MessageStatus": "failed", "MessageSid": "SM1"}
    url = f"{carrier.texting.public_url}/carriers/twilio/status/{carrier.texting.path_token}"
    signed = carrier.sign(url, fields)

    answer = carrier.post(fields, f"{url}?text={sent.public_id}", **signed)

    assert answer.status_code == 403
    assert state(sent) == "accepted"


def test_an_odd_id_is_taken_and_found_nowhere(carrier: Carrier, sent: Message) -> None:
    for sid in ("", "SM\0", "x" * 200):
        assert carrier.report("failed", MessageSid=sid).status_code == 204

    assert state(sent) == "accepted"


@pytest.mark.parametrize("status", ["teleported", ""])
def test_a_status_nobody_knows_says_nothing(carrier: Carrier, sent: Message, status: str) -> None:
    assert carrier.report(status, MessageSid="SM1").status_code == 204
    assert state(sent) == "accepted"


def test_a_report_on_a_text_nobody_knows_is_taken(carrier: Carrier, sent: Message) -> None:
    assert carrier.report("delivered", MessageSid="SM9", query="?text=nonsense").status_code == 204
    assert state(sent) == "accepted"
