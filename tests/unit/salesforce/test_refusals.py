"""Codes and texts as recorded or documented for writes, in the shape of one record and of a collection's item."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.salesforce import errors
from carillon.salesforce.records.refusals import (
    LONGEST_REASON,
    ErrorItem,
    Kind,
    WriteRefused,
    batch_error_of,
    refusal_of,
    refusal_of_all,
    write_error_of,
)

CODES = [
    (
        "UNABLE_TO_LOCK_ROW",
        "unable to obtain exclusive access to this record or 1 records: 001x",
        [],
        Kind.TRANSIENT,
    ),
    ("SERVER_UNAVAILABLE", "The server is temporarily unavailable.", None, Kind.TRANSIENT),
    ("ENTITY_IS_DELETED", "entity is deleted", [], Kind.GONE),
    ("NOT_FOUND", "The requested resource does not exist", None, Kind.GONE),
    ("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [], Kind.GONE),
    ("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", ["OwnerId"], Kind.VALUE),
    ("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", [], Kind.CONVERTED),
    ("ENTITY_IS_LOCKED", "the entity is locked for editing", [], Kind.APPROVAL),
    ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "A reason is required.", ["Reason__c"], Kind.VALIDATION),
    (
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "Texting: bad value for restricted picklist field: Perhaps",
        ["Texting__c"],
        Kind.PICKLIST,
    ),
    ("INVALID_FIELD", "No such column 'SMS__c' on sobject of type Contact", None, Kind.FIELD),
    (
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "Unable to create/update fields: SMS__c. Please check the security settings of this field and verify that"
        " it is read/write for your profile or permission set.",
        ["SMS__c"],
        Kind.FIELD,
    ),
    ("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", [], Kind.ACCESS),
    ("DUPLICATES_DETECTED", "Use one of these records?", [], Kind.DUPLICATE),
    (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "PersonTrigger: execution of AfterUpdate caused by: System.DmlException: Update failed. First exception on row 0"
        " with id 001x; first error: UNABLE_TO_LOCK_ROW, unable to obtain exclusive access to this record",
        [],
        Kind.TRANSIENT,
    ),
    (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "PersonTrigger: execution of BeforeUpdate caused by: System.NullPointerException",
        [],
        Kind.AUTOMATION,
    ),
    (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "PersonTrigger: System.LimitException: Too many SOQL queries: 101",
        [],
        Kind.LIMIT,
    ),
    (
        "CANNOT_EXECUTE_FLOW_TRIGGER",
        "We can't save this record because the “Opt” process failed. Apex CPU time limit exceeded",
        [],
        Kind.LIMIT,
    ),
    (
        "CANNOT_EXECUTE_FLOW_TRIGGER",
        "We can't save this record because the “Opt” process failed.",
        [],
        Kind.AUTOMATION,
    ),
    ("ALL_OR_NONE_OPERATION_ROLLED_BACK", "Record rolled back", [], Kind.ROLLED_BACK),
    ("MALFORMED_ID", "Contact ID: id value of incorrect type: 00Q", ["Id"], Kind.BUG),
    ("JSON_PARSER_ERROR", "Cannot deserialize instance of boolean", None, Kind.BUG),
    ("STRING_TOO_LONG", "First Name: data value too large: Zoë (max length=40)", ["FirstName"], Kind.VALUE),
    ("A_CODE_OF_NEXT_YEAR", "", [], Kind.UNKNOWN),
]


def item(code: str, message: str = "", fields: list[str] | None = None) -> dict[str, Any]:
    return {"message": message, "errorCode": code} | ({} if fields is None else {"fields": fields})


def body(*items: dict[str, Any]) -> bytes:
    return json.dumps(items).encode()


@pytest.mark.parametrize(("code", "message", "fields", "kind"), CODES)
def test_a_code_means_the_same_in_both_shapes(
    code: str, message: str, fields: list[str] | None, kind: Kind
) -> None:
    alone = refusal_of(ErrorItem(message=message, errorCode=code, fields=fields))
    in_a_collection = refusal_of(ErrorItem(message=message, statusCode=code, fields=fields))

    assert alone == in_a_collection
    assert (alone.kind, alone.code, alone.transient) == (kind, code, kind is Kind.TRANSIENT)


@pytest.mark.parametrize(("code", "message", "fields", "kind"), CODES)
def test_a_refusal_is_said_in_a_sentence_with_a_remedy(
    code: str, message: str, fields: list[str] | None, kind: Kind
) -> None:
    refusal = refusal_of(ErrorItem(message=message, errorCode=code, fields=fields))

    assert refusal.sentence
    assert refusal.remedy.endswith(".")
    assert not {"{code}", "{fields}", "{reason}"} & set(refusal.sentence.split())


def test_the_field_is_named_also_where_only_the_text_names_it() -> None:
    hidden = refusal_of(
        ErrorItem(errorCode="INVALID_FIELD", message="No such column 'SMS__c' on sobject of type Lead")
    )
    several = refusal_of(
        ErrorItem(
            statusCode="INVALID_FIELD_FOR_INSERT_UPDATE",
            message="Unable to create/update fields: A__c, B__c. Please",
        )
    )

    assert (hidden.fields, several.fields) == (("SMS__c",), ("A__c", "B__c"))
    assert hidden.sentence.startswith("No edit right on SMS__c: ")


def test_the_text_of_the_orgs_own_rule_is_shown_even_with_braces_in_it() -> None:
    rule = refusal_of(
        ErrorItem(statusCode="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="Fill in {fields} first.")
    )

    assert (
        rule.sentence
        == "A validation rule of your Salesforce org refused the change: Fill in {fields} first."
    )


def test_a_rules_text_without_a_full_stop_gets_one_since_the_remedy_follows() -> None:
    rule = refusal_of(ErrorItem(statusCode="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="Ask first"))

    assert rule.sentence.endswith(": Ask first.")


def test_values_of_the_record_are_neither_in_the_sentence_nor_in_the_repr() -> None:
    refusal = refusal_of(
        ErrorItem(
            errorCode="STRING_TOO_LONG", message="First Name: data value too large: Zoë", fields=["FirstName"]
        )
    )

    assert "Zoë" not in refusal.sentence + repr(refusal) + str(WriteRefused(refusal))


@given(st.text())
def test_a_reason_is_one_line_of_bounded_length(text: str) -> None:
    reason = refusal_of(ErrorItem(message=text, errorCode="APEX_ERROR")).reason

    assert 0 < len(reason) <= LONGEST_REASON
    assert reason.isprintable()


def test_of_several_errors_the_one_that_does_not_pass_by_itself_is_told() -> None:
    lock, rule = ErrorItem(statusCode="UNABLE_TO_LOCK_ROW"), ErrorItem(statusCode="ENTITY_IS_LOCKED")

    assert refusal_of_all([lock, rule]).kind is Kind.APPROVAL
    assert refusal_of_all([lock]).kind is Kind.TRANSIENT
    assert refusal_of_all([]).kind is Kind.UNKNOWN


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, "ENTITY_IS_DELETED"), (400, "UNABLE_TO_LOCK_ROW"), (403, "INSUFFICIENT_ACCESS_OR_READONLY")],
)
def test_what_concerns_the_record_is_a_refusal(status: int, code: str) -> None:
    error = write_error_of(status, body(item(code)))

    assert isinstance(error, WriteRefused)
    assert error.untouched
    assert error.retriable == (code == "UNABLE_TO_LOCK_ROW")


@pytest.mark.parametrize(
    ("status", "content", "kind"),
    [
        (401, body(item("INVALID_SESSION_ID")), errors.SessionLost),
        (403, body(item("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")), errors.LimitExceeded),
        (
            403,
            body(item("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests Limit")),
            errors.ConcurrentLimitExceeded,
        ),
        (403, body(item("API_DISABLED_FOR_ORG")), errors.ApiDisabled),
        (500, body(item("UNKNOWN_EXCEPTION")), errors.Unavailable),
        (503, body(item("SERVER_UNAVAILABLE")), errors.Unavailable),
        (404, b"<html>gateway</html>", errors.NotFound),
        (400, b"<html>gateway</html>", errors.Refused),
        (400, b"[]", errors.Refused),
    ],
)
def test_what_concerns_the_call_is_no_refusal(
    status: int, content: bytes, kind: type[errors.SalesforceError]
) -> None:
    assert type(write_error_of(status, content)) is kind
    assert type(batch_error_of(status, content)) is kind


def test_a_failed_trigger_is_no_outage_though_it_answers_with_500() -> None:
    error = write_error_of(500, body(item("APEX_ERROR", "System.LimitException: Too many DML rows: 10001")))

    assert isinstance(error, WriteRefused)
    assert error.refusal.kind is Kind.LIMIT


def test_a_place_that_does_not_exist_says_nothing_of_a_batch() -> None:
    assert type(batch_error_of(404, body(item("NOT_FOUND")))) is errors.NotFound
