"""Every fault of an entered setup is found at once and told beside its field."""

from dataclasses import replace
from typing import Any

import pytest

from carillon.imports.checking import RESERVED, SetupInvalid, check_draft
from carillon.imports.drafts import AdditionalField, SetupDraft
from carillon.imports.planning import Fields
from carillon.imports.windows import WINDOWS
from carillon.salesforce.describes import FieldDescribe, ObjectDescribe
from carillon.salesforce.errors import Forbidden, NotFound


def described(name: str, kind: str, reference_to: tuple[str, ...] = ()) -> FieldDescribe:
    return FieldDescribe(
        name=name,
        label=f"{name} label",
        type=kind,
        length=80,
        nillable=True,
        updateable=True,
        filterable=True,
        sortable=True,
        calculated=False,
        custom=name.endswith("__c"),
        relationship_name=name.removesuffix("Id") if reference_to else None,
        reference_to=reference_to,
        picklist_values=(),
        compound_field_name=None,
    )


CONTACT = ObjectDescribe(
    "Contact",
    "Contact",
    (
        described("FirstName", "string"),
        described("LastName", "string"),
        described("MobilePhone", "phone"),
        described("Preferred_Name__c", "string"),
        described("Program__c", "picklist"),
        described("Year__c", "double"),
        described("Birthdate", "date"),
        described("SMS_Opt_Out__c", "boolean"),
        described("MailingAddress", "address"),
        described("OwnerId", "reference", ("Group", "User")),
        described("SecretId", "reference", ("Secret__c",)),
    ),
)
USER = ObjectDescribe(
    "User", "User", (described("Name", "string"), described("ManagerId", "reference", ("User",)))
)
DRAFT = SetupDraft(
    source="AllContacts",
    first_name="Preferred_Name__c",
    first_name_fallback="FirstName",
    last_name="LastName",
    mobile_number="MobilePhone",
    user_identification="OwnerId",
)
PROGRAM = AdditionalField("Program__c", "program", "Program", "choice")


def describe_other(sobject: str) -> ObjectDescribe:
    if sobject == "User":
        return USER
    raise (Forbidden if sobject == "Group" else NotFound)(f"{sobject} can't be described.")


def errors_of(draft: SetupDraft, existing: dict[str, str] | None = None) -> dict[str, str]:
    try:
        check_draft(draft, Fields(CONTACT, describe_other), existing or {})
    except SetupInvalid as invalid:
        return invalid.errors
    return {}


def draft_with(**changes: Any) -> SetupDraft:
    return replace(DRAFT, **changes)


def with_fields(*fields: AdditionalField) -> SetupDraft:
    return draft_with(additional_fields=fields)


def errors_of_field(existing: dict[str, str] | None = None, **changes: Any) -> dict[str, str]:
    return errors_of(with_fields(replace(PROGRAM, **changes)), existing)


def test_a_sound_draft_has_no_fault() -> None:
    fields = (PROGRAM, AdditionalField("Owner.Manager.Name", "adviser", "", "text"))

    assert errors_of(replace(with_fields(*fields), windows=WINDOWS)) == {}


def test_names_are_given_back_as_the_org_spells_them() -> None:
    draft = replace(
        with_fields(replace(PROGRAM, salesforce="owner.NAME")), last_name="LASTNAME", first_name_fallback=""
    )

    checked = check_draft(draft, Fields(CONTACT, describe_other), {})

    assert checked.name("LASTNAME") == "LastName"
    assert checked.name("owner.NAME") == "Owner.Name"
    assert checked.name("") == ""
    assert checked.fields["owner.NAME"].label == "OwnerId label: Name label"


@pytest.mark.parametrize(
    ("name", "label"),
    [("first_name", "First Name"), ("last_name", "Last Name"), ("mobile_number", "Mobile Number")],
)
def test_a_required_field_must_be_chosen(name: str, label: str) -> None:
    errors = errors_of(draft_with(**{name: ""}))

    assert errors == {name: f"{label} is required: choose the field it comes from."}


@pytest.mark.parametrize("name", ["first_name_fallback", "user_identification"])
def test_an_optional_field_may_be_left_out(name: str) -> None:
    assert errors_of(draft_with(**{name: ""})) == {}


STANDARD = ("first_name", "first_name_fallback", "last_name", "mobile_number", "user_identification")


@pytest.mark.parametrize("name", STANDARD)
@pytest.mark.parametrize(
    "entered", ["Nobody__c", "Owner.Nobody", "Nobody.Name", "Secret.Name", "FirstName.Name"]
)
def test_a_field_that_can_not_be_seen_is_named(name: str, entered: str) -> None:
    errors = errors_of(draft_with(**{name: entered}))

    assert errors == {name: f"{entered} does not exist, or the API user can't see it."}


@pytest.mark.parametrize("name", STANDARD[:4])
@pytest.mark.parametrize("entered", ["Year__c", "Birthdate", "SMS_Opt_Out__c", "OwnerId", "MailingAddress"])
def test_names_and_numbers_come_from_text(name: str, entered: str) -> None:
    errors = errors_of(draft_with(**{name: entered}))

    assert list(errors) == [name]
    assert f"{entered} label ({entered}) holds no text" in errors[name]


def test_user_identification_may_be_any_single_value() -> None:
    assert errors_of(draft_with(user_identification="Year__c")) == {}

    errors = errors_of(draft_with(user_identification="MailingAddress"))
    assert errors["user_identification"].endswith(
        "can't be used here: an address has several parts: map those you need, such as its city."
    )


@pytest.mark.parametrize(
    "name", ["", "Program", "2026", "_year", "my field", "größe", "program\n", "x" * 41, *sorted(RESERVED)]
)
def test_a_contact_field_needs_a_plain_name_of_its_own(name: str) -> None:
    assert list(errors_of_field(contact_field=name)) == ["additional_fields.0.contact_field"]


@pytest.mark.parametrize("name", ["p", "program_2", "x" * 40])
def test_plain_names_are_taken(name: str) -> None:
    assert errors_of_field(contact_field=name) == {}


def test_an_additional_field_needs_its_salesforce_field() -> None:
    assert list(errors_of_field(salesforce="")) == ["additional_fields.0.salesforce"]
    assert list(errors_of_field(salesforce="Gone__c")) == ["additional_fields.0.salesforce"]


@pytest.mark.parametrize("kind", ["Text", "varchar"])
def test_a_type_must_be_one_there_is(kind: str) -> None:
    assert errors_of_field(type=kind) == {
        "additional_fields.0.type": "Choose one of text, number, date, datetime, yes_no, choice, choices."
    }


def test_an_existing_contact_field_keeps_its_type() -> None:
    existing = {"program": "text"}

    assert errors_of_field(existing, type="text") == {}
    assert errors_of_field(existing, type="choice") == {
        "additional_fields.0.type": "The contact field program exists and is of type text: give that type, or another name."
    }


@pytest.mark.parametrize(
    ("salesforce", "kind", "fitting"),
    [
        ("Program__c", "date", "choice, text, number, yes_no"),
        ("Birthdate", "yes_no", "date, text"),
        ("SMS_Opt_Out__c", "number", "yes_no, text"),
    ],
)
def test_a_type_must_be_able_to_hold_the_field(salesforce: str, kind: str, fitting: str) -> None:
    errors = errors_of_field(salesforce=salesforce, type=kind)

    assert list(errors) == ["additional_fields.0.type"]
    assert errors["additional_fields.0.type"].endswith(f"contact field types that fit it: {fitting}.")


def test_what_has_no_single_value_is_not_mapped_and_it_is_said_why() -> None:
    assert errors_of_field(salesforce="MailingAddress") == {
        "additional_fields.0.salesforce": "MailingAddress can't be mapped: an address has several parts: map those"
        " you need, such as its city."
    }


@pytest.mark.parametrize(
    ("existing", "salesforce", "expected"),
    [({}, "Program__c", "choice"), ({}, "Year__c", "number"), ({"program": "text"}, "Program__c", "text")],
)
def test_without_a_type_it_is_that_of_the_contact_field_else_the_natural_one(
    existing: dict[str, str], salesforce: str, expected: str
) -> None:
    entered = replace(PROGRAM, salesforce=salesforce, type="")

    checked = check_draft(with_fields(entered), Fields(CONTACT, describe_other), existing)

    assert checked.additional(entered, existing).type == expected


@pytest.mark.parametrize(
    ("blank", "places"), [("keep", []), ("clear", []), ("skip", ["blank"]), ("", ["blank"])]
)
def test_what_a_blank_does_is_clear_or_keep(blank: str, places: list[str]) -> None:
    assert list(errors_of_field(blank=blank)) == [f"additional_fields.0.{place}" for place in places]


def test_formulas_and_fields_of_related_records_may_go_stale() -> None:
    fields = Fields(
        replace(CONTACT, fields=(*CONTACT.fields, replace(CONTACT.fields[0], name="F__c", calculated=True))),
        describe_other,
    )

    stale = {
        name: (field := fields.find(name)) and field.may_go_stale
        for name in ("FirstName", "F__c", "Owner.Name")
    }

    assert stale == {"FirstName": False, "F__c": True, "Owner.Name": True}


def test_a_contact_field_is_filled_by_one_row_only() -> None:
    errors = errors_of(with_fields(PROGRAM, replace(PROGRAM, contact_field="other"), PROGRAM))

    assert errors == {
        "additional_fields.2.contact_field": "The contact field program is filled by another row already."
    }


def test_a_salesforce_field_may_fill_two_contact_fields() -> None:
    second = replace(PROGRAM, contact_field="program_text", type="text")

    assert errors_of(with_fields(PROGRAM, second)) == {}


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"timezone": "Eastern"}, "timezone"),
        ({"timezone": ""}, "timezone"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"windows": ("06:00-08:00", "07:00-09:00")}, "windows"),
        ({"windows": ("06:00-08:00", "06:00-08:00")}, "windows"),
    ],
)
def test_a_schedule_has_a_known_zone_and_windows(changes: dict[str, Any], place: str) -> None:
    assert list(errors_of(draft_with(**changes))) == [place]


def test_all_faults_are_told_at_once_each_in_its_place() -> None:
    draft = SetupDraft(
        first_name="Nobody__c",
        last_name="",
        mobile_number="Year__c",
        user_identification="MailingAddress",
        additional_fields=(
            PROGRAM,
            AdditionalField("", "", "", ""),
            AdditionalField("Gone__c", "consent", "", "number"),
        ),
        timezone="Mars",
        windows=("noon",),
    )

    with pytest.raises(SetupInvalid) as invalid:
        check_draft(draft, Fields(CONTACT, describe_other), {"consent": "text"})

    assert set(invalid.value.errors) == {
        "first_name",
        "last_name",
        "mobile_number",
        "user_identification",
        "additional_fields.1.salesforce",
        "additional_fields.1.contact_field",
        "additional_fields.2.salesforce",
        "additional_fields.2.contact_field",
        "additional_fields.2.type",
        "timezone",
        "windows",
    }
    assert all(sentence in str(invalid.value) for sentence in invalid.value.errors.values())
    assert all(sentence.endswith(".") for sentence in invalid.value.errors.values())


def test_a_related_object_is_described_once_even_when_it_is_refused() -> None:
    asked: list[str] = []

    def describe(sobject: str) -> ObjectDescribe:
        asked.append(sobject)
        return describe_other(sobject)

    fields = Fields(CONTACT, describe)
    found = [fields.find(name) for name in ("LastName", "Owner.Name", "owner.manager.name", "Owner.Nobody")]

    assert [field.name if field else None for field in found] == [
        "LastName",
        "Owner.Name",
        "Owner.Manager.Name",
        None,
    ]
    assert asked == ["Group", "User"]
