"""Variables with a wrong value are named, with how they should look."""

import pytest

from carillon.lib import environment
from carillon.lib.errors import CarillonError

NAME = "CARILLON_TEST_VARIABLE"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", "http://127.0.0.1:8000"),
        ("https://carillon.example.org/", "https://carillon.example.org"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_address_is_taken_without_its_last_slash(
    monkeypatch: pytest.MonkeyPatch, value: str, expected: str
) -> None:
    monkeypatch.setenv(NAME, value)

    assert environment.address(NAME, "http://127.0.0.1:8000") == expected


@pytest.mark.parametrize(
    "value", ["nonsense", "ftp://example.org", "https://", "https://a.org/x", "http://a:b"]
)
def test_what_is_no_address_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)

    with pytest.raises(CarillonError, match=NAME):
        environment.address(NAME, "http://127.0.0.1:8000")


@pytest.mark.parametrize("value", ["-1", "two", "1.5"])
def test_what_is_no_number_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)

    with pytest.raises(CarillonError, match=NAME):
        environment.number(NAME, 0)


def test_a_choice_is_taken_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "debug")

    assert environment.choice(NAME, ("WARNING", "DEBUG"), "WARNING") == "DEBUG"


def test_an_unknown_choice_names_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "LOUD")

    with pytest.raises(CarillonError, match="WARNING, DEBUG"):
        environment.choice(NAME, ("WARNING", "DEBUG"), "WARNING")
