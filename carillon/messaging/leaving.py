"""May a text that waits leave now? Nothing goes to a number that opted out or is suppressed, but the answers to what the
person just texted. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from carillon.messaging.replies import Reply

# An answer is for the one who just texted. A confirmation counts as part of the opt-out when it comes within five minutes.
WORTH_SENDING = {Reply.CONFIRMATION: timedelta(minutes=5), Reply.HELP: timedelta(hours=1)}


class Verdict(Enum):
    NOW = "now"
    LATER = "later"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Leaving:
    """A text that waits since `since`, and its number. `reply` None is a text of a member. `is_suppressed`: likely opted
    out. `is_unusable`: nobody can be texted there. `is_overtaken`: a newer text says the same. `opens_at`: when the
    number may be texted."""

    reply: Reply | None
    since: datetime
    opens_at: datetime
    is_opted_out: bool = False
    is_suppressed: bool = False
    is_unusable: bool = False
    is_overtaken: bool = False


def verdict(text: Leaving, now: datetime) -> Verdict:
    if text.is_unusable or text.is_overtaken:
        return Verdict.NEVER
    if text.reply is None:
        if text.is_opted_out or text.is_suppressed:
            return Verdict.NEVER
        return Verdict.NOW if text.opens_at <= now else Verdict.LATER
    if text.reply is Reply.CONFIRMATION and not text.is_opted_out:
        # Back in meanwhile: it would say the contrary.
        return Verdict.NEVER
    return Verdict.NOW if now - text.since <= WORTH_SENDING[text.reply] else Verdict.NEVER
