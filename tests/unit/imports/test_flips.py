"""When opt-ins of an import are held, and how values of the opt-out field are read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.consent.decide import Says
from carillon.consent.reading import FieldKind, OptOutField
from carillon.imports.flips import are_held, likely_reason
from carillon.imports.opt_out import (
    OptOutChoice,
    faults,
    fitting,
    reader_of_values,
    says_of,
    shown_as_columns,
    stored_value,
)
from carillon.lib.clock import now


@pytest.mark.parametrize(
    ("opting_in", "stored", "held"),
    [(20, 10, False), (21, 10, True), (21, 1_050, False), (22, 1_050, True), (0, 0, False)],
)
def test_opt_ins_are_held_above_a_share_and_a_number(opting_in: int, stored: int, held: bool) -> None:
    assert are_held(opting_in, stored) == held


@given(opting_in=st.integers(0, 10**6), stored=st.integers(0, 10**6))
def test_more_opt_ins_are_never_held_less(opting_in: int, stored: int) -> None:
    assert not (are_held(opting_in, stored) and not are_held(opting_in + 1, stored))


def test_a_new_mapping_is_the_likely_reason() -> None:
    assert "the wrong way round" in likely_reason(40, stored=100, read_anew=21)
    assert "40 of 100" in likely_reason(40, stored=100, read_anew=20)
    assert "in one go" in likely_reason(40, stored=100, read_anew=20)


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (True, True),
        (False, False),
        ("true", True),
        ("false", False),
        ("False", False),
        (None, None),
        ("?", "?"),
    ],
)
def test_a_checkbox_is_read_in_every_form_it_comes_in(given: object, value: object) -> None:
    assert reader_of_values(FieldKind.CHECKBOX)(given) == value


@pytest.mark.parametrize(("given", "value"), [("Yes", "Yes"), ("", None), ("  ", None), (None, None)])
def test_a_blank_picklist_has_no_value(given: object, value: object) -> None:
    assert reader_of_values(FieldKind.PICKLIST)(given) == value


@pytest.mark.parametrize(
    ("row", "says"),
    [("", Says.IN), ("true", Says.OUT), ("null", Says.UNCLEAR)],
)
def test_a_row_says_what_its_record_says(row: str, says: Says) -> None:
    meaning = OptOutField("A__c").rules(1, now())

    assert says_of(row, meaning) is says
    assert row == "" or stored_value(row) in (True, None)


def test_a_mapping_is_kept_without_what_its_kind_does_not_have() -> None:
    box = OptOutChoice("A__c", "A", FieldKind.CHECKBOX)
    entered = OptOutField("a__c", FieldKind.CHECKBOX, False, "Yes", "No", True)

    assert fitting(entered, box) == OptOutField("A__c", unchecked_means_opted_in=False)
    assert faults(entered, box) == {}


def test_of_a_report_read_alone_only_columns_can_be_chosen() -> None:
    choices = tuple(OptOutChoice(name, name, FieldKind.CHECKBOX) for name in ("A__c", "B__c"))

    found = shown_as_columns(choices, ["b__c"])

    assert [one.name for one in found if one.kind] == ["B__c"]
    assert "no column" in found[-1].why_not
