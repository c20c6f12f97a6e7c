import json
from typing import Any

import pytest

from carillon.salesforce import errors
from carillon.salesforce.answers import error_of

CARET = "\nSELECT Id FROM Contact WHERE LastName = 'Secret'\n    ^\nERROR at Row:1:Column:12\n"


def body(code: str, message: str = "") -> bytes:
    return json.dumps([{"errorCode": code, "message": message}]).encode()


@pytest.mark.parametrize(
    ("status", "content", "kind", "retriable"),
    [
        (301, b"", errors.RedirectRefused, False),
        (401, body("INVALID_SESSION_ID"), errors.SessionLost, False),
        (403, body("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), errors.LimitExceeded, False),
        (403, body("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests x"), errors.ConcurrentLimitExceeded, True),
        (403, body("API_DISABLED_FOR_ORG"), errors.ApiDisabled, False),
        (403, body("API_CURRENTLY_DISABLED"), errors.ApiDisabled, False),
        (403, body("INSUFFICIENT_ACCESS"), errors.Forbidden, False),
        (403, b"<html>", errors.Forbidden, False),
        (404, body("NOT_FOUND"), errors.NotFound, False),
        (410, b"", errors.VersionRetired, False),
        (414, b"", errors.QueryRejected, False),
        (431, b"", errors.QueryRejected, False),
        (429, b"", errors.ConcurrentLimitExceeded, True),
        (500, b"", errors.Unavailable, True),
        (503, body("SERVER_UNAVAILABLE"), errors.Unavailable, True),
        (400, body("INVALID_QUERY_LOCATOR"), errors.LocatorExpired, False),
        (400, body("INVALID_FIELD", "No such column 'A__c' on entity"), errors.FieldNotFound, False),
        (400, body("MALFORMED_QUERY", "unexpected token: 'x'"), errors.QueryRejected, False),
        (400, b"[]", errors.QueryRejected, False),
        (400, b'{"error":"x"}', errors.QueryRejected, False),
        (418, body("TEAPOT"), errors.Refused, False),
    ],
)
def test_an_answer_becomes_the_error_that_says_what_can_be_done(
    status: int, content: bytes, kind: type[errors.SalesforceError], retriable: bool
) -> None:
    error = error_of(status, content)

    assert type(error) is kind
    assert error.retriable is retriable
    assert str(error).endswith((".", "given", "address", "'x'"))
    assert error.remedy.endswith(".")


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (f"{CARET}No such column 'Foo__c' on entity 'Contact'. If you are", "Foo__c"),
        (f"{CARET}Didn't understand relationship 'Foo__r' in field path.", "Foo__r"),
        ("something new", ""),
    ],
)
def test_the_missing_field_is_read_from_the_message(message: str, field: str) -> None:
    error = error_of(400, body("INVALID_FIELD", message))

    assert isinstance(error, errors.FieldNotFound)
    assert error.field == field
    assert "Secret" not in str(error) + error.detail


def test_a_rejected_query_is_not_repeated_in_the_message() -> None:
    error = error_of(400, body("INVALID_TYPE", f"{CARET}sObject type 'XYZZY' is not supported."))

    assert str(error) == "Salesforce refused the query (INVALID_TYPE): sObject type 'XYZZY' is not supported."


@pytest.mark.parametrize(
    ("error", "description", "sentence", "remedy"),
    [
        ("invalid_client_id", "client identifier invalid", "client id", "consumer key"),
        ("invalid_client", "invalid client credentials", "secret", "consumer secret"),
        ("invalid_grant", "no client credentials user enabled", "'run as' user", "Choose"),
        ("invalid_grant", "request not supported on this domain", "My Domain", "My Domain"),
        ("invalid_grant", "ip restricted", "address", "trusted IP"),
        ("invalid_grant", "user hasn't approved this consumer", "approved", "permission set"),
        ("invalid_grant", "authentication failure - Invalid Password", "credentials", "secret"),
        ("invalid_grant", "expired access/refresh token", "expired", "again"),
        ("invalid_grant", "wording of next year", "credentials", "run as"),
        ("unsupported_grant_type", "grant type not supported", "client credentials", "Enable"),
        ("inactive_user", "user is inactive", "inactive", "Activate"),
        ("inactive_org", "organization is not active", "org is not active", "owner"),
        ("rate_limit_exceeded", "number of login attempts exceeded", "too many", "Wait"),
        ("invalid_request", "", "incomplete", "again"),
        ("unsupported_response_type", "", "client credentials", "Enable"),
        ("redirect_uri_mismatch", "", "client credentials", "Enable"),
        ("OAUTH_EC_APP_NOT_FOUND", "", "not installed", "host"),
        ("OAUTH_APP_BLOCKED", "this app is blocked by admin", "blocked", "Unblock"),
        ("brand_new_code", "", "brand_new_code", "client id"),
        ("<script>", "", "unknown", "client id"),
    ],
)
def test_each_refusal_to_sign_in_has_a_sentence_and_a_remedy(
    error: str, description: str, sentence: str, remedy: str
) -> None:
    refused = errors.SignInRefused(error, description)

    assert sentence in str(refused)
    assert remedy in refused.remedy
    assert not refused.retriable


def test_every_error_has_a_remedy_and_says_whether_to_try_again() -> None:
    kinds: list[Any] = [errors.SalesforceError]
    for kind in kinds:
        kinds += kind.__subclasses__()

    assert len(kinds) > 18
    for kind in kinds:
        assert isinstance(kind.remedy, str)
        assert kind.remedy
        assert isinstance(kind.retriable, bool)
