"""The fast library must answer what the oracle answers: one differing number would be one person lost or mistexted."""

import phonenumbers
import pytest
import rphonenumbers
from hypothesis import given
from hypothesis import strategies as st

from carillon.lib import phones
from carillon.lib.phones import Parser, Phone, PhoneKind

ORACLE = Parser(phonenumbers)
FAST = Parser(rphonenumbers)
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)

typed = st.text(alphabet="0123456789+()-. x#/extEXT٠١٢３４５*;,", max_size=25)
junk = st.text(alphabet=st.characters(codec=None), max_size=60)


@pytest.mark.parametrize(
    ("raw", "region", "e164", "kind"),
    [
        ("(212) 555-0123", "US", "+12125550123", PhoneKind.MOBILE),
        ("212.555.0123", "us", "+12125550123", PhoneKind.MOBILE),
        ("+44 7911 123456", "US", "+447911123456", PhoneKind.MOBILE),
        ("07911 123456", "GB", "+447911123456", PhoneKind.MOBILE),
        ("020 8366 1177", "GB", "+442083661177", PhoneKind.NOT_MOBILE),
        ("800-356-9377", "US", "+18003569377", PhoneKind.NOT_MOBILE),
        ("212-555-0123 ext. 45", "US", "+12125550123", PhoneKind.MOBILE),
        ("２１２５５５０１２３", "US", "+12125550123", PhoneKind.MOBILE),
        ("06 6982", "IT", "+39066982", PhoneKind.NOT_MOBILE),
        ("\x002125550123", "US", "+12125550123", PhoneKind.MOBILE),
    ],
)
def test_reads_numbers_as_people_type_them(raw: str, region: str, e164: str, kind: PhoneKind) -> None:
    phone = phones.parse(raw, region)

    assert phone == Phone(e164, kind)


@pytest.mark.parametrize(
    ("raw", "region"),
    [
        ("+5215512345678", "US"),
        ("+52 1 55 1234 5678", "US"),
        ("+52 55 1234 5678", "US"),
        ("+52 044 55 1234 5678", "US"),
        ("55 1234 5678", "MX"),
        ("1 55 1234 5678", "MX"),
        ("01 55 1234 5678", "MX"),
        ("044 55 1234 5678", "MX"),
        ("(045) 55 1234-5678", "MX"),
        ("011 52 1 55 1234 5678", "US"),
    ],
)
@pytest.mark.parametrize("parser", [ORACLE, FAST], ids=["oracle", "fast"])
def test_a_mexican_number_has_one_form_however_old_its_prefix(parser: Parser, raw: str, region: str) -> None:
    assert parser.parse(raw, region) == Phone("+525512345678", PhoneKind.MOBILE)


@pytest.mark.parametrize("raw", ["+5215512345", "+52155123456789", "+5210123456789", "+52 1 1 55 1234 5678"])
def test_an_old_prefix_makes_no_number_valid(raw: str) -> None:
    assert phones.parse(raw, "MX") == phones.INVALID


@pytest.mark.parametrize(
    ("raw", "region"),
    [
        ("+5491123456789", "US"),
        ("+54 9 11 2345-6789", "US"),
        ("+54 11 15 2345-6789", "US"),
        ("011 15 2345-6789", "AR"),
        ("11 15-2345-6789", "AR"),
        ("9 11 2345 6789", "AR"),
    ],
)
def test_an_argentine_mobile_has_one_form_with_its_9_or_its_15(raw: str, region: str) -> None:
    assert phones.parse(raw, region) == Phone("+5491123456789", PhoneKind.MOBILE)


def test_an_argentine_number_without_9_or_15_stays_the_landline_it_may_be() -> None:
    assert phones.parse("11 2345-6789", "AR") == Phone("+541123456789", PhoneKind.NOT_MOBILE)


@pytest.mark.parametrize("raw", [None, "", "   ", "\t\n", "\0", "\ud800"])
def test_nothing_typed_is_missing_not_invalid(raw: str | None) -> None:
    assert phones.parse(raw, "US") == phones.MISSING


@pytest.mark.parametrize(
    "raw",
    ["n/a", "555-0123", "123", "+", "+999 1234567", "call mom", "📱", "0" * 4000, "9" * 4000, "(" * 4000],
)
def test_what_is_no_number_is_invalid(raw: str) -> None:
    assert phones.parse(raw, "US") == phones.INVALID


@pytest.mark.parametrize("region", ["", "ZZ", "XX", "usa", "001"])
def test_unknown_region_still_reads_international_numbers(region: str) -> None:
    assert phones.parse("+447911123456", region).e164 == "+447911123456"
    assert phones.parse("2125550123", region) == phones.INVALID


def test_the_fast_library_is_in_use_here() -> None:
    assert phones.library_in_use() == "rphonenumbers"


def test_without_the_fast_library_the_oracle_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phones, "FAST_LIBRARY", "a_library_that_is_absent")

    assert phones.choose_parser().name == "phonenumbers"


def test_a_library_that_fails_the_self_check_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = ("(212) 555-0123", "US", Phone("+12125550124", PhoneKind.MOBILE))
    monkeypatch.setattr(phones, "SELF_CHECK", (wrong,))

    assert phones.choose_parser().name == "phonenumbers"


@pytest.mark.parametrize("parser", [ORACLE, FAST], ids=["oracle", "fast"])
def test_self_check_holds_for_both_libraries(parser: Parser) -> None:
    assert [parser.parse(raw, region) for raw, region, _ in phones.SELF_CHECK] == [
        answer for _, _, answer in phones.SELF_CHECK
    ]


def test_both_libraries_carry_the_same_metadata() -> None:
    assert set(REGIONS) == set(rphonenumbers.SUPPORTED_REGIONS)


def _examples(region: str) -> list[str]:
    """Each kind of number the region has, as written there and abroad, whole, cut short and too long."""
    formats = (phonenumbers.PhoneNumberFormat.NATIONAL, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    found = []
    for number_type in phonenumbers.PhoneNumberType.values():
        number = phonenumbers.example_number_for_type(region, number_type)
        if number is not None:
            for text in (phonenumbers.format_number(number, style) for style in formats):
                found += [text, text[:-1], text + "1", f"{text} ext 5", text.replace(" ", "")]
    return found


@pytest.mark.parametrize(("low", "high"), [("A", "F"), ("G", "M"), ("N", "Z")])
def test_both_libraries_agree_on_every_region(low: str, high: str) -> None:
    regions = [region for region in REGIONS if low <= region[0] <= high]
    cases = [(raw, region) for region in regions for raw in _examples(region)]

    differing = [case for case in cases if ORACLE.parse(*case) != FAST.parse(*case)]

    assert len(cases) > 1000
    assert differing == []


def test_valid_means_what_the_oracle_calls_a_valid_number() -> None:
    for region in REGIONS[::4]:
        for raw in _examples(region):
            valid = phonenumbers.is_valid_number(phonenumbers.parse(raw, region))
            assert bool(ORACLE.parse(raw, region).e164) is valid, (raw, region)


@given(raw=typed, region=st.sampled_from(["US", "GB", "DE", "IN", "NG", "BR", "MX", "AR", "IT", "CN"]))
def test_both_libraries_agree_on_anything_typed(raw: str, region: str) -> None:
    assert FAST.parse(raw, region) == ORACLE.parse(raw, region)


@given(raw=junk, region=st.sampled_from(["US", "GB", "ZZ", ""]))
def test_no_text_raises(raw: str, region: str) -> None:
    assert FAST.parse(raw, region) == ORACLE.parse(raw, region)
