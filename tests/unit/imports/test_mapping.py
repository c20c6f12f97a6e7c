"""What becomes of one record: its row, its issues, and what is left as it was."""

import json
from typing import Any

import msgspec
import pytest

from carillon.imports.mapping import BadEnvelope, Issue, Mapper, Row
from carillon.imports.plan import ImportPlan, MappedField
from carillon.imports.values import contact_types
from tests.unit.imports.plans import ID, MODIFIED, NEIGHBOUR, PLAN, STAMP, USER, mapped, plan_with, record


def row_of(plan: ImportPlan = PLAN, **values: Any) -> Row:
    (row,) = mapped(plan, record(**values)).rows
    return row


def issues_of(plan: ImportPlan = PLAN, **values: Any) -> list[Issue]:
    return mapped(plan, record(**values)).issues


def extra(salesforce_type: str, kind: str) -> ImportPlan:
    return plan_with(MappedField("Extra__c", salesforce_type, "extra", kind))


def test_a_complete_record_is_a_row_without_an_issue() -> None:
    batch = mapped(PLAN, record())

    assert batch.issues == []
    assert batch.rejected == []
    assert batch.rows == [
        Row(
            salesforce_id=ID,
            first_name="Ada",
            last_name="Lovelace",
            sort_name="lovelace ada",
            mobile_number="+12125550123",
            mobile_as_given="(212) 555-0123",
            user_identification=USER,
            fields="{}",
            source_modified_at=MODIFIED,
            system_modstamp=STAMP,
            last_modified_by_id=USER,
        )
    ]


@pytest.mark.parametrize(
    ("preferred", "first", "expected"),
    [
        ("Addie", "Ada", "Addie"),
        (None, "Ada", "Ada"),
        ("", "Ada", "Ada"),
        (" \t\u00a0", "Ada", "Ada"),
        ("\0", "Ada", "Ada"),
        ("  Addie ", "Ada", "Addie"),
        (None, None, ""),
        (None, "  ", ""),
    ],
)
def test_the_fallback_serves_where_the_first_name_is_blank(
    preferred: str | None, first: str | None, expected: str
) -> None:
    row = row_of(Preferred_Name__c=preferred, FirstName=first)

    assert row.first_name == expected
    assert row.sort_name == f"lovelace {expected.lower()}".strip()


def test_without_a_fallback_a_blank_first_name_is_blank() -> None:
    assert row_of(plan_with(first_name_fallback="")).first_name == ""


def test_a_first_name_that_hangs_on_an_unreadable_fallback_is_kept() -> None:
    plan = plan_with(unreadable=frozenset(["FirstName"]))

    assert row_of(plan).first_name is None
    assert row_of(plan, Preferred_Name__c="Addie").first_name == "Addie"


def test_a_row_given_the_kept_first_name_is_sorted_by_it() -> None:
    row = row_of(plan_with(unreadable=frozenset(["FirstName"])))

    kept = row.with_first_name("Ada")

    assert (row.sort_name, kept.sort_name, kept.first_name) == ("lovelace", "lovelace ada", "Ada")


@pytest.mark.parametrize("last", [None, "", " \n "])
def test_without_a_last_name_the_record_is_stored_with_an_issue(last: str | None) -> None:
    batch = mapped(PLAN, record(LastName=last))

    assert [(issue.field, issue.value, issue.code) for issue in batch.issues] == [
        ("LastName", "", "last_name_missing")
    ]
    assert batch.rows[0].last_name == ""
    assert batch.rows[0].sort_name == "ada"


@pytest.mark.parametrize(
    ("given", "number", "code"),
    [
        (None, "", "mobile_missing"),
        ("", "", "mobile_missing"),
        ("   ", "", "mobile_missing"),
        ("call the office", "", "mobile_invalid"),
        ("555-0123", "", "mobile_invalid"),
        ("+44 20 8366 1177", "+442083661177", "not_mobile"),
    ],
)
def test_a_number_that_can_not_be_texted_is_an_issue_and_its_text_is_kept(
    given: str | None, number: str, code: str
) -> None:
    batch = mapped(PLAN, record(MobilePhone=given))

    text = (given or "").strip()
    assert (batch.rows[0].mobile_number, batch.rows[0].mobile_as_given) == (number, text)
    assert [issue[:4] for issue in batch.issues] == [(ID, "MobilePhone", text, code)]
    assert batch.issues[0].message.endswith(".")


def test_a_national_number_is_read_in_the_region_of_the_workspace() -> None:
    assert row_of(plan_with(region="GB"), MobilePhone="07911 123456").mobile_number == "+447911123456"


def test_a_user_identification_too_long_to_be_one_keeps_what_is_stored() -> None:
    """A long text area holds up to 131,072 characters, and the database's index takes fewer."""
    assert row_of(OwnerId="r" * 255).user_identification == "r" * 255
    assert row_of(OwnerId="r" * 256).user_identification is None
    assert issues_of(OwnerId="r" * 256) == [
        Issue(
            ID,
            "OwnerId",
            "r" * 255,
            "user_identification_too_long",
            "This is longer than a User ID can be (255 characters); the assignment was left as it was.",
        )
    ]


def test_user_identification_that_is_not_read_keeps_what_is_stored() -> None:
    assert row_of(OwnerId=None).user_identification == ""
    assert row_of(plan_with(user_identification="")).user_identification is None
    assert row_of(plan_with(unreadable=frozenset(["OwnerId"]))).user_identification is None


@pytest.mark.parametrize(
    ("salesforce_type", "kind", "sent", "stored"),
    [
        ("string", "text", "MBA", "MBA"),
        ("string", "text", "a\0b", "ab"),
        ("boolean", "text", True, "true"),
        ("boolean", "text", False, "false"),
        ("double", "text", 2026.0, "2026"),
        ("double", "text", 0.5, "0.5"),
        ("picklist", "choice", "Spring", "Spring"),
        ("boolean", "yes_no", False, False),
        ("boolean", "yes_no", True, True),
        ("double", "number", 2026.0, 2026),
        ("double", "number", -0.25, -0.25),
        ("double", "number", 1e300, 1e300),
        ("int", "number", 2**64, 2**64),
        ("string", "number", " 2026 ", 2026),
        ("string", "number", "1,234,567.50", 1234567.5),
        ("string", "number", "-.5", -0.5),
        ("string", "number", "12345678901234567890", 12345678901234567890),
        ("date", "date", "2026-05-01", "2026-05-01"),
        ("datetime", "date", "2026-05-01T23:59:59.000+0000", "2026-05-01"),
        ("string", "date", " 2026-05-01 ", "2026-05-01"),
        ("datetime", "datetime", "2026-05-01T07:25:37.000+0000", "2026-05-01T07:25:37Z"),
        ("datetime", "datetime", "2026-05-01T07:25:37Z", "2026-05-01T07:25:37Z"),
        ("datetime", "datetime", "2026-05-01T07:25:37+05:30", "2026-05-01T07:25:37+05:30"),
    ],
)
def test_a_value_becomes_one_of_its_contact_field(
    salesforce_type: str, kind: str, sent: Any, stored: Any
) -> None:
    batch = mapped(extra(salesforce_type, kind), record(Extra__c=sent))

    fields = json.loads(batch.rows[0].fields)
    assert fields == {"extra": stored}
    assert type(fields["extra"]) is type(stored)
    assert batch.issues == []


@pytest.mark.parametrize("kind", ["text", "choice", "number", "date", "datetime", "yes_no"])
@pytest.mark.parametrize("sent", [None, ""])
def test_an_empty_value_clears_the_field(kind: str, sent: str | None) -> None:
    batch = mapped(extra("string", kind), record(Extra__c=sent))

    assert batch.rows[0].fields == '{"extra":null}'
    assert batch.issues == []


@pytest.mark.parametrize(
    ("salesforce_type", "kind", "sent"),
    [
        ("string", "number", "about 12"),
        ("string", "number", "1,5"),
        ("string", "number", "1e400"),
        ("string", "number", "Infinity"),
        ("string", "number", "٢٠٢٦"),
        ("string", "number", "9" * 41),
        ("boolean", "number", True),
        ("string", "date", "5/1/2026"),
        ("string", "date", "2026-02-30"),
        ("string", "date", "2026-05-01T99:00:00Z"),
        ("string", "date", "２０２６-05-01"),
        ("string", "datetime", "2026-05-01"),
        ("string", "datetime", "2026-05-01T07:25:37"),
        ("datetime", "datetime", "2026-13-01T07:25:37Z"),
        ("string", "yes_no", "maybe"),
        ("int", "yes_no", 2),
    ],
)
def test_a_value_that_does_not_fit_is_an_issue_and_leaves_what_is_stored(
    salesforce_type: str, kind: str, sent: Any
) -> None:
    batch = mapped(extra(salesforce_type, kind), record(Extra__c=sent))

    (issue,) = batch.issues
    shown = "true" if sent is True else str(sent)
    assert issue[:4] == (ID, "Extra__c", shown, f"not_a_{kind}")
    assert issue.message.endswith("the field was left as it was.")
    assert batch.rows[0].fields == "{}"


@pytest.mark.parametrize("sent", [None, "", "  "])
def test_a_blank_that_keeps_leaves_what_is_stored(sent: str | None) -> None:
    plan = plan_with(
        MappedField("Extra__c", "string", "extra", "text", keeps_when_blank=True),
        MappedField("Extra__c", "string", "other", "text"),
    )

    batch = mapped(plan, record(Extra__c=sent))

    assert batch.rows[0].fields == '{"other":null}'
    assert batch.issues == []
    assert json.loads(mapped(plan, record(Extra__c="x")).rows[0].fields) == {"extra": "x", "other": "x"}


@pytest.mark.parametrize(
    ("salesforce_type", "sent", "stored"),
    [
        ("double", 4711.0, "4711"),
        ("boolean", True, "true"),
        ("datetime", STAMP, "2026-05-01T07:25:37Z"),
        ("email", " ada@x.example ", "ada@x.example"),
    ],
)
def test_user_identification_comes_from_a_field_of_any_type(
    salesforce_type: str, sent: Any, stored: str
) -> None:
    plan = plan_with(user_identification="Adviser__c", types={"Adviser__c": salesforce_type})

    assert row_of(plan, Adviser__c=sent).user_identification == stored


def test_one_value_that_does_not_fit_leaves_the_other_fields_of_its_record() -> None:
    plan = plan_with(
        MappedField("Year__c", "string", "year", "number"),
        MappedField("Program__c", "picklist", "program", "choice"),
    )

    assert json.loads(row_of(plan, Year__c="soon", Program__c="MBA").fields) == {"program": "MBA"}


def test_an_unreadable_additional_field_keeps_its_value_and_is_not_read() -> None:
    plan = plan_with(
        MappedField("Gone__c", "", "gone", "text"),
        MappedField("Program__c", "picklist", "program", "choice"),
        unreadable=frozenset(["Gone__c"]),
    )

    batch = mapped(plan, record(Gone__c=5, Program__c=None))

    assert "Gone__c" not in plan.selected
    assert json.loads(batch.rows[0].fields) == {"program": None}
    assert batch.rejected == []


NESTED = plan_with(
    MappedField("Account.Name", "string", "school", "text"),
    MappedField("Account.Owner.Name", "string", "adviser", "text"),
    MappedField("Account.Owner.Manager.IsActive", "boolean", "active", "yes_no"),
    MappedField("Owner.Name", "string", "owner", "text"),
    user_identification="Owner.FederationIdentifier",
)


def test_related_records_are_read_by_their_path() -> None:
    person = {"Name": "Grace Hopper", "Manager": {"IsActive": True}}
    account = {"attributes": {"type": "Account"}, "Name": "Navy", "Owner": person}
    owner = {"Name": "Alan Turing", "FederationIdentifier": "alan"}

    row = row_of(NESTED, Account=account, Owner=owner)

    assert row.user_identification == "alan"
    assert json.loads(row.fields) == {
        "school": "Navy",
        "adviser": "Grace Hopper",
        "active": True,
        "owner": "Alan Turing",
    }


@pytest.mark.parametrize(
    ("account", "school"),
    [
        (None, None),
        ({"Name": "Navy", "Owner": None}, "Navy"),
        ({"Name": "Navy", "Owner": {"Name": None, "Manager": None}}, "Navy"),
    ],
)
def test_without_a_related_record_its_fields_are_empty(
    account: dict[str, Any] | None, school: str | None
) -> None:
    batch = mapped(NESTED, record(Account=account, Owner=None))

    fields = {"school": school, "adviser": None, "active": None, "owner": None}
    assert json.loads(batch.rows[0].fields) == fields
    assert batch.rows[0].user_identification == ""
    assert batch.issues == []


@pytest.mark.parametrize(
    ("values", "field", "shown"),
    [
        ({"LastName": 5}, "LastName", "5"),
        ({"MobilePhone": ["+12125550123"]}, "MobilePhone", '["+12125550123"]'),
        ({"LastModifiedById": False}, "LastModifiedById", "false"),
        ({"Year__c": "about 2026"}, "Year__c", "about 2026"),
        ({"Year__c": "20\0" + "é" * 300}, "Year__c", "20" + "é" * 253),
        ({"Year__c": True}, "Year__c", "true"),
        ({"Owner": {"Name": 7}}, "Owner.Name", "7"),
        ({"Owner": "Grace"}, "Owner", "Grace"),
        ({"LastName": {"a": "b\0c" + "x" * 300}}, "LastName", '{"a": "b\\u0000c' + "x" * 240),
    ],
)
def test_a_value_of_another_json_type_rejects_its_record_and_no_other(
    values: dict[str, Any], field: str, shown: str
) -> None:
    plan = plan_with(
        MappedField("Year__c", "double", "year", "number"),
        MappedField("Owner.Name", "string", "owner", "text"),
    )

    batch = mapped(plan, record(Id=NEIGHBOUR), record(**values), record(Id=USER))

    assert [row.salesforce_id for row in batch.rows] == [NEIGHBOUR, USER]
    assert batch.rejected == [ID]
    (issue,) = batch.issues
    assert issue[:4] == (ID, field, shown, "wrong_type")
    assert issue.message.endswith("the record was not imported.")


def test_a_number_out_of_range_is_an_issue_of_its_field() -> None:
    mapper = Mapper(plan_with(MappedField("Year__c", "double", "year", "number")))
    raw = msgspec.Raw(f'{{"Id":"{ID}","SystemModstamp":"{STAMP}","Year__c":1e400}}'.encode())

    batch = mapper.page([msgspec.json.decode(raw, type=mapper.record)])

    assert batch.rejected == []
    assert (ID, "Year__c", "1E+400", "not_a_number") in [issue[:4] for issue in batch.issues]


@pytest.mark.parametrize(
    "values",
    [
        {"Id": None},
        {"Id": 5},
        {"Id": ""},
        {"Id": "003"},
        {"Id": ID[:17]},
        {"Id": ID[:15] + "!!!"},
        {"Id": "003D000000QzXyé" + ID[15:]},
        {"SystemModstamp": None},
        {"SystemModstamp": 1777620337},
        {"SystemModstamp": ""},
        {"SystemModstamp": "yesterday"},
        {"SystemModstamp": "2026-05-01"},
        {"SystemModstamp": "2026-05-01T07:25:37.000"},
        {"SystemModstamp": "2026-05-01T07:25:37.000-0500"},
        {"SystemModstamp": "2026-05-01 07:25:37.000+0000"},
        {"SystemModstamp": "2026-13-01T07:25:37.000+0000"},
        {"SystemModstamp": "2026-05-01T07:25:37.000+0000\0"},
    ],
)
def test_a_record_without_a_usable_id_or_stamp_makes_the_answer_worthless(values: dict[str, Any]) -> None:
    mapper = Mapper(PLAN)
    raw = msgspec.Raw(json.dumps(record(**values)).encode())
    sent: Any = raw
    if all(isinstance(value, str) for value in values.values()):
        sent = msgspec.json.decode(raw, type=mapper.record)

    with pytest.raises(BadEnvelope):
        mapper.page([sent])


@pytest.mark.parametrize("sent", ["5", "[]", "null", '"text"', "{", f'{{"Id":"{ID}"}}', '{"LastName":5}'])
def test_what_is_no_record_at_all_makes_the_answer_worthless(sent: str) -> None:
    with pytest.raises(BadEnvelope):
        Mapper(PLAN).page([msgspec.Raw(sent.encode())])


def test_a_short_id_is_stored_in_its_long_form() -> None:
    assert row_of(Id=ID[:15], LastModifiedById=USER[:15])[::10] == (ID, USER)


@pytest.mark.parametrize("absent", [None, ""])
def test_without_a_modified_date_the_stamp_stands_in(absent: str | None) -> None:
    batch = mapped(PLAN, record(LastModifiedDate=absent))

    assert batch.rows[0].source_modified_at == STAMP
    assert batch.issues == []


@pytest.mark.parametrize("sent", ["yesterday", "2026-05-01", "2026-02-30T07:25:37.000+0000", "2026\0"])
def test_a_modified_date_that_is_none_is_an_issue_and_the_stamp_stands_in(sent: str) -> None:
    batch = mapped(PLAN, record(LastModifiedDate=sent))

    assert batch.rows[0].source_modified_at == STAMP
    (issue,) = batch.issues
    assert issue[:4] == (ID, "LastModifiedDate", sent.replace("\0", ""), "not_a_datetime")


@pytest.mark.parametrize("sent", [None, "", "somebody", "005\0"])
def test_who_changed_a_record_is_an_id_or_unknown(sent: str | None) -> None:
    assert row_of(LastModifiedById=sent).last_modified_by_id == ""


@pytest.mark.parametrize(
    ("salesforce_type", "types"),
    [
        ("boolean", ("yes_no", "text")),
        ("double", ("number", "text", "choice")),
        ("date", ("date", "text")),
        ("datetime", ("datetime", "date", "text")),
        ("picklist", ("choice", "text", "number", "yes_no")),
        ("multipicklist", ("choices", "text")),
        ("string", ("text", "choice", "choices", "number", "date", "datetime", "yes_no")),
        ("email", ("text", "choice")),
        ("reference", ("text",)),
        ("address", ()),
        ("location", ()),
        ("base64", ()),
    ],
)
def test_a_field_goes_to_contact_fields_that_can_hold_it(
    salesforce_type: str, types: tuple[str, ...]
) -> None:
    assert contact_types(salesforce_type) == types


def test_a_value_in_an_issue_is_cut_to_what_fits_and_holds_no_nul() -> None:
    (issue,) = issues_of(extra("string", "number"), Extra__c="\0x" + "é" * 400)

    assert issue.value == "x" + "é" * 254
