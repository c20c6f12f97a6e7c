"""A number as carriers give it. Pure."""

import re

from carillon.lib import phones

_DIGITS = re.compile(r"\+?[0-9 ().-]{7,40}", re.ASCII)
_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
LONGEST = 64
# What Twilio gives for a sender who withholds the number: "anonymous" and the like, typed on a telephone's keys.
_WITHHELD = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"})


def as_number(given: str, region: str) -> str:
    """Without the channel that stands before it (whatsapp:, rcs:), and in the one form that contacts' numbers have, where it
    is a number, written as in `region` or with its country code; else as given, cut off."""
    number = given.replace("\0", "").strip()
    _, _, behind = number.rpartition(":")
    if _DIGITS.fullmatch(behind) and (e164 := phones.parse(behind, region).e164):
        return e164
    # Carriers know numbers that no plan has.
    return behind if _E164.fullmatch(behind) else number[:LONGEST]


def is_phone(number: str) -> bool:
    """Whether it is somebody's whole phone number, not a short code, a name, or one that was withheld."""
    return _E164.fullmatch(number) is not None and number not in _WITHHELD
