"""What is texted back by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.consent.keywords import Meaning
from carillon.messaging.replies import Heard, Reply, meaning_of, reply_to


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
    ("body", "carrier_confirms", "reply"),
    [
        ("STOP", True, None),
        (" stop ", True, None),
        ("Opt-out", True, Reply.CONFIRMATION),
        ("Stop!", True, Reply.CONFIRMATION),
        ("STOP", False, Reply.CONFIRMATION),
    ],
)
def test_one_of_the_two_confirms(body: str, carrier_confirms: bool, reply: Reply | None) -> None:
    heard = Heard(Meaning.STOP, body, is_news=True, answered=False)

    assert reply_to(heard, carrier_confirms=carrier_confirms) is reply


@given(st.sampled_from(Meaning), st.text(), st.booleans(), st.booleans())
def test_what_the_carrier_answered_is_not_answered_again(
    meaning: Meaning, body: str, is_news: bool, carrier_confirms: bool
) -> None:
    heard = Heard(meaning, body, is_news, answered=True)

    assert reply_to(heard, carrier_confirms=carrier_confirms) is None


@given(st.sampled_from(Meaning), st.text(), st.booleans())
def test_nothing_is_confirmed_twice(meaning: Meaning, body: str, carrier_confirms: bool) -> None:
    reply = reply_to(Heard(meaning, body, is_news=False, answered=False), carrier_confirms=carrier_confirms)

    assert reply is not Reply.CONFIRMATION


@pytest.mark.parametrize("meaning", [Meaning.START, Meaning.LIKELY_STOP, Meaning.NOTHING])
def test_nothing_else_is_answered(meaning: Meaning) -> None:
    assert reply_to(Heard(meaning, "x", is_news=True, answered=False), carrier_confirms=False) is None


def test_help_is_answered_by_us_unless_the_carrier_did() -> None:
    assert reply_to(Heard(Meaning.HELP, "HELP", False, False), carrier_confirms=True) is Reply.HELP
