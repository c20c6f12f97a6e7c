"""What can go wrong with a report, named by what can be done about it, and which answer means which.

Status and message start are those of Salesforce's table of report error codes; the body is a list of
{errorCode, message, specificErrorCode?}, and codes such as FORBIDDEN and BAD_REQUEST say little, so the words
decide. Apostrophes come straight or curly.
"""

import re

import msgspec

from carillon.salesforce import errors
from carillon.salesforce.answers import error_of

HOURLY_SYNC_RUNS = 500
HOURLY_ASYNC_RUNS = 1200
NOT_SHARED = "The API user may not open the report: its folder is not shared with it."


class ReportGone(errors.NotFound):
    """The report was deleted, or its type no longer exists."""

    remedy = "Choose another report as the import source, or restore it from the Recycle Bin in Salesforce."


class ReportNotShared(errors.Forbidden):
    """The API user may not open the report; a deleted report and a made-up id can answer so as well."""

    remedy = (
        "Share the report's folder with the API user (View is enough), for example through a public group "
        "that holds it, and check that the report still exists."
    )


class ReportsNotAllowed(errors.Forbidden):
    """The API user may not run any report."""

    remedy = "Give the API user the permission 'Run Reports' (a permission set is enough)."


class ReportLimitExceeded(errors.SalesforceError):
    """The org's report runs of the last hour are used up, by whomever; `asynchronous` names which of the two."""

    remedy = "Wait up to an hour, spread imports over the day, or use a list view: it has no such limit."

    def __init__(self, sentence: str, *, asynchronous: bool = False) -> None:
        super().__init__(sentence)
        self.asynchronous = asynchronous


class ReportConcurrencyExceeded(ReportLimitExceeded):
    """Too many reports run in the org at this moment."""

    retriable = True
    remedy = "Try again in a minute; other integrations run reports at the same time."


class ReportTimedOut(errors.SalesforceError):
    """The report took longer than Salesforce or we allow."""

    remedy = (
        "Make the report faster: fewer columns, narrower filters, fewer related objects; or use a list view."
    )


class ReportFailed(errors.SalesforceError):
    """Salesforce ran the report in the background and gave it up."""

    remedy = "Open the report in Salesforce as the API user would; if it runs there, start the import again."


class ReportRejected(errors.SalesforceError):
    """Salesforce would not run the report as asked; `code` is its errorCode, `detail` its reason."""

    remedy = "Open the report in Salesforce, correct what is named, save it, and check the setup again."

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        self.detail = " ".join(detail.split())[:300] or "no reason given"
        super().__init__(f"Salesforce refused to run the report ({code}): {self.detail}")


class ReportColumnMissing(errors.SalesforceError):
    """A column is neither in the report nor can it be added to it."""

    remedy = (
        "Put the column back into the report, give the API user read access to its field, or map another."
    )

    def __init__(self, column: str, *, report: str = "") -> None:
        self.column = column
        named = f" {report!r}" if report else ""
        super().__init__(f"The report{named} no longer has the column {column or 'asked for'}.")


class ComparisonRefused(ReportRejected):
    """The org does not compare this kind of column with this operator."""

    remedy = (
        "Use a list view as the import source, or narrow the report to 2,000 rows or fewer, "
        "or add a date/time column such as Created Date to the report."
    )


class ReportUnsupported(errors.SalesforceError):
    """The report's format is not served through the API."""

    remedy = "Save the report as a tabular report, or choose another."


class ReportNotReadable(errors.SalesforceError):
    """The report cannot be read completely as it is saved."""


class ReportTooLarge(errors.SalesforceError):
    """More rows than are read through reports."""

    remedy = "Use a list view with the same filter as the import source, or narrow the report."

    def __init__(self, rows: int, at_most: int) -> None:
        self.rows, self.at_most = rows, at_most
        super().__init__(
            f"The report has {rows:,} rows; above {at_most:,} it would take too many report runs, "
            "since Salesforce gives 2,000 rows in each."
        )


class FilterIgnored(errors.SalesforceError):
    """Further pages bring what was read already: the filter that asks for the rest is not obeyed."""

    remedy = (
        "Use a list view as the import source; if nothing in between changes what is sent to Salesforce, "
        "tell Salesforce support that a filter posted with a report run has no effect."
    )

    def __init__(self) -> None:
        super().__init__(
            "Salesforce gave rows of the report that were read before instead of the rows after them, "
            "so the report can't be read to its end."
        )


class RecordRepeatsTooOften(errors.SalesforceError):
    """One record fills a whole run."""

    remedy = "Take the related object out of the report (or filter it), so that a record comes once, or use a list view."

    def __init__(self, record_id: str) -> None:
        self.record_id = record_id
        super().__init__(
            f"The report repeats the record {record_id} 2,000 times or more, all that Salesforce gives in one run."
        )


class WindowTooFull(errors.SalesforceError):
    """More rows carry one and the same date or second than a run can give."""

    remedy = (
        "Use a list view as the import source, or narrow the report with a filter that parts these rows, "
        "for example by owner or record type."
    )

    def __init__(self, column: str, when: str) -> None:
        self.column = column
        super().__init__(
            f"More than 2,000 rows of the report have {when} in the column {column}, "
            "more than Salesforce gives in one run, so they can't be told apart."
        )


class TooManyRuns(errors.SalesforceError):
    """Reading in parts did not come to its end within a reasonable number of runs."""

    remedy = "Use a list view as the import source, or narrow the report."

    def __init__(self, runs: int) -> None:
        super().__init__(
            f"The report was not read to its end after {runs:,} runs, so reading it was given up."
        )


class WrongIdColumn(errors.SalesforceError):
    """The column mapped as the record's id holds something else."""

    remedy = "Map the column that holds the id of the person's own record, for example Contact ID."

    def __init__(self, column: str, sobject: str) -> None:
        super().__init__(f"The column {column} of the report holds something else than ids of a {sobject}.")


class _Item(msgspec.Struct):
    message: str | None = None
    errorCode: str | None = None
    # A number where it was seen, a name where it is documented.
    specificErrorCode: str | int | None = None


_HOURLY = re.compile(r"more than .{1,20} reports? (a?synchronously) every", re.IGNORECASE)
_AT_ONCE = re.compile(r"(requests|reports) at (a|the same) time|concurrent", re.IGNORECASE)
# What a run says after its two minutes was never recorded; another try at once would take as long.
_BROKEN_OFF = re.compile(r"timed? ?out|time limit|error when running this report", re.IGNORECASE)
_LIMIT_CODE = re.compile(r"LIMIT|EXCEED|TOO_MANY")
_COLUMN = re.compile(
    r"(?:column (?:name )?(?:because )?|because )(?P<column>[\w.$]+) (?:specified |is invalid|does not exist)"
    r"|(?:invalid|unknown) (?:\w+ )?column:? (?P<named>[\w.$]+)",
    re.IGNORECASE,
)


def report_error_of(status: int, body: bytes) -> errors.SalesforceError:
    """The error to raise for a refused call to a report's resource."""
    item = _first(body)
    code = item.errorCode or ""
    words = (item.message or "").replace("\u2019", "'")
    if status == 403 and code != "REQUEST_LIMIT_EXCEEDED" and not code.startswith("API_"):
        return _forbidden(item, words)
    if status == 404 or (status == 410 and "version" not in words.lower()):
        return ReportGone("The report does not exist any more, or the API user cannot see it.")
    if status == 400:
        return _rejected(code or "BAD_REQUEST", words)
    if status == 500 and "either invalid or incomplete" in words:
        return ReportRejected(code or "INTERNAL", words)
    if status == 501:
        return ReportUnsupported("Salesforce does not give the data of a report of this format.")
    if status == 504 or (status >= 500 and _BROKEN_OFF.search(words)):
        return ReportTimedOut("Salesforce broke the report off, most likely because it took too long.")
    return error_of(status, body)


def _first(body: bytes) -> _Item:
    try:
        items = msgspec.json.decode(body, type=list[_Item])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Item()
    return items[0] if items else _Item()


def _forbidden(item: _Item, words: str) -> errors.SalesforceError:
    hourly = _HOURLY.search(words)
    asynchronous = (
        hourly[1].lower() == "asynchronously" if hourly else bool(re.search(r"\basync", words, re.IGNORECASE))
    )
    if _AT_ONCE.search(words):
        return ReportConcurrencyExceeded(
            "Too many reports run in the Salesforce org at once.", asynchronous=asynchronous
        )
    if (
        hourly
        or _LIMIT_CODE.search(str(item.specificErrorCode or ""))
        or _LIMIT_CODE.search(item.errorCode or "")
    ):
        runs = HOURLY_ASYNC_RUNS if asynchronous else HOURLY_SYNC_RUNS
        return ReportLimitExceeded(
            f"The Salesforce org has used up its report runs of the last hour (usually {runs:,}).",
            asynchronous=asynchronous,
        )
    if "run reports" in words.lower():
        return ReportsNotAllowed("The API user may not run reports in Salesforce.")
    if "obsolete" in words.lower():
        return ReportGone("The report's type no longer exists, or reports on its object were switched off.")
    return ReportNotShared(NOT_SHARED)


def _rejected(code: str, words: str) -> errors.SalesforceError:
    if "valid condition" in words:
        return ComparisonRefused(code, words)
    if "column" in words.lower() and "fewer than 100" not in words:
        found = _COLUMN.search(words)
        if found:
            return ReportColumnMissing(found["column"] or found["named"])
    return ReportRejected(code, words)
