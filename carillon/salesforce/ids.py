"""Salesforce record ids: 15 case-sensitive characters, or 18 whose last three spell out the case of the rest.

The product stores 18 only. The suffix: three groups of five characters, a bit for each capital letter
(first character = lowest bit), each group indexing A-Z0-5.
"""

import re

from carillon.salesforce.errors import InvalidId as InvalidId

_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[A-Za-z0-5]{3})?", re.ASCII)
_SUFFIX_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def to_18(id15_or_18: str) -> str:
    """The 18-character form; raises InvalidId for a wrong length, character or suffix."""
    if not _SHAPE.fullmatch(id15_or_18):
        raise InvalidId(id15_or_18)
    base = id15_or_18[:15]
    suffix = "".join(_suffix_letter(base[start : start + 5]) for start in (0, 5, 10))
    if id15_or_18[15:] not in ("", suffix):
        raise InvalidId(id15_or_18)
    return base + suffix


def as_typed(text: str) -> str:
    """The 18-character form of an id as people type and paste it: blanks around it are no part of it, and the case of
    the first 15 characters, which some programs lose, is what the last three say. "" for what is no id."""
    text = text.strip()
    if not _SHAPE.fullmatch(text):
        return ""
    if len(text) == 15:
        return to_18(text)
    letters = text[:15].lower()
    capitals = [
        _SUFFIX_LETTERS.find(suffix) >> place & 1 for suffix in text[15:].upper() for place in range(5)
    ]
    base = "".join(
        letter.upper() if capital else letter for letter, capital in zip(letters, capitals, strict=True)
    )
    # A bit at a digit, or a suffix that no id has.
    return base + text[15:].upper() if to_18(base) == base + text[15:].upper() else ""


def same(a: str, b: str) -> bool:
    """Whether two ids, each of 15 or 18 characters, name the same record; raises InvalidId."""
    return to_18(a) == to_18(b)


def prefix_of(record_id: str) -> str:
    """The first three characters, which name the object: 003 Contact, 00Q Lead, 005 User, 00B list view."""
    return to_18(record_id)[:3]


def _suffix_letter(group: str) -> str:
    return _SUFFIX_LETTERS[sum(1 << place for place, letter in enumerate(group) if "A" <= letter <= "Z")]
