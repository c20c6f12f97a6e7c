"""Calls of Twilio are told from others by the examples its documentation and its libraries are tested with."""

import pytest
from django.http import QueryDict

from carillon.messaging.carriers import twilio

TOKEN = "12345"
PARAMS = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def form(params: dict[str, str]) -> QueryDict:
    given = QueryDict(mutable=True)
    given.update(params)
    return given


def test_the_documented_example_is_signed_as_documented() -> None:
    assert twilio.sign(TOKEN, URL, PARAMS) == SIGNATURE
    assert twilio.is_signed(TOKEN, URL, form(PARAMS), SIGNATURE)


@pytest.mark.parametrize(
    "url",
    [
        "http://mycompany.com/myapp.php?foo=1&bar=2",
        "https://mycompany.com/myapp.php?foo=1",
        "https://mycompany.com/myapp.php?bar=2&foo=1",
        "https://mycompany.com/myapp.php/?foo=1&bar=2",
    ],
)
def test_another_address_breaks_it(url: str) -> None:
    assert not twilio.is_signed(TOKEN, url, form(PARAMS), SIGNATURE)


@pytest.mark.parametrize(
    "signature", ["", "RSOYDt4T1cUTdK1PDd93/VVr8B8", "é", "RSOYDt4T1cUTdK1PDd93/VVr8B8=="]
)
def test_what_is_nearly_the_signature_is_none(signature: str) -> None:
    assert not twilio.is_signed(TOKEN, URL, form(PARAMS), signature)


def test_the_order_of_fields_does_not_matter_and_blanks_count() -> None:
    turned = dict(reversed(PARAMS.items()))

    assert twilio.is_signed(TOKEN, URL, form(turned), SIGNATURE)
    assert not twilio.is_signed(TOKEN, URL, form({**PARAMS, "Digits": "1234 "}), SIGNATURE)


def test_the_port_may_stand_in_the_signed_address_or_not() -> None:
    """Twilio leaves out the standard port with https, and keeps it in some older ways."""
    with_port = "https://mycompany.com:443/myapp.php?foo=1&bar=2"

    signature = twilio.sign(TOKEN, with_port, PARAMS)

    assert twilio.is_signed(TOKEN, URL, form(PARAMS), signature)
