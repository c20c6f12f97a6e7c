"""A text that came in. In one transaction: the text, once for each id of the carrier; what it says about consent; and
the answer to it. Nothing here waits for Salesforce or the carrier."""

from dataclasses import dataclass

from django.db import transaction
from django.http import QueryDict

from carillon.lib.errors import CarillonError
from carillon.messaging.models import Direction, Message, Texting
from carillon.messaging.numbers import LONGEST, as_number
from carillon.messaging.states import State


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
    return message if is_new else None
