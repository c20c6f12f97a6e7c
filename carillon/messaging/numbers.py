"""A number as carriers give it. Pure."""

import re

_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
LONGEST = 64


def as_number(given: str) -> str:
    """Without the channel that stands before it (whatsapp:, rcs:), E.164 where it is one; else as given, cut off."""
    number = given.replace("\0", "").strip()
    _, _, behind = number.rpartition(":")
    return behind if _E164.fullmatch(behind) else number[:LONGEST]


def is_phone(number: str) -> bool:
    """Whether it is a whole phone number, not a short code or a name."""
    return _E164.fullmatch(number) is not None
