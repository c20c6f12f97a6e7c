"""What can go wrong with a Salesforce org, named by what can be done about it.

`str(error)` is one sentence for people: what happened and what it means. `.remedy` is what to do next.
No message ever holds a secret, a token, or the body of an answer.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType


class SalesforceError(Exception):
    """Anything the client raises.

    `retriable`: the same request may succeed later. `untouched`: the org surely did nothing of what was asked, so
    that even a request that must not happen twice may be sent again.
    """

    retriable: bool = False
    untouched: bool = False
    remedy: str = (
        "Try again; if it keeps happening, ask your Salesforce administrator to look at the API user."
    )

    def __init__(self, sentence: str, *, remedy: str = "") -> None:
        super().__init__(sentence)
        if remedy:
            self.remedy = remedy


class InvalidId(SalesforceError, ValueError):
    """A text that is no Salesforce record id."""

    remedy = "Copy the id from the record's address in Salesforce: 15 or 18 letters and digits."

    def __init__(self, given: str) -> None:
        shown = given[:30] if given.isascii() and given.isprintable() else "this text"
        super().__init__(f"{shown!r} is not a Salesforce record id.")


class HostRefused(SalesforceError):
    """The address is not one we send credentials to."""

    remedy = "Give the org's My Domain host, for example acme.my.salesforce.com (Setup > My Domain)."


class Unreachable(SalesforceError):
    """No answer: the name does not resolve, the connection failed or broke, or it took too long."""

    retriable = True
    remedy = "Check the host and this machine's network, then try again."


class Unavailable(SalesforceError):
    """Salesforce answered that it cannot serve now (500, 502, 503, 504)."""

    retriable = True
    remedy = "Look at status.salesforce.com for your instance and try again later."


class SessionLost(SalesforceError):
    """A new session was refused as well."""

    untouched = True
    remedy = "Check in Salesforce that the API user is active and its session settings allow API access."


class OrgExchanged(SalesforceError):
    """Another org answers at the host than the one whose session was lost: nothing was sent to it."""

    untouched = True
    remedy = (
        "If the sandbox was refreshed or the org was exchanged on purpose, an admin confirms it on the"
        " Authentication page; else correct the host."
    )

    def __init__(self) -> None:
        super().__init__(
            "Another Salesforce org answers at this address now, so nothing more was sent to it."
        )


class ApiDisabled(SalesforceError):
    """The API user may not use the API."""

    untouched = True
    remedy = "Give the API user the permission 'API Enabled' (a permission set is enough)."


class LimitExceeded(SalesforceError):
    """The org has used up its API calls of the last 24 hours."""

    untouched = True
    remedy = "Wait until calls of the last 24 hours run out of the count, or ask Salesforce for more."


class BudgetSpent(SalesforceError):
    """The caller's own budget of API calls has no room for another: nothing was sent."""

    untouched = True


class ConcurrentLimitExceeded(SalesforceError):
    """Too many long calls run in the org at this moment."""

    retriable = True
    untouched = True
    remedy = "Try again in a minute; other integrations keep the org busy."


class Forbidden(SalesforceError):
    """The API user lacks a permission for what was asked."""

    untouched = True
    remedy = "Give the API user read access to the object in a permission set, then try again."


class NotFound(SalesforceError):
    """What was asked for does not exist, or the API user cannot see it."""

    remedy = "Check that it still exists and is shared with the API user (a public group that holds it)."


class VersionRetired(SalesforceError):
    """The org no longer serves the version of the API that is asked for: nothing is known of what was asked for."""

    untouched = True
    remedy = "Update Carillon: a newer release speaks a version that Salesforce still serves."


class Refused(SalesforceError):
    """An answer no rule of ours expects; carries the HTTP status and Salesforce's code."""

    def __init__(self, status: int, code: str = "") -> None:
        self.status = status
        self.code = code
        super().__init__(
            f"Salesforce refused the request with status {status}{f' ({code})' if code else ''}."
        )


class LocatorExpired(SalesforceError):
    """The rest of a query's result is no longer kept by Salesforce."""

    remedy = "Run the query again from where it stopped."


class MalformedAnswer(SalesforceError):
    """The answer was cut off or not in the agreed form."""

    retriable = True
    remedy = "Try again; if it keeps happening, a proxy between here and Salesforce may change the answers."


class RedirectRefused(SalesforceError):
    """An answer pointed to another address; credentials are never sent on."""

    remedy = "Give the org's current My Domain host (Setup > My Domain); it may have been renamed or moved."


class OutcomeUnknown(SalesforceError):
    """A request that must not happen twice got no clear answer: it may have been carried out, or not."""

    remedy = "Look in Salesforce whether it is there before it is made again."


class StretchRefused(SalesforceError):
    """The org's log of deletions and changes does not answer for the time asked for."""

    remedy = "Read all records again; whatever the log would have told shows then."


class Stopped(SalesforceError):
    """The caller asked to stop while the client waited to try again, or between two requests of one order."""

    untouched = True

    remedy = "Start again when you want to."

    def __init__(self) -> None:
        super().__init__("Stopped on request before Salesforce was asked again.")


class UnsupportedListQuery(SalesforceError):
    """A list view whose query cannot be run as it stands."""

    remedy = "Choose another list view, or rebuild this one with filters on the object's own fields."


class QueryRejected(SalesforceError):
    """Salesforce would not run the query; `code` is its errorCode, `detail` its reason without the query."""

    remedy = (
        "Check the source and the mapped fields of the setup; describe them again if fields were changed."
    )

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.detail = _reason(message)
        super().__init__(f"Salesforce refused the query ({code}): {self.detail}")


class FieldNotFound(QueryRejected):
    """A field of the query does not exist or is hidden from the API user; the two look alike from outside."""

    remedy = "Give the API user read access to the field (field-level security), or take it off the mapping."

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        found = re.search(r"No such column '([^']{1,255})'", message) or re.search(
            r"Didn't understand relationship '([^']{1,255})'", message
        )
        self.field = found.group(1) if found else ""
        if self.field:
            self.args = (
                f"The field {self.field} does not exist in Salesforce or the API user cannot see it, "
                "so the query was refused.",
            )


class BulkRefused(QueryRejected):
    """A query, an object or an org that Bulk API 2.0 does not serve; the REST API may."""

    remedy = "Read these records by REST pages instead."


class BulkJobFailed(SalesforceError):
    """Salesforce gave up on a bulk job; `detail` is its reason without the query."""

    retriable = True
    remedy = "Try again; if it keeps happening, read fewer fields or a smaller list, or by REST pages."

    def __init__(self, message: str) -> None:
        self.detail = _reason(message)
        super().__init__(f"Salesforce could not finish the bulk query: {self.detail}")


class BulkJobAborted(SalesforceError):
    """Somebody ended a bulk job before it was complete."""

    remedy = "Try again; a Salesforce administrator can see who ends bulk data load jobs in Setup."

    def __init__(self) -> None:
        super().__init__("The bulk query was ended in Salesforce before it was complete.")


class BulkJobUnfinished(SalesforceError):
    """A bulk job was not complete in the time given; it goes on in the org."""

    remedy = "Try again when the org is less busy, or read by REST pages."

    def __init__(self, seconds: float) -> None:
        super().__init__(f"Salesforce did not finish the bulk query within {seconds:,.0f} seconds.")


class BulkJobGone(NotFound):
    """A bulk job that was deleted, is older than seven days, or belongs to another user."""

    remedy = "Run the query again: Salesforce keeps the result of a bulk query for seven days."

    def __init__(self) -> None:
        super().__init__("Salesforce no longer keeps this bulk query and its result.")


class BulkVersionDiffers(SalesforceError):
    """Results were asked for in another API version than the job was created in (409)."""

    remedy = "Run the query again; the version of the Salesforce API was changed after it was started."

    def __init__(self) -> None:
        super().__init__("The bulk query was started in another version of the Salesforce API.")


class BulkShort(SalesforceError):
    """The sets of a result hold other records than the job says it processed."""

    remedy = (
        "Run the query again; if it keeps happening, a proxy between here and Salesforce may change answers."
    )

    def __init__(self, expected: int, received: int) -> None:
        super().__init__(
            f"Salesforce found {expected:,} records for the bulk query but its result held {received:,}."
        )


class SignInRefused(SalesforceError):
    """The token request was refused; `error` is the code of Salesforce's answer.

    The class and code decide; the description only chooses a more exact sentence, since its wording changes
    between releases.
    """

    def __init__(self, error: str, description: str = "") -> None:
        self.error = error.lower() if re.fullmatch(r"[A-Za-z_]{1,60}", error) else "unknown"
        sentence, remedy = _sign_in_words(self.error, description.lower())
        super().__init__(sentence, remedy=remedy)


def _reason(message: str) -> str:
    # A rejected query comes back whole, with a caret, ahead of the reason; filters may hold personal data.
    _, marker, reason = message.rpartition("ERROR at Row:")
    text = reason.partition("\n")[2] if marker else message
    return " ".join(text.split())[:300] or "no reason given"


_APP = "Setup > External Client App Manager, your app"
_WRONG_SECRET = (
    "The client secret was refused: it is not the one of this app.",
    f"Copy the consumer secret again from {_APP}, and save it on the page Authentication.",
)
_NOT_INSTALLED = (
    "The app is not installed in this org.",
    "Check that the host belongs to the org in which the External Client App was made.",
)
_BY_CODE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "invalid_client_id": (
            "Salesforce does not know this client id.",
            f"Copy the consumer key again from {_APP}; a new app takes up to ten minutes to be known.",
        ),
        "invalid_client": _WRONG_SECRET,
        "unsupported_grant_type": (
            "The app in Salesforce does not allow signing in by client credentials.",
            f"Enable the client credentials flow in {_APP}, under OAuth settings and again under policies.",
        ),
        "inactive_user": (
            "The API user the app runs as is inactive or frozen.",
            "Activate or unfreeze that user, or choose another 'run as' user in the app's policies.",
        ),
        "inactive_org": (
            "The Salesforce org is not active: it is locked, expired or suspended.",
            "Ask the owner of the org or Salesforce support to activate it.",
        ),
        "rate_limit_exceeded": (
            "Salesforce has seen too many sign-in attempts and refuses more for now.",
            "Wait an hour, then try again once.",
        ),
        "invalid_scope": (
            "The app in Salesforce does not grant the API scope.",
            f"Add the scope 'Manage user data via APIs (api)' in {_APP}.",
        ),
        "invalid_app_access": (
            "The API user is not admitted to the app in Salesforce.",
            "Add the user's profile or permission set to the app's policies.",
        ),
        "app_not_found": _NOT_INSTALLED,
        "oauth_ec_app_not_found": _NOT_INSTALLED,
        "oauth_app_blocked": (
            "An administrator has blocked the app in this org.",
            "Unblock it in Salesforce (Setup > Connected Apps OAuth Usage), or use another app.",
        ),
        "invalid_request": (
            "Salesforce found the sign-in request incomplete: client id or secret is missing.",
            "Enter the client id and the secret again.",
        ),
        "unsupported_response_type": (
            "The app in Salesforce is not set up for signing in by client credentials.",
            f"Enable the client credentials flow in {_APP}.",
        ),
        "redirect_uri_mismatch": (
            "The app in Salesforce is not set up for signing in by client credentials.",
            f"Enable the client credentials flow in {_APP}.",
        ),
        "invalid_grant": (
            "Salesforce refused to sign in with these credentials.",
            f"Check client id, secret, the client credentials flow and its 'run as' user in {_APP}.",
        ),
    }
)
# invalid_grant covers many faults; the descriptions seen for each.
_GRANT_DESCRIPTIONS: tuple[tuple[str, tuple[str, str]], ...] = (
    (
        "not supported on this domain",
        (
            "Client credentials work only on the org's own My Domain host.",
            "Give the My Domain host, for example acme.my.salesforce.com, instead of login or test.",
        ),
    ),
    (
        "no client credentials user",
        (
            "The app in Salesforce has no 'run as' user for the client credentials flow.",
            f"Choose the API user as 'run as' user in the policies of {_APP}.",
        ),
    ),
    (
        "ip restricted",
        (
            "Salesforce does not allow sign-in from this machine's address.",
            "Add its address to the trusted IP ranges of the API user's profile, or relax the app's IP policy.",
        ),
    ),
    (
        "hasn't approved",
        (
            "The API user has not been approved for this app in Salesforce.",
            "Add the user's profile or permission set to the app's policies.",
        ),
    ),
    (
        "expired access/refresh token",
        ("The earlier sign-in was revoked or has expired.", "Connect the org again."),
    ),
    (
        "invalid password",
        ("Salesforce refused the credentials.", f"Copy client id and secret again from {_APP}."),
    ),
    ("invalid client credentials", _WRONG_SECRET),
    ("user is inactive", _BY_CODE["inactive_user"]),
)


def _sign_in_words(error: str, description: str) -> tuple[str, str]:
    if error == "invalid_grant":
        for part, words in _GRANT_DESCRIPTIONS:
            if part in description:
                return words
    unknown = (
        f"Salesforce refused the sign-in with the code {error}.",
        f"Check client id, secret and the settings of {_APP}.",
    )
    return _BY_CODE.get(error, unknown)
