"""What an answer that is no success means: HTTP status and error list to one of our errors."""

import msgspec

from carillon.salesforce import errors


class _ErrorItem(msgspec.Struct):
    # Uniform error body of the REST API: [{"message": "...", "errorCode": "...", "fields": [...]}]
    message: str = ""
    errorCode: str = ""


_SIMPLE: dict[int, tuple[type[errors.SalesforceError], str]] = {
    401: (errors.SessionLost, "Salesforce refused the session, and the renewed one as well."),
    404: (errors.NotFound, "Salesforce has nothing at this place that the API user can see."),
    410: (errors.VersionRetired, "Salesforce has retired this version of its API."),
    429: (errors.ConcurrentLimitExceeded, "Salesforce asks for fewer calls at the same time."),
    500: (errors.Unavailable, "Salesforce answered with an internal error (500)."),
    502: (errors.Unavailable, "Salesforce could not be reached behind its gateway (502)."),
    503: (errors.Unavailable, "Salesforce is not available at the moment (503)."),
    504: (errors.Unavailable, "Salesforce did not answer its gateway in time (504)."),
}
_DISABLED = ("API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED")


def error_of(status: int, body: bytes) -> errors.SalesforceError:
    """The error to raise for an answer with a status outside 200-299."""
    if 300 <= status < 400:
        return errors.RedirectRefused(
            "Salesforce redirected the request to another address; it was not followed."
        )
    if status in _SIMPLE:
        kind, sentence = _SIMPLE[status]
        return kind(sentence)
    item = _first_item(body)
    if status == 403:
        return _forbidden(item)
    if status in (400, 414, 431):
        return _rejected(status, item)
    return errors.Refused(status, item.errorCode)


def _first_item(body: bytes) -> _ErrorItem:
    try:
        items = msgspec.json.decode(body, type=list[_ErrorItem])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _ErrorItem()
    return items[0] if items else _ErrorItem()


def _forbidden(item: _ErrorItem) -> errors.SalesforceError:
    if item.errorCode == "REQUEST_LIMIT_EXCEEDED":
        if "ConcurrentRequests" in item.message:
            return errors.ConcurrentLimitExceeded("Too many long calls run in the Salesforce org at once.")
        return errors.LimitExceeded("The Salesforce org has used up its API calls of the last 24 hours.")
    if item.errorCode in _DISABLED:
        return errors.ApiDisabled("The API user may not use the Salesforce API.")
    code = f" ({item.errorCode})" if item.errorCode else ""
    return errors.Forbidden(f"Salesforce does not allow the API user to do this{code}.")


def _rejected(status: int, item: _ErrorItem) -> errors.SalesforceError:
    if status != 400:
        return errors.QueryRejected(
            "URI_TOO_LONG", "the query is longer than Salesforce accepts in an address"
        )
    if item.errorCode == "INVALID_QUERY_LOCATOR":
        return errors.LocatorExpired("Salesforce no longer keeps the rest of this query's result.")
    if item.errorCode == "INVALID_FIELD":
        return errors.FieldNotFound(item.errorCode, item.message)
    return errors.QueryRejected(item.errorCode or "BAD_REQUEST", item.message)
