import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgsim.ids import normalise, serial_id, to18


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("001b000003QSlaT", "001b000003QSlaTAAT"),
        ("00BD0000005WcBe", "00BD0000005WcBeMAK"),
        ("003dM00001vWOXJ", "003dM00001vWOXJQA4"),
    ],
)
def test_recorded_pairs_of_15_and_18_characters(short: str, full: str) -> None:
    assert to18(short) == full
    assert normalise(short) == normalise(full) == full


@pytest.mark.parametrize("text", ["", "23foo", "001b000003QSlaTAAA", "001b000003QSla-", "001b000003QSlaTAA"])
def test_what_is_no_id_is_refused(text: str) -> None:
    assert normalise(text) is None


@given(st.lists(st.integers(0, 62**9 - 1), min_size=2, max_size=5, unique=True))
def test_ids_are_different_valid_and_in_the_order_of_their_numbers(numbers: list[int]) -> None:
    ids = [serial_id("003", number) for number in sorted(numbers)]

    assert ids == sorted(set(ids))
    assert all(normalise(record_id) == record_id for record_id in ids)


@given(st.text(string.ascii_letters + string.digits, min_size=15, max_size=15))
def test_the_suffix_tells_ids_apart_that_differ_only_by_case(text: str) -> None:
    swapped = text.swapcase()

    assert (to18(text).lower() == to18(swapped).lower()) == (text == swapped)
