"""A text is handed over at most once, whatever happens on the way."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django.fixtures import Settings

from carillon.accounts.models import Workspace
from carillon.consent import actions as consent
from carillon.consent.keywords import Meaning, understand
from carillon.contacts.models import RecogniserKey
from carillon.lib.clock import now
from carillon.messaging import actions, queries, sending
from carillon.messaging.models import Message, Purpose, Texting, UnusableNumber
from carillon.messaging.sending import Answer
from carillon.messaging.states import State
from carillon.web.people import erase
from tests.integration.messaging.conftest import PERSON, Carrier
from tests.integration.messaging.twilio_like import TwilioLike, serving
from tests.integration.web.conftest import add_contact

ACCOUNT = "AC" + "0123456789abcdef" * 2
SERVICE = "MG" + "0123456789abcdef" * 2


@pytest.fixture
def twilio(settings: Settings) -> Iterator[TwilioLike]:
    with serving() as told:
        settings.TWILIO_API = told.url
        yield told


@pytest.fixture
def with_twilio(workspace: Workspace) -> Texting:
    draft = actions.TextingDraft(
        carrier="twilio",
        public_url="https://texts.campus.example",
        help_text="Ask help@campus.example.",
        confirmation_text="No more texts.",
        account_sid=ACCOUNT,
        auth_token="hush-hush",
        numbers=("(202) 555-0100", "+12025550101"),
    )
    return actions.save_texting(workspace=workspace, draft=draft, by=None)


def queued(texting: Texting, *, to: str = "+12025550101", purpose: Purpose = Purpose.HELP) -> Message:
    came = Message.objects.create(
        workspace=texting.workspace,
        direction="in",
        sid=f"SM{Message.objects.count()}",
        number=PERSON,
        our_number=to,
        state=State.RECEIVED,
    )
    with transaction.atomic():
        return sending.queue(texting, came, Answer(purpose, "Ask us."))


def state(text: Message) -> str:
    text.refresh_from_db()
    return text.state


def test_twilio_is_given_what_it_needs(twilio: TwilioLike, with_twilio: Texting) -> None:
    text = queued(with_twilio)

    sending.send(text.pk)

    (path, signed_in, fields) = twilio.calls[0]
    token = with_twilio.path_token
    assert path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert signed_in == f"{ACCOUNT}:hush-hush"
    assert fields == {
        "To": PERSON,
        "From": "+12025550101",
        "Body": "Ask us.",
        "StatusCallback": f"https://texts.campus.example/carriers/twilio/status/{token}?text={text.public_id}",
    }
    assert (state(text), text.sid) == ("accepted", "SM77")
    assert text.handed_over_at is not None


def test_an_answer_comes_from_the_number_that_was_texted_or_from_the_first(with_twilio: Texting) -> None:
    assert queued(with_twilio, to="+12025550101").our_number == "+12025550101"
    assert queued(with_twilio, to="+12025550999").our_number == "+12025550100"


def test_a_messaging_service_chooses_the_number_itself(
    twilio: TwilioLike, workspace: Workspace, with_twilio: Texting
) -> None:
    Texting.objects.update(messaging_service_sid=SERVICE)

    sending.send(queued(with_twilio).pk)

    assert twilio.calls[0][2]["MessagingServiceSid"] == SERVICE
    assert "From" not in twilio.calls[0][2]


def test_a_text_is_handed_over_once_however_many_jobs_come(twilio: TwilioLike, with_twilio: Texting) -> None:
    text, twilio.seconds = queued(with_twilio), 0.2

    def work(_: int) -> None:
        try:
            sending.send(text.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(8)))
    sending.send(text.pk)

    assert len(twilio.calls) == 1


def test_a_text_whose_worker_was_killed_is_never_sent_again(twilio: TwilioLike, with_twilio: Texting) -> None:
    text = queued(with_twilio)
    Message.objects.filter(pk=text.pk).update(state=State.HANDED_OVER, handed_over_at=now())

    sending.send(text.pk)

    assert sending.wake_workers_again() == 0
    assert twilio.calls == []
    assert state(text) == "handed_over"


def test_an_answer_that_never_came_leaves_the_outcome_unknown(
    twilio: TwilioLike, with_twilio: Texting
) -> None:
    text, twilio.hang_up = queued(with_twilio), True

    sending.send(text.pk)
    sending.send(text.pk)

    assert len(twilio.calls) == 1
    assert state(text) == "handed_over"


@pytest.mark.parametrize(("status", "body"), [(500, {}), (503, {}), (200, {}), (201, {"sid": 5})])
def test_an_answer_without_sense_leaves_the_outcome_unknown(
    twilio: TwilioLike, with_twilio: Texting, status: int, body: dict[str, object]
) -> None:
    text, twilio.status, twilio.body = queued(with_twilio), status, body

    sending.send(text.pk)

    assert state(text) == "handed_over"


def test_what_surely_did_not_get_there_is_tried_again(
    settings: Settings, twilio: TwilioLike, with_twilio: Texting
) -> None:
    text, right = queued(with_twilio), settings.TWILIO_API
    settings.TWILIO_API = "http://127.0.0.1:9"

    sending.send(text.pk)
    assert state(text) == "queued"
    assert text.try_at is not None
    assert text.try_at > now()
    settings.TWILIO_API = right
    sending.send(text.pk)

    assert state(text) == "accepted"


def test_a_busy_carrier_is_asked_again_later(twilio: TwilioLike, with_twilio: Texting) -> None:
    text = queued(with_twilio)
    twilio.refuse(429, 20429)

    sending.send(text.pk)

    assert (state(text), text.handed_over_at) == ("queued", None)


@pytest.mark.parametrize(("code", "unusable"), [(21211, True), (21614, True), (21606, False)])
def test_what_the_carrier_refuses_has_failed(
    twilio: TwilioLike, with_twilio: Texting, code: int, unusable: bool
) -> None:
    text = queued(with_twilio)
    twilio.refuse(400, code)

    sending.send(text.pk)

    assert (state(text), text.error_code) == ("failed", code)
    assert UnusableNumber.objects.exists() is unusable


def test_a_code_that_is_none_is_left_out(twilio: TwilioLike, with_twilio: Texting) -> None:
    for code in (-1, 10**30, True, "21610", None):
        text = queued(with_twilio)
        twilio.status, twilio.body = 400, {"code": code}

        sending.send(text.pk)

        assert (state(text), text.error_code) == ("failed", None)


def test_a_wrong_auth_token_leaves_texts_waiting_and_says_so(
    twilio: TwilioLike, with_twilio: Texting
) -> None:
    text = queued(with_twilio)
    twilio.refuse(401, 20003)
    sending.send(text.pk)

    assert (state(text), text.error_code) == ("queued", 20003)
    assert "does not accept" in queries.outbox(with_twilio.workspace, now()).trouble
    twilio.status, twilio.body = 201, {"sid": "SM77", "status": "queued"}
    sending.send(text.pk)
    assert (state(text), text.error_code) == ("accepted", None)
    assert queries.outbox(with_twilio.workspace, now()).trouble == ""


def test_a_token_that_cannot_be_opened_leaves_texts_waiting(twilio: TwilioLike, with_twilio: Texting) -> None:
    text, sealed = queued(with_twilio), with_twilio.auth_token_sealed
    Texting.objects.update(auth_token_sealed="of another key")

    sending.send(text.pk)
    assert (state(text), twilio.calls) == ("queued", [])
    assert "cannot be opened" in queries.outbox(with_twilio.workspace, now()).trouble
    Texting.objects.update(auth_token_sealed=sealed)
    sending.send(text.pk)

    assert state(text) == "accepted"


def of_a_member(texting: Texting, number: str = PERSON) -> Message:
    return Message.objects.create(
        workspace=texting.workspace,
        direction="out",
        number=number,
        state=State.QUEUED,
        purpose=Purpose.MEMBER,
        try_at=now(),
    )


@pytest.fixture
def at_any_hour(with_twilio: Texting) -> None:
    Texting.objects.update(quiet_until=0, quiet_from=24)


@pytest.mark.usefixtures("at_any_hour")
@pytest.mark.parametrize("words", ["STOP", "please stop texting me"])
def test_a_members_text_goes_to_nobody_who_opted_out(
    twilio: TwilioLike, with_twilio: Texting, words: str
) -> None:
    first, second = of_a_member(with_twilio), of_a_member(with_twilio)
    sending.send(first.pk)
    consent.text_received(
        workspace=with_twilio.workspace,
        number=PERSON,
        words=words,
        meaning=understand(words),
        message_id="SM1",
    )

    sending.send(second.pk)

    assert (state(first), state(second), len(twilio.calls)) == ("accepted", "not_sent", 1)


@pytest.mark.usefixtures("at_any_hour")
@pytest.mark.parametrize(("key_is_lost", "expected"), [(False, "not_sent"), (True, "queued")])
def test_a_members_text_goes_to_nobody_who_was_erased(
    twilio: TwilioLike, with_twilio: Texting, key_is_lost: bool, expected: str
) -> None:
    zoe = add_contact(with_twilio.workspace, 1, "Zoë", "Okafor")
    erase(workspace=with_twilio.workspace, salesforce_id=zoe.salesforce_id, by=None)
    text = of_a_member(with_twilio, zoe.mobile_number)
    if key_is_lost:
        RecogniserKey.objects.update(sealed_key="of another key")

    sending.send(text.pk)

    assert (state(text), twilio.calls) == (expected, [])


@pytest.mark.usefixtures("at_any_hour")
def test_a_stop_under_way_is_waited_for(twilio: TwilioLike, with_twilio: Texting) -> None:
    """Also the first that is ever heard of a number: there is no consent to lock before it."""
    text = of_a_member(with_twilio)
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        consent.carrier_blocks(workspace=with_twilio.workspace, number=PERSON)
        sender = pool.submit(sent_in_a_thread, text.pk)
        time.sleep(0.3)
        assert not sender.done()
    sender.result()

    assert (state(text), twilio.calls) == ("not_sent", [])


def sent_in_a_thread(pk: int) -> None:
    try:
        sending.send(pk)
    finally:
        connection.close()


def test_a_members_text_waits_for_the_hours_and_an_answer_does_not(
    twilio: TwilioLike, with_twilio: Texting
) -> None:
    local = now().astimezone(ZoneInfo("America/New_York"))
    # An hour that is not now, in New York.
    begin = (local.hour + 12) % 24
    Texting.objects.update(quiet_until=begin, quiet_from=begin + 1)
    text, answer = of_a_member(with_twilio), queued(with_twilio)

    sending.send(text.pk)
    sending.send(answer.pk)

    assert (state(text), state(answer)) == ("queued", "accepted")
    assert text.try_at is not None
    assert text.try_at.astimezone(local.tzinfo).hour == begin
    assert sending.wake_workers_again() == 0


def test_nothing_goes_to_a_number_nobody_can_be_texted_at(twilio: TwilioLike, with_twilio: Texting) -> None:
    UnusableNumber.objects.create(workspace=with_twilio.workspace, number=PERSON, error_code=30006)
    text = queued(with_twilio)

    sending.send(text.pk)

    assert (state(text), twilio.calls) == ("not_sent", [])


@pytest.mark.parametrize(("purpose", "minutes"), [(Purpose.CONFIRMATION, 6), (Purpose.HELP, 61)])
def test_an_answer_that_waited_too_long_is_not_sent(
    twilio: TwilioLike, with_twilio: Texting, purpose: Purpose, minutes: int
) -> None:
    text = queued(with_twilio, purpose=purpose)
    Message.objects.filter(pk=text.pk).update(at=now() - timedelta(minutes=minutes))

    sending.send(text.pk)

    assert (state(text), twilio.calls) == ("not_sent", [])


def test_a_process_that_stood_still_looks_again_before_it_calls(
    twilio: TwilioLike, with_twilio: Texting
) -> None:
    """Ten seconds pass between the commit and the call, and meanwhile the person comes back in."""
    consent.carrier_blocks(workspace=with_twilio.workspace, number=PERSON)
    text, ticks = queued(with_twilio, purpose=Purpose.CONFIRMATION), count(0, 10)

    def clock() -> float:
        if (tick := next(ticks)) == 10:
            consent.text_received(
                workspace=with_twilio.workspace,
                number=PERSON,
                words="START",
                meaning=Meaning.START,
                message_id="SM99",
            )
        return float(tick)

    sending.send(text.pk, seconds=clock)

    assert (state(text), twilio.calls) == ("not_sent", [])


def test_a_process_that_is_quick_enough_looks_once(twilio: TwilioLike, with_twilio: Texting) -> None:
    text, ticks = queued(with_twilio), count(0, 4)

    sending.send(text.pk, seconds=lambda: float(next(ticks)))

    assert len(twilio.calls) == 1


def test_a_job_wakes_a_worker_once_the_text_is_committed(with_twilio: Texting) -> None:
    text = queued(with_twilio)

    with connection.cursor() as cursor:
        cursor.execute("select queue_name, task_name, args from procrastinate_jobs")
        jobs = cursor.fetchall()
    assert [(job[0], job[1]) for job in jobs] == [("urgent", "carillon.send_text")]
    assert str(text.pk) in str(jobs[0][2])


def test_a_lost_wake_up_is_made_up_for(with_twilio: Texting) -> None:
    queued(with_twilio)
    with connection.cursor() as cursor:
        cursor.execute("delete from procrastinate_jobs")

        assert sending.wake_workers_again() == 1
        cursor.execute("select count(*) from procrastinate_jobs")
        assert cursor.fetchone() == (1,)


def test_the_simulated_carrier_reports_what_became_of_a_text(carrier: Carrier) -> None:
    text = queued(carrier.texting)

    sending.send(text.pk)

    assert state(text) == "delivered"
    assert (text.sid or "").startswith("SM")


def test_the_database_knows_one_answer_to_a_text(with_twilio: Texting) -> None:
    text = queued(with_twilio)
    assert text.answers is not None

    with pytest.raises(IntegrityError), transaction.atomic():
        sending.queue(with_twilio, text.answers, Answer(Purpose.HELP, "Again."))


def test_the_database_knows_that_what_left_was_handed_over(with_twilio: Texting) -> None:
    text = queued(with_twilio)

    with pytest.raises(IntegrityError), transaction.atomic():
        Message.objects.filter(pk=text.pk).update(state=State.SENT)
