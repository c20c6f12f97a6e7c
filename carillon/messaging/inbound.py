"""A text that came in. In one transaction: the text, once for each id of the carrier; what it says about consent; and
the answer to it. Nothing here waits for Salesforce or the carrier."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.http import QueryDict

from carillon.accounts.models import Workspace
from carillon.consent import actions as consent
from carillon.consent.keywords import Meaning
from carillon.contacts.remembered import KeyLost
from carillon.lib.errors import CarillonError
from carillon.messaging import queries, sending
from carillon.messaging.deadlocks import done_anew
from carillon.messaging.models import Direction, Message, Purpose, Texting
from carillon.messaging.numbers import LONGEST, as_number, is_phone
from carillon.messaging.replies import Heard, Reply, meaning_of, reply_to
from carillon.messaging.sending import Answer
from carillon.messaging.states import State

log = logging.getLogger(__name__)

ABOUT_CONSENT = frozenset({Meaning.STOP, Meaning.START, Meaning.LIKELY_STOP})
# Answers to HELP that one number gets.
MOST_HELP = 5
HELP_WITHIN = timedelta(hours=1)

# Whoever texts has a number that can be texted.
_KEEP = """
with kept as (
    insert into messaging_message (public_id, workspace_id, sid, direction, number, our_number, body, media_count, state,
        at, purpose)
    values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '') on conflict (workspace_id, sid) do nothing
    returning id, workspace_id, number
), usable as (
    delete from messaging_unusablenumber u using kept where u.workspace_id = kept.workspace_id and u.number = kept.number
)
select id from kept
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


def read(fields: QueryDict, region: str) -> Inbound:
    """`region` is where numbers without a country code belong. Raises NoText."""
    sid, sender = (
        fields.get("MessageSid") or fields.get("SmsSid", ""),
        as_number(fields.get("From", ""), region),
    )
    if not sid or len(sid) > LONGEST or "\0" in sid or not sender:
        raise NoText("The call names no text, or nobody who sent it, so nothing was kept of it.")
    media = fields.get("NumMedia", "")
    return Inbound(
        sid=sid,
        sender=sender,
        to=as_number(fields.get("To", ""), region),
        body=fields.get("Body", "").replace("\0", ""),
        media_count=min(int(media), 100) if media.isascii() and media.isdigit() and len(media) < 5 else 0,
        opt_out_type=fields.get("OptOutType", "").strip().upper(),
    )


@done_anew
def receive(texting: Texting, text: Inbound) -> Message | None:
    """The text as it is kept; None when it came before: then nothing is done again."""
    message = _kept(texting, text)
    if message is not None and is_phone(text.sender):
        heard = _heard(texting.workspace, text)
        _answer(texting, message, reply_to(heard, queries.carrier_answers(texting)))
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
    meaning = meaning_of(text.body, text.opt_out_type)
    is_news = meaning in ABOUT_CONSENT and _changes_consent(workspace, text, meaning)
    return Heard(meaning, text.body, is_news, answered=bool(text.opt_out_type))


def _changes_consent(workspace: Workspace, text: Inbound, meaning: Meaning) -> bool:
    try:
        # It has a savepoint of its own: the text is kept whatever becomes of this.
        return consent.text_received(
            workspace=workspace, number=text.sender, words=text.body, meaning=meaning, message_id=text.sid
        ).is_news
    except KeyLost as error:
        # Only what would opt somebody in needs the key: the number stays as it is, and the text is kept.
        log.error("A text that opts in was not followed: %s", error.sentence)
        return False


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
