"""Which values of a picklist can mean opted in and opted out."""

import json

import pytest

from carillon.consent.reading import FieldKind, OptOutField
from carillon.imports.opt_out import OptOutChoice, faults, opt_out_choices, retired_values
from carillon.salesforce.describes import describe_of


def choice() -> OptOutChoice:
    values = [
        {"value": value, "label": value, "active": value != "Never"} for value in ("Yes", "No", "Never")
    ]
    field = {"name": "Texting__c", "label": "Texting", "type": "picklist", "updateable": True}
    described = {"name": "Contact", "fields": [{**field, "picklistValues": values}]}
    (found,) = opt_out_choices(describe_of(json.dumps(described).encode()))
    return found


def mapped(opted_in: str, opted_out: str) -> OptOutField:
    return OptOutField("Texting__c", FieldKind.PICKLIST, True, opted_in, opted_out)


def test_an_inactive_value_is_not_chosen_anew() -> None:
    sentence = "Never is an inactive value of Texting: its values are No, Yes."

    assert faults(mapped("Yes", "Never"), choice()) == {"opted_out_value": sentence}
    assert faults(mapped("Yes", "Never"), choice(), mapped("Never", "No")) == {"opted_out_value": sentence}


def test_one_that_was_mapped_before_stays_and_is_told() -> None:
    kept = mapped("Yes", "Never")

    assert faults(kept, choice(), kept) == {}
    assert faults(mapped("No", "Never"), choice(), kept) == {}
    assert [sentence.partition(",")[0] for sentence in retired_values(kept, choice())] == ["Never"]
    assert retired_values(mapped("Yes", "No"), choice()) == []


@pytest.mark.parametrize(
    ("name", "label", "is_likely"),
    [
        ("SMS_Opt_Out__c", "SMS Opt Out", True),
        ("Texting__c", "Texting", True),
        ("DoNotCall", "Do Not Call", True),
        ("May__c", "Has given consent", True),
        ("HasOptedOutOfEmail", "Email Opt Out", False),
        ("CleanStatus", "Clean Status", False),
        ("Salutation", "Salutation", False),
        ("Context__c", "Context", False),
        ("Program__c", "Program of adoption", False),
    ],
)
def test_a_field_is_likely_when_its_name_speaks_of_consent(name: str, label: str, is_likely: bool) -> None:
    assert OptOutChoice(name, label, FieldKind.CHECKBOX).is_likely is is_likely
    assert not OptOutChoice(name, label, None).is_likely
