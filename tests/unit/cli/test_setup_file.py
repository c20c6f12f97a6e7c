"""The TOML file of a setup: what it refuses, what it leaves alone, and that an export applies as it was."""

from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from carillon.cli.setup_file import OBJECTS, SetupFileInvalid, merged, parse, place_of, sections_of
from carillon.consent.reading import FieldKind, OptOutField
from carillon.imports.drafts import NO_OPT_OUT, AdditionalField, SetupDraft

WHOLE = """
[workspace]
name = "Admissions"
default_region = "US"
[contact]
enabled = true
[contact.source]
type = "list_view"
name = "TextingContacts"
[contact.standard_fields]
first_name = "Preferred_Name__c"
first_name_fallback = "FirstName"
last_name = "LastName"
mobile_number = "MobilePhone"
user_identification = "OwnerId"
[[contact.additional_fields]]
salesforce = "Program__c"
contact_field = "program"
label = "Program"
type = "choice"
[contact.schedule]
timezone = "America/Chicago"
windows = ["06:00-08:00", "12:00-14:00"]
"""
DRAFT = SetupDraft(
    enabled=True,
    source="TextingContacts",
    first_name="Preferred_Name__c",
    first_name_fallback="FirstName",
    last_name="LastName",
    mobile_number="MobilePhone",
    user_identification="OwnerId",
    additional_fields=(AdditionalField("Program__c", "program", "Program", "choice"),),
    timezone="America/Chicago",
    windows=("06:00-08:00", "12:00-14:00"),
)


def applied(toml: str, draft: SetupDraft = DRAFT) -> SetupDraft:
    return merged(draft, parse(toml).objects["Contact"])


def test_a_whole_file_is_read() -> None:
    file = parse(WHOLE)

    assert file.workspace == {"name": "Admissions", "default_region": "US"}
    assert list(file.objects) == ["Contact"]
    assert merged(SetupDraft(), file.objects["Contact"]) == DRAFT


def test_both_objects_have_their_section() -> None:
    file = parse("[lead]\nenabled = false\n[contact]\nenabled = true")

    assert file.workspace is None
    assert file.objects == {"Contact": {"enabled": True}, "Lead": {"enabled": False}}


def test_an_empty_file_changes_nothing() -> None:
    file = parse("")

    assert (file.workspace, file.objects) == (None, {})
    assert applied("[contact]") == DRAFT


@pytest.mark.parametrize(
    ("toml", "changed"),
    [
        ("[contact]\nenabled = false", {"enabled": False}),
        ("[contact.source]\nname = 'Other'", {"source": "Other"}),
        ("[contact.source]", {"source": ""}),
        (
            "[contact.standard_fields]\nlast_name = 'Surname__c'",
            {
                "first_name": "",
                "first_name_fallback": "",
                "last_name": "Surname__c",
                "mobile_number": "",
                "user_identification": "",
            },
        ),
        ("[contact]\nadditional_fields = []", {"additional_fields": ()}),
        (
            "[[contact.additional_fields]]\nsalesforce = 'Year__c'\ncontact_field = 'year'",
            {"additional_fields": (AdditionalField("Year__c", "year", "", "", "clear"),)},
        ),
        ("[[contact.additional_fields]]", {"additional_fields": (AdditionalField("", "", "", ""),)}),
        (
            "[[contact.additional_fields]]\nsalesforce = 'Year__c'\ntype = 'number'\nblank = 'keep'",
            {"additional_fields": (AdditionalField("Year__c", "", "", "number", "keep"),)},
        ),
        ("[contact.schedule]", {"timezone": "America/New_York", "windows": ()}),
        ("[contact.schedule]\ntimezone = 'Europe/Berlin'", {"timezone": "Europe/Berlin", "windows": ()}),
    ],
)
def test_a_present_section_replaces_the_whole_and_an_absent_one_is_left_alone(
    toml: str, changed: dict[str, Any]
) -> None:
    after = applied(toml)

    before = {name: getattr(DRAFT, name) for name in SetupDraft.__dataclass_fields__}
    assert after == SetupDraft(**{**before, **changed})


@pytest.mark.parametrize(
    ("toml", "sentence", "nearest"),
    [
        ("[workspace]\nname = 'A'\nregion = 'US'", "workspace.region is not", "workspace.default_region."),
        ("[contact]\nenable = true", "contact.enable is not", "contact.enabled."),
        ("[lead.sorce]", "lead.sorce is not", "lead.source."),
        ("[contact.source]\nnam = 'A'", "contact.source.nam is not", "contact.source.name."),
        (
            "[contact.standard_fields]\nmobile = 'A'",
            "contact.standard_fields.mobile is not",
            "contact.standard_fields.mobile_number.",
        ),
        (
            "[[contact.additional_fields]]\n[[contact.additional_fields]]\ncontactfield = 'a'",
            "contact.additional_fields[2].contactfield is not",
            "contact.additional_fields[2].contact_field.",
        ),
        ("[contact.schedule]\nzone = 'UTC'", "contact.schedule.zone is not", "contact.schedule.timezone."),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(toml: str, sentence: str, nearest: str) -> None:
    with pytest.raises(SetupFileInvalid) as refused:
        parse(toml)

    assert refused.value.sentence.startswith(sentence)
    assert refused.value.remedy.startswith(f"The nearest one is {nearest}")


@pytest.mark.parametrize("toml", ["[contact]\ncolour = 1", "[contact]\n'日本' = 1"])
def test_where_no_known_key_is_near_all_are_named(toml: str) -> None:
    with pytest.raises(SetupFileInvalid) as refused:
        parse(toml)

    assert refused.value.remedy.startswith("Known: additional_fields, enabled, ")


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ("workspace = 5", "workspace must be a table."),
        ("[workspace]\nname = 5", "workspace.name must be text in quotes."),
        ("contact = true", "contact must be a table."),
        ("[contact]\nenabled = 'yes'", "contact.enabled must be true or false."),
        ("[contact]\nenabled = 1", "contact.enabled must be true or false."),
        ("[contact]\nsource = 'TextingContacts'", "contact.source must be a table."),
        ("[contact.source]\nname = ['A']", "contact.source.name must be text in quotes."),
        ("[contact]\nstandard_fields = []", "contact.standard_fields must be a table."),
        ("[contact.additional_fields]", "contact.additional_fields must be a list."),
        ("[contact]\nadditional_fields = ['Program__c']", "contact.additional_fields[1] is not a table."),
        (
            "[[contact.additional_fields]]\nlabel = 5",
            "contact.additional_fields[1].label must be text in quotes.",
        ),
        ("[contact.schedule]\nwindows = '06:00-08:00'", "contact.schedule.windows must be a list."),
        (
            "[lead.schedule]\nwindows = ['06:00-08:00', 6]",
            "lead.schedule.windows holds something other than text in quotes.",
        ),
    ],
)
def test_a_value_of_another_type_is_refused(toml: str, sentence: str) -> None:
    with pytest.raises(SetupFileInvalid) as refused:
        parse(toml)

    assert refused.value.sentence == sentence


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("type = 'dashboard'", r"lead\.source\.type is 'dashboard'\. Its values are list_view and report\."),
        ("type = 'report'\nway = 'both'", r"lead\.source\.way is 'both'\. Its values are by_ids"),
        ("way = 'by_ids'", r"lead\.source\.way is given for a list view\. Only a report has one"),
    ],
)
def test_a_source_of_another_kind_is_refused(source: str, sentence: str) -> None:
    with pytest.raises(SetupFileInvalid, match=sentence):
        parse(f"[lead.source]\n{source}")


def test_a_report_is_read_by_ids_unless_the_file_says_otherwise() -> None:
    before = SetupDraft(source="Old", contact_identification="OLD_ID", last_modified="OLD_DATE")

    usual = applied("[contact.source]\ntype = 'report'\nname = 'All_Contacts'", before)
    alone = applied(
        "[contact.source]\ntype = 'report'\nname = 'All_Contacts'\nway = 'report_only'\n"
        "[contact.standard_fields]\nlast_modified = 'Contact.Changed__c'",
        before,
    )

    assert (usual.source, usual.source_type, usual.source_way) == ("All_Contacts", "report", "by_ids")
    assert (usual.contact_identification, usual.last_modified) == ("", "")
    assert (alone.source_way, alone.last_modified) == ("report_only", "Contact.Changed__c")


def test_a_workspace_section_needs_its_name() -> None:
    with pytest.raises(SetupFileInvalid, match=r"workspace\.name is missing"):
        parse("[workspace]\ndefault_region = 'US'")


def test_what_is_no_toml_is_refused_with_the_line() -> None:
    with pytest.raises(SetupFileInvalid, match=r"not valid TOML.*line 2"):
        parse("[contact]\nenabled = yes")


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
KINDS = (("list_view", ""), ("report", "by_ids"), ("report", "report_only"))


def draft_of_kind(kind: tuple[str, str], **values: Any) -> SetupDraft:
    """A source without a name has no kind in the file."""
    kind = kind if values["source"] else KINDS[0]
    return SetupDraft(source_type=kind[0], source_way=kind[1], **values)


opt_outs = st.one_of(
    st.just(NO_OPT_OUT),
    st.builds(OptOutField, names.filter(bool), unchecked_means_opted_in=st.booleans()),
    st.builds(
        OptOutField,
        names.filter(bool),
        st.just(FieldKind.PICKLIST),
        opted_in_value=names,
        opted_out_value=names,
        empty_means_opted_in=st.booleans(),
    ),
)
drafts = st.builds(
    draft_of_kind,
    kind=st.sampled_from(KINDS),
    enabled=st.booleans(),
    source=names,
    contact_identification=names,
    last_modified=names,
    first_name=names,
    first_name_fallback=names,
    last_name=names,
    mobile_number=names,
    user_identification=names,
    opt_out=opt_outs,
    additional_fields=st.lists(st.builds(AdditionalField, names, names, names, names), max_size=2).map(tuple),
    timezone=names,
    windows=st.lists(names, max_size=3).map(tuple),
)


@given(draft=drafts, other=drafts, key=st.sampled_from(sorted(OBJECTS)))
@settings(max_examples=60)
def test_what_is_exported_applies_as_it_was(draft: SetupDraft, other: SetupDraft, key: str) -> None:
    exported = tomli_w.dumps({key: sections_of(draft, draft.source)})

    assert merged(other, parse(exported).objects[OBJECTS[key]]) == draft


def test_an_export_names_the_source_as_it_is_told_to() -> None:
    assert sections_of(DRAFT, "AllContacts")["source"] == {"type": "list_view", "name": "AllContacts"}
    assert sections_of(DRAFT, "")["source"] == {}


def test_an_export_leaves_out_standard_fields_that_are_not_mapped() -> None:
    assert sections_of(SetupDraft(last_name="LastName"), "")["standard_fields"] == {"last_name": "LastName"}


def test_retention_is_read_and_an_absent_section_is_none() -> None:
    assert parse("[retention]\nissues_days = 30\n").retention == {"issues_days": 30}
    assert parse("").retention is None


@pytest.mark.parametrize("days", ["true", "'30'", "30.5"])
def test_days_are_whole_numbers(days: str) -> None:
    with pytest.raises(SetupFileInvalid, match=r"retention.runs_days must be a whole number"):
        parse(f"[retention]\nruns_days = {days}\n")


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ('type = "checkbox"', "contact.opt_out.field is missing"),
        ('field = "A__c"', "contact.opt_out.type is missing"),
        ('field = "A__c"\ntype = "slider"', "Its values are checkbox and picklist"),
        ('field = "A__c"\ntype = "checkbox"\nopted_in_value = "Yes"', "is given for a checkbox"),
        (
            'field = "A__c"\ntype = "picklist"\nunchecked_means_opted_in = true',
            "is given for a picklist",
        ),
        (
            'field = "A__c"\ntype = "checkbox"\nunchecked_means_opted_in = "yes"',
            "must be true or false",
        ),
        (
            'field = "A__c"\ntype = "checkbox"\nunchecked_means = true',
            "nearest one is contact.opt_out.unchecked_means_opted_in",
        ),
    ],
)
def test_a_faulty_opt_out_section_is_refused(section: str, sentence: str) -> None:
    with pytest.raises(SetupFileInvalid) as caught:
        parse(f"[contact.opt_out]\n{section}\n")

    assert sentence in str(caught.value)


def test_an_opt_out_section_is_read_and_an_absent_one_leaves_the_field() -> None:
    text = '[contact.opt_out]\nfield = "A__c"\ntype = "checkbox"\nunchecked_means_opted_in = false\n'

    mapped = merged(SetupDraft(), parse(text).objects["Contact"])

    assert mapped.opt_out == OptOutField("A__c", unchecked_means_opted_in=False)
    assert merged(mapped, parse("[contact]\nenabled = true\n").objects["Contact"]) == mapped
    assert merged(mapped, parse("[contact.opt_out]\n").objects["Contact"]).opt_out == NO_OPT_OUT


@pytest.mark.parametrize("toml", ["[workspce]\nname = 'A'", "workspce = {}", "workspce = 1"])
def test_an_unknown_section_is_refused_with_those_that_are_known(toml: str) -> None:
    with pytest.raises(SetupFileInvalid) as refused:
        parse(toml)

    assert refused.value.sentence == "workspce is not a known section."
    assert refused.value.remedy == "Known: contact, lead, retention, workspace."


@pytest.mark.parametrize(
    ("place", "in_file"),
    [
        ("first_name", "standard_fields.first_name"),
        ("last_modified", "standard_fields.last_modified"),
        ("timezone", "schedule.timezone"),
        ("windows", "schedule.windows"),
        ("source", "source.name"),
        ("source_way", "source.way"),
        ("additional_fields.0.type", "additional_fields[1].type"),
    ],
)
def test_a_fault_is_told_where_the_file_has_it(place: str, in_file: str) -> None:
    assert place_of(place) == in_file
