"""Record ids: 15 characters that differ by case, and the 18-character form that survives systems that lose it."""

import re
from functools import cache

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
INSTANCE = "Hs0"


def _letter(group: str) -> str:
    return _SUFFIX[sum(1 << i for i, character in enumerate(group) if "A" <= character <= "Z")]


def to18(record_id: str) -> str:
    """The 18-character form of a 15-character id."""
    return record_id + _letter(record_id[:5]) + _letter(record_id[5:10]) + _letter(record_id[10:15])


def normalise(text: str) -> str | None:
    """The 18-character form of a 15 or 18-character id, None when it is neither or its suffix is wrong.

    Upper or lower case of the suffix does not matter, as in Salesforce.
    """
    if not _SHAPE.fullmatch(text):
        return None
    full = to18(text[:15])
    return full if len(text) == 15 or full[15:] == text[15:].upper() else None


@cache
def _blocks(size: int) -> tuple[tuple[str, int], ...]:
    """Every text of `size` characters in order, with the bits of its capitals."""
    if size == 0:
        return (("", 0),)
    return tuple(
        (text + character, bits | (("A" <= character <= "Z") << (size - 1)))
        for text, bits in _blocks(size - 1)
        for character in ALPHABET
    )


def serial_id(prefix: str, number: int) -> str:
    """The `number`-th id of the objects with this key prefix; ids of one prefix sort as they were made."""
    high, low = divmod(number, 62**3)
    text3, bits3 = _blocks(3)[low]
    rest, block = divmod(high, 62**2)
    text2, bits2 = _blocks(2)[block]
    head, head_suffix = _head(prefix, rest)
    return head + text2 + text3 + head_suffix + _SUFFIX[bits2 | bits3 << 2]


@cache
def _head(prefix: str, number: int) -> tuple[str, str]:
    digits = ""
    for _ in range(4):
        number, digit = divmod(number, 62)
        digits = ALPHABET[digit] + digits
    head = prefix + INSTANCE + digits
    return head, _letter(head[:5]) + _letter(head[5:10])
