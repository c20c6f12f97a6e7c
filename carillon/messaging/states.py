"""The states of an outgoing text. Callbacks of a carrier may come twice and in any order: a state never goes back, and
a final one stays (Twilio: queued, sending, sent, then delivered, undelivered or failed)."""

from django.db import models


class State(models.TextChoices):
    RECEIVED = "received", "Received"
    QUEUED = "queued", "Waiting"
    HANDED_OVER = "handed_over", "Handed over, outcome unknown"
    ACCEPTED = "accepted", "Accepted by the carrier"
    SENDING = "sending", "On its way"
    SENT = "sent", "Sent"
    DELIVERED = "delivered", "Delivered"
    UNDELIVERED = "undelivered", "Not delivered"
    FAILED = "failed", "Failed"
    NOT_SENT = "not_sent", "Not sent"


FINAL = frozenset({State.DELIVERED, State.UNDELIVERED, State.FAILED, State.NOT_SENT})
_RANK = {
    State.QUEUED: 0,
    State.HANDED_OVER: 1,
    State.ACCEPTED: 2,
    State.SENDING: 3,
    State.SENT: 4,
    State.DELIVERED: 5,
    State.UNDELIVERED: 5,
    State.FAILED: 5,
}
# MessageStatus as Twilio spells it.
_TWILIO = {
    "accepted": State.ACCEPTED,
    "scheduled": State.ACCEPTED,
    "queued": State.ACCEPTED,
    "sending": State.SENDING,
    "sent": State.SENT,
    "delivered": State.DELIVERED,
    "read": State.DELIVERED,
    "undelivered": State.UNDELIVERED,
    "failed": State.FAILED,
    "canceled": State.FAILED,
}


def of_twilio(status: str) -> State | None:
    """None for a status we don't know: it says nothing."""
    return _TWILIO.get(status.strip().lower())


def after(current: str, reported: State) -> State:
    """The state of an outgoing text that was `current` when the carrier reported `reported`."""
    known = State(current)
    if known in FINAL or _RANK[reported] <= _RANK[known]:
        return known
    return reported
