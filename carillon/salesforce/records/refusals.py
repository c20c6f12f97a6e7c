"""Why Salesforce would not write one record: its code to what can be done, in words for the people who work here.

A refusal of one record is data, not an exception. The REST API says it in two shapes: `errorCode` when one record
was written alone, `statusCode` in the results of a collection. Its text may hold values of the record: it is shown,
never logged.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

import msgspec

from carillon.salesforce.answers import error_of
from carillon.salesforce.errors import Refused, SalesforceError

LONGEST_REASON = 300


class Kind(StrEnum):
    """What can be done: TRANSIENT passes by itself, GONE and CONVERTED are followed to the living record, LIMIT
    helps to be halved, BUG is ours; everything else waits for a person."""

    TRANSIENT = "TRANSIENT"
    GONE = "GONE"
    CONVERTED = "CONVERTED"
    APPROVAL = "APPROVAL"
    VALIDATION = "VALIDATION"
    PICKLIST = "PICKLIST"
    FIELD = "FIELD"
    VALUE = "VALUE"
    ACCESS = "ACCESS"
    DUPLICATE = "DUPLICATE"
    AUTOMATION = "AUTOMATION"
    LIMIT = "LIMIT"
    STORAGE = "STORAGE"
    ROLLED_BACK = "ROLLED_BACK"
    BUG = "BUG"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class WriteRefusal:
    """`code` is Salesforce's; `reason` its text, shortened; `fields` the API names it blames, often none."""

    kind: Kind
    code: str
    reason: str = field(repr=False)
    fields: tuple[str, ...] = ()

    @property
    def transient(self) -> bool:
        return self.kind is Kind.TRANSIENT

    @property
    def sentence(self) -> str:
        """What happened, for a person."""
        words = _BY_CODE_WORDS.get(self.code) if self.kind is _BY_CODE.get(self.code) else None
        sentence = words or _WORDS[self.kind][0]
        named = ", ".join(self.fields) or "a field of the record"
        # The org's own text comes last, since it may hold braces.
        said = sentence.replace("{code}", self.code).replace("{fields}", named)
        said = said.replace("{reason}", self.reason)
        return said if said[-1] in ".!?…" else f"{said}."

    @property
    def remedy(self) -> str:
        """What to do next."""
        return _WORDS[self.kind][1]


class WriteRefused(SalesforceError):
    """A refusal on its way through the transport, which tries again what passes by itself."""

    untouched = True

    def __init__(self, refusal: WriteRefusal) -> None:
        self.refusal = refusal
        self.retriable = refusal.transient
        super().__init__(refusal.sentence, remedy=refusal.remedy)


class ErrorItem(msgspec.Struct):
    """One error of either shape."""

    message: str | None = None
    errorCode: str = ""
    statusCode: str = ""
    fields: list[str] | None = None


# Answers to one write that speak of the call and not of the record.
_OF_THE_CALL = frozenset(
    {"REQUEST_LIMIT_EXCEEDED", "API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED", "INVALID_SESSION_ID"}
)
# A trigger that ran out of its limits comes as an internal error, but is no outage.
_OUT_OF_LIMITS = frozenset({"APEX_ERROR"})
_OF_THE_RECORD = (400, 403, 404, 409, 413)
_FAULTS_WITH_ONE = _OUT_OF_LIMITS | {"UNKNOWN_EXCEPTION"}
_BY_CODE: Mapping[str, Kind] = MappingProxyType(
    {
        "UNABLE_TO_LOCK_ROW": Kind.TRANSIENT,
        "SERVER_UNAVAILABLE": Kind.TRANSIENT,
        "UNKNOWN_EXCEPTION": Kind.TRANSIENT,
        "QUERY_TIMEOUT": Kind.TRANSIENT,
        "REQUEST_LIMIT_EXCEEDED": Kind.TRANSIENT,
        "ENTITY_IS_DELETED": Kind.GONE,
        "NOT_FOUND": Kind.GONE,
        "CANNOT_UPDATE_CONVERTED_LEAD": Kind.CONVERTED,
        "ENTITY_IS_LOCKED": Kind.APPROVAL,
        "FIELD_CUSTOM_VALIDATION_EXCEPTION": Kind.VALIDATION,
        "FIELD_FILTER_VALIDATION_EXCEPTION": Kind.VALIDATION,
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": Kind.PICKLIST,
        "INVALID_FIELD": Kind.FIELD,
        "INVALID_FIELD_FOR_INSERT_UPDATE": Kind.FIELD,
        "STRING_TOO_LONG": Kind.VALUE,
        "REQUIRED_FIELD_MISSING": Kind.VALUE,
        "INVALID_EMAIL_ADDRESS": Kind.VALUE,
        "NUMBER_OUTSIDE_VALID_RANGE": Kind.VALUE,
        "FIELD_INTEGRITY_EXCEPTION": Kind.VALUE,
        "INVALID_CROSS_REFERENCE_KEY": Kind.VALUE,
        "INSUFFICIENT_ACCESS_OR_READONLY": Kind.ACCESS,
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": Kind.ACCESS,
        "INSUFFICIENT_ACCESS": Kind.ACCESS,
        "DUPLICATES_DETECTED": Kind.DUPLICATE,
        "DUPLICATE_VALUE": Kind.DUPLICATE,
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": Kind.AUTOMATION,
        "CANNOT_EXECUTE_FLOW_TRIGGER": Kind.AUTOMATION,
        "APEX_ERROR": Kind.AUTOMATION,
        "LIMIT_EXCEEDED": Kind.LIMIT,
        "REQUEST_RUNNING_TOO_LONG": Kind.LIMIT,
        "EXCEEDED_MAX_SIZE_REQUEST": Kind.LIMIT,
        "STORAGE_LIMIT_EXCEEDED": Kind.STORAGE,
        "ALL_OR_NONE_OPERATION_ROLLED_BACK": Kind.ROLLED_BACK,
        "MALFORMED_ID": Kind.BUG,
        "JSON_PARSER_ERROR": Kind.BUG,
        "INVALID_TYPE": Kind.BUG,
        "INVALID_TYPE_ON_FIELD_IN_RECORD": Kind.BUG,
        "MISSING_ARGUMENT": Kind.BUG,
    }
)
_BY_CODE_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "UNABLE_TO_LOCK_ROW": "Somebody or something else was changing this record, or its account, in the same moment.",
        "REQUEST_LIMIT_EXCEEDED": "The Salesforce org has no API calls left for this change at the moment.",
        "REQUIRED_FIELD_MISSING": "Salesforce requires a value in fields that this record leaves empty: {fields}.",
        "FIELD_FILTER_VALIDATION_EXCEPTION": "A lookup filter of your Salesforce org refused the change: {reason}",
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": "The API user has no access in Salesforce to this record, or"
        " to one it refers to.",
        "DUPLICATE_VALUE": "Another record in Salesforce holds this value already, and the field must be unique.",
        "CANNOT_EXECUTE_FLOW_TRIGGER": "A flow in Salesforce failed while the record was saved, so it was not: {reason}",
    }
)
_PERMISSION_SET = "Setup > Permission Sets, the one assigned to the API user"
_WORDS: Mapping[Kind, tuple[str, str]] = MappingProxyType(
    {
        Kind.TRANSIENT: (
            "Salesforce could not save the change at this moment.",
            "It passes by itself: try again in a moment. If it stays, ask your Salesforce administrator which"
            " automation or integration keeps the record busy.",
        ),
        Kind.GONE: (
            "The record is no longer there: it was deleted or merged in Salesforce, or hidden from the API user.",
            "Look in Salesforce whether it was merged into another record or is still shared with the API user.",
        ),
        Kind.CONVERTED: (
            "This lead was converted, and Salesforce no longer lets it be changed.",
            "The change belongs on the contact it became; make sure the API user can see that contact.",
        ),
        Kind.APPROVAL: (
            "The record is locked in Salesforce by an approval that is under way.",
            "Finish or recall the approval in Salesforce, then try again.",
        ),
        Kind.VALIDATION: (
            "A validation rule of your Salesforce org refused the change: {reason}",
            "Correct the record in Salesforce, or exempt the API user from the rule (Setup > Object Manager, the"
            " object, Validation Rules), then try again.",
        ),
        Kind.PICKLIST: (
            "Salesforce does not offer the value for the restricted picklist: {fields}.",
            "Add the value to the picklist in Salesforce, or choose another value in the setup.",
        ),
        Kind.FIELD: (
            "No edit right on {fields}: the API user may not change it in Salesforce, or it does not exist there any more.",
            f"Give Edit Access to the field (field-level security) in {_PERMISSION_SET}, or choose another field in"
            " the setup. A formula field can never be edited.",
        ),
        Kind.VALUE: (
            "Salesforce does not accept a value: {fields}.",
            "Correct the record in Salesforce, or look at the field's settings there, then try again.",
        ),
        Kind.ACCESS: (
            "The API user may see this record in Salesforce but not edit it.",
            f"Give Edit on the object in {_PERMISSION_SET}, and let a sharing rule give Read/Write on the records."
            " The contact of a person account is edited on its account.",
        ),
        Kind.DUPLICATE: (
            "A duplicate rule of your Salesforce org blocks the change: it takes another record for the same person.",
            "Merge the two records in Salesforce, or let the rule alert instead of block (Setup > Duplicate Rules).",
        ),
        Kind.AUTOMATION: (
            "An automation in Salesforce failed while the record was saved, so it was not: {reason}",
            "Show this text to your Salesforce administrator: a trigger or flow on the object needs mending.",
        ),
        Kind.LIMIT: (
            "Salesforce's automations on this record need more than the org allows them in one go ({code}).",
            "Show this to your Salesforce administrator: a trigger or flow on the object runs into its limits.",
        ),
        Kind.STORAGE: (
            "The Salesforce org has no storage left for new records.",
            "Ask your Salesforce administrator to free or buy data storage (Setup > Storage Usage).",
        ),
        Kind.ROLLED_BACK: (
            "It was not saved because another record of the same request was refused.",
            "Correct the other record, then try again.",
        ),
        Kind.BUG: (
            "Carillon sent something Salesforce cannot read ({code}).",
            "This is a fault of Carillon's: report it with the code to those who look after Carillon.",
        ),
        Kind.UNKNOWN: (
            "Salesforce refused the change with the code {code}: {reason}",
            "Show this text to your Salesforce administrator.",
        ),
    }
)
# A trigger or flow that ran out of its share of a transaction: fewer records at once may pass.
_GOVERNOR = re.compile(
    r"System\.LimitException|Too many (?:SOQL|DML|SOSL|query rows|queueable|future|callouts)|CPU time limit"
    r"|heap size too large|iterations exceeded|Maximum stack depth",
    re.IGNORECASE,
)
_NAMED_FIELDS = re.compile(r"(?:No such column '|create/update fields: )([\w, ]{1,300})", re.ASCII)


def refusal_of(item: ErrorItem) -> WriteRefusal:
    """One error of either shape as a refusal."""
    code = item.statusCode or item.errorCode
    code = code if re.fullmatch(r"[A-Z][A-Z0-9_]{1,79}", code, re.ASCII) else "UNKNOWN"
    message = item.message or ""
    fields = tuple(item.fields or _fields_named_in(message))
    return WriteRefusal(_kind_of(code, message, fields), code, _shortened(message), fields)


def refusal_of_all(items: Sequence[ErrorItem]) -> WriteRefusal:
    """The refusal to show of several errors of one record: the first that does not pass by itself."""
    refusals = [refusal_of(item) for item in items] or [refusal_of(ErrorItem())]
    return next((refusal for refusal in refusals if not refusal.transient), refusals[0])


def write_error_of(status: int, body: bytes) -> SalesforceError:
    """The error for a write of one record that failed: WriteRefused when it is about the record."""
    return _error(status, body, of_the_record=_OF_THE_RECORD, faults=_OUT_OF_LIMITS)


def step_error_of(status: int, body: bytes) -> SalesforceError:
    """As `write_error_of`, for a write in a composite call that Salesforce answered: an internal error is this record's
    alone then, and no outage."""
    return _error(status, body, of_the_record=_OF_THE_RECORD, faults=_FAULTS_WITH_ONE)


def batch_error_of(status: int, body: bytes) -> SalesforceError:
    """The error for a collection that failed as a whole: WriteRefused when something in the collection is why."""
    return _error(status, body, of_the_record=(400, 413), faults=_OUT_OF_LIMITS)


def _error(
    status: int, body: bytes, *, of_the_record: tuple[int, ...], faults: frozenset[str]
) -> SalesforceError:
    items = error_items(body)
    codes = {item.errorCode for item in items}
    told = status in of_the_record or (status == 500 and not codes.isdisjoint(faults))
    if told and items and not codes & _OF_THE_CALL:
        return WriteRefused(refusal_of_all(items))
    return Refused(status) if status == 400 else error_of(status, body)


def error_items(body: bytes) -> list[ErrorItem]:
    """The error list of an answer that carries a code; empty for any other body, such as a gateway's page."""
    try:
        items = msgspec.json.decode(body, type=list[ErrorItem])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
    return [item for item in items if item.errorCode or item.statusCode]


def _kind_of(code: str, message: str, fields: Sequence[str]) -> Kind:
    kind = _BY_CODE.get(code, Kind.UNKNOWN)
    # A trigger or flow that met a busy row, often an account's: its code is the trigger's.
    if kind is Kind.AUTOMATION and "UNABLE_TO_LOCK_ROW" in message:
        return Kind.TRANSIENT
    if kind is Kind.AUTOMATION and _GOVERNOR.search(message):
        return Kind.LIMIT
    # Without a field it is the record itself that the org does not know (recorded for ids in a collection).
    if code == "INVALID_CROSS_REFERENCE_KEY" and set(fields) <= {"Id"}:
        return Kind.GONE
    return kind


def _fields_named_in(message: str) -> list[str]:
    found = _NAMED_FIELDS.search(message)
    return [name for name in re.split(r"[, ]+", found[1]) if name] if found else []


def _shortened(message: str) -> str:
    text = " ".join("".join(c if c.isprintable() else " " for c in message).split())
    if not text:
        return "no reason given"
    return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 1].rstrip() + "…"
