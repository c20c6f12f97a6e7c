"""What is texted back by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.consent.keywords import Meaning
from carillon.messaging.replies import CarrierAnswers, Heard, Reply, meaning_of, reply_to

NOTHING, EVERYTHING = CarrierAnswers(stop=False, help=False), CarrierAnswers(stop=True, help=True)


@pytest.mark.parametrize(
    ("body", "opt_out_type", "meaning"),
    [
        ("STOP", "", Meaning.STOP),
        ("STOP", "STOP", Meaning.STOP),
        # A word of the account's own, which only the carrier knows.
        ("BAJA", "STOP", Meaning.STOP),
        ("JOIN", "START", Meaning.START),
        ("AIDE", "HELP", Meaning.HELP),
        ("Hello", "", Meaning.NOTHING),
        ("Hello", "SOMETHING", Meaning.NOTHING),
        # A YES answers something else, though carriers take it for START.
        ("Yes!", "START", Meaning.NOTHING),
        ("yes please", "START", Meaning.START),
        # Whoever hears a STOP is right.
        ("STOP", "START", Meaning.STOP),
        ("STOP", "HELP", Meaning.STOP),
        ("please stop texting me", "HELP", Meaning.LIKELY_STOP),
        ("START", "STOP", Meaning.STOP),
    ],
)
def test_the_carriers_word_counts_beside_ours(body: str, opt_out_type: str, meaning: Meaning) -> None:
    assert meaning_of(body, opt_out_type) is meaning


@pytest.mark.parametrize(
    ("meaning", "body", "carrier", "reply"),
    [
        (Meaning.STOP, "STOP", EVERYTHING, None),
        (Meaning.STOP, " stop ", EVERYTHING, None),
        (Meaning.STOP, "Opt-out", EVERYTHING, Reply.CONFIRMATION),
        (Meaning.STOP, "Stop!", EVERYTHING, Reply.CONFIRMATION),
        (Meaning.STOP, "STOP", CarrierAnswers(stop=False, help=True), Reply.CONFIRMATION),
        (Meaning.HELP, "help", EVERYTHING, None),
        (Meaning.HELP, "INFO\n", EVERYTHING, None),
        (Meaning.HELP, "Help!", EVERYTHING, Reply.HELP),
        (Meaning.HELP, "HELP", CarrierAnswers(stop=True, help=False), Reply.HELP),
    ],
)
def test_one_of_the_two_answers(
    meaning: Meaning, body: str, carrier: CarrierAnswers, reply: Reply | None
) -> None:
    assert reply_to(Heard(meaning, body, is_news=True, answered=False), carrier) is reply


CARRIERS = st.builds(CarrierAnswers, stop=st.booleans(), help=st.booleans())


@given(st.sampled_from(Meaning), st.text(), st.booleans(), CARRIERS)
def test_what_the_carrier_answered_is_not_answered_again(
    meaning: Meaning, body: str, is_news: bool, carrier: CarrierAnswers
) -> None:
    assert reply_to(Heard(meaning, body, is_news, answered=True), carrier) is None


@given(st.sampled_from(Meaning), st.text(), CARRIERS)
def test_nothing_is_confirmed_twice(meaning: Meaning, body: str, carrier: CarrierAnswers) -> None:
    reply = reply_to(Heard(meaning, body, is_news=False, answered=False), carrier)

    assert reply is not Reply.CONFIRMATION


@pytest.mark.parametrize("meaning", [Meaning.START, Meaning.LIKELY_STOP, Meaning.NOTHING])
def test_nothing_else_is_answered(meaning: Meaning) -> None:
    assert reply_to(Heard(meaning, "x", is_news=True, answered=False), NOTHING) is None
