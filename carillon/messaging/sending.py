"""Texts on their way out. A row waits; a worker marks it *handed over* and commits before it calls the carrier. Killed in
between, the row stays handed over for ever and is never sent again by itself: at most one text reaches the person. Only
when nothing surely got to the carrier does a row go back to waiting."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from carillon.consent import ledger
from carillon.consent.decide import State as Consent
from carillon.contacts.remembered import KeyLost
from carillon.lib import phones
from carillon.lib.clock import now
from carillon.lib.sealing import SealBroken
from carillon.messaging import addresses, credentials, reports
from carillon.messaging.carriers import simulated, twilio
from carillon.messaging.carriers.outcomes import Accepted, NotReached, Outcome, Outgoing, Refused
from carillon.messaging.hours import Hours, may_be_texted_from
from carillon.messaging.leaving import Leaving, Verdict, verdict
from carillon.messaging.models import CarrierKind, Direction, Message, Purpose, Texting
from carillon.messaging.replies import Reply
from carillon.messaging.states import FINAL, State, after

# From the commit that marks a text as handed over to the call of the carrier. Later, somebody may have opted out.
MOST_SECONDS = 5.0
RETRY = timedelta(seconds=20)

log = logging.getLogger(__name__)


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


@dataclass(frozen=True, slots=True)
class _Ready:
    """A text that was handed over, and all that the call needs."""

    text: Message
    texting: Texting
    auth_token: str


def send(message_id: int, seconds: Callable[[], float] = time.monotonic) -> None:
    """Sends a text that waits; any other is left alone. `seconds`: a clock that never goes back."""
    while (ready := _hand_over_or_wait(message_id)) is not None:
        text, texting, began = ready.text, ready.texting, seconds()
        carrier = simulated if texting.carrier == CarrierKind.SIMULATED else twilio
        outgoing = _outgoing(texting, text)
        if seconds() - began > MOST_SECONDS:
            # Surely not sent: nobody was called yet.
            _back(text, timedelta())
            continue
        _note(text, carrier.send(texting.account_sid, ready.auth_token, outgoing))
        return


def _hand_over_or_wait(message_id: int) -> _Ready | None:
    try:
        return _hand_over(message_id)
    except KeyLost as error:
        log.error("A text waits: %s", error.sentence)
        Message.objects.filter(pk=message_id, state=State.QUEUED).update(try_at=now() + RETRY)
        return None


@transaction.atomic
def _hand_over(message_id: int) -> _Ready | None:
    """The text, from now on this process's own; None when it is not to be sent now."""
    waiting = Message.objects.filter(pk=message_id, state=State.QUEUED)
    seen = waiting.only("workspace", "number", "purpose").first()
    if seen is None:
        return None
    # What consent says holds until the text is marked as handed over, also where nobody said anything yet.
    consent = _locked_consent(seen)
    text = waiting.select_for_update(of=("self",)).first()
    if text is None:
        return None
    texting, at = Texting.objects.get(workspace=text.workspace_id), now()
    leaving, auth_token = _leaving(text, consent, texting, at), ""
    decided = verdict(leaving, at)
    if decided is Verdict.NEVER:
        text.state, text.over_at = State.NOT_SENT, at
    elif decided is Verdict.LATER:
        text.try_at = leaving.opens_at
    elif auth_token := _auth_token(texting):
        text.state, text.handed_over_at = State.HANDED_OVER, at
    else:
        text.try_at = at + RETRY
    text.save(update_fields=["state", "handed_over_at", "over_at", "try_at"])
    return _Ready(text, texting, auth_token) if auth_token else None


def _auth_token(texting: Texting) -> str:
    """Empty when it can't be opened; the Texting page says so."""
    try:
        return credentials.auth_token(texting)
    except SealBroken as error:
        log.error("Texts wait: %s", error.sentence)
        return ""


def _locked_consent(text: Message) -> Consent:
    """Raises KeyLost when it can't be known whether somebody with the number was erased."""
    making = [text.number] if text.purpose == Purpose.MEMBER else []
    with connection.cursor() as cursor:
        room = ledger.enter(cursor, text.workspace_id, [text.number], making=making)
        found = room.numbers.get(text.number)
        if found and found.is_new and ledger.erased(text.workspace_id, [text.number]):
            return room.settle([])[text.number].decision.state
    return found.state if found else Consent()


def _leaving(text: Message, consent: Consent, texting: Texting, at: datetime) -> Leaving:
    same = Message.objects.filter(workspace=text.workspace_id, number=text.number, purpose=text.purpose)
    zones = [ZoneInfo(name) for name in phones.time_zones(text.number)]
    return Leaving(
        reply=None if text.purpose == Purpose.MEMBER else Reply(text.purpose),
        since=text.at,
        opens_at=may_be_texted_from(at, zones, Hours(texting.quiet_until, texting.quiet_from)),
        is_opted_out=consent.is_opted_out,
        is_suppressed=consent.is_suppressed,
        is_unusable=reports.is_unusable(text.workspace_id, text.number),
        is_overtaken=text.purpose == Purpose.CONFIRMATION and same.filter(pk__gt=text.pk).exists(),
    )


def _outgoing(texting: Texting, text: Message) -> Outgoing:
    return Outgoing(
        to=text.number,
        body=text.body,
        status_url=f"{addresses.status_url(texting)}?text={text.public_id}",
        sender=text.our_number,
        service_sid=texting.messaging_service_sid,
    )


def _back(text: Message, wait: timedelta, why: int | None = None) -> None:
    Message.objects.filter(pk=text.pk, state=State.HANDED_OVER).update(
        state=State.QUEUED, handed_over_at=None, try_at=now() + wait, error_code=why
    )


def _note(text: Message, outcome: Outcome) -> None:
    """Writes down what the carrier said; of an unclear outcome nothing is known, and the text stays handed over."""
    if isinstance(outcome, NotReached):
        _back(text, RETRY, outcome.code)
    elif isinstance(outcome, Refused):
        report = reports.Report(State.FAILED, outcome.code)
        reports.take(text.workspace_id, text.pk, report, number=text.number)
    elif isinstance(outcome, Accepted):
        with transaction.atomic():
            # A callback may have been quicker.
            kept = Message.objects.select_for_update(of=("self",)).filter(pk=text.pk).first()
            if kept is not None:
                kept.sid, kept.state = outcome.sid, after(kept.state, outcome.state)
                kept.error_code = kept.error_code if kept.state in FINAL else None
                kept.save(update_fields=["sid", "state", "error_code"])
