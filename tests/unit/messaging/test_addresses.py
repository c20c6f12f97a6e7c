"""Which public addresses a carrier can be given, and how two of them differ in words."""

import pytest

from carillon.lib.errors import CarillonError
from carillon.messaging.addresses import check_origin
from carillon.messaging.webhooks import difference


@pytest.mark.parametrize(
    ("typed", "origin"),
    [
        ("https://carillon.example.org", "https://carillon.example.org"),
        (" HTTPS://Carillon.Example.org/ ", "https://carillon.example.org"),
        ("carillon.example.org", "https://carillon.example.org"),
        ("https://carillon.example.org:8443", "https://carillon.example.org:8443"),
    ],
)
def test_what_is_meant_is_understood(typed: str, origin: str) -> None:
    assert check_origin(typed, allow_local=False) == origin


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "https://",
        "http://carillon.example.org",
        "http://127.0.0.1:8000",
        "https://me:secret@carillon.example.org",
        "https://carillon.example.org/texts",
        "https://carillon.example.org?x=1",
        "https://carillon.example.org:0",
        "https://carillon.example.org:99999",
        "ftp://carillon.example.org",
        "file:///etc/passwd",
        "https://[::1]",
        "https://[",
        "https://exa mple.org",
        "https://carillon..example.org",
        "https://carillon.-.example.org",
        f"https://{64 * 'a'}.example.org",
        f"https://{128 * 'a.'}org",
        "https://carillon.example.org\\@evil.example",
        "javascript:alert(1)",
    ],
)
def test_anything_else_is_refused(typed: str) -> None:
    with pytest.raises(CarillonError):
        check_origin(typed, allow_local=False)


@pytest.mark.parametrize("typed", ["http://127.0.0.1:8000", "http://localhost:8000"])
def test_plain_http_goes_to_this_machine_only_where_it_is_allowed(typed: str) -> None:
    assert check_origin(typed, allow_local=True) == typed
    with pytest.raises(CarillonError):
        check_origin("http://10.0.0.1:8000", allow_local=True)


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ("https://a.example", "https://a.example", ""),
        ("https://a.example:443", "https://a.example", ""),
        ("http://a.example", "https://a.example", "http instead of https"),
        ("https://b.example", "https://a.example", "the host b.example instead of a.example"),
        ("https://a.example:8443", "https://a.example", "port 8443 instead of 443"),
        (
            "http://127.0.0.1:8000",
            "https://a.example",
            "http instead of https, the host 127.0.0.1 instead of a.example, port 8000 instead of 443",
        ),
    ],
)
def test_the_difference_is_told_in_words(one: str, other: str, words: str) -> None:
    assert difference(one, other) == words
