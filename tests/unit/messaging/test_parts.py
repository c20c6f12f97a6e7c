"""How many parts a text has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.messaging.parts import parts_of

PLAIN = st.text(st.sampled_from("abc XYZ 019 @£é\n"), max_size=700)
WITH_ESCAPES = st.text(st.sampled_from("ab^{}\\[~]|€"), max_size=700)
ANY = st.text(max_size=500)


@pytest.mark.parametrize(
    ("text", "encoding", "units", "count"),
    [
        ("", "GSM-7", 0, 0),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),
        ("€" * 81, "GSM-7", 162, 2),
        ("a" * 69 + "’", "UCS-2", 70, 1),
        ("a" * 70 + "’", "UCS-2", 71, 2),
        ("a" * 133 + "’", "UCS-2", 134, 2),
        ("a" * 134 + "’", "UCS-2", 135, 3),
        ("😀" * 35, "UCS-2", 70, 1),
        ("😀" * 36, "UCS-2", 72, 2),
    ],
)
def test_limits_of_one_part_and_of_several(text: str, encoding: str, units: int, count: int) -> None:
    found = parts_of(text)

    assert (found.encoding, found.units, found.count) == (encoding, units, count)


def test_an_escaped_character_is_not_cut_between_parts() -> None:
    """152 + 2 units don't fit 153, so each part holds 152 and the third is needed for what is left."""
    text = ("a" * 152 + "€") * 2

    assert parts_of(text).count == 3


def test_a_character_beyond_the_basic_plane_is_not_cut_between_parts() -> None:
    assert parts_of("a" * 66 + "😀" + "a" * 65 + "😀").count == 3


def test_the_characters_that_cost_are_named_once() -> None:
    assert parts_of("“Hi” “you”").foreign == ("“", "”")


@given(PLAIN)
def test_plain_text_takes_153_characters_a_part(text: str) -> None:
    expected = min(len(text), 1) if len(text) <= 160 else -(-len(text) // 153)

    assert parts_of(text).count == expected


@given(WITH_ESCAPES)
def test_escapes_cost_at_most_one_unit_a_part(text: str) -> None:
    found = parts_of(text)

    assert found.units == sum(1 if c in "ab" else 2 for c in text)
    if found.count > 1:
        assert -(-found.units // 153) <= found.count <= -(-found.units // 152)


@given(ANY, ANY)
def test_more_text_never_has_fewer_parts(first: str, second: str) -> None:
    assert parts_of(first + second).count >= parts_of(first).count


@given(ANY)
def test_units_of_a_foreign_text_are_utf16(text: str) -> None:
    found = parts_of(text)

    if found.encoding == "UCS-2":
        assert found.units == len(text.encode("utf-16-le", "surrogatepass")) // 2
        assert set(found.foreign) <= set(text)
