"""One page of a query's result, decoded straight into the caller's record type.

A bad *value* comes back as the raw record, its neighbours decoded; a bad *envelope* is a MalformedAnswer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from carillon.salesforce.errors import MalformedAnswer, RedirectRefused
from carillon.salesforce.transport import Answer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class QueryPage(Generic[T]):
    """`records` that do not fit the type come as msgspec.Raw, in their place among the others.

    `number` counts from 1; `total_size` is the count when the query was opened; `answered_at` is the org's clock;
    `bytes` is the size of the answer.
    """

    records: list[T | msgspec.Raw]
    total_size: int
    number: int
    done: bool
    answered_at: datetime
    bytes: int


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """What the client needs beside the page itself: the path of the next one, "" after the last."""

    records: list[T | msgspec.Raw]
    total_size: int
    next_path: str
    answered_at: datetime
    bytes: int


class _Envelope(msgspec.Struct, Generic[T]):
    totalSize: int
    done: bool
    records: list[T]
    nextRecordsUrl: str | None = None


# Bytes that are not UTF-8 are an error of their own.
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError)


class _Identified(msgspec.Struct):
    Id: str


def page_decoder(record: type[T]) -> Callable[[Answer], Page[T]]:
    """A decoder of pages of this type, made once for a query; raises MalformedAnswer."""
    whole = msgspec.json.Decoder(_Envelope[record])  # type: ignore[valid-type]
    by_record = msgspec.json.Decoder(_Envelope[msgspec.Raw])
    single = msgspec.json.Decoder(record)
    needs_id = _has_id(record)

    def decode(answer: Answer) -> Page[T]:
        try:
            envelope = whole.decode(answer.body)
        except _UNDECODABLE:
            envelope = None
        if envelope is not None:
            return _page(envelope, list(envelope.records), answer)
        try:
            loose = by_record.decode(answer.body)
        except _UNDECODABLE:
            loose = None
        if loose is None:
            raise MalformedAnswer("Salesforce's answer to a query was cut off or not in the agreed form.")
        mixed: list[T | msgspec.Raw] = []
        for raw in loose.records:
            one = _one(raw, single)
            if one is raw and needs_id and not _is_identified(raw):
                raise MalformedAnswer("Salesforce's answer to a query holds a record without an id.")
            # A copy, since a raw record keeps the whole page in memory.
            mixed.append(raw.copy() if one is raw else one)
        return _page(loose, mixed, answer)

    return decode


def same_instance_path(url: str) -> str:
    """The address of a next page, which must be a path on the org itself; raises RedirectRefused."""
    if not url.startswith("/services/data/") or ".." in url or not url.isascii() or not url.isprintable():
        raise RedirectRefused("The next page was said to be at another address; it was not asked for.")
    return url


def check_new(place: str, seen: set[str]) -> None:
    """Adds the path or locator of a further part; raises MalformedAnswer for one that was there before."""
    if place in seen:
        raise MalformedAnswer("Salesforce's answer leads back to a part of the result that was read already.")
    seen.add(place)


def _page(envelope: _Envelope[Any], records: list[T | msgspec.Raw], answer: Answer) -> Page[T]:
    if envelope.totalSize < 0 or answer.answered_at is None:
        raise MalformedAnswer("Salesforce's answer to a query carries no valid count or no time.")
    next_path = ""
    if not envelope.done:
        if not envelope.nextRecordsUrl:
            raise MalformedAnswer("Salesforce's answer to a query says there is more, but not where.")
        next_path = same_instance_path(envelope.nextRecordsUrl)
    return Page(records, envelope.totalSize, next_path, answer.answered_at, len(answer.body))


def _one(raw: msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> T | msgspec.Raw:
    try:
        value: T = decoder.decode(raw)
    except _UNDECODABLE:
        return raw
    return value


def _is_identified(raw: msgspec.Raw) -> bool:
    try:
        return bool(msgspec.json.decode(raw, type=_Identified).Id)
    except _UNDECODABLE:
        return False


def _has_id(record: type[object]) -> bool:
    if not issubclass(record, msgspec.Struct):
        return False
    return any(field.encode_name == "Id" for field in msgspec.structs.fields(record))
