"""How many parts a text has on its way (3GPP TS 23.038 and 23.040): 160 characters of the GSM-7 alphabet fit one part,
153 each of several; one character outside it makes the whole text UCS-2, with 70 and 67. A character is never cut in
two between parts, so a part may end a unit early."""

from collections.abc import Sequence
from dataclasses import dataclass

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each is an escape and a character: two units.
_EXTENDED = frozenset("\f^{}\\[~]|€")


@dataclass(frozen=True, slots=True)
class Parts:
    """`units` are septets or UTF-16 code units; `foreign` the characters that made the text UCS-2, each once."""

    encoding: str
    units: int
    count: int
    foreign: tuple[str, ...] = ()


def parts_of(text: str) -> Parts:
    foreign = tuple(dict.fromkeys(c for c in text if c not in _BASIC and c not in _EXTENDED))
    if foreign:
        sizes = [2 if ord(character) > 0xFFFF else 1 for character in text]
        return Parts("UCS-2", sum(sizes), _count(sizes, alone=70, several=67), foreign)
    sizes = [2 if character in _EXTENDED else 1 for character in text]
    return Parts("GSM-7", sum(sizes), _count(sizes, alone=160, several=153))


def _count(sizes: Sequence[int], *, alone: int, several: int) -> int:
    if sum(sizes) <= alone:
        return 1 if sizes else 0
    count, used = 1, 0
    for size in sizes:
        if used + size > several:
            count, used = count + 1, 0
        used += size
    return count
