"""Pages by keyset: a cursor holds the sort values of the last row shown, so any page costs the same."""

import base64
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import Http404

Row = TypeVar("Row", bound=Model)

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """`next` is the cursor of the page after this one, empty on the last."""

    rows: list[Row]
    next: str


def first_value(cursor: str, order: tuple[str, ...]) -> Any:
    """What the row before this page holds in the first field of its order. Raises Http404 on a foreign cursor."""
    return _decode(cursor, len(order))[0]


def page(found: QuerySet[Row], order: tuple[str, ...], *, cursor: str = "", size: int = 25) -> Page[Row]:
    """`order` names fields as order_by does, and together they are unique. Raises Http404 on a foreign cursor."""
    rows = list(beyond(found, order, cursor).order_by(*order)[: size + 1])
    return page_of(rows, order, size)


def page_of(rows: list[Row], order: tuple[str, ...], size: int) -> Page[Row]:
    """Rows that were read in this order, one more than fit on the page where there are more."""
    if len(rows) <= size:
        return Page(rows, "")
    last = rows[size - 1]
    return Page(rows[:size], _encode([getattr(last, name.lstrip("-")) for name in order]))


def beyond(found: QuerySet[Row], order: tuple[str, ...], cursor: str) -> QuerySet[Row]:
    """What comes after the cursor; everything when it is empty. Raises Http404 on a foreign cursor."""
    if not cursor:
        return found
    values = _decode(cursor, len(order))
    condition, equal = Q(), Q()
    for name, value in zip(order, values, strict=True):
        way = "lt" if name.startswith("-") else "gt"
        name = name.lstrip("-")
        condition |= equal & Q(**{f"{name}__{way}": value})
        equal &= Q(**{name: value})
    first, way = order[0].lstrip("-"), "lte" if order[0].startswith("-") else "gte"
    try:
        # Implied by the condition; it lets PostgreSQL start its index scan at the cursor.
        return found.filter(Q(**{f"{first}__{way}": values[0]})).filter(condition)
    except (ValidationError, ValueError, TypeError):
        raise Http404("This page address is not one of ours.") from None


def _encode(values: list[Any]) -> str:
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode()


def _decode(cursor: str, length: int) -> list[Any]:
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, list) or len(values) != length or not all(map(_may_be_ours, values)):
        raise Http404("This page address is not one of ours.")
    return values


def _may_be_ours(value: object) -> bool:
    """Whole numbers, and texts that the database can hold."""
    return type(value) is int or (isinstance(value, str) and not _UNSTORABLE.search(value))
