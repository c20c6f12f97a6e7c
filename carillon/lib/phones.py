"""Reads what people type as a phone number, as E.164 and whether it can be texted.

`phonenumbers` is the oracle. `rphonenumbers` carries the same metadata in Rust and answers the same, many times
faster; it is used when it imports and answers a few known numbers correctly.
"""

import importlib
import re
from dataclasses import dataclass
from enum import Enum
from types import ModuleType
from typing import Any

import phonenumbers
from phonenumbers import timezone

FAST_LIBRARY = "rphonenumbers"
# ISO country codes that have numbering plans.
REGIONS: frozenset[str] = frozenset(phonenumbers.SUPPORTED_REGIONS)


class PhoneKind(Enum):
    MOBILE = "mobile"
    NOT_MOBILE = "not_mobile"
    INVALID = "invalid"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Phone:
    """`e164` is empty unless the number is valid (kinds MOBILE and NOT_MOBILE)."""

    e164: str
    kind: PhoneKind


MISSING = Phone("", PhoneKind.MISSING)
INVALID = Phone("", PhoneKind.INVALID)

# Typed text, region, answer: a national and a foreign mobile, a landline, an extension, letters, an Italian leading
# zero, a Mexican mobile as it was written until 2019, numbers no plan has.
SELF_CHECK = (
    ("(212) 555-0123", "US", Phone("+12125550123", PhoneKind.MOBILE)),
    ("+44 7911 123456", "US", Phone("+447911123456", PhoneKind.MOBILE)),
    ("020 8366 1177", "GB", Phone("+442083661177", PhoneKind.NOT_MOBILE)),
    ("650-253-0000 x123", "US", Phone("+16502530000", PhoneKind.MOBILE)),
    ("1-800-FLOWERS", "US", Phone("+18003569377", PhoneKind.NOT_MOBILE)),
    ("06 6982", "IT", Phone("+39066982", PhoneKind.NOT_MOBILE)),
    ("+52 1 222 123 4567", "US", Phone("+522221234567", PhoneKind.MOBILE)),
    ("123", "US", INVALID),
    ("call me", "US", INVALID),
)


# What stood before the ten digits of a Mexican number until 2019: 1 from abroad, 01, 044 and 045 in Mexico. Carriers and
# address books still write it, so that one telephone would be two numbers.
_OLD_MEXICAN = re.compile(r"\+52(?:0?1|044|045)([0-9]{10})", re.ASCII)


class Parser:
    """Parses with one of the two libraries, which share their interface."""

    def __init__(self, library: ModuleType) -> None:
        # Any: neither library can be named as a type here, since one of them may be absent.
        api: Any = library
        self.name = library.__name__
        self._parse = api.parse
        self._number_type = api.number_type
        self._format = api.format_number
        self._e164 = api.PhoneNumberFormat.E164
        self._refused: type[Exception] = api.NumberParseException
        kinds = api.PhoneNumberType
        self._unknown = kinds.UNKNOWN
        self._mobile = frozenset({kinds.MOBILE, kinds.FIXED_LINE_OR_MOBILE})

    def parse(self, raw: str | None, region: str) -> Phone:
        """`region`: two letters (ISO 3166), used for numbers typed without a country code. Never raises on text."""
        if raw is None or not (text := _clean(raw)):
            return MISSING
        try:
            number = self._parse(text, region.upper())
        except self._refused:
            return INVALID
        # UNKNOWN exactly when is_valid_number says no: both look the national number up in its region's patterns.
        number_type = self._number_type(number)
        if number_type == self._unknown:
            old = _OLD_MEXICAN.fullmatch(self._format(number, self._e164))
            return self.parse(f"+52{old[1]}", "MX") if old else INVALID
        kind = PhoneKind.MOBILE if number_type in self._mobile else PhoneKind.NOT_MOBILE
        return Phone(self._format(number, self._e164), kind)


def _clean(raw: str) -> str:
    """Neither PostgreSQL text nor Rust strings hold NUL or lone surrogates."""
    if not raw.isascii():
        raw = raw.encode("utf-8", "ignore").decode("utf-8")
    return raw.replace("\0", "").strip()


def _passes_self_check(parser: Parser) -> bool:
    return all(parser.parse(raw, region) == answer for raw, region, answer in SELF_CHECK)


def choose_parser() -> Parser:
    """The fast library if it is sound on this machine, else the oracle."""
    try:
        fast = Parser(importlib.import_module(FAST_LIBRARY))
        if _passes_self_check(fast):
            return fast
    except (ImportError, AttributeError):
        # Absent, built for another processor, or a version with another interface: the oracle is always there.
        pass
    return Parser(phonenumbers)


_PARSER = choose_parser()


def parse(raw: str | None, region: str) -> Phone:
    """Parse `raw`, typed by a person in `region`. Extensions are dropped: a text cannot be sent to one."""
    return _PARSER.parse(raw, region)


def time_zones(e164: str) -> tuple[str, ...]:
    """The names of the time zones in which somebody with this number may be; none where that isn't known."""
    try:
        found = timezone.time_zones_for_number(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        return ()
    return tuple(name for name in found if name != timezone.UNKNOWN_TIMEZONE)


def library_in_use() -> str:
    return _PARSER.name
