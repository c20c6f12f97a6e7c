"""A text that came in. In one transaction: the text, once for each id of the carrier; what it says about consent; and
the answer to it. Nothing here waits for Salesforce or the carrier."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.http import QueryDict

from carillon.accounts.models import Workspace
from carillon.consent import actions as consent
from carillon.consent.models import ConsentEvent, Status
from carillon.contacts.remembered import KeyLost
from carillon.lib.errors import CarillonError
from carillon.messaging import sending
from carillon.messaging.models import Confirms, Direction, Message, Purpose, Texting
from carillon.messaging.numbers import LONGEST, as_number, is_phone
from carillon.messaging.replies import Heard, Reply, meaning_of, reply_to
from carillon.messaging.sending import Answer
from carillon.messaging.states import State

log = logging.getLogger(__name__)

MOST_HELP = 5
HELP_WITHIN = timedelta(hours=1)


class NoText(CarillonError):
    """The call names no text or nobody who sent it."""


@dataclass(frozen=True, slots=True)
class Inbound:
    sid: str
    sender: str
    to: str
    body: str
    media_count: int
    opt_out_type: str


def read(fields: QueryDict) -> Inbound:
    """Raises NoText."""
    sid, sender = fields.get("MessageSid") or fields.get("SmsSid", ""), as_number(fields.get("From", ""))
    if not sid or len(sid) > LONGEST or "\0" in sid or not sender:
        raise NoText("The call names no text, or nobody who sent it, so nothing was kept of it.")
    media = fields.get("NumMedia", "")
    return Inbound(
        sid=sid,
        sender=sender,
        to=as_number(fields.get("To", "")),
        body=fields.get("Body", "").replace("\0", ""),
        media_count=min(int(media), 100) if media.isascii() and media.isdigit() and len(media) < 5 else 0,
        opt_out_type=fields.get("OptOutType", "").strip().upper(),
    )


@transaction.atomic
def receive(texting: Texting, text: Inbound) -> Message | None:
    """The text as it is kept; None when it came before: then nothing is done again."""
    message, is_new = Message.objects.get_or_create(
        workspace_id=texting.workspace_id,
        sid=text.sid,
        defaults={
            "direction": Direction.IN,
            "number": text.sender,
            "our_number": text.to,
            "body": text.body,
            "media_count": text.media_count,
            "state": State.RECEIVED,
        },
    )
    if not is_new:
        return None
    if is_phone(text.sender):
        heard = _heard(texting.workspace, text)
        _answer(texting, message, reply_to(heard, carrier_confirms=texting.confirms == Confirms.CARRIER))
    return message


def _heard(workspace: Workspace, text: Inbound) -> Heard:
    meaning = meaning_of(text.body, text.opt_out_type)
    event = None
    try:
        # A savepoint: the text is kept whatever becomes of this.
        with transaction.atomic():
            event = consent.text_received(
                workspace=workspace, number=text.sender, words=text.body, meaning=meaning, message_id=text.sid
            ).event
    except KeyLost as error:
        # Only what would opt somebody in needs the key: the number stays as it is.
        log.error("A text that opts in was not followed: %s", error.sentence)
    is_news = event is not None and not _was_opted_out(event)
    return Heard(meaning, text.body, is_news, answered=bool(text.opt_out_type))


def _was_opted_out(event_id: int) -> bool:
    """Whether the line before this one left the number opted out."""
    event = ConsentEvent.objects.get(pk=event_id)
    before = ConsentEvent.objects.filter(
        workspace=event.workspace_id, consent=event.consent_id, version=event.version - 1
    )
    return before.filter(status=Status.OPTED_OUT).exists()


def _answer(texting: Texting, message: Message, reply: Reply | None) -> None:
    if reply is Reply.CONFIRMATION:
        sending.queue(texting, message, Answer(Purpose.CONFIRMATION, texting.confirmation_text))
    elif reply is Reply.HELP and not _is_a_machine(message):
        sending.queue(texting, message, Answer(Purpose.HELP, texting.help_text))


def _is_a_machine(message: Message) -> bool:
    """Whoever asks for help so often answers our answers."""
    helped = Message.objects.filter(
        workspace=message.workspace_id,
        number=message.number,
        purpose=Purpose.HELP,
        at__gt=message.at - HELP_WITHIN,
    )
    return helped.count() >= MOST_HELP
