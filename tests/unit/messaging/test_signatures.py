"""Calls of Twilio are told from others by the examples its documentation and its libraries are tested with."""

import hmac
from base64 import b64encode
from hashlib import sha256

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


def test_values_are_signed_once_sorted_and_untrimmed() -> None:
    """As the vendor signs: names sorted, values of a name sorted and each once, empty and blank ones as they are."""
    fields = QueryDict("b=2&a=&b=1&b=2&%C3%A9=%F0%9F%91%8B+%0A&B=x")
    said = "https://mycompany.com/in" + "Bx" + "a" + "b1" + "b2" + "é👋 \n"
    signature = b64encode(hmac.new(TOKEN.encode(), said.encode(), "sha1").digest()).decode()

    assert twilio.is_signed(TOKEN, "https://mycompany.com/in", fields, signature)
    assert not twilio.is_signed(TOKEN, "https://mycompany.com/in", QueryDict("b=2&b=1&a=&B=x"), signature)


@pytest.mark.parametrize("port", [":443", ":8443", ""])
def test_a_port_of_our_own_may_be_left_out_by_the_carrier(port: str) -> None:
    signed = [f"https://mycompany.com{port}/in", "https://mycompany.com/in"]

    for url in signed:
        signature = twilio.sign(TOKEN, url, PARAMS)
        assert twilio.is_signed(TOKEN, f"https://mycompany.com{port}/in", form(PARAMS), signature)
    other = twilio.sign(TOKEN, "https://mycompany.com:9000/in", PARAMS)
    assert not twilio.is_signed(TOKEN, f"https://mycompany.com{port}/in", form(PARAMS), other)


def test_a_hash_of_the_body_in_the_address_is_no_way_around_the_fields() -> None:
    """Twilio signs JSON by a hash in the address, and form fields never: ours are form fields."""
    url = f"https://mycompany.com/in?bodySHA256={sha256(b'').hexdigest()}"
    signature = twilio.sign(TOKEN, url, {})

    assert not twilio.is_signed(TOKEN, url, form(PARAMS), signature)
