"""Numbers as carriers write them meet the numbers of contacts, as those were typed."""

import pytest

from carillon.lib import phones
from carillon.messaging.numbers import as_number, is_phone


@pytest.mark.parametrize(
    ("sent", "typed", "region"),
    [
        ("+5215512345678", "55 1234 5678", "MX"),
        ("+525512345678", "044 55 1234 5678", "MX"),
        ("whatsapp:+5215512345678", "+52 55 1234 5678", "US"),
        ("+5491123456789", "011 15-2345-6789", "AR"),
        ("whatsapp:+5491123456789", "+54 9 11 2345 6789", "US"),
        ("+12125550001", "(212) 555-0001", "US"),
        ("rcs:12125550001", "212.555.0001", "US"),
    ],
)
def test_a_sender_has_the_number_of_the_contact(sent: str, typed: str, region: str) -> None:
    assert as_number(sent, region) == phones.parse(typed, region).e164


@pytest.mark.parametrize("sent", ["+5210123456789", "+99912345678", "+266696687", "+7378742833"])
def test_a_number_that_no_plan_has_stays_as_the_carrier_wrote_it(sent: str) -> None:
    assert as_number(sent, "US") == sent


@pytest.mark.parametrize("sent", ["55555", "MyBank", "anonymous", "client:bob", "+266696687"])
def test_who_is_no_telephone_stays_as_given(sent: str) -> None:
    assert as_number(sent, "US") == sent
    assert not is_phone(sent)
