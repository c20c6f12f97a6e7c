"""Checks one value that a client writes into one field, and turns it into what the store keeps."""

import json
import re
from datetime import date, datetime
from math import isfinite

from orgsim.clock import stamp
from orgsim.errors import ApiError
from orgsim.ids import normalise
from orgsim.schema import Field

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
Stored = str | int | float | None


def stored_value(field: Field, value: object) -> Stored:
    """Raises ApiError with the code an org answers for this kind of mistake."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return _empty(field)
    if field.type == "boolean":
        return int(_boolean(field, value))
    if field.type in ("int", "double", "currency", "percent"):
        return _number(field, value)
    if field.type == "date":
        return _date(field, value)
    if field.type == "datetime":
        return _datetime(field, value)
    return _text(field, value)


def _empty(field: Field) -> Stored:
    if field.type == "boolean":
        raise _unreadable(field, "boolean", None)
    if not field.nillable:
        raise ApiError(
            400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{field.name}]", fields=[field.name]
        )
    return None


def _unreadable(field: Field, kind: str, value: object) -> ApiError:
    names = {str: "VALUE_STRING", bool: "VALUE_TRUE" if value else "VALUE_FALSE", type(None): "VALUE_NULL"}
    token = names.get(type(value), "VALUE_NUMBER_INT")
    shown = value if isinstance(value, str) else json.dumps(value)
    return ApiError(
        400,
        "JSON_PARSER_ERROR",
        f"Cannot deserialize instance of {kind} from {token} value {shown} or request may be missing a required "
        f"field at [line:1, column:{len(field.name) + 5}]",
    )


def _boolean(field: Field, value: object) -> bool:
    """A boolean; the texts "true" and "false" are read as well, as numbers in texts are."""
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    if not isinstance(value, bool):
        raise _unreadable(field, "boolean", value)
    return value


def _number(field: Field, value: object) -> Stored:
    """A number; a recorded client sends them as texts, which the API takes."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _unreadable(field, field.type, value)
    try:
        number = float(value)
        if field.type != "int" and isfinite(number):
            return _within(field, number)
        if number == int(number):
            return _within(field, int(number))
    except (ValueError, OverflowError):
        pass
    raise _unreadable(field, field.type, value)


def _within(field: Field, number: float) -> Stored:
    """The number, when the field has as many digits before the point."""
    places = field.digits or field.precision - field.scale
    if places and round(abs(number), field.scale) >= 10**places:
        message = f"{field.label}: value outside of valid range on numeric field: {number}"
        raise ApiError(400, "NUMBER_OUTSIDE_VALID_RANGE", message, fields=[field.name])
    return number


def _date(field: Field, value: object) -> Stored:
    try:
        if not isinstance(value, str) or value[10:11] not in ("", "T"):
            return _refuse()
        return date.fromisoformat(value[:10]).isoformat()
    except ValueError:
        raise _unreadable(field, "date", value) from None


def _datetime(field: Field, value: object) -> Stored:
    try:
        if not isinstance(value, str) or "T" not in value:
            return _refuse()
        moment = datetime.fromisoformat(value)
        return stamp(moment) if moment.tzinfo else _refuse()
    except ValueError:
        raise _unreadable(field, "datetime", value) from None


def _refuse() -> Stored:
    raise ValueError


def _text(field: Field, value: object) -> Stored:
    if isinstance(value, bool | dict | list):
        raise _unreadable(field, "string", value)
    text = value if isinstance(value, str) else json.dumps(value)
    if field.length and len(text) > field.length and field.type != "reference":
        raise ApiError(
            400,
            "STRING_TOO_LONG",
            f"{field.label}: data value too large: {text} (max length={field.length})",
            fields=[field.name],
        )
    if field.type == "email" and not _EMAIL.fullmatch(text):
        raise ApiError(
            400, "INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {text}", fields=[field.name]
        )
    if field.restricted_picklist and text not in field.label_of:
        raise ApiError(
            400,
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"{field.label}: bad value for restricted picklist field: {text}",
            fields=[field.name],
        )
    return _reference(field, text) if field.type == "reference" else text


def _reference(field: Field, text: str) -> str:
    full = normalise(text)
    if full is None:
        raise ApiError(
            400, "MALFORMED_ID", f"{field.label}: id value of incorrect type: {text}", fields=[field.name]
        )
    return full
