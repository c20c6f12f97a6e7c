"""Which values of a picklist can mean opted in and opted out."""

import json

import pytest

from carillon.consent.reading import FieldKind, OptOutField
from carillon.imports.opt_out import OptOutChoice, contrary_to_name, faults, opt_out_choices, retired_values
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


@pytest.mark.parametrize(
    ("name", "label", "means_when_checked"),
    [
        ("SMS_Opt_In__c", "SMS Opt In", "in"),
        ("SMSOptIn__c", "Texting", "in"),
        ("Opted_in__c", "Opted-in to texts", "in"),
        ("Text_Consent__c", "Consented to texting", "in"),
        ("Permission__c", "Permission to text", "in"),
        ("Subscribed__c", "Subscribed", "in"),
        ("SMS_Opt_Out__c", "SMS Opt Out", "out"),
        ("HasOptedOutOfSms", "Opted out", "out"),
        ("DoNotText__c", "Do not text", "out"),
        ("Dont_Text__c", "Don't text", "out"),
        ("STOP__c", "Said STOP", "out"),
        ("Unsubscribed__c", "Unsubscribed", "out"),
        ("No_SMS__c", "No SMS", "out"),
        ("Texting__c", "Texting", ""),
        ("Options__c", "Adopted in spring", ""),
        ("Not_Opted_In__c", "Not opted in", ""),
        ("Consent_Withdrawn__c", "Consent withdrawn", ""),
        ("SMS_Opt_In__c", "SMS Opt Out", ""),
        ("Opt_Out_Declined__c", "Opt-out declined", ""),
    ],
)
def test_a_slider_contrary_to_the_name_of_the_box_is_told(
    name: str, label: str, means_when_checked: str
) -> None:
    box = OptOutChoice(name, label, FieldKind.CHECKBOX)

    on, off = (
        contrary_to_name(OptOutField(name, unchecked_means_opted_in=flag), box) for flag in (True, False)
    )

    assert (on.endswith("switch this off."), off.endswith("switch this on.")) == (
        means_when_checked == "in",
        means_when_checked == "out",
    )
    assert "" in (on, off)
