from random import Random

import phonenumbers
import pytest

from orgsim import phones


def _valid(text: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text, "US"))
    except phonenumbers.NumberParseException:
        return False


def test_every_area_code_is_one_that_is_in_use() -> None:
    assert [area for area in phones._AREA_CODES if not _valid(f"+1{area}2345678")] == []


def test_us_numbers_are_valid_in_every_format() -> None:
    rng = Random(7)

    numbers = [phones.us_number(rng, n) for n in range(2_000)]

    assert [number for number in numbers if not _valid(number)] == []
    assert {number[0] for number in numbers} >= set("(+12 ")


def test_numbers_from_abroad_are_valid_and_fit_the_field() -> None:
    rng = Random(7)

    numbers = [phones.foreign_number(rng) for _ in range(500)]

    assert [number for number in numbers if not _valid(number) or len(number) > 40] == []
    assert any(number.startswith("+44 7911") for number in numbers)


def test_junk_is_never_a_number() -> None:
    rng = Random(7)

    assert [text for text in (phones.junk(rng) for _ in range(500)) if _valid(text)] == []


@pytest.mark.parametrize("start", [1, 500_000, 1_999_990_000])
def test_us_numbers_do_not_repeat(start: int) -> None:
    numbers = {phones.digits_of(number) for number in range(start, start + 10_000)}

    assert len(numbers) == 10_000
