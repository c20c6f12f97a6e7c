import json
from typing import Any

import pytest

from carillon.salesforce import errors
from carillon.salesforce.reports.errors import (
    ComparisonRefused,
    ReportColumnMissing,
    ReportConcurrencyExceeded,
    ReportGone,
    ReportLimitExceeded,
    ReportNotShared,
    ReportRejected,
    ReportsNotAllowed,
    ReportTimedOut,
    ReportUnsupported,
    report_error_of,
)

HOURLY = "You can't run more than 500 reports synchronously every 60 minutes. Try again later."
HOURLY_LATER = "You can\u2019t run more than 1,200 reports asynchronously every 60 minutes. Try again later."
AT_ONCE = (
    "Reports and Dashboards REST API can't process the request because it can accept only as many as 20 "
    "requests at a time to run reports synchronously."
)


def refusal(status: int, message: str, code: str = "FORBIDDEN", **more: Any) -> errors.SalesforceError:
    body = [{"errorCode": code, "message": message} | more]
    return report_error_of(status, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (403, HOURLY, ReportLimitExceeded),
        (403, HOURLY_LATER, ReportLimitExceeded),
        (403, AT_ONCE, ReportConcurrencyExceeded),
        (403, "You don\u2019t have permission to run reports. Check that you have the Run Reports user permission.", ReportsNotAllowed),
        (403, "You don\u2019t have sufficient privileges to perform this operation.", ReportNotShared),
        (403, "The report definition is obsolete. Your administrator has disabled all reports.", ReportGone),
        (404, "The data you\u2019re trying to access is unavailable.", ReportGone),
        (410, "The requested resource has been retired or removed.", ReportGone),
        (400, "Specify a valid condition because greaterThan is invalid.", ComparisonRefused),
        (400, "Specify a valid filterable column because X__c is invalid.", ReportColumnMissing),
        (400, "Only a report with fewer than 100 columns can be run.", ReportRejected),
        (400, "The filter value for ID 1 is incorrect.", ReportRejected),
        (500, "The request body is either invalid or incomplete.", ReportRejected),
        (500, "We ran into an error when running this report. Try to re-submit your query.", ReportTimedOut),
        (500, "We ran into an error when fetching this report\u2019s metadata.", errors.Unavailable),
        (501, "You\u2019re requesting data for an unsupported report format.", ReportUnsupported),
        (504, "", ReportTimedOut),
        (500, "Your report timed out.", ReportTimedOut),
        (415, "only supports JSON", errors.Refused),
        (401, "Session expired or invalid", errors.SessionLost),
    ],
)  # fmt: skip
def test_the_words_of_a_refusal_decide(status: int, message: str, kind: type[errors.SalesforceError]) -> None:
    error = refusal(status, message)

    assert type(error) is kind
    assert str(error).endswith((".", "(FORBIDDEN)."))
    assert error.remedy.endswith(".")


@pytest.mark.parametrize("specific", [None, 303, "REPORT_RUN_LIMIT_EXCEEDED"])
def test_the_limit_is_known_with_and_without_a_specific_code(specific: object) -> None:
    more: dict[str, Any] = {"specificErrorCode": specific} if specific else {}

    error = refusal(403, HOURLY, **more)

    assert isinstance(error, ReportLimitExceeded)
    assert not error.asynchronous
    assert not error.retriable


def test_a_specific_code_of_a_limit_is_enough() -> None:
    assert isinstance(refusal(403, "", specificErrorCode="TOO_MANY_REPORTS"), ReportLimitExceeded)


def test_limits_of_background_runs_are_told_apart_and_being_busy_passes() -> None:
    later, busy = refusal(403, HOURLY_LATER), refusal(403, AT_ONCE)

    assert isinstance(later, ReportLimitExceeded)
    assert isinstance(busy, ReportConcurrencyExceeded)
    assert later.asynchronous
    assert (busy.asynchronous, busy.retriable) == (False, True)


def test_the_orgs_limits_of_calls_are_what_they_are_elsewhere() -> None:
    error = refusal(403, "TotalRequests Limit exceeded.", "REQUEST_LIMIT_EXCEEDED")

    assert type(error) is errors.LimitExceeded


def test_the_refused_column_is_named() -> None:
    error = refusal(400, "Specify a valid filterable column because Contact.Gone__c is invalid.")

    assert isinstance(error, ReportColumnMissing)
    assert error.column == "Contact.Gone__c"


def test_a_body_without_words_is_judged_by_its_status() -> None:
    assert type(report_error_of(403, b"<html>")) is ReportNotShared
    assert type(report_error_of(400, b"[]")) is ReportRejected
