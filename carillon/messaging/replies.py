"""What Carillon texts back by itself: one confirmation of an opt-out, and the answer to HELP, each unless the carrier
gives it. Pure."""

from dataclasses import dataclass
from enum import Enum

from carillon.consent.keywords import Meaning, carriers_meaning, is_yes, understand


class Reply(Enum):
    CONFIRMATION = "confirmation"
    HELP = "help"


# OptOutType: what Twilio's own opt-out handling took the text for, by words the account may have chosen.
_BY_OPT_OUT_TYPE = {"STOP": Meaning.STOP, "START": Meaning.START, "HELP": Meaning.HELP}
_AGAINST_TEXTS = (Meaning.STOP, Meaning.LIKELY_STOP)


@dataclass(frozen=True, slots=True)
class Heard:
    """A text as understood. `is_news`: it is with this text that the person opted out. `answered`: the carrier says that
    it answered."""

    meaning: Meaning
    body: str
    is_news: bool
    answered: bool


@dataclass(frozen=True, slots=True)
class CarrierAnswers:
    """What the carrier answers by itself where somebody texts one of its own words, which are the bare ones."""

    stop: bool
    help: bool


def meaning_of(body: str, opt_out_type: str) -> Meaning:
    """Whoever hears a STOP is right, we or the carrier; else the carrier's word counts where it has one. But a YES opts
    nobody in, whatever the carrier takes it for."""
    ours, theirs = understand(body), _BY_OPT_OUT_TYPE.get(opt_out_type)
    if theirs is None or theirs is Meaning.STOP:
        return theirs or ours
    return ours if ours in _AGAINST_TEXTS or is_yes(body) else theirs


def reply_to(heard: Heard, carrier: CarrierAnswers) -> Reply | None:
    if heard.answered:
        return None
    is_carriers = carriers_meaning(heard.body) is heard.meaning
    if heard.meaning is Meaning.HELP:
        return None if carrier.help and is_carriers else Reply.HELP
    if heard.meaning is not Meaning.STOP or not heard.is_news:
        return None
    return None if carrier.stop and is_carriers else Reply.CONFIRMATION
