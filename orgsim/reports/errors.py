"""Refusals in the words of the "Report Error Codes" page of the Analytics API guide (v67).

The codes beside the texts are recorded for BAD_REQUEST and FORBIDDEN; those of 404, 500 and 501 are inferred, and
so is the number in specificErrorCode.
"""

from orgsim.errors import ApiError

_SPECIFIC = 303


class ReportError(ApiError):
    """`specific` adds a specificErrorCode, as some refusals of this API carry one."""

    def __init__(self, status: int, error_code: str, message: str, *, specific: bool = False) -> None:
        super().__init__(status, error_code, message)
        self.specific = specific

    def body(self) -> list[dict[str, object]]:
        errors = super().body()
        if self.specific:
            errors[0]["specificErrorCode"] = _SPECIFIC
        return errors


def bad(message: str) -> ReportError:
    return ReportError(400, "BAD_REQUEST", message)


def bad_column(name: object) -> ReportError:
    return bad(f"Specify a valid filterable column because {name} is invalid.")


def bad_condition(operator: object) -> ReportError:
    return bad(f"Specify a valid condition because {operator} is invalid.")


def bad_date() -> ReportError:
    return bad(
        "Filter the date in the correct format. Accepted formats are yyyy-MM-dd'T'HH:mm:ss'Z' and yyyy-MM-dd."
    )


def bad_id(value: str) -> ReportError:
    return bad(
        f"The filter value for ID {value} is incorrect. Specify an ID that is 15 or 18 characters long, such as "
        "006D000000CrRLw or 005U0000000Rg2CIAS."
    )


def bad_value(value: str, column: str) -> ReportError:
    """Inferred: the guide has no text for a number or checkbox that is none."""
    return bad(f"The filter value {value} is invalid for the column {column}.")


def not_in_filters() -> ReportError:
    return bad(
        "Some fields, including description and long text area fields, can't be included in filter logic."
    )


def unavailable() -> ReportError:
    return ReportError(404, "NOT_FOUND", "The data you're trying to access is unavailable.")


def no_privilege() -> ReportError:
    return ReportError(403, "FORBIDDEN", "You don't have sufficient privileges to perform this operation.")


def may_not_run() -> ReportError:
    return ReportError(
        403,
        "FORBIDDEN",
        "You don't have permission to run reports. Check that you have the Run Reports user permission.",
    )


def unsupported_format() -> ReportError:
    return ReportError(501, "NOT_IMPLEMENTED", "You're requesting data for an unsupported report format.")


def no_excel() -> ReportError:
    """An org exports a workbook here; the simulated one says that it doesn't."""
    return ReportError(406, "NOT_ACCEPTABLE", "Excel export is not supported by this simulated org.")


def no_metadata() -> ReportError:
    return bad("The request is invalid because there is no metadata. Specify metadata in the request body.")


def run_failed() -> ReportError:
    return ReportError(
        500,
        "UNKNOWN_EXCEPTION",
        "We ran into an error when running this report. Try to re-submit your query.",
    )


def too_many_runs(most: int, how: str, *, specific: bool) -> ReportError:
    message = f"You can't run more than {most:,} reports {how} every 60 minutes. Try again later."
    return ReportError(403, "FORBIDDEN", message, specific=specific)


def too_many_at_once(most: int, what: str, *, specific: bool) -> ReportError:
    message = (
        "Reports and Dashboards REST API can't process the request because it can accept only as many as "
        f"{most} requests at a time to {what}."
    )
    return ReportError(403, "FORBIDDEN", message, specific=specific)
