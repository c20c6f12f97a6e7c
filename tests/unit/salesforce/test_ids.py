from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.salesforce.errors import SalesforceError
from carillon.salesforce.ids import InvalidId, as_typed, prefix_of, same, to_18

LETTERS = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", min_size=15, max_size=15)


# Pairs seen in answers of real orgs.
@pytest.mark.parametrize("full", ["001b000003QSlaTAAT", "00BD0000005WcBeMAK", "003dM00001vWOXJQA4"])
def test_the_suffix_is_the_one_salesforce_gives(full: str) -> None:
    assert to_18(full[:15]) == full
    assert to_18(full) == full


@pytest.mark.parametrize(
    "text",
    [
        "",
        "001b000003QSla",
        "001b000003QSlaTA",
        "001b000003QSlaTAAU",
        "001b000003QSlaTaat",
        "001b000003QSlaT' OR",
        "001b000003QSla٣",
        "001b000003QSlaT\n",
        " 001b000003QSlaT",
    ],
)
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidId) as caught:
        to_18(text)

    assert isinstance(caught.value, SalesforceError)
    assert caught.value.remedy


def test_an_unprintable_text_is_not_shown() -> None:
    assert "\x00" not in str(InvalidId("\x00"))


@given(LETTERS)
def test_an_id_of_18_characters_is_its_own_form(base: str) -> None:
    full = to_18(base)

    assert to_18(full) == full
    assert full.startswith(base)
    assert same(base, full)


@given(LETTERS)
def test_ids_that_differ_in_case_only_are_different_records(base: str) -> None:
    other = base.swapcase()

    assert same(base, other) == (base == other)
    assert (to_18(base).lower() == to_18(other).lower()) == (base == other)


def test_the_prefix_names_the_object() -> None:
    assert prefix_of("003dM00001vWOXJ") == "003"


@given(LETTERS, st.sampled_from([str.upper, str.lower, str.swapcase, str]), st.sampled_from(["{}", " {}\n"]))
def test_an_id_of_18_characters_is_known_in_any_case(
    base: str, cased: Callable[[str], str], around: str
) -> None:
    """Some programs write all in capitals; the suffix says what was one."""
    assert as_typed(around.format(cased(to_18(base)))) == to_18(base)


@given(LETTERS)
def test_an_id_of_15_characters_is_taken_as_typed(base: str) -> None:
    assert as_typed(f" {base}") == to_18(base)


@pytest.mark.parametrize(
    "text",
    ["", "Okafor", "001b000003QSlaTAA", "001b000003QSlaT٣AT", "001000000000000ZZZ", "0 01b000003QSlaT"],
)
def test_what_is_typed_and_no_id_is_nothing(text: str) -> None:
    assert as_typed(text) == ""


@given(st.text(max_size=20))
def test_whatever_is_typed_is_an_id_or_nothing(text: str) -> None:
    assert as_typed(text) in ("", *([to_18(as_typed(text))] if as_typed(text) else []))
