"""The three forms in which Salesforce writes a value come to the same, and nothing is lost or invented on the way."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.imports.values import as_text, contact_types, converter, why_not
from carillon.salesforce.reports.cells import Unreadable

# Describe's field types: those with a single value, and those without.
TYPES = [
    "string",
    "textarea",
    "email",
    "phone",
    "url",
    "int",
    "long",
    "double",
    "currency",
    "percent",
    "date",
    "datetime",
    "time",
    "boolean",
    "picklist",
    "multipicklist",
    "combobox",
    "reference",
    "id",
    "encryptedstring",
    "anyType",
]
NO_VALUE = ("address", "location", "base64", "complexvalue", "json")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Salesforce holds 18 digits.
numbers = st.decimals(-(10**17), 10**17, places=5, allow_nan=False).map(lambda number: number.normalize())
moments = st.integers(-(10**10), 10**11).map(lambda seconds: EPOCH + timedelta(seconds=seconds))
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=";\0"), min_size=1).filter(
    str.strip
)


@pytest.mark.parametrize("salesforce_type", TYPES)
def test_every_type_with_a_single_value_can_be_mapped(salesforce_type: str) -> None:
    types = contact_types(salesforce_type)

    assert "text" in types
    assert all(converter(salesforce_type, kind)(None) is None for kind in types)
    assert all(converter(salesforce_type, kind)("") is None for kind in types)


@pytest.mark.parametrize("salesforce_type", NO_VALUE)
def test_a_type_without_a_single_value_is_refused_with_a_reason(salesforce_type: str) -> None:
    assert contact_types(salesforce_type) == ()
    assert len(why_not(salesforce_type)) > 20


@pytest.mark.parametrize(
    ("salesforce_type", "json", "csv", "cell", "stored"),
    [
        ("boolean", True, "true", True, True),
        ("boolean", False, "false", False, False),
        ("double", Decimal("1200.0"), "1200.0", 1200, 1200),
        ("currency", Decimal("0.10"), "0.10", 0.1, Decimal("0.1")),
        ("percent", Decimal("12.5"), "12.5", 12.5, Decimal("12.5")),
        ("int", Decimal("7"), "7", 7, 7),
        ("double", Decimal("1.5E+7"), "1.5E7", 15_000_000, 15_000_000),
        ("date", "2026-05-01", "2026-05-01", date(2026, 5, 1), "2026-05-01"),
        (
            "datetime",
            "2026-05-01T07:25:37.000+0000",
            "2026-05-01T07:25:37.000Z",
            datetime(2026, 5, 1, 7, 25, 37, tzinfo=UTC),
            "2026-05-01T07:25:37Z",
        ),
        ("time", "14:30:00.000Z", "14:30:00.000Z", "14:30:00.000Z", "14:30"),
        ("time", "14:30:05.000Z", "14:30:05.000Z", "14:30:05", "14:30:05"),
        ("picklist", "Not sure", "Not sure", "Not sure", "Not sure"),
        ("multipicklist", "A;B C;D", "A;B C;D", "A; B C; D", ["A", "B C", "D"]),
        ("multipicklist", "A;;A; ", "A;;A; ", "A;A", ["A"]),
        ("reference", "005D0000001AbCdIAK", "005D0000001AbCdIAK", "005D0000001AbCdIAK", "005D0000001AbCdIAK"),
    ],
)
def test_the_three_forms_of_a_value_are_one(
    salesforce_type: str, json: Any, csv: str, cell: Any, stored: Any
) -> None:
    convert = converter(salesforce_type, contact_types(salesforce_type)[0])

    for form in (json, csv, cell):
        assert convert(form) == stored
        assert type(convert(form)) is type(stored)


@given(number=numbers)
def test_a_number_is_kept_digit_by_digit_in_each_form(number: Decimal) -> None:
    convert = converter("currency", "number")

    written = format(number, "f")
    assert (
        convert(number) == convert(written) == convert(written + ("0" if "." in written else ".0")) == number
    )
    assert convert(converter("double", "text")(number)) == number


@given(number=st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_of_a_report_is_the_number_it_was_written_as(number: float) -> None:
    assert converter("double", "number")(number) == Decimal(repr(number))


@given(at=moments)
def test_a_moment_is_the_same_in_each_form(at: datetime) -> None:
    written = f"{at:%Y-%m-%dT%H:%M:%S}"

    forms = [f"{written}.000+0000", f"{written}.000Z", f"{written}Z", at]

    assert {converter("datetime", "datetime")(form) for form in forms} == {f"{written}Z"}
    assert {converter("datetime", "text")(form) for form in forms} == {f"{written}Z"}
    assert {converter("datetime", "date")(form) for form in forms} == {at.date().isoformat()}


@given(day=st.dates())
def test_a_day_is_the_same_in_each_form(day: date) -> None:
    assert converter("date", "date")(day) == converter("date", "date")(day.isoformat()) == day.isoformat()


@given(parts=st.lists(words, min_size=1, max_size=6))
def test_several_choices_are_kept_each_once_and_in_order(parts: list[str]) -> None:
    stored = converter("multipicklist", "choices")(";".join(parts))

    assert stored == list(dict.fromkeys(part.strip() for part in parts))


@given(
    value=st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | moments,
    kind=st.sampled_from(TYPES),
)
def test_any_value_is_converted_or_refused_in_a_sentence(value: Any, kind: str) -> None:
    for contact_type in contact_types(kind):
        stored, refused = outcome(converter(kind, contact_type), value)
        assert refused.endswith("the field was left as it was.") if refused else FITS[contact_type](stored)


def outcome(convert: Callable[[Any], Any], value: Any) -> tuple[Any, str]:
    try:
        return convert(value), ""
    except ValueError as error:
        return None, str(error)


FITS: dict[str, Callable[[Any], bool]] = {
    "text": lambda stored: stored is None or isinstance(stored, str),
    "choice": lambda stored: stored is None or isinstance(stored, str),
    "choices": lambda stored: stored is None or all(isinstance(one, str) and one for one in stored),
    "number": lambda stored: stored is None or isinstance(stored, int | Decimal),
    "date": lambda stored: stored is None or date.fromisoformat(stored).isoformat() == stored,
    "datetime": lambda stored: stored is None or datetime.fromisoformat(stored).tzinfo is not None,
    "yes_no": lambda stored: stored is None or isinstance(stored, bool),
}


@pytest.mark.parametrize("said", ["Yes", "yes", " TRUE ", "y", "1"])
def test_yes_is_understood_in_text(said: str) -> None:
    assert converter("picklist", "yes_no")(said) is True


@pytest.mark.parametrize("said", ["No", "n", "false", "0"])
def test_no_is_understood_in_text(said: str) -> None:
    assert converter("string", "yes_no")(said) is False


@pytest.mark.parametrize(
    ("salesforce_type", "contact_type", "value", "expected"),
    [
        ("boolean", "yes_no", "maybe", "checkbox"),
        ("string", "yes_no", "maybe", "yes or no"),
        ("double", "number", "many", "number"),
        ("double", "number", Decimal("NaN"), "number"),
        ("double", "number", Decimal("1e401"), "number"),
        ("datetime", "datetime", date(2026, 5, 1), "date with time"),
        ("date", "date", "2026-02-30", "date (such as"),
        ("currency", "number", Unreadable("EUR 1.000,00"), "number"),
        ("boolean", "text", Unreadable("perhaps"), "checkbox"),
    ],
)
def test_a_value_that_does_not_fit_says_what_was_expected(
    salesforce_type: str, contact_type: str, value: Any, expected: str
) -> None:
    with pytest.raises(ValueError) as refused:
        converter(salesforce_type, contact_type)(value)

    assert expected in str(refused.value)


def test_a_report_that_gives_only_the_day_of_a_moment_still_gives_a_date() -> None:
    assert converter("datetime", "date")(date(2026, 5, 1)) == "2026-05-01"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Unreadable("12 €"), "12 €"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.0000001"), "0.0000001"),
        (float("nan"), "nan"),
        (2.50, "2.5"),
    ],
)
def test_every_value_can_be_shown(value: Any, shown: str) -> None:
    assert as_text(value) == shown
