"""A text that came in. In one transaction: the text, once for each id of the carrier; what it says about consent; and
the answer to it. Nothing here waits for Salesforce or the carrier."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction
from django.http import QueryDict

from carillon.accounts.models import Workspace
from carillon.consent import actions as consent
from carillon.consent.keywords import Meaning
from carillon.consent.models import Status
from carillon.contacts.remembered import KeyLost
from carillon.lib.errors import CarillonError
from carillon.messaging import sending
from carillon.messaging.models import Confirms, Direction, Message, Purpose, Texting
from carillon.messaging.numbers import LONGEST, as_number, is_phone
from carillon.messaging.replies import Heard, Reply, meaning_of, reply_to
from carillon.messaging.sending import Answer
from carillon.messaging.states import State

log = logging.getLogger(__name__)

ABOUT_CONSENT = frozenset({Meaning.STOP, Meaning.START, Meaning.LIKELY_STOP})
# Answers to HELP that one number gets.
MOST_HELP = 5
HELP_WITHIN = timedelta(hours=1)

_KEEP = """
insert into messaging_message (public_id, workspace_id, sid, direction, number, our_number, body, media_count, state, at,
    purpose)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '') on conflict (workspace_id, sid) do nothing returning id
"""
_STATUS_BEFORE = """
select b.status from consent_consentevent e
join consent_consentevent b
    on b.workspace_id = e.workspace_id and b.consent_id = e.consent_id and b.version = e.version - 1
where e.id = %s
"""


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
    message = _kept(texting, text)
    if message is not None and is_phone(text.sender):
        heard = _heard(texting.workspace, text)
        _answer(texting, message, reply_to(heard, carrier_confirms=texting.confirms == Confirms.CARRIER))
    return message


def _kept(texting: Texting, text: Inbound) -> Message | None:
    """In one statement, which waits for another that has the same id until that one's transaction is over."""
    message = Message(
        workspace_id=texting.workspace_id,
        sid=text.sid,
        direction=Direction.IN,
        number=text.sender,
        our_number=text.to,
        body=text.body,
        media_count=text.media_count,
        state=State.RECEIVED,
    )
    columns = ("public_id", "workspace_id", "sid", "direction", "number", "our_number", "body", "media_count")
    values = [getattr(message, name) for name in (*columns, "state", "at")]
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, values)
        row = cursor.fetchone()
    if row is None:
        return None
    message.pk = row[0]
    return message


def _heard(workspace: Workspace, text: Inbound) -> Heard:
    meaning, event = meaning_of(text.body, text.opt_out_type), None
    if meaning in ABOUT_CONSENT:
        event = _recorded(workspace, text, meaning)
    is_news = meaning is Meaning.STOP and event is not None and not _was_opted_out(event)
    return Heard(meaning, text.body, is_news, answered=bool(text.opt_out_type))


def _recorded(workspace: Workspace, text: Inbound, meaning: Meaning) -> int | None:
    try:
        # It has a savepoint of its own: the text is kept whatever becomes of this.
        return consent.text_received(
            workspace=workspace, number=text.sender, words=text.body, meaning=meaning, message_id=text.sid
        ).event
    except KeyLost as error:
        # Only what would opt somebody in needs the key: the number stays as it is.
        log.error("A text that opts in was not followed: %s", error.sentence)
        return None


def _was_opted_out(event_id: int) -> bool:
    """Whether the line before this one left the number opted out."""
    with connection.cursor() as cursor:
        cursor.execute(_STATUS_BEFORE, [event_id])
        row = cursor.fetchone()
    return row is not None and row[0] == Status.OPTED_OUT


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
