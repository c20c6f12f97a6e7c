"""Records out of the CSV of a bulk result, in the same types that the pages of a query come in.

Every value is text there: an empty one is null, related records (`Owner.Name`) nest and are null when all of their
columns are empty. A date and time stays the text it is, in either form that `parse_datetime` reads.
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any, Generic, TypeVar

import msgspec

from carillon.salesforce.errors import MalformedAnswer

# As many records at once as a page of a query has.
BATCH = 2_000

T = TypeVar("T")
_Convert = Callable[[str], Any]
_Build = Callable[[Sequence[str]], Any]
_NUMBER = msgspec.json.Decoder(int | float)
_DECIMAL = msgspec.json.Decoder(Decimal)
_BOOLEANS = {"true": True, "false": False}


def batches(
    body: bytes, record: type[T], *, delimiter: str = ",", skip: int = 0
) -> Iterator[list[T | msgspec.Raw]]:
    """The records below the header, some at a time; the first `skip` are left out. An empty body has none.

    Records that do not fit the type come as msgspec.Raw, in their place. Raises MalformedAnswer where the text is
    no CSV (such as one that ends in the middle of a value), a row has another number of columns than the header, or
    a record has no id.
    """
    if body and not body.endswith((b"\n", b'"')):
        # Cut between two values, which would look like a last value that is empty.
        raise _broken()
    text = io.TextIOWrapper(io.BytesIO(body), encoding="utf-8", newline="")
    rows = filter(None, csv.reader(text, delimiter=delimiter, strict=True))
    try:
        header = next(rows, None)
        if header is None:
            return
        reader = _Reader(record, header)
        wanted = islice(rows, skip, None)
        while batch := [reader.record(row) for row in islice(wanted, BATCH)]:
            yield batch
        return
    except (csv.Error, UnicodeDecodeError):
        pass
    # Raised out here: the first error would carry a piece of the body along.
    raise _broken()


def _broken() -> MalformedAnswer:
    return MalformedAnswer("Salesforce's result of a bulk query was cut off or is not in the agreed form.")


class _Reader(Generic[T]):
    def __init__(self, record: type[T], header: list[str]) -> None:
        self._header = header
        self._places = {name.lower(): place for place, name in enumerate(header)}
        self._build = _builder(record, "", self._places)
        self._id = self._places.get("id")

    def record(self, row: list[str]) -> T | msgspec.Raw:
        if len(row) != len(self._header):
            raise MalformedAnswer("Salesforce's result of a bulk query has a row with columns missing.")
        try:
            built: T = self._build(row)
        except ValueError:
            pass
        else:
            return built
        return self._raw(row)

    def _raw(self, row: list[str]) -> msgspec.Raw:
        """What a page would hold in this place: the record as JSON, with texts for what is no text there."""
        if self._id is not None and not row[self._id]:
            raise MalformedAnswer("Salesforce's result of a bulk query holds a record without an id.")
        whole: dict[str, Any] = {}
        for name, value in zip(self._header, row, strict=True):
            *parents, leaf = name.split(".")
            inner = whole
            for parent in parents:
                inner = inner.setdefault(parent, {})
            inner[leaf] = value or None
        return msgspec.Raw(msgspec.json.encode(whole))


@dataclass(frozen=True, slots=True)
class _Plan:
    """How one struct is built: for each of its fields a column and a conversion, or a builder of its own.

    A column of None takes `default`; a conversion of None is text that may be null, the common case.
    """

    columns: list[tuple[int | None, _Convert | None, Any]]
    nested: list[tuple[int, _Build]]


def _builder(record: Any, prefix: str, places: dict[str, int]) -> _Build:
    """What makes a struct of a row; `prefix` is the path that leads to it, such as `Owner.`"""
    plan = _plan(record, prefix, places)
    columns = [(place or 0, convert) for place, convert, _ in plan.columns]
    absent = [(at, default) for at, (place, _, default) in enumerate(plan.columns) if place is None]

    def build(row: Sequence[str]) -> Any:
        # Most values are text: asking here what needs a conversion is half the cost of a call for each.
        values = [(row[at] or None) if convert is None else convert(row[at]) for at, convert in columns]
        for position, default in absent:
            values[position] = default
        for position, inner in plan.nested:
            values[position] = inner(row)
        return record(*values)

    return build


def _plan(record: Any, prefix: str, places: dict[str, int]) -> _Plan:
    info = msgspec.inspect.type_info(record)
    if not isinstance(info, msgspec.inspect.StructType):
        raise TypeError(f"{record!r} is no struct, so a row can't become one")
    plan = _Plan([], [])
    for position, field in enumerate(info.fields):
        name = prefix + field.encode_name
        inner = _struct_in(field.type)
        place = places.get(name.lower())
        if inner is not None:
            plan.nested.append((position, _parent_builder(inner, f"{name}.", places)))
        elif place is None and field.required:
            raise MalformedAnswer(f"Salesforce's result of a bulk query lacks the column {name}.")
        default = None if field.default is msgspec.NODEFAULT else field.default
        plan.columns.append((place, _conversion(field.type) if place is not None else None, default))
    return plan


def _parent_builder(record: Any, prefix: str, places: dict[str, int]) -> _Build:
    """A related record, null when every column below it is empty."""
    below = [place for name, place in places.items() if name.startswith(prefix.lower())]
    if not below:
        return lambda row: None
    build = _builder(record, prefix, places)
    return lambda row: build(row) if any(row[place] for place in below) else None


def _members(kind: msgspec.inspect.Type) -> tuple[msgspec.inspect.Type, ...]:
    return kind.types if isinstance(kind, msgspec.inspect.UnionType) else (kind,)


def _struct_in(kind: msgspec.inspect.Type) -> type | None:
    found = (member.cls for member in _members(kind) if isinstance(member, msgspec.inspect.StructType))
    return next(found, None)


def _conversion(kind: msgspec.inspect.Type) -> _Convert | None:
    """None for text that may be null. A union with text is text: CSV does not say what else it could be."""
    types = {type(member) for member in _members(kind)}
    nullable = bool(types & {msgspec.inspect.NoneType, msgspec.inspect.AnyType})
    if types & {msgspec.inspect.StrType, msgspec.inspect.AnyType}:
        return None if nullable else _required
    if msgspec.inspect.BoolType in types:
        return _boolean if nullable else lambda text: _boolean(_required(text))
    if types & {msgspec.inspect.IntType, msgspec.inspect.FloatType}:
        return _number if nullable else lambda text: _number(_required(text))
    if msgspec.inspect.DecimalType in types:
        return _decimal if nullable else lambda text: _decimal(_required(text))
    return None


def _required(text: str) -> str:
    if not text:
        raise ValueError("empty")
    return text


def _boolean(text: str) -> bool | None:
    if not text:
        return None
    value = _BOOLEANS.get(text.lower())
    if value is None:
        raise ValueError("neither true nor false")
    return value


def _number(text: str) -> int | float | None:
    return _NUMBER.decode(text) if text else None


def _decimal(text: str) -> Decimal | None:
    return _DECIMAL.decode(text) if text else None
