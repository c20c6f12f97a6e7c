"""Texts on their way out. A row waits; a worker marks it *handed over* and commits before it calls the carrier. Killed in
between, the row stays handed over for ever and is never sent again by itself: at most one text reaches the person. Only
when nothing surely got to the carrier does a row go back to waiting."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from carillon.consent.models import Consent
from carillon.lib.clock import now
from carillon.messaging import addresses, credentials, reports
from carillon.messaging.carriers import simulated, twilio
from carillon.messaging.carriers.outcomes import Accepted, NotReached, Outcome, Outgoing, Refused
from carillon.messaging.models import CarrierKind, Direction, Message, Purpose, Texting
from carillon.messaging.states import State, after

# From the commit that marks a text as handed over to the call of the carrier. Later, somebody may have opted out.
MOST_SECONDS = 5.0
RETRY = timedelta(seconds=20)
# An answer is for the one who just texted. A confirmation counts as part of the opt-out when it comes within five minutes.
WORTH_SENDING = {Purpose.CONFIRMATION: timedelta(minutes=5), Purpose.HELP: timedelta(hours=1)}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is to be sent by itself, in answer to a text."""

    purpose: Purpose
    body: str


def queue(texting: Texting, answers: Message, answer: Answer) -> Message:
    """Within the transaction of what it answers; a worker is woken once that commits."""
    sender = answers.our_number if answers.our_number in texting.numbers else next(iter(texting.numbers), "")
    text = Message.objects.create(
        workspace_id=texting.workspace_id,
        direction=Direction.OUT,
        number=answers.number,
        our_number=sender,
        body=answer.body,
        state=State.QUEUED,
        purpose=answer.purpose,
        answers=answers,
        try_at=now(),
    )
    transaction.on_commit(lambda: wake_worker(text.pk))
    return text


def wake_worker(message_id: int) -> None:
    with suppress(AlreadyEnqueued):
        app.configure_task("carillon.send_text", queue="urgent", queueing_lock=f"text {message_id}").defer(
            message_id=message_id
        )


def wake_workers_again() -> int:
    """A wake-up can be lost between a commit and its job."""
    waiting = list(Message.objects.filter(state=State.QUEUED, try_at__lte=now()).values_list("pk", flat=True))
    for pk in waiting:
        wake_worker(pk)
    return len(waiting)


def send(message_id: int, seconds: Callable[[], float] = time.monotonic) -> None:
    """Sends a text that waits; any other is left alone. `seconds`: a clock that never goes back."""
    while (text := _hand_over(message_id)) is not None:
        began = seconds()
        texting = Texting.objects.get(workspace=text.workspace_id)
        outgoing, auth_token = _outgoing(texting, text), credentials.auth_token(texting)
        if seconds() - began > MOST_SECONDS:
            # Surely not sent: nobody was called yet.
            _back(text, timedelta())
            continue
        carrier = simulated if texting.carrier == CarrierKind.SIMULATED else twilio
        _note(text, carrier.send(texting.account_sid, auth_token, outgoing))
        return


@transaction.atomic
def _hand_over(message_id: int) -> Message | None:
    """The text, from now on this process's own; None when it is not to be sent."""
    text = Message.objects.select_for_update(of=("self",)).filter(pk=message_id, state=State.QUEUED).first()
    if text is None:
        return None
    at = now()
    if why_not := _why_not(text):
        text.state, text.over_at = why_not, at
    else:
        text.state, text.handed_over_at = State.HANDED_OVER, at
    text.save(update_fields=["state", "handed_over_at", "over_at"])
    return text if text.state == State.HANDED_OVER else None


def _why_not(text: Message) -> State | None:
    """With the consent locked: what it says holds until the text is marked as handed over. To somebody who opted out
    nothing goes but these answers."""
    consent = Consent.objects.select_for_update(of=("self",)).filter(
        workspace=text.workspace_id, number=text.number
    )
    if text.purpose == Purpose.CONFIRMATION and not any(one.is_opted_out for one in consent):
        # Back in meanwhile: it would say the contrary.
        return State.NOT_SENT
    if now() - text.at > WORTH_SENDING[Purpose(text.purpose)]:
        return State.NOT_SENT
    return State.NOT_SENT if reports.is_unusable(text.workspace_id, text.number) else None


def _outgoing(texting: Texting, text: Message) -> Outgoing:
    return Outgoing(
        to=text.number,
        body=text.body,
        status_url=f"{addresses.status_url(texting)}?text={text.public_id}",
        sender=text.our_number,
        service_sid=texting.messaging_service_sid,
    )


def _back(text: Message, wait: timedelta) -> None:
    Message.objects.filter(pk=text.pk, state=State.HANDED_OVER).update(
        state=State.QUEUED, handed_over_at=None, try_at=now() + wait
    )


def _note(text: Message, outcome: Outcome) -> None:
    """Writes down what the carrier said; of an unclear outcome nothing is known, and the text stays handed over."""
    if isinstance(outcome, NotReached):
        _back(text, RETRY)
    elif isinstance(outcome, Refused):
        report = reports.Report(State.FAILED, outcome.code)
        reports.take(text.workspace_id, text.pk, report, number=text.number)
    elif isinstance(outcome, Accepted):
        with transaction.atomic():
            # A callback may have been quicker.
            kept = Message.objects.select_for_update(of=("self",)).filter(pk=text.pk).first()
            if kept is not None:
                kept.sid, kept.state = outcome.sid, after(kept.state, outcome.state)
                kept.save(update_fields=["sid", "state"])
